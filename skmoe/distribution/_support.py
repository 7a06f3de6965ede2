# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Support of mixtures: ends, breakpoints, integers."""

import numpy as np

from skmoe.distribution._components import TAIL

# Levels of the components' quantiles between which a density is smooth, or nearly so.
LEVELS = np.array([0.0, TAIL, 0.01, 0.3, 0.7, 0.99, 1 - TAIL, 1.0])
# Integers that may be breakpoints of one row; of more, evenly spaced ones are.
MAX_JUMPS = 2**12


def breakpoints(components):
    """Values of y (n, b), finite, that panels of integrals over y end at.

    Quantiles of the components, zero, and the jumps of the distribution function.
    """
    own = own_breakpoints(components)
    ends = own.min(axis=1, keepdims=True), own.max(axis=1, keepdims=True)
    jumps = np.concatenate([[0.0], components.points])
    breaks = [own, np.clip(jumps, *ends)]
    if components.has_counts.any():
        first, last = integers(components.only(components.has_counts))
        n_jumps = int(min((last - first).max() + 1, MAX_JUMPS))
        breaks.append(np.floor(np.linspace(first, last, n_jumps, axis=1)))
    return np.hstack(breaks)


def own_breakpoints(components):
    """Quantiles of the components (n, b), finite."""
    own = np.moveaxis(components.quantiles(LEVELS), 0, 1)
    own = own.reshape(len(components), len(LEVELS) * len(components.weights))
    return np.where(np.isfinite(own), own, own[:, [1]])


def integers(components):
    """First and last integer of all but the tails, each (n,)."""
    low, high = components.range()
    return np.floor(low), np.ceil(high)
