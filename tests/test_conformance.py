# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's own checks of an estimator, without one expected failure."""

import importlib
import inspect
import os
import pkgutil
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import softmax
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_do_not_raise_errors_in_init_or_set_params,
    check_estimator_cloneable,
    check_estimator_repr,
    check_estimator_tags_renamed,
    check_get_params_invariance,
    check_no_attributes_set_in_init,
    check_param_validation,
    check_parameters_default_constructible,
    check_sample_weight_equivalence_on_dense_data,
    check_sample_weight_equivalence_on_sparse_data,
    check_set_params,
    check_valid_tag_types,
    parametrize_with_checks,
)

import skmoe
from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe._base import BaseMixtureOfExperts
from skmoe.experts import GeneralizedLinearRegressor, PooledRidge
from skmoe.families import FAMILIES, Categorical, Gaussian
from skmoe.families.own_density import OwnDensity
from skmoe.gates import (
    ClassifierGate,
    ConstantGate,
    GaussianGate,
    HierarchicalGate,
    PipelineGate,
    SoftmaxGate,
)
from skmoe.gates.base import SelectedGate
from skmoe.model_selection import ExpertCountSearch


def softmax_pipeline():
    # A scaler that is the same for weighted as for repeated rows.
    return make_pipeline(MaxAbsScaler(), SoftmaxGate())


# Each model passes every check that scikit-learn has for its kind. The only parameter
# value left out is assignment="stochastic", which draws one expert per row: there,
# weight two and the same row twice are different draws. As the models have a `cv`, the
# check of weights gives them one whose splits keep the copies of a row together (those
# of an integer do not); `without_cv` is checked below.
#
# Weights and repeated rows must agree to seven digits, which needs a tight `tol` where
# the maximum is flat. Parts that are refitted by solvers of their own converge as plain
# EM does, slowly, and no further than those solvers' tolerances: a loose `tol`.
TIGHT, LOOSE = 1e-11, 1e-3
own_solver = TransformedTargetRegressor(LinearRegression())

REGRESSORS = [
    MixtureOfExpertsRegressor(),
    MixtureOfExpertsRegressor(
        [("ols", LinearRegression()), ("ridge", Ridge())], tol=TIGHT
    ),
    MixtureOfExpertsRegressor(own_solver, 2, tol=LOOSE),
    MixtureOfExpertsRegressor(n_experts=2, assignment="hard"),
    MixtureOfExpertsRegressor(n_experts=2, top_k=1),
    MixtureOfExpertsRegressor(n_experts=2, n_init=2, random_state=0),
    MixtureOfExpertsRegressor(n_experts=2, search="split_merge", tol=LOOSE),
    MixtureOfExpertsRegressor(n_experts=2, gate=ConstantGate()),
    MixtureOfExpertsRegressor(n_experts=2, extrapolation="clip"),
    MixtureOfExpertsRegressor(n_experts=2, gate=LogisticRegression(), tol=LOOSE),
    MixtureOfExpertsRegressor(n_experts=2, gate=softmax_pipeline(), tol=TIGHT),
    MixtureOfExpertsRegressor(GeneralizedLinearRegressor(alpha=0.1), 2, tol=TIGHT),
    GeneralizedLinearRegressor(),
    PooledRidge(),
    ExpertCountSearch(MixtureOfExpertsRegressor(tol=TIGHT), [1, 2]),
]
CLASSIFIERS = [
    MixtureOfExpertsClassifier(),
    MixtureOfExpertsClassifier(
        [("strong", LogisticRegression(C=0.1)), ("plain", LogisticRegression())],
        tol=TIGHT,
    ),
    MixtureOfExpertsClassifier(
        [("linear", LogisticRegression()), ("nb", GaussianNB())], tol=LOOSE
    ),
    MixtureOfExpertsClassifier(n_experts=2, assignment="hard"),
    MixtureOfExpertsClassifier(n_experts=2, top_k=1),
    MixtureOfExpertsClassifier(n_experts=2, search="anneal", tol=TIGHT),
    # With cv its own solver fits the expert, whose default tolerance is 1e-4.
    MixtureOfExpertsClassifier(LogisticRegression(tol=1e-8), 2, gate=ConstantGate()),
    MixtureOfExpertsClassifier(n_experts=2, gate=LogisticRegression(), tol=LOOSE),
    MixtureOfExpertsClassifier(n_experts=2, gate=softmax_pipeline(), tol=TIGHT),
    ExpertCountSearch(MixtureOfExpertsClassifier(tol=TIGHT), [2, 1]),
]
MODELS = REGRESSORS + CLASSIFIERS
# Experts that `cv` refuses, which the check of weights would set.
POOLED = MixtureOfExpertsRegressor(PooledRidge(), 2, tol=TIGHT)
GATES = [
    SoftmaxGate(),
    ConstantGate(),
    ConstantGate(prior_rows=3.0),
    GaussianGate(),
    HierarchicalGate((2,)),
    ClassifierGate(LogisticRegression(tol=1e-10)),
    PipelineGate(softmax_pipeline()),
]
# Parts of a model that are estimators of their own.
FAMILY_PARTS = [
    Categorical(),
    OwnDensity([Gaussian()]),
    *(f() for f in FAMILIES.values()),
]
PARTS = [*GATES, *FAMILY_PARTS]


