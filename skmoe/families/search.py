# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Searches in one dimension: roots of scores, inverses of distribution functions."""

import numpy as np
from scipy.optimize import brentq

# Doublings of a bracket, and refinements of it: more than any finite answer needs.
MAX_DOUBLINGS = 200
MAX_REFINEMENTS = 400


def ascend(score, start, low, high, step=0.1):
    """The maximum, within [low, high], of a function of one number with this score.

    The search goes uphill from `start`, so what is found is never worse.
    """
    here = min(max(start, low), high)
    slope = score(here)
    while slope != 0.0:
        ahead = min(max(here + np.copysign(step, slope), low), high)
        if ahead == here:
            break  # an end, and the score points beyond it
        beyond = score(ahead)
        if slope * beyond <= 0.0:
            return brentq(score, *sorted((here, ahead)), xtol=1e-13, rtol=1e-14)
        here, slope, step = ahead, beyond, 2 * step
    return here


def invert_continuous(family, probability, prediction, parameters):
    """Quantiles of a continuous family, by Newton steps kept inside a bracket."""

    def cdf(x):
        return family.cdf(x, prediction, parameters)

    probability, low, high = _bracket(family, cdf, probability, prediction, parameters)
    x = 0.5 * (low + high)
    close = 1e-15 * (high - low)
    done = np.zeros(x.shape, dtype=bool)
    for iteration in range(MAX_REFINEMENTS):
        error = cdf(x) - probability
        low, high = np.where(error < 0, x, low), np.where(error < 0, high, x)
        if iteration % 3 == 2:  # Newton alone may creep out of a flat tail
            proposal = 0.5 * (low + high)
        else:
            density = np.exp(family.log_density(x, prediction, parameters))
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                proposal = x - error / density
            outside = ~((proposal >= low) & (proposal <= high))
            proposal = np.where(outside, 0.5 * (low + high), proposal)
        done |= np.minimum(np.abs(proposal - x), high - low) <= close + 1e-15 * abs(x)
        if done.all():
            break
        x = np.where(done, x, proposal)
    return _with_ends(x, probability, family.support)


def invert_discrete(family, probability, prediction, parameters):
    """Quantiles of a family on integers: the smallest with enough below."""

    def cdf(x):
        return family.cdf(x, prediction, parameters)

    probability, low, high = _bracket(family, cdf, probability, prediction, parameters)
    low, high = np.floor(low) - 1.0, np.ceil(high)
    for _ in range(MAX_REFINEMENTS):
        middle = np.floor(0.5 * (low + high))
        if np.all((middle <= low) | (middle >= high)):
            break
        enough = cdf(middle) >= probability
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return _with_ends(high, probability, family.support)


def _bracket(family, cdf, probability, prediction, parameters):
    """Probabilities, and values with a cdf below and not below them."""
    center = family.mean(prediction, parameters)
    width = np.sqrt(family.variance(prediction, parameters))
    probability, center, width = np.broadcast_arrays(probability, center, width)
    width = np.where(np.isfinite(width) & (width > 0), width, 1 + np.abs(center))
    # Nothing is looked for at the ends: they are known.
    sought = np.where((probability > 0) & (probability < 1), probability, 0.5)
    low, high = center - width, center + width
    lowest, highest = family.support
    for _ in range(MAX_DOUBLINGS):
        low, high = np.maximum(low, lowest), np.minimum(high, highest)
        too_high = (cdf(low) >= sought) & (low > lowest)
        too_low = (cdf(high) < sought) & (high < highest)
        if not (too_high.any() or too_low.any()):
            break
        low = np.where(too_high, low - width, low)
        high = np.where(too_low, high + width, high)
        width = 2 * width
    return probability, low, high


def _with_ends(x, probability, support):
    x = np.where(probability <= 0, support[0], x)
    return np.where(probability >= 1, support[1], x)
