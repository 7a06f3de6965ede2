# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The softmax gate that selects its features."""

import warnings

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet

from skmoe.gates.trainers import IteratedTrainer
from skmoe.numerics.softmax import log_softmax

# Smallest curvature p (1 - p) per unit of weight in the quadratic model: an expert that
# is certain of a row would make a least-squares target of any size of it.
SMALLEST_CURVATURE = 1e-5
# Of coordinate descent, relative to the least-squares targets' sum of squares.
DESCENT_TOLERANCE = 1e-8
DESCENT_SWEEPS = 50
MAX_HALVINGS = 30


class SparseSoftmaxTrainer(IteratedTrainer):
    r"""The softmax gate with an elastic net at work.

    Slopes V (K, d) on standardised columns, all K of them, and intercepts a (K,). The
    penalised expected log probability

    .. math:: \frac1W \sum_{ik} r_{ik} \log g_{ik} - \alpha \sum_{kj} \Bigl(
              \frac{1 - \rho}{2} v_{kj}^2 + \rho |v_{kj}| \Bigr)

    is concave. A step goes through the experts: with the others' scores held, expert
    k's quadratic model is a least-squares problem with weights :math:`h_i = w_i g_{ik}
    (1 - g_{ik})` and targets :math:`a_k + v_k' x_i + (r_{ik} - w_i g_{ik}) / h_i`,
    which coordinate descent solves under the same penalty. The move is halved until the
    objective does not fall.

    References
    ----------
    .. [1] Friedman, J., Hastie, T. & Tibshirani, R. (2010). "Regularization paths for
       generalized linear models via coordinate descent". JSS 33(1), section 4.
    .. [2] Lee, J. D., Sun, Y. & Saunders, M. A. (2014). "Proximal Newton-type methods
       for minimizing composite functions". SIAM J. Optimization 24(3), 1420-1443.
    """

    def __init__(self, template, design, n_experts, weights, alpha, l1_ratio):
        self.template = template
        self.design = design
        self.weights = weights
        self.total = weights.sum()
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        columns = design.standardised()
        self.is_sparse = sp.issparse(columns)
        # Coordinate descent reads columns. Sparse ones are scaled, not centred.
        self.columns = sp.csc_matrix(columns) if self.is_sparse else columns
        self.V = np.zeros((n_experts, design.X.shape[1]))
        self.intercepts = np.zeros(n_experts)
        self.scores = np.zeros((len(weights), n_experts))
        self._log_proba = None

    @property
    def log_proba(self):
        """Log probabilities at the training rows, (n, K)."""
        if self._log_proba is None:
            self._log_proba = log_softmax(self.scores)
        return self._log_proba

    @property
    def penalty(self):
        """The elastic net in units of the mean log likelihood."""
        squares, absolute = np.sum(self.V**2), np.sum(np.abs(self.V))
        rho = self.l1_ratio
        return self.alpha * float((1 - rho) / 2 * squares + rho * absolute)

    def step(self, responsibilities):
        """One proximal Newton step for each expert."""
        for k in range(len(self.V)):
            self._step_one(k, responsibilities)
        self._recentre()

    def _recentre(self):
        """Take from each column what makes its penalty least, and no probability move.

        Scores are differences: a column's slopes may be shifted by a common constant.
        One expert at a time would find it slowly.
        """
        shift = cheapest_shift(self.V, self.l1_ratio)
        if shift.any():
            self.V = self.V - shift
            self._rescore()

    def _step_one(self, k, responsibilities):
        proba = np.exp(self.log_proba[:, k])
        curvature = self.weights * np.maximum(proba * (1 - proba), SMALLEST_CURVATURE)
        residual = responsibilities[:, k] - self.weights * proba
        target = self.scores[:, k] + residual / curvature
        slopes, intercept = self._least_squares(k, target, curvature)
        self._ascend(k, slopes, intercept, responsibilities)

    def _least_squares(self, k, target, curvature):
        """Slopes and intercept of expert k's penalised quadratic model."""
        n_samples, n_features = self.columns.shape
        solver = ElasticNet(
            alpha=self.alpha * self.total / curvature.sum(),
            l1_ratio=self.l1_ratio,
            precompute=not self.is_sparse and n_samples > 2 * n_features,
            max_iter=DESCENT_SWEEPS,
            tol=DESCENT_TOLERANCE,
            warm_start=True,
        )
        solver.coef_ = self.V[k].copy()
        with warnings.catch_warnings():
            # A model solved roughly gives a step all the same, which is then guarded.
            warnings.simplefilter("ignore", ConvergenceWarning)
            solver.fit(self.columns, target, sample_weight=curvature)
        return solver.coef_, float(solver.intercept_)

    def _ascend(self, k, slopes, intercept, responsibilities):
        """Go to expert k's new coefficients, or as far as the objective rises."""
        start = self.V[k].copy(), self.intercepts[k], self.scores, self.log_proba
        before = self.expected(responsibilities)
        move = self.columns @ slopes + intercept - self.scores[:, k]
        length = 1.0
        for _ in range(MAX_HALVINGS):
            rest = 1.0 - length
            self.V[k] = length * slopes + rest * start[0] if rest else slopes
            self.intercepts[k] = length * intercept + rest * start[1]
            self.scores = start[2].copy()
            self.scores[:, k] += length * move
            self._log_proba = None
            if self.expected(responsibilities) >= before:
                return
            length /= 2
        self.V[k], self.intercepts[k], self.scores, self._log_proba = start

    def fitted(self):
        """Return the fitted gate, coefficients on the user's scale, zeros kept."""
        fitted = type(self.template)(**self.template.get_params(deep=False))
        intercepts = self.intercepts - self.intercepts.mean()
        if self.is_sparse:
            fitted.coef_, fitted.intercept_ = self.V / self.design.scale, intercepts
        else:
            coefficients = np.column_stack([self.V, intercepts])
            fitted.coef_, fitted.intercept_ = self.design.to_user(coefficients)
        fitted.intercept_ = fitted.intercept_ - fitted.intercept_.mean()
        return fitted

    def resume(self, fitted):
        """Take up the coefficients of a fitted gate."""
        self.V = fitted.coef_ * self.design.scale
        self.V[:, self.design.inverse_scale == 0] = 0.0
        shift = 0.0 if self.is_sparse else fitted.coef_ @ self.design.center
        self.intercepts = fitted.intercept_ + shift
        self._rescore()

    def _rescore(self):
        self.scores = self.columns @ self.V.T + self.intercepts
        self._log_proba = None

    def snapshot(self):
        """Slopes and intercepts."""
        return self.V.copy(), self.intercepts.copy()

    def restore(self, snapshot):
        """Come back to a snapshot."""
        self.V, self.intercepts = (part.copy() for part in snapshot)
        self._rescore()


