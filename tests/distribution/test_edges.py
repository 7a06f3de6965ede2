# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Predictive distributions at the edges: ties, no coverage, infinite and missing y."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import cross_val_score

from skmoe import MixtureOfExpertsRegressor, metrics
from skmoe.families import PointMass, Uniform
from tests.distribution.test_predictive import (
    GAUSS,
    MIXTURES,
    N_ROWS,
    POISSON,
    make,
)

ALL = pytest.mark.parametrize("name", MIXTURES)
NO_COVERAGES = [[0.5, 0.9], "0.9", None, np.array([0.9]), 0.9j, np.nan, -0.1, 1.1]


# -- modes ---------------------------------------------------------------------------


def test_a_poisson_of_integer_mean_has_one_of_its_two_modes():
    X = np.repeat(np.eye(3), 50, axis=0)
    y = np.repeat([5, 6, 9], 50) + np.tile([-1, 0, 1, 0, 0], 30)
    model = MixtureOfExpertsRegressor(n_experts=1, family="poisson").fit(X, y)
    modes = model.predict_dist(np.eye(3)).modes()
    assert modes.shape == (3, 1)
    assert np.all((modes[:, 0] == [5, 6, 9]) | (modes[:, 0] == [4, 5, 8]))


@pytest.mark.parametrize("mean", [1.0, 2.0, 17.0, 300.0, 4999.0])
@pytest.mark.parametrize("error", [-1e-15, 0.0, 1e-15])
def test_rounding_hides_no_mode(mean, error):
    mean *= 1 + error
    (modes,) = make([(POISSON, [])], n_rows=1, low=mean, high=mean).modes()
    assert len(modes) == 1
    assert modes[0] in (np.round(mean) - 1, np.round(mean))


def test_a_plateau_that_rises_further_is_no_mode():
    steps = make([(Uniform(), [0.0, 9.0]), (Uniform(), [6.0, 9.0])], n_rows=4).modes()
    assert steps.shape == (4, 1)
    assert np.all((steps >= 6) & (steps <= 9))


# -- intervals -----------------------------------------------------------------------


@ALL
def test_without_coverage_intervals_are_the_median(name):
    dist = make(MIXTURES[name])
    median = dist.quantile(0.5)
    for kind in ("equal-tailed", "highest-density"):
        assert_array_equal(dist.interval(0, kind), np.column_stack([median, median]))


def test_intervals_of_little_coverage_are_points_in_order():
    for name in MIXTURES:
        for coverage in (1e-17, 1e-13):
            low, high = make(MIXTURES[name]).interval(coverage, "highest-density").T
            assert np.isfinite(low).all()
            assert np.all(low <= high)
            assert_allclose(low, high, atol=1e-9)


@pytest.mark.parametrize("coverage", NO_COVERAGES, ids=repr)
def test_a_coverage_that_is_no_probability_is_refused(coverage):
    dist = make(MIXTURES["gaussian"])
    message = "coverage must be one number between 0 and 1. Got "
    for kind in ("equal-tailed", "highest-density"):
        with pytest.raises(ValueError, match=message):
            dist.interval(coverage, kind)
    for score in (metrics.interval_coverage, metrics.interval_score):
        with pytest.raises(ValueError, match=message):
            score(np.zeros(N_ROWS), dist, coverage=coverage)
    X = np.linspace(-1, 1, 60)[:, None]
    model = MixtureOfExpertsRegressor(n_experts=1).fit(X, X[:, 0] + np.sin(9 * X[:, 0]))
    with pytest.raises(ValueError, match=message):
        model.predict_interval(X, coverage)


@pytest.mark.parametrize("coverage", [np.float64(0.5), np.float32(0.5), np.int64(1)])
def test_numbers_of_numpy_are_coverages(coverage):
    dist = make(MIXTURES["gaussian"])
    assert_allclose(dist.interval(coverage), dist.interval(float(coverage)))


# -- infinite and missing y ----------------------------------------------------------


@ALL
@pytest.mark.parametrize("y", [np.inf, -np.inf])
def test_an_infinite_value_scores_worst(name, y):
    dist = make(MIXTURES[name])
    assert_array_equal(dist.crps(y), np.inf)
    assert_array_equal(dist.logpdf(y), -1e100)
    assert_array_equal(dist.pdf(y), 0.0)
    some = np.where(np.arange(N_ROWS) % 2, y, 1.0)
    expected = np.where(np.arange(N_ROWS) % 2, np.inf, dist.crps(1.0))
    assert_allclose(dist.crps(some), expected)


@pytest.mark.parametrize(
    "function",
    [
        metrics.negative_log_likelihood,
        metrics.crps,
        metrics.pinball_loss,
        metrics.interval_coverage,
        metrics.interval_width,
        metrics.interval_score,
    ],
)
def test_scores_refuse_missing_values(function):
    y = np.ones(N_ROWS)
    y[2] = np.nan
    with pytest.raises(ValueError, match="y_true must not contain NaN"):
        function(y, make(MIXTURES["gaussian"]))


@pytest.mark.parametrize("quantiles", [[], np.empty(0)], ids=repr)
def test_no_quantiles_have_no_pinball_loss(quantiles):
    dist = make(MIXTURES["gaussian"])
    with pytest.raises(ValueError, match="quantiles must have at least one level"):
        metrics.pinball_loss(np.ones(N_ROWS), dist, quantiles=quantiles)


# -- atoms and densities together ----------------------------------------------------


def test_density_adds_the_probability_of_an_atom_and_entropy_does_not():
    mixed = make([(PointMass(), []), (GAUSS, [2.0])])
    normal = make([(GAUSS, [2.0])])
    normal.predictions = mixed.predictions[:, [1]]
    zero, rest = mixed.weights.T
    assert_allclose(mixed.pdf(0.0), zero + rest * normal.pdf(0.0))
    apart = -zero * np.log(zero) - rest * np.log(rest) + rest * normal.entropy()
    assert_allclose(mixed.entropy(), apart, rtol=1e-8)


# -- rows ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rows", [(0, 0), (slice(None), 0), (slice(2), slice(1)), [[0, 1]], (0, 1)], ids=repr
)
def test_only_rows_are_indexed(rows):
    with pytest.raises(IndexError, match="indexed by its rows alone: an integer, a sl"):
        make(MIXTURES["gaussian"])[rows]


# -- binomial models -----------------------------------------------------------------


def test_binomial_models_are_scored_by_their_likelihood():
    rng = np.random.RandomState(0)
    X = rng.uniform(-2, 2, size=(120, 1))
    successes = rng.binomial(9, 1 / (1 + np.exp(-X[:, 0])))
    Y = np.column_stack([successes, 9 - successes])
    model = MixtureOfExpertsRegressor(n_experts=1, family="binomial")
    scorer = metrics.neg_log_likelihood_scorer
    assert np.isfinite(cross_val_score(model, X, Y, scoring=scorer, cv=2)).all()
