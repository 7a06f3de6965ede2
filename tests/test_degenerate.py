# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Data on which a naive EM breaks: a finite result, a warning or a clear error."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Perceptron,
    Ridge,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.datasets import load_penguins
from skmoe.gates import ConstantGate, SoftmaxGate
from tests.shared import assert_never_falls

BOTH = [MixtureOfExpertsRegressor, MixtureOfExpertsClassifier]
COLLAPSE = pytest.mark.filterwarnings("ignore:The dispersions of experts")
CUT_OFF = pytest.mark.filterwarnings("ignore:EM did not converge")
# An unbounded likelihood: what counts is that the result is finite.
SPURIOUS = [COLLAPSE, CUT_OFF]


def assert_finite(model, X, y):
    for values in (
        model.lower_bounds_,
        model.gate_proba(X),
        model.predict_experts(X),
        model.score_samples(X, y),
        model.responsibilities(X, y),
        getattr(model, "dispersions_", 1.0),
    ):
        assert np.all(np.isfinite(values))
    assert_never_falls(model.lower_bounds_)


def target(estimator, y):
    """Numbers for the regressor, two classes for the classifier."""
    return (
        y if estimator is MixtureOfExpertsRegressor else (y > np.median(y)).astype(int)
    )


# -- finite results -------------------------------------------------------------------


DEAD = np.tile([0.5, 0.5 - 1e-14, 1e-14], (150, 1))


@pytest.mark.parametrize("estimator", BOTH)
def test_dead_expert_is_warned_of(regression, estimator):
    X, y = regression
    y = target(estimator, y)
    model = estimator(init=DEAD, gate=ConstantGate())
    with pytest.warns(UserWarning, match=r"Experts \[2\] have lost all rows"):
        model.fit(X, y)
    assert_finite(model, X, y)


@pytest.mark.filterwarnings("ignore:Experts")  # it may come back to life
@COLLAPSE
@CUT_OFF
@pytest.mark.parametrize("experts", [None, Ridge(), DecisionTreeRegressor(max_depth=2)])
@pytest.mark.parametrize("assignment", ["soft", "hard", "stochastic"])
def test_dead_expert_stays_finite(regression, experts, assignment):
    X, y = regression
    model = MixtureOfExpertsRegressor(
        experts, init=DEAD, assignment=assignment, random_state=0, max_iter=20
    ).fit(X, y)
    assert_finite(model, X, y)


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")  # KMeans says so
@CUT_OFF
@pytest.mark.parametrize("experts", [None, DecisionTreeRegressor(max_depth=2)])
def test_fewer_clusters_than_experts(experts):
    X = np.repeat([[0.0], [1.0]], 30, axis=0)
    y = X[:, 0] + 0.1 * np.random.RandomState(0).normal(size=60)
    model = MixtureOfExpertsRegressor(experts, init="kmeans", random_state=0)
    model.set_params(max_iter=20).fit(X, y)
    assert_finite(model, X, y)


@pytest.mark.parametrize("experts", [None, DecisionTreeRegressor(max_depth=2)])
def test_rows_of_weight_zero_are_dropped_from_init_too(regression, experts):
    X, y = regression
    weights = np.random.RandomState(0).randint(0, 2, size=150)
    kept = weights > 0
    labels = (X[:, 0] > 0).astype(int)
    settings = {"n_experts": 2, "random_state": 0, "tol": 1e-3}
    for init in (labels, np.eye(2)[labels]):
        model = MixtureOfExpertsRegressor(experts, init=init, **settings)
        dropped = MixtureOfExpertsRegressor(experts, init=init[kept], **settings)
        model.fit(X, y, sample_weight=weights)
        dropped.fit(X[kept], y[kept])
        assert_allclose(model.lower_bounds_, dropped.lower_bounds_)


@COLLAPSE
@CUT_OFF
@pytest.mark.parametrize("experts", [None, DecisionTreeRegressor()])
def test_zero_variance(experts):
    X = np.linspace(-1, 1, 60)[:, None]
    y = np.abs(X[:, 0])
    model = MixtureOfExpertsRegressor(experts, n_experts=2, random_state=0).fit(X, y)
    assert_finite(model, X, y)
    assert model.dispersions_.min() >= 1e-3 * y.std() * (1 - 1e-9)


