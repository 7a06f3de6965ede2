# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Experts that the E-step knows by their out-of-fold predictions only."""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from skmoe._compat import _safe_indexing
from skmoe.experts.estimators import (
    DEAD_SHARE,
    AcceptedFit,
    EstimatorExperts,
    EstimatorTrainer,
    fit_and_answer,
)
from skmoe.experts.stages import (
    n_stages_of,
    stage_grid,
    staged_answers,
    with_stages,
)
from skmoe.families.noise import Noise, over_targets
from skmoe.trainers.local_model import rounding

# A refit grows so many steps of its grid beyond the stages that counted before: up to
# about twice their number.
GRID_MARGIN = 5


def check_cross_fitted(task):
    """Raise ValueError where a task with `folds` asks for what `cv` cannot do."""
    if task.has_offset:
        raise ValueError(
            "cv fits experts by their own fit, which knows nothing of an offset: it "
            "cannot be combined with offset_feature."
        )
    for name, family in zip(task.names, task.families, strict=True):
        if family.has_own_density:
            raise ValueError(
                f"cv takes the out-of-fold predictions of experts that predict points; "
                f"expert {name!r} is a mixture of experts, which is a density itself. "
                "Wrap it in a Pipeline to use its predictions only."
            )


class CrossFit(NamedTuple):
    """Stands for an expert that is fitted in folds.

    Attributes
    ----------
    answers : ndarray of shape (S, n_held, T or n_classes)
        For the rows held out, at each number of stages that is tried.
    stage : int
        Which of them counts.
    """

    answers: np.ndarray
    stage: int

    @property
    def prediction(self):
        """The answers that count, (n_held, T or n_classes)."""
        return self.answers[self.stage]


