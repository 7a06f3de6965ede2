# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The contract of a gate."""

from abc import ABC, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_consistent_length, get_tags
from sklearn.utils.validation import _num_samples, check_is_fitted

from skmoe._compat import _check_n_features, _safe_indexing, check_sample_weight
from skmoe.gates.selection import check_selection
from skmoe.numerics.softmax import log_softmax
from skmoe.rows.design import Designs
from skmoe.rows.inputs import FLOATS


class BaseGate(ABC, BaseEstimator):
    r"""Prior probabilities :math:`g_k(x)` of K experts.

    A gate is fitted to *soft labels*: rows of responsibilities that sum to one. It
    implements

    - ``trainer(X, n_experts, weights, designs) -> GateTrainer``: the gate at work on
      one data set, for EM, which asks for one ascent step at a time;
    - ``predict_log_proba(X) -> (n_samples, n_experts)``.

    To add a gate: one file with a subclass and its trainer, and one line in
    `skmoe.gates`.
    """

    #: Whether the gate takes a finite float array; False: X as the user gave it.
    numeric: bool = False
    #: Whether the probabilities depend on the row.
    reads_rows: bool = True
    #: Whether standard errors know the gate's parameters.
    has_information: bool = False
    #: Whether the gate's own parameters fix the number of experts.
    fixes_n_experts: bool = False

    @abstractmethod
    def trainer(self, X, n_experts, weights, designs):
        """Return a `GateTrainer` on the rows of X."""

    def cross_fitted_trainer(self, X, n_experts, weights, designs, folds, n_jobs=None):
        """Return a `GateTrainer` that EM uses where the mixture has `cv`.

        A gate of few parameters does not overfit: this is `trainer`. Override it where
        the probabilities of a row should come from a fit without it.
        """
        return self.trainer(X, n_experts, weights, designs)

    @property
    def linear_scores(self):
        """Coefficients (K, d) and intercepts (K,) of linear scores; None for others.

        Routing to one linear expert runs compiled where the gate has them.
        """
        return None

    @property
    def can_resume(self):
        """True if a warm start can go on from this fitted gate."""
        return True

    @property
    def is_cross_fitted(self):
        """True if EM knew this fitted gate by its out-of-fold probabilities only."""
        return False

    @abstractmethod
    def predict_log_proba(self, X):
        """Return the log probability of each expert.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to gate.

        Returns
        -------
        ndarray of shape (n_samples, n_experts)
            Log probabilities; their exponentials sum to one in each row.
        """

    def count_parameters(self):
        """Free parameters of the fitted gate; NaN where the number is unknown."""
        return np.nan

    def scores(self, X, order="F"):
        """Log probabilities up to a constant per row, (n, K), of validated rows.

        What prediction asks for: override it where less needs to be done than in
        `predict_log_proba`. `order` is the order in memory in which the caller works
        fastest, 'F' (rows last) or 'C'; the other will do.
        """
        return self.predict_log_proba(X)

    def predict_proba(self, X):
        """Probability of each expert.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to gate.

        Returns
        -------
        ndarray of shape (n_samples, n_experts)
            Rows sum to one.
        """
        return np.exp(self.predict_log_proba(X))

    def select(self, experts):
        r"""Return the fitted gate of some of the experts, renormalised.

        What pruning asks for: :math:`g_k(x) / \sum_{l \in S} g_l(x)` for the experts
        :math:`k \in S` that are kept.

        Parameters
        ----------
        experts : array-like of int
            Indices of the experts kept, in their new order.

        Returns
        -------
        BaseGate
            Fitted, with a column for each expert kept.

        Raises
        ------
        ValueError
            If `experts` are not distinct indices of experts.
        """
        check_is_fitted(self)
        return SelectedGate(self, experts)

    def fit(self, X, responsibilities, sample_weight=None):
        """Fit the gate to soft labels, to convergence.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to gate.
        responsibilities : array-like of shape (n_samples, n_experts)
            Soft labels: non-negative, rows summing to one.
        sample_weight : array-like of shape (n_samples,), default=None
            Row weights; None: all one.

        Returns
        -------
        self : object
            The fitted gate.

        Raises
        ------
        ValueError
            If `responsibilities` are not soft labels for the rows of `X`.
        """
        X = self._check_fit_input(X)
        responsibilities = check_soft_labels(responsibilities, _num_samples(X))
        weights = check_sample_weight(sample_weight, X)
        if not weights.all():  # a row of weight zero is as good as absent
            kept = np.flatnonzero(weights)
            X, responsibilities = _safe_indexing(X, kept), responsibilities[kept]
            weights = weights[kept]
        trainer = self.trainer(X, responsibilities.shape[1], weights, Designs(weights))
        trainer.fit(responsibilities * weights[:, None])
        fitted = trainer.fitted()
        self.__dict__.update(
            {key: value for key, value in vars(fitted).items() if key.endswith("_")}
        )
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check_fit_input(self, X):
        return check_array(X, accept_sparse="csr", dtype=FLOATS, estimator=self)

    def _check_predict_input(self, X):
        check_is_fitted(self)
        X = check_array(
            X,
            accept_sparse=get_tags(self).input_tags.sparse and "csr",
            dtype=FLOATS,
            ensure_min_features=0,
            estimator=self,
        )
        _check_n_features(self, X, reset=False)
        return X


