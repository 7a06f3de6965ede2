# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The contract of a gate."""

from abc import ABC, abstractmethod

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_consistent_length, get_tags
from sklearn.utils.validation import _num_samples, check_is_fitted

from skmoe._compat import _check_n_features, check_sample_weight
from skmoe._design import Designs
from skmoe._views import FLOATS


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

    @abstractmethod
    def trainer(self, X, n_experts, weights, designs):
        """Return a `GateTrainer` on the rows of X."""

    def cross_fitted_trainer(self, X, n_experts, weights, designs, folds, n_jobs=None):
        """Return a `GateTrainer` that EM uses where the mixture has `cv`.

        A gate of few parameters knows no row by heart: this is `trainer`. Override it
        where the probabilities of a row should come from a fit without it.
        """
        return self.trainer(X, n_experts, weights, designs)

    @property
    def is_cross_fitted(self):
        """Whether EM knew this fitted gate by its out-of-fold probabilities only."""
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
        """Free parameters of the fitted gate; NaN where nobody can say."""
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
        from skmoe.gates.select import SelectedGate  # it is a gate itself

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
        trainer = self.trainer(X, responsibilities.shape[1], weights, Designs(weights))
        trainer.fit(responsibilities * weights[:, None])
        fitted = trainer.gate()
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


class GateTrainer(ABC):
    """A gate at work on the training rows.

    `log_proba` (n, K) is the state that the E-step reads and `penalty` what the gate
    subtracts from the mean log likelihood. Responsibilities reach a trainer already
    multiplied by the sample weights.
    """

    penalty = 0.0
    #: The `Additive` trainer behind this one, if its steps are sums over rows.
    additive = None
    #: Largest load of an expert in equal shares, see `skmoe.em.capacity`; None: any.
    capacity_factor = None
    #: Weighted total log density of X: zero, unless the gate models X as well and
    #: `log_proba` is the log of the joint density of the expert and the row,
    #: ``log pi_k p_k(x)``. The bound of EM is then that of p(x, y).
    log_marginal = 0.0

    @property
    @abstractmethod
    def log_proba(self):
        """Log probabilities at the training rows, (n, K)."""

    @abstractmethod
    def step(self, responsibilities):
        """One step that does not lower ``sum R log g - W penalty``."""

    @abstractmethod
    def gate(self):
        """Return a fitted gate in the state reached."""

    @abstractmethod
    def snapshot(self):
        """What `restore` needs to come back to this state."""

    @abstractmethod
    def restore(self, snapshot):
        """Come back to a snapshot."""

    @abstractmethod
    def resume(self, fitted):
        """Take up the state of a fitted gate (warm start)."""

    def fit(self, responsibilities):
        """Fit to fixed responsibilities; one step suffices unless overridden."""
        self.step(responsibilities)

    def memorised(self):
        """Whether the gate knows the rows it was fitted to far better than others."""
        return False

    def leader(self):
        """A trainer that a start is led in by, before this one; None: there is none."""
        return None


class IteratedTrainer(GateTrainer):
    """A gate of which one step does not reach the maximum.

    Subclasses have `total`, the sum of the sample weights.
    """

    total: float

    def expected(self, responsibilities):
        """Mean expected log probability minus the penalty."""
        value = np.vdot(responsibilities, self.log_proba) / self.total
        return float(value) - self.penalty

    def fit(self, responsibilities, max_iter=1000, tol=1e-12):
        """Fit to fixed responsibilities until a step gains less than `tol`."""
        value = self.expected(responsibilities)
        for _ in range(max_iter):
            self.step(responsibilities)
            gain, value = -value, self.expected(responsibilities)
            if gain + value <= tol:
                return


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
