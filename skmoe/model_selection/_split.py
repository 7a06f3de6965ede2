# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A start for one expert more: the expert that fits worst, split in two."""

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

from skmoe.em.split import TINY, half, main_residuals, mean_log_density, standardised
from skmoe.rows.inputs import numeric_columns

# Columns among which a direction is searched: those along which residuals bend most.
MAX_COLUMNS = 200


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
    first = R[:, k] * half(score)
    return np.column_stack([np.delete(R, k, axis=1), first, R[:, k] - first])


def worst_expert(model, rows, responsibilities):
    """Index of the expert with the lowest mean log density of its own rows."""
    # log f_k = log r_k + log p - log g_k; where r vanishes, so does the term.
    X, y = rows.X, rows.y
    log_density = np.log(np.maximum(model.responsibilities(X, y), TINY))
    log_density += model.score_samples(X, y)[:, None]
    log_density -= np.log(np.maximum(model.gate_proba(X), TINY))
    own = responsibilities * rows.all_weights[:, None]
    return int(mean_log_density(log_density, own).argmin())


def _residuals(model, X, y, k, weights):
    """Residuals of expert k along their main direction, standardised, (n,)."""
    prediction = model.predict_experts(X)[:, k]
    if hasattr(model, "classes_"):
        target = np.asarray(y).reshape(-1, 1) == model.classes_
    else:
        target = check_array(y, ensure_2d=False, dtype=np.float64)
    n_samples = len(prediction)
    residuals = target.reshape(n_samples, -1) - prediction.reshape(n_samples, -1)
    return main_residuals(residuals, weights)


def _bend(X, residuals, weights):
    """Rows along the direction in which their residuals bend most, (n,).

    Along the residuals themselves where no column varies.
    """
    X = X.tocsc() if sp.issparse(X) else X
    squares = X.multiply(X) if sp.issparse(X) else X**2
    bends = np.abs(squares.T @ (weights * residuals))
    columns = np.argsort(-bends, kind="stable")[:MAX_COLUMNS]
    X = X[:, columns]
    Z = standardised(X.toarray() if sp.issparse(X) else X, weights)
    hessian = (Z * (weights * residuals)[:, None]).T @ Z
    if not np.any(np.abs(hessian) > 1e-10 * weights.sum()):
        return residuals
    values, vectors = np.linalg.eigh(hessian)
    direction = vectors[:, [np.abs(values).argmax()]]
    return standardised(Z @ direction, weights)[:, 0]
