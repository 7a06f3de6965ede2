# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Smallest and largest values over many rows, a batch at a time."""

import numpy as np

from skmoe.numerics.batches import row_batches


def ranges(values, chosen, batch):
    """Return the ends of values over chosen rows and over all, (2, K, T) twice.

    Where no row is chosen the first are infinite: a range that adds nothing to another.

    Parameters
    ----------
    values : callable
        Values (m, K, T) of the rows asked for, a slice.
    chosen : ndarray of bool of shape (n, K)
        Rows that count for each of the K.
    batch : int
        Rows asked for at a time.
    """
    ends = []
    for rows in row_batches(0, len(chosen), batch):
        found, mine = values(rows), chosen[rows, :, None]
        ends.append(
            [
                [
                    np.where(mine, found, np.inf).min(axis=0),
                    np.where(mine, found, -np.inf).max(axis=0),
                ],
                [found.min(axis=0), found.max(axis=0)],
            ]
        )
    # (batches, chosen or all, low or high, K, T)
    by_batch = np.array(ends)
    return np.stack([by_batch[:, :, 0].min(axis=0), by_batch[:, :, 1].max(axis=0)], 1)
