# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Rows kept out of the fit, which say when to stop."""

import numpy as np


def draw_held_out(fraction, strata, rng, groups=None):
    """Rows to hold out, (n,) of bool: a fraction of each stratum, or of the groups.

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


class EarlyStopping:
    """Early stopping: the state that held-out rows like best.

    Parameters
    ----------
    score : callable
        ``score(mixture)``, the mean log likelihood of the held-out rows.
    tol : float
        A smaller gain is none.
    patience : int
        Stop after so many iterations without a gain.

    Attributes
    ----------
    scores : list of float
        One per iteration.
    best : float
        Score of the best state.
    best_at : int
        Its iteration, from 1.
    """

    def __init__(self, score, tol, patience):
        self.score, self.tol, self.patience = score, tol, patience
        self.scores, self.best, self.best_at = [], -np.inf, 0
        self.since, self.kept = 0, None

    def update(self, mixture, iteration):
        """Look at the state after an iteration; return whether to stop."""
        score = self.score(mixture)
        self.scores.append(score)
        self.since += 1
        if self.kept is None or score > self.best + self.tol:
            self.kept, self.best, self.best_at = mixture.snapshot(), score, iteration
            self.since = 0
        return self.since >= self.patience

    def restore(self, mixture):
        """Bring the best state back; return its iteration."""
        mixture.restore(self.kept)
        self.since = 0
        return self.best_at
