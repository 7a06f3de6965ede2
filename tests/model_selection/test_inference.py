# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Likelihood ratio test, bootstrap and penalty path."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
)
from sklearn.tree import DecisionTreeClassifier

from skmoe import MixtureOfExpertsClassifier as Classifier
from skmoe import MixtureOfExpertsRegressor as Regressor
from skmoe.gates import ConstantGate, SoftmaxGate
from skmoe.model_selection import bootstrap, likelihood_ratio_test, penalty_path
from skmoe.model_selection._parameters import expert_parameters, match_experts
from tests.shared import two_boundaries, two_regimes


@pytest.fixture(scope="module")
def regimes():
    """X (300, 2) and y (300,) of two regimes, and a fitted model of two experts."""
    X, y, _ = two_regimes(300)
    return X, y, Regressor(n_experts=2).fit(X, y)


# -- the likelihood ratio test ---------------------------------------------------------


def test_two_regimes_are_more_than_one_and_no_more_than_two(regimes):
    X, y, _ = regimes
    first, second = (
        likelihood_ratio_test(
            Regressor(), X, y, n_experts=k, n_bootstrap=19, random_state=0
        )
        for k in (1, 2)
    )
    assert first.p_value == 1 / 20
    assert first.statistic > 100
    assert second.p_value > 0.05
    assert (first.n_experts, second.n_experts) == (1, 2)


def test_p_value_counts_the_draws_at_least_as_large(regimes):
    X, y, _ = regimes
    test = likelihood_ratio_test(
        Regressor(), X[:100], y[:100], n_experts=2, n_bootstrap=9, random_state=1
    )
    at_least = np.sum(test.bootstrap_statistics >= test.statistic)
    assert test.bootstrap_statistics.shape == (9,)
    assert test.p_value == (1 + at_least) / 10
    assert np.all(test.bootstrap_statistics > -0.1)


def test_statistic_is_twice_the_gain_of_log_likelihood(regimes):
    X, y, model = regimes
    one = Regressor(n_experts=1).fit(X, y)
    test = likelihood_ratio_test(Regressor(), X, y, n_experts=1, n_bootstrap=1)
    gain = model.log_likelihood_ - one.log_likelihood_
    assert test.statistic == pytest.approx(2 * gain, abs=0.01)


def test_under_the_null_hypothesis_p_values_spread():
    """Ten sets of one line: p-values of nine draws are uniform on 0.1, ..., 1."""
    rng = np.random.RandomState(0)
    p_values = []
    for _ in range(10):
        X = rng.normal(size=(60, 1))
        y = X[:, 0] + rng.normal(size=60)
        test = likelihood_ratio_test(
            Regressor(tol=1e-4), X, y, n_experts=1, n_bootstrap=9, random_state=rng
        )
        p_values.append(test.p_value)
    # Under uniformity each bound fails with a probability below one in a thousand.
    assert np.sum(np.array(p_values) <= 0.1) <= 5
    assert 0.2 < np.mean(p_values) < 0.85


def test_classes_can_be_tested():
    X, y = two_boundaries(300)
    test = likelihood_ratio_test(
        Classifier(), X, y, n_experts=1, n_bootstrap=9, random_state=0
    )
    assert test.p_value == 0.1


def test_the_test_does_not_depend_on_n_jobs(regimes):
    X, y, _ = regimes
    one, two = (
        likelihood_ratio_test(
            Regressor(),
            X,
            y,
            n_experts=1,
            n_bootstrap=4,
            n_jobs=n_jobs,
            random_state=0,
        )
        for n_jobs in (None, 2)
    )
    np.testing.assert_array_equal(one.bootstrap_statistics, two.bootstrap_statistics)


@pytest.mark.parametrize(
    ("estimator", "params", "error", "message"),
    [
        (Regressor(), {"n_experts": 0}, ValueError, "'n_experts'.*Got 0"),
        (Regressor(), {"n_experts": 1, "n_bootstrap": 1.5}, ValueError, "Got 1.5"),
        (Regressor([("a", Ridge())]), {"n_experts": 1}, ValueError, "list of 1"),
        (Ridge(), {"n_experts": 1}, TypeError, "must be a mixture of experts"),
    ],
)
def test_errors_of_the_test(regimes, estimator, params, error, message):
    with pytest.raises(error, match=message):
        likelihood_ratio_test(estimator, *regimes[:2], **params)


