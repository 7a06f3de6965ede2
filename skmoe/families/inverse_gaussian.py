# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Inverse Gaussian noise."""

import numpy as np
from scipy.special import erfcx, ndtr

from skmoe.families.restricted import RestrictedFamily, is_positive, like
from skmoe.families.special import LOG_2_PI, TINY


class InverseGaussian(RestrictedFamily):
    r"""Inverse Gaussian noise: positive y, its variance the cube of the mean.

    .. math::
        \log f(y \mid m, \phi) = -\tfrac12 \log (2 \pi \phi y^3)
            - \frac{(y - m)^2}{2 \phi m^2 y} ,
        \qquad
        \hat\phi = \sum_i w_i \frac{(y_i - m_i)^2}{m_i^2 y_i} \Big/ \sum_i w_i .

    The prediction is the mean, the variance :math:`\phi m^3`. The dispersion
    :math:`\phi` has the unit of 1 / y: the time that a Brownian motion with drift takes
    to its first passage of a level.

    References
    ----------
    .. [1] Tweedie, M. C. K. (1957). "Statistical properties of inverse Gaussian
       distributions, I". Annals of Mathematical Statistics 28(2), 362-377.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import InverseGaussian
    >>> family = InverseGaussian()
    >>> family.log_density(np.array([0.5, 2.0]), 1.0, [np.array([1.0])]).round(4)
    array([-0.1292, -2.2087])
    """

    name = "inverse_gaussian"
    domain = "positive numbers"
    support = (0.0, np.inf)

    def inside(self, y):
        """True where a value is above zero."""
        return is_positive(y)

    def floors(self, y, weights, relative):
        """A smallest coefficient of variation of `relative` at the mean of y."""
        y, inside = self._within_domain(y)
        shares = weights[:, None] * inside
        totals = shares.sum(axis=0)
        sums = np.where(totals > 0, (shares * y).sum(axis=0), 1.0)
        return relative**2 * (np.where(totals > 0, totals, 1.0) / sums)[None]

    def _log_density(self, y, prediction, parameters):
        (phi,) = parameters
        constant = -0.5 * (LOG_2_PI + 3 * np.log(y) + np.log(phi))
        return constant - 0.5 * _deviance(y, prediction) / phi

    def variance(self, prediction, parameters):
        """Dispersion times the cubed mean."""
        return parameters[0] * self._possible(prediction) ** 3

    def cdf(self, y, prediction, parameters):
        """Distribution function of the inverse Gaussian distribution."""
        mean = self._possible(prediction)
        positive = np.maximum(y, TINY)
        root = 1.0 / np.sqrt(parameters[0] * positive)
        near, far = root * (positive / mean - 1), root * (positive / mean + 1)
        # exp(2 / (phi m)) Phi(-far), of which the first factor may overflow
        with np.errstate(over="ignore", under="ignore"):
            second = 0.5 * erfcx(far / np.sqrt(2)) * np.exp(-0.5 * near**2)
        return np.where(y > 0, np.minimum(ndtr(near) + second, 1.0), 0.0)

    def sample(self, prediction, parameters, rng):
        """Inverse Gaussian draws."""
        mean = self._possible(prediction)
        shape = np.broadcast_to(1.0 / parameters[0], np.shape(mean))
        return np.maximum(rng.wald(mean, shape), TINY)

    def _derivatives(self, y, prediction, parameters):
        information = 1.0 / (parameters[0] * prediction**3)
        return (y - prediction) * information, like(information, y)

    def _parameter_derivatives(self, y, prediction, parameters):
        scores = 0.5 * (_deviance(y, prediction) / parameters[0] - 1.0)
        return scores[None], np.full((1, *scores.shape), 0.5)

    def _fit_dispersion(self, y, prediction, weights, low, start):
        return max(weights @ _deviance(y, prediction), low)


def _deviance(y, m):
    """``(y - m)^2 / (m^2 y)``, in an order without overflow."""
    return (y / m - 1) * ((1 - m / y) / m)
