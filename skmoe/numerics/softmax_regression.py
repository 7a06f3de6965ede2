# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
r"""Softmax regression on soft labels: the numerics of the gate and logistic experts.

With design A (p, n), targets T (C, n) whose columns sum to the row weights, and scores
``V A`` where V (C - 1, p) and the last class has score zero, the objective is

.. math:: \frac1W \sum_{ic} T_{ci} \log p_{ci} - \frac12 \sum_j \lambda_j v_j' S v_j ,
          \qquad W = \sum_{ic} T_{ci} .

``S = I - 11'/C`` makes the penalty that of C centred coefficient vectors, so that no
class is special although one is the reference; ``S = I`` penalises the differences to
the reference (scikit-learn's binary logistic regression).
"""

import numpy as np

from skmoe.numerics.packed import triangle_positions

# Curvature per unit of weight, on standardised columns, below which scores are flat.
DAMPING = 1e-8


def with_reference(scores, n_groups):
    """Scores (G, C, n) from those of the first C - 1 classes of each group."""
    n_free, n_samples = len(scores) // n_groups, scores.shape[1]
    full = np.zeros((n_groups, n_free + 1, n_samples))
    full[:, :-1] = scores.reshape(n_groups, n_free, n_samples)
    return full


def symmetric_coupling(n_classes):
    """S of the module's formula for a penalty that treats all classes alike."""
    return np.eye(n_classes - 1) - 1.0 / n_classes


def penalty_value(V, penalty, coupling):
    """Half the weighted squared norm, a float; `penalty` has shape (p,)."""
    with np.errstate(over="ignore", invalid="ignore"):  # a proposal to be refused
        return 0.5 * float(np.sum((V * penalty) * (coupling @ V)))


def hessian(grams, penalty, coupling):
    """Negative Hessian of the objective, damped, ((C - 1) p, (C - 1) p).

    `grams` (C (C - 1) / 2, p, p) belong to the pairs of ``np.triu_indices(C - 1)``, see
    `skmoe.kernels.numpy_kernels.softmax_curvature`.
    """
    n_free, n_columns = len(coupling), len(penalty)
    blocks = grams[triangle_positions(n_free)]
    # Saturated scores (a class or an expert that is never seen) have no curvature left;
    # damping keeps their Newton steps, and so the coefficients, from running away.
    diagonal = np.arange(n_columns)
    ridge = coupling[:, :, None] * penalty + DAMPING * np.eye(n_free)[:, :, None]
    blocks[:, :, diagonal, diagonal] += ridge
    size = n_free * n_columns
    return blocks.transpose(0, 2, 1, 3).reshape(size, size)
