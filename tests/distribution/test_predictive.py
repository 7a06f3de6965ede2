# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Predictive distributions as distributions: random mixtures of every kind."""

import pickle
import re
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.integrate import quad

from skmoe.distribution import PredictiveDistribution
from skmoe.families import (
    Beta,
    Binomial,
    Gamma,
    Gaussian,
    InverseGaussian,
    Laplace,
    LogNormal,
    NegativeBinomial,
    PointMass,
    Poisson,
    SkewNormal,
    StudentT,
    Uniform,
)
from skmoe.families.noise import Noise

N_ROWS = 6
LEVELS = np.array([1e-9, 1e-3, 0.05, 0.3, 0.5, 0.77, 0.95, 0.9999, 1 - 1e-9])
# Families and their parameters; components of one kind share the object.
GAUSS, GAMMA, POISSON, T = Gaussian(), Gamma(), Poisson(), StudentT()
MIXTURES = {
    "gaussian": [(GAUSS, [0.1]), (GAUSS, [1.0]), (GAUSS, [3.0])],
    "student_t": [(T, [0.5, 3.0]), (T, [1.0, 1.8])],
    "gamma": [(GAMMA, [0.3]), (GAMMA, [0.05])],
    "gamma without a bound": [(GAMMA, [2.0]), (GAMMA, [0.5])],
    "laplace and uniform": [(Laplace(), [0.5]), (Uniform(), [-3.0, 9.0])],
    "skew and inverse gaussian": [(SkewNormal(), [1, 4]), (InverseGaussian(), [0.2])],
    "log normal and gaussian": [(LogNormal(), [0.5]), (GAUSS, [0.3])],
    "zero and gamma": [(PointMass(), []), (GAMMA, [0.3]), (GAMMA, [0.1])],
    "poisson": [(POISSON, []), (POISSON, [])],
    "zero and negative binomial": [(PointMass(), []), (NegativeBinomial(), [0.7])],
    "poisson and a point between": [(POISSON, []), (PointMass(2.5), [])],
}
COUNTS = [name for name in MIXTURES if "poisson" in name or "binomial" in name]
DENSITIES = [name for name in MIXTURES if name not in [*COUNTS, "zero and gamma"]]
ALL = pytest.mark.parametrize("name", MIXTURES)
SMOOTH = pytest.mark.parametrize("name", DENSITIES)
DISCRETE = pytest.mark.parametrize("name", COUNTS)


def make(components, n_rows=N_ROWS, seed=0, low=0.5, high=6.0):
    """Random weights and predictions for (family, parameters) of one target."""
    rng = np.random.RandomState(seed)
    families, parameters = zip(*components, strict=True)
    weights = rng.dirichlet(np.ones(len(families)), size=n_rows)
    predictions = rng.uniform(low, high, size=(n_rows, len(families), 1))
    noise = Noise(families, [np.reshape(p, (-1, 1)).astype(float) for p in parameters])
    return PredictiveDistribution(np.log(weights), predictions, noise)


def gaussians(weights, means, scales):
    """One row of a Gaussian mixture."""
    noise = Noise([GAUSS] * len(means), [np.array([[s]]) for s in scales])
    with np.errstate(divide="ignore"):
        log_weights = np.log([weights])
    return PredictiveDistribution(log_weights, np.array([means])[:, :, None], noise)


def integral(function, dist, low, high):
    """Over y of the first row, in pieces between its quantiles."""
    cuts = dist.quantile(LEVELS)[0]
    cuts = [low, *cuts[(cuts > low) & (cuts < high)], high]
    return sum(
        quad(function, a, b, limit=300, epsabs=1e-12, epsrel=1e-10)[0]
        for a, b in pairwise(cuts)
    )


def ends_of(dist):
    return dist.quantile([1e-13, 1 - 1e-13])[0]


# -- density and distribution function -----------------------------------------------


