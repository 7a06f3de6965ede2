# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Gates: g(x), the prior probability of each expert given the row."""

from skmoe.gates.base import BaseGate
from skmoe.gates.classifier import ClassifierGate
from skmoe.gates.constant import ConstantGate
from skmoe.gates.gaussian import GaussianGate
from skmoe.gates.hierarchical import HierarchicalGate
from skmoe.gates.pipeline import PipelineGate
from skmoe.gates.resolve import check_gate
from skmoe.gates.softmax import SoftmaxGate

__all__ = [
    "BaseGate",
    "ClassifierGate",
    "ConstantGate",
    "GaussianGate",
    "HierarchicalGate",
    "PipelineGate",
    "SoftmaxGate",
    "check_gate",
]
