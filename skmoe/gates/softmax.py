# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The softmax gate."""

from numbers import Real

import numpy as np
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from skmoe._compat import Interval
from skmoe.gates.balance import BalancedTrainer
from skmoe.gates.base import BaseGate
from skmoe.gates.selection import check_selection
from skmoe.gates.sparse_softmax import SparseSoftmaxTrainer
from skmoe.gates.trainers import GateTrainer, IteratedTrainer
from skmoe.numerics import softmax_regression as softmax
from skmoe.numerics.least_squares import SymmetricSolver, product
from skmoe.numerics.softmax import log_softmax
from skmoe.trainers.blockwise import Blockwise
from skmoe.trainers.local_model import LocalModel

# Up to this number of experts the gate's step is Newton's, with K (K - 1) / 2 Gram
# matrices per pass; from there on it is block-diagonal, with K (docs/benchmarks.md).
NEWTON_EXPERTS = 5
# Nor do more free coefficients than this make one matrix.
NEWTON_LIMIT = 1000
# Beside experts that are costly to refit, a block-diagonal step would waste their work:
# the gate then takes this many quasi-Newton steps of its own.
LBFGS_STEPS = 10


class SoftmaxGate(BaseGate):
    r"""Softmax of linear scores, with an elastic-net penalty: the classical gate.

    .. math::
        g_k(x) = \frac{\exp(a_k + v_k' x)}{\sum_l \exp(a_l + v_l' x)}, \qquad
        \max_{a, v} \; \frac1W \sum_{ik} w_i r_{ik} \log g_k(x_i)
            - \alpha \sum_{kj} \Bigl( \frac{1 - \rho}{2} s_j^2 v_{kj}^2
            + \rho \, s_j |v_{kj}| \Bigr)
            + \frac{\beta}{W} \sum_k \log \bar g_k ,

    where :math:`s_j` is the standard deviation of column j, :math:`\rho` is `l1_ratio`,
    :math:`\beta` is `balance`, :math:`W = \sum_i w_i` and :math:`\bar g_k = \sum_i w_i
    g_k(x_i) / W`: features are standardised inside, coefficients are reported on the
    user's scale. All experts have coefficients, so none is special; without an L1
    penalty they sum to zero. Inside EM the gate takes one step per iteration: Newton's
    for up to five experts, a block-diagonal one for more (beside experts that are not
    linear, a short L-BFGS run; with an L1 penalty, a proximal Newton step for one
    expert after the other); `fit` runs to convergence.

    Parameters
    ----------
    alpha : float, default=1e-4
        Strength of the penalty, relative to the *mean* log likelihood, so that it means
        the same for every number of rows and every scale of the weights. It keeps
        separable data finite. 0: none.
    l1_ratio : float, default=0.0
        Share of the L1 penalty, between 0 and 1. Above 0 it selects features:
        coefficients that do not pay are exactly zero.
    balance : float, default=0.0
        Weight of rows (pseudo-counts) that each expert gets on top of its own, spread
        over the rows as the gate spreads the expert: a Dirichlet prior on the mean gate
        probabilities, which keeps experts from dying. 0: none.
    capacity_factor : float, default=None
        No expert takes more than this multiple of an equal share, W / K, of the
        training weight: EM climbs the likelihood under that constraint. At least 1;
        None: no limit. It acts on the E-step, so not when the gate is fitted alone.

    Attributes
    ----------
    coef_ : ndarray of shape (n_experts, n_features)
        Slopes :math:`v_k` per unit of each feature.
    intercept_ : ndarray of shape (n_experts,)
        Intercepts :math:`a_k`.
    n_features_in_ : int
        Number of features.

    Raises
    ------
    ValueError
        If a parameter is outside its range, when the gate is fitted.

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
    .. [3] Chamroukhi, F. & Huynh, B.-T. (2019). "Regularized maximum likelihood
       estimation and feature selection in mixtures-of-experts models". Journal de la
       SFdS 160(1), 57-85.
    .. [4] Fedus, W., Zoph, B. & Shazeer, N. (2022). "Switch transformers". JMLR
       23(120), 1-39.

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
    has_information = True
    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "balance": [Interval(Real, 0, None, closed="left")],
        "capacity_factor": [None, Interval(Real, 1, None, closed="left")],
    }

    def __init__(self, alpha=1e-4, l1_ratio=0.0, balance=0.0, capacity_factor=None):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.balance = balance
        self.capacity_factor = capacity_factor

    def trainer(self, X, n_experts, weights, designs):
        """Return the gate at work on the rows of X."""
        self._validate_params()
        design, alpha = designs.get(X), float(self.alpha)
        trainer: GateTrainer
        if alpha * self.l1_ratio > 0 and X.shape[1] > 0:
            trainer = SparseSoftmaxTrainer(
                self, design, n_experts, weights, alpha, float(self.l1_ratio)
            )
        else:
            alpha *= 1.0 - self.l1_ratio
            trainer = SoftmaxTrainer(self, design, n_experts, weights, alpha)
        trainer.capacity_factor = self.capacity_factor
        if self.balance > 0:
            trainer = BalancedTrainer(trainer, float(self.balance))
        return trainer

    @property
    def linear_scores(self):
        """The coefficients, unless a subclass may have other scores."""
        return (self.coef_, self.intercept_) if type(self) is SoftmaxGate else None

    @property
    def n_features_in_(self):
        """Number of features; there is none before `fit`."""
        return self.coef_.shape[1]

    def count_parameters(self):
        """Free coefficients of the fitted gate; with an L1 penalty, those not zero."""
        n_experts, n_features = self.coef_.shape
        if self.alpha * self.l1_ratio == 0:
            return (n_experts - 1) * (n_features + 1)
        # Scores are differences: a column has one free coefficient less than experts.
        free = np.minimum(np.count_nonzero(self.coef_, axis=0), n_experts - 1)
        return n_experts - 1 + int(free.sum())

    def select(self, experts):
        """Return the gate of some of the experts, renormalised.

        Parameters
        ----------
        experts : array-like of int
            Indices of the experts kept, in their new order.

        Returns
        -------
        SoftmaxGate
            Fitted: the experts' rows of coefficients.

        Raises
        ------
        ValueError
            If `experts` are not distinct indices of experts.
        """
        check_is_fitted(self)
        kept = check_selection(experts, len(self.coef_))
        selected = clone(self)
        selected.coef_ = self.coef_[kept]
        selected.intercept_ = self.intercept_[kept]
        if self.alpha * self.l1_ratio == 0:
            selected.coef_ = selected.coef_ - selected.coef_.mean(axis=0)
        selected.intercept_ = selected.intercept_ - selected.intercept_.mean()
        return selected

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
        return log_softmax(self.scores(self._check_predict_input(X)))

    def scores(self, X, order="F"):
        """Linear scores of validated rows, (n, K)."""
        scores = product(X, self.coef_.T) if order == "F" else X @ self.coef_.T
        scores += self.intercept_
        return scores


class SoftmaxTrainer(Blockwise, IteratedTrainer):
    r"""The softmax gate at work: V (K - 1, p) on the standardised design.

    The information is the Hessian of the expected log gate probability while that is
    cheap. For many experts it is a block-diagonal matrix that bounds it,
    :math:`\mathrm{diag}(g) - g g' \preceq \mathrm{diag}(g)`: one Gram matrix per
    expert, as the experts themselves need. Acceleration makes up for the rest.
    """

    kernel: str | None = "softmax"

    def __init__(self, template, design, n_experts, weights, alpha):
        self.template = template
        self.design = design
        self.weights = weights
        self.total = weights.sum()
        self.penalty_weights = np.full(design.n_columns, alpha)
        self.penalty_weights[-1] = 0.0
        self.coupling = softmax.symmetric_coupling(n_experts)
        self.V = np.zeros((n_experts - 1, design.n_columns))
        self.is_newton = n_experts <= NEWTON_EXPERTS and self.V.size <= NEWTON_LIMIT
        n_pairs = n_experts * (n_experts - 1) // 2
        self.n_curvatures = n_pairs if self.is_newton else n_experts
        self._log_proba = None

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
            self._log_proba = self.log_terms()
        return self._log_proba

    @property
    def penalty(self):
        """The L2 penalty in units of the mean log likelihood."""
        return softmax.penalty_value(self.V, self.penalty_weights, self.coupling)

    def kernel_arguments(self, rows):
        """Coefficients, and True for Newton's information."""
        return self.V, self.is_newton

    def evaluate(self, block, rows):
        """Log probabilities and probabilities, (K, n)."""
        scores = softmax.with_reference(block.scores(self.V), 1)
        log_proba, proba = self.design.kernels.softmax(scores)
        return log_proba[0], proba

    def moments(self, block, rows, evaluated, responsibilities):
        """Gradient (K, p), and the Gram weights of the information."""
        proba, weights = evaluated[1], self.weights[rows]
        expected = weights * proba[0]
        gradient = block.cross(responsibilities - expected)
        if self.is_newton:
            expected = self.design.kernels.softmax_curvature(proba, weights[None])
        return [gradient], expected

    def local_model(self, sums, grams):
        """Newton's view of the expected log gate probability, or a bound's."""
        if self.V.size == 0:  # a single expert leaves nothing to decide
            return LocalModel(self.parameters, self.parameters, np.zeros_like)
        (gradient,) = sums
        score = gradient[:-1] / self.total
        score -= (self.coupling @ self.V) * self.penalty_weights
        solver = self._newton if self.is_newton else self._block_diagonal
        score, solve = score.ravel(), solver(grams / self.total)
        return LocalModel(self.parameters + solve(score), score, solve)

    def _newton(self, grams):
        hessian = softmax.hessian(grams, self.penalty_weights, self.coupling)
        solver = SymmetricSolver(hessian[None])
        return lambda vector: solver.solve(vector[None, :, None])[0, :, 0]

    def _block_diagonal(self, grams):
        """Solve over all K experts' coefficients, then take the last as reference."""
        diagonal = np.arange(grams.shape[1])
        grams[:, diagonal, diagonal] += self.penalty_weights + softmax.DAMPING
        solver = SymmetricSolver(grams)

        def solve(vector):
            first = vector.reshape(self.V.shape)
            scores = np.vstack([first, -first.sum(axis=0)])
            moves = solver.solve(scores[:, :, None])[:, :, 0]
            return (moves[:-1] - moves[-1]).ravel()

        return solve

    def resume(self, fitted):
        """Take up the coefficients of a fitted gate."""
        all_experts = self.design.from_user(fitted.coef_, fitted.intercept_)
        self.parameters = all_experts[:-1] - all_experts[-1]

    def step(self, responsibilities):
        """One safeguarded Newton step, or a short L-BFGS run for many experts."""
        if self.is_newton:
            super().step(responsibilities)
        else:
            self._lbfgs(responsibilities, LBFGS_STEPS)

    def fit(self, responsibilities, max_iter=1000, tol=1e-12):
        """Fit to fixed responsibilities until a Newton step gains less than `tol`."""
        if self.is_newton:
            super().fit(responsibilities, max_iter, tol)
        else:
            self._lbfgs(responsibilities, max_iter)

    def _lbfgs(self, responsibilities, max_iter):
        def negative(values):
            self.parameters = values
            value, score = self._value_and_score(responsibilities)
            return -value, -score.ravel()

        start = self.parameters
        options = {"maxiter": max_iter, "ftol": 1e-14, "gtol": 1e-8}
        result = minimize(negative, start, jac=True, method="L-BFGS-B", options=options)
        self.parameters = result.x

    def _value_and_score(self, responsibilities):
        likelihood, gradient = 0.0, np.zeros_like(self.V)
        for rows in self.batches():
            block = self.design.block(rows)
            log_proba, proba = self.evaluate(block, rows)
            share = responsibilities[rows].T
            likelihood += np.vdot(share, log_proba)
            gradient += block.cross(share - self.weights[rows] * proba[0])[:-1]
        score = gradient / self.total
        score -= (self.coupling @ self.V) * self.penalty_weights
        return likelihood / self.total - self.penalty, score

    def fitted(self):
        """Return the fitted gate, coefficients on the user's scale, summing to zero."""
        fitted = type(self.template)(**self.template.get_params(deep=False))
        all_experts = np.vstack([self.V, np.zeros((1, self.V.shape[1]))])
        slopes, intercepts = self.design.to_user(all_experts - all_experts.mean(axis=0))
        fitted.coef_, fitted.intercept_ = slopes, intercepts
        return fitted
