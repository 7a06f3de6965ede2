# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What must hold everywhere, whatever the experts are."""

from copy import deepcopy

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import ClassifierGate, ConstantGate, SoftmaxGate
from tests.shared import assert_never_falls

QUADRATIC = make_pipeline(PolynomialFeatures(2), LinearRegression())
REGRESSORS = {
    "linear": None,
    "ridge": Ridge(2.0),
    "tree": DecisionTreeRegressor(max_depth=2),
    "pipeline": QUADRATIC,
    "boosting": HistGradientBoostingRegressor(max_iter=3, max_leaf_nodes=4),
    "neighbours": KNeighborsRegressor(20),
    "mixed": [("line", Ridge()), ("tree", DecisionTreeRegressor(max_depth=2))],
    "linear list": [("least squares", LinearRegression()), ("ridge", Ridge(5.0))],
}
CLASSIFIERS = {
    "logistic": None,
    "unpenalised": LogisticRegression(C=np.inf),
    "tree": DecisionTreeClassifier(max_depth=2),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
    "boosting": HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=4),
    "neighbours": KNeighborsClassifier(20),
    "mixed": [("line", LogisticRegression()), ("tree", DecisionTreeClassifier())],
}
MODELS = [(MixtureOfExpertsRegressor, name) for name in REGRESSORS]
MODELS += [(MixtureOfExpertsClassifier, name) for name in CLASSIFIERS]
# Vectorised, so every sum over rows is weighted: exact up to rounding.
EXACT = [
    (MixtureOfExpertsRegressor, "linear"),
    (MixtureOfExpertsRegressor, "ridge"),
    (MixtureOfExpertsClassifier, "logistic"),
]
SHORT = pytest.mark.filterwarnings("ignore:EM did not converge")  # cut off on purpose
# A full tree does, rightly: what holds of every fit holds of that too.
KNOWN_ROWS = pytest.mark.filterwarnings("ignore:Experts .* overfit their rows")


@pytest.fixture
def data(request, regression, classification):
    """The data that fits an estimator's kind of y."""
    return {
        MixtureOfExpertsRegressor: regression,
        MixtureOfExpertsClassifier: classification,
    }


def build(estimator, name, n_experts=2, **settings):
    """An estimator with named experts; lists bring their own number."""
    kinds = REGRESSORS if estimator is MixtureOfExpertsRegressor else CLASSIFIERS
    experts = kinds[name]
    if not isinstance(experts, list):
        settings["n_experts"] = n_experts
    return estimator(experts, random_state=0, **settings)


def answers(model, X):
    """Everything a model says about rows: a list of arrays."""
    mixed = getattr(model, "predict_proba", model.predict)(X)
    return [mixed, model.gate_proba(X), model.predict_experts(X)]


def assert_same_model(first, second, X, permutation=slice(None), **tolerance):
    a, b = answers(first, X), answers(second, X)
    assert_allclose(b[0], a[0], **tolerance)
    assert_allclose(b[1], a[1][:, permutation], **tolerance)
    assert_allclose(b[2], a[2][:, permutation], **tolerance)


# -- ascent ---------------------------------------------------------------------------


@SHORT
@pytest.mark.filterwarnings("ignore:The dispersions of experts")  # deep trees may
@pytest.mark.parametrize(("estimator", "name"), MODELS)
@pytest.mark.parametrize("assignment", ["soft", "hard", "stochastic"])
def test_the_bound_never_decreases(data, estimator, name, assignment):
    X, y = data[estimator]
    model = build(estimator, name, assignment=assignment, max_iter=15).fit(X, y)
    assert np.all(np.isfinite(model.lower_bounds_))
    assert_never_falls(model.lower_bounds_)
    assert model.lower_bound_ == model.lower_bounds_[-1]
    assert len(model.lower_bounds_) == model.n_iter_


