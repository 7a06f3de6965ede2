# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The noise models of K experts: a family each, and its parameters."""

import numpy as np


class Noise:
    """Families and parameters of K experts, alike or not.

    Experts of one family are evaluated together.

    Parameters
    ----------
    families : list of BaseFamily, length K
        Experts that share an object are of one family.
    parameters : list of ndarray of shape (q_k, T), length K
        What was estimated for each.

    Attributes
    ----------
    groups : list of (BaseFamily, ndarray)
        Each family with the indices of its experts.
    """

    def __init__(self, families, parameters):
        self.families = list(families)
        self.parameters = [np.asarray(values) for values in parameters]
        self.groups = grouped(self.families)
        self._stacked = [
            np.stack([self.parameters[k] for k in experts], axis=1)
            for _, experts in self.groups
        ]

    #: Whether limits may change predictions of rows of the fit.
    touches_training = False

    @property
    def unlimited(self):
        """The same noise around predictions without limits."""
        return self

    @property
    def limits(self):
        """Lowest and highest predictions, (2, K, T)."""
        ends = np.array([-np.inf, np.inf])[:, None, None]
        shape = (2, len(self.families), self.parameters[0].shape[1])
        return np.broadcast_to(ends, shape).copy()

    def within(self, prediction, kept=slice(None)):
        """Predictions (n, k, T) of the experts `kept`, moved into their limits."""
        return prediction

    @property
    def dispersions(self):
        """Dispersion of each expert, (K, T), NaN where it has none; None of none."""
        has = [
            family.parameter_names[:1] == ("dispersion",) for family in self.families
        ]
        if not any(has):
            return None
        missing = np.full(self.parameters[0].shape[1], np.nan)
        return np.stack(
            [
                values[0] if dispersed else missing
                for values, dispersed in zip(self.parameters, has, strict=True)
            ]
        )

    def count_parameters(self):
        """Free parameters of all experts."""
        return sum(
            family.count_parameters() * values.shape[1]
            for family, values in zip(self.families, self.parameters, strict=True)
        )

    def fitted_families(self):
        """One family object per expert, with the shapes it was estimated to have."""
        return [
            family.fitted(values)
            for family, values in zip(self.families, self.parameters, strict=True)
        ]

    def select(self, experts):
        """The noise of some experts."""
        return Noise(
            [self.families[k] for k in experts], [self.parameters[k] for k in experts]
        )

    def log_density(self, y, prediction):
        """Log density of rows y (n, T) under each expert, summed over targets: (n, K).

        `prediction` is (n, K, T).
        """
        y = y[:, None]
        if len(self.groups) == 1:
            ((family, _),) = self.groups
            return over_targets(family.log_density(y, prediction, self._stacked[0]))
        density = np.empty(prediction.shape[1::-1]).T  # experts' columns contiguous
        for (family, experts), parameters in zip(
            self.groups, self._stacked, strict=True
        ):
            terms = family.log_density(y, prediction[:, experts], parameters)
            density[:, experts] = over_targets(terms)
        return density

    def apply(self, method, prediction, *values, kept=slice(None)):
        """A method of the families for each prediction (n, k, T), elementwise.

        `kept` are the experts that predictions belong to: a slice where column k is
        expert k, or indices (n, k). `values`, broadcastable to the predictions, come
        before them: the y of a cdf, the probability of a quantile.
        """
        if len(self.groups) == 1:
            ((family, _),) = self.groups
            parameters = self._stacked[0][:, kept]
            return getattr(family, method)(*values, prediction, parameters)
        return self._apply_by_group(method, prediction, values, kept)

    def _apply_by_group(self, method, prediction, values, kept):
        columns = np.arange(len(self.families))[kept]
        owners = np.broadcast_to(columns, prediction.shape[:2])
        result = np.empty(prediction.shape)
        position = np.empty(len(self.families), dtype=np.intp)
        for (family, experts), stacked in zip(self.groups, self._stacked, strict=True):
            position[experts] = np.arange(len(experts))
            mine = np.isin(owners, experts)
            parameters = stacked[:, position[owners[mine]]]
            chosen = [_broadcast_rows(v, owners.shape)[mine] for v in values]
            result[mine] = getattr(family, method)(
                *chosen, prediction[mine], parameters
            )
        return result

    def sample(self, prediction, owners, rng):
        """A draw of y (n, T) for predictions (n, T) of experts `owners` (n,)."""
        drawn = np.empty(prediction.shape)  # counts are drawn as integers, and reals
        for k in np.unique(owners):
            rows = np.flatnonzero(owners == k)
            drawn[rows] = self.families[k].sample(
                prediction[rows], self.parameters[k][:, None], rng
            )
        return drawn


def _broadcast_rows(values, shape):
    """Values with the leading dimensions `shape`; the last one is theirs."""
    return np.broadcast_to(values, np.broadcast_shapes(np.shape(values), (*shape, 1)))


def grouped(families):
    """Distinct family objects, in order of appearance, with their experts' indices."""
    groups: dict = {}
    for k, family in enumerate(families):
        groups.setdefault(id(family), (family, []))[1].append(k)
    return [(family, np.array(experts)) for family, experts in groups.values()]


def over_targets(terms):
    """Sum over the last axis; of one target, without a copy."""
    return terms[..., 0] if terms.shape[-1] == 1 else terms.sum(axis=-1)
