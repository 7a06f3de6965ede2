# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The combination that has a whole pass compiled: lines, softmax gate, dense X."""

from functools import partial

import numpy as np

from skmoe.experts.linear import LinearTrainer
from skmoe.gates.softmax import SoftmaxTrainer


def compiled_pass(gate, experts, weights):
    """``sums(rows)`` of a `SummedMixture` in one call, or None where there is none.

    A task's rows of X are copied unless they are writable doubles in C order. The
    products of all pairs of columns are formed, so there must be weights enough to
    share them.
    """
    if not (
        type(gate) is SoftmaxTrainer
        and type(experts) is LinearTrainer
        and gate.design is experts.design
        and gate.design.kernels.COMPILED
        and isinstance(gate.design.X, np.ndarray)
    ):
        return None
    n_grams = gate.n_curvatures + experts.n_curvatures
    if gate.design.n_columns > gate.design.kernels.PAIRS_COLUMNS * n_grams:
        return None
    # It needs numba, which is there if the kernels are compiled.
    from skmoe.kernels.numba_pass import normal_softmax_pass

    return partial(_sums, normal_softmax_pass, gate, experts, weights)


def _sums(run, gate, experts, weights, rows):
    design = gate.design
    return run(
        design.X[rows],
        experts.y[rows],
        weights[rows],
        design.center,
        design.inverse_scale,
        gate.V,
        experts.B.reshape(-1, design.n_columns),
        experts.dispersions,
        gate.is_newton,
    )
