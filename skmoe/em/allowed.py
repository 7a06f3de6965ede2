# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Rows whose expert is known, and experts that cannot have given a row's y."""

import numpy as np
from scipy.optimize import linear_sum_assignment

# Log probability of an expert that is not allowed; finite for compiled loops.
EXCLUDED = -1e200


class Allowed:
    """Which experts may be responsible for which rows.

    Parameters
    ----------
    mask : ndarray of bool of shape (n, K)
        At least one expert for every row.
    labels : ndarray of int of shape (n,) or None
        Expert of the rows for which it is known, -1 for others.
    """

    def __init__(self, mask, labels=None):
        self.mask = mask
        self.labels = labels
        self.penalties = np.where(mask, 0.0, EXCLUDED).T

    def __getitem__(self, rows):
        """What is added to the log terms (K, m) of some rows."""
        return self.penalties[:, rows]

    def start(self, responsibilities, weights, align):
        """Initial responsibilities (n, K) that keep to what is allowed.

        With `align`, experts are first renamed so that they agree best with the known
        labels: a start that finds the segments need not number them as the user does.
        """
        start = np.array(responsibilities[:], dtype=np.float64)
        if align and self.labels is not None:
            start = start[:, self._order(start, weights)]
        start = np.where(self.mask, start, 0.0)
        sums = start.sum(axis=1, keepdims=True)
        even = self.mask / self.mask.sum(axis=1, keepdims=True)
        return np.where(sums > 0, start / np.where(sums > 0, sums, 1.0), even)

    def _order(self, start, weights):
        known = self.labels >= 0
        agreement = np.zeros((start.shape[1],) * 2)
        np.add.at(agreement, self.labels[known], weights[known, None] * start[known])
        return linear_sum_assignment(-agreement)[1]


def allowed_experts(labels, accepted):
    """`Allowed` from known labels (n,) and the rows that experts accept (n, K).

    Either may be None; None where nothing is ruled out.
    """
    if labels is None or not np.any(labels >= 0):
        return None if accepted is None or accepted.all() else Allowed(accepted)
    mask = accepted.copy()
    known = np.flatnonzero(labels >= 0)
    refused = known[~mask[known, labels[known]]]
    if len(refused):
        row = refused[0]
        raise ValueError(
            f"expert_labels gives row {row} to expert {labels[row]}, whose family does "
            "not take its y."
        )
    mask[known] = False
    mask[known, labels[known]] = True
    return Allowed(mask, labels)
