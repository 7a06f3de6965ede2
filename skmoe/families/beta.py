# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Beta noise."""

import numpy as np
from scipy.special import betainc, betaincinv, digamma

from skmoe.families.restricted import (
    MAX_DISPERSION,
    RestrictedFamily,
    search_dispersion,
)
from skmoe.families.special import (
    TINY,
    digamma_gap,
    relative_entropy,
    stirling_error,
    trigamma,
    trigamma_gap,
)

EPS = np.finfo(np.float64).eps


class Beta(RestrictedFamily):
    r"""Beta noise: rates and shares strictly between 0 and 1.

    .. math::
        f(y \mid m, \phi) = \frac{y^{a - 1} (1 - y)^{b - 1}}{B(a, b)} , \qquad
        a = \frac{m}{\phi} , \quad b = \frac{1 - m}{\phi} .

    The prediction is the mean, the variance :math:`m (1 - m) \phi / (1 + \phi)`. The
    dispersion :math:`\phi` is the inverse of what is often called the precision,
    :math:`a + b`. Its estimate is the only zero of the score. Means are kept within
    :math:`2.2 \times 10^{-16}` of 0 and 1. Shares of exactly 0 or 1 ask for a
    `PointMass` beside it.

    References
    ----------
    .. [1] Ferrari, S. L. P. & Cribari-Neto, F. (2004). "Beta regression for modelling
       rates and proportions". Journal of Applied Statistics 31(7), 799-815.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import Beta
    >>> parameters = [np.array([0.25])]
    >>> np.exp(Beta().log_density(np.array([0.25, 0.5]), 0.5, parameters)).round(4)
    array([1.125, 1.5  ])
    """

    name = "beta"
    domain = "numbers strictly between 0 and 1"
    support = (0.0, 1.0)
    link = "logit"
    inner = 0.5
    means = (EPS, 1 - EPS)

    def inside(self, y):
        """True where a value is strictly between 0 and 1."""
        return (y > 0) & (y < 1)

    def floors(self, y, weights, relative):
        """The dispersion of a standard deviation `relative` times that of y."""
        y, inside = self._within_domain(y)
        shares = weights[:, None] * inside
        shares = shares / np.maximum(shares.sum(axis=0), TINY)
        mean = np.clip((shares * y).sum(axis=0), EPS, 1 - EPS)
        variance = (shares * (y - mean) ** 2).sum(axis=0)
        largest = mean * (1 - mean)
        variance = np.where(variance <= EPS**2 * mean**2, largest, variance)
        return relative**2 * (variance / largest)[None]

    def ceilings(self):
        """Return a million."""
        return np.array([MAX_DISPERSION])

    def _log_density(self, y, prediction, parameters):
        precision = 1.0 / parameters[0]
        a, b = prediction * precision, (1 - prediction) * precision
        errors = stirling_error(precision) - stirling_error(a) - stirling_error(b)
        jacobian = np.log(y) + np.log1p(-y)
        return errors - precision * _entropy(prediction, y) - jacobian

    def variance(self, prediction, parameters):
        """Largest possible variance times ``phi / (1 + phi)``."""
        (phi,) = parameters
        mean = self._possible(prediction)
        return mean * (1 - mean) * phi / (1 + phi)

    def cdf(self, y, prediction, parameters):
        """Incomplete beta function."""
        return betainc(*self._shapes(prediction, parameters), np.clip(y, 0.0, 1.0))

    def quantile(self, probability, prediction, parameters):
        """Inverse of the incomplete beta function."""
        return betaincinv(*self._shapes(prediction, parameters), probability)

    def sample(self, prediction, parameters, rng):
        """Beta draws."""
        draws = rng.beta(*self._shapes(prediction, parameters))
        return np.clip(draws, TINY, 1 - EPS / 2)

    def _shapes(self, prediction, parameters):
        mean = self._possible(prediction)
        return mean / parameters[0], (1 - mean) / parameters[0]

    def _derivatives(self, y, prediction, parameters):
        precision = 1.0 / parameters[0]
        a, b = prediction * precision, (1 - prediction) * precision
        expected = digamma(a) - digamma(b)
        score = precision * (np.log(y) - np.log1p(-y) - expected)
        information = precision**2 * (trigamma(a) + trigamma(b))
        return score, np.broadcast_to(information, score.shape)

    def _parameter_derivatives(self, y, prediction, parameters):
        precision = 1.0 / parameters[0]
        score = _score(y, prediction, precision)
        a, b = prediction * precision, (1 - prediction) * precision
        information = trigamma_gap(a) + trigamma_gap(b) - trigamma_gap(precision)
        return score[None], np.broadcast_to(information, score.shape)[None]

    def _fit_dispersion(self, y, prediction, weights, low, start):
        def score(log_phi):
            return weights @ _score(y, prediction, np.exp(-log_phi))

        ratio = (y - prediction) ** 2 / (prediction * (1 - prediction))
        guess = weights @ np.minimum(ratio, 1.0)
        return search_dispersion(score, low, start, guess)


def _entropy(m, y):
    return relative_entropy(m, y) + relative_entropy(1 - m, 1 - y)


def _score(y, m, precision):
    """Derivative of the log density by the log dispersion."""
    gap = m * digamma_gap(m * precision) + (1 - m) * digamma_gap((1 - m) * precision)
    return precision * (digamma_gap(precision) - gap + _entropy(m, y))
