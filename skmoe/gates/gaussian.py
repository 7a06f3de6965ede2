# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The gate that models where each expert's rows lie."""

from numbers import Real

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from skmoe._compat import Interval, StrOptions
from skmoe.gates.base import BaseGate
from skmoe.gates.gaussian_trainer import GaussianTrainer
from skmoe.gates.selection import check_selection, renormalised
from skmoe.numerics.softmax import log_softmax, log_sum_exp


class GaussianGate(BaseGate):
    r"""One normal density of the features per expert, and Bayes' rule.

    .. math::
        g_k(x) = \frac{\pi_k N(x; \mu_k, S_k)}{\sum_l \pi_l N(x; \mu_l, S_l)}, \qquad
        \hat\pi_k = \frac{N_k}{W}, \quad
        \hat\mu_k = \frac{1}{N_k} \sum_i w_i r_{ik} x_i, \quad
        \hat S_k = \frac{1}{N_k} \sum_i w_i r_{ik} (x_i - \hat\mu_k)
            (x_i - \hat\mu_k)' + \epsilon D ,

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
        Keeps covariances away from zero, relative to the variances of the features: a
        density cannot collapse onto one row. 0: none.

    Attributes
    ----------
    proportions_ : ndarray of shape (n_experts,)
        Mixing proportions :math:`\pi_k`.
    means_ : ndarray of shape (n_experts, n_features)
        Means of the experts' rows.
    covariances_ : ndarray
        Of shape (n_experts, n_features, n_features), (n_experts, n_features) for
        'diag', (n_features, n_features) for 'tied'.
    scale_ : ndarray of shape (n_features,)
        Standard deviations of the training rows' columns.
    n_features_in_ : int
        Number of features.

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
    with every gate. A joint fit divides the rows by where they lie as well as by how y
    depends on x; with many features the former outweighs the latter.

    The covariances above maximise the expected log density of rows blurred with noise
    of covariance :math:`\epsilon D`. So a density counts with the factor
    :math:`\exp(-\frac{\epsilon}{2} \mathrm{tr}(D S_k^{-1}))` in EM and in g, which is
    one unless a covariance is as small as that noise, and EM stays monotone.

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

    @property
    def n_features_in_(self):
        """Number of features; there is none before `fit`."""
        return self.means_.shape[1]

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
        """Log joint densities of validated rows and experts, blurred, (n, K)."""
        blur = [np.sum((U * self.scale_) ** 2) for U in self._whitening()]
        return self._log_joint(X) - 0.5 * self.reg_covar * np.array(blur)

    def _log_joint(self, X):
        """Log joint densities of validated rows and experts, (n, K)."""
        n_features = self.means_.shape[1]
        with np.errstate(divide="ignore"):  # an expert left without rows
            constant = np.log(self.proportions_) - 0.5 * n_features * np.log(2 * np.pi)
        log_joint = np.tile(constant, (X.shape[0], 1))
        for k, U in enumerate(self._whitening()):
            centered = X - self.means_[k]
            is_diagonal = U.ndim == 1
            whitened = centered * U if is_diagonal else centered @ U.T
            log_joint[:, k] -= 0.5 * np.einsum("ij,ij->i", whitened, whitened)
            log_joint[:, k] += np.log(U if is_diagonal else np.diagonal(U)).sum()
        return log_joint

    def _whitening(self):
        """U with U S U' = 1 for each expert, (d, d), or (d,) where S is diagonal."""
        if self.covariance_type == "diag":
            return list(1 / np.sqrt(self.covariances_))
        inverses = np.linalg.inv(np.linalg.cholesky(self.covariances_))
        tied = self.covariance_type == "tied"
        return [inverses] * len(self.means_) if tied else list(inverses)

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
        return log_sum_exp(self._log_joint(self._check_predict_input(X)))

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
        selected.means_, selected.scale_ = self.means_[kept], self.scale_
        tied = self.covariance_type == "tied"
        selected.covariances_ = self.covariances_ if tied else self.covariances_[kept]
        return selected

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags
