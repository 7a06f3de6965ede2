# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Slices of rows that fit the cache, and tasks for threads."""

# Doubles of a block's largest intermediate: half of a common second-level cache.
CACHE_SIZE = 2**17


# Rows handed to one thread at a time. It does not depend on the number of threads, so
# that neither does the order in which sums are added.
TASK_ROWS = 2**14


def block_batches(start, stop, n_columns, n_weights):
    """Slices from `start` to `stop`, as long as the cache holds what they grow to."""
    n_weights = max(n_weights, 1)
    width = n_columns * min((n_columns + 1) // 2, n_weights) + n_weights
    return row_batches(start, stop, min(max(CACHE_SIZE // width, 128), 2048))


def row_batches(start, stop, length):
    """Slices of `length` rows from `start` to `stop`."""
    # scikit-learn's gen_batches validates its parameters, which takes as long as an
    # E-step of some hundred rows.
    return [
        slice(first, min(first + length, stop)) for first in range(start, stop, length)
    ]
