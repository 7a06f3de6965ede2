# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The place of a family where an expert is a density itself."""

import numpy as np

from skmoe.families.base import BaseFamily


class OwnDensity(BaseFamily):
    """No noise around the expert: it is a density of y by itself.

    A mixture of experts nested in another has its log density, its variance and its
    components from its own methods (`skmoe.experts.NestedExperts`), and nothing is
    estimated beside it.

    Parameters
    ----------
    families : list of BaseFamily
        Those inside the expert; it takes a y that one of them takes.
    """

    name = "own"
    has_own_density = True
    parameter_names = ()
    parameter_links = ()

    def __init__(self, families):
        self.families = families

    @property
    def domain(self):
        """Values that y takes, in words."""
        return " or ".join(dict.fromkeys(family.domain for family in self.families))

    def accepts(self, y):
        """True for rows of y in the domain of a family inside."""
        return np.any([family.accepts(y) for family in self.families], axis=0)

    def n_targets(self, y):
        """Targets of the families inside."""
        return self.families[0].n_targets(y)

    def mean(self, prediction, parameters):
        """Return the prediction, which is the expert's mean."""
        return prediction

    def variance(self, prediction, parameters):
        """NaN: only the expert knows, see `BaseExperts.variance`."""
        return np.full(np.shape(prediction), np.nan)

    def log_density(self, y, prediction, parameters):
        """Refused: a prediction does not tell the expert's density."""
        raise NotImplementedError("The expert is asked for its own log density.")
