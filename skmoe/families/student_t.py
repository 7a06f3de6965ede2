# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Student's t noise."""

from numbers import Real

import numpy as np
from scipy.special import stdtr, stdtrit
from sklearn.base import clone

from skmoe.families.base import BaseFamily, spread
from skmoe.families.prior import ScalePrior
from skmoe.families.search import ascend
from skmoe.families.special import LOG_2_PI, TINY, half_step, half_step_slope, trigamma

# Heavier tails than any data asks for, and as good as none.
MIN_DF = 0.1
MAX_DF = 1e6


class StudentT(ScalePrior, BaseFamily):
    r"""Student's t noise: rows far from an expert's prediction count little in its fit.

    .. math::
        f(y \mid m, \sigma, \nu) =
            \frac{\Gamma(\frac{\nu + 1}{2})}
                 {\Gamma(\frac{\nu}{2}) \sqrt{\pi \nu} \, \sigma}
            \left(1 + \frac{z^2}{\nu}\right)^{-\frac{\nu + 1}{2}} ,
        \qquad z = \frac{y - m}{\sigma} .

    The prediction is the location (median and mode). It is also what `mean` answers,
    even for :math:`\nu \le 1`, where the distribution has no mean; the variance is
    :math:`\sigma^2 \nu / (\nu - 2)`, infinite for :math:`\nu \le 2`. The dispersion is
    the scale :math:`\sigma`, in the units of y.

    Parameters
    ----------
    df : float, default=None
        Degrees of freedom :math:`\nu`, above zero. None: estimated for each expert,
        between 0.1 and a million, where the noise is Gaussian to six digits.
    prior_rows : float, default=0.0
        Rows, in units of the sample weights, that every expert is taken to have seen
        beforehand: they keep the dispersion of one with few rows of its own off zero.
        0: no prior; the floor, `reg_dispersion`, remains.
    prior_scale : float, default=1.0
        Size of their residuals, half of them positive and half negative, in standard
        deviations of y.

    Notes
    -----
    The information of the prediction is the weight of EM with the rows' precisions as
    missing data, :math:`(\nu + 1) / ((\nu + z^2) \sigma^2)`: a bound.

    References
    ----------
    .. [1] Peel, D. & McLachlan, G. J. (2000). "Robust mixture modelling using the t
       distribution". Statistics and Computing 10, 339-348.
    .. [2] Chamroukhi, F. (2016). "Robust mixture of experts modeling using the t
       distribution". Neural Networks 79, 20-36.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import StudentT
    >>> far = np.array([0.0, 6.0])
    >>> StudentT(df=3).log_density(far, 0.0, [np.array([1.0])]).round(4)
    array([-1.0009, -6.1308])
    """

    name = "student_t"

    def __init__(self, df=None, *, prior_rows=0.0, prior_scale=1.0):
        super().__init__(prior_rows=prior_rows, prior_scale=prior_scale)
        self.df = df

    @property
    def parameter_names(self):
        """The dispersion, and the degrees of freedom unless given."""
        return ("dispersion", "df") if self.df is None else ("dispersion",)

    @property
    def parameter_links(self):
        """Both are positive."""
        return ("log",) * len(self.parameter_names)

    def check_settings(self):
        """Raise ValueError unless the degrees of freedom are None or positive."""
        super().check_settings()
        is_real = isinstance(self.df, Real)
        if self.df is not None and not (is_real and self.df > 0):
            raise ValueError(
                f"df of StudentT must be None or a number above zero. Got {self.df!r}."
            )

    def _unpack(self, parameters):
        if self.df is None:
            sigma, df = parameters
        else:
            (sigma,), df = parameters, self.df
        return sigma, np.clip(df, TINY, MAX_DF)

    def log_density(self, y, prediction, parameters):
        """Log density of each target."""
        sigma, df = self._unpack(parameters)
        constant = half_step(0.5 * df) - 0.5 * LOG_2_PI - np.log(sigma)
        squared = ((y - prediction) / sigma) ** 2
        return constant - 0.5 * (df + 1) * np.log1p(squared / df)

    def mean(self, prediction, parameters):
        """Return the prediction itself, the location."""
        return prediction

    def variance(self, prediction, parameters):
        """Infinite for two degrees of freedom or fewer."""
        sigma, df = self._unpack(parameters)
        finite = df > 2
        return np.where(finite, sigma**2 * df / np.where(finite, df - 2, 1.0), np.inf)

    def cdf(self, y, prediction, parameters):
        """Distribution function of Student's t."""
        sigma, df = self._unpack(parameters)
        return stdtr(df, (y - prediction) / sigma)

    def quantile(self, probability, prediction, parameters):
        """Quantiles of Student's t."""
        sigma, df = self._unpack(parameters)
        tail = np.minimum(probability, np.subtract(1, probability))
        distance = np.abs(stdtrit(df, tail))  # SciPy's sign at zero is wrong
        return prediction + sigma * np.sign(np.subtract(probability, 0.5)) * distance

    def sample(self, prediction, parameters, rng):
        """Draws of Student's t."""
        sigma, df = self._unpack(parameters)
        return prediction + sigma * rng.standard_t(df, size=np.shape(prediction))

    def derivatives(self, y, prediction, parameters):
        """Score, and weight of EM."""
        sigma, df = self._unpack(parameters)
        residual = y - prediction
        weight = (df + 1) / (df + (residual / sigma) ** 2) / sigma**2
        return weight * residual, weight

    def parameter_derivatives(self, y, prediction, parameters):
        r"""Scores and Fisher informations of :math:`\log \sigma, \log \nu`."""
        sigma, df = self._unpack(parameters)
        squared = ((y - prediction) / sigma) ** 2
        ratio = squared / df
        share = ratio / (1 + ratio)
        by_parameter = [(df + 1) * share - 1.0]
        informations = [2 * df / (df + 3)]
        if self.df is None:
            slope = half_step_slope(0.5 * df) - np.log1p(ratio) + (1 + 1 / df) * share
            by_parameter.append(0.5 * df * slope)
            informations.append(_information_of_log_df(df))
        scores = np.stack(by_parameter)
        full = [np.broadcast_to(values, scores.shape[1:]) for values in informations]
        return scores, np.stack(full)

    def fit_parameters(self, y, prediction, weights, floors, start=None):
        """Scale by a search for the root of its score; with df, both by L-BFGS."""
        if self.df is None or weights.sum() <= 0:
            return super().fit_parameters(y, prediction, weights, floors, start)
        if start is None:
            start = self.guess_parameters(y, prediction, weights)
        share = weights / weights.sum()
        squared = (y - prediction) ** 2
        df = min(self.df, MAX_DF)
        fitted = np.empty_like(floors)
        for t, squares in enumerate(squared.T):

            def score(log_sigma, squares=squares):
                ratio = squares * np.exp(-2 * log_sigma)
                return share @ ((df + 1) * ratio / (df + ratio)) - 1.0

            low = max(floors[0, t], TINY)
            high = max(low, 1e3 * np.sqrt(squares.max()))
            begin = max(start[0, t], low)
            root = ascend(score, np.log(begin), np.log(low), np.log(high))
            fitted[0, t] = np.exp(root)
        return fitted

    def floors(self, y, weights, relative):
        """A share of y's standard deviation, and the smallest degrees of freedom."""
        floors = np.full((len(self.parameter_names), y.shape[1]), MIN_DF)
        floors[0] = relative * spread(y, weights)
        return floors

    def ceilings(self):
        """Degrees of freedom of which more make no difference."""
        return np.array([np.inf, MAX_DF][: len(self.parameter_names)])

    def fitted(self, parameters):
        """Return StudentT with the degrees of freedom estimated for a single target."""
        if self.df is None and np.shape(parameters)[1] == 1:
            return clone(self).set_params(df=float(parameters[1][0]))
        return super().fitted(parameters)


def _information_of_log_df(df):
    # It falls as 1 / df^2, below the rounding of its terms, where df no longer matters;
    # a floor keeps Newton steps finite there.
    half = 0.5 * df
    trigammas = 0.25 * (trigamma(half) - trigamma(half + 0.5))
    rational = 0.5 * (df + 5) / (df * (df + 1) * (df + 3))
    return np.maximum(df**2 * (trigammas - rational), 1e-8)