@ALL
def test_density_is_the_weighted_sum_of_the_components(name):
    dist = make(MIXTURES[name])
    y = dist.sample(4, random_state=0)
    expected = np.zeros(y.shape)
    for k, (family, parameters) in enumerate(MIXTURES[name]):
        given = np.reshape(parameters, (-1, 1, 1))
        terms = family.log_density(y, dist.predictions[:, k], given)
        expected += dist.weights[:, [k]] * np.exp(terms)
    assert_allclose(dist.pdf(y), expected, rtol=1e-9)
    assert_allclose(dist.logpdf(y), np.log(expected), rtol=1e-9, atol=1e-9)


@SMOOTH
def test_cdf_is_the_integral_of_the_density(name):
    dist = make(MIXTURES[name])[0]
    lowest = dist.quantile(1e-13)[0]
    for y in dist.quantile([0.2, 0.8])[0]:
        mass = integral(lambda t: dist.pdf(t)[0], dist, lowest, y)
        assert_allclose(dist.cdf(y), mass, atol=1e-7)


@DISCRETE
def test_cdf_is_the_sum_of_the_probabilities(name):
    dist = make(MIXTURES[name])
    y = np.tile(np.arange(0, 60, 0.5), (N_ROWS, 1))
    assert_allclose(dist.cdf(y), dist.pdf(y).cumsum(axis=1), atol=1e-10)


def test_cdf_of_mixed_families_jumps_by_the_probability_of_the_point():
    dist = make(MIXTURES["zero and gamma"])
    assert_allclose(dist.cdf(0.0) - dist.cdf(-1e-9), dist.weights[:, 0])
    assert_allclose(dist.pdf(0.0), dist.weights[:, 0])
    mass = integral(lambda t: dist[0].pdf(t)[0], dist, 1e-9, 200.0)
    assert_allclose(mass + dist.weights[0, 0], 1.0, atol=1e-7)


@ALL
def test_moments_are_those_of_draws(name):
    dist = make(MIXTURES[name])
    draws = dist.sample(20_000, random_state=0)
    error = draws.std(axis=1) / np.sqrt(draws.shape[1])
    assert np.all(np.abs(draws.mean(axis=1) - dist.mean()) <= 4 * error)
    assert_allclose(dist.std() ** 2, dist.var())
    if np.isfinite(dist.var()).all():
        squares = (draws - dist.mean()[:, None]) ** 2
        error = squares.std(axis=1) / np.sqrt(draws.shape[1])
        assert np.all(np.abs(squares.mean(axis=1) - dist.var()) <= 4 * error)
    else:
        assert name == "student_t"  # 1.8 degrees of freedom


# -- quantiles -----------------------------------------------------------------------


@ALL
def test_quantile_is_the_smallest_value_with_enough_below(name):
    dist = make(MIXTURES[name], n_rows=20)
    found = dist.quantile(LEVELS)
    scale = dist.quantile(0.9) - dist.quantile(0.1)
    assert np.all(dist.cdf(found) >= LEVELS - 1e-14)
    step = 1e-8 * np.maximum(scale, 1e-3)[:, None]
    assert np.all(dist.cdf(found - step) <= LEVELS + 1e-14)


@SMOOTH
def test_quantile_agrees_with_a_search_on_the_integrated_density(name):
    dist = make(MIXTURES[name])[0]
    lowest = dist.quantile(1e-13)[0]
    for level in (0.07, 0.6):
        found = dist.quantile(level)[0]
        mass = integral(lambda t: dist.pdf(t)[0], dist, lowest, found)
        assert abs(mass - level) <= 1e-6 * dist.pdf(found)[0] + 1e-7


@DISCRETE
def test_quantile_at_a_step_is_the_value_of_the_step(name):
    dist = make(MIXTURES[name])
    for y in (1.0, 3.0, 7.0):
        steps = dist.cdf(y)
        for i, step in enumerate(steps):
            assert dist[i].quantile(step * (1 - 1e-14))[0] <= y
            if dist[i].pdf(y)[0] > 1e-9:
                assert dist[i].quantile(step - 1e-10)[0] == y


def test_quantile_of_an_atom_is_exact():
    dist = make(MIXTURES["zero and gamma"])
    inside = 0.5 * dist.weights[:, 0]
    for i, level in enumerate(inside):
        assert dist[i].quantile(level)[0] == 0.0
    just_above = dist[0].quantile(dist.weights[0, 0] + 1e-6)[0]
    assert just_above > 0.0