class CrossFittedExperts(EstimatorExperts):
    """Estimators fitted to all rows, with dispersions from fits that left rows out.

    Attributes
    ----------
    weights : ndarray of shape (n, K)
        Responsibilities times sample weights of the training rows that each expert was
        fitted to, from which a warm start makes the folds' fits again.
    """

    weights: np.ndarray

    @classmethod
    def accepts(cls, task):
        """True if the task has folds; `check_cross_fitted` says what they exclude."""
        return task.is_cross_fitted

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
    fall; otherwise :math:`\phi_k` alone is updated (and the number of stages). Either
    way the objective rises. The log density of prior rows, if any, is part of the sum.

    An expert that grows by stages (boosting) answers at several numbers of them; the
    one with the highest value of the same sum counts. A fit has all of them, so the
    choice costs no other fit.

    Rows that no fold holds out have no out-of-fold prediction. Fits are made on them,
    but their y counts as unknown: a density of one under every expert, so that their
    responsibilities are the gate's.
    """

    kind = CrossFittedExperts

    def __init__(self, task, previous=None):
        self.held = np.concatenate([test for _, test in task.folds])
        is_classifier = task.classes is not None
        self.grids = [stage_grid(each, is_classifier) for each in task.templates]
        super().__init__(task, previous)

    def _resume(self, previous):
        """Make the folds' fits again; dispersions go on from where they were."""
        n_experts = self.task.n_experts
        fits = self._refit(range(n_experts), previous.weights)
        for k, (answers, _) in enumerate(fits):
            stage = self._stage(k, previous.estimators[k])
            parameters = previous.noise.parameters[k]
            model = CrossFit(answers, stage)
            self.state[k] = AcceptedFit(model, parameters, previous.weights[:, k])
            self._log_density[:, k] = self._density(k, model.prediction, parameters)

    def _stage(self, k, estimator):
        """The index of the number of stages that an earlier fit of expert k has."""
        grid = self.grids[k] or []
        n_stages = n_stages_of(estimator)
        return grid.index(n_stages) if n_stages in grid else max(len(grid) - 1, 0)

    def _alive(self, responsibilities):
        """True for experts that have rows held out to be judged by, (K,)."""
        total = responsibilities[self.held].sum(axis=0)
        judged = total > DEAD_SHARE * self.task.weights.sum()
        return judged & super()._alive(responsibilities)

    def _refit(self, experts, responsibilities):
        """Out-of-fold answers of some experts at each stage, (S, n_held, T)."""
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
                partial(
                    _answer_for,
                    rows=test,
                    classes=self.task.classes,
                    grid=self._stages_tried(k),
                ),
            )
            for k in experts
            if k not in known
            for train, test in folds
        )
        answers = iter(self._fit_all(jobs, work=_answer_of_fit))
        joined = [
            known[k].answers
            if k in known
            else np.concatenate([next(answers) for _ in folds], axis=1)
            for k in experts
        ]
        return [(staged, staged) for staged in joined]

    def _stages_tried(self, k):
        """Numbers of stages to try: a little beyond the one that counts so far."""
        grid, fit = self.grids[k], self.state[k]
        return (
            grid
            if grid is None or fit is None
            else grid[: fit.model.stage + GRID_MARGIN]
        )

    def _to_fit(self, k):
        """The estimator that becomes expert k's next fit, with no stages to spare."""
        tried = self._stages_tried(k)
        if tried is None:
            return super()._to_fit(k)
        return with_stages(self.task.templates[k], tried[-1])

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
        """Take new fits, or else another stage and dispersion of the old ones."""
        old = self.state[k]
        before = -np.inf
        if old is not None:
            before = weights @ self._log_density[:, k] + self._log_prior(k)
        value, fit, density = self._best_stage(k, answered, weights)
        if old is not None and not value >= before - rounding(before):
            value, fit, density = self._best_stage(k, old.model.answers, weights)
            if not value >= before - rounding(before):
                return
            fit = fit._replace(weights=old.weights)
        self.state[k] = fit
        self._log_density[:, k] = density

    def _best_stage(self, k, answers, weights):
        """The highest value of all stages, priors included; the fit; its density."""
        best = None
        for stage, prediction in enumerate(answers):
            parameters, density = self._with_noise(k, prediction, weights)
            value = weights @ density + self.task.priors[k].log_density(parameters)
            if best is None or value > best[0]:
                fit = AcceptedFit(CrossFit(answers, stage), parameters, weights)
                best = value, fit, density
        return best

    def _with_noise(self, k, prediction, weights):
        """Parameters of expert k's family from residuals of held-out rows; density."""
        start = None if self.state[k] is None else self.state[k].parameters
        parameters = self.task.priors[k].fit(
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

    def fitted(self):
        """Return the experts fitted to all rows, with the weights of their folds."""
        weights = np.column_stack([fit.weights for fit in self.state])
        own = weights * self._own_rows(weights)
        jobs = ((k, own[:, k], None) for k in range(self.task.n_experts))
        templates = [self._grown(k) for k in range(self.task.n_experts)]
        final = EstimatorTrainer(replace(self.task, templates=templates))
        estimators = [estimator for estimator, _ in final._fit_all(jobs)]
        noise = Noise(self.task.families, [fit.parameters for fit in self.state])
        fitted = self.kind(estimators, noise, self.task.classes, self.task.n_jobs)
        fitted.weights = weights
        return fitted

    def _grown(self, k):
        """Expert k's template, with the number of stages that counts."""
        template, grid = self.task.templates[k], self.grids[k]
        if grid is None:
            return template
        return with_stages(template, grid[self.state[k].model.stage])

    def held_out_answers(self):
        """Rows held out (n_held,) and what experts fitted without them say of them.

        The latter has the shape (n_held, K, T or n_classes).
        """
        answers = [fit.model.prediction for fit in self.state]
        return self.held, np.stack(answers, axis=1)

    def overfitted(self):
        """None: experts are not judged by the rows they were fitted to."""
        return []


def _answer_for(estimator, X, rows, classes, grid):
    """An estimator's answers for some rows at each number of stages of a grid."""
    return staged_answers(estimator, _safe_indexing(X, rows), classes, grid)


def _answer_of_fit(*args, **settings):
    """Answers of a new fit; the fit itself stays in the worker."""
    return fit_and_answer(*args, **settings)[1]