def check_soft_labels(responsibilities, n_samples):
    """Return soft labels as a float64 array or raise."""
    soft = check_array(
        responsibilities, dtype=np.float64, input_name="responsibilities"
    )
    check_consistent_length(soft, np.empty(n_samples))
    sums = soft.sum(axis=1)
    if soft.min() < 0 or not np.allclose(sums, 1.0, atol=1e-6):
        raise ValueError(
            "responsibilities must be non-negative with rows summing to one. Got a "
            f"smallest entry of {soft.min():.3g} and row sums from {sums.min():.3g} to "
            f"{sums.max():.3g}."
        )
    return soft


class SelectedGate(BaseGate):
    r"""Some experts' columns of a fitted gate, renormalised.

    .. math:: g_k(x) \Big/ \sum_{l \in S} g_l(x), \qquad k \in S .

    What `select` returns for a gate of which no part can be left out, such as a tree or
    a classifier. It answers for rows; it cannot be fitted again.

    Parameters
    ----------
    gate : gate
        Fitted.
    experts : array-like of int
        Indices of the experts kept, in their new order.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skmoe.gates import ClassifierGate
    >>> soft = [[0.5, 0.3, 0.2], [0.2, 0.4, 0.4]]
    >>> gate = ClassifierGate(DecisionTreeClassifier()).fit([[0.0], [1.0]], soft)
    >>> gate.select([2, 0]).predict_proba([[0.0], [1.0]]).round(2)
    array([[0.29, 0.71],
           [0.67, 0.33]])
    """

    def __init__(self, gate, experts):
        self.gate = gate
        self.experts = experts

    @property
    def numeric(self):
        """True if the gate selected from takes a finite float array."""
        return self.gate.numeric

    @property
    def can_resume(self):
        """False: what would be fitted is the gate selected from."""
        return False

    @property
    def is_cross_fitted(self):
        """True if EM knew the gate selected from by its out-of-fold probabilities."""
        return self.gate.is_cross_fitted

    def trainer(self, X, n_experts, weights, designs):
        """Raise: what would be fitted is the gate selected from."""
        raise TypeError(
            "A gate that select() returned cannot be fitted again. Fit a clone of the "
            f"gate it comes from, {type(self.gate).__name__}, to the experts kept."
        )

    def predict_log_proba(self, X):
        """Log probabilities of the experts kept.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to gate, as the gate selected from takes them.

        Returns
        -------
        ndarray of shape (n_samples, n_experts)
            Natural logarithms.
        """
        log_proba = self.gate.predict_log_proba(X)
        return log_softmax(
            log_proba[:, check_selection(self.experts, log_proba.shape[1])]
        )

    def __sklearn_is_fitted__(self):
        return True  # made of a fitted gate

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = self.gate.__sklearn_tags__().input_tags
        return tags
