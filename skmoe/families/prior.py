# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A prior on noise, in the shape of rows that every expert has seen."""

from collections.abc import Callable
from math import isfinite
from numbers import Real

import numpy as np


class PriorRows:
    """Rows around a prediction of zero that count as one expert's, for its noise only.

    Parameters
    ----------
    family : BaseFamily
    y : ndarray of shape (m, T)
        Their targets; no rows are no prior.
    weights : ndarray of shape (m,)
        In units of the sample weights.
    """

    def __init__(self, family, y, weights):
        self.family, self.y, self.weights = family, y, weights
        self.total = weights.sum()

    def log_density(self, parameters):
        """Weighted sum over rows and targets, for parameters (q, T)."""
        if not len(self.y):
            return 0.0
        terms = self.family.log_density(self.y, np.zeros_like(self.y), parameters)
        return float((self.weights @ terms).sum())

    def derivatives(self, parameters):
        """Sums of scores and informations of the free parameters, (2, q T)."""
        if not len(self.y):
            return np.zeros((2, parameters.size))
        at = self.y, np.zeros_like(self.y), parameters[:, None]
        both = self.family.parameter_derivatives(*at)
        return np.stack([np.einsum("n,qnt->qt", self.weights, v).ravel() for v in both])

    def fit(self, y, prediction, weights, floors, start=None):
        """`fit_parameters` of the family with these rows beside the others."""
        if len(self.y):
            y = np.concatenate([y, self.y])
            prediction = np.concatenate([prediction, np.zeros_like(self.y)])
            weights = np.concatenate([weights, self.weights])
        return self.family.fit_parameters(y, prediction, weights, floors, start)


class ScalePrior:
    r"""Settings of a family whose dispersion is a scale: rows known beforehand.

    To every expert's own rows, `prior_rows` are added whose residuals are plus (half of
    them) and minus `prior_scale` standard deviations of y. For Gaussian noise that is
    an inverse gamma prior on the variance.
    """

    floors: Callable  # of the family that it is mixed into

    def __init__(self, *, prior_rows=0.0, prior_scale=1.0):
        self.prior_rows = prior_rows
        self.prior_scale = prior_scale

    def check_settings(self):
        """Raise ValueError unless rows are not negative and their scale positive."""
        super().check_settings()  # type: ignore[misc]  # the family's
        name = type(self).__name__
        if not (_is_finite(self.prior_rows) and self.prior_rows >= 0):
            raise ValueError(
                f"prior_rows of {name} must be a number from zero on. Got "
                f"{self.prior_rows!r}."
            )
        if not (_is_finite(self.prior_scale) and self.prior_scale > 0):
            raise ValueError(
                f"prior_scale of {name} must be a number above zero. Got "
                f"{self.prior_scale!r}."
            )

    def prior(self, y, weights):
        """Prior rows of each expert: two of them, of opposite residuals."""
        if self.prior_rows == 0:
            return super().prior(y, weights)  # type: ignore[misc]  # the family's
        scale = self.floors(y, weights, self.prior_scale)[0]
        rows = self._of_residuals(np.stack([scale, -scale]))
        return PriorRows(self, rows, np.full(2, 0.5 * self.prior_rows))

    def _of_residuals(self, residuals):
        """Values of y with these residuals around a prediction of zero."""
        return residuals


def _is_finite(value):
    return isinstance(value, Real) and isfinite(value)