def name_of(value):
    """Return a short, unique test id for an estimator."""
    text = " ".join(repr(value).replace("MixtureOfExperts", "").split())
    return text if isinstance(value, BaseEstimator) else None


# -- the estimators --------------------------------------------------------------------


# pytest 9 wants a list where scikit-learn before 1.9 hands it a generator.
all_checks = parametrize_with_checks(MODELS).mark
names, pairs = all_checks.args


@pytest.mark.parametrize(names, list(pairs), **all_checks.kwargs)
def test_scikit_learn_check(estimator, check):
    with warnings.catch_warnings():
        if "sample_weight_equivalence" in check.func.__name__:
            # It sets `cv`, and experts are then refitted one by one: EM creeps towards
            # a tight `tol`. Both fits that it compares take the same steps.
            warnings.filterwarnings("ignore", message="EM did not converge")
        check(estimator)


def without_cv(model):
    """Return a copy whose parameters, for scikit-learn's check, have no `cv`."""

    class WithoutCv(type(model)):
        @classmethod
        def _get_param_names(cls):
            return [name for name in super()._get_param_names() if name != "cv"]

    parameters = model.get_params(deep=False)
    del parameters["cv"]
    return WithoutCv(**parameters)


WEIGHTED = [POOLED, *(m for m in MODELS if isinstance(m, BaseMixtureOfExperts))]
SPARSE = [m for m in WEIGHTED if get_tags(m).input_tags.sparse]
DENSE_ONLY = [m for m in WEIGHTED if not get_tags(m).input_tags.sparse]


@pytest.mark.parametrize("model", WEIGHTED, ids=name_of)
def test_weights_equal_repeated_rows_without_cv(model):
    check_sample_weight_equivalence_on_dense_data("Mixture", without_cv(model))


@pytest.mark.parametrize("model", SPARSE, ids=name_of)
def test_weights_equal_repeated_sparse_rows_without_cv(model):
    check_sample_weight_equivalence_on_sparse_data("Mixture", without_cv(model))


@pytest.mark.parametrize("model", DENSE_ONLY, ids=name_of)
def test_a_model_of_dense_parts_refuses_sparse_rows(model):
    X = sp.csr_matrix(np.random.RandomState(0).normal(size=(30, 3)))
    with pytest.raises((TypeError, ValueError), match=r"[Ss]parse|[Dd]ense"):
        clone(model).fit(X, np.arange(30) % 2)


# The checks that scikit-learn runs on itself and leaves out of `check_estimator`.


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_parameters_are_validated_by_name_type_and_range(model):
    check_param_validation(type(model).__name__, clone(model))


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_dataframe_column_names_are_remembered_and_compared(model):
    check_dataframe_column_names_consistency(type(model).__name__, clone(model))


# scikit-learn has this check since 1.9; older versions accept such weights.
@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_weights_that_are_all_zero_are_refused(model):
    X = np.random.RandomState(0).normal(size=(100, 20))
    y = (X[:, 0] > 0).astype(int)
    with pytest.raises(ValueError, match=r"weight.*zero|zero.*weight"):
        clone(model).fit(X, y, sample_weight=np.zeros(100))


# -- the parts -------------------------------------------------------------------------