@ALL
def test_quantiles_of_zero_and_one_are_the_ends_of_the_support(name):
    dist = make(MIXTURES[name])
    ends = dist.quantile([0.0, 1.0])
    assert np.all(ends[:, 0] <= dist.quantile(1e-9))
    assert np.all(ends[:, 1] >= dist.quantile(1 - 1e-9))
    assert_allclose(dist.cdf(ends[:, 1]), 1.0)
    if name == "gaussian":
        assert_array_equal(ends, np.tile([-np.inf, np.inf], (N_ROWS, 1)))


def test_quantile_between_components_far_apart():
    dist = gaussians([0.5, 0.5], [0.0, 100.0], [1.0, 1e-6])
    assert_allclose(dist.quantile(0.5 + 1e-9), 100.0, atol=1e-5)
    assert_allclose(dist.quantile(0.25), 0.0, atol=1e-9)
    middle = dist.quantile(0.5)[0]
    assert_allclose(dist.cdf(middle), 0.5)
    assert 8.0 < middle < 8.5  # where the distribution function is 0.5 to rounding


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1.0, 100.0])
def test_quantile_on_a_plateau_is_its_lower_end(scale):
    dist = gaussians([0.25, 0.25, 0.5], [0.0, 0.0, 1e6], [scale, 0.5 * scale, scale])
    assert 7.5 * scale < dist.quantile(0.5)[0] < 8.5 * scale
    boxes = make([(Uniform(), [0, 1]), (Uniform(), [5, 8])])
    for i, level in enumerate(boxes.weights[:, 0]):
        assert_allclose(boxes[i].quantile(level * (1 - 1e-15)), 1.0, rtol=1e-9)


def test_quantile_keeps_its_digits_beside_a_very_heavy_tail():
    t = StudentT()
    noise = Noise([t, GAUSS], [np.array([[1.0], [0.1]]), np.array([[1e-3]])])
    log_weights = np.log([[1e-4, 1 - 1e-4]])
    dist = PredictiveDistribution(log_weights, np.zeros((1, 2, 1)), noise)
    levels = np.array([0.3, 0.6, 0.9])
    assert_allclose(dist.cdf(dist.quantile(levels)), levels[None], rtol=1e-9)


# -- intervals -----------------------------------------------------------------------


@ALL
@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_intervals_have_their_coverage_and_the_shortest_is_no_wider(name, coverage):
    dist = make(MIXTURES[name])
    equal, shortest = (
        dist.interval(coverage),
        dist.interval(coverage, "highest-density"),
    )
    assert_array_equal(
        equal, dist.quantile([0.5 * (1 - coverage), 0.5 * (1 + coverage)])
    )
    for interval in (equal, shortest):
        before = dist.cdf(np.nextafter(interval[:, 0], -np.inf))
        inside = dist.cdf(interval[:, 1]) - before
        assert np.all(inside >= coverage - 1e-9)
        if name in DENSITIES:
            assert_allclose(inside, coverage, atol=1e-8)
    assert np.all(np.diff(shortest) <= np.diff(equal))


def test_shortest_interval_of_one_component_is_known():
    normal = gaussians([1.0], [2.0], [3.0]).interval(0.9, "highest-density")
    half = 3 * stats.norm.ppf(0.95)
    assert_allclose(normal, [[2 - half, 2 + half]], rtol=1e-4)
    width = np.diff(normal)[0, 0]
    assert_allclose(width, 2 * half, rtol=1e-8)
    exponential = make([(GAMMA, [1.0])], n_rows=1)
    expected = exponential.mean()[0] * -np.log(0.1)
    found = exponential.interval(0.9, "highest-density")
    assert_allclose(found, [[0.0, expected]], atol=1e-9)


