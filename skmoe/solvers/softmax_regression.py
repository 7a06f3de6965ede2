# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
r"""Softmax regression on soft labels: the numerics of the gate and logistic experts.

With design A (n, p), targets T (n, C) whose rows sum to the row weights, and scores
``A V'`` where V (C - 1, p) and the last class has score zero, the objective is

.. math:: \frac1W \sum_{ic} T_{ic} \log p_{ic} - \frac12 \sum_j \lambda_j v_j' S v_j ,
          \qquad W = \sum_{ic} T_{ic} .

``S = I - 11'/C`` makes the penalty that of C centred coefficient vectors, so that no
class is special although one is the reference; ``S = I`` penalises the differences to
the reference (scikit-learn's binary logistic regression).
"""

import numpy as np

from skmoe.solvers.least_squares import product, weighted_grams

# Curvature per unit of weight, on standardised columns, below which scores are flat.
DAMPING = 1e-8


def log_softmax(scores):
    """Row-wise ``scores - log sum exp(scores)``, (n, C)."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def log_probabilities(A, V):
    """Log probabilities of the C classes, (n, C)."""
    scores = np.zeros((A.shape[0], V.shape[0] + 1), order="F")
    scores[:, :-1] = product(A, V.T)
    return log_softmax(scores)


def symmetric_coupling(n_classes):
    """S of the module's formula for a penalty that treats all classes alike."""
    return np.eye(n_classes - 1) - 1.0 / n_classes


def penalty_value(V, penalty, coupling):
    """Half the weighted squared norm, a float; `penalty` has shape (p,)."""
    return 0.5 * float(np.sum((V * penalty) * (coupling @ V)))


def score(A, residuals, V, penalty, coupling, total):
    """Gradient of the objective, (C - 1, p); `residuals` = T - w p, (n, C)."""
    return (A.T @ residuals[:, :-1]).T / total - (coupling @ V) * penalty


def information(A, probabilities, weights, penalty, coupling, total):
    """Negative Hessian of the objective, damped, ((C - 1) p, (C - 1) p).

    ``sum_i w_i (diag(q_i) - q_i q_i') x a_i a_i'`` with q the C - 1 first ones.
    """
    n_free, n_columns = probabilities.shape[1] - 1, A.shape[1]
    first, second = np.triu_indices(n_free)
    q = probabilities[:, :-1]
    pairs = -q[:, first] * q[:, second]
    pairs[:, first == second] += q
    blocks = weighted_grams(A, pairs * (weights / total)[:, None])
    # Saturated scores (a class or an expert that is never seen) have no curvature left;
    # damping keeps their Newton steps, and so the coefficients, from running away.
    blocks[first == second] += DAMPING * np.eye(n_columns)
    hessian = np.empty((n_free, n_columns, n_free, n_columns))
    for block, a, b in zip(blocks, first, second, strict=True):
        block[np.diag_indices(n_columns)] += coupling[a, b] * penalty
        hessian[a, :, b] = block
        hessian[b, :, a] = block
    return hessian.reshape(n_free * n_columns, n_free * n_columns)
