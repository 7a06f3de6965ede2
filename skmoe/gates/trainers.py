# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The contract of a gate at work on training rows."""

from abc import ABC, abstractmethod

import numpy as np


class GateTrainer(ABC):
    """A gate at work on the training rows.

    `log_proba` (n, K) is the state that the E-step reads and `penalty` what the gate
    subtracts from the mean log likelihood. Responsibilities reach a trainer already
    multiplied by the sample weights.
    """

    penalty = 0.0
    #: The `Blockwise` trainer behind this one, if its steps are sums over rows.
    blockwise = None
    #: Largest load of an expert in equal shares, see `CapacityMixture`; None: any.
    capacity_factor = None
    #: Weighted total log density of X: zero, unless the gate models X as well and
    #: `log_proba` is the log of the joint density of the expert and the row,
    #: ``log pi_k p_k(x)``. The bound of EM is then that of p(x, y).
    log_marginal = 0.0

    @property
    @abstractmethod
    def log_proba(self):
        """Log probabilities at the training rows, (n, K)."""

    @abstractmethod
    def step(self, responsibilities):
        """One step that does not lower ``sum R log g - W penalty``."""

    @abstractmethod
    def fitted(self):
        """Return a fitted gate in the state reached."""

    @abstractmethod
    def snapshot(self):
        """What `restore` needs to come back to this state."""

    @abstractmethod
    def restore(self, snapshot):
        """Come back to a snapshot."""

    @abstractmethod
    def resume(self, fitted):
        """Take up the state of a fitted gate (warm start)."""

    def fit(self, responsibilities):
        """Fit to fixed responsibilities; one step suffices unless overridden."""
        self.step(responsibilities)

    def overfitted(self):
        """Whether the gate knows the rows it was fitted to far better than others."""
        return False

    def warm_up_trainer(self):
        """A trainer that a start is led in by, before this one; None: there is none."""
        return None


class IteratedTrainer(GateTrainer):
    """A gate of which one step does not reach the maximum.

    Subclasses have `total`, the sum of the sample weights.
    """

    total: float

    def expected(self, responsibilities):
        """Mean expected log probability minus the penalty."""
        value = np.vdot(responsibilities, self.log_proba) / self.total
        return float(value) - self.penalty

    def fit(self, responsibilities, max_iter=1000, tol=1e-12):
        """Fit to fixed responsibilities until a step gains less than `tol`."""
        value = self.expected(responsibilities)
        for _ in range(max_iter):
            self.step(responsibilities)
            gain, value = -value, self.expected(responsibilities)
            if gain + value <= tol:
                return