# -- the bootstrap ---------------------------------------------------------------------


def test_permuted_experts_are_matched():
    rng = np.random.RandomState(0)
    reference = rng.dirichlet([0.3] * 5, size=200)
    order = rng.permutation(5)
    noisy = 0.9 * reference + 0.1 * rng.dirichlet([0.3] * 5, size=200)
    matched = match_experts(reference, noisy[:, order])
    np.testing.assert_array_equal(order[matched], np.arange(5))


def test_a_small_expert_is_matched_as_well_as_a_large_one():
    reference = np.repeat(np.eye(3), [990, 5, 5], axis=0)
    others = reference[:, [0, 2, 1]] * 0.6 + 0.4 * np.array([1, 0, 0])
    assert match_experts(reference, others).tolist() == [0, 2, 1]


def test_experts_of_different_kinds_are_never_exchanged():
    reference = np.repeat(np.eye(3), 10, axis=0)
    swapped = reference[:, [1, 0, 2]]
    assert match_experts(reference, swapped).tolist() == [1, 0, 2]
    assert match_experts(reference, swapped, kinds="aba").tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", ["nonparametric", "parametric"])
def test_standard_errors_are_those_of_separate_regressions(kind):
    """Where the gate is nearly certain, experts are regressions of their own rows."""
    rng = np.random.RandomState(0)
    X = np.append(rng.uniform(-3, -1, size=200), rng.uniform(1, 3, size=400))[:, None]
    own = X[:, 0] > 0
    y = np.where(own, 10 + X[:, 0], -2 * X[:, 0])
    y += np.where(own, 0.5, 1.0) * rng.normal(size=600)
    model = Regressor(n_experts=2, init=own.astype(int)).fit(X, y)
    result = bootstrap(model, X, y, kind=kind, n_bootstrap=120, random_state=0)
    for k, rows in enumerate([~own, own]):
        A = np.column_stack([np.ones(rows.sum()), X[rows]])
        covariance = np.linalg.inv(A.T @ A) * model.dispersions_[k] ** 2
        columns = [result.parameters.index(name) for name in ("intercept", "x0")]
        expected = np.sqrt(np.diag(covariance))
        found = result.standard_error[k, columns]
        np.testing.assert_allclose(found, expected, rtol=0.25)
        column = result.parameters.index("dispersion")
        expected = model.dispersions_[k] / np.sqrt(2 * rows.sum())
        assert result.standard_error[k, column] == pytest.approx(expected, rel=0.25)
    lower, upper = np.moveaxis(result.interval, -1, 0)
    assert np.all((lower <= result.estimate) & (result.estimate <= upper))


def test_experts_keep_their_order_whatever_the_order_of_the_fit(regimes):
    X, y, _ = regimes
    results = []
    for flip in (False, True):
        labels = (X[:, 0] > 0).astype(int)
        model = Regressor(n_experts=2, init=1 - labels if flip else labels).fit(X, y)
        results.append(bootstrap(model, X, y, n_bootstrap=20, random_state=0))
    straight, flipped = results
    np.testing.assert_allclose(
        straight.samples, flipped.samples[:, ::-1], rtol=1e-2, atol=1e-2
    )


def test_table_of_the_bootstrap(regimes):
    X, y, model = regimes
    result = bootstrap(model, X, y, n_bootstrap=5, coverage=0.8, random_state=0)
    names, values = expert_parameters(model)
    assert names == [
        "share",
        "dispersion",
        "intercept",
        "x0",
        "x1",
        "gate intercept",
        "gate x0",
        "gate x1",
    ]
    np.testing.assert_array_equal(result.estimate, values)
    np.testing.assert_array_equal(values[:, 1], model.dispersions_)
    np.testing.assert_array_equal(values[:, 6:], model.gate_.coef_)
    assert result.samples.shape == (5, 2, 8)
    assert result.converged.all()
    table = dict(result.summary().reset_index().items())
    assert table["expert"].tolist() == ["expert0"] * 8 + ["expert1"] * 8
    np.testing.assert_array_equal(table["estimate"], values.ravel())
    np.testing.assert_allclose(
        table["upper"], np.quantile(result.samples, 0.9, axis=0).ravel()
    )


