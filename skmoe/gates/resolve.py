# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The gate that a user's parameter stands for."""

from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from skmoe.gates.base import BaseGate
from skmoe.gates.classifier import ClassifierGate
from skmoe.gates.pipeline import PipelineGate
from skmoe.gates.softmax import SoftmaxGate


def check_gate(gate):
    """Return the gate that a user's `gate` stands for; say what is missing."""
    if gate is None:
        return SoftmaxGate()
    if isinstance(gate, Pipeline) and isinstance(gate.steps[-1][1], BaseGate):
        return PipelineGate(gate)
    if isinstance(gate, BaseGate):
        return gate
    missing = [name for name in ("fit", "predict_proba") if not hasattr(gate, name)]
    if missing or not is_classifier(gate):
        raise TypeError(
            f"gate={gate!r} cannot be a gate. It must be None, a gate of skmoe.gates, "
            "a classifier with fit and predict_proba, or a Pipeline ending in either"
            + (f"; missing: {', '.join(missing)}." if missing else ".")
        )
    return ClassifierGate(gate)
