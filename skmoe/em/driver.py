# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The EM algorithm."""

from dataclasses import dataclass, field
from typing import Any

from skmoe._compat import warn_user
from skmoe.em.steps import PlainStep, QuasiNewtonStep
from skmoe.em.stopping import StoppingRule
from skmoe.trainers.local_model import rounding

# Stochastic EM stops when this many draws in a row found nothing better.
STOCHASTIC_PATIENCE = 20
# A fall of the bound, relative to it, that rounding does not explain.
FALL = 1e-8


@dataclass
class EM:
    """One run of EM from one start.

    Attributes
    ----------
    state : MixtureState
        The mixture at work. At the end it is at the best state seen.
    tol : float
        Stop when the gain still to come is below it.
    assignment : {'soft', 'hard', 'stochastic'}
        How responsibilities enter the M-step: as they are (EM), as the best expert's
        indicator (classification EM), or as an expert drawn from them.
    accelerate : bool
        Quasi-Newton steps where the whole model is parametric.
    rng : RandomState
        Draws for stochastic EM.
    early_stopping : EarlyStopping or None
        The state kept is then the one that is best on rows held out.
    bounds : list of float
        Lower bound after each iteration, as the E-step found it; but for rounding it
        never falls. For stochastic EM, the highest so far.
    converged : bool
    step : PlainStep or QuasiNewtonStep
        Carries what acceleration has learnt from one `run` to the next.
    """

    state: Any
    tol: float
    assignment: str = "soft"
    accelerate: bool = True
    rng: Any = None
    verbose: int = 0
    step: Any = None
    early_stopping: Any = None
    bounds: list = field(default_factory=list)
    converged: bool = False

    def __post_init__(self):
        if self.step is None:
            # A hard assignment changes the objective in jumps, which leaves nothing to
            # extrapolate.
            smooth = self.accelerate and self.assignment == "soft"
            parametric = self.state.is_parametric
            self.step = (
                QuasiNewtonStep(20 if smooth else 0) if parametric else PlainStep()
            )

    def start(self, responsibilities):
        """Take the first iteration: fit to the initial responsibilities."""
        self.state.begin(self.state.warmed_up(responsibilities))
        self.bounds.append(self._e_step().bound)
        self._is_overfitting()
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
            self._run(max_iter, tol)
        if self.early_stopping is not None:
            del self.bounds[self.early_stopping.restore(self.state) :]
        return self

    @property
    def merit(self):
        """Value by which runs from several starts are compared."""
        if self.early_stopping is None:
            return self.bounds[-1]
        return self.early_stopping.best

    def _run(self, max_iter, tol):
        stopping = StoppingRule(self.tol if tol is None else tol)
        expectation = self._e_step()
        while len(self.bounds) < max_iter and not self.converged:
            before = expectation.bound
            expectation = self._m_and_e_step(expectation)
            self._record(expectation.bound)
            gain, predicted = expectation.bound - before, self.step.predicted_gain
            self.converged = stopping.update(expectation.bound, gain, predicted)
            self.converged |= self._is_overfitting()

    def _m_and_e_step(self, before):
        """Take a step that does not lower the bound; return its expectation."""
        self.step.advance(self.state, before)
        after = self._e_step()
        # Written so that a bound that is not a number counts as a fall.
        while not after.bound >= before.bound - rounding(before.bound):
            if self.step.retreat(self.state):
                after = self._e_step()
                continue
            self._warn_of_fall(before, after.bound)
            return self._e_step()
        return after

    def _warn_of_fall(self, before, bound):
        """Name the part that broke its contract, at the state before its step."""
        if bound >= before.bound - FALL * max(1.0, abs(before.bound)):
            return
        part = self.state.part_that_falls(before) or "mixture"
        warn_user(
            f"A step of the {part} lowered the lower bound of EM from "
            f"{before.bound:.8g} to {bound:.8g} and was undone. No step of a gate or "
            "of experts may lower the expected log likelihood of the responsibilities "
            "that it is given (less its penalty).",
            UserWarning,
        )

    def _run_stochastic(self, max_iter):
        expectation = self._e_step()
        kept, best, since = self.state.snapshot(), expectation.bound, 0
        while len(self.bounds) < max_iter and not self.converged:
            self.step.advance(self.state, self.state.draw(expectation, self.rng))
            expectation = self._e_step()
            since += 1
            if expectation.bound > best + self.tol:
                kept, best, since = self.state.snapshot(), expectation.bound, 0
            self._record(best)
            self.converged = since >= STOCHASTIC_PATIENCE or self._is_overfitting()
        self.state.restore(kept)

    def _is_overfitting(self):
        """Return True if rows held out have not gained for long."""
        if self.early_stopping is None:
            return False
        return self.early_stopping.update(self.state, len(self.bounds))

    def _e_step(self):
        return self.state.e_step(hard=self.assignment == "hard")

    def _record(self, bound):
        self.bounds.append(bound)
        if self.verbose and len(self.bounds) % self.verbose == 0:
            print(f"EM iteration {len(self.bounds)}: lower bound {bound:.8f}")  # noqa: T201