@SHORT
@pytest.mark.parametrize(
    "gate",
    [
        SoftmaxGate(0.0),
        ConstantGate(),
        ClassifierGate(DecisionTreeClassifier(max_depth=3)),
        make_pipeline(PolynomialFeatures(2, include_bias=False), SoftmaxGate()),
        KNeighborsClassifier(20),
    ],
)
@pytest.mark.parametrize(("estimator", "name"), EXACT)
def test_the_bound_never_decreases_whatever_the_gate(data, estimator, name, gate):
    X, y = data[estimator]
    model = build(estimator, name, gate=gate, n_init=2, max_iter=60).fit(X, y)
    assert_never_falls(model.lower_bounds_)
    assert model.lower_bounds_[-1] > model.lower_bounds_[0]


@pytest.mark.parametrize(("estimator", "name"), MODELS)
def test_the_likelihood_is_that_of_the_exposed_model(data, estimator, name):
    X, y = data[estimator]
    weights = np.random.RandomState(0).uniform(0.5, 2, size=150)
    model = build(estimator, name, tol=0.05).fit(X, y, weights)
    total = weights @ model.score_samples(X, y)
    assert_allclose(model.log_likelihood_, total, rtol=1e-9, atol=1e-8)
    assert_allclose(model.responsibilities(X, y).sum(axis=1), 1.0)
    assert_allclose(model.gate_proba(X).sum(axis=1), 1.0)


# -- reductions -----------------------------------------------------------------------


@pytest.mark.parametrize(("estimator", "name"), MODELS)
def test_one_expert_equals_the_expert_alone(data, estimator, name):
    X, y = data[estimator]
    weights = np.random.RandomState(0).uniform(0.5, 2, size=150)
    kinds = REGRESSORS if estimator is MixtureOfExpertsRegressor else CLASSIFIERS
    expert = kinds[name]
    if isinstance(expert, list):
        model = estimator(expert[:1], random_state=0)
        expert = expert[0][1]
    else:
        model = estimator(expert, n_experts=1, random_state=0)
    if expert is None:
        expert = model._default_experts(1)[0]
    if isinstance(expert, (KNeighborsRegressor, KNeighborsClassifier)):
        model.fit(X, y)
        weighted = {}
    else:
        model.fit(X, y, sample_weight=weights)
        weighted = {"sample_weight": weights}
        if hasattr(expert, "steps"):
            weighted = {f"{expert.steps[-1][0]}__sample_weight": weights}
    seeded = clone(model.experts_[0])
    if isinstance(expert, LogisticRegression):
        seeded.set_params(tol=1e-9, max_iter=1000)
    alone = seeded.fit(X, y, **weighted)
    method = "predict_proba" if hasattr(alone, "predict_proba") else "predict"
    assert_allclose(getattr(model, method)(X), getattr(alone, method)(X), atol=1e-5)
    if hasattr(alone, "coef_"):
        assert_allclose(model.experts_[0].coef_, alone.coef_, atol=1e-5)


@pytest.mark.parametrize(("estimator", "name"), EXACT)
def test_equal_starts_equal_the_pooled_fit(data, estimator, name):
    X, y = data[estimator]
    model = build(estimator, name, init=np.full((150, 2), 0.5)).fit(X, y)
    single = build(estimator, name, n_experts=1)
    pooled = single.fit(X, y)
    if name != "linear":  # each of two experts has half the rows and a whole penalty
        single.set_params(experts=clone(model.experts_[0]))
        half = {"alpha": 4.0} if name == "ridge" else {"C": 0.5}
        pooled = single.set_params(experts=single.experts.set_params(**half)).fit(X, y)
    assert_allclose(answers(model, X)[0], answers(pooled, X)[0], atol=1e-4)
    assert_allclose(model.gate_proba(X), 0.5, atol=1e-6)


def test_hard_labels_give_each_group_its_own_fit(regression):
    X, y = regression
    labels = (X[:, 0] > 0).astype(int)
    model = MixtureOfExpertsRegressor(
        DecisionTreeRegressor(max_depth=2, random_state=0),
        n_experts=2,
        max_iter=1,
        init=labels,
        assignment="hard",
    )
    with pytest.warns(UserWarning, match="did not converge"):
        model.fit(X, y)
    for k in range(2):
        own = clone(model.experts_[k]).fit(X[labels == k], y[labels == k])
        assert_allclose(model.predict_experts(X)[:, k], own.predict(X))


