# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Split-and-merge moves: a way out of maxima with experts in the wrong places."""

import numpy as np

from skmoe.em.restarts import best_of_starts
from skmoe.em.split import (
    TINY,
    crossing_score,
    half,
    main_residuals,
    mean_log_density,
)
from skmoe.em.starts import MAX_POOLED_FEATURES

# Pairs merged in a round, and experts split for each, in two ways (docs/defaults.md).
MAX_PAIRS = 3
MAX_SPLITS = 2
# A smaller gain of the mean log likelihood is the same maximum.
SMALLEST_GAIN = 1e-5


def split_and_merge(state, run, moves, new_run, max_iter):
    """Move experts until no move leads higher; leave `state` there, return its run.

    A round tries a few moves of experts as `best_of_starts` tries starts, from the
    state reached: short runs, the best one continued. Its end is kept if it is higher
    and not spurious, or if the end before was spurious. So the objective never falls,
    but where a collapsed expert had inflated it.

    Parameters
    ----------
    state : MixtureState
        At the end of `run`.
    run : EM
        What it has been fitted by.
    moves : callable
        ``moves(state)``, a list of responsibilities to start from.
    new_run, max_iter
        As in `best_of_starts`.

    References
    ----------
    .. [1] Ueda, N., Nakano, R., Ghahramani, Z. & Hinton, G. E. (2000). "SMEM algorithm
       for mixture models". Neural Computation 12(9), 2109-2128.
    """
    while True:
        before, is_spurious = state.snapshot(), state.collapsed().any()
        starts = [state.restrict(start) for start in moves(state)]
        if not starts:
            return run
        moved = best_of_starts(state, starts, new_run, max_iter)
        is_better = is_spurious or moved.merit > run.merit + SMALLEST_GAIN
        if state.collapsed().any() or not is_better:
            state.restore(before)
            return run
        run = moved


class Moves:
    """Responsibilities in which two experts are one and another one is two.

    Merged are the pairs whose responsibilities overlap most. For each pair, the split
    is of the merged expert itself, as two experts may share two lines between them in
    the wrong way, and of the one of the others that fits its rows worst: by the sign of
    what a linear fit leaves of y, and by its `crossing_score` unless features are so
    many that there is no such fit. A function of the weighted rows, without randomness.

    Parameters
    ----------
    point : StartingPoint
    """

    def __init__(self, point):
        self.point = point

    def __call__(self, state):
        """Return moves from a mixture's state, a list of (n, K)."""
        shares, weights = state.shares(), self.point.weights[:, None]
        log_density = state.experts.log_density
        return [
            move
            for pair in overlapping_pairs(shares, weights)[:MAX_PAIRS]
            for move in self._moves_of_pair(shares, log_density, *pair)
        ]

    def _moves_of_pair(self, shares, log_density, kept, freed):
        merged = shares.copy()
        merged[:, kept] += merged[:, freed]
        merged[:, freed] = 0.0
        own = merged * self.point.weights[:, None]
        fits = mean_log_density(log_density, own)
        if fits[kept] < np.inf:
            fits[kept] = -np.inf
        worst = np.argsort(fits, kind="stable")[:MAX_SPLITS]
        for k in worst[fits[worst] < np.inf]:
            for score in self._scores(own[:, k]):
                move, share = merged.copy(), half(score)
                move[:, freed] = merged[:, k] * share
                move[:, k] = merged[:, k] * (1 - share)
                yield move

    def _scores(self, own):
        """Scores that divide an expert's rows, given their weights (n,)."""
        residuals = main_residuals(self.point.residuals_under(own)[:], own)
        if self.point.experts.n_columns > MAX_POOLED_FEATURES:
            return (residuals,)
        return residuals, crossing_score(self.point.experts, residuals, own)


def overlapping_pairs(shares, weights):
    r"""Pairs of experts, the most similar first, (K (K - 1) / 2, 2).

    Similarity is the cosine of responsibilities, :math:`r_k' W r_l / \sqrt{r_k' W r_k
    \; r_l' W r_l}`.
    """
    gram = (shares * weights).T @ shares
    norms = np.sqrt(np.maximum(np.diagonal(gram), TINY))
    first, second = np.triu_indices(len(gram), 1)
    similarity = gram[first, second] / (norms[first] * norms[second])
    order = np.argsort(-similarity, kind="stable")
    return np.column_stack([first, second])[order]
