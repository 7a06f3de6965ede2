# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Starts: responsibilities from data, from labels, from the user."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression
from sklearn.metrics import adjusted_rand_score

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.em import starts as starts_module
from skmoe.em.starts import StartingPoint, check_init, initial_responsibilities
from skmoe.gates import ConstantGate
from skmoe.rows.design import Design

STARTS = ["quantile", "direction", "fourier", "elemental", "classifiers"]


def make_point(X, Y, weights, n_experts=3, gate_columns=None, classes=False):
    experts = gate = Design(X, weights)
    if gate_columns is not None:
        gate = Design(X[:, gate_columns], weights)
    return StartingPoint(gate, experts, Y.__getitem__, weights, n_experts, classes)


def make_data(seed=0):
    """X (40, 3), Y (40, 2) and weights 1, 2 or 3."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(40, 3)).round(3)
    Y = (X @ rng.normal(size=(3, 2)) + rng.normal(size=(40, 2))).round(3)
    return X, Y, rng.randint(1, 4, size=40).astype(float)


def begin(point, start, seed=0):
    """Responsibilities (n, K) of a start, and the same formed slice by slice."""
    method = getattr(point, start)
    R = method() if start == "quantile" else method(np.random.RandomState(seed))
    whole, n_samples = R[:], len(point.weights)
    parts = [R[first : first + 7] for first in range(0, n_samples, 7)]
    assert_allclose(np.concatenate(parts), whole, rtol=1e-12, atol=1e-12)
    return whole


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("gate_columns", [None, [1], []])
def test_starts_are_responsibilities(start, gate_columns):
    R = begin(make_point(*make_data(), gate_columns=gate_columns), start)
    assert R.shape == (40, 3)
    assert R.min() >= 0
    assert_allclose(R.sum(axis=1), 1.0)
    assert R.sum(axis=0).min() > 1


@pytest.mark.parametrize("start", STARTS)
def test_starts_do_not_depend_on_the_order_of_rows(start):
    X, Y, weights = make_data()
    order = np.random.RandomState(1).permutation(40)
    R = begin(make_point(X, Y, weights), start)
    shuffled = begin(make_point(X[order], Y[order], weights[order]), start)
    assert_allclose(shuffled, R[order], atol=1e-8)


@pytest.mark.parametrize("start", STARTS)
def test_integer_weights_are_repeated_rows(start):
    X, Y, weights = make_data()
    rows = np.repeat(np.arange(40), weights.astype(int))
    R = begin(make_point(X, Y, weights), start)
    repeated = begin(make_point(X[rows], Y[rows], np.ones(len(rows))), start)
    assert_allclose(repeated, R[rows], atol=1e-8)


@pytest.mark.parametrize("start", ["quantile", "fourier", "elemental"])
def test_starts_do_not_depend_on_the_scale_of_weights(start):
    X, Y, weights = make_data()
    R = begin(make_point(X, Y, weights), start)
    assert_allclose(begin(make_point(X, Y, 100 * weights), start), R, atol=1e-8)


def test_quantile_groups_follow_the_direction_of_y():
    X = np.linspace(-1, 1, 30)[:, None]
    R = begin(make_point(X, X[:, [0]], np.ones(30)), "quantile")
    assert_array_equal(
        R.argmax(axis=1),
        np.repeat([0, 1, 2], 10)[:: np.sign(R[-1, 2] - R[-1, 0]).astype(int)],
    )
    assert_allclose(R.sum(axis=0)[0], R.sum(axis=0)[2])


def test_quantile_groups_follow_y_without_covariates():
    Y = np.random.RandomState(0).normal(size=(30, 1))
    R = begin(make_point(np.empty((30, 0)), Y, np.ones(30)), "quantile")
    assert_array_equal(R.argmax(axis=1)[np.argsort(Y[:, 0])], np.repeat([0, 1, 2], 10))


def test_sparse_features_start_as_dense_ones_do():
    X, Y, weights = make_data()
    dense = make_point(X, Y, weights)
    sparse = make_point(sp.csr_matrix(X), Y, weights)
    assert_allclose(begin(sparse, "quantile"), begin(dense, "quantile"), atol=1e-6)
    # Where a drawn row repeats, the line through the rest is chosen by a ridge, which
    # depends on the centre.
    apart = np.abs(begin(sparse, "elemental") - begin(dense, "elemental"))
    assert np.median(apart) < 1e-3


def test_many_features_start_from_y_itself(monkeypatch):
    monkeypatch.setattr(starts_module, "MAX_POOLED_FEATURES", 2)
    X, Y, weights = make_data()
    point = make_point(X, Y, weights)
    assert point.residuals is point.Y


def test_residuals_are_what_weighted_least_squares_leaves():
    X, Y, weights = make_data()
    residuals = make_point(X, Y, weights).residuals
    fit = LinearRegression().fit(X, Y, sample_weight=weights)
    left = Y - fit.predict(X)
    left -= np.average(left, axis=0, weights=weights)
    left /= np.sqrt(np.average(left**2, axis=0, weights=weights))
    assert_allclose(residuals[:], left, atol=1e-10)
    assert_allclose(residuals[3:9], left[3:9], atol=1e-10)


def test_a_gate_of_other_columns_divides_by_them():
    X, Y, weights = make_data()
    R = begin(make_point(X, Y, weights, gate_columns=[1]), "quantile")
    order = np.argsort(X[:, 1])
    groups = R.argmax(axis=1)[order]
    assert_array_equal(groups, np.sort(groups)[:: np.sign(groups[-1] - groups[0])])


def test_a_cycle_of_kinds_of_starts():
    point = make_point(*make_data())
    starts = initial_responsibilities(
        "quantile", 6, point, None, np.random.RandomState(0)
    )
    assert_array_equal(starts[0][:], point.quantile()[:])
    assert len({R[:].tobytes() for R in starts}) == len(starts) == 6
    drawn = initial_responsibilities("random", 2, point, None, np.random.RandomState(0))
    assert_array_equal(drawn[0][:], point.elemental(np.random.RandomState(0))[:])


@pytest.mark.parametrize("gate_columns", [None, []])
def test_kmeans_starts_are_hard(gate_columns):
    point = make_point(*make_data(), gate_columns=gate_columns)
    starts = initial_responsibilities(
        "kmeans", 2, point, None, np.random.RandomState(0)
    )
    for R in starts:
        assert_array_equal(np.sort(R[:], axis=1), [[0, 0, 1]] * 40)


@pytest.mark.parametrize("init", ["quantile", "kmeans", "random"])
@pytest.mark.parametrize("n_init", [1, 3])
def test_named_starts_fit_both_estimators(regression, classification, init, n_init):
    settings = {"n_experts": 2, "init": init, "n_init": n_init, "random_state": 0}
    regressor = MixtureOfExpertsRegressor(**settings).fit(*regression)
    assert regressor.score(*regression) > 0.7
    classifier = MixtureOfExpertsClassifier(**settings).fit(*classification)
    assert classifier.score(*classification) > 0.6


def test_labels_equal_their_indicators_and_a_callable(regression):
    X, y = regression
    labels = (X[:, 0] > 0).astype(int)
    calls = []

    def init(X, y, n_experts, random_state):
        calls.append((X.shape, y.shape, n_experts, type(random_state)))
        return labels

    settings = {"n_experts": 2, "random_state": 0}
    fits = [
        MixtureOfExpertsRegressor(init=start, **settings).fit(X, y)
        for start in (labels, np.eye(2)[labels], labels.tolist(), init)
    ]
    for fit in fits[1:]:
        assert_allclose(fit.lower_bounds_, fits[0].lower_bounds_)
    assert calls == [((150, 2), (150,), 2, np.int64)]


def test_responsibilities_are_normalised_and_labels_indicate():
    point = make_point(*make_data())
    R = np.random.RandomState(0).uniform(0.1, 1, size=(40, 3))
    checked = check_init(5 * R, point, "init")
    assert_allclose(checked[:], R / R.sum(axis=1, keepdims=True))
    labels = np.arange(40) % 3
    for rows in (slice(None), slice(5, 9)):
        indicators = check_init(labels, point, "init")[rows]
        assert_array_equal(indicators, np.eye(3)[labels[rows]])


BAD = [
    (np.full(40, 3), "integers from 0 to n_experts - 1 = 2. Got values from 3 to 3"),
    (np.full(40, -1), "Got values from -1 to -1"),
    (np.full(40, 0.5), "Got values from 0.5 to 0.5"),
    (np.arange(40) % 2, r"Experts without rows: \[2\]"),
    (np.ones((40, 2)), r"\(n_samples, n_experts\) = \(40, 3\). Got shape \(40, 2\)"),
    (np.ones((40, 3)) - 2, "smallest entry of -1"),
    (np.vstack([np.zeros((1, 3)), np.ones((39, 3))]), "every row some expert"),
    (np.arange(39) % 3, "inconsistent numbers of samples"),
    (np.full((40, 3), np.nan), "NaN"),
]


@pytest.mark.parametrize(("init", "match"), BAD)
def test_bad_starts_are_refused(init, match):
    X, Y, _ = make_data()
    for start in (init, lambda X, y, n_experts, random_state: init):
        with pytest.raises(ValueError, match=match):
            MixtureOfExpertsRegressor(init=start).fit(X, Y)


def test_text_as_labels_is_refused():
    X, Y, _ = make_data()
    with pytest.raises(ValueError):
        MixtureOfExpertsRegressor(init=["a"] * 40).fit(X, Y)


# -- ties: where X tells neither rows nor groups apart, y does -------------------------


def test_a_constant_column_divides_no_rows():
    X, Y, weights = make_data()
    constant = begin(make_point(np.ones_like(X), Y, weights), "quantile")
    assert not starts_module.is_tied(constant)
    along_y = begin(make_point(X[:, :0], Y, weights), "quantile")
    assert_array_equal(constant, along_y)


@pytest.mark.parametrize("gate", [None, ConstantGate()])
def test_two_normals_under_a_column_of_ones_are_told_apart(gate):
    y = np.r_[
        np.random.RandomState(1).normal(1000, 300, 500),
        np.random.RandomState(2).normal(2000, 200, 500),
    ]
    model = MixtureOfExpertsRegressor(n_experts=2, gate=gate).fit(np.ones((1000, 1)), y)
    means = np.sort(model.predict_experts(np.ones((1, 1))).ravel())
    assert_allclose(means, [1000, 2000], atol=60)


@pytest.mark.parametrize("gate", [None, ConstantGate()])
def test_people_seen_at_the_same_times_are_told_apart(gate):
    rng = np.random.RandomState(0)
    kind, person = rng.randint(0, 3, 150), np.repeat(np.arange(150), 5)
    time = np.tile(np.arange(5.0), 150)
    level, slope = np.array([0, 4, 8])[kind], np.array([1, 0, -1])[kind]
    y = level[person] + slope[person] * time + rng.normal(size=750)
    model = MixtureOfExpertsRegressor(n_experts=3, gate=gate)
    model.fit(time[:, None], y, groups=person)
    found = model.responsibilities(time[:, None], y, groups=person)[::5]
    assert adjusted_rand_score(kind, found.argmax(axis=1)) > 0.9


def test_profiles_do_not_depend_on_the_names_of_groups():
    X, Y, weights = make_data()
    point = make_point(X, Y, weights)
    groups = np.arange(len(Y)) // 4
    renamed = np.random.RandomState(0).permutation(groups.max() + 1)[groups]
    rows = slice(0, len(Y))
    R = point.profiles(groups)[rows]
    assert_allclose(R, point.profiles(renamed)[rows], atol=1e-9)
    assert_allclose(R.sum(axis=1), 1.0)
    assert np.ptp(R[:4], axis=0).max() == 0


# -- several starts by themselves ------------------------------------------------------


def panel(seed):
    """Counts of 200 people seen four times, of three kinds; the people."""
    rng = np.random.default_rng(seed)
    person, kind = np.repeat(np.arange(200), 4), rng.choice(3, 200, p=[0.5, 0.35, 0.15])
    X = np.c_[rng.integers(0, 2, 200)[person], rng.normal(size=800)]
    level, slope = np.array([[-0.8, 0.9, 2.4], [0.45, 0.23, 0.1]])[:, kind[person]]
    return X, rng.poisson(np.exp(level + slope * X[:, 0])), person


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("grouped", [False, True])
def test_without_a_gate_counts_reach_what_many_starts_reach(seed, grouped):
    X, y, person = panel(seed)
    groups = person if grouped else None
    settings = {"n_experts": 3, "family": "poisson", "gate": ConstantGate()}
    found = MixtureOfExpertsRegressor(**settings).fit(X, y, groups=groups)
    many = MixtureOfExpertsRegressor(**settings, n_init=20, random_state=0)
    best = many.fit(X, y, groups=groups).log_likelihood_
    assert found.log_likelihood_ > best - 1


def test_parallel_lines_are_told_apart_by_their_residuals():
    rng = np.random.default_rng(3)
    day = 732_312.0 + rng.integers(0, 2200, 400)
    upper = rng.integers(0, 2, 400)
    y = 0.01 * (day - 732_000) + 12 * upper + rng.normal(size=400)
    model = MixtureOfExpertsRegressor(n_experts=2, gate=ConstantGate())
    found = model.fit(day[:, None], y).responsibilities(day[:, None], y).argmax(axis=1)
    assert adjusted_rand_score(upper, found) > 0.98


def test_several_starts_by_themselves_draw_nothing():
    X, y, _ = panel(0)
    fits = [
        MixtureOfExpertsRegressor(gate=ConstantGate(), random_state=seed).fit(X, y)
        for seed in (0, 1)
    ]
    assert_array_equal(fits[0].predict(X), fits[1].predict(X))
