# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Log-normal noise."""

import numpy as np
from scipy.special import ndtr, ndtri

from skmoe.families.base import spread
from skmoe.families.gaussian import HALF_LOG_2_PI
from skmoe.families.prior import ScalePrior
from skmoe.families.restricted import RestrictedFamily, is_positive

# Predictions and log means beyond this are taken as it: squares are then finite.
LIMIT = 300.0


class LogNormal(ScalePrior, RestrictedFamily):
    r"""Log-normal noise: the prediction is the mean of the logarithm of y.

    .. math::
        \log f(y \mid m, \sigma) = -\tfrac12 \log 2\pi - \log \sigma - \log y
            - \frac{(\log y - m)^2}{2 \sigma^2} ,
        \qquad
        \mathrm{E}[y] = e^{m + \sigma^2 / 2} .

    Experts are fitted to the logarithm of y, and the dispersion is its standard
    deviation; it has no unit. The likelihood is that of y itself, so it compares with
    those of other families. :math:`e^m` is the median of y.

    Parameters
    ----------
    prior_rows : float, default=0.0
        Rows, in units of the sample weights, that every expert is taken to have seen
        beforehand: they keep the dispersion of one with few rows of its own off zero.
        0: no prior; the floor, `reg_dispersion`, remains.
    prior_scale : float, default=1.0
        Size of their residuals, half of them positive and half negative, in standard
        deviations of the logarithm of y.

    References
    ----------
    .. [1] Johnson, N. L., Kotz, S. & Balakrishnan, N. (1994). "Continuous univariate
       distributions", vol. 1, 2nd ed., chapter 14. Wiley.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import LogNormal
    >>> LogNormal().mean(np.zeros(2), [np.array([0.1, 1.0])]).round(4)
    array([1.005 , 1.6487])
    """

    name = "log_normal"
    domain = "positive numbers"
    support = (0.0, np.inf)
    link = "identity"
    means = (-LIMIT, LIMIT)

    def inside(self, y):
        """True where a value is above zero."""
        return is_positive(y)

    def response(self, y):
        """Logarithms; rows with a value outside the domain have no weight."""
        y, factor = super().response(y)
        return np.log(y), factor

    def floors(self, y, weights, relative):
        """A share of the standard deviation of the logarithms."""
        response, factor = self.response(y)
        weights = weights if factor is None else weights * factor
        if weights.sum() <= 0:
            return np.full((1, y.shape[1]), relative)
        return relative * spread(response, weights)[None]

    def _of_residuals(self, residuals):
        return np.exp(np.clip(residuals, -LIMIT, LIMIT))

    def _log_density(self, y, prediction, parameters):
        (sigma,) = parameters
        log_y = np.log(y)
        z = (log_y - prediction) / sigma
        return -HALF_LOG_2_PI - np.log(sigma) - log_y - 0.5 * z**2

    def mean(self, prediction, parameters):
        """Exponential of the prediction and half the squared dispersion."""
        log_mean = self._possible(prediction) + 0.5 * parameters[0] ** 2
        return np.exp(np.minimum(log_mean, LIMIT))

    def variance(self, prediction, parameters):
        """Squared mean times ``exp(dispersion^2) - 1``."""
        factor = np.expm1(np.minimum(parameters[0] ** 2, LIMIT / 3))
        return self.mean(prediction, parameters) ** 2 * factor

    def cdf(self, y, prediction, parameters):
        """Normal distribution function of the logarithm."""
        with np.errstate(divide="ignore"):
            log_y = np.log(np.maximum(y, 0.0))
        return ndtr((log_y - self._possible(prediction)) / parameters[0])

    def quantile(self, probability, prediction, parameters):
        """Exponentials of normal quantiles."""
        log_y = self._possible(prediction) + parameters[0] * ndtri(probability)
        with np.errstate(over="ignore"):
            return np.exp(log_y)

    def sample(self, prediction, parameters, rng):
        """Exponentials of normal draws."""
        normal = rng.normal(size=np.shape(prediction))
        log_y = self._possible(prediction) + parameters[0] * normal
        return np.exp(np.clip(log_y, -2 * LIMIT, 2 * LIMIT))

    def _derivatives(self, y, prediction, parameters):
        precision = 1.0 / parameters[0] ** 2
        residual = np.log(y) - prediction
        return residual * precision, np.broadcast_to(precision, residual.shape)

    def _parameter_derivatives(self, y, prediction, parameters):
        squared = ((np.log(y) - prediction) / parameters[0]) ** 2
        return (squared - 1.0)[None], np.broadcast_to(2.0, (1, *squared.shape))

    def _fit_dispersion(self, y, prediction, weights, low, start):
        return max(np.sqrt(weights @ (np.log(y) - prediction) ** 2), low)
