# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What a part at work on training rows can do: local models and sums over blocks."""
