# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Backgrounds: noise that is the same whatever an expert predicts."""

import numpy as np

from skmoe.families.base import LOG_ZERO, BaseFamily


class _Background(BaseFamily):
    """Base of backgrounds, which use nothing of the prediction but its shape."""

    parameter_names: tuple[str, ...] = ()
    parameter_links: tuple[str, ...] = ()
    is_background = True

    def derivatives(self, y, prediction, parameters):
        """Zeros."""
        zeros = np.zeros(np.broadcast_shapes(np.shape(y), np.shape(prediction)))
        return zeros, zeros

    def parameter_derivatives(self, y, prediction, parameters):
        """Zeros."""
        shape = np.broadcast_shapes(np.shape(y), np.shape(prediction))
        zeros = np.zeros((len(self.parameter_names), *shape))
        return zeros, zeros

    def floors(self, y, weights, relative):
        """There are none."""
        return np.full((len(self.parameter_names), y.shape[1]), -np.inf)

    def count_parameters(self):
        """Return zero: nothing is estimated by the likelihood."""
        return 0


class PointMass(_Background):
    r"""One value only: the zeros of zero-inflated counts or amounts.

    .. math:: P(y = a) = 1 .

    The log density is 0 at the point and that of an impossible value elsewhere. Beside
    families of counts (``family=["zero", "poisson", "poisson"]``) this is an ordinary
    probability. Beside continuous families densities are with respect to Lebesgue
    measure plus an atom at the point: rows there have a probability, the others a
    density. That is a likelihood where the other families exclude the point, as gamma,
    log-normal and inverse Gaussian exclude 0 (``["zero", "gamma"]`` is a hurdle
    model). One that does not, such as "gaussian", competes for the rows at the point
    with a density whose size depends on the unit of y; give it no such role.

    Parameters
    ----------
    at : float, default=0.0
        The value, for all targets. Where the family is named "zero", it is 0.

    References
    ----------
    .. [1] Lambert, D. (1992). "Zero-inflated Poisson regression, with an application to
       defects in manufacturing". Technometrics 34(1), 1-14.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import PointMass
    >>> np.exp(PointMass().log_density(np.array([0.0, 1.0]), np.zeros(2), ()))
    array([1., 0.])
    """

    name = "zero"
    is_discrete = True

    def __init__(self, at=0.0):
        self.at = at

    @property
    def atom(self):
        """The point."""
        return self.at

    @property
    def domain(self):
        """The point."""
        return f"the value {self.at}"

    def inside(self, y):
        """True where a value is the point."""
        return np.asarray(y) == self.at

    def log_density(self, y, prediction, parameters):
        """Zero at the point, `LOG_ZERO` elsewhere."""
        return _spread_out(np.where(self.inside(y), 0.0, LOG_ZERO), prediction)

    def mean(self, prediction, parameters):
        """Return the point."""
        return np.full(np.shape(prediction), float(self.at))

    def variance(self, prediction, parameters):
        """Zero."""
        return np.zeros(np.shape(prediction))

    def cdf(self, y, prediction, parameters):
        """One from the point on."""
        return _spread_out(np.where(np.asarray(y) >= self.at, 1.0, 0.0), prediction)

    def quantile(self, probability, prediction, parameters):
        """Return the point, whatever the probability."""
        shape = np.broadcast_shapes(np.shape(probability), np.shape(prediction))
        return np.full(shape, float(self.at))

    def sample(self, prediction, parameters, rng):
        """Return the point; nothing is drawn."""
        return self.mean(prediction, parameters)

    def fit_parameters(self, y, prediction, weights, floors, start=None):
        """There are none."""
        return np.empty((0, y.shape[1]))


