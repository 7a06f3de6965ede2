# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Quantiles of mixtures: their distribution functions inverted inside brackets."""

import numpy as np

from skmoe.distribution._components import blocks

# More halvings than lie between any two numbers.
MAX_ITER = 2200
# A Newton step this small, relative to y and to the narrowest component, is the last.
STEP = 1e-12
# Change of a probability, relative to it, that does not show.
EPS = np.finfo(np.float64).eps
# Error of a probability, relative to its distance from 0 and 1, that is rounding.
ROUNDING = 1e-9


def quantiles(components, levels):
    """Smallest y with a distribution function of at least each level (n, q)."""
    n_rows, n_levels = levels.shape
    found = np.empty(levels.shape)
    for rows in blocks(n_rows, n_levels * len(components.weights)):
        found[rows] = _quantiles(components.take(rows), levels[rows])
    return found


def _quantiles(components, levels):
    """One bracket for each row and level, from the components' own quantiles.

    The mixture's quantile lies between the lowest and the highest of these. Atoms come
    first: where one holds the level it is the answer, elsewhere the bracket ends at it,
    so that what is left to search is continuous.
    """
    own = components.quantiles(levels)
    low, high = own.min(axis=0).ravel(), own.max(axis=0).ravel()
    guess = np.einsum("kn,knm->nm", components.weights, own).ravel()
    rows = np.repeat(np.arange(len(components)), levels.shape[1])
    levels_flat = levels.ravel()
    search = _Search(components, rows, levels_flat)
    open_ = (low < high) & (levels_flat > 0) & (levels_flat < 1)
    high = np.where(levels_flat <= 0, low, high)
    for point in components.points:
        search.at(np.where(open_, point, np.nan), low, high, open_)
    if components.has_counts.any():
        search.counts(low, high, open_)
    if not components.is_discrete.all():
        search.continuous(low, high, open_, guess)
    return high.reshape(levels.shape)


class _Search:
    """Brackets ``low < quantile <= high`` of (row, level) pairs, narrowed in place."""

    def __init__(self, components, rows, levels):
        self.components = components
        self.rows = rows
        self.levels = levels

    def cdf(self, y, which):
        """Distribution function of the pairs `which`, at one y each."""
        return self.components.take(self.rows[which]).cdf(y[:, None])[:, 0]

    def at(self, atoms, low, high, open_):
        """Compare with an atom each (NaN: none); close the pairs that it answers."""
        inside = (atoms >= low) & (atoms <= high)
        which = np.flatnonzero(open_ & inside)
        if not len(which):
            return
        atoms, level = atoms[which], self.levels[which]
        enough = self.cdf(atoms, which) >= level
        before = self.cdf(np.nextafter(atoms, -np.inf), which) >= level
        high[which] = np.where(enough, atoms, high[which])
        low[which] = np.where(enough, low[which], atoms)
        open_[which[enough & ~before]] = False

    def counts(self, low, high, open_):
        """Close in to two neighbouring integers, and try the upper one."""
        below, above = np.floor(low) - 1.0, np.ceil(high)
        for _ in range(MAX_ITER):
            middle = np.floor(0.5 * (below + above))
            which = np.flatnonzero(open_ & (middle > below) & (middle < above))
            if not len(which):
                break
            middle = middle[which]
            enough = self.cdf(middle, which) >= self.levels[which]
            below[which] = np.where(enough, below[which], middle)
            above[which] = np.where(enough, middle, above[which])
        low[open_] = np.maximum(low, below)[open_]
        high[open_] = np.minimum(high, above)[open_]
        self.at(np.where(open_, above, np.nan), low, high, open_)

    def continuous(self, low, high, open_, guess):
        """Newton steps inside the bracket, halvings where they do not shrink."""
        which = np.flatnonzero(open_)
        scale = _scale(self.components)[self.rows]
        x = np.clip(guess, low, high)
        x = np.where(np.isfinite(x), x, 0.5 * (low + high))
        last = np.full(len(x), np.inf)  # size of the last step of each
        for _ in range(MAX_ITER):
            if not len(which):
                break
            here, level = x[which], self.levels[which]
            below, slope = self._cdf_and_density(here, which)
            error = below - level
            left = low[which] = np.where(error < 0, here, low[which])
            right = high[which] = np.where(error < 0, high[which], here)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                step = error / slope
                # On a plateau any y fits: only the halvings find its lower end.
                flat = slope * scale[which] <= EPS * level
            newton, middle = here - step, left + 0.5 * (right - left)
            inside = (newton >= left) & (newton <= right)
            exact = np.abs(error) <= ROUNDING * np.minimum(level, 1 - level)
            exact &= np.abs(step) <= STEP * (np.abs(here) + scale[which])
            exact &= inside & ~flat
            moves = inside & (newton != here) & (np.abs(step) <= 0.5 * last[which])
            x[which] = np.where(exact | moves, newton, middle)
            last[which] = np.abs(x[which] - here)
            high[which[exact]] = newton[exact]
            shut = (middle <= left) | (middle >= right)
            which = which[~(exact | shut)]

    def _cdf_and_density(self, y, which):
        """Distribution function and continuous density of the pairs at one y each."""
        some = self.components.take(self.rows[which])
        smooth = ~some.is_discrete
        part = some if smooth.all() else some.only(smooth)
        return some.cdf(y[:, None])[:, 0], part.density(y[:, None])[:, 0]


def _scale(components):
    """Interquartile range of the narrowest continuous component of each row, (n,)."""
    smooth = components.only(~components.is_discrete)
    quartiles = smooth.quantiles(np.array([0.25, 0.75]))
    return (quartiles[:, :, 1] - quartiles[:, :, 0]).min(axis=0)
