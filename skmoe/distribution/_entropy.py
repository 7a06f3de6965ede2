# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Entropies of mixtures."""

import numpy as np
from scipy.special import entr

from skmoe.distribution._components import blocks
from skmoe.distribution._quadrature import add_up, integrate
from skmoe.distribution._support import breakpoints, integers, own_breakpoints


def entropy(components):
    """Entropy of each row, (n,): of its density, and of its atoms."""
    total = np.empty(len(components))
    for rows in blocks(len(components), 500 * len(components.weights)):
        some = components.take(rows)
        discrete = some.is_discrete
        total[rows] = 0.0
        if discrete.any():
            total[rows] += _of_atoms(some.only(discrete))
        if not discrete.all():
            total[rows] += _of_density(some.only(~discrete))
    return total


def _of_density(components):
    def integrand(rows, y):
        return entr(components.take(rows).density(y))

    return integrate(integrand, breakpoints(components))


def _of_atoms(components):
    def terms(rows, y):
        return entr(components.take(rows).density(y))

    rows = np.arange(len(components))
    points = components.points
    total = np.zeros(len(components))
    if components.has_counts.any():
        low, high = integers(components.only(components.has_counts))
        total = add_up(terms, low, high, own_breakpoints(components))
        covered = (points == np.floor(points)) & (points >= low[:, None])
        covered &= points <= high[:, None]
    else:
        covered = np.zeros((len(components), len(points)), dtype=bool)
    if len(points):
        at_points = terms(rows, np.broadcast_to(points, covered.shape))
        total += np.where(covered, 0.0, at_points).sum(axis=1)
    return total
