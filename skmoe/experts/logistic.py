# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""K logistic experts, stepped together by the gate's own softmax regression."""

from copy import copy
from numbers import Real

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from skmoe.experts.base import ExpertsTrainer
from skmoe.experts.responses import logistic_response
from skmoe.experts.stacked import StackedExperts
from skmoe.families.categorical import Categorical
from skmoe.families.noise import Noise
from skmoe.numerics import softmax_regression
from skmoe.numerics.least_squares import SymmetricSolver
from skmoe.numerics.softmax import softmax
from skmoe.trainers.blockwise import Blockwise
from skmoe.trainers.local_model import LocalModel

# Above this number of free coefficients per expert a Newton step is no longer cheap;
# scikit-learn's own solver then fits each expert by itself.
NEWTON_LIMIT = 1000
_SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky")


class LogisticExperts(StackedExperts):
    """`LogisticRegression` experts as one matrix."""

    has_information = True

    @property
    def scores_sum_to_zero(self):
        """True with three classes or more, of which none is special."""
        return self.n_scores > 1

    def n_channels(self, k):
        """Numbers of free linear scores and of noise parameters, which are none."""
        return max(self.n_scores - 1, 1), 0

    def responses(self, X, y):
        """The `Response` of every expert's log probability at rows X and y, a list."""
        scores = self.scores(X)
        return [
            logistic_response(scores[:, k], y[:, 0]) for k in range(scores.shape[1])
        ]

    @classmethod
    def accepts(cls, task):
        """L2-penalised (or unpenalised) logistic regressions of moderate size."""
        if type(task.families[0]) is not Categorical or any(task.fit_params):
            return False
        n_free = (len(task.classes) - 1) * (task.n_features + 1)
        return n_free <= NEWTON_LIMIT and all(map(is_plain_logistic, task.templates))

    @classmethod
    def trainer(cls, task, previous=None):
        """Return the experts at work."""
        return LogisticTrainer(task, previous)

    def answers(self, scores, kept=slice(None)):
        """Class probabilities (n, k, n_classes); one score is that of class 1 of 2."""
        if scores.shape[2] > 1:
            return softmax(scores, axis=2)
        positive = expit(scores[:, :, 0].T)  # rows last in memory
        return np.stack([1.0 - positive, positive]).transpose(2, 1, 0)


def is_plain_logistic(estimator):
    """True if an estimator is a logistic regression that Newton's method solves.

    The spelling of "no penalty" changed in scikit-learn 1.8, from ``penalty=None`` to
    ``C=inf``; `multi_class` went in 1.8.
    """
    if type(estimator) is not LogisticRegression:
        return False
    penalty, is_real = estimator.penalty, isinstance(estimator.C, Real)
    return (
        estimator.solver in _SOLVERS
        and (penalty is None or penalty in ("l2", "deprecated"))
        and not estimator.l1_ratio
        and is_real
        and estimator.C > 0
        and estimator.class_weight is None
        and not estimator.dual
        and not estimator.warm_start
        and getattr(estimator, "multi_class", "auto") in ("auto", "deprecated")
    )


def _ridge(estimator):
    """The multiplier of half the squared norm in units of the total log likelihood."""
    return 0.0 if estimator.penalty is None else 1.0 / estimator.C


