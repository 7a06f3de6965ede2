# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The mixture in which all rows of a group share one latent expert."""

from contextlib import contextmanager

import numpy as np

from skmoe.em.states.whole import WholeMixture
from skmoe.numerics.threads import one_blas_thread
from skmoe.rows.groups import mean_by_group, sum_by_group
from skmoe.trainers.local_model import LocalModel, Parametric


class GroupedMixture(WholeMixture):
    r"""Repeated observations: the latent expert belongs to a group of rows.

    .. math:: \sum_g \log \sum_k g_k(x_g) \prod_{i \in g} f(y_i \mid m_k(x_i))^{w_i}

    The gate sees one row per group. The objective is the mean over groups, and a sample
    weight repeats a row within its group.

    Parameters
    ----------
    gate : GateTrainer
        On the rows of the groups.
    experts : ExpertsTrainer
        On all rows.
    weights : ndarray of shape (n,)
    groups : ndarray of int of shape (n,)
        Codes 0..G-1.
    allowed : Allowed, default=None
        Experts that groups are kept to.
    """

    def __init__(self, gate, experts, weights, groups, allowed=None):
        super().__init__(gate, experts, np.ones(groups.max() + 1), allowed)
        self.groups = groups
        self.row_weights = weights
        self.row_total = weights.sum()
        self.is_parametric = isinstance(gate, Parametric) and isinstance(
            experts, Parametric
        )

    @classmethod
    def serves(cls, parts):
        """Return True for parts with groups."""
        return parts.groups is not None

    @classmethod
    def of(cls, parts):
        """Return the state; drawn experts leave no vector to extrapolate."""
        state = cls(
            parts.gate, parts.experts, parts.weights, parts.groups, parts.allowed
        )
        state.is_parametric = state.is_parametric and parts.assignment != "stochastic"
        return state

    @contextmanager
    def at_work(self):
        """Keep BLAS to one thread: products are small."""
        with one_blas_thread:
            yield self

    def log_joint(self):
        """Log joint density of each group and expert, (G, K)."""
        log_joint = self.gate.log_proba + sum_by_group(
            self.experts.log_density, self.groups, self.row_weights
        )
        if self.allowed is not None:
            log_joint += self.allowed[:].T
        return log_joint

    @property
    def penalty(self):
        """Penalties in units of the mean log likelihood of a group."""
        return self.gate.penalty + self.experts.penalty * self._rows_per_group

    @property
    def _rows_per_group(self):
        return self.row_total / self.total

    def totals(self):
        """Weight of rows that each expert is responsible for, (K,)."""
        return self.row_weights @ self.e_step().statistics[self.groups]

    def restrict(self, start, align=False):
        """Return a start of rows (n, K) as one of groups (G, K)."""
        start = mean_by_group(start[:], self.groups, self.row_weights)
        return super().restrict(start, align)

    def shares(self):
        """Responsibilities of all rows, which are those of their groups, (n, K)."""
        return super().shares()[self.groups]

    def _of_rows(self, responsibilities):
        return responsibilities[self.groups] * self.row_weights[:, None]

    def _of_gate(self, responsibilities, weighted):
        return responsibilities

    def local_model(self, expectation):
        """Return the `LocalModel` of the objective over `parameters`."""
        shares = expectation.statistics
        _, gate = self.gate.value_and_local_model(shares)
        _, experts = self.experts.value_and_local_model(self._of_rows(shares))
        size, factor = gate.target.size, self._rows_per_group

        def solve(vector):
            of_experts = experts.solve(vector[size:] / factor)
            return np.concatenate([gate.solve(vector[:size]), of_experts])

        return LocalModel(
            np.concatenate([gate.target, experts.target]),
            np.concatenate([gate.score, experts.score * factor]),
            solve,
            gate.smooth and experts.smooth,
        )
