# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Counts: Poisson and negative binomial."""

import numpy as np
from scipy.special import betainc, betaincc, pdtr

from skmoe.families.restricted import (
    MAX_DISPERSION,
    RestrictedFamily,
    is_count,
    like,
    search_dispersion,
)
from skmoe.families.special import (
    digamma_gap,
    excess,
    factorial_error,
    log_ratio,
    relative_entropy,
    stirling_error,
)

# Smaller dispersions than this are not told from Poisson counts.
SMALLEST_DISPERSION = 1e-8
# Means above this are drawn by their normal approximation.
LARGEST_POISSON_DRAW = 1e15


# What people who fit rates, weighted by exposure, want to hear.
RATES = (
    " Rates are fitted as counts: give y as counts and the logarithm of the exposure "
    "as a column of X that offset_feature names, without weights."
)


class Poisson(RestrictedFamily):
    r"""Poisson counts: the prediction is mean and variance.

    .. math:: \log f(y \mid m) = y \log m - m - \log y! .

    There are no further parameters. Overdispersed counts ask for `NegativeBinomial`, or
    for more experts; exposure for `offset_feature`. A prediction of zero or below is
    moved to :math:`10^{-50}`.

    References
    ----------
    .. [1] Wedel, M., DeSarbo, W. S., Bult, J. R. & Ramaswamy, V. (1993). "A latent
       class Poisson regression model for heterogeneous count data". Journal of Applied
       Econometrics 8(4), 397-411.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import Poisson
    >>> Poisson().log_density(np.array([0.0, 1.0, 2.0]), 1.0, ()).round(4)
    array([-1.    , -1.    , -1.6931])
    """

    name = "poisson"
    parameter_names = ()
    parameter_links = ()
    domain = "non-negative integers"
    support = (0.0, np.inf)
    is_discrete = True

    def _advice(self, y):
        return RATES if np.all(y >= 0) else ""

    def inside(self, y):
        """True where a value is 0, 1, 2, ..."""
        return is_count(y)

    def _log_density(self, y, prediction, parameters):
        return -relative_entropy(y, prediction) - factorial_error(y)

    def variance(self, prediction, parameters):
        """Return the mean."""
        return self._possible(prediction)

    def cdf(self, y, prediction, parameters):
        """Poisson distribution function."""
        mass = pdtr(np.floor(np.maximum(y, 0.0)), self._possible(prediction))
        return np.where(y >= 0, mass, 0.0)

    def sample(self, prediction, parameters, rng):
        """Poisson draws."""
        return draw_poisson(self._possible(prediction), rng)

    def _derivatives(self, y, prediction, parameters):
        return y / prediction - 1.0, like(1.0 / prediction, y)


class NegativeBinomial(RestrictedFamily):
    r"""Negative binomial counts (NB2): Poisson counts with gamma distributed means.

    .. math::
        f(y \mid m, \phi) = \frac{\Gamma(y + r)}{\Gamma(r) \, y!}
            \left(\frac{r}{r + m}\right)^r \left(\frac{m}{r + m}\right)^y ,
        \qquad r = \frac{1}{\phi} .

    The prediction is the mean, the variance :math:`m + \phi m^2`. The dispersion
    :math:`\phi` is estimated by maximum likelihood, between :math:`10^{-8}`, where
    counts are Poisson, and :math:`10^6`. The density keeps its digits between these.

    References
    ----------
    .. [1] Lawless, J. F. (1987). "Negative binomial and mixed Poisson regression".
       Canadian Journal of Statistics 15(3), 209-225.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import NegativeBinomial
    >>> parameters = [np.array([1.0])]
    >>> np.exp(NegativeBinomial().log_density(np.array([0.0, 1.0]), 1.0, parameters))
    array([0.5 , 0.25])
    """

    name = "negative_binomial"
    domain = "non-negative integers"
    support = (0.0, np.inf)
    is_discrete = True

    def _advice(self, y):
        return RATES if np.all(y >= 0) else ""

    def inside(self, y):
        """True where a value is 0, 1, 2, ..."""
        return is_count(y)

    def floors(self, y, weights, relative):
        """Return 1e-8: there is no spurious maximum to be kept away from."""
        return np.full((1, y.shape[1]), SMALLEST_DISPERSION)

    def ceilings(self):
        """Return a million."""
        return np.array([MAX_DISPERSION])

    def _log_density(self, y, prediction, parameters):
        r = 1.0 / parameters[0]
        errors = stirling_error(y + r) - stirling_error(r) - factorial_error(y)
        # What remains is y log(m / y) + (y + r) log((y + r) / (m + r)), regrouped into
        # two logarithms that vanish at y = m.
        total = prediction + r
        distance = (y - prediction) / total
        some = np.where(y > 0, y, 1.0)
        of_y = log_ratio((y + r) / total * (prediction / some), -distance * (r / some))
        return errors + y * of_y + r * log_ratio((y + r) / total, distance)

    def variance(self, prediction, parameters):
        """Mean plus dispersion times its square."""
        mean = self._possible(prediction)
        return mean + parameters[0] * mean**2

    def cdf(self, y, prediction, parameters):
        """Incomplete beta function."""
        (phi,) = parameters
        ratio = phi * self._possible(prediction)
        above = np.floor(np.maximum(y, 0.0)) + 1.0
        # Of the two probabilities of a trial the smaller one has all its digits.
        small = betaincc(above, 1.0 / phi, ratio / (1.0 + ratio))
        large = betainc(1.0 / phi, above, 1.0 / (1.0 + ratio))
        return np.where(y >= 0, np.where(ratio < 1, small, large), 0.0)

    def sample(self, prediction, parameters, rng):
        """Poisson draws with gamma distributed means."""
        r = 1.0 / parameters[0]
        factors = rng.standard_gamma(r, size=np.shape(prediction)) / r
        return draw_poisson(self._possible(prediction) * factors, rng)

    def _derivatives(self, y, prediction, parameters):
        information = 1.0 / (prediction + parameters[0] * prediction**2)
        return (y - prediction) * information, like(information, y)

    def _parameter_derivatives(self, y, prediction, parameters):
        scores = _score(y, prediction, 1.0 / parameters[0])[None]
        return scores, scores**2

    def _fit_dispersion(self, y, prediction, weights, low, start):
        def score(log_phi):
            return weights @ _score(y, prediction, np.exp(-log_phi))

        surplus = weights @ ((y - prediction) ** 2 - prediction)
        guess = surplus / (weights @ prediction**2)
        return search_dispersion(score, low, start, guess)


def _score(y, m, r):
    """Derivative of the negative binomial log density by the log dispersion."""
    gaps = digamma_gap(r) - digamma_gap(y + r)
    return r * (excess((y + r) / (m + r)) - gaps)


def draw_poisson(mean, rng):
    """Poisson draws, as floats, of any mean."""
    draws = rng.poisson(np.minimum(mean, LARGEST_POISSON_DRAW)).astype(np.float64)
    if np.all(mean <= LARGEST_POISSON_DRAW):
        return draws
    normal = np.round(mean + np.sqrt(mean) * rng.normal(size=np.shape(mean)))
    return np.where(mean <= LARGEST_POISSON_DRAW, draws, normal)
