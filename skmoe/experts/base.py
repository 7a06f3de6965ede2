# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The contract of experts."""

from abc import ABC, abstractmethod
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from skmoe.families.links import LINK_FUNCTIONS
from skmoe.numerics.routing import dispatch

# How far proportions are moved from zero and one before their logit is taken.
INNER = 0.01


@dataclass
class ExpertTask:
    """All that a kind of experts needs to go to work.

    Attributes
    ----------
    templates : list of estimators
        One unfitted estimator per expert.
    names : list of str
        Their names.
    X : {ndarray, CSR matrix, dataframe} of shape (n, d)
        The columns that the experts see.
    y : ndarray of shape (n, T)
        Targets; class indices (n, 1) for a classifier.
    labels : ndarray of shape (n,) or (n, T)
        `y` as the experts' own `fit` takes it: the user's class labels, for instance.
    classes : ndarray of shape (C,) or None
        Sorted class labels; None for regression.
    weights : ndarray of shape (n,)
        Sample weights, all positive.
    families : list of BaseFamily
        Noise model of each expert; experts of one family share the object.
    floors : list of ndarray of shape (q_k, T)
        Smallest parameters of each.
    designs : Designs
        Shared design matrices of the linear parts.
    n_jobs : int or None
        Experts fitted at a time.
    seeds : ndarray of shape (K,)
        Seeds of the experts that draw random numbers.
    fit_params : list of dict
        Routed keywords for each expert's `fit`.
    offset : ndarray of shape (n,) or None
        Added to every linear score, with no coefficient to estimate.
    folds : list of (ndarray, ndarray) or None
        Rows to fit and rows to predict, where the E-step is cross-fitted.
    """

    templates: list
    names: list
    X: Any
    y: np.ndarray
    labels: np.ndarray
    classes: np.ndarray | None
    weights: np.ndarray
    families: list
    floors: list
    designs: object
    n_jobs: int | None = None
    seeds: np.ndarray | None = None
    fit_params: list = field(default_factory=list)
    offset: np.ndarray | None = None
    folds: list | None = None

    @property
    def n_experts(self):
        """Number of experts."""
        return len(self.templates)

    @property
    def n_features(self):
        """Columns that experts have coefficients for."""
        return self.X.shape[1]

    @property
    def has_offset(self):
        """True if a column is added to the scores."""
        return self.offset is not None

    @property
    def is_cross_fitted(self):
        """True if the E-step knows experts by out-of-fold predictions."""
        return self.folds is not None

    @cached_property
    def priors(self):
        """The `PriorRows` of each expert; those of one family share them."""
        known = {}
        for family in self.families:
            if id(family) not in known:
                known[id(family)] = family.prior(self.y, self.weights)
        return [known[id(family)] for family in self.families]

    def log_prior(self, parameters):
        """Total log density of the prior rows, given each expert's parameters."""
        pairs = zip(self.priors, parameters, strict=True)
        return sum(prior.log_density(values) for prior, values in pairs)

    def targets(self, rows):
        """Targets (m, T) of some rows; indicators of the classes for a classifier."""
        if self.classes is None:
            return self.y[rows]
        return np.eye(len(self.classes))[self.y[rows, 0]]

    def link_targets(self, rows):
        """Scores (m, T) that the targets of some rows speak for, less the offset.

        The link of the first family that predicts something, of responses moved off
        the ends of its domain: logarithms of counts, with half of the smallest one
        added, for instance. Where a row is outside that domain, the targets themselves.
        """
        if self.classes is not None:
            return self.targets(rows)
        scores = self._link_scores[rows]
        return scores if self.offset is None else scores - self.offset[rows, None]

    @cached_property
    def _link_scores(self):
        family = next((f for f in self.families if not f.is_background), None)
        if family is None or not family.accepts(self.y).all():
            return self.y
        return inner_score(family.link, family.response(self.y)[0])


def inner_score(link, response):
    """Link of responses (n, T) that are moved off the ends of their domain."""
    if link == "logit":
        inside = np.clip(response, 0.0, 1.0)
        response = inside * (1.0 - 2 * INNER) + INNER
    elif link != "identity":
        positive = response[response > 0]
        least = positive.min() if len(positive) else 1.0
        response = np.maximum(response, 0.0) + 0.5 * least
    return LINK_FUNCTIONS[link](response)


