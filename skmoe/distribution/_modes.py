# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Modes of mixtures."""

import numpy as np

from skmoe.distribution._components import TAIL, blocks
from skmoe.distribution._support import integers
from skmoe.families.base import LOG_ZERO

# Quantiles of each component between which its density is searched.
LEVELS = np.concatenate(
    [[0.0, TAIL, 1e-6, 1e-3], np.arange(1, 64) / 64, [1 - 1e-3, 1 - 1e-6, 1 - TAIL, 1]]
)
GOLDEN = 0.5 * (np.sqrt(5) - 1)
N_SECTIONS = 50
# Heights that differ by less than this, relatively, are equal.
ROUNDING = 1e-12
# Integers of a row that are searched at first, and around each peak of these.
MAX_INTEGERS = 2**14
N_CLOSER = 512


def modes(components):
    """Modes of each row (n, m): atoms first, then by density; NaN for no more."""
    found: list[list] = [[] for _ in range(len(components))]
    discrete = components.is_discrete
    if discrete.any():
        atoms = components.only(discrete)
        for i, values in enumerate(found):
            values.extend(_of_atoms(atoms.take(slice(i, i + 1))))
    if not discrete.all():
        density = components.only(~discrete)
        per_row = len(LEVELS) * len(density.weights) ** 2
        for rows in blocks(len(components), per_row):
            peaks = zip(*_of_density(density.take(rows)), strict=True)
            for row, mode in peaks:
                found[rows.start + row].append(mode)
    filled = np.full((len(found), max(map(len, found), default=0)), np.nan)
    for row, values in zip(filled, found, strict=True):
        row[: len(values)] = values
    return filled


def _of_atoms(components):
    """Integers and points of one row that are likelier than their neighbours."""
    atoms, stride = components.points, 1.0
    if components.has_counts.any():
        (low,), (high,) = integers(components.only(components.has_counts))
        n_atoms = int(min(high - low + 1, MAX_INTEGERS))
        stride = (high - low) / max(n_atoms - 1, 1)
        atoms = np.union1d(atoms, np.floor(np.linspace(low, high, n_atoms)))
    peaks = _likeliest(components, atoms)
    while stride > 1:
        steps = np.linspace(-stride, stride, 2 * N_CLOSER + 1)
        near = np.floor(peaks[:, None] + steps)
        closer = _likeliest(components, np.union1d(components.points, near))
        if not 0 < len(closer) <= len(peaks):
            break  # so near the top only rounding tells integers apart
        peaks, stride = closer, stride / N_CLOSER
    return peaks


def _likeliest(components, atoms):
    """Peaks among the atoms, highest first."""
    height = components.log_density(atoms[None])
    peaks = _peaks(height)[0]
    return atoms[peaks][np.argsort(-height[0, peaks], kind="stable")]


def _of_density(components):
    """Rows (N,) and modes (N,), each row's by descending density."""
    grid = _grid(components)
    height = np.where(np.isnan(grid), -np.inf, components.log_density(grid))
    rows, columns = np.nonzero(_peaks(height))
    some = components.take(rows)
    edge = np.full((len(grid), 1), np.nan)
    padded = np.hstack([edge, grid, edge])
    low, middle, high = (padded[rows, columns + shift] for shift in range(3))
    low = np.where(np.isnan(low), middle, low)
    high = np.where(np.isnan(high), middle, high)
    found = _climb(some, low, middle, high)
    order = np.lexsort((-_height(some, found), rows))
    return rows[order], found[order]


def _grid(components):
    """Ascending quantiles of the components and the values halfway between them.

    NaN where two are as good as equal.
    """
    own = np.moveaxis(components.quantiles(LEVELS), 0, 1)
    own = own.reshape(len(components), len(LEVELS) * len(components.weights))
    own = np.sort(np.where(np.isfinite(own), own, np.nan), axis=1)
    grid = np.sort(np.hstack([own, own[:, :-1] + 0.5 * np.diff(own)]), axis=1)
    close = np.diff(grid, axis=1) <= ROUNDING * np.abs(grid[:, 1:])
    grid[:, 1:][close] = np.nan
    return np.sort(grid, axis=1)


def _climb(components, low, middle, high):
    """Maxima between neighbours of the grid, by golden sections."""
    start, stop = low, high
    for _ in range(N_SECTIONS):
        part = GOLDEN * (stop - start)
        left, right = stop - part, start + part
        rising = _height(components, left) < _height(components, right)
        start, stop = np.where(rising, left, start), np.where(rising, stop, right)
    # At an end of the support, or a cusp, the grid itself has the maximum.
    tried = np.stack([middle, 0.5 * (start + stop), low, high])
    heights = np.stack([_height(components, y) for y in tried])
    return tried[heights.argmax(axis=0), np.arange(len(middle))]


def _height(components, y):
    return components.log_density(y[:, None])[:, 0]


def _peaks(height):
    """True where entries (n, m) are above the one before and none above follows.

    Of a plateau, whose entries are equal but for rounding, the first.
    """
    edge = np.full((len(height), 1), 10 * LOG_ZERO)
    padded = np.hstack([edge, np.clip(height, 10 * LOG_ZERO, -10 * LOG_ZERO), edge])
    size = np.maximum(np.abs(padded[:, 1:]), np.abs(padded[:, :-1]))
    step = np.diff(padded, axis=1)
    slope = np.where(np.abs(step) > ROUNDING * size, np.sign(step), 0.0)
    # The slope after each entry is the next that is not zero.
    place = np.where(slope != 0, np.arange(slope.shape[1]), slope.shape[1] - 1)
    place = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    after = np.take_along_axis(slope, place, axis=1)[:, 1:]
    return (slope[:, :-1] > 0) & (after < 0) & (height > 0.5 * LOG_ZERO)
