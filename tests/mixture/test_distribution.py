# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Predictive distributions of fitted mixtures of experts."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.distribution import PredictiveDistribution
from skmoe.families import StudentT
from skmoe.model_selection import ExpertCountSearch
from tests.shared import two_regimes


def positive(y):
    return np.exp(0.4 * y)


def counts(y):
    return np.random.RandomState(0).poisson(positive(y)).astype(float)


def amounts_and_zeros(y):
    return np.where(np.arange(len(y)) % 3 == 0, 0.0, positive(y))


MODELS = {
    "gaussian": ({}, np.array),
    "student_t": ({"family": StudentT(df=5)}, np.array),
    "trees": ({"experts": DecisionTreeRegressor(max_depth=2)}, np.array),
    "gamma": ({"family": "gamma"}, positive),
    "poisson": ({"family": "poisson"}, counts),
    "zero and gamma": ({"family": ["zero", "gamma"]}, amounts_and_zeros),
    "background": ({"family": ["uniform", "gaussian"]}, np.array),
    "nested": (
        {
            "experts": [
                ("tree", DecisionTreeRegressor(max_depth=1)),
                ("mixture", MixtureOfExpertsRegressor(n_experts=2, family="laplace")),
            ]
        },
        np.array,
    ),
}


@pytest.fixture(scope="module", params=MODELS)
def fitted(request):
    """A fitted model, rows and their y."""
    settings, transform = MODELS[request.param]
    X, y, _ = two_regimes()
    y = transform(y)
    return fit(settings, X, y), X[:30], y[:30]


def fit(settings, X, y):
    n_experts = 3 if isinstance(settings.get("experts"), list) else 2
    model = MixtureOfExpertsRegressor(
        n_experts=n_experts, **settings, tol=1e-3, random_state=0
    )
    return model.fit(X, y)


def test_distribution_agrees_with_the_other_methods(fitted):
    model, X, y = fitted
    dist = model.predict_dist(X)
    assert isinstance(dist, PredictiveDistribution)
    mean, std = model.predict(X, return_std=True)
    assert_allclose(dist.mean(), mean)
    assert_allclose(dist.std(), std)
    assert_allclose(dist.logpdf(y), model.score_samples(X, y))
    assert_allclose(dist.weights.sum(axis=1), 1.0)
    drawn = model.sample_y(X, 5, random_state=3)
    assert_array_equal(dist.sample(5, random_state=3), drawn)


def test_quantiles_and_intervals_are_those_of_the_distribution(fitted):
    model, X, _ = fitted
    dist = model.predict_dist(X)
    levels = [0.05, 0.5, 0.95]
    found = model.predict_quantiles(X, levels)
    assert_array_equal(found, dist.quantile(levels))
    assert found.shape == (30, 3)
    assert np.all(np.diff(found) >= 0)
    assert model.predict_quantiles(X, 0.5).shape == (30,)
    assert_allclose(model.predict_interval(X), found[:, [0, 2]], rtol=1e-9)
    narrower = model.predict_interval(X, coverage=0.5)
    assert np.all(np.diff(narrower) <= np.diff(found[:, [0, 2]]))


def test_draws_are_below_the_quantiles_as_often_as_they_say(fitted):
    model, X, _ = fitted
    draws = model.predict_dist(X[:3]).sample(4000, random_state=0)
    for level in (0.3, 0.8):
        quantile = model.predict_quantiles(X[:3], level)
        share = (draws <= quantile[:, None]).mean(axis=1)
        less = (draws < quantile[:, None]).mean(axis=1)
        assert np.all(share >= level - 0.04)
        assert np.all(less <= level + 0.04)


def test_a_nested_mixture_is_flattened():
    settings, _ = MODELS["nested"]
    X, y, _ = two_regimes()
    model = fit(settings, X, y)
    dist = model.predict_dist(X)
    assert dist.weights.shape == (len(X), 3)
    outer, inner = model.gate_proba(X), model.experts_[1].gate_proba(X)
    expected = np.column_stack([outer[:, 0], outer[:, [1]] * inner])
    assert_allclose(dist.weights, expected, atol=1e-12)


def test_top_k_leaves_the_distribution_whole():
    X, y, _ = two_regimes()
    model = MixtureOfExpertsRegressor(n_experts=3).fit(X, y)
    whole = model.predict_dist(X)
    model.set_params(top_k=1)
    assert_array_equal(model.predict_dist(X).mean(), whole.mean())
    assert_allclose(model.predict_dist(X).logpdf(y), model.score_samples(X, y))


