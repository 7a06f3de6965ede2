# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Pure numerics on arrays: weighted least squares and softmax regression."""
