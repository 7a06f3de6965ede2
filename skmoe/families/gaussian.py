# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Gaussian noise."""

import numpy as np
from scipy.special import ndtr, ndtri

from skmoe.families.base import BaseFamily
from skmoe.families.prior import ScalePrior

HALF_LOG_2_PI = 0.5 * np.log(2 * np.pi)


class Gaussian(ScalePrior, BaseFamily):
    r"""Gaussian noise with one standard deviation per expert (and target).

    .. math::
        \log f(y \mid m, \sigma) = -\tfrac12 \log 2\pi - \log \sigma
            - \tfrac12 \left(\frac{y - m}{\sigma}\right)^2 ,
        \qquad
        \hat\sigma^2 = \frac{\sum_i w_i (y_i - m_i)^2}{\sum_i w_i} .

    The dispersion is the standard deviation, in the units of y. Several targets are
    independent given the expert (a diagonal covariance). With :math:`\nu` prior rows of
    size :math:`s_0` (an inverse gamma prior [2]_, [3]_),

    .. math::
        \hat\sigma^2 = \frac{\sum_i w_i (y_i - m_i)^2 + \nu s_0^2}{\sum_i w_i + \nu} .

    Parameters
    ----------
    prior_rows : float, default=0.0
        Rows, in units of the sample weights, that every expert is taken to have seen
        beforehand: they keep the dispersion of one with few rows of its own off zero.
        0: no prior; the floor, `reg_dispersion`, remains.
    prior_scale : float, default=1.0
        Size of their residuals, half of them positive and half negative, in standard
        deviations of y.

    References
    ----------
    .. [1] Jordan, M. I. & Jacobs, R. A. (1994). "Hierarchical mixtures of experts and
       the EM algorithm". Neural Computation 6(2), 181-214.
    .. [2] Fraley, C. & Raftery, A. E. (2007). "Bayesian regularization for normal
       mixture estimation and model-based clustering". Journal of Classification 24,
       155-181.
    .. [3] Chen, J. & Tan, X. (2009). "Inference for multivariate normal mixtures".
       Journal of Multivariate Analysis 100(7), 1367-1383.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import Gaussian
    >>> Gaussian().log_density(0.0, np.zeros(2), [np.array([1.0, 2.0])]).round(4)
    array([-0.9189, -1.6121])
    """

    name = "gaussian"

    def log_density(self, y, prediction, parameters):
        """Log density of each target."""
        (sigma,) = parameters
        return -HALF_LOG_2_PI - np.log(sigma) - 0.5 * ((y - prediction) / sigma) ** 2

    def mean(self, prediction, parameters):
        """Return the prediction itself."""
        return prediction

    def variance(self, prediction, parameters):
        """Squared dispersion."""
        return parameters[0] ** 2

    def cdf(self, y, prediction, parameters):
        """Normal distribution function."""
        return ndtr((y - prediction) / parameters[0])

    def quantile(self, probability, prediction, parameters):
        """Normal quantiles."""
        return prediction + parameters[0] * ndtri(probability)

    def sample(self, prediction, parameters, rng):
        """Normal draws."""
        return prediction + parameters[0] * rng.normal(size=np.shape(prediction))

    def derivatives(self, y, prediction, parameters):
        """Score and information of the prediction."""
        precision = 1.0 / parameters[0] ** 2
        residual = y - prediction
        return residual * precision, np.broadcast_to(precision, residual.shape)

    def parameter_derivatives(self, y, prediction, parameters):
        r"""Score and information of :math:`\log \sigma`."""
        squared = ((y - prediction) / parameters[0]) ** 2
        return (squared - 1.0)[None], np.broadcast_to(2.0, (1, *squared.shape))

    def fit_parameters(self, y, prediction, weights, floors, start=None):
        """Weighted root mean squared residual, not below its floor."""
        total = np.maximum(weights.sum(), np.finfo(np.float64).tiny)
        variance = weights @ (y - prediction) ** 2 / total
        return np.maximum(np.sqrt(variance), floors)
