# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""EM in which no expert takes more than its capacity."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from sklearn.exceptions import ConvergenceWarning

from skmoe._compat import warn_user
from skmoe.em.states.base import Expectation
from skmoe.em.states.whole import WholeMixture
from skmoe.numerics.softmax import log_sum_exp, posterior

# Largest violation of the optimality conditions, relative to the capacity: that of
# the constraint is no larger.
TOLERANCE = 1e-9
MAX_ITER = 50
MAX_HALVINGS = 12
# From one temperature to the next, where the problem is solved by cooling.
COOLING = 0.5


class CapacityMixture(WholeMixture):
    r"""A mixture whose E-step keeps every expert's load below its capacity.

    EM is the ascent of :math:`F(q, \theta) = \sum_i w_i \sum_k q_{ik} (\log J_{ik} -
    \log q_{ik})`, with J the joint density of expert and target, in turns over the
    responsibilities q and the parameters. Here q is confined to

    .. math:: \sum_i w_i q_{ik} \le C = c \, \frac{W}{K} ,

    so that the E-step is the maximum of F under K linear constraints. Its multipliers
    :math:`\lambda_k \ge 0` minimise the convex dual

    .. math:: D(\lambda) = \sum_i w_i \log \sum_k J_{ik} e^{-\lambda_k}
              + C \sum_k \lambda_k, \qquad
              q_{ik} \propto J_{ik} e^{-\lambda_k} ,

    whose minimum is the constrained maximum of F. That, over W and less the penalties,
    is the objective: it never falls, and is the likelihood where no constraint binds.

    Parameters
    ----------
    gate : GateTrainer
        With a `capacity_factor` c of at least one.
    experts : ExpertsTrainer
    weights : ndarray of shape (n,)
    """

    @classmethod
    def serves(cls, parts):
        """Return True for a gate with a capacity."""
        return parts.gate.capacity_factor is not None

    @classmethod
    def check(cls, parts):
        """Raise ValueError unless rows are shared out softly and one by one."""
        if parts.groups is not None or parts.allowed is not None:
            raise ValueError(
                "A gate with a capacity_factor shares rows out one by one: it cannot "
                "be combined with groups, expert_labels or families that take only "
                "some values of y."
            )
        if parts.assignment != "soft":  # which has no multipliers
            raise ValueError(
                "A gate with a capacity_factor must be fitted with assignment='soft'. "
                f"Got assignment={parts.assignment!r}."
            )

    @classmethod
    def of(cls, parts):
        """Return the state of these `Parts`."""
        return cls(parts.gate, parts.experts, parts.weights)

    def __init__(self, gate, experts, weights):
        super().__init__(gate, experts, weights)
        n_experts = gate.log_proba.shape[1]
        self.capacity = gate.capacity_factor * self.total / n_experts
        # The last ones are where the next E-step starts from.
        self.multipliers = np.zeros(n_experts)

    def e_step(self, hard=False):
        """Return the responsibilities (n, K) within capacity and the objective."""
        dual = minimise_dual(
            self.log_joint(), self.weights, self.capacity, self.multipliers
        )
        self.multipliers = dual.multipliers
        bound = float(dual.value / self.total - self.penalty)
        return Expectation(dual.shares, bound)

    def tempered(self, power):
        """The same of a power of the joint density."""
        start = np.zeros_like(self.multipliers)
        joint = power * self.log_joint()
        return minimise_dual(joint, self.weights, self.capacity, start).shares

    def shares(self):
        """Responsibilities without the limit on loads, (n, K)."""
        return super().tempered(1.0)

    def log_likelihood(self):
        """Weighted total log likelihood, without penalties and constraints."""
        joint = self.total * (super().e_step().bound + self.penalty)
        return joint - self.gate.log_marginal


class Dual(NamedTuple):
    """A point of the dual.

    Attributes
    ----------
    multipliers : ndarray of shape (K,)
    value : float
    shares : ndarray of shape (n, K)
        Rows sum to one.
    loads : ndarray of shape (K,)
        Weighted column sums of the shares.
    """

    multipliers: np.ndarray
    value: float
    shares: np.ndarray
    loads: np.ndarray

    @classmethod
    def at(cls, multipliers, log_joint, weights, capacity):
        """Evaluate the dual."""
        shares, log_sums = posterior(log_joint - multipliers)
        value = weights @ log_sums + capacity * multipliers.sum()
        return cls(multipliers, float(value), shares, weights @ shares)

    def violation(self, capacity):
        """Largest violation of the optimality conditions, relative to the capacity."""
        excess = self.loads - capacity
        slack = (self.multipliers == 0) & (excess < 0)
        return np.abs(np.where(slack, 0.0, excess)).max() / capacity


