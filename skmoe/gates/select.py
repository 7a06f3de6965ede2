# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A fitted gate restricted to some of its experts."""

import numpy as np

from skmoe.gates.base import BaseGate
from skmoe.solvers.softmax_regression import log_softmax


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
        """Whether the gate selected from takes a finite float array."""
        return self.gate.numeric

    @property
    def is_cross_fitted(self):
        """Whether EM knew the gate selected from by its out-of-fold probabilities."""
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


def check_selection(experts, n_experts):
    """Indices of experts as an array, or an error."""
    kept = np.asarray(experts)
    valid = kept.ndim == 1 and kept.size and np.issubdtype(kept.dtype, np.integer)
    if valid:
        valid = kept.min() >= 0 and kept.max() < n_experts
        valid = valid and len(np.unique(kept)) == len(kept)
    if not valid:
        raise ValueError(
            f"experts must be distinct indices from 0 to {n_experts - 1}, at least "
            f"one. Got {experts!r}."
        )
    return kept


def renormalised(proportions):
    """Proportions that sum to one; equal ones where nothing is left of them."""
    total = proportions.sum()
    if total > 0:
        return proportions / total
    return np.full(len(proportions), 1 / len(proportions))
