# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The components of one target's mixtures, evaluated at many values of y per row."""

from copy import copy

import numpy as np

from skmoe.families.base import LOG_ZERO

# Numbers that are held for a block of rows.
BLOCK_SIZE = 2**20
# Probability beyond which a tail holds nothing that a sum or an integral would show.
TAIL = 1e-13


class Components:
    """K components in each of n rows, of one target.

    Arrays of values of y are (n, m), those of the components' answers (K, n, m):
    experts first, so that loops over values are long.

    Parameters
    ----------
    log_weights : ndarray of shape (K, n)
        Logarithms of the components' shares.
    predictions : ndarray of shape (K, n)
        What the families are given.
    noise : Noise
        Families and parameters of the K components, of one target.
    """

    def __init__(self, log_weights, predictions, noise):
        self.log_weights = log_weights
        self.weights = np.exp(log_weights)
        self.predictions = predictions
        self.noise = noise
        self.parameters = [
            np.stack([noise.parameters[k] for k in experts], axis=1)[:, :, None, None]
            for _, experts in noise.groups
        ]

    def __len__(self):
        return self.predictions.shape[1]

    def take(self, rows):
        """The same of some rows."""
        some = copy(self)
        some.log_weights = self.log_weights[:, rows]
        some.weights = self.weights[:, rows]
        some.predictions = self.predictions[:, rows]
        return some

    def only(self, chosen):
        """The components k of which ``chosen[k]``, their weights as they are."""
        experts = np.flatnonzero(chosen)
        return Components(
            self.log_weights[experts],
            self.predictions[experts],
            self.noise.select(experts),
        )

    # -- the components' own functions ------------------------------------------------

    def apply(self, method, values, *, of_y=True):
        """A method of the families at values (n, m), (K, n, m)."""
        shape = (*self.predictions.shape, values.shape[1])
        result = np.empty(shape)
        values = values[None, :, :, None]
        pairs = zip(self.noise.groups, self.parameters, strict=True)
        for (family, experts), parameters in pairs:
            given = family.from_draw(values) if of_y else values
            predictions = self.predictions[experts][:, :, None, None]
            with np.errstate(over="ignore"):  # a squared distance that is far out
                answer = getattr(family, method)(given, predictions, parameters)
            result[experts] = answer[..., 0]
        return result

    def moments(self):
        """Means and variances, each (K, n)."""
        results = np.empty((2, *self.predictions.shape))
        for (family, experts), parameters in zip(
            self.noise.groups, self.parameters, strict=True
        ):
            predictions = self.predictions[experts][:, :, None]
            for result, method in zip(results, ("mean", "variance"), strict=True):
                answer = getattr(family, method)(predictions, parameters[:, :, 0])
                result[experts] = np.broadcast_to(answer, predictions.shape)[..., 0]
        return results

    # -- the mixtures' functions ------------------------------------------------------

    def cdf(self, values):
        """Distribution function at values (n, m)."""
        infinite = np.isinf(values)
        some = infinite.any()  # families are asked about finite values only
        finite = np.where(infinite, 0.0, values) if some else values
        below = np.minimum(self._mix(self.apply("cdf", finite)), 1.0)
        return np.where(infinite, values > 0, below) if some else below

    def density(self, values):
        """Density at values (n, m); infinite where a component's has no bound.

        That of a gamma of shape below one is such at zero.
        """
        with np.errstate(over="ignore"):
            return self._mix(np.exp(self.apply("log_density", values)))

    def log_density(self, values):
        """Log density at values (n, m)."""
        return log_mix(self.log_weights[:, :, None], self.apply("log_density", values))

    def quantiles(self, levels):
        """Quantiles of the components at levels (m,) or (n, m), (K, n, m).

        A component without weight has those of the row's heaviest.
        """
        levels = np.broadcast_to(levels, (len(self), np.shape(levels)[-1]))
        values = self.apply("quantile", levels, of_y=False)
        heaviest = self.weights.argmax(axis=0)
        instead = values[heaviest, np.arange(len(self))]
        return np.where(self.weights[:, :, None] > 0, values, instead)

    def _mix(self, values):
        return np.einsum("kn,knm->nm", self.weights, values)

    # -- the measure ------------------------------------------------------------------

    @property
    def is_discrete(self):
        """True for components that are probabilities, not densities, (K,)."""
        return np.array([family.is_discrete for family in self.noise.families])

    @property
    def points(self):
        """Values that point masses sit at, whatever the row."""
        atoms = {family.atom for family in self.noise.families} - {None}
        return np.array(sorted(atoms), dtype=np.float64)

    @property
    def has_counts(self):
        """True for components on integers, (K,)."""
        return np.array(
            [
                family.is_discrete and family.atom is None
                for family in self.noise.families
            ]
        )

    @property
    def is_lattice(self):
        """True if all values are integers."""
        whole = np.all(self.points == np.floor(self.points))
        return bool(self.is_discrete.all() and whole)

    def range(self, tail=TAIL):
        """Lowest and highest value between which all but the tails lie, each (n,)."""
        ends = self.quantiles(np.array([tail, 1 - tail]))
        return ends[:, :, 0].min(axis=0), ends[:, :, 1].max(axis=0)


def log_mix(log_weights, log_densities):
    """Log density of mixtures from those of components, summed over the first axis.

    `LOG_ZERO` where all components have minus infinity, as at an infinite y.
    """
    joint = log_weights + log_densities
    best = joint.max(axis=0)
    best = np.where(np.isneginf(best), 10 * LOG_ZERO, best)
    with np.errstate(divide="ignore"):
        mixed = best + np.log(np.exp(joint - best).sum(axis=0))
    return np.where(np.isneginf(mixed), LOG_ZERO, mixed)


def blocks(n_rows, per_row):
    """Slices of rows of which each holds `per_row` numbers."""
    size = max(1, BLOCK_SIZE // max(per_row, 1))
    return [slice(start, start + size) for start in range(0, n_rows, size)]
