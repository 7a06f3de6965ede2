# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The mixture at work on its training rows: what EM climbs."""

import numpy as np

from skmoe.numerics.softmax import softmax

# Iterations; what they were chosen by is "When gates memorise" in docs/defaults.md.
WARM_UP_ITERATIONS = 3


class Mixture:
    r"""Gate and experts at work on weighted rows, responsibilities held.

    The objective is the penalised mean log likelihood

    .. math:: \frac{1}{W} \sum_i w_i \log \sum_k g_k(x_i) f(y_i | m_k(x_i), \phi_k)
              - P_\mathrm{gate} - P_\mathrm{experts} ,

    where a gate that models X too puts :math:`\pi_k p_k(x_i)`, the joint density of
    expert and row, in place of :math:`g_k(x_i)`.

    What an E-step hands to the M-step, its expectations, is here the responsibilities
    (n, K) themselves; in a `SummedMixture` it is sums over the rows.

    Parameters
    ----------
    gate : GateTrainer
    experts : ExpertsTrainer
    weights : ndarray of shape (n,)
    allowed : Allowed, default=None
        Experts that rows are kept to.
    """

    #: Whether the whole model is one vector that an M-step linearises.
    is_parametric = False

    def __init__(self, gate, experts, weights, allowed=None):
        self.gate = gate
        self.experts = experts
        self.weights = weights
        self.allowed = allowed
        self.total = weights.sum()

    def log_joint(self):
        """``log g_k(x_i) + log f_k(y_i | x_i)``, (n, K)."""
        log_joint = self.gate.log_proba + self.experts.log_density
        if self.allowed is not None:
            log_joint += self.allowed[:].T
        return log_joint

    @property
    def penalty(self):
        """What gate and experts subtract from the mean log likelihood."""
        return self.gate.penalty + self.experts.penalty

    def e_step(self, hard=False):
        """Responsibilities (n, K) and the objective.

        With `hard`, responsibilities are those of classification EM (one for the best
        expert) and the objective is the classification likelihood, which has the
        maximum over experts in place of the sum.
        """
        log_joint = self.log_joint()
        best = log_joint.max(axis=1, keepdims=True)
        if hard:
            responsibilities = np.zeros_like(log_joint)
            np.put_along_axis(
                responsibilities, log_joint.argmax(axis=1)[:, None], 1.0, 1
            )
            log_likelihood = best[:, 0]
        else:
            responsibilities = np.exp(log_joint - best)
            sums = responsibilities.sum(axis=1, keepdims=True)
            responsibilities /= sums
            log_likelihood = (best + np.log(sums))[:, 0]
        mean = self.weights @ log_likelihood / self.total
        return responsibilities, float(mean - self.penalty)

    def log_likelihood(self):
        """Weighted total log likelihood of y given X, without penalties."""
        joint = self.total * (self.e_step()[1] + self.penalty)
        return joint - self.gate.log_marginal

    def totals(self):
        """Weight that each expert is responsible for, (K,)."""
        return self.weights @ self.e_step()[0]

    def restrict(self, start, align=False):
        """A start (n, K) as `m_step` takes it, kept to the experts that are allowed.

        With `align`, experts may be renamed to agree with known ones.
        """
        if self.allowed is None:
            return start
        return self.allowed.start(start, self.weights, align)

    def warmed_up(self, start):
        """A start after some iterations under the gate's warm-up trainer, if any."""
        gate, leader = self.gate, self.gate.warm_up_trainer()
        if leader is None:
            return start
        self.gate = leader
        for _ in range(WARM_UP_ITERATIONS):
            self.m_step(start)
            start, _ = self.e_step()
        self.gate = gate
        return start

    def tempered(self, power):
        """Responsibilities proportional to a power of the joint density, (n, K)."""
        return softmax(power * self.log_joint())

    def shares(self):
        """Responsibilities of all rows, (n, K)."""
        return self.tempered(1.0)

    def m_step(self, responsibilities):
        """Step gate and experts; never lowers the expected log likelihood."""
        weighted = Weighted(responsibilities, self.weights)[:]
        self.gate.step(weighted)
        self.experts.step(weighted)

    def snapshot(self):
        """What `restore` needs to come back to this state."""
        return self.gate.snapshot(), self.experts.snapshot()

    def restore(self, snapshot):
        """Come back to a snapshot."""
        gate, experts = snapshot
        self.gate.restore(gate)
        self.experts.restore(experts)

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
