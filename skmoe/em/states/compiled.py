# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The pass over the rows as one compiled call, where there is one."""

import numpy as np

from skmoe.kernels import compiled_pass


def compiled_sums(gate, experts, weights):
    """Return ``sums(rows)`` of a `SummedMixture` in one call, or None without a pass.

    A task's rows of X are copied unless they are writable doubles in C order. The
    products of all pairs of columns are formed, so there must be weights enough to
    share them.

    Parameters
    ----------
    gate, experts : Blockwise
        Two trainers, known to the kernels by their `kernel`.
    weights : ndarray of shape (n,)
    """
    design = gate.design
    if not (
        design is experts.design
        and design.kernels.COMPILED
        and isinstance(design.X, np.ndarray)
    ):
        return None
    n_grams = gate.n_curvatures + experts.n_curvatures
    if design.n_columns > design.kernels.PAIRS_COLUMNS * n_grams:
        return None
    run = compiled_pass(gate.kernel, experts.kernel)
    if run is None:
        return None

    def sums(rows):
        return run(
            design.X[rows],
            weights[rows],
            design.center,
            design.inverse_scale,
            gate.kernel_arguments(rows),
            experts.kernel_arguments(rows),
        )

    return sums
