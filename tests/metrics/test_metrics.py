# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Scores of predictive distributions, and their scorers."""

import pickle

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss, mean_absolute_error, mean_pinball_loss
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor, metrics
from skmoe.metrics import (
    crps,
    crps_scorer,
    interval_coverage,
    interval_coverage_scorer,
    interval_score,
    interval_score_scorer,
    interval_width,
    interval_width_scorer,
    make_distribution_scorer,
    neg_log_likelihood_scorer,
    negative_log_likelihood,
    pinball_loss,
    pinball_loss_scorer,
)
from skmoe.model_selection import ExpertCountSearch
from tests.shared import two_regimes

FUNCTIONS = [
    negative_log_likelihood,
    crps,
    pinball_loss,
    interval_coverage,
    interval_width,
    interval_score,
]
SCORERS = {
    name: getattr(metrics, name) for name in metrics.__all__ if name.endswith("_scorer")
}
SCORERS.pop("make_distribution_scorer")


@pytest.fixture(scope="module")
def fitted():
    """A model, rows and their y."""
    X, y, _ = two_regimes()
    return MixtureOfExpertsRegressor(n_experts=2).fit(X, y), X, y


# -- functions -----------------------------------------------------------------------


def test_scores_are_means_over_rows(fitted):
    model, X, y = fitted
    dist = model.predict_dist(X)
    low, high = model.predict_interval(X).T
    assert_allclose(negative_log_likelihood(y, dist), -model.score_samples(X, y).mean())
    assert_allclose(crps(y, dist), dist.crps(y).mean())
    assert_allclose(interval_coverage(y, dist), np.mean((low <= y) & (y <= high)))
    assert_allclose(interval_width(y, dist), np.mean(high - low))
    levels = [0.1, 0.6]
    losses = [
        mean_pinball_loss(y, model.predict_quantiles(X, q), alpha=q) for q in levels
    ]
    assert_allclose(pinball_loss(y, dist, quantiles=levels), np.mean(losses))


def test_interval_score_is_the_pinball_losses_of_both_ends(fitted):
    model, X, y = fitted
    dist = model.predict_dist(X)
    tails = pinball_loss(y, dist, quantiles=[0.1, 0.9])
    assert_allclose(interval_score(y, dist, coverage=0.8), 2 * tails / 0.1)


def test_crps_is_twice_the_pinball_loss_over_all_levels(fitted):
    model, X, y = fitted
    dist = model.predict_dist(X)
    levels = (np.arange(2000) + 0.5) / 2000
    losses = pinball_loss(y, dist, quantiles=levels)
    assert_allclose(crps(y, dist), 2 * losses, rtol=1e-4)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_weight_is_that_many_rows(function, fitted):
    model, X, y = fitted
    weights = np.arange(len(y)) % 3
    rows = np.repeat(np.arange(len(y)), weights)
    weighted = function(y, model.predict_dist(X), weights)
    repeated = function(y[rows], model.predict_dist(X[rows]))
    assert_allclose(weighted, repeated)
    assert isinstance(weighted, float)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_targets_of_another_shape_are_refused(function, fitted):
    model, X, y = fitted
    with pytest.raises(ValueError, match="y_true must have a value for each of"):
        function(y[:-1], model.predict_dist(X))
    with pytest.raises(ValueError, match=r"1 target\(s\)"):
        function(np.column_stack([y, y]), model.predict_dist(X))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_truth_scores_best(function):
    """All but coverage and width, which are no scores by themselves."""
    if function in (interval_coverage, interval_width):
        return
    X = np.zeros((4000, 1))
    y = np.random.RandomState(0).normal(size=4000)
    model = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)

    def score(scale, shift=0.0):
        dist = model.predict_dist(X)
        dist.predictions = dist.predictions + shift
        dist.noise.parameters[0] = dist.noise.parameters[0] * scale
        result = function(y, dist)
        dist.noise.parameters[0] = dist.noise.parameters[0] / scale
        return result

    truth = score(1.0)
    assert truth < min(score(0.6), score(1.6), score(1.0, 0.4), score(1.0, -0.4))


def test_several_targets_are_averaged():
    X, y, _ = two_regimes()
    Y = np.column_stack([y, 5 * y])
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, Y)
    dist = model.predict_dist(X)
    for function in FUNCTIONS[1:]:
        each = [function(Y[:, t], dist.marginal(t)) for t in range(2)]
        assert_allclose(function(Y, dist), np.mean(each))
    joint = -model.score_samples(X, Y).mean()
    assert_allclose(negative_log_likelihood(Y, dist), joint)


INTERVAL_FUNCTIONS = [interval_coverage, interval_width, interval_score]


