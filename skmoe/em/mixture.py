# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The mixture at work on its training rows: what EM climbs."""

import numpy as np

from skmoe.em.parametric import Ascent


class Mixture:
    r"""Gate and experts at work on weighted rows.

    The objective is the penalised mean log likelihood

    .. math:: \frac{1}{W} \sum_i w_i \log \sum_k g_k(x_i) f(y_i | m_k(x_i), \phi_k)
              - P_\mathrm{gate} - P_\mathrm{experts} .

    Parameters
    ----------
    gate : GateTrainer
    experts : ExpertsTrainer
    weights : ndarray of shape (n,)
    """

    def __init__(self, gate, experts, weights):
        self.gate = gate
        self.experts = experts
        self.weights = weights
        self.total = weights.sum()

    def log_joint(self):
        """``log g_k(x_i) + log f_k(y_i | x_i)``, (n, K)."""
        return self.gate.log_proba + self.experts.log_density

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
        return responsibilities, float(mean - self.gate.penalty - self.experts.penalty)

    def log_likelihood(self):
        """Weighted total log likelihood without penalties."""
        return self.total * (
            self.e_step()[1] + self.gate.penalty + self.experts.penalty
        )

    def m_step(self, responsibilities):
        """Step gate and experts; never lowers the expected log likelihood."""
        weighted = responsibilities * self.weights[:, None]
        self.gate.step(weighted)
        self.experts.step(weighted)

    @property
    def is_parametric(self):
        """Whether the whole model is one vector that an M-step linearises."""
        parts = (self.gate, self.experts)
        return all(getattr(part, "linearisable", False) for part in parts)

    @property
    def parameters(self):
        """Gate and experts as one vector."""
        return np.concatenate([self.gate.parameters, self.experts.parameters])

    @parameters.setter
    def parameters(self, values):
        size = self.gate.parameters.size
        self.gate.parameters = values[:size]
        self.experts.parameters = values[size:]

    def linearise(self, responsibilities):
        """The M-step's view of the objective, an `Ascent` over `parameters`."""
        weighted = responsibilities * self.weights[:, None]
        gate = self.gate.linearise(weighted)
        experts = self.experts.linearise(weighted)
        size = gate.target.size

        def solve(vector):
            return np.concatenate(
                [gate.solve(vector[:size]), experts.solve(vector[size:])]
            )

        return Ascent(
            np.concatenate([gate.target, experts.target]),
            np.concatenate([gate.score, experts.score]),
            solve,
            gate.smooth and experts.smooth,
        )

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
        responsibilities, _ = self.e_step()
        return self.experts.collapsed(self.weights @ responsibilities)