@pytest.mark.parametrize(("estimator", "name"), MODELS)
def test_permuting_experts_permutes_the_result(data, estimator, name):
    X, y = data[estimator]
    start = np.random.RandomState(0).dirichlet(np.ones(2), size=150)
    model = build(estimator, name, init=start, tol=0.01).fit(X, y)
    swapped = build(estimator, name, init=start[:, ::-1], tol=0.01)
    if isinstance(swapped.experts, list):
        swapped.experts = swapped.experts[::-1]
    swapped.fit(X, y)
    if name == "neighbours":  # resampled by the seed of each position
        return assert_array_equal(swapped.experts_[0].n_neighbors, 20)
    tolerance = {"rtol": 1e-5, "atol": 1e-5}
    return assert_same_model(model, swapped, X, permutation=[1, 0], **tolerance)


# -- weights --------------------------------------------------------------------------


@pytest.mark.parametrize(("estimator", "name"), EXACT)
@pytest.mark.parametrize("n_init", [1, 4])
@pytest.mark.parametrize("init", ["quantile", "random"])
def test_integer_weights_equal_repeated_rows(data, estimator, name, n_init, init):
    X, y = data[estimator]
    rng = np.random.RandomState(0)
    weights = rng.randint(0, 4, size=150)
    rows = rng.permutation(np.repeat(np.arange(150), weights))
    settings = {"tol": 1e-10, "n_init": n_init, "init": init, "max_iter": 2000}
    weighted = build(estimator, name, **settings).fit(X, y, sample_weight=weights)
    repeated = build(estimator, name, **settings).fit(X[rows], y[rows])
    assert_allclose(weighted.lower_bound_, repeated.lower_bound_, rtol=1e-8)
    assert_same_model(weighted, repeated, X, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("estimator", "name"), MODELS)
def test_zero_weight_equals_a_dropped_row(data, estimator, name):
    X, y = data[estimator]
    weights = np.random.RandomState(0).randint(0, 3, size=150).astype(float)
    kept = weights > 0
    X_noise = np.where(kept[:, None], X, 1e6)
    model = build(estimator, name, tol=0.01).fit(X_noise, y, sample_weight=weights)
    dropped = build(estimator, name, tol=0.01).fit(X[kept], y[kept], weights[kept])
    assert_same_model(model, dropped, X, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("estimator", "name"), EXACT)
def test_order_of_rows_does_not_matter(data, estimator, name):
    X, y = data[estimator]
    order = np.random.RandomState(1).permutation(150)
    settings = {"n_init": 3, "tol": 1e-10, "max_iter": 2000}
    model = build(estimator, name, **settings).fit(X, y)
    shuffled = build(estimator, name, **settings).fit(X[order], y[order])
    assert_same_model(model, shuffled, X, rtol=1e-4, atol=1e-4)


def test_scale_of_weights_does_not_matter(regression):
    X, y = regression
    weights = np.random.RandomState(0).uniform(0.5, 2, size=150)
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y, weights)
    scaled = MixtureOfExpertsRegressor(n_experts=2).fit(X, y, 1e6 * weights)
    assert_same_model(model, scaled, X, rtol=1e-6, atol=1e-6)
    assert_allclose(scaled.log_likelihood_, 1e6 * model.log_likelihood_, rtol=1e-6)


def test_class_weights_are_sample_weights(three_classes):
    X, y = three_classes
    X, y = X[20:], y[20:]
    balanced = (len(y) / (3 * np.bincount(y)))[y]
    model = MixtureOfExpertsClassifier(n_experts=2).fit(X, y, balanced)
    settings = {"n_experts": 2, "class_weight": "balanced"}
    assert_same_model(model, MixtureOfExpertsClassifier(**settings).fit(X, y), X)
    settings["class_weight"] = {0: 1.0, 1: 3.0, 2: 0.5}
    weighted = MixtureOfExpertsClassifier(**settings).fit(X, y)
    by_hand = MixtureOfExpertsClassifier(n_experts=2)
    by_hand.fit(X, y, np.array([1.0, 3.0, 0.5])[y])
    assert_same_model(weighted, by_hand, X)