def test_gate_columns_are_named_as_the_gate_sees_them(regression):
    pd = pytest.importorskip("pandas")
    X, y = regression
    frame = pd.DataFrame(X, columns=["a", "b"])
    model = Regressor(n_experts=2, gate_features=["b"]).fit(frame, y)
    assert expert_parameters(model)[0][-2:] == ["gate intercept", "gate b"]
    model.set_params(gate=ConstantGate()).fit(frame, y)
    names, values = expert_parameters(model)
    assert names[-1] == "gate proportion"
    np.testing.assert_array_equal(values[:, -1], model.gate_.proportions_)
    model.set_params(gate=DecisionTreeClassifier(max_depth=1)).fit(frame, y)
    assert expert_parameters(model)[0][-1] == "b"


def test_weights_of_the_rows_enter_the_bootstrap(regimes):
    """Rows of weight zero are never drawn."""
    X, y, _ = regimes
    weights = np.where(np.arange(300) < 150, 1.0, 0.0)
    spoilt = np.where(weights > 0, y, 1e3)
    model = Regressor(n_experts=2).fit(X, y, sample_weight=weights)
    samples = [
        bootstrap(
            model, X, target, sample_weight=weights, n_bootstrap=3, random_state=0
        ).samples
        for target in (y, spoilt)
    ]
    np.testing.assert_array_equal(*samples)


def test_classes_are_drawn_until_each_is_there():
    X, y = two_boundaries(80)
    y[:2] = 2
    model = Classifier(n_experts=1).fit(X, y)
    result = bootstrap(model, X, y, n_bootstrap=20, random_state=0)
    assert result.samples.shape == (20, 1, result.estimate.shape[1])
    assert np.all(np.isfinite(result.samples))


def test_named_experts_and_n_jobs(regimes):
    X, y, _ = regimes
    experts = [("plain", LinearRegression()), ("ridge", Ridge())]
    model = Regressor(experts).fit(X, y)
    before = model.get_params()
    one, two = (
        bootstrap(model, X, y, n_bootstrap=4, n_jobs=n_jobs, random_state=0)
        for n_jobs in (None, 2)
    )
    np.testing.assert_array_equal(one.samples, two.samples)
    assert one.experts == ["plain", "ridge"]
    assert model.get_params() == before


def test_experts_of_other_families_are_not_exchanged_and_a_background_is_one(regimes):
    X, y, _ = regimes
    y = np.append(y, np.random.RandomState(0).uniform(-8, 8, size=30))
    X = np.append(X, X[:30], axis=0)
    model = Regressor(n_experts=3, family=["uniform", "gaussian", "gaussian"]).fit(X, y)
    result = bootstrap(model, X, y, n_bootstrap=5, random_state=0)
    dispersion = result.samples[:, :, result.parameters.index("dispersion")]
    assert np.isnan(dispersion[:, 0]).all()
    assert np.isfinite(dispersion[:, 1:]).all()


def test_collapse_in_refits_is_told():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(30, 12)), rng.normal(size=30)
    model = Regressor(Ridge(10), n_experts=2, max_iter=1000).fit(X, y)
    model.set_params(experts=LinearRegression())
    with pytest.warns(UserWarning, match=r"collapsed onto a few rows in \d+ of 5"):
        bootstrap(model, X, y, n_bootstrap=5, random_state=0)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"kind": "wild"}, "'kind'.*Got 'wild'"),
        ({"coverage": 1.0}, "'coverage'.*Got 1.0"),
        ({"n_bootstrap": -1}, "'n_bootstrap'.*Got -1"),
    ],
)
def test_errors_of_the_bootstrap(regimes, params, message):
    X, y, model = regimes
    with pytest.raises(ValueError, match=message):
        bootstrap(model, X, y, **params)


def test_bootstrap_wants_a_fitted_model(regimes):
    with pytest.raises(NotFittedError):
        bootstrap(Regressor(), *regimes[:2])


# -- the path --------------------------------------------------------------------------


