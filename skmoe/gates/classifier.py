# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Any classifier as gate."""

from contextlib import suppress
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skmoe._compat import HasMethods, _safe_indexing
from skmoe._counting import count_parameters
from skmoe.experts.fitting import align_probabilities, fit_weighted
from skmoe.gates.base import BaseGate, GateTrainer
from skmoe.gates.memory import knows_its_rows

SMALLEST_PROBABILITY = 1e-10
# Weighted rows below this share of a row's weight are not handed to the classifier.
NEGLIGIBLE = 1e-6


class ClassifierGate(BaseGate):
    r"""A scikit-learn classifier as gate, fitted to soft labels by weighted rows.

    Row i enters K times, once per expert k, as label k with weight
    :math:`w_i r_{ik}`; the classifier's log loss is then the soft-label cross-entropy

    .. math:: -\sum_{ik} w_i r_{ik} \log g_k(x_i) .

    Copies of less than a millionth of their row are left out. A fit that would lower
    the expected log probability of the responsibilities is discarded, so EM stays
    monotone with any classifier. A classifier that takes no `sample_weight` is fitted
    on rows resampled by these weights.

    In a mixture with `cv` the E-step knows the gate as it knows the experts: by the
    probabilities of fits that left the row out; the gate that is kept is fitted to all
    rows. A flexible classifier (a forest, boosting, nearest neighbours) then cannot
    learn by heart which expert each row began with.

    Parameters
    ----------
    estimator : classifier with ``predict_proba``
        Cloned, never modified; may be a Pipeline.
    random_state : int, RandomState instance or None, default=None
        For the resampling of a classifier that takes no weights.

    Attributes
    ----------
    estimator_ : classifier
        The fitted clone. Its classes are expert indices.
    responsibilities_ : ndarray of shape (n_samples, n_experts)
        After a fit with `cv` only: those that it was fitted to, times sample weights,
        from which a warm start makes the folds' fits again.

    See Also
    --------
    SoftmaxGate : Linear scores, fitted together with the experts by Newton steps.

    Notes
    -----
    Probabilities are kept above 1e-10 (a pure leaf would otherwise rule an expert out
    for good).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmoe.gates import ClassifierGate
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> soft = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]])
    >>> gate = ClassifierGate(DecisionTreeClassifier(max_depth=1)).fit(X, soft)
    >>> gate.predict_proba([[0.5], [2.5]]).round(2)
    array([[0.9, 0.1],
           [0.2, 0.8]])
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "random_state": ["random_state"],
    }

    def __init__(self, estimator, random_state=None):
        self.estimator = estimator
        self.random_state = random_state

    def trainer(self, X, n_experts, weights, designs):
        """Return the gate at work on the rows of X."""
        self._validate_params()
        return ClassifierTrainer(self, X, n_experts, weights)

    def cross_fitted_trainer(self, X, n_experts, weights, designs, folds, n_jobs=None):
        """Return the gate at work, known by its out-of-fold probabilities."""
        from skmoe.gates.crossfit import CrossFittedClassifier  # it is a trainer itself

        self._validate_params()
        return CrossFittedClassifier(self, X, n_experts, weights, folds, n_jobs)

    @property
    def is_cross_fitted(self):
        """Whether EM knew this gate by its out-of-fold probabilities only."""
        return hasattr(self, "responsibilities_")

    def _check_fit_input(self, X):
        return X

    def count_parameters(self):
        """Free parameters of the classifier; NaN where nobody can say."""
        return count_parameters(self.estimator_)

    def predict_log_proba(self, X):
        """Log probabilities of the experts.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to gate, as the classifier takes them.

        Returns
        -------
        ndarray of shape (n_samples, n_experts)
            Natural logarithms.
        """
        check_is_fitted(self)
        return floored_log_proba(self.estimator_, X, self.n_experts_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        with suppress(AttributeError):  # tags are read on malformed parameters too
            tags.input_tags = self.estimator.__sklearn_tags__().input_tags
        return tags


def floored_log_proba(classifier, X, n_experts):
    """Log probabilities of all experts, also of those the classifier never saw."""
    proba = align_probabilities(classifier, X, np.arange(n_experts))
    proba = np.maximum(proba, SMALLEST_PROBABILITY)
    return np.log(proba / proba.sum(axis=1, keepdims=True))


class GateFit(NamedTuple):
    """What a classifier gate knows of one fit.

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
        """Whether there was a fit; before the first one all experts are even."""
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
        """What the objective gains, at least, if log probabilities rise by (n, K)."""
        return np.vdot(responsibilities, rises)

    def _refit(self, responsibilities):
        classifier = self.fit_to(responsibilities)
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

    def memorised(self):
        """Whether the classifier knows its rows far better than others."""
        return knows_its_rows(self)

    def resume(self, fitted):
        """Take up a fitted classifier."""
        log_proba = fitted.predict_log_proba(self.X)
        self.state = GateFit(fitted.estimator_, None, log_proba)

    def gate(self):
        """Return the fitted gate."""
        fitted = ClassifierGate(self.template.estimator, self.template.random_state)
        fitted.estimator_ = self.state.classifier
        fitted.n_experts_ = self.n_experts
        return fitted

    def snapshot(self):
        """The fit that stands; a refit makes a new one."""
        return self.state

    def restore(self, snapshot):
        """Come back to a snapshot."""
        self.state = snapshot
