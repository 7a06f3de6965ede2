# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Early stopping: rows held out of the fit say when to stop."""

import numpy as np


class EarlyStopping:
    """Keeps the state that is best on rows held out, and says when to stop.

    Parameters
    ----------
    score : callable
        ``score(state)``, the mean log likelihood of the held-out rows.
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

    def update(self, state, iteration):
        """Score the state after an iteration; return True if EM should stop."""
        score = self.score(state)
        self.scores.append(score)
        self.since += 1
        if self.kept is None or score > self.best + self.tol:
            self.kept, self.best, self.best_at = state.snapshot(), score, iteration
            self.since = 0
        return self.since >= self.patience

    def restore(self, state):
        """Bring the best state back; return its iteration."""
        state.restore(self.kept)
        self.since = 0
        return self.best_at
