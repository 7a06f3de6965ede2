# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Parts of the model that are vectors of numbers: what makes EM accelerable."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class LocalModel(NamedTuple):
    """The local view of the objective that one M-step computes anyway.

    Attributes
    ----------
    target : ndarray of shape (n_parameters,)
        Where an unguarded M-step would go.
    score : ndarray of shape (n_parameters,)
        Gradient of the observed, penalised mean log likelihood (Fisher's identity: it
        equals the gradient of the expected complete-data one).
    solve : callable
        ``solve(v)``: the inverse complete-data information times v.
    smooth : bool
        False where the move reaches or leaves a constraint (a dispersion on its floor):
        differences of scores then say nothing about curvature. A coordinate that stays
        on its constraint has score zero.
    """

    target: np.ndarray
    score: np.ndarray
    solve: Callable
    smooth: bool = True


class Parametric:
    """A trainer whose state is one flat vector, `parameters`.

    Subclasses implement the property `parameters`, ``expected(responsibilities)``, and
    ``value_and_local_model(responsibilities)``, the expectation and the `LocalModel`
    from here.
    """

    parameters: np.ndarray
    expected: Callable
    value_and_local_model: Callable

    def step(self, responsibilities):
        """One step that does not lower the expectation."""
        self.ascend(responsibilities)

    def ascend(self, responsibilities):
        """Go to the M-step's target, or as far towards it as the expectation rises.

        Returns the gain.
        """
        start = self.parameters
        before, local = self.value_and_local_model(responsibilities)
        move = local.target - start
        for _ in range(30):
            self.parameters = start + move
            after = self.expected(responsibilities)
            if after >= before - rounding(before):
                return after - before
            move = move / 2
        self.parameters = start
        return 0.0

    def snapshot(self):
        """Return the state as `restore` takes it."""
        return self.parameters

    def restore(self, snapshot):
        """Come back to a snapshot."""
        self.parameters = snapshot


def rounding(bound):
    """The difference between two bounds that only rounding explains."""
    return 1e-13 * max(1.0, abs(bound))
