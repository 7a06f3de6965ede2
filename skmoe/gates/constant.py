# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A gate without covariates."""

from numbers import Real

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from skmoe._compat import Interval
from skmoe.gates.base import BaseGate
from skmoe.gates.selection import check_selection, renormalised
from skmoe.gates.softmax import SoftmaxTrainer
from skmoe.numerics.softmax import log_softmax


class ConstantGate(BaseGate):
    r"""Mixing proportions that do not depend on the row.

    .. math:: g_k(x) = \pi_k, \qquad
              \hat\pi_k \propto \sum_i w_i r_{ik} + \nu .

    With it a mixture of experts is a plain mixture of regressions: the experts overlap
    everywhere, and a prediction is the same weighted mean of them at every row.

    Parameters
    ----------
    prior_rows : float, default=0.0
        Rows :math:`\nu`, in units of the sample weights, that each expert has on top of
        its own: a Dirichlet prior that keeps shares off zero. 0: none.

    Attributes
    ----------
    proportions_ : ndarray of shape (n_experts,)
        The mixing proportions.

    Raises
    ------
    ValueError
        If `prior_rows` is negative, when the gate is fitted.

    See Also
    --------
    SoftmaxGate : Proportions that depend on the row; `balance` is the same prior.

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
    has_information = True
    _parameter_constraints: dict = {
        "prior_rows": [Interval(Real, 0, None, closed="left")]
    }

    def __init__(self, prior_rows=0.0):
        self.prior_rows = prior_rows

    def trainer(self, X, n_experts, weights, designs):
        """Return the gate at work: softmax regression on the intercept alone."""
        self._validate_params()
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
        selected = clone(self)
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
    r"""Softmax regression without covariates; its M-step is closed-form.

    The prior is :math:`\frac{\nu}{W} \sum_k \log \pi_k`: what :math:`K \nu` more rows
    would add whose responsibilities are equal.
    """

    kernel = None

    def __init__(self, template, design, n_experts, weights):
        super().__init__(template, design, n_experts, weights, alpha=0.0)
        self.prior_rows = float(template.prior_rows)

    @property
    def log_proportions(self):
        """Log probabilities of the experts, (K,)."""
        return log_softmax(np.append(self.V[:, 0], 0.0)[None])[0]

    @property
    def penalty(self):
        """The prior in units of the mean log likelihood."""
        return -self.prior_rows / self.total * float(self.log_proportions.sum())

    def moments(self, block, rows, evaluated, responsibilities):
        """As the softmax gate's, and the responsibilities' totals."""
        sums, weights = super().moments(block, rows, evaluated, responsibilities)
        return [*sums, responsibilities.sum(axis=1)], weights

    def local_model(self, sums, grams):
        """As the softmax gate's, with the exact maximiser as target."""
        gradient, totals = sums
        proportions, more = np.exp(self.log_proportions), self.prior_rows
        n_experts = len(proportions)
        gradient = gradient + more * (1.0 - n_experts * proportions)[:, None]
        grams = grams * (1.0 + n_experts * more / self.total)
        totals = np.maximum(totals + more, 1e-300)
        target = np.log(totals[:-1]) - np.log(totals[-1])
        return super().local_model([gradient], grams)._replace(target=target)

    def step(self, responsibilities):
        """Go to the maximum."""
        self.ascend(responsibilities)

    def fit(self, responsibilities):
        """The same: one step suffices."""
        self.step(responsibilities)

    def resume(self, fitted):
        """Take up fitted proportions."""
        logs = np.log(np.maximum(fitted.proportions_, 1e-300))
        self.parameters = logs[:-1] - logs[-1]

    def fitted(self):
        """Return the fitted gate."""
        fitted = clone(self.template)
        fitted.proportions_ = np.exp(self.log_proportions)
        return fitted
