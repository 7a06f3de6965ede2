# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The mixture whose EM step is one pass over blocks of rows."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial, reduce

import numpy as np
from joblib import effective_n_jobs

from skmoe.em.states.base import Expectation, MixtureState, Weighted
from skmoe.em.states.compiled import compiled_sums
from skmoe.numerics.batches import TASK_ROWS, block_batches, row_batches
from skmoe.numerics.packed import unpack_grams
from skmoe.numerics.softmax import softmax
from skmoe.numerics.threads import one_blas_thread
from skmoe.trainers.blockwise import add
from skmoe.trainers.local_model import LocalModel


class SummedMixture(MixtureState):
    """Steps are sums over rows: X is read once per iteration, no (n, K) array is kept.

    The pass that evaluates the objective at a state also gathers everything that the
    step from there needs, so an EM iteration is one pass. Rows are split into tasks of
    a fixed length, whose sums are added in a fixed order: the result does not depend on
    how many threads share the tasks. Threads pay where the pass `is_compiled`; between
    NumPy's operations on a block they would wait for Python's lock.

    Parameters
    ----------
    gate : GateTrainer
        With a `Blockwise` trainer as `blockwise`.
    experts : ExpertsTrainer
        Likewise.
    weights : ndarray of shape (n,)
    allowed : Allowed, default=None
        Experts that rows are kept to.
    map : callable, default=map
        Applies a function to the tasks; results come in their order. That of an
        executor shares them among threads.
    """

    is_parametric = True

    def __init__(self, gate, experts, weights, allowed=None, map=map, n_threads=1):
        super().__init__(gate, experts, weights, allowed)
        self.parts = gate.blockwise, experts.blockwise
        self.map = map
        everywhere = allowed is None
        self._compiled = compiled_sums(*self.parts, weights) if everywhere else None
        self.n_threads = n_threads if self.is_compiled else 1
        self._passes = {}

    @classmethod
    def serves(cls, parts):
        """Return True for sums over rows, unless an expert is drawn for each row."""
        is_blockwise = None not in (parts.gate.blockwise, parts.experts.blockwise)
        return is_blockwise and parts.assignment != "stochastic"

    @classmethod
    def of(cls, parts):
        """Return the state; a soft assignment may share its rows among threads."""
        n_threads = 1
        if parts.assignment == "soft":
            n_tasks = -(-len(parts.weights) // TASK_ROWS)
            n_threads = min(effective_n_jobs(parts.n_jobs), n_tasks)
        roles = parts.gate, parts.experts
        return cls(*roles, parts.weights, parts.allowed, n_threads=n_threads)

    @contextmanager
    def at_work(self):
        """Keep BLAS to one thread; share the blocks among threads if there are more."""
        with one_blas_thread:
            if self.n_threads == 1:
                yield self
                return
            # joblib looks for finished work every ten milliseconds, which is as long as
            # a pass over a hundred thousand rows.
            with ThreadPoolExecutor(self.n_threads) as threads:
                self.map = threads.map
                try:
                    yield self
                finally:
                    self.map = map

    @property
    def is_compiled(self):
        """True if a task is one compiled call."""
        return self._compiled is not None

    @property
    def parameters(self):
        """Gate and experts as one vector."""
        return np.concatenate([part.parameters for part in self.parts])

    @parameters.setter
    def parameters(self, values):
        gate, experts = self.parts
        size = gate.parameters.size
        gate.parameters, experts.parameters = values[:size], values[size:]
        self._passes = {}

    def e_step(self, hard=False):
        """Return the sums over the rows and the objective."""
        if hard not in self._passes:
            self._passes[hard] = self._pass(hard)
        sums = self._passes[hard]
        mean = float(sums[0]) / self.total
        return Expectation(sums, mean - self.penalty)

    def totals(self):
        """Weight that each expert is responsible for, (K,)."""
        return self.e_step().statistics[1]

    def tempered(self, power):
        """Responsibilities proportional to a power of the joint density, (n, K)."""
        shares = np.empty((len(self.weights), len(self.totals())))
        for rows, joint in self._joint():
            shares[rows] = softmax(power * joint)
        return shares

    def explained(self, least):
        """True where an expert has at least this responsibility for a row, (n, K)."""
        explained = np.empty((len(self.weights), len(self.totals())), dtype=bool)
        for rows, joint in self._joint():
            explained[rows] = softmax(joint) >= least
        return explained

    def _joint(self):
        """Batches of rows, and the log joint density of experts and y, (m, K)."""
        gate, experts = self.parts
        for rows in gate.batches():
            joint = gate.evaluate(gate.design.block(rows), rows)[0]
            joint = joint + experts.evaluate(experts.design.block(rows), rows)[0]
            if self.allowed is not None:
                joint += self.allowed[rows]
            yield rows, joint.T

    def m_step(self, expectation):
        """Go to the unguarded M-step's target."""
        self.parameters = self.local_model(expectation).target

    def begin(self, responsibilities):
        """Take the first step, from responsibilities (anything indexed by rows)."""
        weighted = Weighted(responsibilities, self.weights)
        for part in self.parts:
            part.ascend(weighted)
        self._passes = {}

    def local_model(self, expectation):
        """Return the `LocalModel` of the objective over `parameters`."""
        _, _, gate_sums, expert_sums, packed = expectation.statistics
        gate_grams, expert_grams = self._unpack(packed)
        gate = self.parts[0].local_model(gate_sums, gate_grams)
        experts = self.parts[1].local_model(expert_sums, expert_grams)
        size = gate.target.size

        def solve(vector):
            return np.concatenate(
                [gate.solve(vector[:size]), experts.solve(vector[size:])]
            )

        return LocalModel(
            np.concatenate([gate.target, experts.target]),
            np.concatenate([gate.score, experts.score]),
            solve,
            gate.smooth and experts.smooth,
        )

    def _unpack(self, packed):
        """Gram matrices of the gate and of the experts, from one sum or from two."""
        gate, experts = self.parts
        grams = unpack_grams(packed[0], gate.design.n_columns)
        if len(packed) == 1:
            return np.split(grams, [gate.n_curvatures])
        return grams, unpack_grams(packed[1], experts.design.n_columns)

    def restore(self, snapshot):
        """Come back to a snapshot."""
        super().restore(snapshot)
        self._passes = {}

    # -- the pass ---------------------------------------------------------------------

    def _pass(self, hard):
        """Log likelihood, totals (K,), and what gate and experts sum over all rows."""
        tasks = row_batches(0, len(self.weights), TASK_ROWS)
        return reduce(add, self.map(partial(self._task, hard=hard), tasks), None)

    def _task(self, task, hard):
        if self._compiled is not None and not hard:
            return self._compiled(task)
        n_columns = max(part.design.n_columns for part in self.parts)
        n_curvatures = sum(part.n_curvatures for part in self.parts)
        batches = block_batches(task.start, task.stop, n_columns, n_curvatures)
        return reduce(add, (self._block(rows, hard) for rows in batches), None)

    def _block(self, rows, hard):
        gate, experts = self.parts
        shared = experts.design is gate.design
        gate_block = gate.design.block(rows)
        block = gate_block if shared else experts.design.block(rows)
        prior = gate.evaluate(gate_block, rows)
        density = experts.evaluate(block, rows)
        log_gate = prior[0]
        if self.allowed is not None:
            log_gate = log_gate + self.allowed[rows]
        posterior = hard_posterior if hard else gate.design.kernels.posterior
        share, log_likelihood = posterior(log_gate, density[0], self.weights[rows])
        gate_sums, gate_weights = gate.moments(gate_block, rows, prior, share)
        expert_sums, weights = experts.moments(block, rows, density, share)
        if shared:  # one call forms the products of columns once
            grams = [block.grams(np.concatenate([gate_weights, weights]))]
        else:
            grams = [gate_block.grams(gate_weights), block.grams(weights)]
        totals = share.sum(axis=1)
        return [np.array(log_likelihood), totals, gate_sums, expert_sums, grams]


def hard_posterior(log_gate, log_density, weights):
    """The best expert's weight (K, n), and the weighted classification likelihood."""
    joint = log_gate + log_density
    best = joint.argmax(axis=0)
    indicators = (np.arange(len(joint))[:, None] == best) * weights
    return indicators, float(weights @ np.take_along_axis(joint, best[None], axis=0)[0])