# Checks that fit nothing: a gate's `fit` takes responsibilities (n_samples, n_experts)
# where scikit-learn's checks would pass targets, and a family has no `fit`.
CHECKS_WITHOUT_FIT = [
    check_estimator_cloneable,
    check_estimator_tags_renamed,
    check_valid_tag_types,
    check_estimator_repr,
    check_no_attributes_set_in_init,
    check_do_not_raise_errors_in_init_or_set_params,
    check_parameters_default_constructible,
    check_get_params_invariance,
    check_set_params,
]


@pytest.mark.parametrize("check", CHECKS_WITHOUT_FIT, ids=lambda check: check.__name__)
@pytest.mark.parametrize("part", PARTS, ids=name_of)
def test_part_passes_the_checks_that_fit_nothing(part, check):
    check(type(part).__name__, clone(part))


@pytest.mark.parametrize("gate", GATES, ids=name_of)
def test_gate_is_a_pure_function_of_its_rows_and_parameters(gate):
    X = np.random.RandomState(0).normal(size=(60, 3))
    soft = softmax(X[:, :2], axis=1)
    before = repr(gate.get_params())
    fitted = clone(gate)
    assert fitted.fit(X, soft) is fitted
    proba = fitted.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    np.testing.assert_allclose(fitted.predict_proba(X[::-1]), proba[::-1], atol=1e-12)
    np.testing.assert_array_equal(fitted.fit(X, soft).predict_proba(X), proba)
    assert repr(gate.get_params()) == repr(fitted.get_params()) == before


@pytest.mark.parametrize("gate", GATES, ids=name_of)
def test_weights_of_a_gate_are_repeated_rows(gate):
    rng = np.random.RandomState(0)
    X, soft = rng.normal(size=(30, 3)), rng.dirichlet(np.ones(2), size=30)
    weights = rng.randint(0, 4, size=30)
    weighted = clone(gate).fit(X, soft, sample_weight=weights)
    repeated = clone(gate).fit(X.repeat(weights, axis=0), soft.repeat(weights, axis=0))
    np.testing.assert_allclose(
        weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-6
    )


@pytest.mark.parametrize("gate", GATES, ids=name_of)
def test_gate_must_be_fitted_before_it_predicts(gate):
    with pytest.raises(NotFittedError):
        clone(gate).predict_proba(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("gate", "parameter"),
    [
        (SoftmaxGate(alpha=-1), "alpha"),
        (SoftmaxGate(alpha="strong"), "alpha"),
        (ClassifierGate(LinearRegression()), "estimator"),
        (ClassifierGate(LogisticRegression(), random_state="x"), "random_state"),
        (PipelineGate(LinearRegression()), "pipeline"),
    ],
    ids=name_of,
)
def test_parameters_of_a_gate_are_validated(gate, parameter):
    message = f"The '{parameter}' parameter of {type(gate).__name__} must be"
    with pytest.raises(ValueError, match=message):
        gate.fit(np.zeros((4, 2)), np.full((4, 2), 0.5))


# -- nothing public is forgotten -------------------------------------------------------


def public_estimators():
    """Return every public estimator class of the package, wherever it is defined."""
    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(skmoe.__path__, "skmoe.")
        if ".numba_" not in found.name  # no estimators, and numba may be absent
    ]
    return {
        value
        for module in modules
        for name, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, BaseEstimator)
        and value.__module__.startswith("skmoe.")
        and not name.startswith(("_", "Base"))
        and not inspect.isabstract(value)
        and value is not SelectedGate  # made by `select` only, of a fitted gate
    }


def test_every_public_estimator_is_checked_here():
    """An estimator, gate or family that is new has to be added to the lists above."""
    assert public_estimators() == {type(instance) for instance in MODELS + PARTS}


def test_models_are_of_the_kind_their_list_says():
    assert all(is_regressor(model) for model in REGRESSORS)
    assert all(is_classifier(model) for model in CLASSIFIERS)


def test_array_api_checks_are_not_skipped():
    assert os.environ.get("SCIPY_ARRAY_API") == "1"


# -- collapse --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "experts", [Ridge(), [("a", Ridge(0.1)), ("b", Ridge(1e-3))]], ids=["one", "two"]
)
def test_weights_equal_repeated_rows_while_dispersions_collapse(experts):
    """30 columns on 15 rows: extrapolated steps must not blow up rounding."""
    model = MixtureOfExpertsRegressor(experts)
    check_sample_weight_equivalence_on_dense_data("Mixture", without_cv(model))
