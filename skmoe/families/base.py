# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The contract of a family."""

from abc import ABC, abstractmethod

from sklearn.base import BaseEstimator


class BaseFamily(ABC, BaseEstimator):
    r"""Noise model :math:`f(y \mid m, \phi)` of one expert.

    EM asks a family for its log density, for the dispersion that maximises the weighted
    log likelihood given predictions, and for the moments that predictions are mixed
    from. All methods work on whole arrays; K experts and T targets are axes:

    - ``y``: (n, T)
    - ``prediction``: (n, K, T), what the experts' ``predict`` answers
    - ``dispersion``: (K, T), or None for a family without one; `mean` and `variance`
      also take (n, K, T), where rows keep different experts
    - ``weights``: (n, K), responsibilities times sample weights

    A family is an estimator, so it can hold parameters of its own, be cloned and be
    tuned. To add one: a file with a subclass, and one line in `skmoe.families`.
    """

    #: Name by which estimators accept the family.
    name: str

    def check_target(self, y):
        """Raise ValueError naming the first value of y outside the family's domain."""

    @abstractmethod
    def log_density(self, y, prediction, dispersion):
        """Log density of each row under each expert, summed over targets: (n, K)."""

    @abstractmethod
    def fit_dispersion(self, y, prediction, weights, minimum):
        """Maximum-likelihood dispersions not below `minimum` (T,): (K, T) or None."""

    @abstractmethod
    def mean(self, prediction, dispersion):
        """Mean of y given each expert, (n, K, T)."""

    @abstractmethod
    def variance(self, prediction, dispersion):
        """Variance of y given each expert, broadcastable to (n, K, T)."""


_REQUIRED = ("check_target", "log_density", "fit_dispersion", "mean", "variance")


def check_family(family, families):
    """Return a family object for a name or an object; say what is missing."""
    if isinstance(family, str):
        if family not in families:
            raise ValueError(
                f"family={family!r} is unknown. Pass one of {sorted(families)} or an "
                "object of skmoe.families."
            )
        return families[family]()
    missing = [name for name in _REQUIRED if not hasattr(family, name)]
    if missing:
        raise TypeError(
            f"family={family!r} is not a family. It must implement "
            f"{', '.join(_REQUIRED)} (see skmoe.families.BaseFamily); "
            f"missing: {', '.join(missing)}."
        )
    return family
