# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Steps of EM from one state to the next."""

import numpy as np


class PlainStep:
    """The M-step of the parts themselves, each of which guards its own value.

    A step that lowers the objective all the same is undone.
    """

    predicted_gain = None

    def advance(self, state, expectation):
        """Take the M-step."""
        self.before = state.snapshot()
        state.m_step(expectation)

    def retreat(self, state):
        """Undo the step; return False, as there is no shorter one."""
        state.restore(self.before)
        return False


class QuasiNewtonStep:
    r"""EM as the preconditioner of a limited-memory quasi-Newton method.

    The score :math:`s(\theta)` of the observed likelihood comes with every M-step
    (Fisher's identity), and so does the complete-data information :math:`I_c`. Plain EM
    moves by about :math:`I_c^{-1} s`; the L-BFGS recursion on differences of scores,
    started from :math:`I_c^{-1}` in place of a multiple of the identity, adds what the
    missing labels take away from the information and converges superlinearly.

    The first `warm_up` steps are EM's own: far from a maximum its caution finds better
    ones. So are twice as many after a dispersion reached its floor: while an expert
    collapses, extrapolation would blow up differences of rounding. Each proposal is
    judged by the E-step that follows. One that lowers the objective is shortened, then
    replaced by EM's own step (shortened too, if its Newton step for the gate went too
    far): the objective never falls.

    Parameters
    ----------
    memory : int, default=20
        Pairs of differences kept; 0: EM without acceleration.
    warm_up : int, default=10
        Plain steps before the first accelerated one.

    References
    ----------
    .. [1] Jamshidian, M. & Jennrich, R. I. (1997). "Acceleration of the EM algorithm by
       using quasi-Newton methods". JRSS B 59(3), 569-587.
    .. [2] Nocedal, J. & Wright, S. J. (2006). Numerical Optimization, algorithm 7.4.
       Springer.
    """

    SHORTEN = 0.25
    MAX_TRIALS = 3
    MAX_EM_TRIALS = 20

    def __init__(self, memory=20, warm_up=10):
        self.memory = memory
        self.warm_up = warm_up
        self.pairs = []
        self.n_steps = 0
        self.position = None
        self.score = None
        self.smooth = True
        self.length = 1.0
        self.predicted_gain = None

    def advance(self, state, expectation):
        """Propose the next state."""
        position = state.parameters
        local = state.local_model(expectation)
        self._remember(position, local)
        self.em_move = local.target - position
        self.move, self.trials = self.em_move, 0
        self.predicted_gain = None
        self.n_steps += 1
        if not local.smooth:
            self.pairs, self.n_steps = [], -self.warm_up
        elif self.pairs and self.n_steps > self.warm_up:
            self._accelerate(local)
        state.parameters = position + self.move

    def retreat(self, state):
        """Shorten a proposal that lowered the bound; return False if none is left."""
        self.trials += 1
        if self.move is not self.em_move and self.trials <= self.MAX_TRIALS:
            self.length *= self.SHORTEN
            state.parameters = self.position + self.length * self.move
            return True
        if self.move is not self.em_move:
            self.pairs, self.move, self.trials, self.length = [], self.em_move, 0, 1.0
        else:
            self.length /= 2
        if self.trials > self.MAX_EM_TRIALS:
            state.parameters = self.position
            return False
        state.parameters = self.position + self.length * self.em_move
        return True

    def _remember(self, position, local):
        self.length, score = 1.0, local.score
        if self.position is not None and self.memory and self.smooth:
            moved, change = position - self.position, self.score - score
            curvature = moved @ change
            # Term by term, because the terms have one unit and the parameters have not.
            if curvature > 1e-12 * np.abs(moved * change).sum():
                self.pairs = [*self.pairs, (moved, change, curvature)][-self.memory :]
        self.position, self.score, self.smooth = position, score, local.smooth

    def _accelerate(self, local):
        direction = self._two_loops(local)
        slope = local.score @ direction
        if slope > 0 and np.all(np.isfinite(direction)):
            self.move = direction
            self.predicted_gain = 0.5 * slope
        else:
            self.pairs = []

    def _two_loops(self, local):
        vector, multipliers = local.score.copy(), []
        for moved, change, curvature in reversed(self.pairs):
            multipliers.append(moved @ vector / curvature)
            vector -= multipliers[-1] * change
        direction = local.solve(vector)
        for (moved, change, curvature), multiplier in zip(
            self.pairs, reversed(multipliers), strict=True
        ):
            direction += moved * (multiplier - change @ direction / curvature)
        return direction
