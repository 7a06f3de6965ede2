# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Experts: m_k(x), K models of the response, fitted together."""

from skmoe.experts.base import BaseExperts, ExpertsTrainer
from skmoe.experts.crossfit import CrossFittedExperts
from skmoe.experts.estimators import EstimatorExperts
from skmoe.experts.generalized import GeneralizedLinearRegressor
from skmoe.experts.glm import GLMExperts
from skmoe.experts.kinds import (
    EXPERT_KINDS,
    default_expert,
    kind_of,
    register_experts,
    unregister_experts,
)
from skmoe.experts.linear import LinearExperts
from skmoe.experts.logistic import LogisticExperts
from skmoe.experts.nested import NestedExperts
from skmoe.experts.pooled import PooledRidge
from skmoe.experts.sparse import SparseLinearExperts

__all__ = [
    "EXPERT_KINDS",
    "BaseExperts",
    "CrossFittedExperts",
    "EstimatorExperts",
    "ExpertsTrainer",
    "GLMExperts",
    "GeneralizedLinearRegressor",
    "LinearExperts",
    "LogisticExperts",
    "NestedExperts",
    "PooledRidge",
    "SparseLinearExperts",
    "default_expert",
    "kind_of",
    "register_experts",
    "unregister_experts",
]
