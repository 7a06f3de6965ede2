# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""States of EM: the mixture at work on its training rows."""

from skmoe.em.states.base import Expectation, MixtureState, Parts
from skmoe.em.states.capacity import CapacityMixture
from skmoe.em.states.grouped import GroupedMixture
from skmoe.em.states.summed import SummedMixture
from skmoe.em.states.whole import WholeMixture

#: Most special first; the first that serves the parts is taken, and may refuse them.
STATES = (CapacityMixture, GroupedMixture, SummedMixture, WholeMixture)

__all__ = [
    "STATES",
    "CapacityMixture",
    "Expectation",
    "GroupedMixture",
    "MixtureState",
    "Parts",
    "SummedMixture",
    "WholeMixture",
    "state_of",
]


def state_of(parts):
    """Return the state that serves these `Parts`."""
    kind = next(kind for kind in STATES if kind.serves(parts))
    kind.check(parts)
    return kind.of(parts)