@DISCRETE
def test_shortest_interval_of_counts_is_the_shortest(name):
    dist = make(MIXTURES[name])
    values = np.union1d(np.arange(0.0, 80.0), [2.5])
    mass = dist.pdf(np.tile(values, (N_ROWS, 1)))
    upto = np.hstack([np.zeros((N_ROWS, 1)), mass.cumsum(axis=1)])
    widths = [
        min(
            values[b] - values[a]
            for a in range(len(values))
            for b in range(a, len(values))
            if upto[i, b + 1] - upto[i, a] >= 0.8
        )
        for i in range(N_ROWS)
    ]
    found = np.diff(dist.interval(0.8, "highest-density"))[:, 0]
    assert_allclose(found, widths)


# -- draws ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", DENSITIES)
def test_draws_have_the_distribution(name):
    dist = make(MIXTURES[name], n_rows=3, seed=2)
    draws = dist.sample(2000, random_state=0)
    for i, values in enumerate(draws):
        cdf = lambda y, i=i: dist[i].cdf(y[None])[0]
        assert stats.kstest(values, cdf).pvalue > 0.001


@pytest.mark.parametrize("name", [*COUNTS, "zero and gamma"])
def test_draws_of_discrete_and_mixed_families_have_the_distribution(name):
    dist = make(MIXTURES[name], n_rows=3, seed=2)
    draws = dist.sample(5000, random_state=0)
    y = np.tile([-0.5, 0.0, 1.0, 2.0, 2.5, 4.0, 8.0], (3, 1))
    shares = (draws[:, None, :] <= y[:, :, None]).mean(axis=2)
    assert_allclose(shares, dist.cdf(y), atol=4 * 0.5 / np.sqrt(5000))


def test_draws_follow_the_random_state():
    dist = make(MIXTURES["gaussian"])
    first = dist.sample(3, random_state=5)
    assert first.shape == (N_ROWS, 3)
    assert_array_equal(first, dist.sample(3, random_state=5))
    assert np.all(first != dist.sample(3, random_state=6))


# -- CRPS ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*DENSITIES, "zero and gamma"])
def test_crps_agrees_with_numerical_integration(name):
    dist = make(MIXTURES[name], n_rows=3)
    for i, y in enumerate([0.0, 2.5, 11.0]):
        row = dist[i]
        low, high = ends_of(row)
        below = lambda t, row=row: row.cdf(t)[0] ** 2
        above = lambda t, row=row: (1 - row.cdf(t)[0]) ** 2
        expected = integral(below, row, min(low, 0.0, y), 0.0) if y > 0 else 0.0
        expected += integral(below, row, 0.0, y) if y > 0 else 0.0
        expected += integral(above, row, y, max(high, y))
        expected += integral(below, row, low, y) if y <= 0 and low < y else 0.0
        assert_allclose(row.crps(y), expected, rtol=1e-6)


@DISCRETE
def test_crps_of_counts_is_a_sum(name):
    dist = make(MIXTURES[name])
    t = np.arange(-20.0, 400.0, 0.5)  # every cell lies between two of these
    cdf = dist.cdf(np.tile(t, (N_ROWS, 1)))
    for y in (-3.0, 0.0, 2.0, 3.5, 150.0):
        expected = 0.5 * ((cdf - (t >= y)) ** 2).sum(axis=1)
        assert_allclose(dist.crps(y), expected, rtol=1e-6)


def test_crps_of_large_counts_is_that_of_their_normal_limit():
    dist = make([(POISSON, []), (POISSON, [])], n_rows=3, low=2e9, high=2.001e9)
    means = dist.predictions[:, :, 0]
    y = dist.mean() + np.array([0.0, 5e5, -3e5])
    limit = [
        gaussians(w, m, np.sqrt(m)).crps(value)[0]
        for w, m, value in zip(dist.weights, means, y, strict=True)
    ]
    assert_allclose(dist.crps(y), limit, rtol=1e-4)


def test_many_integers_are_not_summed_one_by_one():
    dist = make([(POISSON, []), (NegativeBinomial(), [0.5])], n_rows=1)
    dist.predictions[0, :, 0] = [3.0, 1e4]
    y = np.arange(0.0, 4e5)
    mass = dist.pdf(y[None])[0]
    assert_allclose(dist.entropy(), stats.entropy(mass), rtol=1e-8)
    expected = ((mass.cumsum() - (y >= 70)) ** 2).sum()
    assert_allclose(dist.crps(70.0), expected, rtol=1e-8)
    first, second = dist.modes()[0]
    assert first == np.argmax(mass)
    assert second == 100 + np.argmax(mass[100:])


