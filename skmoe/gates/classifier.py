# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Any classifier as gate."""

from contextlib import suppress

from sklearn.utils.validation import check_is_fitted

from skmoe._compat import HasMethods
from skmoe.estimators.parameters import count_parameters
from skmoe.gates.base import BaseGate
from skmoe.gates.classifier_trainer import ClassifierTrainer, floored_log_proba
from skmoe.gates.crossfit import CrossFittedClassifier


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
    overfit the expert that each row began with.

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
        self._validate_params()
        return CrossFittedClassifier(self, X, n_experts, weights, folds, n_jobs)

    @property
    def is_cross_fitted(self):
        """True if EM knew this gate by its out-of-fold probabilities only."""
        return hasattr(self, "responsibilities_")

    def _check_fit_input(self, X):
        return X

    def count_parameters(self):
        """Free parameters of the classifier; NaN where the number is unknown."""
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
