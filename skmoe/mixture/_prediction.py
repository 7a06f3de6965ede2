# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What a fitted mixture says of X alone, and how its rows are gone through."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmoe._compat import _check_feature_names, _check_n_features
from skmoe.experts.stacked import StackedExperts
from skmoe.gates.softmax import SoftmaxGate
from skmoe.kernels import get_kernels
from skmoe.numerics.batches import TASK_ROWS, row_batches
from skmoe.numerics.routing import route_top_k
from skmoe.numerics.softmax import softmax
from skmoe.numerics.threads import one_blas_thread
from skmoe.rows.columns import as_numeric, is_frame, select_columns

# Numbers that a chunk of rows holds and makes: they stay in the second-level cache.
CHUNK_SIZE = 2**17
# Chunks of fewer rows would be all overhead.
MIN_ROWS = 256


class PredictionMixin:
    """Methods of both estimators that need X only."""

    def _check_fitted(self):
        if not hasattr(self, "experts_"):  # the check reads the tags of every expert
            check_is_fitted(self)

    def _check_predict_input(self, X):
        """What gate and experts get of X, each number validated."""
        self._check_fitted()
        selects = self._gate_columns is not None or self._expert_columns is not None
        if selects or is_frame(X) or not all(self._numeric):
            return self._inputs(self._check_X(X, reset=False), self.experts_)
        numbers = as_numeric(X, self, "gate_features")
        _check_feature_names(self, X, reset=False)
        _check_n_features(self, numbers, reset=False)
        return numbers, numbers

    def _by_rows(self, function, inputs, *others, order="F"):
        """``function(gate_scores, expert_X, *others)``, a tuple of arrays of n rows.

        Linear experts go through chunks of rows, so that what K experts say of n rows
        is never held. Other experts see all rows at once: their own `predict` knows
        best, and a call of it costs more than a linear chunk.
        """
        gate_X, expert_X = inputs
        n_samples, size = expert_X.shape[0], self._chunk_rows()
        if n_samples <= size:
            return function(self.gate_.scores(gate_X, order), expert_X, *others)
        gate_scores = self._gate_by_rows(gate_X, order)

        def chunk(rows):
            chosen = (other[rows] for other in others)
            return function(gate_scores(rows), expert_X[rows], *chosen)

        with one_blas_thread:
            return fill(chunk, n_samples, size)

    def _chunk_rows(self):
        """Rows of a chunk, by what it holds: X, predictions and gate probabilities."""
        if not isinstance(self._experts, StackedExperts):
            return np.inf
        per_row = sum(self._experts.coef.shape) + self.n_experts_
        return max(MIN_ROWS, CHUNK_SIZE // per_row)

    def _gate_by_rows(self, X, order):
        """``scores(rows)`` of the gate; one that is not linear is asked only once."""
        if self._numeric[0]:
            return lambda rows: self.gate_.scores(X[rows], order)
        return self.gate_.scores(X, order).__getitem__

    def _routed(self, function, X):
        """``function(weights, predictions, kept, X)`` over the experts of each row.

        Weights (n, k) sum to one, predictions are (n, k, ...), `kept` are the indices
        of the experts, and X are the rows as experts see them. Returns a tuple of
        arrays of n rows.
        """
        inputs = self._check_predict_input(X)
        if self.top_k is None or self.top_k >= self.n_experts_:

            def all_experts(scores, X):
                predictions = self._experts.predict(X)
                return function(softmax(scores), predictions, slice(None), X)

            return self._by_rows(all_experts, inputs)

        if self.top_k == 1 and self._is_compiled(inputs):
            return self._by_best(function, *inputs)

        def best_experts(scores, X):
            routing = route_top_k(scores, self.top_k)
            predictions = self._experts.predict_kept(X, routing.experts)
            return function(routing.weights, predictions, routing.experts, X)

        return self._by_rows(best_experts, inputs, order="C")

    def _is_compiled(self, inputs):
        """Whether routing to one linear expert runs as one compiled call."""
        size = inputs[1].shape[0] * self.n_experts_
        return (
            isinstance(self._experts, StackedExperts)
            and type(self.gate_) is SoftmaxGate
            and all(isinstance(X, np.ndarray) and X.shape[1] for X in inputs)
            and get_kernels(self.engine, size).COMPILED
        )

    def _by_best(self, function, gate_X, X):
        """`_routed` to each row's most probable linear expert, compiled."""
        from skmoe.kernels.numba_routing import best_linear

        gate, experts = self.gate_, self._experts

        def chunk(rows):
            best, scores = best_linear(
                gate_X[rows],
                X[rows],
                gate.coef_,
                gate.intercept_,
                experts.coef.T,
                experts.intercept,
            )
            kept = best[:, None]
            answers = experts.answers(scores[:, None, :], kept)
            return function(np.ones(kept.shape), answers, kept, X[rows])

        with one_blas_thread:
            return fill(chunk, X.shape[0], TASK_ROWS)

    def _gate_scores(self, X, order="F"):
        self._check_fitted()
        gate_X = select_columns(self._check_X(X, reset=False), self._gate_columns)
        if self._numeric[0]:
            gate_X = as_numeric(gate_X, self, "gate_features")
        return self.gate_.scores(gate_X, order)

    def gate_proba(self, X):
        """Prior probabilities g(x) of the experts.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to gate.

        Returns
        -------
        ndarray of shape (n_samples, n_experts)
            Rows sum to one. All experts, also with `top_k`.
        """
        return softmax(self._gate_scores(X))

    def apply(self, X):
        """Index of the most probable expert of each row, given X only.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to gate.

        Returns
        -------
        ndarray of shape (n_samples,)
            Integers; ties go to the lower index.
        """
        return self._gate_scores(X, order="C").argmax(axis=1)

    def predict_experts(self, X):
        """Return each expert's own answer for every row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_experts[, n_targets])
            Mean of y given each of the regressor's experts; of shape (n_samples,
            n_experts, n_classes), class probabilities, for the classifier's.
        """
        _, expert_X = self._check_predict_input(X)
        return self._squeeze(self._answers_of_experts(expert_X))

    def _answers_of_experts(self, X):
        return self._experts.predict(X)


def fill(function, n_samples, size):
    """``function(rows)``, a tuple of arrays, put together from slices of rows."""
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