# -- the same whatever the means ------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (estimator, name)
        for estimator, name in MODELS
        if name in ("linear", "ridge", "logistic", "tree", "linear list")
    ],
)
@pytest.mark.parametrize("container", [sp.csr_matrix, sp.coo_array])
def test_sparse_equals_dense(data, estimator, name, container):
    X, y = data[estimator]
    X = np.where(np.abs(X) < 0.4, 0.0, X)
    settings = {"tol": 0.1 if name == "tree" else 1e-9, "max_iter": 2000}
    dense = build(estimator, name, **settings).fit(X, y)
    sparse = build(estimator, name, **settings).fit(container(X), y)
    tolerance = {"rtol": 1e-3, "atol": 1e-3}
    assert_same_model(dense, sparse, X, **tolerance)
    assert_allclose(sparse.lower_bound_, dense.lower_bound_, rtol=1e-7)
    assert_allclose(sparse.predict(container(X)), sparse.predict(X), atol=1e-9)


@SHORT
@pytest.mark.parametrize(("estimator", "name"), MODELS[2:7] + MODELS[-4:])
def test_n_jobs_changes_nothing(data, estimator, name):
    X, y = data[estimator]
    serial = build(estimator, name, max_iter=4).fit(X, y)
    with joblib.parallel_config("threading"):
        threaded = build(estimator, name, max_iter=4, n_jobs=2).fit(X, y)
    assert threaded.lower_bounds_ == serial.lower_bounds_
    for a, b in zip(answers(serial, X), answers(threaded, X), strict=True):
        assert_array_equal(b, a)


@SHORT
def test_processes_change_nothing(regression):
    X, y = regression
    serial = build(MixtureOfExpertsRegressor, "tree", max_iter=2).fit(X, y)
    processes = build(MixtureOfExpertsRegressor, "tree", max_iter=2, n_jobs=2)
    with joblib.parallel_config("loky"):
        processes.fit(X, y)
    assert processes.lower_bounds_ == serial.lower_bounds_


@pytest.mark.parametrize(("estimator", "name"), MODELS)
@pytest.mark.parametrize("assignment", ["soft", "stochastic"])
def test_a_random_state_determines_the_fit(data, estimator, name, assignment):
    X, y = data[estimator]
    settings = {"tol": 0.05, "assignment": assignment, "init": "random"}
    fits = [build(estimator, name, **settings).fit(X, y) for _ in range(2)]
    assert fits[0].lower_bounds_ == fits[1].lower_bounds_
    for a, b in zip(answers(fits[0], X), answers(fits[1], X), strict=True):
        assert_array_equal(b, a)


def test_another_random_state_is_another_start(regression):
    model = MixtureOfExpertsRegressor(n_experts=3, init="random", random_state=0)
    bounds = [
        clone(model).set_params(random_state=seed).fit(*regression).lower_bounds_[0]
        for seed in range(3)
    ]
    assert len(set(bounds)) == 3


@pytest.mark.parametrize(("estimator", "name"), EXACT)
def test_a_default_fit_draws_nothing(data, estimator, name):
    X, y = data[estimator]
    fits = [build(estimator, name).set_params(random_state=s).fit(X, y) for s in (0, 1)]
    assert fits[0].lower_bounds_ == fits[1].lower_bounds_


# -- warm start -----------------------------------------------------------------------


