# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A start for one expert more: the expert that fits worst, split in two."""

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

from skmoe._views import numeric_columns

# How sharply the split divides rows, per standard deviation of their scores: soft, so
# that EM can still move the border.
SHARPNESS = 2.0
# Columns among which a direction is searched: those along which residuals bend most.
MAX_COLUMNS = 200
# Experts with a smaller share of all rows are not split.
SMALLEST_SHARE = 1e-6
TINY = np.finfo(np.float64).tiny


def split_worst(model, rows):
    r"""Responsibilities (n, K + 1) in which the worst expert of a model is two.

    The worst expert has the lowest mean log density of its own rows,
    :math:`\sum_i w_i r_{ik} \log f_k(y_i \mid x_i) / \sum_i w_i r_{ik}`. It is
    divided along the principal Hessian direction of its residuals e: the leading
    eigenvector of :math:`\sum_i w_i r_{ik} e_i x_i x_i'`. An expert that stands for
    two lines leaves residuals that bend where the lines meet, and this is the direction
    in which they bend. The start is a function of the weighted rows, without
    randomness. The halves are the last two columns.

    Parameters
    ----------
    model : fitted estimator
    rows : Rows
        The rows that it was fitted to, all of positive weight.

    References
    ----------
    .. [1] Li, K.-C. (1992). "On principal Hessian directions for data visualization and
       dimension reduction". JASA 87(420), 1025-1039.
    """
    R = rows.responsibilities(model)
    k = worst_expert(model, rows, R)
    own = R[:, k] * rows.all_weights
    residuals = _residuals(model, rows.X, rows.y, k, own)
    score = _bend(numeric_columns(rows.X), residuals, own)
    half = R[:, k] / (1 + np.exp(-SHARPNESS * score))
    return np.column_stack([np.delete(R, k, axis=1), half, R[:, k] - half])


def worst_expert(model, rows, responsibilities):
    """Index of the expert with the lowest mean log density of its own rows."""
    # log f_k = log r_k + log p - log g_k; where r vanishes, so does the term.
    X, y = rows.X, rows.y
    log_density = np.log(np.maximum(model.responsibilities(X, y), TINY))
    log_density += model.score_samples(X, y)[:, None]
    log_density -= np.log(np.maximum(model.gate_proba(X), TINY))
    weights = rows.all_weights
    own = responsibilities * weights[:, None]
    totals = own.sum(axis=0)
    mean = (own * log_density).sum(axis=0) / np.maximum(totals, TINY)
    mean[totals < SMALLEST_SHARE * weights.sum()] = np.inf
    return int(mean.argmin())


def _residuals(model, X, y, k, weights):
    """What expert k leaves of y along its main direction, standardised, (n,)."""
    prediction = model.predict_experts(X)[:, k]
    if hasattr(model, "classes_"):
        target = np.asarray(y).reshape(-1, 1) == model.classes_
    else:
        target = check_array(y, ensure_2d=False, dtype=np.float64)
    residuals = target.reshape(len(prediction), -1) - prediction.reshape(
        len(prediction), -1
    )
    residuals = _standardised(residuals, weights)
    if residuals.shape[1] == 1:
        return residuals[:, 0]
    gram = (residuals * weights[:, None]).T @ residuals
    return _standardised(residuals @ np.linalg.eigh(gram)[1][:, -1:], weights)[:, 0]


def _bend(X, residuals, weights):
    """Rows along the direction in which their residuals bend most, (n,).

    Along the residuals themselves where no column varies.
    """
    X = X.tocsc() if sp.issparse(X) else X
    squares = X.multiply(X) if sp.issparse(X) else X**2
    bends = np.abs(squares.T @ (weights * residuals))
    columns = np.argsort(-bends, kind="stable")[:MAX_COLUMNS]
    X = X[:, columns]
    Z = _standardised(X.toarray() if sp.issparse(X) else X, weights)
    hessian = (Z * (weights * residuals)[:, None]).T @ Z
    if not np.any(np.abs(hessian) > 1e-10 * weights.sum()):
        return residuals
    values, vectors = np.linalg.eigh(hessian)
    direction = vectors[:, [np.abs(values).argmax()]]
    return _standardised(Z @ direction, weights)[:, 0]


def _standardised(values, weights):
    """Columns of weighted mean zero and variance one; constant ones zero."""
    total = max(weights.sum(), TINY)
    centred = values - weights @ values / total
    deviation = np.sqrt(weights @ centred**2 / total)
    constant = deviation <= 1e-10 * np.abs(values).max(axis=0, initial=0.0)
    return np.where(constant, 0.0, centred / np.where(deviation > 0, deviation, 1.0))