@pytest.mark.parametrize("function", INTERVAL_FUNCTIONS)
def test_intervals_are_judged_as_those_of_a_distribution(function, fitted):
    model, X, y = fitted
    weights = np.arange(len(y), dtype=float)
    for given in (
        model.predict_interval(X, 0.8),
        model.predict_interval(X, 0.8)[..., None],
    ):
        from_ends = function(y, given, weights, coverage=0.8)
        expected = function(y, model.predict_dist(X), weights, coverage=0.8)
        assert_allclose(from_ends, expected)
    Y = np.column_stack([y, 5 * y[::-1]])
    both = MixtureOfExpertsRegressor(n_experts=2).fit(X, Y)
    expected = function(Y, both.predict_dist(X))
    assert_allclose(function(Y, both.predict_interval(X)), expected)


def test_calibrated_intervals_have_their_own_coverage():
    rng = np.random.RandomState(0)
    X = rng.uniform(-2, 2, size=(2000, 1))
    y = np.abs(X[:, 0]) + 0.1 * rng.standard_t(2, size=2000)
    tree = DecisionTreeRegressor(max_depth=3)
    model = MixtureOfExpertsRegressor(tree, 2, cv=5, tol=1e-2, random_state=0)
    model.fit(X[:1000], y[:1000])
    X, y = X[1000:], y[1000:]
    given = model.predict_interval(X, kind="calibrated")
    assert interval_coverage(y, given) == np.mean(
        (given[:, 0] <= y) & (y <= given[:, 1])
    )
    assert interval_width(y, given) < interval_width(y, model.predict_dist(X))
    assert interval_score(y, given) < interval_score(y, model.predict_dist(X))


@pytest.mark.parametrize("function", INTERVAL_FUNCTIONS)
def test_what_are_no_intervals_is_refused(function, fitted):
    model, X, y = fitted
    ends = model.predict_interval(X)
    with pytest.raises(ValueError, match=r"shape \(n_samples, 2.*Got shape \(2, 150\)"):
        function(y, ends.T)
    with pytest.raises(ValueError, match="lower ends that are at most the upper"):
        function(y, ends[:, ::-1])
    with pytest.raises(ValueError, match="the 149 rows"):
        function(y, ends[1:])
    infinite = np.tile([-np.inf, np.inf], (len(y), 1))
    assert function(y, infinite) == (1.0 if function is interval_coverage else np.inf)


def test_coverage_of_one_is_no_interval_score(fitted):
    model, X, y = fitted
    with pytest.raises(ValueError, match=r"below 1\. Got 1"):
        interval_score(y, model.predict_dist(X), coverage=1)


# -- scorers -------------------------------------------------------------------------


def test_scorers_are_the_functions_with_their_signs(fitted):
    model, X, y = fitted
    dist = model.predict_dist(X)
    pairs = [
        (neg_log_likelihood_scorer, -negative_log_likelihood(y, dist)),
        (crps_scorer, -crps(y, dist)),
        (pinball_loss_scorer, -pinball_loss(y, dist)),
        (interval_score_scorer, -interval_score(y, dist)),
        (interval_coverage_scorer, interval_coverage(y, dist)),
        (interval_width_scorer, -interval_width(y, dist)),
    ]
    assert len(pairs) == len(SCORERS)
    for scorer, expected in pairs:
        assert_allclose(scorer(model, X, y), expected)
    weights = np.arange(len(y), dtype=float)
    expected = -crps(y, dist, weights)
    assert_allclose(crps_scorer(model, X, y, sample_weight=weights), expected)


def pipeline(**settings):
    return make_pipeline(
        PolynomialFeatures(1, include_bias=False),
        StandardScaler(),
        MixtureOfExpertsRegressor(n_experts=2, **settings),
    )


def test_scorers_reach_through_pipelines_and_searches():
    X, y, _ = two_regimes()
    X = X * [10.0, 0.1]
    pipe = pipeline().fit(X, y)
    search = GridSearchCV(pipeline(), {"mixtureofexpertsregressor__tol": [1e-4]}, cv=2)
    nested = make_pipeline(StandardScaler(), search).fit(X, y)
    counts = ExpertCountSearch(MixtureOfExpertsRegressor(), n_experts=[1, 2])
    counts = make_pipeline(StandardScaler(), counts).fit(X, y)
    alone = make_pipeline(MixtureOfExpertsRegressor(n_experts=2)).fit(X, y)
    for model in (pipe, nested, counts, alone):
        density = neg_log_likelihood_scorer(model, X, y)
        assert_allclose(crps_scorer(model, X, y), crps_scorer(pipe, X, y), rtol=0.02)
        assert_allclose(density, neg_log_likelihood_scorer(pipe, X, y), rtol=0.1)
    rows = pipe[:-1].transform(X)
    expected = pipe[-1].score_samples(rows, y).mean()
    assert_allclose(neg_log_likelihood_scorer(pipe, X, y), expected)