def test_crps_of_one_normal_is_the_known_formula():
    dist = gaussians([1.0], [1.0], [2.0])
    z = np.array([-3.0, 0.0, 0.4])
    known = z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z)
    expected = 2 * (known - 1 / np.sqrt(np.pi))
    assert_allclose(dist.crps((1.0 + 2.0 * z)[None])[0], expected)


def test_crps_of_gaussians_equals_that_by_quadrature():
    from skmoe.distribution._crps import _by_quadrature

    dist = make(MIXTURES["gaussian"], n_rows=20)
    y = dist.sample(1, random_state=0)[:, 0]
    assert_allclose(dist.crps(y), _by_quadrature(dist._one_target(), y), rtol=1e-8)


def test_crps_of_a_point_is_the_distance():
    dist = make([(PointMass(2.0), [])], n_rows=3)
    assert_allclose(dist.crps([2.0, 5.5, -1.0]), [0.0, 3.5, 3.0])
    tiny = gaussians([1.0], [0.0], [1e-12])
    assert_allclose(tiny.crps(3.0), 3.0)


# -- entropy and modes ---------------------------------------------------------------


@ALL
def test_entropy_is_the_mean_of_minus_the_log_density(name):
    dist = make(MIXTURES[name], n_rows=3)
    terms = -dist.logpdf(dist.sample(50_000, random_state=0))
    error = terms.std(axis=1) / np.sqrt(terms.shape[1])
    assert np.all(np.abs(terms.mean(axis=1) - dist.entropy()) <= 4 * error + 1e-12)


def test_entropy_of_one_component_is_that_of_scipy():
    assert_allclose(
        gaussians([1.0], [5.0], [0.1]).entropy(), stats.norm.entropy(0, 0.1)
    )
    skewed = make([(GAMMA, [4.0])], n_rows=1)
    scale = 4.0 * skewed.mean()[0]
    assert_allclose(skewed.entropy(), stats.gamma(0.25, scale=scale).entropy())
    heavy = make([(T, [2.0, 0.8])], n_rows=1)
    assert_allclose(heavy.entropy(), stats.t(0.8, 0, 2).entropy(), rtol=1e-7)
    counts = make([(POISSON, [])], n_rows=1)
    assert_allclose(counts.entropy(), stats.poisson(counts.mean()[0]).entropy())
    share = make([(Beta(), [0.3])], n_rows=1, low=0.2, high=0.4)
    m = share.mean()[0]
    reference = stats.beta(m / 0.3, (1 - m) / 0.3)
    assert_allclose(share.entropy(), reference.entropy(), rtol=1e-7)


def test_entropy_of_components_apart_adds_that_of_the_choice():
    weights = np.array([0.2, 0.8])
    apart = gaussians(weights, [0.0, 1e3], [1.0, 0.01]).entropy()
    choice = stats.entropy(weights)
    each = weights @ stats.norm.entropy(0, [1.0, 0.01])
    assert_allclose(apart, choice + each, rtol=1e-8)


@SMOOTH
def test_modes_are_local_maxima_highest_first(name):
    dist = make(MIXTURES[name])
    modes = dist.modes()
    for i, values in enumerate(modes):
        values = values[~np.isnan(values)]
        assert len(values)
        heights = dist[i].logpdf(values[None])[0]
        inside = values > 1e-12  # a gamma without bound has its mode at zero
        assert np.all(np.diff(heights[inside]) <= 0)
        step = 1e-4 * (dist[i].quantile(0.9) - dist[i].quantile(0.1))
        for side in (-step, step):
            beside = dist[i].logpdf((values + side)[None])[0]
            assert np.all(heights[inside] >= beside[inside] - 1e-12)
        draws = dist[i].quantile(np.linspace(0.001, 0.999, 999))
        highest = dist[i].logpdf(draws)[0].max()
        assert heights.max() >= highest - 1e-9


