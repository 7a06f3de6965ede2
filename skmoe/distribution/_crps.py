# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The continuous ranked probability score of mixtures."""

import numpy as np
from scipy.special import ndtr

from skmoe.distribution._components import blocks
from skmoe.distribution._quadrature import add_up, integrate
from skmoe.distribution._support import breakpoints, integers, own_breakpoints
from skmoe.families import Gaussian


def crps(components, y):
    """Score of each row's y (n,), in the units of y."""
    if all(type(family) is Gaussian for family in components.noise.families):
        score = _of_gaussians
    else:
        score = _of_counts if components.is_lattice else _by_quadrature
    n_components = len(components.weights)
    score_of = np.full(len(y), np.inf)  # of an infinite y
    finite = np.flatnonzero(np.isfinite(y))
    for block in blocks(len(finite), 500 * n_components):
        rows = finite[block]
        score_of[rows] = score(components.take(rows), y[rows])
    return score_of


def _of_gaussians(components, y):
    """Closed form of Grimit et al. (2006)."""
    means, variances = components.moments()
    weights = components.weights
    score = (weights * _mean_distance(y - means, variances)).sum(axis=0)
    for k, weight in enumerate(weights):
        apart = _mean_distance(means - means[k], variances + variances[k])
        score -= 0.5 * weight * (weights * apart).sum(axis=0)
    return score


def _mean_distance(mean, variance):
    """Expected size of a normal variable."""
    scale = np.sqrt(variance)
    z = mean / scale
    density = np.exp(-0.5 * np.minimum(np.abs(z), 40.0) ** 2) / np.sqrt(2 * np.pi)
    return 2 * scale * density + mean * (2 * ndtr(z) - 1)


def _of_counts(components, y):
    """Exact sums: between integers the distribution function is constant."""
    low, high = integers(components)

    def cells(rows, j):
        below = components.take(rows).cdf(j)
        share = np.clip(y[rows, None] - j, 0.0, 1.0)  # of [j, j + 1) that is below y
        return below**2 * share + (1 - below) ** 2 * (1 - share)

    outside = np.maximum(low - y, 0.0) + np.maximum(y - high - 1, 0.0)
    breaks = np.column_stack([own_breakpoints(components), y])
    return add_up(cells, low, high, breaks) + outside


def _by_quadrature(components, y):
    def squares(rows, values):
        below = components.take(rows).cdf(values)
        return np.where(values < y[rows, None], below, 1 - below) ** 2

    return integrate(squares, np.column_stack([breakpoints(components), y]))