def test_cross_validation_reports_all_scorers():
    X, y, _ = two_regimes()
    results = cross_validate(pipeline(), X, y, cv=3, scoring=SCORERS)
    for name in SCORERS:
        assert np.isfinite(results[f"test_{name}"]).all()
    fitted = clone(pipeline()).fit(X[50:], y[50:])
    expected = crps_scorer(fitted, X[:50], y[:50])
    assert_allclose(results["test_crps_scorer"][0], expected)


@pytest.mark.parametrize("name", ["neg_log_likelihood_scorer", "crps_scorer"])
def test_grid_search_chooses_the_model_that_made_the_data(name):
    X, y, _ = two_regimes(n_samples=300)
    grid = {"mixtureofexpertsregressor__n_experts": [1, 2]}
    search = GridSearchCV(pipeline(), grid, scoring=SCORERS[name], cv=3).fit(X, y)
    assert list(search.best_params_.values()) == [2]


def test_likelihood_scorer_of_a_classifier_is_minus_the_log_loss():
    X, _, regime = two_regimes()
    model = MixtureOfExpertsClassifier(n_experts=2).fit(X, regime)
    expected = -log_loss(regime, model.predict_proba(X))
    assert_allclose(neg_log_likelihood_scorer(model, X, regime), expected, rtol=1e-6)


def test_likelihood_scorer_of_a_binomial_counts_all_trials():
    X, y, _ = two_regimes()
    successes = np.random.RandomState(0).binomial(9, 1 / (1 + np.exp(-y)))
    Y = np.column_stack([successes, 9 - successes])
    model = MixtureOfExpertsRegressor(n_experts=2, family="binomial").fit(X, Y)
    expected = model.score_samples(X, Y).mean()
    assert_allclose(neg_log_likelihood_scorer(model, X, Y), expected)
    with pytest.raises(ValueError, match=r"1 target\(s\)"):
        crps_scorer(model, X, Y)


def test_weights_are_routed_to_scorers():
    X, y, _ = two_regimes()
    weights = np.where(X[:, 0] > 0, 1.0, 0.01)
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = clone_of(crps_scorer).set_score_request(sample_weight=True)
        model = MixtureOfExpertsRegressor(n_experts=2)
        model.set_fit_request(sample_weight=False)
        params = {"sample_weight": weights}
        routed = cross_validate(model, X, y, cv=3, scoring=scorer, params=params)
    fitted = clone(model).fit(X[50:], y[50:])
    expected = crps_scorer(fitted, X[:50], y[:50], sample_weight=weights[:50])
    assert_allclose(routed["test_score"][0], expected)


def clone_of(scorer):
    return pickle.loads(pickle.dumps(scorer))


def test_scorers_can_be_pickled_and_say_what_they_are(fitted):
    model, X, y = fitted
    for name, scorer in SCORERS.items():
        again = clone_of(scorer)
        assert again(model, X, y) == scorer(model, X, y), name
    scorer = make_distribution_scorer(pinball_loss, quantiles=[0.9])
    expected = (
        "make_distribution_scorer(pinball_loss, greater_is_better=False, "
        "quantiles=[0.9])"
    )
    assert repr(scorer) == expected
    assert repr(neg_log_likelihood_scorer) == "neg_log_likelihood_scorer"
    assert_allclose(
        scorer(model, X, y),
        -mean_pinball_loss(y, model.predict_quantiles(X, 0.9), alpha=0.9),
    )


@pytest.mark.parametrize("name", SCORERS)
def test_a_model_without_a_distribution_is_refused(name):
    X, y, _ = two_regimes()
    wrapped = TransformedTargetRegressor(MixtureOfExpertsRegressor(n_experts=1))
    for model in (LinearRegression().fit(X, y), wrapped.fit(X, y)):
        with pytest.raises(TypeError, match=r"has no \w+, which this scorer needs"):
            SCORERS[name](model, X, y)


def test_a_point_forecast_has_its_absolute_error_as_crps():
    X, y, _ = two_regimes()
    model = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
    dist = model.predict_dist(X)
    dist.noise.parameters[0] = np.full((1, 1), 1e-12)
    assert_allclose(crps(y, dist), mean_absolute_error(y, model.predict(X)))
    model.predict_dist(X[:1])
    assert_array_equal(dist.mean(), model.predict(X))
