# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Rows gone through in chunks, so that what K experts say of all is never held."""

import numpy as np

from skmoe.numerics.batches import row_batches
from skmoe.numerics.threads import one_blas_thread

# Numbers that a chunk of rows holds and makes: they stay in the second-level cache.
CHUNK_SIZE = 2**17
# Chunks of fewer rows would be all overhead.
MIN_ROWS = 256


def by_rows(mixture, function, inputs, *others, order="F"):
    """Return ``function(gate_scores, expert_X, *others)``, a tuple of arrays of n rows.

    Linear experts go through chunks of rows. Other experts see all rows at once: their
    own `predict` knows best, and a call of it costs more than a linear chunk.
    """
    gate_X, expert_X = inputs
    n_samples, size = expert_X.shape[0], _chunk_rows(mixture)
    if n_samples <= size:
        return function(mixture.gate.scores(gate_X, order), expert_X, *others)
    gate_scores = _gate_scores(mixture.gate, gate_X, order)

    def chunk(rows):
        chosen = (other[rows] for other in others)
        return function(gate_scores(rows), expert_X[rows], *chosen)

    with one_blas_thread:
        return fill(chunk, n_samples, size)


def _chunk_rows(mixture):
    """Rows of a chunk, by what it holds: X, predictions and gate probabilities."""
    per_row = mixture.experts.numbers_per_row
    if per_row is None:
        return np.inf
    return max(MIN_ROWS, CHUNK_SIZE // (per_row + mixture.n_experts))


def _gate_scores(gate, X, order):
    """``scores(rows)`` of the gate; one that is not linear is asked only once."""
    if gate.numeric:
        return lambda rows: gate.scores(X[rows], order)
    return gate.scores(X, order).__getitem__


def fill(function, n_samples, size):
    """Return ``function(rows)``, a tuple of arrays, joined from slices of rows."""
    results = None
    for rows in row_batches(0, n_samples, size):
        parts = function(rows)
        if results is None:
            results = tuple(
                np.empty((n_samples, *part.shape[1:]), dtype=part.dtype)
                for part in parts
            )
        for result, part in zip(results, parts, strict=True):
            result[rows] = part
    return results
