# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What users get for settings that cannot be, and for data at the edge."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.experts import GeneralizedLinearRegressor, PooledRidge
from skmoe.families import Poisson, StudentT, Uniform
from skmoe.gates import ConstantGate, SoftmaxGate
from skmoe.model_selection import bootstrap, likelihood_ratio_test
from skmoe.model_selection._likelihood_ratio import draw_targets
from tests.shared import assert_never_falls, two_regimes


def model(**settings):
    return MixtureOfExpertsRegressor(n_experts=2, **settings)


# -- settings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (Uniform(low=3, high=1), r"low of Uniform must be below high\. Got low=3"),
        (StudentT(df=-1.0), r"df of StudentT must be .* above zero\. Got -1\.0"),
    ],
)
def test_settings_of_families_are_checked_beside_other_families(
    regression, family, message
):
    with pytest.raises(ValueError, match=message):
        model(family=[family, "gaussian"]).fit(*regression)


@pytest.mark.parametrize("family", [Poisson, [Poisson, "gaussian"]])
def test_a_family_that_is_a_class_is_refused(regression, family):
    with pytest.raises(TypeError, match=r"family=Poisson is a class\. .* Poisson\(\)"):
        model(family=family).fit(*regression)


@pytest.mark.parametrize("name", ["alpha", "fit_intercept"])
@pytest.mark.parametrize(
    "expert",
    [Ridge(), PooledRidge(), GeneralizedLinearRegressor()],
    ids=lambda expert: type(expert).__name__,
)
def test_settings_that_experts_refuse_alone_are_refused(regression, expert, name):
    value = {"alpha": np.inf, "fit_intercept": 1}[name]
    expert = clone(expert).set_params(**{name: value})
    with pytest.raises(ValueError, match=f"{name}.* of {type(expert).__name__} must"):
        MixtureOfExpertsRegressor(expert, 2).fit(*regression)


def test_settings_that_a_classifier_refuses_alone_are_refused(three_classes):
    expert = LogisticRegression(fit_intercept=0)
    with pytest.raises(ValueError, match=r"fit_intercept.* of LogisticReg"):
        MixtureOfExpertsClassifier(expert, 2).fit(*three_classes)


@pytest.mark.parametrize("offset", [["a"], 0.5, slice(1)])
def test_offset_feature_is_one_column(regression, offset):
    with pytest.raises(TypeError, match=r"offset_feature must be .* one column"):
        model(offset_feature=offset).fit(*regression)


# -- groups and labels ---------------------------------------------------------------


@pytest.mark.parametrize("missing", [np.nan, None])
def test_missing_groups_are_no_group(regression, missing):
    groups = np.repeat(np.arange(75), 2).astype(object)
    groups[7] = missing
    if missing is not None:
        groups = groups.astype(float)
    with pytest.raises(ValueError, match=r"group of every row\. Got groups\[7\]"):
        model(gate=ConstantGate()).fit(*regression, groups=groups)


def test_fewer_groups_than_experts_are_refused(regression):
    groups = np.zeros(150, dtype=int)
    with pytest.raises(ValueError, match=r"at least n_experts=2.* Got 1\."):
        model(gate=ConstantGate()).fit(*regression, groups=groups)


def test_labels_of_a_column_with_missing_values():
    X, y, regime = two_regimes()
    labels = np.where(np.arange(150) % 3 == 0, -1, regime)
    floats = np.where(labels < 0, np.nan, labels)
    first = model().fit(X, y, expert_labels=labels)
    second = model().fit(X, y, expert_labels=floats)
    assert_array_equal(first.predict(X), second.predict(X))
    nullable = pytest.importorskip("pandas").Series(floats).astype("Int64")
    third = model().fit(X, y, expert_labels=nullable)
    assert_array_equal(first.predict(X), third.predict(X))


# -- quiet where nothing is wrong ----------------------------------------------------