def minimise_dual(log_joint, weights, capacity, start):
    """The `Dual` at its minimum over non-negative multipliers.

    Densities that differ by hundreds of orders of magnitude make the dual all but
    piecewise linear, on which Newton's method may stall. The problem is then solved
    for tempered densities first, each solution the start of the next, cooler one.

    Parameters
    ----------
    log_joint : ndarray of shape (n, K)
    weights : ndarray of shape (n,)
    capacity : float
        At least a K-th of the weights.
    start : ndarray of shape (K,)
        Multipliers to start from.
    """
    dual = _descend(log_joint, weights, capacity, start)
    if dual.violation(capacity) > TOLERANCE:
        temperature = max(float(np.ptp(log_joint)), 1.0)
        multipliers = np.zeros_like(start)
        while temperature > 1.0:
            tempered = log_joint / temperature
            dual = _descend(tempered, weights, capacity, multipliers / temperature)
            multipliers = dual.multipliers * temperature
            temperature *= COOLING
        dual = _descend(log_joint, weights, capacity, multipliers)
    if dual.violation(capacity) > TOLERANCE:
        warn_user(
            "The experts' loads exceed their capacity by "
            f"{dual.violation(capacity):.1e} of it. Use a larger capacity_factor.",
            ConvergenceWarning,
        )
    return dual


def _descend(log_joint, weights, capacity, start):
    """Projected Newton steps; where they stall, exact minimisations one by one."""

    def at(multipliers):
        return Dual.at(multipliers, log_joint, weights, capacity)

    dual = at(start)
    for _ in range(MAX_ITER):
        violation = dual.violation(capacity)
        if violation <= TOLERANCE:
            break
        dual = _newton_step(dual, weights, capacity, at)
        if dual.violation(capacity) > violation / 2:
            dual = _one_by_one(dual, log_joint, weights, capacity, at)
    return dual


def _newton_step(dual, weights, capacity, at):
    """Go along Newton's direction, held at zero, as far as the dual falls."""
    gradient = capacity - dual.loads
    free = (dual.multipliers > 0) | (gradient < 0)
    shares = dual.shares[:, free]
    hessian = np.diag(dual.loads[free]) - (shares.T * weights) @ shares
    # With all experts at capacity a shift of all multipliers changes nothing.
    hessian[np.diag_indices_from(hessian)] += 1e-12 * weights.sum()
    move = np.zeros_like(gradient)
    move[free] = -np.linalg.solve(hessian, gradient[free])
    for _ in range(MAX_HALVINGS):
        candidate = at(np.maximum(dual.multipliers + move, 0.0))
        promised = gradient @ (candidate.multipliers - dual.multipliers)
        rounding = 1e-14 * max(1.0, abs(dual.value))
        if candidate.value <= dual.value + 1e-4 * promised + rounding:
            return candidate
        move = move / 2
    return dual


def _one_by_one(dual, log_joint, weights, capacity, at):
    """Minimise the dual along one multiplier after the other."""
    multipliers = dual.multipliers.copy()
    for k in range(len(multipliers)):
        rest = np.delete(log_joint - multipliers, k, axis=1)
        margins = log_joint[:, k] - log_sum_exp(rest)
        multipliers[k] = _balancing_multiplier(margins, weights, capacity)
    return at(multipliers)


def _balancing_multiplier(margins, weights, capacity):
    """The smallest non-negative multiplier with which the load is within capacity."""

    def excess(multiplier):
        # Written with tanh, which does not overflow.
        return weights @ (0.5 + 0.5 * np.tanh((margins - multiplier) / 2)) - capacity

    if excess(0.0) <= 0:
        return 0.0
    largest = max(margins.max(), 0.0) + 50.0  # leaves a load of exp(-50)
    return brentq(excess, 0.0, largest, xtol=1e-13, rtol=1e-14)
