# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Experts: m_k(x), K models of the response, fitted together."""

from skmoe.experts.base import BaseExperts, ExpertsTrainer
from skmoe.experts.estimators import EstimatorExperts
from skmoe.experts.linear import LinearExperts
from skmoe.experts.logistic import LogisticExperts

#: Kinds of experts, most special first; the first whose `accepts` says yes is taken.
#: A new kind is one file and one line here.
EXPERT_KINDS = (LinearExperts, LogisticExperts, EstimatorExperts)

__all__ = [
    "EXPERT_KINDS",
    "BaseExperts",
    "EstimatorExperts",
    "ExpertsTrainer",
    "LinearExperts",
    "LogisticExperts",
]
