# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The shortest intervals, against all intervals of a fine grid."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from skmoe import MixtureOfExpertsRegressor
from skmoe.distribution import PredictiveDistribution
from skmoe.families.noise import Noise
from tests.distribution.test_predictive import GAUSS, MIXTURES, N_ROWS, make

# Relative excess of a width that the documentation allows.
ALLOWED = 1e-3
LEVELS = np.concatenate([[1e-12, 1e-9, 1e-7], np.linspace(1e-6, 1 - 1e-6, 1000)])


def random_gaussians(n_components, seed, n_rows=75):
    """Components of any weight and place, a hundred times as wide as others."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(n_components, 0.7), size=n_rows)
    means = rng.uniform(-25, 25, (n_rows, n_components))
    scales = np.exp(rng.uniform(np.log(0.05), np.log(5), n_components))
    noise = Noise([GAUSS] * n_components, list(scales[:, None, None]))
    dist = PredictiveDistribution(np.log(weights), means[:, :, None], noise)
    return dist, weights, means, scales


def shortest_on_a_grid(weights, means, scales, coverage):
    """Width, with either end on a grid in y and in probability of each component."""
    z = np.concatenate([ndtri(LEVELS), np.linspace(-6, 6, 500)])
    y = np.sort((means[:, None] + scales[:, None] * z).ravel())
    upto = weights @ ndtr((y - means[:, None]) / scales[:, None])
    first, last = upto <= 1 - coverage, upto >= coverage
    upward = np.interp(upto[first] + coverage, upto, y) - y[first]
    downward = y[last] - np.interp(upto[last] - coverage, upto, y)
    return min(upward.min(), downward.min())


@pytest.mark.parametrize("n_components", [2, 3, 4, 5])
def test_no_interval_of_a_grid_is_shorter(n_components):
    for seed in range(12):
        dist, weights, means, scales = random_gaussians(n_components, seed)
        coverage = (0.3, 0.5, 0.8, 0.95)[seed % 4]
        found = dist.interval(coverage, "highest-density")
        np.testing.assert_allclose(np.diff(dist.cdf(found))[:, 0], coverage, atol=1e-8)
        for row, width in enumerate(np.diff(found)[:, 0]):
            shortest = shortest_on_a_grid(weights[row], means[row], scales, coverage)
            assert width <= (1 + ALLOWED) * shortest


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_no_lower_end_makes_a_shorter_interval(name, coverage):
    dist = make(MIXTURES[name], seed=3)
    width = np.diff(dist.interval(coverage, "highest-density"))
    low = dist.quantile(np.linspace(0, 1 - coverage, 400)[:-1])
    before = dist.cdf(np.nextafter(low, -np.inf))
    for row in range(N_ROWS):
        some = before[row] <= 1 - coverage
        high = dist[row].quantile(before[row, some] + coverage)[0]
        assert width[row, 0] <= (1 + ALLOWED) * np.min(high - low[row, some])


def test_a_light_narrow_component_that_is_far_away_is_left_out():
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, (900, 1))
    shares = np.exp(np.column_stack([0 * x, x / 2, -x / 2]))
    shares /= shares.sum(axis=1, keepdims=True)
    owner = np.array([rng.choice(3, p=share) for share in shares])
    means, scales = np.array([21.0, -11.0, -14.0]), np.array([0.4, 1.3, 3.8])
    y = rng.normal(means[owner], scales[owner])
    model = MixtureOfExpertsRegressor(n_experts=3, expert_features=[], init=owner)
    dist = model.fit(x, y).predict_dist([[2.7793]])
    ((low, high),) = dist.interval(0.8, "highest-density")
    assert high < -6
    assert high - low < 12.72  # not 33.6, with the component at 21


@pytest.mark.parametrize("shift", [0.0, 1e-9, 1e-5, 0.01])
def test_flat_and_nearly_certain_mixtures_have_intervals(shift):
    dist = make(MIXTURES["laplace and uniform"])
    dist.predictions = dist.predictions + shift
    for coverage in (1e-17, 1e-6, 1 - 1e-6, 1 - 1e-13, 1.0):
        found = dist.interval(coverage, "highest-density")
        equal = dist.interval(coverage)
        assert not np.isnan(found).any()
        assert np.all(found[:, 0] <= found[:, 1])
        if coverage < 1:
            assert np.isfinite(found).all()
            assert np.all(np.diff(found) <= np.diff(equal))
