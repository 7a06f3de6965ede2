# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Gamma noise."""

import numpy as np
from scipy.special import gammainc, gammaincinv

from skmoe.families.restricted import (
    MAX_DISPERSION,
    RestrictedFamily,
    is_positive,
    like,
    search_dispersion,
)
from skmoe.families.special import (
    TINY,
    digamma_gap,
    excess,
    stirling_error,
    trigamma_gap,
)


class Gamma(RestrictedFamily):
    r"""Gamma noise: positive y whose standard deviation is proportional to the mean.

    .. math::
        \log f(y \mid m, \phi) = a \log \frac{a y}{m} - \frac{a y}{m}
            - \log y - \log \Gamma(a) , \qquad a = \frac{1}{\phi} .

    The prediction is the mean, the variance :math:`\phi m^2`. The dispersion
    :math:`\phi` is the squared coefficient of variation, without a unit, and its
    estimate that of maximum likelihood: with shape a,
    :math:`\log a - \psi(a) = \sum_i w_i (y_i / m_i - 1 - \log (y_i / m_i))` for weights
    of sum one. (Estimates from the deviance or from Pearson residuals differ, and would
    let EM lower the likelihood.)

    References
    ----------
    .. [1] McCullagh, P. & Nelder, J. A. (1989). "Generalized linear models", 2nd ed.,
       chapter 8. Chapman & Hall.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import Gamma
    >>> Gamma().log_density(np.array([0.5, 2.0]), 1.0, [np.array([1.0])])
    array([-0.5, -2. ])
    """

    name = "gamma"
    domain = "positive numbers"
    support = (0.0, np.inf)

    def inside(self, y):
        """True where a value is above zero."""
        return is_positive(y)

    def floors(self, y, weights, relative):
        """A smallest coefficient of variation of `relative`."""
        return np.full((1, y.shape[1]), relative**2)

    def ceilings(self):
        """Return a million."""
        return np.array([MAX_DISPERSION])

    def _log_density(self, y, prediction, parameters):
        (phi,) = parameters
        constant = -stirling_error(1.0 / phi) - np.log(y)
        return constant - excess(y / prediction) / phi

    def variance(self, prediction, parameters):
        """Dispersion times the squared mean."""
        return parameters[0] * self._possible(prediction) ** 2

    def cdf(self, y, prediction, parameters):
        """Incomplete gamma function."""
        shape = 1.0 / parameters[0]
        return gammainc(shape, shape * np.maximum(y, 0.0) / self._possible(prediction))

    def quantile(self, probability, prediction, parameters):
        """Inverse of the incomplete gamma function."""
        shape = 1.0 / parameters[0]
        return gammaincinv(shape, probability) / shape * self._possible(prediction)

    def sample(self, prediction, parameters, rng):
        """Gamma draws."""
        shape = 1.0 / parameters[0]
        draws = rng.standard_gamma(shape, size=np.shape(prediction)) / shape
        return np.maximum(draws * self._possible(prediction), TINY)

    def _derivatives(self, y, prediction, parameters):
        information = 1.0 / (parameters[0] * prediction**2)
        return (y - prediction) * information, like(information, y)

    def _parameter_derivatives(self, y, prediction, parameters):
        shape = 1.0 / parameters[0]
        score = shape * (excess(y / prediction) - digamma_gap(shape))
        information = np.broadcast_to(trigamma_gap(shape), score.shape)
        return score[None], information[None]

    def _fit_dispersion(self, y, prediction, weights, low, start):
        mean = weights @ excess(y / prediction)

        def score(log_phi):
            shape = np.exp(-log_phi)
            return shape * mean - shape * float(digamma_gap(shape))

        return search_dispersion(score, low, start, guess=2 * mean)