class BaseExperts(ABC):
    """K fitted experts.

    Attributes
    ----------
    estimators : list of estimators
        The K fitted scikit-learn objects.
    noise : Noise
        Their families and the parameters of these.
    """

    #: Whether the experts take a finite float array; False: X as the user gave it.
    numeric: bool = False
    #: Numbers held per row where rows are predicted in chunks; None: all rows at once.
    numbers_per_row: int | None = None
    #: Coefficients (K m, d) and intercepts (K m,) of linear scores; None for others.
    linear_scores: tuple | None = None
    #: Whether standard errors know the experts' parameters: `n_channels`, `responses`.
    has_information: bool = False

    def __init__(self, estimators, noise):
        self.estimators = estimators
        self.noise = noise

    @property
    def dispersions(self):
        """Dispersions, (K, T), or None where no family has one."""
        return self.noise.dispersions

    def limit_scores(self, X, explained, seen):
        """Return experts whose scores without the offset have limits. Here: the same.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n, d + 1)
            Training rows, the offset last.
        explained : ndarray of bool of shape (n, K)
            Rows that each expert explains.
        seen : ndarray of shape (2, K, T)
            Lowest and highest responses.
        """
        return self

    @property
    def touches_training(self):
        """Whether limits of extrapolation change predictions of training rows."""
        return self.noise.touches_training

    @classmethod
    @abstractmethod
    def accepts(cls, task):
        """True if this kind can fit `task` (an `ExpertTask`) exactly as asked."""

    @classmethod
    @abstractmethod
    def trainer(cls, task, previous=None):
        """Return an `ExpertsTrainer`, at the state of `previous` experts if given."""

    @abstractmethod
    def predict(self, X):
        """Every expert's answer for every row: (n, K, T) or (n, K, n_classes)."""

    @abstractmethod
    def predict_one(self, k, X):
        """Expert k's answer for the rows given: (n, T) or (n, n_classes)."""

    def predict_kept(self, X, kept):
        """Answers of the experts `kept` (n, k) for each row, no others: (n, k, ...)."""
        return dispatch(kept, self.predict_one, X)

    def select(self, kept):
        """Some of the experts, given by index."""
        chosen = copy(self)
        chosen.estimators = [self.estimators[k] for k in kept]
        chosen.noise = self.noise.select(kept)
        return chosen

    def with_noise(self, noise):
        """The same experts with other noise around their predictions."""
        other = copy(self)
        other.noise = noise
        return other

    def log_density(self, X, y):
        """Log density of y (n, T) under each expert, (n, K)."""
        return self.noise.log_density(y, self.predict(X))

    def variance(self, X, predictions, kept=slice(None)):
        """Variance of y for predictions (n, k, T) of the experts `kept` for each row.

        Broadcastable to the predictions. `kept` is as in `Noise.apply`.
        """
        return self.noise.apply("variance", predictions, kept=kept)

    def mixture(self, X, log_weights):
        """Components of the density of y for each row, given the gate's (n, K).

        Returns their log weights (n, C), predictions (n, C, T) and `Noise`. Here: one
        component per expert.
        """
        return log_weights, self.predict(X), self.noise


class ExpertsTrainer(ABC):
    """K experts at work on the training rows.

    `log_density` (n, K) is the state that the E-step reads and `penalty` what the
    experts subtract from the mean log likelihood. Responsibilities reach a trainer
    already multiplied by the sample weights.
    """

    penalty = 0.0
    #: The `Blockwise` trainer behind this one, if its steps are sums over rows.
    blockwise = None

    @property
    @abstractmethod
    def log_density(self):
        """Log density of y under each expert, (n, K)."""

    @abstractmethod
    def step(self, responsibilities):
        """Step experts and dispersions; never lowers ``sum R log f - W penalty``."""

    @abstractmethod
    def fitted(self):
        """Return the fitted `BaseExperts` in the state reached."""

    @abstractmethod
    def snapshot(self):
        """Return the state as `restore` takes it."""

    @abstractmethod
    def restore(self, snapshot):
        """Come back to a snapshot."""

    def collapsed(self, totals):
        """Experts whose likelihood is unbounded, given each one's total weight (K,)."""
        return np.zeros(len(totals), dtype=bool)

    def overfitted(self):
        """Return indices of experts that fit their own rows far better than others."""
        return []
