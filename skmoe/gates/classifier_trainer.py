# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A classifier as gate, at work on training rows."""

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from skmoe._compat import _safe_indexing
from skmoe.estimators.weighted import align_probabilities, fit_weighted, naming
from skmoe.gates.overfitting import gate_overfits
from skmoe.gates.trainers import GateTrainer

SMALLEST_PROBABILITY = 1e-10


# Weighted rows below this share of a row's weight are not handed to the classifier.
NEGLIGIBLE = 1e-6


def floored_log_proba(classifier, X, n_experts):
    """Log probabilities of all experts, also of those the classifier never saw."""
    proba = align_probabilities(classifier, X, np.arange(n_experts))
    proba = np.maximum(proba, SMALLEST_PROBABILITY)
    return np.log(proba / proba.sum(axis=1, keepdims=True))


class GateFit(NamedTuple):
    """Record of one fit of a classifier gate.

    Attributes
    ----------
    classifier : classifier or None
        None before the first fit, and where fits of folds stand for it.
    responsibilities : ndarray of shape (n, K) or None
        Times sample weights, as it was fitted to them; None if not known.
    log_proba : ndarray of shape (n, K)
    """

    classifier: Any
    responsibilities: np.ndarray | None
    log_proba: np.ndarray

    @property
    def exists(self):
        """True if there was a fit; before the first one all experts are even."""
        return self.classifier is not None or self.responsibilities is not None


class ClassifierTrainer(GateTrainer):
    """A classifier gate at work: refitted at each step, kept if it is no worse."""

    def __init__(self, template, X, n_experts, weights):
        self.template = template
        self.X = X
        self.weights = weights
        self.n_experts = n_experts
        self.seed = template.random_state
        if not isinstance(self.seed, Integral):  # one draw: refits differ by no chance
            self.seed = check_random_state(self.seed).randint(np.iinfo(np.int32).max)
        even = np.full((len(weights), n_experts), -np.log(n_experts))
        self.state = GateFit(None, None, even)

    @property
    def log_proba(self):
        """Log probabilities at the training rows, (n, K)."""
        return self.state.log_proba

    def step(self, responsibilities):
        """Refit; keep the fit unless it lowers the expected log probability."""
        fit = self._refit(responsibilities)
        rises = fit.log_proba - self.log_proba
        if not self.state.exists or self._gain(responsibilities, rises) >= 0:
            self.state = fit

    def _gain(self, responsibilities, rises):
        """Least gain of the objective if log probabilities rise by (n, K)."""
        return np.vdot(responsibilities, rises)

    def _refit(self, responsibilities):
        classifier = self.fit_to(responsibilities)
        with naming("asking", "gate", classifier):
            log_proba = floored_log_proba(classifier, self.X, self.n_experts)
        return GateFit(classifier, responsibilities, log_proba)

    def fit_to(self, responsibilities, rows=None):
        """The classifier, fitted to the responsibilities of some rows; None: of all."""
        rows = np.arange(len(self.weights)) if rows is None else rows
        chosen = responsibilities[rows]
        # Of a row's own sum: a warm start has weights of the fit before.
        totals = chosen.sum(axis=1, keepdims=True)
        copies, labels = np.nonzero(chosen > NEGLIGIBLE * totals)
        return fit_weighted(
            clone(self.template.estimator),
            _safe_indexing(self.X, rows[copies]),
            labels,
            chosen[copies, labels],
            random_state=self.seed,
            name="gate",
        )

    def overfitted(self):
        """Return True if the classifier fits its own rows far better than others."""
        return gate_overfits(self)

    def resume(self, fitted):
        """Take up a fitted classifier."""
        log_proba = fitted.predict_log_proba(self.X)
        self.state = GateFit(fitted.estimator_, None, log_proba)

    def fitted(self):
        """Return the fitted gate."""
        fitted = clone(self.template)
        fitted.estimator_ = self.state.classifier
        fitted.n_experts_ = self.n_experts
        return fitted

    def snapshot(self):
        """The fit that stands; a refit makes a new one."""
        return self.state

    def restore(self, snapshot):
        """Come back to a snapshot."""
        self.state = snapshot
