# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Draw of the rows held out of a fit that stops early."""

import numpy as np


def draw_held_out(fraction, strata, rng, groups=None):
    """Return rows to hold out, (n,) of bool: a fraction of each stratum or of groups.

    Parameters
    ----------
    fraction : float
        Share of the rows (of the groups) to hold out.
    strata : ndarray of shape (n,)
        Any labels; a stratum of one row is not held out.
    rng : RandomState
    groups : ndarray of int of shape (n,), default=None
        Codes 0..G-1: groups are held out as a whole, whatever the strata.
    """
    if groups is not None:
        chosen = draw_held_out(fraction, np.zeros(groups.max() + 1), rng)
        return chosen[groups]
    position = np.empty(len(strata))
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        position[rows] = (rng.permutation(len(rows)) + 0.5) / len(rows)
    return position < fraction
