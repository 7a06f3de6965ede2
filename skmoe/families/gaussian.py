# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian noise."""

import numpy as np

from skmoe.families.base import BaseFamily

LOG_2_PI = np.log(2 * np.pi)


def residual_log_density(residuals, dispersion):
    """Log density of residuals (n, K, T) summed over targets, (n, K)."""
    standardised = residuals / dispersion
    np.square(standardised, out=standardised)
    constant = np.sum(0.5 * LOG_2_PI + np.log(dispersion), axis=1)
    return -0.5 * standardised.sum(axis=2) - constant


class Gaussian(BaseFamily):
    r"""Gaussian noise with one standard deviation per expert (and target).

    .. math::
        \log f(y \mid m, \sigma) = \sum_t -\tfrac12 \log 2\pi - \log \sigma_t
            - \tfrac12 \left(\frac{y_t - m_t}{\sigma_t}\right)^2 ,
        \qquad
        \hat\sigma_{kt}^2 = \frac{\sum_i w_{ik} (y_{it} - m_{ikt})^2}{\sum_i w_{ik}} .

    The dispersion is the standard deviation, in the units of y. Several targets are
    independent given the expert (a diagonal covariance).

    References
    ----------
    .. [1] Jordan, M. I. & Jacobs, R. A. (1994). "Hierarchical mixtures of experts and
       the EM algorithm". Neural Computation 6(2), 181-214.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import Gaussian
    >>> y, m, sigma = np.zeros((1, 1)), np.zeros((1, 2, 1)), np.array([[1.0], [2.0]])
    >>> Gaussian().log_density(y, m, sigma).round(4)
    array([[-0.9189, -1.6121]])
    """

    name = "gaussian"

    def log_density(self, y, prediction, dispersion):
        """Log density summed over targets, (n, K)."""
        return residual_log_density(y[:, None, :] - prediction, dispersion)

    def fit_dispersion(self, y, prediction, weights, minimum):
        """Weighted root mean squared residual, at least `minimum`: (K, T)."""
        squared = (y[:, None, :] - prediction) ** 2
        totals = np.maximum(weights.sum(axis=0), np.finfo(np.float64).tiny)
        variance = np.einsum("nk,nkt->kt", weights, squared) / totals[:, None]
        return np.maximum(np.sqrt(variance), minimum)

    def mean(self, prediction, dispersion):
        """Return the prediction itself."""
        return prediction

    def variance(self, prediction, dispersion):
        """Squared dispersion, as broadcast by the caller."""
        return dispersion**2
