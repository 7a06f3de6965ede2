# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Experts that are any scikit-learn estimators."""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from skmoe._compat import _check_method_params, _safe_indexing
from skmoe.estimators.weighted import (
    NotFiniteError,
    align_probabilities,
    check_answers,
    fit_weighted,
    naming,
    weight_parameter,
)
from skmoe.experts.base import BaseExperts, ExpertsTrainer
from skmoe.experts.generalized import takes_family, with_family
from skmoe.experts.overfitting import overfitted
from skmoe.families.noise import Noise, over_targets
from skmoe.trainers.local_model import rounding

# Rows of which an expert is responsible for less than this share are not handed to it:
# they would change nothing but the time, what an estimator counts in rows
# (min_samples_leaf), and the condition of its problem (quantile regression is a linear
# program, which solvers give up where weights are further apart).
NEGLIGIBLE = 1e-6
# An expert whose share of all weight is below this is left as it was.
DEAD_SHARE = 1e-8


class EstimatorExperts(BaseExperts):
    """Any scikit-learn estimators, each fitted by itself with weights."""

    def __init__(self, estimators, noise, classes=None, n_jobs=None):
        super().__init__(estimators, noise)
        self.classes = classes
        self.n_jobs = n_jobs

    @classmethod
    def accepts(cls, task):
        """Any task but one with an offset, which estimators know nothing of."""
        return not task.has_offset

    @classmethod
    def trainer(cls, task, previous=None):
        """Return the experts at work."""
        return EstimatorTrainer(task, previous)

    def predict(self, X):
        """Every expert's answer for every row, (n, K, T or n_classes)."""
        answers = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(_answer_of)(k, estimator, X, self.classes)
            for k, estimator in enumerate(self.estimators)
        )
        return np.stack(answers, axis=1)

    def predict_one(self, k, X):
        """Expert k's answer for the rows given, (n, T or n_classes)."""
        return _answer_of(k, self.estimators[k], X, self.classes)


def _answer_of(k, estimator, X, classes):
    """Answer of expert k; an error says that it is this one's."""
    with naming("asking", f"expert {k}", estimator):
        return answer(estimator, X, classes)


def answer(estimator, X, classes):
    """An estimator's predictions as (n, T), or its aligned probabilities (n, C)."""
    if classes is not None:
        return align_probabilities(estimator, X, classes)
    prediction = np.asarray(estimator.predict(X), dtype=np.float64)
    return check_answers(estimator, prediction.reshape(prediction.shape[0], -1))


class AcceptedFit(NamedTuple):
    """An accepted fit of one expert.

    Attributes
    ----------
    model : object
        The fitted estimator; what stands for it where it is fitted in folds.
    parameters : ndarray of shape (q, T)
        Of its family.
    weights : ndarray of shape (n,) or None
        Responsibilities times sample weights that it was fitted to; None for one taken
        over from an earlier run.
    """

    model: object
    parameters: np.ndarray
    weights: np.ndarray | None


