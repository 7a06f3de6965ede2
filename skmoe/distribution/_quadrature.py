# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Integrals and sums over y, one for each row, by adaptive quadrature."""

import numpy as np

# Error of a panel, relative to the row's integral, at which it is not divided further:
# the estimate is that of Gauss's rule, Kronrod's is far closer.
PRECISION = 1e-10
MAX_ROUNDS = 60
# A panel whose ends differ by this factor is integrated over the logarithm of y.
WIDE = 4.0

# Kronrod's extension of the Gauss rule of 7 nodes, on [-1, 1]: nodes from zero on.
_NODES = np.array(
    [
        0.0,
        0.2077849550078985,
        0.4058451513773972,
        0.5860872354676911,
        0.7415311855993945,
        0.8648644233597691,
        0.9491079123427585,
        0.9914553711208126,
    ]
)
_KRONROD = np.array(
    [
        0.2094821410847278,
        0.2044329400752989,
        0.1903505780647854,
        0.1690047266392679,
        0.1406532597159259,
        0.1047900103222502,
        0.0630920926299786,
        0.0229353220105292,
    ]
)
_GAUSS = np.array(
    [
        0.4179591836734694,
        0.0,
        0.3818300505051189,
        0.0,
        0.2797053914892767,
        0.0,
        0.1294849661688697,
        0.0,
    ]
)
NODES = np.concatenate([-_NODES[:0:-1], _NODES])
KRONROD = np.concatenate([_KRONROD[:0:-1], _KRONROD])
GAUSS = np.concatenate([_GAUSS[:0:-1], _GAUSS])


def integrate(function, breaks):
    """Integrals over y between the outermost `breaks` (n, b) of each row, (n,).

    Panels between neighbouring breaks are halved until their errors no longer matter.

    Parameters
    ----------
    function : callable
        ``function(rows, y)`` with rows (N,) and y (N, m): the integrand, (N, m).
    breaks : ndarray of shape (n, b)
        Finite, in any order; the integrand may be rough there and nowhere else.
    """
    breaks = np.sort(breaks, axis=1)
    n_rows = len(breaks)
    rows = np.repeat(np.arange(n_rows), breaks.shape[1] - 1)
    low, high = breaks[:, :-1].ravel(), breaks[:, 1:].ravel()
    total, size = np.zeros(n_rows), np.zeros(n_rows)
    for round_ in range(MAX_ROUNDS):
        real = high > low
        rows, low, high = rows[real], low[real], high[real]
        if not len(rows):
            break
        parts, errors = _panels(function, rows, low, high)
        if round_ == 0:
            size += np.bincount(rows, np.abs(parts), minlength=n_rows)
        rough = errors > PRECISION * size[rows]
        rough &= round_ < MAX_ROUNDS - 1
        total += np.bincount(rows[~rough], parts[~rough], minlength=n_rows)
        rows, low, high = rows[rough], low[rough], high[rough]
        middle = _middle(low, high)
        rows = np.concatenate([rows, rows])
        low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
    return total


def _panels(function, rows, low, high):
    """Integrals over panels, and estimates of their errors."""
    wide = _is_wide(low, high)
    sign = np.where(high <= 0, -1.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        start = np.where(wide, np.log(np.abs(low)), low)
        stop = np.where(wide, np.log(np.abs(high)), high)
    half = 0.5 * (stop - start)
    t = (start + half)[:, None] + half[:, None] * NODES
    wide, sign = wide[:, None], sign[:, None]
    y = np.where(wide, sign * np.exp(np.where(wide, t, 0.0)), t)
    y = np.clip(y, low[:, None], high[:, None])
    with np.errstate(invalid="ignore"):  # zero times infinity
        values = function(rows, y) * np.where(wide, y, 1.0) * half[:, None]
    # A node at which the integrand has no bound is left out; panels around it are
    # halved until what is left out does not matter.
    values = np.where(np.isfinite(values), values, 0.0)
    kronrod = values @ KRONROD
    return kronrod, np.abs(kronrod - values @ GAUSS)


def _is_wide(low, high):
    """Panels on one side of zero whose ends are of different magnitude."""
    positive = (low > 0) & (high > WIDE * low)
    return positive | ((high < 0) & (low < WIDE * high))


def _middle(low, high):
    wide = _is_wide(low, high)
    inner = np.sign(low) * np.sqrt(np.abs(low)) * np.sqrt(np.abs(high))
    return np.where(wide, inner, low + 0.5 * (high - low))


def add_up(function, low, high, breaks, limit=2**14):
    """Sums of ``function(rows, j)`` over the integers j from low to high (n,), (n,).

    A row of more than `limit` integers is the integral of the function's linear
    interpolant between `breaks` (n, b), and half of what it is at both ends.
    """
    total = np.zeros(len(low))
    short = np.flatnonzero(high - low < limit)
    order = short[np.argsort((high - low)[short], kind="stable")]
    while len(order):  # rows of like length together, none twice as long as another
        lengths = (high - low)[order] + 1
        n_rows = np.searchsorted(lengths, 2 * lengths[0], side="right")
        n_rows = min(n_rows, max(1, int(2**18 // lengths[0])))
        rows, order = order[:n_rows], order[n_rows:]
        j = low[rows, None] + np.arange(lengths[:n_rows].max())
        values = np.where(j <= high[rows, None], function(rows, j), 0.0)
        total[rows] = values.sum(axis=1)
    long = np.flatnonzero(high - low >= limit)
    if len(long):
        ends = np.column_stack([low, high])[long]
        breaks = np.hstack([np.clip(np.floor(breaks[long]), *ends.T[:, :, None]), ends])
        some = lambda rows, j: function(long[rows], j)
        total[long] = _interpolated(some, ends, breaks)
    return total


def _interpolated(function, ends, breaks):
    def interpolant(rows, y):
        below = np.floor(y)
        share = y - below
        return (1 - share) * function(rows, below) + share * function(rows, below + 1)

    low, high = ends[:, :1], ends[:, 1:]
    growing = np.minimum(low + 2.0 ** np.arange(16), high)
    total = integrate(interpolant, np.hstack([breaks, growing]))
    return total + 0.5 * function(np.arange(len(ends)), ends).sum(axis=1)
