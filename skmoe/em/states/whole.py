# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The mixture on whole arrays: any gate, any experts, responsibilities held."""

import numpy as np

from skmoe.em.states.base import Expectation, MixtureState, Weighted
from skmoe.numerics.softmax import posterior, softmax


class WholeMixture(MixtureState):
    """Gate and experts at work on weighted rows; expectations are responsibilities.

    It serves every combination that no other state is for.
    """

    @classmethod
    def serves(cls, parts):
        """Return True: it serves any parts."""
        return True

    def log_joint(self):
        """``log g_k(x_i) + log f_k(y_i | x_i)``, (n, K)."""
        log_joint = self.gate.log_proba + self.experts.log_density
        if self.allowed is not None:
            log_joint += self.allowed[:].T
        return log_joint

    def e_step(self, hard=False):
        """Return the responsibilities (n, K) and the objective."""
        log_joint = self.log_joint()
        if hard:
            responsibilities = np.zeros_like(log_joint)
            best = log_joint.argmax(axis=1)[:, None]
            np.put_along_axis(responsibilities, best, 1.0, 1)
            log_likelihood = log_joint.max(axis=1)
        else:
            responsibilities, log_likelihood = posterior(log_joint)
        mean = self.weights @ log_likelihood / self.total
        return Expectation(responsibilities, float(mean - self.penalty))

    def begin(self, responsibilities):
        """Step gate and experts to responsibilities (n, K)."""
        weighted = self._of_rows(responsibilities)
        self.gate.step(self._of_gate(responsibilities, weighted))
        self.experts.step(weighted)

    def m_step(self, expectation):
        """Step gate and experts to the responsibilities of an E-step."""
        self.begin(expectation.statistics)

    def _of_rows(self, responsibilities):
        """Responsibilities that the experts are stepped to, times weights."""
        return Weighted(responsibilities, self.weights)[:]

    def _of_gate(self, responsibilities, weighted):
        """Responsibilities that the gate is stepped to, times weights."""
        return weighted

    def part_that_falls(self, expectation):
        """Return 'gate' or 'experts', whichever lowers its own expected value."""
        before = self.snapshot()
        weighted = self._of_rows(expectation.statistics)
        of_gate = self._of_gate(expectation.statistics, weighted)
        falls = None
        for name, part, values, responsibilities in (
            ("gate", self.gate, "log_proba", of_gate),
            ("experts", self.experts, "log_density", weighted),
        ):
            total = responsibilities.sum()
            value = np.vdot(responsibilities, getattr(part, values)) / total
            value -= part.penalty
            part.step(responsibilities)
            after = np.vdot(responsibilities, getattr(part, values)) / total
            after -= part.penalty
            if not after >= value - 1e-10 * max(1.0, abs(value)):
                falls = name
                break
        self.restore(before)
        return falls

    def totals(self):
        """Weight that each expert is responsible for, (K,)."""
        return self.weights @ self.e_step().statistics

    def tempered(self, power):
        """Responsibilities proportional to a power of the joint density, (n, K)."""
        return softmax(power * self.log_joint())