def test_modes_of_known_distributions():
    assert_allclose(gaussians([0.7, 0.3], [0.0, 50.0], [1, 1]).modes(), [[0, 50]])
    near = gaussians([0.5, 0.5], [-0.9, 0.9], [1.0, 1.0]).modes()
    assert_allclose(near, [[0.0]], atol=1e-6)  # one mode: two sigma apart or less
    boxes = make([(Uniform(), [0, 1]), (Uniform(), [5, 8])], n_rows=3).modes()
    assert np.all(((boxes >= 0) & (boxes <= 1)).sum(axis=1) == 1)
    assert np.all(((boxes >= 5) & (boxes <= 8)).sum(axis=1) == 1)
    counts = make([(POISSON, [])], n_rows=1, low=3.5, high=3.6)
    assert_array_equal(counts.modes(), [[3.0]])
    mixed = make([(PointMass(), []), (GAMMA, [0.25])], n_rows=1)
    expected = mixed.predictions[0, 1, 0] * 0.75
    assert_allclose(mixed.modes(), [[0.0, expected]], rtol=1e-6)


# -- what is degenerate --------------------------------------------------------------


def test_a_component_without_weight_changes_nothing():
    alone = gaussians([1.0], [2.0], [0.5])
    noise = Noise([T, GAUSS], [np.array([[1.0], [0.5]]), np.array([[0.5]])])
    log_weights = np.array([[-np.inf, 0.0]])
    both = PredictiveDistribution(log_weights, np.array([[[9.0], [2.0]]]), noise)
    assert_allclose(both.quantile(LEVELS), alone.quantile(LEVELS), rtol=1e-12)
    for method in ("mean", "var", "entropy", "modes"):
        assert_allclose(getattr(both, method)(), getattr(alone, method)(), rtol=1e-7)
    for method in ("logpdf", "cdf", "crps"):
        assert_allclose(getattr(both, method)(1.3), getattr(alone, method)(1.3))
    assert_allclose(
        both.interval(0.9, "highest-density"), alone.interval(0.9), rtol=1e-4
    )


def test_tiny_dispersions_and_far_values_have_finite_answers():
    dist = gaussians([0.4, 0.6], [1.0, 1e6], [1e-150, 1e-9])
    assert_allclose(dist.quantile([0.2, 0.7]), [[1.0, 1e6]])
    assert np.isfinite(dist.entropy()).all()
    assert np.isfinite(dist.crps([1e12])).all()
    far = make(MIXTURES["gaussian"])
    y = np.array([1e8, -1e8, 1e150, 0.0, 5.0, 1.0])
    assert np.isfinite(far.logpdf(y)).all()
    assert_allclose(far.crps(y)[:3], np.abs(y[:3] - far.mean()[:3]), rtol=1e-6)
    assert_allclose(far.cdf([1e8, -1e8, np.inf, -np.inf, 1e9, -1e9]), [1, 0] * 3)


def test_an_impossible_value_has_a_finite_log_density():
    dist = make(MIXTURES["gamma"])
    assert_array_equal(dist.pdf(-1.0), np.zeros(N_ROWS))
    assert np.all(np.isfinite(dist.logpdf(-1.0)))
    assert np.all(dist.logpdf(-1.0) < -1e99)


def test_one_trial_of_a_binomial():
    dist = make([(Binomial(), []), (Binomial(), [])], low=0.1, high=0.9)
    p = dist.mean()
    assert_allclose(p, (dist.weights * dist.predictions[:, :, 0]).sum(axis=1))
    assert_allclose(dist.pdf([[0.0, 0.5, 1.0, 2.0]] * N_ROWS)[:, [0, 2]].T, [1 - p, p])
    assert_array_equal(dist.pdf(0.5), 0.0)
    cdf = dist.cdf([[-0.5, 0.0, 0.5, 1.0, 1.5]] * N_ROWS)
    zero, one = np.zeros(N_ROWS), np.ones(N_ROWS)
    assert_allclose(cdf.T, [zero, 1 - p, 1 - p, one, one])
    assert_array_equal(dist.quantile([0.0, 1.0]), [[0.0, 1.0]] * N_ROWS)
    assert_array_equal(dist.quantile(0.5), (1 - p < 0.5).astype(float))
    assert_allclose(dist.var(), p * (1 - p))
    assert_allclose(dist.entropy(), stats.bernoulli(p).entropy())
    assert_allclose(dist.crps(1.0), (1 - p) ** 2)  # half the Brier score
    assert set(np.unique(dist.sample(50, random_state=0))) == {0.0, 1.0}


