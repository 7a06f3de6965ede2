# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Overlapping groups of rows of equal weight along a score."""

import numpy as np

from skmoe.numerics.batches import row_batches
from skmoe.numerics.softmax import softmax
from skmoe.rows.moments import MOMENT_ROWS, moments_by_rows

# Overlap of the groups, in experts: nearly pooled starts reach the best maximum most
# often (docs/defaults.md).
OVERLAP = 2.0
BINS = 2**16
# Bins that the middle half of the rows should spread over, and how often the scale is
# narrowed to get there: once is enough unless some scores are very far out.
WIDE_ENOUGH = 2**10
MAX_NARROWINGS = 4
TINY = np.finfo(np.float64).tiny


class QuantileGroups:
    """Responsibilities by weighted mid-rank of a score, formed for the rows asked for.

    Ranks come from a histogram of the score on a scale that bounds it, the arctangent
    of the standardised score: a few passes and a table, however many rows there are.
    Scores closer than a bin share their rank, so do equal rows whose scores differ by
    rounding.

    Parameters
    ----------
    score : callable
        Scores (m,) of the rows asked for, a slice.
    weights : ndarray of shape (n,)
    n_experts : int
    """

    def __init__(self, score, weights, n_experts):
        self.score = score
        self.n_experts = n_experts
        self.batches = row_batches(0, len(weights), MOMENT_ROWS)
        total = weights.sum()
        self.center, variance = moments_by_rows(score, weights)
        self.scale = np.sqrt(variance) if variance > 1e-20 else 1.0
        self.ranks, quartiles = self._histogram(weights, total)
        for _ in range(MAX_NARROWINGS):
            if quartiles[1] - quartiles[0] >= WIDE_ENOUGH:
                break
            self._narrow(*quartiles)
            self.ranks, quartiles = self._histogram(weights, total)

    def _histogram(self, weights, total):
        """Mid-ranks of the bins, and the bins of the quartiles."""
        mass = np.zeros(BINS + 1)
        for rows in self.batches:
            mass += np.bincount(self._bins(rows), weights[rows], BINS + 1)
        ranks = (np.cumsum(mass) - 0.5 * mass) / total
        return ranks, np.searchsorted(ranks, [0.25, 0.75])

    def _narrow(self, first, last):
        """Centre and scale by the quartiles: far-out scores widened the scale."""
        edges = np.tan(np.pi * (np.array([first - 1, last + 1]) / BINS - 0.5))
        low, high = self.center + self.scale * edges
        self.center = 0.5 * (low + high)
        # Not below what rounding can tell apart: all scores may be one number.
        smallest = np.finfo(np.float64).eps * abs(self.center) + TINY
        self.scale = max(0.5 * (high - low), smallest)

    def _bins(self, rows):
        angle = np.arctan((self.score(rows) - self.center) / self.scale)
        return np.rint(BINS * (angle / np.pi + 0.5)).astype(np.intp)

    def __getitem__(self, rows):
        centers = (np.arange(self.n_experts) + 0.5) / self.n_experts
        # Rows last in memory, along which K numbers per row are summed far faster.
        distance = self.ranks[self._bins(rows)] - centers[:, None]
        logits = -0.5 * (distance * self.n_experts / OVERLAP) ** 2
        return softmax(logits, axis=0).T
