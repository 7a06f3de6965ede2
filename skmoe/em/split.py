# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""One expert's rows divided in two, by a score made of its residuals."""

import numpy as np
from scipy.special import expit

from skmoe.numerics.least_squares import SymmetricSolver

# How sharply a split divides rows, per standard deviation of their scores: soft, so
# that EM can still move the border.
SHARPNESS = 2.0
# Experts with a smaller share of all rows are not split.
SMALLEST_SHARE = 1e-6
TINY = np.finfo(np.float64).tiny


def half(score):
    """Share of each row that goes to the first half, given standardised scores."""
    return expit(SHARPNESS * score)


def mean_log_density(log_density, own):
    r"""Mean log density of each expert's own rows, (K,): the lowest fits worst.

    .. math:: \sum_i w_i r_{ik} \log f_k(y_i \mid x_i) / \sum_i w_i r_{ik}

    `own` (n, K) are responsibilities times weights. Infinite where an expert has too
    few rows to be split.
    """
    totals = own.sum(axis=0)
    terms = np.multiply(own, log_density, out=np.zeros_like(own), where=own > 0)
    mean = terms.sum(axis=0) / np.maximum(totals, TINY)
    mean[totals < SMALLEST_SHARE * totals.sum()] = np.inf
    return mean


def main_residuals(residuals, weights):
    """Residuals (n, T) along their main direction, standardised, (n,)."""
    residuals = standardised(residuals, weights)
    if residuals.shape[1] == 1:
        return residuals[:, 0]
    gram = (residuals * weights[:, None]).T @ residuals
    return standardised(residuals @ np.linalg.eigh(gram)[1][:, -1:], weights)[:, 0]


def crossing_score(design, residuals, weights):
    r"""Residuals times the score along which they spread most, standardised, (n,).

    The score is :math:`a_i' d` with columns a of `design` (the intercept is one) and
    the d that maximises :math:`\sum_i w_i e_i^2 (a_i' d)^2` at :math:`\sum_i w_i (a_i'
    d)^2 = 1`. Two lines that cross, with coefficients that differ by :math:`2 \delta`,
    leave residuals :math:`\pm a_i' \delta` of the line between them: the sign of
    :math:`e_i \, a_i' \delta` says which one a row is on. Zero where e is.
    """
    if not np.any(weights * residuals**2):
        return residuals
    solver = SymmetricSolver(design.gram(weights)[None])
    whitening = solver.scale[0][:, None] * solver.factors[0]
    spread = whitening.T @ design.gram(weights * residuals**2) @ whitening
    direction = whitening @ np.linalg.eigh(spread)[1][:, -1]
    score = design.block(slice(None)).scores(direction[None])[0]
    return standardised((residuals * score)[:, None], weights)[:, 0]


def standardised(values, weights):
    """Columns of weighted mean zero and variance one; constant ones zero."""
    total = max(weights.sum(), TINY)
    centred = values - weights @ values / total
    deviation = np.sqrt(weights @ centred**2 / total)
    constant = deviation <= 1e-10 * np.abs(values).max(axis=0, initial=0.0)
    return np.where(constant, 0.0, centred / np.where(deviation > 0, deviation, 1.0))