class LogisticTrainer(Blockwise, ExpertsTrainer):
    """K logistic experts at work: V (K, C - 1, p) on the standardised design.

    One Newton step per EM iteration, safeguarded, is a generalised M-step; at EM's
    fixed point each expert is scikit-learn's `LogisticRegression` on its weighted rows.
    """

    def __init__(self, task, previous=None):
        self.task = task
        self.total = task.weights.sum()
        self.fit_intercept = np.array([t.fit_intercept for t in task.templates])
        self.design = task.designs.get(task.X, centered=bool(self.fit_intercept.all()))
        strengths = np.array([_ridge(t) for t in task.templates])
        scale = np.append(self.design.scale**2, np.inf)
        self.penalty_weights = strengths[:, None] / scale / self.total
        n_classes = len(task.classes)
        # scikit-learn penalises the single difference of two classes, and all vectors
        # of more classes alike.
        self.coupling = (
            np.eye(1)
            if n_classes == 2
            else softmax_regression.symmetric_coupling(n_classes)
        )
        self.V = np.zeros((task.n_experts, n_classes - 1, len(scale)))
        self.labels = task.y[:, 0].astype(np.intp)
        self.classes = np.arange(n_classes)
        self.n_curvatures = task.n_experts * n_classes * (n_classes - 1) // 2
        self._log_density = None
        if previous is not None:
            self._resume(previous)

    def _resume(self, previous):
        for k, estimator in enumerate(previous.estimators):
            intercept = np.broadcast_to(estimator.intercept_, (len(estimator.coef_),))
            V = self.design.from_user(estimator.coef_, intercept)
            # The state's reference is the last class; binary coefficients are its own.
            self.V[k] = -V if len(V) == 1 else V[:-1] - V[-1]

    @property
    def parameters(self):
        """The free coefficients, flat."""
        return self.V.ravel().copy()

    @parameters.setter
    def parameters(self, values):
        self.V = values.reshape(self.V.shape).copy()
        self._log_density = None

    @property
    def log_density(self):
        """Log probability of each row's class under each expert, (n, K)."""
        if self._log_density is None:
            self._log_density = self.log_terms()
        return self._log_density

    @property
    def penalty(self):
        """L2 penalties in units of the mean log likelihood."""
        return sum(
            softmax_regression.penalty_value(V, weights, self.coupling)
            for V, weights in zip(self.V, self.penalty_weights, strict=True)
        )

    def evaluate(self, block, rows):
        """Log probability of each row's class (K, n), probabilities (K, C, n)."""
        n_experts, _, n_columns = self.V.shape
        scores = block.scores(self.V.reshape(-1, n_columns))
        scores = softmax_regression.with_reference(scores, n_experts)
        log_proba, proba = self.design.kernels.softmax(scores)
        labels = self.labels[rows][None, None]
        return np.take_along_axis(log_proba, labels, axis=1)[:, 0], proba

    def moments(self, block, rows, evaluated, responsibilities):
        """Gradients (K (C - 1), p), and the Gram weights of the Hessians."""
        proba = evaluated[1]
        residuals = (self.classes[:, None] == self.labels[rows]) - proba
        residuals *= responsibilities[:, None]
        gradient = block.cross(residuals[:, :-1].reshape(-1, proba.shape[2]))
        weights = self.design.kernels.softmax_curvature(proba, responsibilities)
        return [gradient], weights

    def local_model(self, sums, grams):
        """Newton's view of each expert's weighted log likelihood."""
        n_experts = len(self.V)
        (gradient,) = sums
        score = gradient.reshape(self.V.shape) / self.total
        score -= (self.coupling @ self.V) * self.penalty_weights[:, None]
        score[~self.fit_intercept, :, -1] = 0.0
        score = score.reshape(n_experts, -1, 1)
        solver = SymmetricSolver(self._hessians(grams / self.total))

        def solve(vector):
            return solver.solve(vector.reshape(score.shape)).ravel()

        return LocalModel(self.parameters + solve(score), score.ravel(), solve)

    def _hessians(self, grams):
        """Negative Hessians of the experts, (K, (C - 1) p, (C - 1) p)."""
        n_experts, n_free, n_columns = self.V.shape
        grams = grams.reshape(n_experts, -1, n_columns, n_columns)
        hessians = np.stack(
            [
                softmax_regression.hessian(of_expert, penalty, self.coupling)
                for of_expert, penalty in zip(grams, self.penalty_weights, strict=True)
            ]
        )
        intercepts = np.arange(n_columns - 1, n_free * n_columns, n_columns)
        for k in np.flatnonzero(~self.fit_intercept):
            hessians[k, intercepts, :] = 0.0
            hessians[k, :, intercepts] = 0.0
        return hessians

    def fitted(self):
        """Return fitted `LogisticRegression`s, on the user's scale and labels."""
        estimators = []
        for k, template in enumerate(self.task.templates):
            fitted = copy(template)  # a clone already, nothing fitted on it
            V = self._all_classes(self.V[k])
            fitted.coef_, fitted.intercept_ = self.design.to_user(V)
            if not self.fit_intercept[k]:
                fitted.intercept_ = np.zeros(len(V))
            fitted.classes_ = self.task.classes
            fitted.n_features_in_ = fitted.coef_.shape[1]
            fitted.n_iter_ = np.array([1], dtype=np.int32)
            estimators.append(fitted)
        return LogisticExperts(estimators, Noise(self.task.families, self.task.floors))

    @staticmethod
    def _all_classes(V):
        """Coefficients as scikit-learn holds them: class 1 of 2, or C centred ones."""
        if len(V) == 1:
            return -V
        full = np.vstack([V, np.zeros((1, V.shape[1]))])
        return full - full.mean(axis=0)
