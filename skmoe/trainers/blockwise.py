# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Parts of the model whose EM steps are sums over rows."""

from abc import abstractmethod
from typing import Any

import numpy as np

from skmoe.numerics.batches import block_batches
from skmoe.numerics.packed import unpack_grams
from skmoe.rows.design import Design
from skmoe.trainers.local_model import Parametric


class Blockwise(Parametric):
    """A parametric trainer that contributes to an EM step block by block.

    In one pass over the rows, each block of the `design` is read once: `evaluate`
    gives the E-step its log terms; once responsibilities are known, `moments` gives
    what the M-step sums over rows, and with which weights it wants Gram matrices of the
    columns; when all blocks are added, `local_model` turns the sums into the step.
    Nothing of the size of the data is kept.

    A part that meets others which are not sums over rows (a tree beside a linear
    gate) runs the same methods block by block with the responsibilities it is given.

    Subclasses have `design`, `total` (sum of the sample weights), `penalty`,
    `parameters`, `n_curvatures` (Gram matrices per row), and the methods below.
    """

    design: Design
    total: float
    penalty: float
    n_curvatures = 1
    #: Name by which `skmoe.kernels.compiled_pass` knows the trainer; None: it does not.
    #: A subclass that changes what a pass sums has to set it to None.
    kernel: str | None = None

    def kernel_arguments(self, rows):
        """Return what the compiled pass needs of the trainer, for a slice of rows."""
        raise TypeError(f"{type(self).__name__} has no compiled pass.")

    @property
    def blockwise(self):
        """The trainer itself: its steps are sums over rows."""
        return self

    @abstractmethod
    def evaluate(self, block, rows):
        """Log terms of the E-step, (K, n), first of a tuple; then what `moments` needs.

        `rows` is the slice of the block, for what a part has per row besides X.
        """

    @abstractmethod
    def moments(self, block, rows, evaluated, responsibilities):
        """Sums over the block's rows, a list of arrays, and Gram weights (q, n).

        `responsibilities` (K, n) are multiplied by the sample weights.
        """

    @abstractmethod
    def local_model(self, sums, grams):
        """The `LocalModel` that the sums over all rows amount to; `grams` (q, p, p)."""

    def batches(self):
        """Slices of rows, short enough for the cache."""
        n_samples = self.design.X.shape[0]
        return block_batches(0, n_samples, self.design.n_columns, self.n_curvatures)

    def log_terms(self):
        """Log terms of all rows, (n, K), rows contiguous."""
        blocks = [
            self.evaluate(self.design.block(rows), rows)[0] for rows in self.batches()
        ]
        return np.concatenate(blocks, axis=1).T

    def value_and_local_model(self, responsibilities):
        """`expected` at responsibilities (n, K), and the `LocalModel` from here."""
        value = 0.0
        totals: Any = None  # an empty sum
        for rows in self.batches():
            block = self.design.block(rows)
            evaluated = self.evaluate(block, rows)
            share = np.ascontiguousarray(responsibilities[rows].T)
            value += np.vdot(share, evaluated[0])
            sums, weights = self.moments(block, rows, evaluated, share)
            totals = add(totals, [sums, block.grams(weights)])
        sums, grams = totals
        local = self.local_model(sums, unpack_grams(grams, self.design.n_columns))
        return float(value) / self.total - self.penalty, local

    def expected(self, responsibilities):
        """Mean expected log term minus the penalty."""
        value = 0.0
        for rows in self.batches():
            log_terms = self.evaluate(self.design.block(rows), rows)[0]
            value += np.vdot(responsibilities[rows].T, log_terms)
        return float(value) / self.total - self.penalty


def add(sums, more):
    """Add nested lists of arrays in place; None is an empty sum."""
    if sums is None:
        return more
    if isinstance(sums, np.ndarray):
        sums += more
        return sums
    return [add(one, other) for one, other in zip(sums, more, strict=True)]
