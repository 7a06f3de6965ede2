# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Skew normal noise."""

import numpy as np
from scipy.special import log_ndtr, ndtr, owens_t

from skmoe.families.base import BaseFamily
from skmoe.families.gaussian import HALF_LOG_2_PI
from skmoe.families.prior import ScalePrior
from skmoe.families.search import ascend
from skmoe.families.special import TINY, mills

# Beyond this the noise is half a normal distribution, to a thousandth of its scale.
MAX_SKEWNESS = 1e3


class SkewNormal(ScalePrior, BaseFamily):
    r"""Skew normal noise: a normal distribution with one tail longer.

    .. math::
        f(y \mid m, \omega, \lambda) =
            \frac{2}{\omega} \, \varphi(z) \, \Phi(\lambda z) ,
        \qquad z = \frac{y - m}{\omega} .

    The prediction is the location, not the mean: the mean is
    :math:`m + \omega \delta \sqrt{2 / \pi}` with
    :math:`\delta = \lambda / \sqrt{1 + \lambda^2}`, and the variance
    :math:`\omega^2 (1 - 2 \delta^2 / \pi)`. The dispersion is the scale :math:`\omega`
    in the units of y; the skewness :math:`\lambda` has no unit, is zero for Gaussian
    noise, and at most 1000 in size.

    Parameters
    ----------
    prior_rows : float, default=0.0
        Rows, in units of the sample weights, that every expert is taken to have seen
        beforehand: they keep the dispersion of one with few rows of its own off zero.
        0: no prior; the floor, `reg_dispersion`, remains.
    prior_scale : float, default=1.0
        Size of their residuals, half of them positive and half negative, in standard
        deviations of y.

    Notes
    -----
    Given the predictions, the maximum is unique: :math:`\hat\omega^2` is the weighted
    mean of :math:`(y - m)^2`, and :math:`\lambda / \omega` maximises
    :math:`\sum_i w_i \log \Phi(\lambda (y_i - m_i) / \omega)`, a concave function. The
    information of the prediction is the observed one, which is never negative.

    Jointly the likelihood has a saddle: where residuals have mean zero,
    :math:`\lambda = 0` is stationary. Linear experts begin beside that point. Other
    experts that are fitted by least squares (trees, boosting) return to it, since they
    predict means, not locations: their noise is Gaussian in effect.

    References
    ----------
    .. [1] Azzalini, A. (1985). "A class of distributions which includes the normal
       ones". Scandinavian Journal of Statistics 12(2), 171-178.
    .. [2] Chamroukhi, F. (2016). "Skew-normal mixture of experts". International Joint
       Conference on Neural Networks, 3000-3007.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import SkewNormal
    >>> parameters = np.array([1.0]), np.array([3.0])
    >>> SkewNormal().log_density(np.array([-1.0, 1.0]), 0.0, parameters).round(4)
    array([-7.3335, -0.7271])
    """

    name = "skew_normal"
    parameter_names = ("dispersion", "skewness")
    parameter_links = ("log", "identity")
    has_saddle = True

    def floors(self, y, weights, relative):
        """A share of y's standard deviation; the skewness is bounded both ways."""
        floors = super().floors(y, weights, relative)
        floors[1] = -MAX_SKEWNESS
        return floors

    def ceilings(self):
        """Largest skewness."""
        return np.array([np.inf, MAX_SKEWNESS])

    def log_density(self, y, prediction, parameters):
        """Log density of each target."""
        scale, skewness = parameters
        z = (y - prediction) / scale
        constant = np.log(2) - HALF_LOG_2_PI - np.log(scale)
        return constant - 0.5 * z**2 + log_ndtr(skewness * z)

    def mean(self, prediction, parameters):
        """Location plus what the longer tail adds."""
        scale, skewness = parameters
        return prediction + scale * np.sqrt(2 / np.pi) * _delta(skewness)

    def variance(self, prediction, parameters):
        """Smaller than the squared dispersion, unless the skewness is zero."""
        scale, skewness = parameters
        return scale**2 * (1 - 2 / np.pi * _delta(skewness) ** 2)

    def cdf(self, y, prediction, parameters):
        """Distribution function, by Owen's T."""
        scale, skewness = parameters
        z = (y - prediction) / scale
        return np.clip(ndtr(z) - 2 * owens_t(z, skewness), 0.0, 1.0)

    def sample(self, prediction, parameters, rng):
        """Draws: a share delta of a half-normal variable, the rest normal."""
        scale, skewness = parameters
        delta = _delta(skewness)
        half = np.abs(rng.normal(size=np.shape(prediction)))
        rest = rng.normal(size=np.shape(prediction))
        return prediction + scale * (delta * half + np.sqrt(1 - delta**2) * rest)

    def derivatives(self, y, prediction, parameters):
        """Score and observed information of the prediction."""
        scale, skewness = parameters
        z = (y - prediction) / scale
        t = skewness * z
        ratio = mills(t)
        information = (1 + skewness**2 * _curvature(t, ratio)) / scale**2
        return (z - skewness * ratio) / scale, information

    def parameter_derivatives(self, y, prediction, parameters):
        r"""Scores and informations of :math:`\log \omega` and :math:`\lambda`.

        The observed information of the skewness; of the scale, a bound on it.
        """
        scale, skewness = parameters
        z = (y - prediction) / scale
        t = skewness * z
        ratio = mills(t)
        curvature = _curvature(t, ratio)
        scores = np.stack([z**2 - t * ratio - 1.0, z * ratio])
        of_scale = 2 * z**2 + np.maximum(t**2 * curvature - t * ratio, 0.0)
        return scores, np.stack([of_scale, z**2 * curvature])

    def fit_parameters(self, y, prediction, weights, floors, start=None):
        """Root mean square, and the root of a decreasing score: the unique maximum."""
        residuals = y - prediction
        total = weights.sum()
        fitted = np.empty(floors.shape)
        share = weights / np.maximum(total, TINY)
        fitted[0] = np.maximum(np.sqrt(share @ residuals**2), floors[0])
        fitted[0] = np.maximum(fitted[0], TINY)
        if start is None or total <= 0:
            start = np.zeros(floors.shape)
        for t, z in enumerate((residuals / fitted[0]).T):

            def score(skewness, z=z):
                return share @ (z * mills(skewness * z))

            begin = float(start[1, t])
            fitted[1, t] = ascend(score, begin, -MAX_SKEWNESS, MAX_SKEWNESS)
        return fitted

    def beside_saddle(self, residuals, weights):
        r"""Location and parameters with the residuals' moments.

        The least-squares fit with :math:`\lambda = 0` is a stationary point of the
        likelihood, whatever the skewness of the residuals.

        Parameters
        ----------
        residuals : ndarray of shape (n_samples, n_targets)
            Targets less predictions.
        weights : ndarray of shape (n_samples,)
            Row weights.

        Returns
        -------
        shift : ndarray of shape (n_targets,)
            What to add to the predictions.
        parameters : ndarray of shape (2, n_targets)
            Dispersion and skewness.
        """
        share = weights / np.maximum(weights.sum(), TINY)
        mean = share @ residuals
        scale = np.maximum(np.sqrt(share @ (residuals - mean) ** 2), TINY)
        third = share @ ((residuals - mean) / scale) ** 3
        # Skewness of the distribution is at most 0.995.
        part = np.minimum(np.abs(third), 0.95) ** (2 / 3)
        squared = np.pi / 2 * part / (part + (2 - np.pi / 2) ** (2 / 3))
        delta = np.copysign(np.sqrt(squared), third)
        dispersion = scale / np.sqrt(1 - 2 / np.pi * squared)
        shift = mean - dispersion * delta * np.sqrt(2 / np.pi)
        return shift, np.stack([dispersion, delta / np.sqrt(1 - squared)])


def _delta(skewness):
    return skewness / np.sqrt(1 + skewness**2)


def _curvature(t, ratio):
    """Minus the second derivative of log Phi; its Mills ratio is at hand."""
    return np.clip(ratio * (ratio + t), 0.0, 1.0)
