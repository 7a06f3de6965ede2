# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The contract of a state: the mixture at work on its training rows."""

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from skmoe.numerics.routing import draw_experts

# What this was chosen by is "When gates overfit" in docs/defaults.md.
WARM_UP_ITERATIONS = 3


class Expectation(NamedTuple):
    """Result of an E-step.

    Attributes
    ----------
    statistics : ndarray of shape (n, K) or list
        What the M-step of the same state needs: responsibilities of the rows (of the
        groups), or sums over the rows.
    bound : float
        The objective at the state: the penalised mean log likelihood.
    """

    statistics: Any
    bound: float


class Parts(NamedTuple):
    """Parts of a state.

    Attributes
    ----------
    gate : GateTrainer
        On the rows, or on one row per group.
    experts : ExpertsTrainer
    weights : ndarray of shape (n,)
    groups : ndarray of int of shape (n,) or None
        Codes of the groups whose rows share one expert.
    allowed : Allowed or None
        Experts that rows (or groups) are kept to.
    assignment : {'soft', 'hard', 'stochastic'}
        How EM will use responsibilities.
    n_jobs : int or None
        Threads that may share the rows.
    """

    gate: Any
    experts: Any
    weights: np.ndarray
    groups: np.ndarray | None = None
    allowed: Any = None
    assignment: str = "soft"
    n_jobs: int | None = None


class MixtureState(ABC):
    r"""A gate and experts at work, in the state that EM has brought them to.

    The objective is the penalised mean log likelihood

    .. math:: \frac{1}{W} \sum_i w_i \log \sum_k g_k(x_i) f(y_i | m_k(x_i), \phi_k)
              - P_\mathrm{gate} - P_\mathrm{experts} ,

    where a gate that models X too puts :math:`\pi_k p_k(x_i)`, the joint density of
    expert and row, in place of :math:`g_k(x_i)`.

    Attributes
    ----------
    gate : GateTrainer
    experts : ExpertsTrainer
    weights : ndarray of shape (n,)
        Of what has one latent expert each: rows, or groups of them.
    allowed : Allowed or None
        Experts that rows are kept to.
    total : float
        Sum of the weights.
    """

    #: Whether the whole model is one vector, `parameters`, with a `local_model`.
    is_parametric = False

    def __init__(self, gate, experts, weights, allowed=None):
        self.gate = gate
        self.experts = experts
        self.weights = weights
        self.allowed = allowed
        self.total = weights.sum()

    # -- which parts it is for --------------------------------------------------------

    @classmethod
    @abstractmethod
    def serves(cls, parts):
        """Return True if this state is the one for these `Parts`."""

    @classmethod  # noqa: B027
    def check(cls, parts):
        """Raise ValueError for parts that do not go together. Here: all do."""

    @classmethod
    def of(cls, parts):
        """Return the state of these `Parts`."""
        return cls(parts.gate, parts.experts, parts.weights, parts.allowed)

    @contextmanager
    def at_work(self):
        """Hold what the state needs while EM runs: here nothing."""
        yield self

    # -- the two steps ----------------------------------------------------------------

    @abstractmethod
    def e_step(self, hard=False):
        """Return the `Expectation` at the state.

        With `hard`, responsibilities are those of classification EM (one for the best
        expert) and the bound is the classification likelihood, which has the maximum
        over experts in place of the sum.
        """

    @abstractmethod
    def begin(self, responsibilities):
        """Take the first M-step, from initial responsibilities (indexed by rows)."""

    @abstractmethod
    def m_step(self, expectation):
        """Step gate and experts; never lowers the expected log likelihood."""

    def draw(self, expectation, rng):
        """Return an expectation with one expert per row, drawn by responsibility."""
        shares = expectation.statistics
        drawn = np.eye(shares.shape[1])[draw_experts(shares, rng)]
        return expectation._replace(statistics=drawn)

    # -- the whole model as one vector, where it is parametric ------------------------

    @property
    def parameters(self):
        """Gate and experts as one vector."""
        return np.concatenate([self.gate.parameters, self.experts.parameters])

    @parameters.setter
    def parameters(self, values):
        size = self.gate.parameters.size
        self.gate.parameters, self.experts.parameters = values[:size], values[size:]

    def local_model(self, expectation):
        """Return the `LocalModel` of the objective over `parameters`."""
        raise TypeError(f"{type(self).__name__} is not one vector of parameters.")

    # -- what others ask of it --------------------------------------------------------

    @property
    def penalty(self):
        """Penalties of gate and experts, subtracted from the mean log likelihood."""
        return self.gate.penalty + self.experts.penalty

    def log_likelihood(self):
        """Return the weighted total log likelihood of y given X, without penalties."""
        joint = self.total * (self.e_step().bound + self.penalty)
        return joint - self.gate.log_marginal

    @abstractmethod
    def totals(self):
        """Weight of rows that each expert is responsible for, (K,)."""

    @abstractmethod
    def tempered(self, power):
        """Responsibilities proportional to a power of the joint density, (n, K)."""

    def shares(self):
        """Responsibilities of all rows, (n, K)."""
        return self.tempered(1.0)

    def explained(self, least):
        """True where an expert has at least this responsibility for a row, (n, K)."""
        return self.shares() >= least

    def restrict(self, start, align=False):
        """Return a start (n, K) as `begin` takes it, kept to the experts allowed.

        With `align`, experts may be renamed to agree with known ones.
        """
        if self.allowed is None:
            return start
        return self.allowed.start(start, self.weights, align)

    def warmed_up(self, start):
        """Return a start after some iterations under the gate's warm-up trainer."""
        gate, warm_up = self.gate, self.gate.warm_up_trainer()
        if warm_up is None:
            return start
        self.gate = warm_up
        for _ in range(WARM_UP_ITERATIONS):
            self.begin(start)
            start = self.e_step().statistics
        self.gate = gate
        return start

    def snapshot(self):
        """Return what `restore` needs to come back to this state."""
        return self.gate.snapshot(), self.experts.snapshot()

    def restore(self, snapshot):
        """Come back to a snapshot."""
        gate, experts = snapshot
        self.gate.restore(gate)
        self.experts.restore(experts)

    def part_that_falls(self, expectation):
        """Return the part whose M-step lowers its expected log likelihood, or None.

        The state is left as it was.
        """
        return None

    def collapsed(self):
        """Experts at a spurious maximum: a vanishing dispersion on few rows, (K,)."""
        return self.experts.collapsed(self.totals())


class Weighted:
    """Responsibilities times sample weights, formed for the rows asked for."""

    def __init__(self, responsibilities, weights):
        self.responsibilities = responsibilities
        self.weights = weights

    def __getitem__(self, rows):
        return self.responsibilities[rows] * self.weights[rows, None]