def test_several_targets():
    X, y, _ = two_regimes()
    Y = np.column_stack([y, 10 + 3 * y[::-1]])
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, Y)
    dist = model.predict_dist(X)
    mean, std = model.predict(X, return_std=True)
    assert_allclose(dist.mean(), mean)
    assert_allclose(dist.std(), std)
    assert_allclose(dist.logpdf(Y), model.score_samples(X, Y))
    found = model.predict_quantiles(X, [0.1, 0.5, 0.9])
    assert found.shape == (len(X), 3, 2)
    assert_array_equal(found[:, :, 1], dist.marginal(1).quantile([0.1, 0.5, 0.9]))
    assert model.predict_interval(X).shape == (len(X), 2, 2)
    one = MixtureOfExpertsRegressor(n_experts=2).fit(X, Y[:, [0]])
    assert one.predict_quantiles(X, [0.1, 0.9]).shape == (len(X), 2, 1)


def test_a_binomial_predicts_one_trial():
    X, y, _ = two_regimes()
    successes = np.random.RandomState(0).binomial(9, 1 / (1 + np.exp(-y)))
    Y = np.column_stack([successes, 9 - successes])
    model = MixtureOfExpertsRegressor(n_experts=2, family="binomial").fit(X, Y)
    dist = model.predict_dist(X)
    assert_allclose(dist.mean(), model.predict(X))
    one_success = np.tile([1.0, 0.0], (len(X), 1))
    assert_allclose(dist.logpdf(1.0), model.score_samples(X, one_success))
    assert_array_equal(
        model.predict_quantiles(X, 0.5), (model.predict(X) > 0.5).astype(float)
    )


def test_intervals_cover_new_rows_as_often_as_they_say():
    X, y, _ = two_regimes(n_samples=2000, seed=1)
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X[:1000], y[:1000])
    low, high = model.predict_interval(X[1000:], coverage=0.8).T
    covered = np.mean((y[1000:] >= low) & (y[1000:] <= high))
    assert abs(covered - 0.8) <= 3 * np.sqrt(0.8 * 0.2 / 1000) + 0.01


def test_search_of_experts_hands_on_the_methods():
    X, y, _ = two_regimes()
    search = ExpertCountSearch(MixtureOfExpertsRegressor(), n_experts=[1, 2])
    search.fit(X, y)
    best = search.best_estimator_
    assert_allclose(search.predict_dist(X).logpdf(y), best.score_samples(X, y))
    assert_array_equal(search.predict_interval(X), best.predict_interval(X))
    assert_array_equal(search.predict_quantiles(X, 0.3), best.predict_quantiles(X, 0.3))


def test_draws_may_be_none_and_must_be_a_number():
    X, y, regime = two_regimes()
    zeros = fit(MODELS["zero and gamma"][0], X, amounts_and_zeros(y))
    models = [
        (fit({}, X, y), ()),
        (zeros, ()),
        (fit({}, X, np.column_stack([y, y])), (2,)),
        (MixtureOfExpertsClassifier(n_experts=2).fit(X, regime), ()),
    ]
    for model, targets in models:
        assert model.sample_y(X, 0).shape == (len(X), 0, *targets)
        assert model.sample_y(X, np.int64(2)).shape == (len(X), 2, *targets)
        for wrong in (-1, 2.5, (2, 3)):
            with pytest.raises(ValueError, match="n_samples must be an integer of at"):
                model.sample_y(X, wrong)


def test_bad_levels_and_coverages_are_refused(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    with pytest.raises(ValueError, match="from 0 to 1"):
        model.predict_quantiles(X, [0.5, 2.0])
    with pytest.raises(ValueError, match="coverage must be one number between 0 and 1"):
        model.predict_interval(X, coverage=90)


def test_one_column_of_targets_keeps_its_axis():
    X, y = two_regimes()[:2]
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y[:, None])
    assert model.predict(X).shape == (len(X), 1)
    assert model.predict_interval(X).shape == (len(X), 2, 1)
    assert model.sample_y(X, 3).shape == (len(X), 3, 1)
    flat = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    draws = flat.sample_y(X, 3, random_state=0)
    assert_array_equal(model.sample_y(X, 3, random_state=0)[..., 0], draws)
