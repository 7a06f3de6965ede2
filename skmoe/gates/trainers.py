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
        """Return the state as `restore` takes it."""

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
        """Return True if the gate fits its own rows far better than others."""
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


class ForwardingTrainer(GateTrainer):
    """A gate at work inside another: what is not overridden is the inner trainer's.

    Parameters
    ----------
    inner : GateTrainer
    """

    def __init__(self, inner):
        self.inner = inner

    @property
    def log_proba(self):
        """Log probabilities at the training rows, (n, K)."""
        return self.inner.log_proba

    @property
    def penalty(self):
        """Penalty of the inner trainer."""
        return self.inner.penalty

    @property
    def blockwise(self):
        """Trainer whose steps are sums over rows, if there is one inside."""
        return self.inner.blockwise

    @property
    def capacity_factor(self):
        """Largest load of an expert in equal shares; None: any."""
        return self.inner.capacity_factor

    @property
    def log_marginal(self):
        """Weighted total log density of X."""
        return self.inner.log_marginal

    def step(self, responsibilities):
        """Step the inner trainer."""
        self.inner.step(responsibilities)

    def fit(self, responsibilities):
        """Fit the inner trainer to fixed responsibilities."""
        self.inner.fit(responsibilities)

    def fitted(self):
        """Return the fitted gate of the inner trainer."""
        return self.inner.fitted()

    def resume(self, fitted):
        """Take up the state of a fitted gate."""
        self.inner.resume(fitted)

    def snapshot(self):
        """Return the inner trainer's snapshot."""
        return self.inner.snapshot()

    def restore(self, snapshot):
        """Come back to a snapshot."""
        self.inner.restore(snapshot)

    def overfitted(self):
        """Return True if the inner gate fits its rows far better than others."""
        return self.inner.overfitted()

    def warm_up_trainer(self):
        """Return the inner trainer's trainer for the warm-up, or None."""
        return self.inner.warm_up_trainer()
