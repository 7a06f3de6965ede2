# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The softmax gate."""

from numbers import Real

import numpy as np
from scipy.optimize import minimize

from skmoe._compat import Interval
from skmoe.em.parametric import Ascent, Parametric
from skmoe.gates.base import BaseGate, GateTrainer
from skmoe.solvers import softmax_regression as softmax
from skmoe.solvers.least_squares import SymmetricSolver, product

# Above this number of free coefficients a Newton step (n p^2 K^2 / 2 and a solve) costs
# more than the ten gradients (n p K each) of a short L-BFGS run.
NEWTON_LIMIT = 500
LBFGS_STEPS = 10


class SoftmaxGate(BaseGate):
    r"""Softmax of linear scores, with an L2 penalty: the classical gate.

    .. math::
        g_k(x) = \frac{\exp(a_k + v_k' x)}{\sum_l \exp(a_l + v_l' x)}, \qquad
        \max_{a, v} \; \frac{1}{\sum_i w_i} \sum_{ik} w_i r_{ik} \log g_k(x_i)
            - \frac{\alpha}{2} \sum_{kj} s_j^2 v_{kj}^2 ,

    where :math:`s_j` is the standard deviation of column j: features are standardised
    inside, coefficients are reported on the user's scale. They sum to zero over the
    experts, so none is special. Inside EM the gate takes one Newton step per iteration
    (a short L-BFGS run above 500 free coefficients); `fit` runs to convergence.

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength of the penalty, relative to the *mean* log likelihood, so that it means
        the same for every number of rows and every scale of the weights. It keeps
        separable data finite. 0: none.

    Attributes
    ----------
    coef_ : ndarray of shape (n_experts, n_features)
        Slopes :math:`v_k` per unit of each feature.
    intercept_ : ndarray of shape (n_experts,)
        Intercepts :math:`a_k`.

    See Also
    --------
    ConstantGate : Proportions that do not depend on the row.
    ClassifierGate : Any scikit-learn classifier as gate.

    References
    ----------
    .. [1] Jordan, M. I. & Jacobs, R. A. (1994). "Hierarchical mixtures of experts and
       the EM algorithm". Neural Computation 6(2), 181-214.
    .. [2] Krishnapuram, B. et al. (2005). "Sparse multinomial logistic regression".
       IEEE TPAMI 27(6), 957-968.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import SoftmaxGate
    >>> X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    >>> soft = np.array([[0.9, 0.1], [0.7, 0.3], [0.3, 0.7], [0.1, 0.9]])
    >>> gate = SoftmaxGate(alpha=0).fit(X, soft)
    >>> gate.coef_.round(3)
    array([[-0.506],
           [ 0.506]])
    >>> gate.predict_proba([[0.0]]).round(3)
    array([[0.5, 0.5]])
    """

    numeric = True
    _parameter_constraints: dict = {"alpha": [Interval(Real, 0, None, closed="left")]}

    def __init__(self, alpha=1e-4):
        self.alpha = alpha

    def trainer(self, X, n_experts, weights, designs):
        """Return the gate at work on the rows of X."""
        self._validate_params()
        return SoftmaxTrainer(
            self, designs.get(X), n_experts, weights, alpha=float(self.alpha)
        )

    def count_parameters(self):
        """Free coefficients of the fitted gate."""
        n_experts, n_features = self.coef_.shape
        return (n_experts - 1) * (n_features + 1)

    def predict_log_proba(self, X):
        """Log probabilities of the experts.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to gate.

        Returns
        -------
        ndarray of shape (n_samples, n_experts)
            Natural logarithms.
        """
        return softmax.log_softmax(self.scores(self._check_predict_input(X)))

    def scores(self, X, order="F"):
        """Linear scores of validated rows, (n, K)."""
        scores = product(X, self.coef_.T) if order == "F" else X @ self.coef_.T
        scores += self.intercept_
        return scores


