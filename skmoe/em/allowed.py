# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Rows whose expert is known, and experts that cannot have given a row's y."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from skmoe.families.noise import grouped

# Log probability of an expert that is not allowed; finite for compiled loops.
EXCLUDED = -1e200


class Allowed:
    """Experts that may be responsible for each row.

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
        """Terms added to the log terms (K, m) of some rows."""
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


def allowed_experts(labels, families, y):
    """Return the `Allowed` of rows, or None where nothing is ruled out.

    Parameters
    ----------
    labels : ndarray of int of shape (n,) or None
        Index of the known expert of each row, -1 where it is unknown.
    families : list of BaseFamily
        Of each expert.
    y : ndarray of shape (n, T)

    Raises
    ------
    ValueError
        If no family takes a row's y, or that of its known expert does not.
    """
    accepted = accepted_rows(families, y)
    if labels is None or not np.any(labels >= 0):
        if accepted is None or accepted.all():
            return None
        return Allowed(accepted)
    if accepted is None:
        accepted = np.ones((len(y), len(families)), dtype=bool)
    known = np.flatnonzero(labels >= 0)
    refused = known[~accepted[known, labels[known]]]
    if len(refused):
        row = refused[0]
        raise ValueError(
            f"expert_labels gives row {row} to expert {labels[row]}, whose family does "
            "not take its y."
        )
    accepted[known] = False
    accepted[known, labels[known]] = True
    return Allowed(accepted, labels)


def accepted_rows(families, y):
    """Return which rows each expert's family takes, (n, K); None where all take all.

    With several families a value must be in the domain of one of them.

    Raises
    ------
    ValueError
        Naming the first row whose y is in the domain of no family.
    """
    distinct = grouped(families)
    if len(distinct) == 1:
        families[0].check_target(y)
        return None
    accepted = np.empty((len(y), len(families)), dtype=bool)
    for family, experts in distinct:
        family.check_settings()
        family.check_range(y)
        accepted[:, experts] = family.accepts(y)[:, None]
    rows = np.flatnonzero(~accepted.any(axis=1))
    if len(rows):
        domains = ", ".join(f"{f.name!r} ({f.domain})" for f, _ in distinct)
        raise ValueError(
            f"y[{rows[0]}] = {y[rows[0]].tolist()} is in the domain of no family: "
            f"{domains}."
        )
    return accepted


def allowed_groups(allowed, groups):
    """Return the `Allowed` of groups: experts that all of a group's rows allow."""
    if allowed is None:
        return None
    n_groups, n_experts = groups.max() + 1, allowed.mask.shape[1]
    mask = np.ones((n_groups, n_experts), dtype=bool)
    np.logical_and.at(mask, groups, allowed.mask)
    if not mask.any(axis=1).all():
        group = int(np.flatnonzero(~mask.any(axis=1))[0])
        first = int(np.flatnonzero(groups == group)[0])
        raise ValueError(
            "The rows of a group share one expert, but expert_labels (or the domains "
            f"of the families) leave none to the group of row {first}."
        )
    labels = None
    if allowed.labels is not None:
        labels = np.full(n_groups, -1)
        known = allowed.labels >= 0
        labels[groups[known]] = allowed.labels[known]
    return Allowed(mask, labels)
