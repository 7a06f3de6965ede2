# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The Gaussian gate at work: a closed-form M-step from sums over rows."""

import numpy as np
import scipy.sparse as sp

from skmoe.gates.trainers import GateTrainer
from skmoe.numerics.softmax import log_softmax, log_sum_exp
from skmoe.trainers.blockwise import Blockwise
from skmoe.trainers.local_model import LocalModel

# An expert whose share of all weight is below this keeps its density.
DEAD_SHARE = 1e-8
TINY = np.finfo(np.float64).tiny
LOG_2_PI = np.log(2 * np.pi)


class GaussianTrainer(Blockwise, GateTrainer):
    r"""Normal densities of the standardised columns, held as what whitens them.

    :math:`N(a; \mu, S)` with :math:`S^{-1} = U'U`, U lower triangular, and :math:`b =
    U \mu` is :math:`|\det U| \exp(-|U a - b|^2 / 2)` up to a constant. The state is the
    logits of the proportions, U and b: any values but a zero on the diagonal make a
    density, so a step may be shortened or lengthened without leaving the model.

    Arrays have leading axes (m, c), m matrices of dimension d, d for 'full' (K, 1) and
    'tied' (1, 1); a diagonal is K d matrices of dimension one, (K, d).

    `blur` is the reg_covar: the expectation of the log density of :math:`a + e` with
    noise e of variance :math:`\epsilon` is :math:`\log N(a; \mu, S) -
    \frac{\epsilon}{2} |U|^2`, and that is what EM climbs.
    """

    def __init__(self, template, design, n_experts, weights):
        if sp.issparse(design.X):
            raise ValueError(
                "GaussianGate needs dense features. Got a sparse matrix: give it some "
                "dense columns (gate_features), put TruncatedSVD before it in a "
                "Pipeline, or use SoftmaxGate."
            )
        self.template = template
        self.design = design
        self.weights = weights
        self.total = weights.sum()
        self.kind = template.covariance_type
        n_features, n_matrices = design.X.shape[1], n_experts
        if self.kind == "tied":
            n_matrices = 1
        self.n_curvatures = 0 if self.kind == "diag" else n_matrices
        is_diagonal = self.kind == "diag"
        cells, size = (n_features, 1) if is_diagonal else (1, n_features)
        self.eta = np.zeros(n_experts - 1)
        self.U = np.tile(np.eye(size), (n_matrices, cells, 1, 1))
        self.b = np.zeros((n_experts, cells, size))
        self.blur = template.reg_covar
        self._log_proba = None

    # -- state ------------------------------------------------------------------------

    @property
    def parameters(self):
        """Logits, U and b, flat."""
        return np.concatenate([self.eta, self.U.ravel(), self.b.ravel()])

    @parameters.setter
    def parameters(self, values):
        self.eta, self.U, self.b = (part.copy() for part in self._split(values))
        self._log_proba = None

    def _split(self, values):
        first = self.eta.size
        second = first + self.U.size
        U = values[first:second].reshape(self.U.shape)
        return values[:first], U, values[second:].reshape(self.b.shape)

    @property
    def log_proportions(self):
        """Log mixing proportions, (K,)."""
        return log_softmax(np.append(self.eta, 0.0)[None])[0]

    @property
    def log_proba(self):
        """Log joint densities of row and expert on the user's scale, (n, K)."""
        if self._log_proba is None:
            self._log_proba = self.log_terms()
        return self._log_proba

    @property
    def log_marginal(self):
        """Weighted total log density of the rows."""
        value = 0.0
        for rows in self.batches():
            joint = self.evaluate(self.design.block(rows), rows)[0]
            value += float(self.weights[rows] @ log_sum_exp(joint, axis=0))
        return value

    # -- the pass ---------------------------------------------------------------------

    def evaluate(self, block, rows):
        """Log joint densities, (K, n)."""
        n_features = self.design.n_columns - 1
        scale = np.log(self.design.scale).sum() + 0.5 * n_features * LOG_2_PI
        diagonal = np.abs(np.diagonal(self.U, axis1=2, axis2=3))
        constant = np.log(np.maximum(diagonal, TINY)).sum(axis=(1, 2)) - scale
        constant -= 0.5 * self.blur * np.sum(self.U**2, axis=(1, 2, 3))
        columns, offsets = block.A[:-1], self.b.reshape(len(self.b), -1, 1)
        log_joint = np.empty((len(self.b), columns.shape[1]))
        for k, offset in enumerate(offsets):
            if self.kind == "diag":
                whitened = self.U[k, :, 0] * columns
            elif self.kind == "full" or k == 0:
                whitened = self.U[k, 0] @ columns
            difference = whitened - offset
            log_joint[k] = np.einsum("jn,jn->n", difference, difference)
        log_joint *= -0.5
        log_joint += (self.log_proportions + constant)[:, None]
        return (log_joint,)

    def moments(self, block, rows, evaluated, responsibilities):
        """Totals and sums (K, d + 1); sums of squares where no product is needed."""
        sums = [block.cross(responsibilities)]
        if self.kind == "full":
            return sums, responsibilities
        if self.kind == "tied":
            return sums, self.weights[None, rows]
        sums.append(responsibilities @ block.A[:-1].T ** 2)
        return sums, np.empty((0, responsibilities.shape[1]))

    def local_model(self, sums, grams):
        """The closed form as target, and the complete-data score and information."""
        totals, first = sums[0][:, -1], sums[0][:, :-1].reshape(self.b.shape)
        if self.kind == "diag":
            second = sums[1][:, :, None, None]
        else:
            second = grams[:, None, :-1, :-1]
        U, b = self._maximiser(totals, first, second)
        share = np.maximum(totals / self.total, 1e-300)
        eta = np.log(share[:-1]) - np.log(share[-1])
        return LocalModel(
            np.concatenate([eta, U.ravel(), b.ravel()]),
            self._score(totals, first, second),
            self._information_solver(share, U, b),
        )

    def _pooled(self, values):
        """Sum over the experts that share a matrix: (K, ...) to (m, ...)."""
        return values.sum(axis=0, keepdims=True) if self.kind == "tied" else values

    def _maximiser(self, totals, first, second):
        """U and b of the weighted moments; an expert without rows stays."""
        alive = totals > DEAD_SHARE * self.total
        means = first / np.where(alive, totals, 1.0)[:, None, None]
        counts = self._pooled(np.where(alive, totals, 0.0))
        has_rows = counts > 0
        scatter = second - self._pooled(first[..., :, None] * means[..., None, :])
        U = self.U.copy()
        covariances = scatter[has_rows] / counts[has_rows][:, None, None, None]
        covariances += self.blur * np.eye(scatter.shape[-1])
        U[has_rows] = np.tril(np.linalg.inv(self._cholesky(covariances)))
        b = np.where(alive[:, None, None], _times(U, means), self.b)
        return U, b

    def _cholesky(self, covariances):
        try:
            return np.linalg.cholesky(covariances)
        except np.linalg.LinAlgError as error:
            raise ValueError(
                "The covariance of an expert's rows is singular (constant or dependent "
                "columns, or few rows). Increase reg_covar of GaussianGate or use "
                "covariance_type='diag' or 'tied'. Got reg_covar="
                f"{self.template.reg_covar!r}."
            ) from error

    def _score(self, totals, first, second):
        """Gradient of the mean expected log joint density, flat."""
        counts = self._pooled(totals)[:, None, None]
        diagonal = np.diagonal(self.U, axis1=2, axis2=3)
        of_U = self._pooled(self.b[..., :, None] * first[..., None, :])
        of_U = of_U - self.U @ second - self.blur * counts[..., None] * self.U
        where = np.arange(self.U.shape[-1])
        of_U[..., where, where] += counts / diagonal
        of_b = _times(self.U, first) - totals[:, None, None] * self.b
        of_eta = totals[:-1] - self.total * np.exp(self.log_proportions[:-1])
        parts = [of_eta, np.tril(of_U).ravel(), of_b.ravel()]
        return np.concatenate(parts) / self.total

    def _information_solver(self, share, U, b):
        r"""Solve with the information at the target, in whitened coordinates.

        Where :math:`z = U a - b` has mean zero and unit covariance, the information of
        :math:`z + \Delta z - \delta` is diagonal: the expert's share for :math:`\delta`
        and below the diagonal of :math:`\Delta`, twice that on it.
        """
        share = np.maximum(share, DEAD_SHARE)
        size = U.shape[-1]
        matrix_share = self._pooled(share)[:, None, None, None]
        curvature = matrix_share * (1.0 + np.eye(size))

        def solve(vector):
            of_eta, of_U, of_b = self._split(vector)
            outer = self._pooled(of_b[..., :, None] * b[..., None, :])
            local = np.tril(of_U @ U.swapaxes(-1, -2) + outer) / curvature
            move_b = _times(local, b) + of_b / share[:, None, None]
            # (diag(pi) - pi pi')^-1 of the free proportions
            move_eta = of_eta / share[:-1] + of_eta.sum() / share[-1]
            return np.concatenate([move_eta, (local @ U).ravel(), move_b.ravel()])

        return solve

    # -- to and from the user ---------------------------------------------------------

    def fitted(self):
        """Return the fitted gate, means and covariances on the user's scale."""
        template, scale = self.template, self.design.scale
        fitted = type(template)(**template.get_params(deep=False))
        fitted.proportions_ = np.exp(self.log_proportions)
        fitted.scale_ = scale
        inverse = np.linalg.inv(self.U)
        means = _times(inverse, self.b).reshape(len(self.b), -1)
        fitted.means_ = means * scale + self.design.center
        if self.kind == "diag":
            fitted.covariances_ = inverse[..., 0, 0] ** 2 * scale**2
            return fitted
        covariances = (inverse @ inverse.swapaxes(-1, -2))[:, 0]
        covariances *= scale[:, None] * scale
        fitted.covariances_ = covariances[0] if self.kind == "tied" else covariances
        return fitted

    def resume(self, fitted):
        """Take up the densities of a fitted gate."""
        scale = self.design.scale
        logs = np.log(np.maximum(fitted.proportions_, 1e-300))
        means = ((fitted.means_ - self.design.center) / scale).reshape(self.b.shape)
        if self.kind == "diag":
            U = scale / np.sqrt(fitted.covariances_)
        else:
            size = self.U.shape[-1]
            covariances = fitted.covariances_ / (scale[:, None] * scale)
            covariances = covariances.reshape(self.U.shape[0], 1, size, size)
            U = np.tril(np.linalg.inv(np.linalg.cholesky(covariances)))
        self.eta, self.U = logs[:-1] - logs[-1], U.reshape(self.U.shape)
        self.b = _times(self.U, means)
        self._log_proba = None


def _times(matrices, vectors):
    """Matrices (m, c, d, d) times vectors (K, c, d), m = K or 1."""
    return (matrices @ vectors[..., None])[..., 0]
