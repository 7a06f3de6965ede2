# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A data set as EM reads it: columns, designs, blocks, folds, groups."""
