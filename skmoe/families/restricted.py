# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Base of families of positive, integer or bounded values."""

from abc import abstractmethod

import numpy as np

from skmoe.families.base import LOG_ZERO, BaseFamily
from skmoe.families.search import ascend

# Positive means are moved into this range: cubes and their inverses are then finite.
POSITIVE_MEANS = (1e-50, 1e50)
# Dispersions without a unit are not looked for beyond this.
MAX_DISPERSION = 1e6


class RestrictedFamily(BaseFamily):
    """A family that rules out some finite values of y, or some predictions.

    Members implement the methods with an underscore, which only ever meet values of the
    domain. Elsewhere the log density is `LOG_ZERO`, the scores are zero, and a value
    counts neither in the parameters nor in the experts' fits. A prediction that cannot
    be a mean (a tree's 0 for counts, a linear model's -1) is moved to the nearest that
    can, the ends of `means`.
    """

    #: Value of the domain that stands in for those outside.
    inner = 1.0
    #: Smallest and largest prediction.
    means = POSITIVE_MEANS
    link = "log"

    @abstractmethod
    def inside(self, y):
        """True where a value of y is in the domain."""

    @abstractmethod
    def _log_density(self, y, prediction, parameters):
        """Log density within the domain."""

    @abstractmethod
    def _derivatives(self, y, prediction, parameters):
        """Derivatives within the domain."""

    def _parameter_derivatives(self, y, prediction, parameters):
        """The same of the parameters, for a family that has any."""
        raise NotImplementedError(f"{type(self).__name__} has no derivatives of these.")

    def _fit_dispersion(self, y, prediction, weights, low, start):
        """The maximum of one target's dispersion from `low` on.

        y, prediction and weights are (n,), the weights positive with sum one; `start`
        is None or a number.
        """
        raise NotImplementedError(f"{type(self).__name__} has no dispersion to fit.")

    def _possible(self, prediction):
        """Predictions moved to where they can be means."""
        return np.clip(prediction, *self.means)

    def _within_domain(self, y):
        """Values that are all of the domain, and which of them y has."""
        y = np.asarray(y, dtype=np.float64)
        inside = self.inside(y)
        return (y if inside.all() else np.where(inside, y, self.inner)), inside

    def check_target(self, y):
        """Raise ValueError naming the first row of y that cannot be fitted."""
        super().check_target(y)
        self.check_range(y)

    def check_range(self, y):
        """Raise ValueError where values of the domain, zero aside, are no mean."""
        if self.means != POSITIVE_MEANS:
            return
        low, high = self.means
        is_far = (y != self._possible(y)) & (y != 0) & self.inside(y)
        far = np.flatnonzero(is_far.reshape(len(y), -1).any(axis=1))
        if len(far):
            raise ValueError(
                f"family {self.name!r} computes with values between {low:g} and "
                f"{high:g}. Got y[{far[0]}] = {np.squeeze(y[far[0]]).tolist()}: change "
                "the unit of y."
            )

    def response(self, y):
        """Return y, and weights zero for rows outside the domain, if there are any."""
        y, inside = self._within_domain(y)
        return y, _factor(inside)

    def log_density(self, y, prediction, parameters):
        """Log density of each target, `LOG_ZERO` outside the domain."""
        y, inside = self._within_domain(y)
        density = self._log_density(y, self._possible(prediction), parameters)
        return _where(inside, density, LOG_ZERO)

    def mean(self, prediction, parameters):
        """Return the prediction itself."""
        return self._possible(prediction)

    def derivatives(self, y, prediction, parameters):
        """Score and information of the prediction."""
        y, inside = self._within_domain(y)
        score, information = self._derivatives(
            y, self._possible(prediction), parameters
        )
        return _where(inside, score, 0.0), _where(inside, information, 0.0)

    def parameter_derivatives(self, y, prediction, parameters):
        """Scores and informations of the free parameters."""
        y, inside = self._within_domain(y)
        prediction = self._possible(prediction)
        if not self.parameter_names:
            shape = np.broadcast_shapes(inside.shape, prediction.shape)
            return np.empty((0, *shape)), np.empty((0, *shape))
        scores, informations = self._parameter_derivatives(y, prediction, parameters)
        return _where(inside, scores, 0.0), _where(inside, informations, 0.0)

    def fit_parameters(self, y, prediction, weights, floors, start=None):
        """Maximum-likelihood dispersion of each target, from the rows in the domain."""
        if not self.parameter_names:
            return np.empty((0, prediction.shape[1]))
        prediction = self._possible(prediction)
        fitted = np.empty((1, y.shape[1]))
        for t, inside in enumerate(self.inside(y).T):
            rows = inside & (weights > 0)
            low = max(floors[0, t], np.finfo(np.float64).tiny)
            begin = None if start is None else max(float(start[0, t]), low)
            if not rows.any():
                fitted[0, t] = max(1.0, low) if begin is None else begin
                continue
            mine = weights[rows] / weights[rows].sum()
            fitted[0, t] = self._fit_dispersion(
                y[rows, t], prediction[rows, t], mine, low, begin
            )
        return fitted


def search_dispersion(score, low, start, guess):
    r"""Dispersion at which `score`, of :math:`\log \phi`, is zero; `low` at least."""
    begin = max(guess, low) if start is None else start
    high = max(MAX_DISPERSION, low)
    return np.exp(ascend(score, np.log(begin), np.log(low), np.log(high)))


def like(values, y):
    """Values broadcast against y."""
    return np.broadcast_to(values, np.broadcast_shapes(np.shape(values), np.shape(y)))


def is_count(y):
    """True where values are integers from zero on."""
    return (y >= 0) & (y == np.floor(y)) & np.isfinite(y)


def is_positive(y):
    """True where values are above zero and finite."""
    return (y > 0) & np.isfinite(y)


def _where(inside, values, outside):
    return values if inside.all() else np.where(inside, values, outside)


def _factor(inside):
    """Weights (n,): zero for rows with a value outside the domain; None if none is."""
    accepted = inside.all(axis=-1)
    return None if accepted.all() else accepted.astype(np.float64)