def sparse_regimes(n_samples, n_features, seed=0):
    """Two regimes by the sign of x0, on two columns of many."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, n_features))
    y = np.where(X[:, 0] > 0, 3 * X[:, 1], -3 * X[:, 2])
    return X, y + 0.5 * rng.normal(size=n_samples)


def test_path_goes_from_strong_to_weak_and_finds_the_columns():
    X, y = sparse_regimes(200, 10)
    estimator = Regressor(
        Lasso(), 2, expert_features=slice(1, None), gate_features=[0], tol=1e-3
    )
    values = [0.02, 0.1, 0.3, 1.0, 5.0]
    path = penalty_path(estimator, X, y, parameter="experts__alpha", values=values)
    assert path.results["value"].tolist() == values[::-1]
    names, coefficients = path.coefficients()
    slopes = coefficients[:, :, names.index("x1") : names.index("x9") + 1]
    counts = np.count_nonzero(slopes, axis=(1, 2))
    assert counts[0] == 0
    assert counts[-1] > counts[1] > 0
    assert np.all(np.diff(path.results["n_parameters"]) >= 0)
    largest = np.abs(slopes[path.best_index]).argmax(axis=1)
    assert sorted(largest) == [0, 1]
    assert path.best_value == path.results["value"][path.results["bic"].argmin()]
    assert path.best_estimator.experts.alpha == path.best_value
    assert estimator.experts.alpha == 1.0


def test_default_path_starts_where_no_coefficient_is_left(regression):
    X, y = regression
    path = penalty_path(
        Regressor(ElasticNet(l1_ratio=0.5), 1),
        X,
        y,
        parameter="experts__alpha",
    )
    names, values = path.coefficients()
    slopes = values[:, 0, names.index("x0") :]
    assert np.all(slopes[0] == 0)
    assert np.any(slopes[1] != 0)
    assert len(path.estimators) == 20
    assert path.results["value"][-1] == pytest.approx(1e-3 * path.results["value"][0])


def test_likelihood_rises_along_the_gates_path(regimes):
    X, y, _ = regimes
    estimator = Regressor(n_experts=2, gate=SoftmaxGate())
    path = penalty_path(
        estimator, X, y, parameter="gate__alpha", values=[1, 1e-1, 1e-2, 1e-3]
    )
    assert np.all(np.diff(path.results["log_likelihood"]) > 0)
    alone = Regressor(n_experts=2, gate=SoftmaxGate(1e-2)).fit(X, y)
    assert path.results["bic"][2] == pytest.approx(alone.bic(X, y), abs=0.05)


def test_inverse_penalties_go_up(classification):
    path = penalty_path(
        Classifier(LogisticRegression(), n_experts=2),
        *classification,
        parameter="experts__C",
        values=[1.0, 0.01, 0.1],
        criterion="aic",
    )
    assert path.results["value"].tolist() == [0.01, 0.1, 1.0]
    assert np.all(np.diff(path.results["log_likelihood"]) > 0)


@pytest.mark.slow
def test_more_columns_than_rows():
    X, y = sparse_regimes(200, 400)
    estimator = Regressor(
        Lasso(), 2, gate_features=[0], init=(X[:, 0] > 0).astype(int), tol=1e-3
    )
    path = penalty_path(
        estimator, X, y, parameter="experts__alpha", values=[1.0, 0.3, 0.1]
    )
    names, values = path.coefficients()
    slopes = np.abs(values[path.best_index, :, names.index("x0") :][:, :400])
    assert sorted(slopes.argmax(axis=1)) == [1, 2]
    assert np.count_nonzero(slopes) < 100


@pytest.mark.parametrize(
    ("estimator", "params", "message"),
    [
        (Regressor(), {"parameter": "gate__alpha"}, "no parameter 'gate__alpha'"),
        (
            Regressor(Ridge()),
            {"parameter": "experts__alpha", "values": [0.0]},
            "must be positive",
        ),
        (
            Regressor(Ridge()),
            {"parameter": "experts__alpha", "criterion": "cv"},
            "'criterion'.*Got 'cv'",
        ),
        (
            Regressor(HistGradientBoostingRegressor(max_iter=2), 1),
            {"parameter": "experts__l2_regularization", "values": [1.0]},
            "GridSearchCV",
        ),
    ],
)
def test_errors_of_the_path(regimes, estimator, params, message):
    with pytest.raises(ValueError, match=message):
        penalty_path(estimator, *regimes[:2], **params)
