# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The data files; README.md describes each."""
