# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Experts that the E-step knows by their out-of-fold predictions only."""

from functools import partial

import numpy as np

from skmoe._compat import _safe_indexing
from skmoe.experts.estimators import (
    DEAD_SHARE,
    EstimatorExperts,
    EstimatorTrainer,
    Fit,
    answer,
    fit_and_answer,
)
from skmoe.families.noise import Noise, over_targets
from skmoe.families.own_density import OwnDensity


def check_cross_fitted(task):
    """Raise ValueError where a task with `folds` asks for what `cv` cannot do."""
    if task.offset is not None:
        raise ValueError(
            "cv fits experts by their own fit, which knows nothing of an offset: it "
            "cannot be combined with offset_feature."
        )
    for name, family in zip(task.names, task.families, strict=True):
        if isinstance(family, OwnDensity):
            raise ValueError(
                f"cv takes the out-of-fold predictions of experts that predict points; "
                f"expert {name!r} is a mixture of experts, which is a density itself. "
                "Wrap it in a Pipeline to use its predictions only."
            )


class CrossFittedExperts(EstimatorExperts):
    """Estimators fitted to all rows, with dispersions from fits that left rows out.

    Attributes
    ----------
    weights : ndarray of shape (n, K)
        Responsibilities times sample weights of the training rows that each expert was
        fitted to, from which a warm start makes the folds' fits again.
    """

    weights = None

    @classmethod
    def accepts(cls, task):
        """Whether the task has folds; `check_cross_fitted` says what they exclude."""
        return task.folds is not None

    @classmethod
    def trainer(cls, task, previous=None):
        """Return the experts at work."""
        return CrossFittedTrainer(task, previous)

    def select(self, kept):
        """Some of the experts, given by index."""
        chosen = super().select(kept)
        chosen.weights = self.weights[:, kept]
        return chosen


class CrossFittedTrainer(EstimatorTrainer):
    r"""Estimators at work: fitted once per fold, judged by the rows left out.

    With :math:`m_k^{(-i)}` expert k fitted without the fold of row i, the objective is
    the out-of-fold log likelihood

    .. math:: \sum_i w_i \log \sum_k g_k(x_i) f(y_i \mid m_k^{(-i)}(x_i), \phi_k) .

    Expert k's set of fits is accepted if :math:`\sum_i R_{ik} \log f(y_i \mid
    m_k^{(-i)}(x_i), \phi_k)`, with the :math:`\phi_k` that is best for them, does not
    fall; otherwise :math:`\phi_k` alone is updated. Either way the objective rises.

    Rows that no fold holds out have no out-of-fold prediction. Fits are made on them,
    but their y counts as unknown: a density of one under every expert, so that their
    responsibilities are the gate's.
    """

    kind = CrossFittedExperts

    def __init__(self, task, previous=None):
        self.held = np.concatenate([test for _, test in task.folds])
        super().__init__(task, previous)

    def _resume(self, previous):
        """Make the folds' fits again; dispersions go on from where they were."""
        n_experts = self.task.n_experts
        fits = self._refit(range(n_experts), previous.weights)
        for k, (prediction, _) in enumerate(fits):
            parameters = previous.noise.parameters[k]
            self.state[k] = Fit(prediction, parameters, previous.weights[:, k])
            self._log_density[:, k] = self._density(k, prediction, parameters)

    def _alive(self, responsibilities):
        """Which experts have rows held out, whose predictions say something, (K,)."""
        total = responsibilities[self.held].sum(axis=0)
        judged = total > DEAD_SHARE * self.task.weights.sum()
        return judged & super()._alive(responsibilities)

    def _refit(self, experts, responsibilities):
        """Out-of-fold predictions of some experts, for the rows `held`."""
        own, folds = self._own_rows(responsibilities), self.task.folds
        # An only expert, for one, is fitted to the same weights at every step.
        known = {
            k: self.state[k].model
            for k in experts
            if self.state[k] is not None
            and np.array_equal(self.state[k].weights, responsibilities[:, k])
        }
        jobs = (
            (
                k,
                self._inside(train, responsibilities[:, k] * own[:, k]),
                partial(_answer_for, rows=test, classes=self.task.classes),
            )
            for k in experts
            if k not in known
            for train, test in folds
        )
        answers = iter(self._fit_all(jobs, work=_answer_of_fit))
        predictions = [
            known[k] if k in known else np.concatenate([next(answers) for _ in folds])
            for k in experts
        ]
        return [(prediction, prediction) for prediction in predictions]

    def _inside(self, train, weights):
        """Weights of the rows `train`, those of all of them where the expert has none.

        An expert that lives in one fold has nothing to learn from elsewhere.
        """
        inside = np.zeros_like(weights)
        inside[train] = weights[train]
        if not inside.any():
            inside[train] = self.task.weights[train]
        return inside

    def _propose(self, k, model, answered, weights):
        """Take new fits, or else a new dispersion around the old ones."""
        if super()._propose(k, model, answered, weights):
            return True
        prediction, _, fitted_to = self.state[k]
        if super()._propose(k, prediction, prediction, weights):
            self.state[k] = self.state[k]._replace(weights=fitted_to)
        return False

    def _with_noise(self, k, prediction, weights):
        """Parameters of expert k's family from residuals of held-out rows; density."""
        start = None if self.state[k] is None else self.state[k].parameters
        parameters = self.task.families[k].fit_parameters(
            self.task.y[self.held],
            prediction,
            weights[self.held],
            self.task.floors[k],
            start,
        )
        return parameters, self._density(k, prediction, parameters)

    def _density(self, k, prediction, parameters):
        """Log density of y (n,), zero for rows that are never held out."""
        density = np.zeros(len(self.task.y))
        terms = self.task.families[k].log_density(
            self.task.y[self.held], prediction, parameters[:, None]
        )
        density[self.held] = over_targets(terms)
        return density

    def experts(self):
        """Return the experts fitted to all rows, with the weights of their folds."""
        weights = np.column_stack([fit.weights for fit in self.state])
        own = weights * self._own_rows(weights)
        jobs = ((k, own[:, k], None) for k in range(self.task.n_experts))
        estimators = [estimator for estimator, _ in self._fit_all(jobs)]
        noise = Noise(self.task.families, [fit.parameters for fit in self.state])
        fitted = self.kind(estimators, noise, self.task.classes, self.task.n_jobs)
        fitted.weights = weights
        return fitted

    def memorised(self):
        """None: experts are not judged by the rows they were fitted to."""
        return []


def _answer_for(estimator, X, rows, classes):
    """An estimator's answers for some rows."""
    return answer(estimator, _safe_indexing(X, rows), classes)


def _answer_of_fit(*args, **settings):
    """What a new fit answers; the fit itself stays in the worker."""
    return fit_and_answer(*args, **settings)[1]
