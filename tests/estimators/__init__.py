# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
