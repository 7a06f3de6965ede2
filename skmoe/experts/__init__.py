# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Experts: m_k(x), K models of the response, fitted together."""

from sklearn.linear_model import LinearRegression

from skmoe.experts.base import BaseExperts, ExpertsTrainer
from skmoe.experts.crossfit import CrossFittedExperts, check_cross_fitted
from skmoe.experts.estimators import EstimatorExperts
from skmoe.experts.generalized import GeneralizedLinearRegressor
from skmoe.experts.glm import GLMExperts
from skmoe.experts.linear import LinearExperts
from skmoe.experts.logistic import LogisticExperts
from skmoe.experts.nested import NestedExperts
from skmoe.experts.pooled import PooledRidge, check_pooled
from skmoe.experts.sparse import SparseLinearExperts
from skmoe.experts.stacked import StackedExperts

#: Kinds of experts, most special first; the first whose `accepts` says yes is taken.
#: A new kind is one file and one line here.
EXPERT_KINDS = (
    LinearExperts,
    LogisticExperts,
    GLMExperts,
    SparseLinearExperts,
    NestedExperts,
    EstimatorExperts,
)

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
]


def kind_of(task):
    """The kind of experts that fits a task."""
    if task.is_cross_fitted:
        check_cross_fitted(task)
        check_pooled(task)
        return CrossFittedExperts
    for kind in EXPERT_KINDS:
        if kind.accepts(task):
            if kind is not LinearExperts:
                check_pooled(task)
            if issubclass(kind, StackedExperts):
                _check_settings(task)
            return kind
    raise ValueError(
        "offset_feature is added to the scores of linear experts, which these are not: "
        f"{task.templates[0]!r}. Use experts=None, LinearRegression() where the "
        "family's link is the identity, or GeneralizedLinearRegressor()."
    )


def _check_settings(task):
    """Raise for settings that the experts' own `fit`, which is not run, refuses."""
    for template, family in zip(task.templates, task.families, strict=True):
        if not family.is_background:
            template._validate_params()


def default_expert(family):
    """The linear expert of a family."""
    if family.link == "identity":
        return LinearRegression()
    return GeneralizedLinearRegressor()
