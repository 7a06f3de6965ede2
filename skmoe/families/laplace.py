# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Laplace noise."""

import numpy as np

from skmoe.families.base import BaseFamily
from skmoe.families.prior import ScalePrior

# Residuals below this share of the scale weigh no more than at it.
SMALLEST_RESIDUAL = 1e-6


class Laplace(ScalePrior, BaseFamily):
    r"""Laplace noise: the prediction is the median, fitted by absolute errors.

    .. math::
        \log f(y \mid m, b) = -\frac{|y - m|}{b} - \log 2b ,
        \qquad
        \hat b = \frac{\sum_i w_i |y_i - m_i|}{\sum_i w_i} .

    Gross errors in y move the fit less than with Gaussian noise. The dispersion is the
    scale b, in the units of y; the variance is :math:`2 b^2`.

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
    The information of the prediction is :math:`1 / (b |y - m|)`, the curvature of the
    parabola that lies below the log density and touches it: iteratively reweighted
    least squares. Residuals below :math:`10^{-6} b` are taken as that.

    References
    ----------
    .. [1] Nguyen, H. D. & McLachlan, G. J. (2016). "Laplace mixture of linear experts".
       Computational Statistics & Data Analysis 93, 177-191.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import Laplace
    >>> Laplace().log_density(0.0, np.array([0.0, 3.0]), [np.array([1.0])]).round(4)
    array([-0.6931, -3.6931])
    """

    name = "laplace"
    is_smooth = False

    def log_density(self, y, prediction, parameters):
        """Log density of each target."""
        (scale,) = parameters
        return -np.abs(y - prediction) / scale - np.log(2 * scale)

    def mean(self, prediction, parameters):
        """Return the prediction itself."""
        return prediction

    def variance(self, prediction, parameters):
        """Twice the squared dispersion."""
        return 2 * parameters[0] ** 2

    def cdf(self, y, prediction, parameters):
        """Laplace distribution function."""
        z = (y - prediction) / parameters[0]
        tail = 0.5 * np.exp(-np.abs(z))
        return np.where(z < 0, tail, 1 - tail)

    def quantile(self, probability, prediction, parameters):
        """Laplace quantiles."""
        probability = np.asarray(probability, dtype=np.float64)
        tail = np.minimum(probability, 1 - probability)
        with np.errstate(divide="ignore"):  # the ends are infinite
            distance = np.log(2 * tail)
        return prediction + parameters[0] * np.sign(0.5 - probability) * distance

    def sample(self, prediction, parameters, rng):
        """Laplace draws."""
        return prediction + parameters[0] * rng.laplace(size=np.shape(prediction))

    def derivatives(self, y, prediction, parameters):
        """Score, and weight of iteratively reweighted least squares."""
        (scale,) = parameters
        residual = y - prediction
        distance = np.maximum(np.abs(residual), SMALLEST_RESIDUAL * scale)
        return np.sign(residual) / scale, 1.0 / (scale * distance)

    def parameter_derivatives(self, y, prediction, parameters):
        r"""Score and information of :math:`\log b`."""
        distance = np.abs(y - prediction) / parameters[0]
        return (distance - 1.0)[None], np.ones((1, *distance.shape))

    def fit_parameters(self, y, prediction, weights, floors, start=None):
        """Weighted mean absolute residual, not below its floor."""
        total = np.maximum(weights.sum(), np.finfo(np.float64).tiny)
        return np.maximum(weights @ np.abs(y - prediction) / total, floors)