def test_a_collapsed_dispersion_is_warned_of():
    X = np.linspace(-1, 1, 60)[:, None]
    with pytest.warns(UserWarning, match=r"experts \[0, 1\] have collapsed.*reg_disp"):
        MixtureOfExpertsRegressor(n_experts=2).fit(X, np.abs(X[:, 0]))


@pytest.mark.parametrize("alpha", [0.0, 1e-4])
@CUT_OFF
def test_separable_gate(alpha):
    X = np.r_[np.linspace(-2, -1, 40), np.linspace(1, 2, 40)][:, None]
    noise = 0.05 * np.random.RandomState(0).normal(size=80)
    y = np.where(X[:, 0] > 0, 10 + X[:, 0], -X[:, 0]) + noise
    model = MixtureOfExpertsRegressor(n_experts=2, gate=SoftmaxGate(alpha)).fit(X, y)
    assert_finite(model, X, y)
    assert model.score(X, y) > 0.99
    assert np.all(np.isfinite(model.gate_.coef_))


@pytest.mark.parametrize("alpha", [0.0, 1e-4])
@CUT_OFF
def test_separable_classes(alpha):
    X = np.linspace(-2, 2, 80)[:, None]
    y = (np.abs(X[:, 0]) > 1).astype(int)
    model = MixtureOfExpertsClassifier(
        LogisticRegression(C=np.inf), n_experts=2, gate=SoftmaxGate(alpha)
    ).fit(X, y)
    assert_finite(model, X, y)
    assert model.score(X, y) > 0.95


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("sparse", [False, True])
def test_constant_and_duplicated_columns_change_nothing(regression, estimator, sparse):
    X, y = regression
    y = target(estimator, y)
    wide = np.column_stack([X, np.full(150, 0.1), X, np.zeros(150)])
    wide = sp.csr_array(wide) if sparse else wide
    settings = {"n_experts": 2, "gate": SoftmaxGate(0.0), "max_iter": 2000}
    if estimator is MixtureOfExpertsClassifier:
        settings["experts"] = LogisticRegression(C=np.inf)
    model = estimator(tol=1e-10, **settings)
    mixture = estimator.predict
    if estimator is MixtureOfExpertsClassifier:
        mixture = estimator.predict_proba
    model.fit(X, y)
    bound, gate, answer = model.lower_bound_, model.gate_proba(X), mixture(model, X)
    model.fit(wide, y)
    assert_finite(model, wide, y)
    assert_allclose(model.lower_bound_, bound, atol=1e-7)
    assert_allclose(model.gate_proba(wide), gate, atol=1e-3)
    assert_allclose(mixture(model, wide), answer, atol=2e-3)
    # A constant column must not hide an intercept in a huge coefficient.
    assert np.abs(model.gate_.coef_).max() < 1e6


@COLLAPSE
@CUT_OFF
@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("sparse", [False, True])
def test_fewer_rows_than_columns(estimator, sparse):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(12, 30)), rng.normal(size=12)
    X, y = sp.csr_array(X) if sparse else X, target(estimator, y)
    model = estimator(n_experts=2, max_iter=40).fit(X, y)
    assert_finite(model, X, y)
    assert_allclose(model.score_samples(X, y).sum(), model.log_likelihood_, rtol=1e-6)


@COLLAPSE
@pytest.mark.parametrize("value", [0.0, 7.0, 1e8])
@pytest.mark.parametrize("experts", [None, DecisionTreeRegressor(max_depth=2)])
def test_constant_y(regression, value, experts):
    X, y = regression[0], np.full(150, value)
    model = MixtureOfExpertsRegressor(experts, n_experts=2, random_state=0).fit(X, y)
    assert_finite(model, X, y)
    assert_allclose(model.predict(X), value, rtol=1e-8, atol=1e-8)


@COLLAPSE
def test_one_row():
    model = MixtureOfExpertsRegressor(n_experts=1).fit([[1.0, 2.0]], [3.0])
    assert_finite(model, np.array([[1.0, 2.0]]), np.array([3.0]))
    assert_allclose(model.predict([[1.0, 2.0], [5.0, 5.0]]), 3.0)


