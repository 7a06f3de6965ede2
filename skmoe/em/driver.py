# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The EM algorithm."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skmoe.em.steps import PlainStep, QuasiNewtonStep
from skmoe.em.stopping import StoppingRule
from skmoe.numerics.routing import draw_experts
from skmoe.trainers.local_model import rounding

# Stochastic EM stops when this many draws in a row found nothing better.
STOCHASTIC_PATIENCE = 20


@dataclass
class EM:
    """One run of EM from one start.

    Attributes
    ----------
    mixture : Mixture
        What is climbed. Its state at the end is the best one seen.
    tol : float
        Stop when the gain still to come is below it.
    assignment : {'soft', 'hard', 'stochastic'}
        How responsibilities enter the M-step: as they are (EM), as the best expert's
        indicator (classification EM), or as an expert drawn from them.
    accelerate : bool
        Quasi-Newton steps where the whole model is parametric.
    rng : RandomState
        Draws for stochastic EM.
    watch : EarlyStopping or None
        Early stopping: the state kept is then the one that held-out rows like best.
    bounds : list of float
        Objective after each iteration; never decreases.
    converged : bool
    step : PlainStep or QuasiNewtonStep
        Carries what acceleration has learnt from one `run` to the next.
    """

    mixture: Any
    tol: float
    assignment: str = "soft"
    accelerate: bool = True
    rng: Any = None
    verbose: int = 0
    step: Any = None
    watch: Any = None
    bounds: list = field(default_factory=list)
    converged: bool = False

    def __post_init__(self):
        if self.step is None:
            # A hard assignment changes the objective in jumps, which leaves nothing to
            # extrapolate.
            smooth = self.accelerate and self.assignment == "soft"
            parametric = self.mixture.is_parametric
            self.step = (
                QuasiNewtonStep(20 if smooth else 0) if parametric else PlainStep()
            )

    def start(self, responsibilities):
        """First iteration: fit to the initial responsibilities."""
        self.mixture.m_step(self.mixture.warmed_up(responsibilities))
        self.bounds.append(self._e_step()[1])
        self._is_stale()
        return self

    def run(self, max_iter, tol=None):
        """Alternate M- and E-steps until `max_iter` iterations stand in `bounds`.

        A first, short run may be given a larger `tol` than the one that `run` continues
        it with.
        """
        self.converged = False
        if self.assignment == "stochastic":
            self._run_stochastic(max_iter)
        else:
            self._climb(max_iter, tol)
        if self.watch is not None:
            del self.bounds[self.watch.restore(self.mixture) :]
        return self

    @property
    def merit(self):
        """What runs from several starts are compared by."""
        return self.bounds[-1] if self.watch is None else self.watch.best

    def _climb(self, max_iter, tol):
        stopping = StoppingRule(self.tol if tol is None else tol)
        expectations, bound = self._e_step()
        while len(self.bounds) < max_iter and not self.converged:
            before = bound
            expectations, bound = self._ascend(expectations, before)
            gain = bound - before
            self._record(max(bound, before))
            self.converged = stopping.update(bound, gain, self.step.predicted_gain)
            self.converged |= self._is_stale()

    def _ascend(self, expectations, before):
        """Take a step that does not lower the objective; its E-step."""
        self.step.advance(self.mixture, expectations)
        expectations, bound = self._e_step()
        # Written so that a bound that is not a number counts as a fall.
        while not bound >= before - rounding(before):
            retreated = self.step.retreat(self.mixture)
            expectations, bound = self._e_step()
            if not retreated:
                break
        return expectations, bound

    def _run_stochastic(self, max_iter):
        responsibilities, best = self._e_step()
        kept, since = self.mixture.snapshot(), 0
        while len(self.bounds) < max_iter and not self.converged:
            self.step.advance(self.mixture, draw_assignment(responsibilities, self.rng))
            responsibilities, bound = self._e_step()
            since += 1
            if bound > best + self.tol:
                kept, best, since = self.mixture.snapshot(), bound, 0
            self._record(best)
            self.converged = since >= STOCHASTIC_PATIENCE or self._is_stale()
        self.mixture.restore(kept)

    def _is_stale(self):
        """Whether held-out rows have not gained for long."""
        if self.watch is None:
            return False
        return self.watch.update(self.mixture, len(self.bounds))

    def _e_step(self):
        return self.mixture.e_step(hard=self.assignment == "hard")

    def _record(self, bound):
        self.bounds.append(bound)
        if self.verbose and len(self.bounds) % self.verbose == 0:
            print(f"EM iteration {len(self.bounds)}: lower bound {bound:.8f}")  # noqa: T201


def draw_assignment(responsibilities, rng):
    """One expert per row drawn from its responsibilities, as indicators (n, K)."""
    return np.eye(responsibilities.shape[1])[draw_experts(responsibilities, rng)]
