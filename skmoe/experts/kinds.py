# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The kinds of experts there are, and which of them fits a model."""

from inspect import isclass

from sklearn.linear_model import LinearRegression

from skmoe.experts.base import BaseExperts
from skmoe.experts.crossfit import CrossFittedExperts, check_cross_fitted
from skmoe.experts.estimators import EstimatorExperts
from skmoe.experts.generalized import GeneralizedLinearRegressor
from skmoe.experts.glm import GLMExperts
from skmoe.experts.linear import LinearExperts
from skmoe.experts.logistic import LogisticExperts
from skmoe.experts.nested import NestedExperts
from skmoe.experts.pooled import check_pooled
from skmoe.experts.sparse import SparseLinearExperts
from skmoe.experts.stacked import StackedExperts

#: Most special first; the first whose `accepts` says yes is taken. A new kind of the
#: library is one file and one line here; others call `register_experts`.
EXPERT_KINDS: list[type[BaseExperts]] = [
    LinearExperts,
    LogisticExperts,
    GLMExperts,
    SparseLinearExperts,
    NestedExperts,
    EstimatorExperts,
]


def register_experts(kind):
    """Let every later fit ask this kind of experts first; return it.

    Parameters
    ----------
    kind : subclass of BaseExperts
        Its `accepts` must refuse whatever it does not fit exactly as asked.

    Returns
    -------
    type
        The same class, so that this can be its decorator.

    Raises
    ------
    TypeError
        If `kind` is not a class that derives from `BaseExperts`.
    """
    if not (isclass(kind) and issubclass(kind, BaseExperts)):
        raise TypeError(
            "A kind of experts must be a class that derives from "
            f"skmoe.experts.BaseExperts. Got {kind!r}."
        )
    if kind not in EXPERT_KINDS:
        EXPERT_KINDS.insert(0, kind)
    return kind


def unregister_experts(kind):
    """Undo `register_experts`.

    Parameters
    ----------
    kind : subclass of BaseExperts
        One that was registered.

    Raises
    ------
    ValueError
        If it was not.
    """
    if kind not in EXPERT_KINDS:
        raise ValueError(f"{kind!r} is not registered; kinds are {EXPERT_KINDS}.")
    EXPERT_KINDS.remove(kind)


def kind_of(setup):
    """Return the kind of experts for an `ExpertSetup`.

    Raises
    ------
    ValueError
        If no kind accepts it.
    """
    if setup.is_cross_fitted:
        check_cross_fitted(setup)
        check_pooled(setup)
        return CrossFittedExperts
    for kind in EXPERT_KINDS:
        if kind.accepts(setup):
            if kind is not LinearExperts:
                check_pooled(setup)
            if issubclass(kind, StackedExperts):
                _check_settings(setup)
            return kind
    raise ValueError(
        "offset_feature is added to the scores of linear experts, which these are not: "
        f"{setup.templates[0]!r}. Use experts=None, LinearRegression() where the "
        "family's link is the identity, or GeneralizedLinearRegressor()."
    )


def _check_settings(setup):
    """Raise for settings that the experts' own `fit`, which is not run, refuses."""
    for template, family in zip(setup.templates, setup.families, strict=True):
        if not family.is_background:
            template._validate_params()


def default_expert(family):
    """The linear expert of a family."""
    if family.link == "identity":
        return LinearRegression()
    return GeneralizedLinearRegressor()
