# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""All that is known of a mixture before EM runs."""

from typing import Any, NamedTuple

import numpy as np

from skmoe.experts.setup import ExpertSetup
from skmoe.rows.inputs import InputReader
from skmoe.rows.targets import Targets


class Plan(NamedTuple):
    """The parts of a mixture to be fitted, checked and put in order.

    Attributes
    ----------
    gate : BaseGate
        Unfitted, its random states set.
    kind : subclass of BaseExperts
        That fits the experts.
    setup : ExpertSetup
        Unfitted experts, their names and families.
    seeds : ndarray of shape (K,)
        Of the experts.
    reader : InputReader
        The columns that gate and experts see.
    targets : Targets
        The coding of y.
    mixture_class : subclass of FittedMixture
    """

    gate: Any
    kind: Any
    setup: ExpertSetup
    seeds: np.ndarray
    reader: InputReader
    targets: Targets
    mixture_class: Any

    def mixture(self, state, experts):
        """Return the fitted mixture of a state of EM and of its fitted experts."""
        return self.mixture_class(
            state.gate.fitted(), experts, self.setup.names, self.reader, self.targets
        )
