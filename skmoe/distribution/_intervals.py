# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Prediction intervals of mixtures."""

from numbers import Real

import numpy as np

from skmoe.distribution._components import TAIL, blocks
from skmoe.distribution._quantiles import quantiles
from skmoe.distribution._support import integers

# Levels of the components' quantiles that the first look puts ends at: close together
# in the tails, where a steep flank meets a slow one.
TAILS = np.array([TAIL, 1e-9, 1e-6, 1e-4, 1e-3, 0.004, 0.01])
LEVELS = np.concatenate([TAILS, np.arange(1, 48) / 48, 1 - TAILS[::-1]])
# Neighbours on each side that a locally shortest interval of the first look beats, and
# between which the next look is.
REACH = 6
# Such intervals that each closer look is around, and levels of lower ends for each.
N_STARTS = (4, 2, 1, 1, 1)
N_CLOSER = 9
# Integers of a row that are all tried.
MAX_INTEGERS = 2**14
# Relative error of a sum of probabilities.
ROUNDING = 1e-12


def check_coverage(coverage):
    """Raise ValueError unless it is a probability."""
    is_number = isinstance(coverage, Real) and not isinstance(coverage, bool)
    if not (is_number and 0 <= coverage <= 1):
        raise ValueError(
            f"coverage must be one number between 0 and 1. Got {coverage!r}."
        )


def equal_tailed(components, coverage):
    """Interval (n, 2) with the same probability beyond each end."""
    tail = 0.5 * (1 - coverage)
    levels = np.broadcast_to([tail, 1 - tail], (len(components), 2))
    return quantiles(components, levels)


def shortest(components, coverage):
    """Shortest interval (n, 2) of at least that probability; of none, the median.

    Exact for counts. Else a search, as the width has many local minima, that ends less
    than 0.1 percent above the shortest of a fine grid (tests/test_intervals.py).
    """
    if coverage == 0:  # any point is as short
        return equal_tailed(components, coverage)
    few = np.zeros(len(components), dtype=bool)
    if components.is_lattice:
        first, last = integers(components)
        few = last - first < MAX_INTEGERS
    found = np.empty((len(components), 2))
    for row in np.flatnonzero(few):
        values = np.arange(first[row], last[row] + 1)
        found[row] = _shortest_of_row(components.take([row]), values, coverage)
    others = np.flatnonzero(~few)
    for block in blocks(len(others), len(LEVELS) * len(components.weights) ** 2):
        rows = others[block]
        found[rows] = _shortest(components.take(rows), coverage)
    return found


def _shortest_of_row(components, values, coverage):
    """All lower ends tried; of several intervals of a length the likeliest."""
    upto = components.cdf(values[None])[0]
    before = np.concatenate([[0.0], upto[:-1]])
    reached = np.searchsorted(upto, (before + coverage) * (1 - ROUNDING))
    reached = np.maximum(reached, np.arange(len(values)))
    starts = np.flatnonzero(reached < len(values))
    if not len(starts):
        return values[[0, -1]]
    stops = reached[starts]
    inside = upto[stops] - before[starts]
    chosen = np.lexsort((-inside, stops - starts))[0]
    return values[[starts[chosen], stops[chosen]]]


