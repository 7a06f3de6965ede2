# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Only the experts that matter for a row are run: top-k routing."""

import numpy as np

from skmoe.kernels import get_kernels
from skmoe.mixture.chunks import by_rows, fill
from skmoe.numerics.batches import TASK_ROWS
from skmoe.numerics.routing import route_top_k
from skmoe.numerics.softmax import softmax
from skmoe.numerics.threads import one_blas_thread


def routed(mixture, function, inputs, top_k=None, engine="auto"):
    """Return ``function(weights, predictions, kept, X)`` over the experts of each row.

    Weights (n, k) sum to one, predictions are (n, k, ...), `kept` are the indices of
    the experts, and X are the rows as experts see them.

    Parameters
    ----------
    mixture : FittedMixture
    function : callable
        Returns a tuple of arrays of n rows.
    inputs : Inputs
    top_k : int or None
        Experts run for each row, the most probable ones; None: all.
    engine : {'auto', 'numpy', 'numba'}
        Whether routing to one linear expert may run compiled.

    Returns
    -------
    tuple of ndarray
        What `function` returns.
    """
    experts = mixture.experts
    if top_k is None or top_k >= mixture.n_experts:

        def all_experts(scores, X):
            return function(softmax(scores), experts.predict(X), slice(None), X)

        return by_rows(mixture, all_experts, inputs)

    if top_k == 1 and _is_compiled(mixture, inputs, engine):
        return _by_best(mixture, function, inputs)

    def best_experts(scores, X):
        routing = route_top_k(scores, top_k)
        predictions = experts.predict_kept(X, routing.experts)
        return function(routing.weights, predictions, routing.experts, X)

    return by_rows(mixture, best_experts, inputs, order="C")


def _is_compiled(mixture, inputs, engine):
    """Return True if routing to one linear expert runs as one compiled call."""
    return (
        mixture.experts.linear_scores is not None
        and mixture.gate.linear_scores is not None
        and all(isinstance(X, np.ndarray) and X.shape[1] for X in inputs)
        and get_kernels(engine, inputs.n_samples * mixture.n_experts).COMPILED
    )


def _by_best(mixture, function, inputs):
    """`routed` to each row's most probable linear expert, compiled."""
    from skmoe.kernels.numba_routing import best_linear

    gate_X, X = inputs
    scores_of_both = *mixture.gate.linear_scores, *mixture.experts.linear_scores

    def chunk(rows):
        best, scores = best_linear(gate_X[rows], X[rows], *scores_of_both)
        kept = best[:, None]
        answers = mixture.experts.answers(scores[:, None, :], kept)
        return function(np.ones(kept.shape), answers, kept, X[rows])

    with one_blas_thread:
        return fill(chunk, X.shape[0], TASK_ROWS)
