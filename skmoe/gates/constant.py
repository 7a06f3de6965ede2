# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A gate without covariates."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmoe.gates.base import BaseGate
from skmoe.gates.select import check_selection, renormalised
from skmoe.gates.softmax import SoftmaxTrainer
from skmoe.solvers import softmax_regression as softmax


class ConstantGate(BaseGate):
    r"""Mixing proportions that do not depend on the row.

    .. math:: g_k(x) = \pi_k, \qquad
              \hat\pi_k = \frac{\sum_i w_i r_{ik}}{\sum_i w_i} .

    With it a mixture of experts is a plain mixture of regressions: the experts overlap
    everywhere, and a prediction is the same weighted mean of them at every row.

    Attributes
    ----------
    proportions_ : ndarray of shape (n_experts,)
        The mixing proportions.

    See Also
    --------
    SoftmaxGate : Proportions that depend on the row.

    References
    ----------
    .. [1] DeSarbo, W. S. & Cron, W. L. (1988). "A maximum likelihood methodology for
       clusterwise linear regression". Journal of Classification 5, 249-282.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import ConstantGate
    >>> gate = ConstantGate().fit(np.zeros((2, 1)), [[1.0, 0.0], [0.5, 0.5]])
    >>> gate.proportions_
    array([0.75, 0.25])
    """

    reads_rows = False
    _parameter_constraints: dict = {}

    def trainer(self, X, n_experts, weights, designs):
        """Return the gate at work: softmax regression on the intercept alone."""
        no_columns = designs.get(np.empty((X.shape[0], 0)))
        return ConstantTrainer(self, no_columns, n_experts, weights)

    def count_parameters(self):
        """Free proportions of the fitted gate."""
        return len(self.proportions_) - 1

    def select(self, experts):
        """Return the gate of some of the experts, renormalised.

        Parameters
        ----------
        experts : array-like of int
            Indices of the experts kept, in their new order.

        Returns
        -------
        ConstantGate
            Fitted: the experts' proportions.

        Raises
        ------
        ValueError
            If `experts` are not distinct indices of experts.
        """
        check_is_fitted(self)
        kept = check_selection(experts, len(self.proportions_))
        selected = ConstantGate()
        selected.proportions_ = renormalised(self.proportions_[kept])
        return selected

    def predict_log_proba(self, X):
        """Log proportions, the same for every row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Only the number of rows matters.

        Returns
        -------
        ndarray of shape (n_samples, n_experts)
            Natural logarithms.
        """
        check_is_fitted(self)
        return self.scores(X).copy()

    def scores(self, X, order="F"):
        """The same, as a view that takes no memory."""
        with np.errstate(divide="ignore"):
            log_proportions = np.log(self.proportions_)
        n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
        return np.broadcast_to(log_proportions, (n_samples, len(log_proportions)))


class ConstantTrainer(SoftmaxTrainer):
    """Softmax regression without covariates; its M-step is closed-form."""

    def __init__(self, template, design, n_experts, weights):
        super().__init__(template, design, n_experts, weights, alpha=0.0)

    def moments(self, block, rows, evaluated, responsibilities):
        """As the softmax gate's, and the responsibilities' totals."""
        sums, weights = super().moments(block, rows, evaluated, responsibilities)
        return [*sums, responsibilities.sum(axis=1)], weights

    def view(self, sums, grams):
        """As the softmax gate's, with the exact maximiser as target."""
        *sums, totals = sums
        totals = np.maximum(totals, 1e-300)
        target = np.log(totals[:-1]) - np.log(totals[-1])
        return super().view(sums, grams)._replace(target=target)

    def resume(self, fitted):
        """Take up fitted proportions."""
        logs = np.log(np.maximum(fitted.proportions_, 1e-300))
        self.parameters = logs[:-1] - logs[-1]

    def gate(self):
        """Return the fitted gate."""
        fitted = ConstantGate()
        logs = np.append(self.V[:, 0], 0.0)
        fitted.proportions_ = np.exp(softmax.log_softmax(logs[None])[0])
        return fitted