def _shortest(components, coverage):
    """Closer looks at the most promising lower ends, the equal-tailed one among them.

    Ends are quantiles of evenly spaced levels. After each look the worse half of the
    starts is dropped and the next one is between the neighbours of the best levels.
    """
    rows = np.arange(len(components))[:, None]
    best = equal_tailed(components, coverage)
    start, stop = _starts(components, coverage)
    for n_starts in N_STARTS:
        levels = np.linspace(start, stop, N_CLOSER, axis=2)
        low, high = _ends(components, levels.reshape(len(rows), -1), coverage)
        width = _width(low, high)
        chosen = width.argmin(axis=1)[:, None]
        shorter = width[rows, chosen] < np.diff(best)
        ends = np.hstack([low[rows, chosen], high[rows, chosen]])
        best = np.where(shorter, ends, best)
        width = width.reshape(levels.shape)
        kept = np.argsort(width.min(axis=2), axis=1)[:, : max(n_starts // 2, 1)]
        middle = levels[rows, kept, width.argmin(axis=2)[rows, kept]]
        step = (stop - start)[rows, kept] / (N_CLOSER - 1)
        start = np.maximum(middle - step, 0.0)
        stop = np.minimum(middle + step, 1 - coverage)
    return best


def _ends(components, levels, coverage):
    """Lower ends at the levels (n, m), and the upper ends that reach the coverage."""
    low = quantiles(components, levels)
    before = components.cdf(np.nextafter(low, -np.inf))
    high = quantiles(components, np.minimum(before + coverage, 1.0))
    return low, np.maximum(high, low)


def _width(low, high):
    with np.errstate(invalid="ignore"):  # from infinity to infinity
        width = high - low
    return np.where(np.isnan(width), np.inf, width)


def _starts(components, coverage):
    """Levels (n, N_STARTS[0]) around the locally shortest intervals of a first look.

    One end of each is a quantile of a component, or an atom, so that both flanks of a
    component are tried however narrow and light it is. The other end is interpolated.
    """
    ends, upto = _table(components)
    levels = _first_levels(upto, coverage)
    # Each row's probabilities in an interval of their own: one ascending table.
    apart = 2.0 * np.arange(len(levels))[:, None]
    wanted = np.stack([levels, levels + coverage]) + apart
    low, high = np.interp(wanted, (upto + apart).ravel(), ends.ravel())
    width = _width(low, high)
    width = np.where(_dips(width), width, np.inf)
    chosen = np.argsort(width, axis=1)[:, : N_STARTS[0]]
    last = np.count_nonzero(~np.isnan(levels), axis=1)[:, None] - 1
    rows = np.arange(len(levels))[:, None]
    start, stop = np.clip([chosen - REACH, chosen + REACH], 0, last)
    return levels[rows, start], levels[rows, stop]


def _dips(width):
    """True where entries (n, m) are the first of the lowest among their neighbours."""
    n_columns = width.shape[1]
    padded = np.pad(width, [(0, 0), (REACH, REACH)], constant_values=np.inf)
    lowest = np.ones(width.shape, dtype=bool)
    for away in range(1, REACH + 1):
        before, after = REACH - away, REACH + away
        lowest &= width < padded[:, before : before + n_columns]
        lowest &= width <= padded[:, after : after + n_columns]
    return lowest


def _table(components):
    """Ascending values (n, m) of y and the probabilities up to them, twice at jumps."""
    own = np.moveaxis(components.quantiles(LEVELS), 0, 1)
    own = own.reshape(len(components), len(LEVELS) * len(components.weights))
    points = np.broadcast_to(components.points, (len(own), len(components.points)))
    values = np.sort(np.hstack([own, points]), axis=1)
    upto = components.cdf(values)
    if components.is_discrete.any():
        before = components.cdf(np.nextafter(values, -np.inf))
        values, upto = np.repeat(values, 2, axis=1), np.hstack([before, upto])
    return values, np.sort(upto, axis=1)


def _first_levels(upto, coverage):
    """Different levels of lower ends, ascending, NaN for no more.

    Either end is at a value of the table, or the tails are all on one side, or equal.
    """
    tail = 1 - coverage
    equal = np.tile([0.0, 0.5 * tail, tail], (len(upto), 1))
    levels = np.clip(np.hstack([upto, upto - coverage, equal]), 0.0, tail)
    levels.sort(axis=1)
    levels[:, 1:][np.diff(levels, axis=1) <= ROUNDING * tail] = np.nan
    return np.sort(levels, axis=1)


INTERVALS = {"equal-tailed": equal_tailed, "highest-density": shortest}


def check_kind(kind):
    """Raise ValueError unless it is the name of an interval."""
    if kind not in INTERVALS:
        raise ValueError(f"kind must be one of {sorted(INTERVALS)}. Got {kind!r}.")