@COLLAPSE
@CUT_OFF
@pytest.mark.parametrize("estimator", BOTH)
def test_equal_rows(estimator):
    X, y = np.ones((30, 2)), np.arange(30.0)
    y = target(estimator, y)
    model = estimator(n_experts=3).fit(X, y)
    assert_finite(model, X, y)


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("gate_features", [None, []])
@pytest.mark.parametrize("expert_features", [None, []])
def test_no_columns(regression, estimator, gate_features, expert_features):
    X, y = regression
    y = target(estimator, y)
    model = estimator(
        n_experts=2, gate_features=gate_features, expert_features=expert_features
    ).fit(X, y)
    assert_finite(model, X, y)
    if gate_features == []:
        assert np.ptp(model.gate_proba(X), axis=0).max() < 1e-12
    if expert_features == []:
        assert np.ptp(model.predict_experts(X), axis=0).max() < 1e-12


@pytest.mark.parametrize("x_scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize("y_scale", [1e-8, 1e8])
@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_regression_is_equivariant_to_units(regression, x_scale, y_scale, shift):
    X, y = regression
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    scaled = MixtureOfExpertsRegressor(n_experts=2)
    X_scaled, y_scaled = (X + shift) * x_scale, (y + shift) * y_scale
    scaled.fit(X_scaled, y_scaled)
    assert scaled.n_iter_ == pytest.approx(model.n_iter_, abs=2)
    assert_allclose(scaled.gate_proba(X_scaled), model.gate_proba(X), atol=1e-5)
    prediction = scaled.predict(X_scaled) / y_scale - shift
    assert_allclose(prediction, model.predict(X), atol=1e-5)
    assert_allclose(scaled.dispersions_ / y_scale, model.dispersions_, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_classification_is_equivariant_to_units(classification, scale):
    X, y = classification
    experts = LogisticRegression(C=np.inf)
    model = MixtureOfExpertsClassifier(experts, n_experts=2).fit(X, y)
    scaled = MixtureOfExpertsClassifier(experts, n_experts=2).fit(X * scale, y)
    assert_allclose(scaled.predict_proba(X * scale), model.predict_proba(X), atol=1e-5)


def test_single_class_experts_of_hard_em():
    X = np.r_[np.linspace(-2, -1, 40), np.linspace(1, 2, 40)][:, None]
    y = np.where(X[:, 0] > 0, "right", "left")
    for experts in (None, GaussianNB(), DecisionTreeClassifier()):
        model = MixtureOfExpertsClassifier(
            experts, n_experts=2, assignment="hard", init=(X[:, 0] > 0).astype(int)
        ).fit(X, y)
        assert_finite(model, X, y)
        assert_array_equal(model.predict(X), y)


def test_a_spurious_maximum_is_not_returned_where_an_interior_one_was_found():
    """Two coinciding pairs of rows let a line of its own go through them exactly."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 1))
    y = np.where(X[:, 0] > 0, 2, -2) * X[:, 0] + 0.3 * rng.normal(size=60)
    spurious = np.full((60, 2), [1.0, 0.0])
    spurious[[3, 4]] = [0.0, 1.0]
    interior = np.eye(2)[(X[:, 0] > 0).astype(int)]
    starts = iter([spurious, interior])

    def init(X, y, n_experts, random_state):
        return next(starts)

    settings = {"n_experts": 2, "gate": ConstantGate(), "random_state": 0}
    with pytest.warns(UserWarning, match=r"experts \[1\] have collapsed"):
        alone = MixtureOfExpertsRegressor(init=spurious, **settings).fit(X, y)
    model = MixtureOfExpertsRegressor(init=init, n_init=2, **settings).fit(X, y)
    assert alone.dispersions_.min() < 0.01
    assert model.dispersions_.min() > 0.1


# -- clear errors ---------------------------------------------------------------------


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_numbers(regression, estimator, value):
    X, y = regression
    bad_X = X.copy()
    bad_X[3, 1] = value
    y = target(estimator, y).astype(float)
    bad_y = np.where(np.arange(150) == 5, value, y)
    word = "NaN" if np.isnan(value) else "infinity"
    with pytest.raises(ValueError, match=f"Input X contains {word}"):
        estimator().fit(bad_X, y)
    with pytest.raises(ValueError, match=f"Input y contains {word}"):
        estimator().fit(X, bad_y)
    with pytest.raises(ValueError, match=f"Input X contains {word}"):
        estimator(n_experts=2).fit(X, y).predict(bad_X)


def test_missing_values_reach_experts_and_gates_that_take_them(regression):
    X, y = regression
    X = np.where(X > 1.5, np.nan, X)
    experts = HistGradientBoostingRegressor(max_iter=3, max_leaf_nodes=4)
    gate = HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=4)
    model = MixtureOfExpertsRegressor(experts, n_experts=2, gate=gate, tol=0.1)
    assert np.all(np.isfinite(model.fit(X, y).predict(X)))
    with pytest.raises(ValueError, match=r"contains NaN[^~]*out of gate_features"):
        MixtureOfExpertsRegressor(experts, n_experts=2).fit(X, y)
    with pytest.raises(ValueError, match=r"contains NaN[^~]*out of expert_features"):
        MixtureOfExpertsRegressor(n_experts=2, gate=gate).fit(X, y)


def test_a_handful_of_rows_and_a_vanishing_dispersion_is_not_kept():
    X, y = load_penguins(return_X_y=True)
    model = MixtureOfExpertsRegressor(n_experts=3, n_init=20, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X[:, :3], y)
    assert model.dispersions_.min() > 0.05 * model.dispersions_.max()


@pytest.mark.parametrize("name", ["gate__alpha", "experts__alpha"])
def test_nested_parameters_of_a_default_part(name):
    part = name.partition("__")[0]
    with pytest.raises(ValueError, match=f"'{name}' cannot be set on {part}=None"):
        MixtureOfExpertsRegressor().set_params(**{name: 1.0})


def test_arrays_of_objects(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    objects = MixtureOfExpertsRegressor(n_experts=2)
    objects.fit(X.astype(object), y.astype(object))
    assert_array_equal(objects.predict(X.astype(object)), model.predict(X))
    for bad in (X.astype(str), np.full((150, 2), "a", dtype=object)):
        with pytest.raises(ValueError):
            objects.fit(np.char.add(bad.astype(str), "x"), y)
    with pytest.raises(ValueError):
        objects.fit(X, np.full(150, "a", dtype=object))


@pytest.mark.parametrize(
    ("y", "error", "match"),
    [
        (np.zeros(9), ValueError, r"inconsistent numbers of samples: \[10, 9\]"),
        (np.zeros((10, 1, 1)), ValueError, "dim 3"),
        (3.0, TypeError, "at least 1 dimension"),
        (None, ValueError, "requires y to be passed"),
    ],
)
@pytest.mark.parametrize("estimator", BOTH)
def test_y_of_a_wrong_shape(estimator, y, error, match):
    with pytest.raises(error, match=match):
        estimator(n_experts=1).fit(np.zeros((10, 2)), y)


def test_y_of_another_width_than_in_fit(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    with pytest.raises(ValueError, match=r"y has 2 target\(s\); the fit had 1"):
        model.score_samples(X, np.c_[y, y])


def test_classes_never_seen(classification):
    X, y = classification
    model = MixtureOfExpertsClassifier(n_experts=2).fit(X, y)
    with pytest.raises(ValueError, match=r"class .*7.*, which was not seen.*\[0, 1\]"):
        model.score_samples(X, np.full(150, 7))


@pytest.mark.parametrize("y", [np.zeros(10), ["a"] * 10])
def test_one_class(y):
    with pytest.raises(ValueError, match="contains one class"):
        MixtureOfExpertsClassifier().fit(np.zeros((10, 2)), y)


@pytest.mark.parametrize("estimator", BOTH)
def test_all_weights_zero_or_one_negative(regression, estimator):
    X, y = regression
    y = target(estimator, y)
    with pytest.raises(ValueError, match="at least one non-zero number"):
        estimator().fit(X, y, sample_weight=np.zeros(150))
    with pytest.raises(ValueError, match=r"Negative values.*sample_weight"):
        estimator().fit(X, y, sample_weight=np.arange(150) - 1)


@pytest.mark.parametrize("estimator", BOTH)
def test_more_experts_than_rows(regression, estimator):
    X, y = regression
    y = target(estimator, y)
    with pytest.raises(ValueError, match="n_samples=3 should be >= n_experts=4"):
        estimator(n_experts=4).fit(X[:3], y[:3])
    few = (np.arange(150) < 3).astype(float)
    with pytest.raises(ValueError, match="n_samples=3 should be >= n_experts=4"):
        estimator(n_experts=4).fit(X, y, sample_weight=few)


def test_no_columns_for_an_expert_that_needs_some(regression):
    trees = DecisionTreeRegressor()
    model = MixtureOfExpertsRegressor(trees, expert_features=[])
    with pytest.raises(ValueError, match=r"expert_features=\[\] selects no columns"):
        model.fit(*regression)


@pytest.mark.parametrize(
    ("experts", "error", "match"),
    [
        ([], ValueError, r"experts as a list must hold .* Got \[\]"),
        ([Ridge()], ValueError, r"experts as a list must hold .* Got \[Ridge\(\)\]"),
        ([("a", Ridge()), ("a", Ridge())], ValueError, "not unique"),
        ([("init", Ridge())], ValueError, "conflict with constructor arguments"),
        ([("a", Ridge()), ("b", 3)], TypeError, r"'b' \(3\).*missing: fit, predict"),
        (LogisticRegression(), TypeError, "is a classifier.* must be regressors"),
        (KernelRidge(kernel="precomputed"), ValueError, "wants pairwise distances"),
    ],
)
def test_experts_that_are_none(regression, experts, error, match):
    with pytest.raises(error, match=match):
        MixtureOfExpertsRegressor(experts).fit(*regression)


def test_all_experts_dropped(regression):
    with pytest.raises(ValueError, match="All experts are dropped"):
        MixtureOfExpertsRegressor([("a", "drop")]).fit(*regression)


def test_classifier_experts_need_probabilities(classification):
    with pytest.raises(TypeError, match=r"'expert0' .*missing: predict_proba"):
        MixtureOfExpertsClassifier(Perceptron()).fit(*classification)


def test_number_of_experts_contradicts_the_list(regression):
    experts = [("a", LinearRegression()), ("b", Ridge())]
    with pytest.raises(ValueError, match="n_experts=5 contradicts the list of 2"):
        MixtureOfExpertsRegressor(experts, n_experts=5).fit(*regression)
    model = MixtureOfExpertsRegressor([*experts, ("c", "drop")], n_experts=2)
    assert list(model.fit(*regression).named_experts_) == ["a", "b"]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_experts", 0),
        ("tol", -1.0),
        ("max_iter", 0),
        ("top_k", 0),
        ("init", "best"),
        ("assignment", "firm"),
        ("n_init", 0),
        ("reg_dispersion", 0.0),
        ("gate", 3),
    ],
)
def test_bad_parameters_are_named_with_their_value(regression, parameter, value):
    model = MixtureOfExpertsRegressor(**{parameter: value})
    with pytest.raises(ValueError, match=f"'{parameter}' parameter.*Got {value!r}"):
        model.fit(*regression)


def test_metadata_needs_routing(regression):
    with pytest.raises(ValueError, match=r"is not passed|enable_metadata_routing"):
        MixtureOfExpertsRegressor(Ridge()).fit(*regression, cost=np.ones(150))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("assignment", ["soft", "hard"])
@pytest.mark.parametrize("seed", [4, 6])
def test_the_likelihood_is_that_of_the_experts_given_out(assignment, seed):
    # Some experts have fewer rows than coefficients.
    rng = np.random.RandomState(seed)
    X, y = rng.normal(size=(100, 8)), rng.normal(size=100)
    model = MixtureOfExpertsRegressor(
        n_experts=8, gate=SoftmaxGate(0.0), assignment=assignment
    ).fit(X, y)
    total = model.score_samples(X, y).sum()
    assert_allclose(model.log_likelihood_, total, rtol=1e-7)
