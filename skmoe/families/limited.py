# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Noise around predictions that are kept within limits."""

import numpy as np

from skmoe.families.noise import Noise


class LimitedNoise(Noise):
    """The noise of K experts whose predictions are moved to the nearest limit.

    Whatever is said of a prediction (density, moments, draws) goes through the noise,
    so limits set here hold for every kind of expert and every method.

    Parameters
    ----------
    unlimited : Noise
        The same without limits.
    lowest, highest : ndarray of shape (K, T)
        Limits in units of the prediction; infinite where there is none.
    touches_training : bool, default=False
        Whether limits may change predictions of rows of the fit.
    """

    def __init__(self, unlimited, lowest, highest, touches_training=False):
        super().__init__(unlimited.families, unlimited.parameters)
        self._unlimited = unlimited
        self.lowest, self.highest = lowest, highest
        self.touches_training = touches_training

    @property
    def unlimited(self):
        """The same noise around predictions without limits."""
        return self._unlimited

    @property
    def limits(self):
        """Lowest and highest predictions, (2, K, T)."""
        return np.stack([self.lowest, self.highest])

    def within(self, prediction, kept=slice(None)):
        """Predictions (n, k, T) of the experts `kept`, moved into their limits."""
        # For one row, numpy.clip costs more than all the rest of a prediction's noise.
        moved = np.maximum(prediction, _chosen(self.lowest, kept))
        return np.minimum(moved, _chosen(self.highest, kept), out=moved)

    def select(self, experts):
        """The noise of some experts."""
        chosen = self.unlimited.select(experts)
        limits = self.lowest[experts], self.highest[experts]
        return LimitedNoise(chosen, *limits, self.touches_training)

    def log_density(self, y, prediction):
        """Log density of rows y (n, T) under each expert, (n, K)."""
        return super().log_density(y, self.within(prediction))

    def apply(self, method, prediction, *values, kept=slice(None)):
        """A method of the families for each prediction (n, k, T), elementwise."""
        prediction = self.within(prediction, kept)
        return super().apply(method, prediction, *values, kept=kept)

    def sample(self, prediction, owners, rng):
        """A draw of y (n, T) for predictions (n, T) of experts `owners` (n,)."""
        return super().sample(self.within(prediction, owners), owners, rng)


def _chosen(limits, kept):
    """Limits (K, T) of some experts; `take` is the faster one where they differ."""
    return limits[kept] if isinstance(kept, slice) else np.take(limits, kept, axis=0)
