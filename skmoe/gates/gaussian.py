# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The gate that models where each expert's rows lie."""

from numbers import Real

import numpy as np
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skmoe._compat import Interval, StrOptions
from skmoe._views import FLOATS
from skmoe.gates.base import BaseGate
from skmoe.gates.gaussian_trainer import GaussianTrainer
from skmoe.gates.select import check_selection, renormalised
from skmoe.solvers.softmax_regression import log_softmax


class GaussianGate(BaseGate):
    r"""One normal density of the features per expert, and Bayes' rule.

    .. math::
        g_k(x) = \frac{\pi_k N(x; \mu_k, S_k)}{\sum_l \pi_l N(x; \mu_l, S_l)}, \qquad
        \hat\pi_k = \frac{N_k}{W}, \quad
        \hat\mu_k = \frac{1}{N_k} \sum_i w_i r_{ik} x_i, \quad
        \hat S_k = \frac{1}{N_k} \Bigl( \sum_i w_i r_{ik} (x_i - \hat\mu_k)
            (x_i - \hat\mu_k)' + \epsilon \frac WK D \Bigr) ,

    with :math:`N_k = \sum_i w_i r_{ik}`, :math:`W = \sum_i w_i`, D the diagonal of the
    features' variances and :math:`\epsilon` the `reg_covar`. EM maximises the *joint*
    likelihood of features and target, :math:`\sum_k \pi_k N(x; \mu_k, S_k) f_k(y | x)`,
    which makes the gate's M-step the formulas above: no inner iterations.

    Parameters
    ----------
    covariance_type : {'full', 'diag', 'tied'}, default='full'
        One matrix, one diagonal per expert, or one matrix that all share (boundaries
        between experts are then linear, as the softmax gate's are).
    reg_covar : float, default=1e-6
        Keeps covariances away from zero, relative to the variances of the features. It
        is a prior, :math:`\exp(-\frac{\epsilon W}{2 K} \mathrm{tr}(D S_k^{-1}))`, so
        EM stays monotone, and a density cannot collapse onto one row. ('tied': W in
        place of W / K.) 0: none.

    Attributes
    ----------
    proportions_ : ndarray of shape (n_experts,)
        Mixing proportions :math:`\pi_k`.
    means_ : ndarray of shape (n_experts, n_features)
        Means of the experts' rows.
    covariances_ : ndarray
        Of shape (n_experts, n_features, n_features), (n_experts, n_features) for
        'diag', (n_features, n_features) for 'tied'.

    Raises
    ------
    ValueError
        If X is sparse, or a covariance is singular with ``reg_covar=0``.

    See Also
    --------
    SoftmaxGate : Models the boundary only, whatever the distribution of the features.
    sklearn.mixture.GaussianMixture : The density of the features alone.

    Notes
    -----
    In an estimator with this gate, `lower_bounds_` are those of
    :math:`\log p(x, y)`, on the scale of the columns of X; `log_likelihood_`,
    `score_samples` and the information criteria are those of :math:`\log p(y | x)`, as
    with every gate. Joint fits bring the experts' regions to where rows lie close
    together. A tight prediction given x is not what they aim at.

    References
    ----------
    .. [1] Xu, L., Jordan, M. I. & Hinton, G. E. (1995). "An alternative model for
       mixtures of experts". NIPS 7, 633-640.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import GaussianGate
    >>> X = np.array([[-3.0], [-1.0], [1.0], [3.0]])
    >>> soft = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> gate = GaussianGate(reg_covar=0).fit(X, soft)
    >>> gate.means_, gate.covariances_.ravel()
    (array([[-2.],
           [ 2.]]), array([1., 1.]))
    >>> gate.predict_proba([[0.0], [0.5]]).round(2)
    array([[0.5 , 0.5 ],
           [0.12, 0.88]])
    """

    numeric = True
    _parameter_constraints: dict = {
        "covariance_type": [StrOptions({"full", "diag", "tied"})],
        "reg_covar": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, covariance_type="full", reg_covar=1e-6):
        self.covariance_type = covariance_type
        self.reg_covar = reg_covar

    def trainer(self, X, n_experts, weights, designs):
        """Return the gate at work on the rows of X."""
        self._validate_params()
        return GaussianTrainer(self, designs.get(X), n_experts, weights)

    def count_parameters(self):
        """Proportions, means and covariances of the fitted gate."""
        n_experts, n_features = self.means_.shape
        triangle = n_features * (n_features + 1) // 2
        covariances = {
            "full": n_experts * triangle,
            "diag": n_experts * n_features,
            "tied": triangle,
        }
        return n_experts - 1 + self.means_.size + covariances[self.covariance_type]

    def scores(self, X, order="F"):
        """Log joint densities of validated rows and experts, (n, K)."""
        n_experts, n_features = self.means_.shape
        with np.errstate(divide="ignore"):  # an expert left without rows
            scores = np.log(self.proportions_) - 0.5 * n_features * np.log(2 * np.pi)
        scores = np.tile(scores, (X.shape[0], 1))
        for k in range(n_experts):
            centered = X - self.means_[k]
            if self.covariance_type == "diag":
                deviation = np.sqrt(self.covariances_[k])
                scores[:, k] -= np.log(deviation).sum()
                whitened = centered / deviation
            else:
                tied = self.covariance_type == "tied"
                covariance = self.covariances_ if tied else self.covariances_[k]
                # The inverse and not a solve: as accurate, and one product for n rows.
                lower = np.linalg.cholesky(covariance)
                scores[:, k] -= np.log(np.diagonal(lower)).sum()
                whitened = centered @ np.linalg.inv(lower).T
            scores[:, k] -= 0.5 * np.einsum("ij,ij->i", whitened, whitened)
        return scores

    def predict_log_proba(self, X):
        """Log probabilities of the experts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to gate.

        Returns
        -------
        ndarray of shape (n_samples, n_experts)
            Natural logarithms.
        """
        return log_softmax(self.scores(self._check_predict_input(X)))

    def score_samples(self, X):
        r"""Log density of each row, :math:`\log \sum_k \pi_k N(x; \mu_k, S_k)`.

        Low values are rows unlike the training data, where no expert's answer is worth
        much.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Natural logarithms.
        """
        return logsumexp(self.scores(self._check_predict_input(X)), axis=1)

    def select(self, experts):
        """Return the gate of some of the experts, renormalised.

        Parameters
        ----------
        experts : array-like of int
            Indices of the experts kept, in their new order.

        Returns
        -------
        GaussianGate
            Fitted: the experts' densities, with proportions that sum to one.

        Raises
        ------
        ValueError
            If `experts` are not distinct indices of experts.
        """
        check_is_fitted(self)
        kept = check_selection(experts, len(self.means_))
        selected = clone(self)
        selected.proportions_ = renormalised(self.proportions_[kept])
        selected.means_ = self.means_[kept]
        tied = self.covariance_type == "tied"
        selected.covariances_ = self.covariances_ if tied else self.covariances_[kept]
        return selected

    def _check_predict_input(self, X):
        check_is_fitted(self)
        return check_array(X, dtype=FLOATS, ensure_min_features=0, estimator=self)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags
