# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
r"""Score and information of the observed log likelihood, by blocks of rows.

With the log joint densities :math:`a_{ik} = \log g_k(x_i) + \log f_k(y_i)` and the
responsibilities r, a row contributes (Louis 1982)

.. math::
    \nabla \ell_i = \sum_k r_{ik} \nabla a_{ik}, \qquad
    -\nabla^2 \ell_i = -\sum_k r_{ik} \nabla^2 a_{ik}
        - \Big( \sum_k r_{ik} \nabla a_{ik} \nabla a_{ik}'
        - \nabla \ell_i \nabla \ell_i' \Big) :

what complete data would tell, less what the unknown expert takes away. The second term
is a covariance over experts, which does not change when all :math:`\nabla a_{ik}` of a
row are shifted alike; the gate's are taken without the part that its experts share.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.linalg import block_diag

from skmoe.numerics.softmax import log_softmax, softmax
from skmoe.rows.blocks import DenseBlock
from skmoe.rows.design import Design
from skmoe.rows.groups import sum_by_group

# Numbers in the largest array of a block: rows times parameters.
BLOCK_SIZE = 2**20


@dataclass
class Rows:
    """The rows whose likelihood is differentiated.

    Rows of one group share a latent expert and stand next to each other; without
    groups, each row is a group.

    Attributes
    ----------
    experts : StackedExperts
    gate : gate
    gate_X : {ndarray, CSR matrix} of shape (G, d_g)
        One row per group.
    X : {ndarray, CSR matrix} of shape (n, d_e[ + 1])
        With the offset, if there is one, as last column.
    y : ndarray of shape (n, T)
    outer, inner : ndarray of shape (G,) and (n,)
        Weights of the log likelihoods of groups, and of the log densities of rows.
    starts : ndarray of shape (G + 1,)
        Where each group begins, and n.
    gate_design, expert_design : Design
    """

    experts: Any
    gate: Any
    gate_X: Any
    X: Any
    y: np.ndarray
    outer: np.ndarray
    inner: np.ndarray
    starts: np.ndarray
    gate_design: Design
    expert_design: Design

    def sums(self):
        """Score (P,), information (P, P) and sum of squared scores (P, P).

        The parameters are those of the K experts one after the other: gate
        coefficients, coefficients of each score (slopes, then the intercept, on the
        standardised designs), free parameters of the family.
        """
        score = information = squares = 0.0
        for groups in self._batches():
            parts = self._block(groups)
            score, information = score + parts[0], information + parts[1]
            squares = squares + parts[2]
        return score, information, squares

    def _batches(self):
        """Slices of groups that make blocks of a limited size."""
        n_channels = [sum(self.experts.n_channels(k)) for k in range(self.n_experts)]
        width = self.gate_design.n_columns * self.n_experts
        width += self.expert_design.n_columns * sum(n_channels)
        block = self.starts // max(BLOCK_SIZE // width, 1)
        begins = np.flatnonzero(np.diff(block[:-1], prepend=-1))
        ends = np.append(begins[1:], len(self.starts) - 1)
        return [slice(a, b) for a, b in zip(begins, ends, strict=True)]

    @property
    def n_experts(self):
        """Number of experts."""
        return len(self.experts.estimators)

    def _block(self, groups):
        """The three sums over some groups."""
        starts = self.starts[groups.start : groups.stop + 1]
        rows = slice(starts[0], starts[-1])
        X, y, inner = self.X[rows], self.y[rows], self.inner[rows]
        sizes, outer = np.diff(starts), self.outer[groups]
        owners = np.repeat(np.arange(len(sizes)), sizes)
        log_gate = log_softmax(self.gate.scores(self.gate_X[groups]))
        log_density = sum_by_group(self.experts.log_density(X, y), owners, inner)
        share = softmax(log_gate + log_density)
        A_gate = dense_rows(self.gate_design, self.gate_X[groups])
        A = dense_rows(self.expert_design, X[:, : self.expert_design.n_columns - 1])
        gradients, information = [], []
        for k, response in enumerate(self.experts.responses(X, y)):
            mine = share[owners, k]
            response = response.restricted(mine > 0)
            of_rows = gradient(response, A) * inner[:, None]
            gradients.append(
                np.hstack([A_gate, _by_group(of_rows, starts - starts[0])])
            )
            weights = outer[owners] * inner * mine
            complete = block_diag(
                np.zeros((A_gate.shape[1],) * 2), -curvature(response, A, weights)
            )
            information.append(complete - gram(gradients[k], outer * share[:, k]))
        shares = [d * share[:, [k]] for k, d in enumerate(gradients)]
        return self._join(shares, information, np.exp(log_gate), A_gate, outer)

    def _join(self, shares, information, gate, A_gate, outer):
        """Put the experts' parts together and add what they share of the gate."""
        widths = [part.shape[1] for part in shares]
        first = np.cumsum([0, *widths[:-1]])
        of_gate = (first[:, None] + np.arange(A_gate.shape[1])).ravel()
        score, information = np.hstack(shares), block_diag(*information)
        information += gram(score, outer)
        expected = np.hstack([gate[:, [k]] * A_gate for k in range(self.n_experts)])
        complete = block_diag(*(gram(A_gate, outer * g) for g in gate.T))
        information[np.ix_(of_gate, of_gate)] += complete - gram(expected, outer)
        score[:, of_gate] -= expected
        return outer @ score, information, gram(score, outer)


def dense_rows(design, X):
    """Rows of a design, (m, p)."""
    X = X.toarray() if sp.issparse(X) else X
    block = DenseBlock(X, design.center, design.inverse_scale, design.kernels)
    return block.A.T


def gram(A, weights):
    """``A' diag(w) A`` for weights that are not negative."""
    scaled = A * np.sqrt(weights)[:, None]
    return scaled.T @ scaled


def gradient(response, A):
    """Derivatives of each row's log density in an expert's parameters, (m, P)."""
    of_scores = response.slopes[: response.n_scores]
    products = of_scores.T[:, :, None] * A[:, None]
    of_rest = response.slopes[response.n_scores :].T
    return np.hstack(
        [products.reshape(len(A), of_scores.shape[0] * A.shape[1]), of_rest]
    )


def curvature(response, A, weights):
    """Weighted sum of second derivatives in an expert's parameters, (P, P)."""
    n_channels, one = len(response.slopes), np.ones((len(A), 1))
    designs = [A if c < response.n_scores else one for c in range(n_channels)]
    ends = np.cumsum([0] + [design.shape[1] for design in designs])
    total = np.zeros((ends[-1], ends[-1]))
    for (i, j), values in response.curvatures.items():
        block = designs[i].T @ ((weights * values)[:, None] * designs[j])
        total[ends[i] : ends[i + 1], ends[j] : ends[j + 1]] = block
        total[ends[j] : ends[j + 1], ends[i] : ends[i + 1]] = block.T
    return total


def _by_group(values, starts):
    """Sums of neighbouring rows; `starts` ends with their number."""
    if len(starts) == len(values) + 1:
        return values
    return np.add.reduceat(values, starts[:-1], axis=0)
