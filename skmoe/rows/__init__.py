# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What EM reads of a data set: columns, designs, blocks, folds, groups."""
