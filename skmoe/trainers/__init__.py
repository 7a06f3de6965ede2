# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Contracts of parts at work on training rows: local models, sums over blocks."""