class EstimatorTrainer(ExpertsTrainer):
    """Estimators at work: refitted at each step, each kept if it is no worse.

    A refit need not raise the likelihood (a tree chooses other splits, a penalised
    model maximises something else), so expert k's new fit is accepted only if
    ``sum_i R_ik log f(y_i | m_k(x_i), phi_k)`` does not fall. Each accepted fit is a
    generalised M-step, which makes EM monotone for every estimator there is. It costs
    nothing: the predictions are those the next E-step needs.
    """

    kind = EstimatorExperts

    def __init__(self, task, previous=None):
        pairs = zip(task.templates, task.families, strict=True)
        self.task = task = replace(
            task, templates=[with_family(*each) for each in pairs]
        )
        self.state: list = [None] * task.n_experts
        self._log_density = np.zeros((task.y.shape[0], task.n_experts))
        self.responses = [self._response(k) for k in range(task.n_experts)]
        if previous is not None:
            self._resume(previous)

    def _response(self, k):
        """Targets of an expert's fit, and a factor of its weights.

        A generalised linear model knows its family's responses itself.
        """
        labels = self.task.labels
        if self.task.classes is not None:
            return labels, None
        family = self.task.families[k]
        response, factor = family.response(self.task.y)
        if takes_family(self.task.templates[k], family):
            return labels, None if factor is None else (factor > 0).astype(np.float64)
        return response if response.ndim == labels.ndim else response[:, 0], factor

    def _resume(self, previous):
        parameters = previous.noise.parameters
        pairs = zip(previous.estimators, parameters, strict=True)
        self.state = [
            AcceptedFit(estimator, values, None) for estimator, values in pairs
        ]
        self._log_density = previous.log_density(self.task.X, self.task.y)

    @property
    def log_density(self):
        """Log density of y under each expert, (n, K)."""
        return self._log_density

    @property
    def penalty(self):
        """Priors on the noise in units of the mean log likelihood."""
        log_prior = sum(self._log_prior(k) for k in range(self.task.n_experts))
        return -log_prior / self.task.weights.sum()

    def _log_prior(self, k):
        """Log density of expert k's prior rows; zero before its first fit."""
        if self.state[k] is None:
            return 0.0
        return self.task.priors[k].log_density(self.state[k].parameters)

    def step(self, responsibilities):
        """Refit all experts in parallel; keep each fit that is no worse."""
        task = self.task
        alive = self._alive(responsibilities)
        never_fitted = np.array([state is None for state in self.state])
        # An expert that starts without rows starts from all of them.
        without_rows = never_fitted & ~alive
        responsibilities = np.where(
            without_rows, task.weights[:, None], responsibilities
        )
        experts = np.flatnonzero(alive | never_fitted)
        fits = self._refit(experts, responsibilities)
        self._log_density = self._log_density.copy()
        for k, (model, answered) in zip(experts, fits, strict=True):
            self._propose(k, model, answered, responsibilities[:, k])

    def _refit(self, experts, responsibilities):
        """New fits of some experts, in parallel, and what they answer."""
        own = self._own_rows(responsibilities)
        return self._fit_all(
            (k, responsibilities[:, k] * own[:, k], self._answering(k)) for k in experts
        )

    def _fit_all(self, jobs, work=None):
        """Results of `work`, or `fit_and_answer`, for ``(k, weights, answering)``."""
        task = self.task
        work = fit_and_answer if work is None else work
        return Parallel(n_jobs=task.n_jobs)(
            delayed(work)(
                self._to_fit(k),
                task.X,
                *self._weighted_response(k, weights),
                answering,
                fit_params=task.fit_params[k],
                random_state=task.seeds[k],
                name=f"expert {task.names[k]!r}",
            )
            for k, weights, answering in jobs
        )

    def _alive(self, responsibilities):
        """True for experts that have the rows for a fit, (K,)."""
        weights = self.task.weights
        has_rows = np.any(responsibilities > NEGLIGIBLE * weights[:, None], axis=0)
        return has_rows & (responsibilities.sum(axis=0) > DEAD_SHARE * weights.sum())

    def _to_fit(self, k):
        """The estimator that becomes expert k's next fit."""
        return clone(self.task.templates[k])

    def _answering(self, k):
        """Function of a new fit of expert k and X that gives its answers."""
        return partial(answer, classes=self.task.classes)

    def _weighted_response(self, k, weights):
        """Targets and weights for expert k's fit."""
        response, factor = self.responses[k]
        return response, weights if factor is None else weights * factor

    def _own_rows(self, responsibilities):
        """Rows that count for each expert, (n, K); all where a class would be lost."""
        own = responsibilities > NEGLIGIBLE * self.task.weights[:, None]
        if self.task.classes is not None:
            for k in range(self.task.n_experts):
                positive = responsibilities[:, k] > 0
                n_own = len(np.unique(self.task.y[own[:, k]]))
                if n_own < len(np.unique(self.task.y[positive])):
                    own[:, k] = positive
        return own

    def _propose(self, k, model, answered, weights):
        """Take a new fit unless it is worse; return whether it was taken."""
        parameters, density = self._with_noise(k, answered, weights)
        before = weights @ self._log_density[:, k] + self._log_prior(k)
        after = weights @ density + self.task.priors[k].log_density(parameters)
        if self.state[k] is None or after >= before - rounding(before):
            self.state[k] = AcceptedFit(model, parameters, weights)
            self._log_density[:, k] = density
            return True
        return False

    def _with_noise(self, k, prediction, weights):
        """Parameters of expert k's family around a new prediction; its log density."""
        family, y = self.task.families[k], self.task.y
        start = None if self.state[k] is None else self.state[k].parameters
        parameters = self.task.priors[k].fit(
            y, prediction, weights, self.task.floors[k], start
        )
        terms = family.log_density(y, prediction, parameters[:, None])
        return parameters, over_targets(terms)

    def fitted(self):
        """Return the fitted experts."""
        estimators, parameters, _ = zip(*self.state, strict=True)
        noise = Noise(self.task.families, parameters)
        return self.kind(list(estimators), noise, self.task.classes, self.task.n_jobs)

    def snapshot(self):
        """Estimators, dispersions and densities; a step makes new ones."""
        return list(self.state), self._log_density

    def restore(self, snapshot):
        """Come back to a snapshot."""
        state, self._log_density = snapshot
        self.state = list(state)

    def collapsed(self, totals):
        """Experts whose density is at the floor of its dispersion."""
        return np.array(
            [
                not family.is_discrete
                and bool(np.any(parameters[:1] <= floors[:1] * (1 + 1e-6)))
                for family, (_, parameters, _), floors in zip(
                    self.task.families, self.state, self.task.floors, strict=True
                )
            ]
        )

    def overfitted(self):
        """Indices of experts that fit their own rows far better than others."""
        return overfitted(self, fit_and_answer)


def fit_and_answer(
    estimator, X, labels, weights, answering, *, fit_params, name, **settings
):
    """Fit an expert to its rows and let it answer about X; runs in a worker."""
    rows = np.flatnonzero(weights)
    data = _safe_indexing(X, rows), labels[rows], weights[rows]
    settings["fit_params"] = _check_method_params(X, fit_params, rows)

    def attempt(template, least_draws):
        fitted = fit_weighted(
            template, *data, name=name, least_draws=least_draws, **settings
        )
        if answering is None:
            return fitted, None
        with naming("asking", name, fitted):
            return fitted, answering(fitted, X)

    if weight_parameter(estimator) is not None:
        return attempt(estimator, 0)
    try:
        return attempt(clone(estimator), 0)
    except NotFiniteError:
        raise
    except ValueError:  # too few rows drawn (fewer than neighbours), or a real error
        return attempt(estimator, len(rows))