# -- shapes, rows, targets -----------------------------------------------------------


@pytest.mark.parametrize("method", ["pdf", "logpdf", "cdf", "crps"])
def test_functions_of_y_answer_in_its_shape(method):
    dist = make(MIXTURES["student_t"])
    function = getattr(dist, method)
    y = np.linspace(0, 3, N_ROWS * 4).reshape(N_ROWS, 4)
    assert function(y).shape == (N_ROWS, 4)
    assert function(y[:, 0].tolist()).shape == (N_ROWS,)
    assert_allclose(function(y[:, 1]), function(y)[:, 1], rtol=1e-9)
    assert_allclose(function(1.0), function(np.ones(N_ROWS)))
    with pytest.raises(ValueError, match=r"there are 6 rows. Got shape \(5,\)"):
        function(np.zeros(5))
    with pytest.raises(ValueError, match="NaN"):
        function(np.full(N_ROWS, np.nan))


def test_other_shapes():
    dist = make(MIXTURES["student_t"])
    assert dist.quantile(0.5).shape == dist.mean().shape == (N_ROWS,)
    assert dist.entropy().shape == dist.var().shape == (N_ROWS,)
    assert dist.quantile([0.5]).shape == (N_ROWS, 1)
    assert dist.interval().shape == (N_ROWS, 2)
    assert dist.sample(3).shape == (N_ROWS, 3)
    assert repr(dist) == "PredictiveDistribution(n_rows=6, n_components=2, n_targets=1)"


@pytest.mark.parametrize("q", [-0.1, 1.1, [0.5, np.nan], [[0.1, 0.2]]])
def test_levels_that_are_none_are_refused(q):
    with pytest.raises(ValueError, match="q must be a number or a list of numbers"):
        make(MIXTURES["gamma"]).quantile(q)


def test_bad_intervals_are_refused():
    dist = make(MIXTURES["gamma"])
    with pytest.raises(ValueError, match=r"one number between 0 and 1. Got 1.5"):
        dist.interval(1.5)
    with pytest.raises(ValueError, match="kind must be one of"):
        dist.interval(0.9, kind="smallest")


@ALL
def test_some_rows_are_those_rows(name):
    dist = make(MIXTURES[name])
    assert len(dist) == N_ROWS
    for rows in (slice(1, 4), [4, 0], np.arange(N_ROWS) % 2 == 0, 3):
        some, index = dist[rows], np.arange(N_ROWS)[rows]
        assert len(some) == np.size(index)
        for method in ("mean", "entropy"):
            expected = getattr(dist, method)()[index]
            assert_allclose(getattr(some, method)(), np.atleast_1d(expected))
        assert_allclose(some.quantile(0.3), np.atleast_1d(dist.quantile(0.3)[index]))


def test_blocks_of_rows_are_the_whole(monkeypatch):
    from skmoe.distribution import _components

    dist = make(MIXTURES["zero and gamma"], n_rows=40)
    y = dist.sample(3, random_state=0)
    whole = dist.logpdf(y), dist.quantile([0.2, 0.9]), dist.crps(y), dist.entropy()
    monkeypatch.setattr(_components, "BLOCK_SIZE", 20)
    parts = dist.logpdf(y), dist.quantile([0.2, 0.9]), dist.crps(y), dist.entropy()
    for one, other in zip(whole, parts, strict=True):
        assert_allclose(one, other, rtol=1e-9)


