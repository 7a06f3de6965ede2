# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Fits to compare: quiet, timed, from several starts."""

import warnings
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from skmoe._compat import _check_method_params, _safe_indexing, warn_user
from skmoe.model_selection._split import split_worst
from skmoe.numerics.softmax import log_sum_exp
from skmoe.rows.groups import check_groups

# Of two starts that end at about the same lower bound (mean log density per row), the
# estimator's own is kept: the choice does not hang on rounding.
MARGIN = 1e-5
# Iterations between splits where the number of experts grows by more than one.
SHORT_RUN = 20


@dataclass
class Rows:
    """Rows to fit to, with their weights and further metadata of `fit`."""

    X: Any
    y: Any
    weights: np.ndarray | None = None
    params: dict = field(default_factory=dict)

    def __post_init__(self):
        if sp.issparse(self.X):  # of the formats, rows can be taken of this one
            self.X = self.X.tocsr()

    def take(self, rows):
        """Some of the rows."""
        return Rows(
            _safe_indexing(self.X, rows),
            _safe_indexing(self.y, rows),
            None if self.weights is None else self.weights[rows],
            _check_method_params(self.X, self.params, rows),
        )

    def positive(self):
        """The rows of positive weight: the others are as good as absent."""
        if self.weights is None or self.weights.min() > 0:
            return self
        return self.take(np.flatnonzero(self.weights > 0))

    @property
    def all_weights(self):
        """Weights, also where none are given."""
        return np.ones(self.n_samples) if self.weights is None else self.weights

    @property
    def groups(self):
        """Groups of rows that share one expert, or None."""
        return self.params.get("groups")

    def responsibilities(self, model):
        """Responsibilities of a model's experts, (n, K)."""
        shared = {} if self.groups is None else {"groups": self.groups}
        return model.responsibilities(self.X, self.y, **shared)

    def mean_log_density(self, model):
        """Weighted mean of a model's log density of y; groups share one expert."""
        if self.groups is None:
            return np.average(model.score_samples(self.X, self.y), weights=self.weights)
        inputs, mixture = model._inputs(self.X), model._mixture
        y = mixture.targets.code(self.y, inputs.n_samples)
        groups = check_groups(self.groups, inputs.n_samples)
        joint = mixture.log_joint_of_groups(inputs, y, groups, self.all_weights)
        return np.sum(log_sum_exp(joint)) / self.all_weights.sum()

    @property
    def n_samples(self):
        """Number of rows."""
        return self.X.shape[0] if hasattr(self.X, "shape") else len(np.asarray(self.X))


@dataclass
class Fit:
    """A fitted estimator and how it came about.

    Attributes
    ----------
    model : fitted estimator
    start : {'own', 'split', 'previous'}
        Where EM started: the estimator's own `init`, a split of the worst of one
        expert fewer, or the solution before it on a path.
    seconds : float
        Time of all fits that it was chosen from.
    messages : list
        The warnings of the fit, which are given only for what the user gets.
    """

    model: Any
    start: str
    seconds: float
    messages: list

    @property
    def is_collapsed(self):
        """True if an expert sits on a handful of rows: a spurious likelihood."""
        return bool(self.model._mixture.training.collapsed.any())

    def warn(self):
        """Give the warnings of the fit."""
        for message in self.messages:
            warn_user(message.message, message.category)


def fit_quietly(estimator, rows, start="own", **settings):
    """Fit a clone with other settings; keep its warnings."""
    model = clone(estimator).set_params(**settings)
    begin = perf_counter()
    with warnings.catch_warnings(record=True) as messages:
        warnings.simplefilter("always")
        model.fit(rows.X, rows.y, sample_weight=rows.weights, **rows.params)
    return Fit(model, start, perf_counter() - begin, messages)


def fit_from(estimator, rows, responsibilities, start, **settings):
    """Fit from responsibilities (n, K); the model keeps its own `init`."""
    n_experts = responsibilities.shape[1]
    if not isinstance(estimator.experts, list):
        settings["n_experts"] = n_experts
    fit = fit_quietly(
        estimator, rows, start, init=responsibilities, n_init=1, **settings
    )
    own = {name: getattr(estimator, name) for name in ("init", "n_init", "max_iter")}
    fit.model.set_params(**own)
    return fit


def better(first, second):
    """The fit that is not collapsed, or the one of higher lower bound; time of both."""
    gain = second.model.lower_bound_ - first.model.lower_bound_
    if first.is_collapsed != second.is_collapsed:
        chosen = second if first.is_collapsed else first
    else:
        chosen = second if gain > MARGIN else first
    return Fit(
        chosen.model, chosen.start, first.seconds + second.seconds, chosen.messages
    )


def fit_counts(estimator, rows, counts, *, split, previous=None, n_jobs=None):
    """Fit every number of experts in `counts` (ascending); a list of `Fit`.

    Own starts run in parallel. With `split`, each number is then also started from the
    solution before it (that of the first is `previous`, if there is one) with its worst
    expert split, and the better fit is kept.
    """
    fits = Parallel(n_jobs=n_jobs)(
        delayed(fit_quietly)(estimator, rows, n_experts=count) for count in counts
    )
    if split:
        for i, count in enumerate(counts):
            if previous is not None:
                fits[i] = better(fits[i], grow(estimator, rows, previous, count))
            previous = fits[i]
    return fits


def grow(estimator, rows, fit, n_experts):
    """Fit `n_experts` from a fit of fewer, the worst expert split until there are."""
    seconds = 0.0
    while fit.model.n_experts_ < n_experts:
        start = split_worst(fit.model, rows)
        is_last = start.shape[1] == n_experts
        short = {} if is_last else {"max_iter": min(SHORT_RUN, estimator.max_iter)}
        fit = fit_from(estimator, rows, start, "split", **short)
        seconds += fit.seconds
    fit.seconds = seconds
    return fit
