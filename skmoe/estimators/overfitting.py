# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Overfitting: an estimator fits its own rows far better than others."""

import numpy as np

# An estimator overfits if it leaves this many times as much of the variance unexplained
# on rows held out as on its own. The standard deviation of its noise is the root of it,
# twice, too small, which costs a new row (4 - 1 - log 4) / 2 = 0.8 nats. What this was
# chosen by is "When experts memorise" in docs/defaults.md.
TIMES = 4
# Only an estimator that leaves less on its own rows is checked, which costs one more
# fit: rows held out can hardly leave more than all of the variance.
CHECKED_BELOW = 1 / TIMES
# Less than this share is none: the default floor of a standard deviation, squared.
NEGLIGIBLE_SHARE = 1e-6
# The same of probabilities, which are not measured by a dispersion: the Brier score of
# rows held out must be above 1/9 of that of the frequencies, as if 3 % of the rows of
# two equal classes were wrong. Fewer errors do no harm, however few there are inside.
SMALL_BRIER = 1 / (9 * TIMES)
# One row of so many is held out.
STRIDE = 5
TINY = np.finfo(np.float64).tiny


def unexplained(targets, answers, weights, rows=slice(None)):
    """Share of the variance of targets (n, T) that answers (m, T) leave on some rows.

    Of probabilities that are compared with indicators or soft labels it is the Brier
    score, that of their frequencies being one.
    """
    total = max(weights.sum(), TINY)
    center = weights @ targets / total
    variance = weights @ (targets - center) ** 2 / total
    squares = weights[rows] @ (targets[rows] - answers) ** 2
    squares = squares / max(weights[rows].sum(), TINY)
    return squares.sum() / max(variance.sum(), TINY)


def is_overfitted(inside, outside, least):
    """Return True if the share left outside is TIMES that inside, or than `least`."""
    return bool(outside > TIMES * max(inside, least))
