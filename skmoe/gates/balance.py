# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A prior that keeps every expert alive."""

import numpy as np

from skmoe.gates.trainers import ForwardingTrainer, IteratedTrainer
from skmoe.numerics.softmax import softmax


class BalancedTrainer(ForwardingTrainer, IteratedTrainer):
    r"""A gate with pseudo-counts for its mean probabilities.

    The Dirichlet prior :math:`\frac{\beta}{W} \sum_k \log \bar g_k` with
    :math:`\bar g_k = \sum_i w_i g_{ik} / W` is bounded from below, with equality where
    the gate stands, by

    .. math:: \frac{\beta}{W} \sum_{ik} q_{ik} \log g_{ik} + \mathrm{const}, \qquad
              q_{ik} = \frac{w_i g_{ik}}{\sum_j w_j g_{jk}}

    (Jensen). So a step of the gate to responsibilities with :math:`\beta q_{ik}` added
    raises the penalised objective: each expert gets :math:`\beta` rows' weight more.

    Parameters
    ----------
    inner : GateTrainer
        Its `weights` are the sums of the responsibilities that it is stepped to.
    balance : float
        The pseudo-count of each expert, in units of the sample weights.
    """

    def __init__(self, inner, balance):
        super().__init__(inner)
        self.balance = balance
        self.weights = inner.weights
        self.total = self.weights.sum()

    #: Pseudo-counts depend on all rows at once, and are the same for every inner gate.
    blockwise = None
    fit = IteratedTrainer.fit

    @property
    def penalty(self):
        """The gate's own penalty and the prior's."""
        loads = self.weights @ np.exp(self.log_proba)
        # An expert whose probabilities underflow everywhere is finitely bad.
        loads = np.maximum(loads, np.finfo(np.float64).tiny)
        prior = np.log(loads / self.total).sum()
        return self.inner.penalty - self.balance / self.total * prior

    def step(self, responsibilities):
        """Step the gate to the responsibilities and the pseudo-counts."""
        log_share = np.log(self.weights)[:, None] + self.log_proba
        pseudo = self.balance * softmax(log_share, axis=0)
        self.inner.weights = self.weights + pseudo.sum(axis=1)
        self.inner.step(responsibilities + pseudo)