def test_no_rows_have_no_answers():
    none = make(MIXTURES["zero and gamma"])[:0]
    assert none.quantile([0.1, 0.9]).shape == (0, 2)
    assert none.logpdf(np.empty(0)).shape == none.entropy().shape == (0,)
    assert none.interval(0.9, "highest-density").shape == (0, 2)
    assert len(none.modes()) == 0
    assert none.mean().shape == none.std().shape == none.interval().shape[:1] == (0,)
    assert none.crps(np.empty((0, 3))).shape == none.cdf(np.empty((0, 3))).shape
    assert none.sample(3).shape == none.cdf(np.empty((0, 3))).shape == (0, 3)
    assert two_targets()[:0].sample(3).shape == (0, 3, 2)
    assert two_targets()[:0].pdf(np.empty((0, 2))).shape == (0,)


@ALL
def test_no_values_and_no_draws_have_no_answers(name):
    dist = make(MIXTURES[name])
    nothing = np.empty((N_ROWS, 0))
    for method in ("pdf", "logpdf", "cdf", "crps"):
        assert getattr(dist, method)(nothing).shape == nothing.shape
    assert dist.quantile([]).shape == dist.sample(0).shape == nothing.shape
    assert two_targets().sample(0).shape == (N_ROWS, 0, 2)


@pytest.mark.parametrize("size", [-1, 2.5, (2, 3), None, True, "3"])
def test_sizes_that_are_no_number_of_draws_are_refused(size):
    expected = f"size must be an integer of at least 0. Got {size!r}."
    with pytest.raises(ValueError, match=re.escape(expected)):
        make(MIXTURES["gamma"]).sample(size)
    assert make(MIXTURES["gamma"]).sample(np.int64(2)).shape == (N_ROWS, 2)


def test_a_distribution_can_be_pickled():
    dist = make(MIXTURES["gamma"])
    again = pickle.loads(pickle.dumps(dist))
    assert_array_equal(again.quantile([0.1, 0.9]), dist.quantile([0.1, 0.9]))


def two_targets():
    rng = np.random.RandomState(0)
    log_weights = np.log(rng.dirichlet([1, 1], size=N_ROWS))
    noise = Noise([GAUSS] * 2, [np.array([[1.0, 0.2]]), np.array([[0.5, 2.0]])])
    return PredictiveDistribution(log_weights, rng.normal(size=(N_ROWS, 2, 2)), noise)


def test_several_targets_are_joint_and_have_marginals():
    dist = two_targets()
    Y = np.random.RandomState(1).normal(size=(N_ROWS, 2))
    scales = np.array([[1.0, 0.2], [0.5, 2.0]])
    each = stats.norm.pdf(Y[:, None], dist.predictions, scales).prod(axis=2)
    assert_allclose(dist.pdf(Y), (dist.weights * each).sum(axis=1))
    marginals = [dist.marginal(t) for t in range(2)]
    assert_allclose(dist.mean(), np.column_stack([m.mean() for m in marginals]))
    assert_allclose(dist.std(), np.column_stack([m.std() for m in marginals]))
    draws = dist.sample(4000, random_state=0)
    assert draws.shape == (N_ROWS, 4000, 2)
    for t, marginal in enumerate(marginals):
        cdf = lambda y, m=marginal: m[0].cdf(y[None])[0]
        assert stats.kstest(draws[0, :, t], cdf).pvalue > 0.001
    covariance = np.cov(draws[0].T)[0, 1]  # targets share the component
    apart = dist.predictions[0] - dist.mean()[0]
    assert_allclose(covariance, dist.weights[0] @ apart.prod(axis=1), atol=0.1)
    assert_allclose(dist[2:4].logpdf(Y[2:4]), dist.logpdf(Y)[2:4])


def test_functions_of_one_target_ask_for_a_marginal():
    dist = two_targets()
    for call in (dist.modes, dist.entropy, dist.interval, lambda: dist.quantile(0.5)):
        with pytest.raises(ValueError, match=r"2 targets together\. Take marginal"):
            call()
    with pytest.raises(ValueError, match=r"shape \(6, 2\), a row of the 2 targets"):
        dist.logpdf(np.zeros(N_ROWS))
    with pytest.raises(IndexError):
        dist.marginal(2)
