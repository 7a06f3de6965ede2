# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The fitted mixture, p(y | x), and its answers."""
