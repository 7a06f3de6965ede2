# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Experts that are mixtures of experts themselves, beside any others."""

import warnings
from copy import copy
from functools import partial

import numpy as np

from skmoe._compat import _safe_indexing
from skmoe.experts.estimators import EstimatorExperts, EstimatorTrainer
from skmoe.families.noise import Noise

# EM iterations inside a nested mixture for each one outside, once it has been fitted.
INNER_STEPS = 5
# What the outer fit says for all of them, or makes up for by going on.
WARNINGS_INSIDE = ("EM did not converge", "The dispersions of experts")


class NestedExperts(EstimatorExperts):
    """Estimators of which some, the nested mixtures, are densities themselves.

    Those answer for themselves: `score_samples` is their log density, `predict_dist`
    their components, ``predict(return_std=True)`` their variance. Others have their
    family.
    """

    @classmethod
    def accepts(cls, task):
        """A task with a nested mixture, and no offset."""
        own = [family.has_own_density for family in task.families]
        return any(own) and super().accepts(task)

    @classmethod
    def trainer(cls, task, previous=None):
        """Return the experts at work."""
        return NestedTrainer(task, previous)

    @property
    def own(self):
        """Indices of the nested mixtures."""
        families = enumerate(self.noise.families)
        return [k for k, family in families if family.has_own_density]

    def log_density(self, X, y):
        """Log density of y (n, T) under each expert, (n, K)."""
        density = np.empty((len(y), len(self.estimators)))
        for k, estimator in enumerate(self.estimators):
            if k in self.own:
                density[:, k] = own_log_density(estimator, X, y)
            else:
                prediction = self.predict_one(k, X)[:, None]
                density[:, [k]] = self.noise.select([k]).log_density(y, prediction)
        return density

    def variance(self, X, predictions, kept=slice(None)):
        """Variance of y for predictions (n, k, T)."""
        outside = super().variance(X, predictions, kept)
        variance = np.array(np.broadcast_to(outside, predictions.shape))
        owners = np.arange(len(self.estimators))[kept]
        owners = np.broadcast_to(owners, predictions.shape[:2])
        for k in self.own:
            rows, slots = np.nonzero(owners == k)
            if len(rows):
                some = _safe_indexing(X, rows)
                std = self.estimators[k].predict(some, return_std=True)[1]
                variance[rows, slots] = std.reshape(len(rows), -1) ** 2
        return variance

    def mixture(self, X, log_weights):
        """Components of each row, those of the nested mixtures among them."""
        parts = [
            self._own_mixture(k, X, log_weights[:, [k]])
            if k in self.own
            else self._one_component(k, X, log_weights[:, [k]])
            for k in range(len(self.estimators))
        ]
        log_weights, predictions, noises = zip(*parts, strict=True)
        families = [family for noise in noises for family in noise.families]
        parameters = [values for noise in noises for values in noise.parameters]
        noise = Noise(families, parameters)
        return np.hstack(log_weights), np.concatenate(predictions, axis=1), noise

    def _one_component(self, k, X, log_weight):
        noise = self.noise.select([k])
        return log_weight, noise.within(self.predict_one(k, X)[:, None]), noise

    def _own_mixture(self, k, X, log_weight):
        dist = self.estimators[k].predict_dist(X)
        return log_weight + dist.log_weights, dist.predictions, dist.noise


def own_log_density(mixture, X, y):
    """Log density of y (n, T) under a nested mixture, (n,)."""
    return mixture.score_samples(X, y)


class NestedTrainer(EstimatorTrainer):
    """Estimators at work, nested mixtures continued rather than begun anew.

    A nested mixture is fitted to convergence once. From then on each outer iteration
    takes a few of its own EM iterations, from where it stands: a generalised M-step,
    accepted like every other if the likelihood under its own density does not fall.
    """

    kind = NestedExperts

    def _is_own(self, k):
        return self.task.families[k].has_own_density

    def step(self, responsibilities):
        """Refit all experts; a nested mixture's warnings wait for the outer fit."""
        with warnings.catch_warnings():
            for message in WARNINGS_INSIDE:
                warnings.filterwarnings("ignore", message=message)
            super().step(responsibilities)

    def _to_fit(self, k):
        if self.state[k] is None or not self._is_own(k):
            return super()._to_fit(k)
        going_on = copy(self.state[k].model)  # a fit sets attributes and changes none
        going_on._warm_start = going_on._warm_start.without_steps()
        return going_on.set_params(warm_start=True, max_iter=INNER_STEPS)

    def _answering(self, k):
        if self._is_own(k):
            return partial(own_log_density, y=self.task.y)
        return super()._answering(k)

    def _alive(self, responsibilities):
        """As of any estimator; a mixture needs as many rows as it has experts."""
        alive = super()._alive(responsibilities)
        n_rows = self._own_rows(responsibilities).sum(axis=0)
        for k in filter(self._is_own, range(self.task.n_experts)):
            names, _ = self.task.templates[k]._named_templates()
            alive[k] &= n_rows[k] >= len(names)
        return alive

    def _with_noise(self, k, answered, weights):
        if self._is_own(k):
            n_targets = self.task.families[k].n_targets(self.task.y)
            return np.empty((0, n_targets)), answered
        return super()._with_noise(k, answered, weights)

    def _propose(self, k, model, answered, weights):
        if self._is_own(k):
            template = self.task.templates[k]
            model.set_params(warm_start=template.warm_start, max_iter=template.max_iter)
        return super()._propose(k, model, answered, weights)

    def collapsed(self, totals):
        """Experts whose dispersion, or one of those inside, is at its floor."""
        collapsed = super().collapsed(totals)
        for k in filter(self._is_own, range(self.task.n_experts)):
            collapsed[k] = self.state[k].model._mixture.training.collapsed.any()
        return collapsed