class Uniform(_Background):
    r"""Uniform noise over a range: rows that no expert explains.

    .. math:: f(y) = \frac{1}{b - a} , \qquad a \le y \le b .

    Banfield & Raftery's component for noise and gross errors. The range is that of the
    training data (of each target) unless given; being that, it is not counted among
    the free parameters. A constant y has a range around it of length one, or of its own
    size where that is larger. New values outside the range are impossible under this
    component.

    Parameters
    ----------
    low, high : float, default=None
        Ends of the range, for all targets. None: the smallest and the largest y, of all
        rows, whatever their responsibilities.

    References
    ----------
    .. [1] Banfield, J. D. & Raftery, A. E. (1993). "Model-based Gaussian and
       non-Gaussian clustering". Biometrics 49(3), 803-821.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import Uniform
    >>> y = np.array([[0.0], [4.0], [1.0]])
    >>> range_ = Uniform().fit_parameters(y, y, np.ones(3), np.full((2, 1), -np.inf))
    >>> Uniform().log_density(y, y, range_).ravel().round(4)
    array([-1.3863, -1.3863, -1.3863])
    """

    name = "uniform"
    parameter_names = ("low", "high")
    parameter_links = ("identity", "identity")

    def __init__(self, low=None, high=None):
        self.low = low
        self.high = high

    @property
    def domain(self):
        """The range given, or any number."""
        if self.low is None and self.high is None:
            return "real numbers"
        low = "-inf" if self.low is None else self.low
        high = "inf" if self.high is None else self.high
        return f"numbers from {low} to {high}"

    def inside(self, y):
        """True where a value is in the range given."""
        y = np.asarray(y)
        low = -np.inf if self.low is None else self.low
        high = np.inf if self.high is None else self.high
        return np.isfinite(y) & (y >= low) & (y <= high)

    def check_settings(self):
        """Raise ValueError unless the range is one."""
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(
                f"low of Uniform must be below high. Got low={self.low}, "
                f"high={self.high}."
            )

    def log_density(self, y, prediction, parameters):
        """Minus the log length of the range within it, `LOG_ZERO` elsewhere."""
        low, high = parameters
        inside = (y >= low) & (y <= high)
        density = np.where(inside, -np.log(high - low), LOG_ZERO)
        return _spread_out(density, prediction)

    def mean(self, prediction, parameters):
        """Return the middle of the range."""
        low, high = parameters
        return _spread_out(0.5 * (low + high), prediction)

    def variance(self, prediction, parameters):
        """Squared length of the range, by twelve."""
        low, high = parameters
        return _spread_out((high - low) ** 2 / 12, prediction)

    def cdf(self, y, prediction, parameters):
        """Share of the range up to y."""
        low, high = parameters
        return _spread_out(np.clip((y - low) / (high - low), 0.0, 1.0), prediction)

    def quantile(self, probability, prediction, parameters):
        """Value at that share of the range."""
        low, high = parameters
        return _spread_out(low + np.asarray(probability) * (high - low), prediction)

    def fit_parameters(self, y, prediction, weights, floors, start=None):
        """Range of all rows, or as given."""
        y = y[self.inside(y).all(axis=1)]
        n_targets = y.shape[1]
        if len(y) == 0:
            y = np.zeros((1, n_targets))
        low = y.min(axis=0) if self.low is None else np.full(n_targets, self.low)
        high = y.max(axis=0) if self.high is None else np.full(n_targets, self.high)
        margin = np.where(high <= low, 0.5 * np.maximum(1.0, np.abs(high)), 0.0)
        low = low - margin * (self.low is None)
        high = high + margin * (self.high is None)
        return np.array([low, high], dtype=np.float64)

    def fitted(self, parameters):
        """Return Uniform with its range set, where all targets have the same."""
        (low, *lows), (high, *highs) = np.asarray(parameters).tolist()
        if all(a == low for a in lows) and all(b == high for b in highs):
            return Uniform(low=low, high=high)
        return super().fitted(parameters)


def _spread_out(values, prediction):
    """Values broadcast to the predictions, which they do not depend on."""
    shape = np.broadcast_shapes(np.shape(values), np.shape(prediction))
    return np.broadcast_to(values, shape).copy()
