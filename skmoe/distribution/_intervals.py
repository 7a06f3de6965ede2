# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Prediction intervals of mixtures."""

import numpy as np

from skmoe.distribution._components import blocks
from skmoe.distribution._quantiles import quantiles
from skmoe.distribution._support import integers

# Lower ends that are compared at first, and in each of some closer looks.
N_FIRST = 33
N_CLOSER = 9
N_LOOKS = 5
# Integers of a row that are all tried.
MAX_INTEGERS = 2**14
# Relative error of a sum of probabilities.
ROUNDING = 1e-12


def check_coverage(coverage):
    """Raise ValueError unless it is a probability."""
    if not 0 <= coverage <= 1:
        raise ValueError(f"coverage must be between 0 and 1. Got {coverage!r}.")


def equal_tailed(components, coverage):
    """Interval (n, 2) with the same probability beyond each end."""
    tail = 0.5 * (1 - coverage)
    levels = np.broadcast_to([tail, 1 - tail], (len(components), 2))
    return quantiles(components, levels)


def shortest(components, coverage):
    """Shortest interval (n, 2) of at least that probability."""
    few = np.zeros(len(components), dtype=bool)
    if components.is_lattice:
        first, last = integers(components)
        few = last - first < MAX_INTEGERS
    found = np.empty((len(components), 2))
    for row in np.flatnonzero(few):
        values = np.arange(first[row], last[row] + 1)
        found[row] = _shortest_of_row(components.take([row]), values, coverage)
    others = np.flatnonzero(~few)
    for block in blocks(len(others), 4 * N_FIRST * len(components.weights)):
        rows = others[block]
        found[rows] = _shortest(components.take(rows), coverage)
    return found


def _shortest_of_row(components, values, coverage):
    """All lower ends tried; of several intervals of a length the likeliest."""
    upto = components.cdf(values[None])[0]
    before = np.concatenate([[0.0], upto[:-1]])
    reached = np.searchsorted(upto, (before + coverage) * (1 - ROUNDING))
    starts = np.flatnonzero(reached < len(values))
    if not len(starts):
        return values[[0, -1]]
    stops = reached[starts]
    inside = upto[stops] - before[starts]
    chosen = np.lexsort((-inside, stops - starts))[0]
    return values[[starts[chosen], stops[chosen]]]


def _shortest(components, coverage):
    """Lower ends at quantiles of ever closer levels, the equal-tailed one among them.

    The width is compared at each; the next look is between the neighbours of the best.
    """
    n_rows, tail = len(components), 1 - coverage
    best = equal_tailed(components, coverage)
    start, stop = np.zeros(n_rows), np.full(n_rows, tail)
    n_levels = N_FIRST
    for _ in range(1 + N_LOOKS):
        levels = np.linspace(start, stop, n_levels, axis=1)
        low = quantiles(components, levels)
        low, high = _with_upper_ends(components, low, coverage)
        width = high - low
        width = np.where(np.isnan(width), np.inf, width)
        chosen = width.argmin(axis=1)
        rows = np.arange(n_rows)
        shorter = width[rows, chosen] < best[:, 1] - best[:, 0]
        ends = np.column_stack([low[rows, chosen], high[rows, chosen]])
        best = np.where(shorter[:, None], ends, best)
        start = levels[rows, np.maximum(chosen - 1, 0)]
        stop = levels[rows, np.minimum(chosen + 1, n_levels - 1)]
        n_levels = N_CLOSER
    return best


def _with_upper_ends(components, low, coverage):
    """Lower ends, and the upper ends that reach the coverage with them."""
    before = components.cdf(np.nextafter(low, -np.inf))
    return low, quantiles(components, np.minimum(before + coverage, 1.0))
