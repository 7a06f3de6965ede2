# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The mixture at work on its training rows: what EM climbs."""