class SoftmaxTrainer(Parametric, GateTrainer):
    """The softmax gate at work: V (K - 1, p) on the standardised design."""

    def __init__(self, template, design, n_experts, weights, alpha):
        self.template = template
        self.design = design
        self.weights = weights
        self.total = weights.sum()
        n_columns = design.matrix.shape[1]
        self.penalty_weights = np.full(n_columns, alpha)
        self.penalty_weights[-1] = 0.0
        self.coupling = softmax.symmetric_coupling(n_experts)
        self.V = np.zeros((n_experts - 1, n_columns))
        self._log_proba = None

    @property
    def linearisable(self):
        """Whether the problem is small enough for Newton steps."""
        return self.V.size <= NEWTON_LIMIT

    @property
    def parameters(self):
        """The free coefficients, flat."""
        return self.V.ravel().copy()

    @parameters.setter
    def parameters(self, values):
        self.V = values.reshape(self.V.shape).copy()
        self._log_proba = None

    @property
    def log_proba(self):
        """Log probabilities at the training rows, (n, K)."""
        if self._log_proba is None:
            self._log_proba = softmax.log_probabilities(self.design.matrix, self.V)
        return self._log_proba

    @property
    def penalty(self):
        """The L2 penalty in units of the mean log likelihood."""
        return softmax.penalty_value(self.V, self.penalty_weights, self.coupling)

    def expected(self, responsibilities):
        """Mean expected log gate probability minus the penalty."""
        likelihood = np.einsum("nk,nk->", responsibilities, self.log_proba)
        return likelihood / self.total - self.penalty

    def score(self, responsibilities):
        """Gradient of `expected`, (K - 1, p)."""
        residuals = responsibilities - self.weights[:, None] * np.exp(self.log_proba)
        return softmax.score(
            self.design.matrix,
            residuals,
            self.V,
            self.penalty_weights,
            self.coupling,
            self.total,
        )

    def linearise(self, responsibilities):
        """Newton's view of the expected log gate probability."""
        if self.V.size == 0:  # a single expert leaves nothing to decide
            return Ascent(self.parameters, self.parameters, np.zeros_like)
        gradient = self.score(responsibilities).ravel()
        information = softmax.information(
            self.design.matrix,
            np.exp(self.log_proba),
            self.weights,
            self.penalty_weights,
            self.coupling,
            self.total,
        )
        solver = SymmetricSolver(information)
        target = self.parameters + solver.solve(gradient)
        return Ascent(target, gradient, solver.solve)

    def resume(self, fitted):
        """Take up the coefficients of a fitted gate."""
        all_experts = self.design.from_user(fitted.coef_, fitted.intercept_)
        self.parameters = all_experts[:-1] - all_experts[-1]

    def step(self, responsibilities):
        """One safeguarded Newton step, or a short L-BFGS run on a large problem."""
        if self.linearisable:
            super().step(responsibilities)
        else:
            self._lbfgs(responsibilities, LBFGS_STEPS)

    def fit(self, responsibilities, max_iter=1000, tol=1e-12):
        """Fit to fixed responsibilities until a Newton step gains less than `tol`."""
        if not self.linearisable:
            self._lbfgs(responsibilities, max_iter)
            return
        value = self.expected(responsibilities)
        for _ in range(max_iter):
            self.step(responsibilities)
            gain, value = -value, self.expected(responsibilities)
            if gain + value <= tol:
                return

    def _lbfgs(self, responsibilities, max_iter):
        def negative(values):
            self.parameters = values
            gradient = self.score(responsibilities).ravel()
            return -self.expected(responsibilities), -gradient

        start = self.parameters
        options = {"maxiter": max_iter, "ftol": 1e-14, "gtol": 1e-8}
        result = minimize(negative, start, jac=True, method="L-BFGS-B", options=options)
        self.parameters = result.x

    def gate(self):
        """Return the fitted gate, coefficients on the user's scale, summing to zero."""
        fitted = type(self.template)(**self.template.get_params(deep=False))
        all_experts = np.vstack([self.V, np.zeros((1, self.V.shape[1]))])
        slopes, intercepts = self.design.to_user(all_experts - all_experts.mean(axis=0))
        fitted.coef_, fitted.intercept_ = slopes, intercepts
        return fitted
