# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Symmetric matrices kept as their upper triangles."""

from functools import lru_cache

import numpy as np


def unpack_grams(packed, n_columns):
    """Symmetric matrices (q, p, p) from their upper triangles (p (p + 1) / 2, q)."""
    return packed.T[:, triangle_positions(n_columns)]


@lru_cache(maxsize=8)
def triangle_positions(n_columns):
    """Position of entry (a, b) in the upper triangle, (p, p)."""
    rows, columns = np.triu_indices(n_columns)
    positions = np.empty((n_columns, n_columns), dtype=np.intp)
    positions[rows, columns] = positions[columns, rows] = np.arange(len(rows))
    return positions