@SHORT
@pytest.mark.parametrize(("estimator", "name"), MODELS)
@pytest.mark.parametrize(("n", "m"), [(1, 4), (13, 5)])
@KNOWN_ROWS
def test_warm_start_of_n_and_m_iterations_equals_n_plus_m(data, estimator, name, n, m):
    X, y = data[estimator]
    settings = {"tol": 0.0, "warm_start": True, "assignment": "soft"}
    once = build(estimator, name, max_iter=n + m, **settings).fit(X, y)
    twice = build(estimator, name, max_iter=n, **settings).fit(X, y)
    start = twice.lower_bounds_
    twice.set_params(max_iter=m).fit(X, y)
    bounds = start + twice.lower_bounds_
    assert_allclose(bounds[: once.n_iter_], once.lower_bounds_, rtol=1e-7)
    assert_same_model(once, twice, X, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("gate", [ConstantGate(), ClassifierGate(LogisticRegression())])
def test_warm_start_continues_other_gates(regression, gate):
    model = MixtureOfExpertsRegressor(n_experts=2, gate=gate, warm_start=True)
    bounds = model.fit(*regression).lower_bounds_
    again = model.fit(*regression).lower_bounds_
    assert again[0] >= bounds[-1] - 1e-12
    assert model.n_iter_ < len(bounds)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"n_experts": 3}, "n_experts was 2 and is now 3"),
        ({"experts": DecisionTreeRegressor()}, "LinearExperts and is now Estimator"),
        ({"gate": ConstantGate()}, "SoftmaxGate and is now ConstantGate"),
        ({"gate_features": [0]}, "number of gate features was"),
        ({"expert_features": [0]}, "number of expert features was"),
    ],
)
def test_warm_start_keeps_its_terms(regression, change, match):
    model = MixtureOfExpertsRegressor(n_experts=2, warm_start=True).fit(*regression)
    with pytest.raises(ValueError, match=f"warm_start=True cannot .*{match}"):
        model.set_params(**change).fit(*regression)


@SHORT
def test_warm_start_climbs_as_it_is_told_now(regression):
    """Without acceleration two fits of a warm start are one plain climb."""
    X, y = regression
    plain = MixtureOfExpertsRegressor(n_experts=2, accelerate=False, max_iter=14)
    plain = plain.set_params(warm_start=True, tol=0.0)
    turned = clone(plain).set_params(accelerate=True, max_iter=4)
    plain.fit(X, y)
    turned.fit(X, y).set_params(accelerate=False, max_iter=10).fit(X, y)
    assert_allclose(turned.lower_bound_, plain.lower_bound_, rtol=1e-10)


def test_warm_start_keeps_targets_and_classes(regression, classification):
    X, y = regression
    model = MixtureOfExpertsRegressor(n_experts=2, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="number of targets was 1 and is now 2"):
        model.fit(X, np.c_[y, y])
    X, y = classification
    model = MixtureOfExpertsClassifier(n_experts=2, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"classes was \[0, 1\] and is now \[5, 6\]"):
        model.fit(X, y + 5)


# -- what the user gave stays as it was -----------------------------------------------


@pytest.mark.parametrize(("estimator", "name"), MODELS)
@KNOWN_ROWS
def test_nothing_given_is_modified(data, estimator, name):
    X, y = data[estimator]
    weights = np.random.RandomState(0).randint(0, 3, size=150).astype(float)
    start = np.random.RandomState(0).dirichlet(np.ones(2), size=150)
    # Lists bring two experts; rows of weight zero have their start too, in vain.
    given = {"X": X, "y": y, "weights": weights}
    before = deepcopy(given)
    for array in given.values():
        array.setflags(write=False)
    gate = SoftmaxGate(0.01)
    model = build(estimator, name, gate=gate, tol=0.05)
    templates = repr(model.experts), deepcopy(model.get_params(deep=False))
    model.fit(X, y, sample_weight=weights).predict(X)
    for key, value in before.items():
        assert_array_equal(given[key], value)
    assert repr(model.experts) == templates[0]
    assert model.get_params(deep=False).keys() == templates[1].keys()
    assert not hasattr(gate, "coef_")
    parts = model.experts if isinstance(model.experts, list) else [("", model.experts)]
    for _, part in parts:
        assert part is None or not any(key.endswith("_") for key in vars(part))
    model.set_params(init=start).fit(X, y)
    assert_array_equal(start.sum(axis=1).round(12), 1.0)


def test_frames_are_not_modified(regression):
    X, y = regression
    frame = pd.DataFrame(X, columns=["a", "b"])
    before = frame.copy()
    MixtureOfExpertsRegressor(n_experts=2).fit(frame, y).predict(frame)
    pd.testing.assert_frame_equal(frame, before)