def cheapest_shift(V, l1_ratio):
    r"""The shift c of each column that makes its penalty least.

    .. math:: \min_c \sum_k \frac{1 - \rho}{2} (v_k - c)^2 + \rho |v_k - c|

    Between two of a column's slopes the sum is a parabola, so the minimum is at a slope
    or at the vertex of a parabola. Of minima that are equal to rounding the one nearest
    zero is taken, zero if it is one: what has been shifted once stays.

    Parameters
    ----------
    V : ndarray of shape (K, d)
    l1_ratio : float

    Returns
    -------
    ndarray of shape (d,)
    """
    n_experts = len(V)
    candidates = np.vstack([np.zeros_like(V[:1]), V])
    if l1_ratio < 1:
        balance = n_experts - 2 * np.arange(n_experts + 1)  # slopes above, less below
        lean = l1_ratio / (1 - l1_ratio) * balance / n_experts
        candidates = np.vstack([candidates, V.mean(axis=0) + lean[:, None]])
    distance = np.abs(V - candidates[:, None])
    costs = (0.5 * (1 - l1_ratio) * distance + l1_ratio) * distance
    costs = costs.sum(axis=1)
    minimal = costs <= costs.min(axis=0) * (1 + 1e-12)
    best = np.where(minimal, np.abs(candidates), np.inf).argmin(axis=0)
    return candidates[best, np.arange(V.shape[1])]