def test_one_count_other_than_zero_raises_no_warning():
    X = np.random.RandomState(0).normal(size=(300, 2))
    y = np.append(np.zeros(299), 5.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        fitted = model(family="poisson").fit(X, y)
    assert_never_falls(fitted.lower_bounds_)


def test_summary_of_laplace_noise_takes_its_kind(regression):
    fitted = model(family="laplace", gate=SoftmaxGate(alpha=1e-7)).fit(*regression)
    with pytest.raises(ValueError, match="kind='opg'"):
        fitted.summary(*regression)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        table = fitted.summary(*regression, kind="opg")
    assert np.all(np.array(table["standard error"]) > 0)


def test_interval_without_upper_end_raises_no_warning(regression):
    fitted = model(family="student_t", gate=SoftmaxGate(alpha=1e-7)).fit(*regression)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        table = fitted.summary(*regression)
    assert not np.isnan(np.array(table["upper"])).any()


# -- odd but right -------------------------------------------------------------------


def test_gamma_experts_with_inverse_link_climb():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 2))
    score = np.where(X[:, 0] > 0, 1 + 0.5 * X[:, 1], 0.2 - 0.5 * X[:, 1])
    y = np.exp(score + 0.3 * rng.normal(size=300))
    expert = GeneralizedLinearRegressor(link="inverse")
    settings = {"n_experts": 2, "family": "gamma", "random_state": 0}
    fitted = MixtureOfExpertsRegressor(expert, **settings).fit(X, y)
    assert_never_falls(fitted.lower_bounds_)
    assert np.all(np.isfinite(fitted.predict(X)))
    alone = MixtureOfExpertsRegressor(n_experts=1, family="gamma").fit(X, y)
    assert fitted.log_likelihood_ > alone.log_likelihood_


def test_warm_start_of_a_lasso_gate_with_four_experts_goes_on():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 2))
    right, noise = X[:, 0] > 0, 0.3 * rng.normal(size=300)
    y = np.where(right, 1 + 0.5 * X[:, 1], 0.2 - 0.5 * X[:, 1]) + noise
    settings = {"n_experts": 4, "gate": SoftmaxGate(alpha=0.01, l1_ratio=1.0), "tol": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        whole = MixtureOfExpertsRegressor(max_iter=15, **settings).fit(X, y)
        parts = MixtureOfExpertsRegressor(max_iter=5, warm_start=True, **settings)
        parts.fit(X, y).set_params(max_iter=10).fit(X, y)
    assert_allclose(parts.lower_bound_, whole.lower_bound_, atol=1e-12)


def successes(n_samples=200):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_samples, 1))
    trials = rng.randint(1, 12, size=n_samples)
    score = np.where(X[:, 0] > 0, 1.5, -1.0)
    hits = rng.binomial(trials, 1 / (1 + np.exp(-score)))
    return X, np.column_stack([hits, trials - hits])


def test_binomial_score_is_that_of_single_trials_pooled_by_row():
    X, y = successes()
    fitted = model(family="binomial").fit(X, y)
    trials, proportion = y.sum(axis=1), y[:, 0] / y.sum(axis=1)
    expected = r2_score(proportion, fitted.predict(X), sample_weight=trials)
    assert_allclose(fitted.score(X, y), expected)
    twice = fitted.score(X, y, sample_weight=np.full(len(y), 2.0))
    assert_allclose(twice, expected)
    search = GridSearchCV(model(family="binomial"), {"n_experts": [1, 2]}, cv=3)
    assert np.all(np.isfinite(search.fit(X, y).cv_results_["mean_test_score"]))


def test_binomial_targets_are_drawn_with_their_trials():
    X, y = successes()
    fitted = model(family="binomial").fit(X, y)
    drawn = np.array([draw_targets(fitted, X, y, seed) for seed in range(300)])
    assert_array_equal(drawn.sum(axis=2), np.tile(y.sum(axis=1), (300, 1)))
    share = drawn[:, :, 0].mean(axis=0) / y.sum(axis=1)
    assert_allclose(share, fitted.predict(X), atol=0.15)
    result = bootstrap(fitted, X, y, n_bootstrap=3, kind="parametric", random_state=0)
    assert np.all(np.isfinite(result.samples))
    test = likelihood_ratio_test(
        MixtureOfExpertsRegressor(family="binomial"),
        X,
        y,
        n_experts=1,
        n_bootstrap=4,
        random_state=0,
    )
    assert test.statistic > test.bootstrap_statistics.max()


def test_rates_are_told_of_counts_and_an_offset():
    rng = np.random.RandomState(0)
    X, exposure = rng.normal(size=(60, 2)), rng.uniform(0.1, 1, 60)
    rates = rng.poisson(exposure * np.exp(0.3 * X[:, 0])) / exposure
    model = MixtureOfExpertsRegressor(n_experts=2, family="poisson")
    with pytest.raises(
        ValueError, match=r"non-negative integers.*offset_feature names"
    ):
        model.fit(X, rates, sample_weight=exposure)


def test_class_weight_of_experts_is_told_where_it_belongs(classification):
    experts = LogisticRegression(class_weight="balanced")
    model = MixtureOfExpertsClassifier(experts, 2, tol=1e-2)
    with pytest.warns(UserWarning, match="set class_weight of the mixture instead"):
        model.fit(*classification)
