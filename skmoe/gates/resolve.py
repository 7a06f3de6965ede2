# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The gate that a user's parameter stands for."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from skmoe._compat import _safe_indexing
from skmoe.gates.base import BaseGate
from skmoe.gates.classifier import ClassifierGate
from skmoe.gates.pipeline import PipelineGate
from skmoe.gates.softmax import SoftmaxGate

# Rows by which a user's gate is checked.
ROWS = 50


def check_gate(gate):
    """Return the gate that a user's `gate` stands for; say what is missing."""
    if gate is None:
        return SoftmaxGate()
    if isinstance(gate, Pipeline) and isinstance(gate.steps[-1][1], BaseGate):
        return PipelineGate(gate)
    if isinstance(gate, BaseGate):
        check_overrides(gate)
        return gate
    missing = [name for name in ("fit", "predict_proba") if not hasattr(gate, name)]
    if missing or not is_classifier(gate):
        raise TypeError(
            f"gate={gate!r} cannot be a gate. It must be None, a gate of skmoe.gates, "
            "a classifier with fit and predict_proba, or a Pipeline ending in either"
            + (f"; missing: {', '.join(missing)}." if missing else ".")
        )
    return ClassifierGate(gate)


def check_overrides(gate):
    """Raise ValueError where a gate would be trained as one that it no longer is.

    A subclass that changes `predict_log_proba` only would be fitted by the inherited
    trainer, and asked for the inherited `scores`, which know nothing of the change.
    """
    order = type(gate).__mro__

    def owner(name):
        return next(k for k, kind in enumerate(order) if name in vars(kind))

    own = owner("predict_log_proba")
    stale = [
        name
        for name in ("trainer", "scores")
        if owner(name) > own and order[owner(name)] is not BaseGate
    ]
    if stale:
        raise ValueError(
            f"gate={gate!r} overrides predict_log_proba but inherits "
            f"{' and '.join(stale)} of {order[owner(stale[0])].__name__}, which EM and "
            "predictions use: override these as well, or derive from BaseGate."
        )


def check_probabilities(gate, X):
    """Raise ValueError where a user's fitted gate gives no probabilities for rows X."""
    if type(gate).__module__.startswith("skmoe.") or not X.shape[0]:
        return
    sums = np.exp(
        gate.predict_log_proba(_safe_indexing(X, np.arange(min(X.shape[0], 50))))
    )
    sums = sums.sum(axis=1)
    if not np.allclose(sums, 1.0, atol=1e-6):
        raise ValueError(
            f"The probabilities of gate {gate!r} must add up to one in each row. Got "
            f"sums from {sums.min():.3g} to {sums.max():.3g}: predict_log_proba must "
            "return logarithms of normalised probabilities."
        )
