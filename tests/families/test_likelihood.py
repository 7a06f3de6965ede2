# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What EM climbs by: derivatives and maximum-likelihood parameters of the families."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import digamma, gammaln, zeta

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
    special,
)
from skmoe.families.base import BaseFamily
from tests.families.cases import Case, cases, has_reference, is_fitted, learns

# Families whose information of the prediction is the expected or the observed one; the
# others' is a bound.
FISHER = (
    Gaussian,
    SkewNormal,
    LogNormal,
    Gamma,
    InverseGaussian,
    Poisson,
    NegativeBinomial,
    Binomial,
    Beta,
)


def rows_of(case, n=40):
    """Draws (n, T), predictions about the case's (n, 1), parameters (q, 1, 1)."""
    y = case.draws(n)
    around = np.linspace(0.9, 1.1, n)[:, None]
    return y, case.prediction * around, case.one[1][:, None]


# -- derivatives ---------------------------------------------------------------------


@cases(learns)
def test_score_is_the_derivative_of_the_log_density(case):
    y, prediction, parameters = rows_of(case)
    score, information = case.family.derivatives(y, prediction, parameters)
    numerical, _ = BaseFamily.derivatives(case.family, y, prediction, parameters)
    assert_allclose(score, numerical, rtol=1e-5, atol=1e-5 * np.abs(score).max())
    assert np.all(information >= 0)


@cases(is_fitted)
def test_parameter_scores_are_the_derivatives_on_the_free_scale(case):
    y, prediction, parameters = rows_of(case)
    scores, informations = case.family.parameter_derivatives(y, prediction, parameters)
    numerical, _ = BaseFamily.parameter_derivatives(
        case.family, y, prediction, parameters
    )
    assert scores.shape == informations.shape == (len(parameters), 40, 1)
    assert_allclose(scores, numerical, rtol=1e-5, atol=1e-7)
    assert np.all(informations >= 0)


def expectation(case, function):
    """Mean of a function of y under the case's distribution."""
    if case.family.is_discrete:
        y = np.arange(0.0, case.reference.ppf(1 - 1e-14) + 2)[:, None]
        mass = np.exp(case.family.log_density(y, *case.one))
        return np.sum(function(y) * mass)

    def integrand(y):
        y = np.array([y])
        return float((function(y) * np.exp(case.family.log_density(y, *case.one)))[0])

    low, high = case.reference.support()
    cuts = case.reference.ppf([1e-9, 1e-3, 0.1, 0.5, 0.9, 0.999, 1 - 1e-9])
    ends = np.array([low, *cuts, high])
    return sum(quad(integrand, a, b, limit=200)[0] for a, b in pairwise(ends))


@cases(lambda case: learns(case) and has_reference(case))
def test_score_has_mean_zero_and_the_information_for_variance(case):
    derivatives = lambda y: case.family.derivatives(y, *case.one)
    fisher = expectation(case, lambda y: derivatives(y)[0] ** 2)
    mean = expectation(case, lambda y: derivatives(y)[0])
    assert_allclose(mean / np.sqrt(fisher), 0.0, atol=1e-6)
    if isinstance(case.family, FISHER):
        information = expectation(case, lambda y: derivatives(y)[1])
        assert_allclose(information, fisher, rtol=1e-6)


@cases(is_fitted)
def test_parameter_informations_are_the_variances_of_the_scores(case):
    for j in range(len(case.parameters)):
        derivatives = lambda y, j=j: [
            values[j] for values in case.family.parameter_derivatives(y, *case.one)
        ]
        fisher = expectation(case, lambda y, at=derivatives: at(y)[0] ** 2)
        information = expectation(case, lambda y, at=derivatives: at(y)[1])
        if isinstance(case.family, SkewNormal) and j == 0:
            assert fisher < information < 4 * fisher  # a bound
        else:  # a df of many has next to none: see `_information_of_log_df`
            assert_allclose(information, fisher, rtol=1e-6, atol=2e-8)


def test_binomial_information_is_the_variance_of_the_score():
    y = np.column_stack([np.arange(8.0), 7 - np.arange(8.0)])
    p = np.array([0.3])
    mass = np.exp(Binomial().log_density(y, p, ()))
    score, information = Binomial().derivatives(y, p, ())
    assert_allclose((mass * score).sum(), 0.0, atol=1e-12)
    assert_allclose((mass * score**2).sum(), information)


@pytest.mark.parametrize("family", [StudentT(df=2.5), Laplace()])
def test_bound_lies_below_the_log_density_and_touches_it(family):
    residual = np.linspace(-8, 8, 161)[:, None]
    at = residual[::20].T
    parameters = [np.array([1.3])]
    _, weight = family.derivatives(at, np.zeros(1), parameters)
    here = family.log_density(at, np.zeros(1), parameters)
    parabola = here - 0.5 * weight * (residual**2 - at**2)
    density = family.log_density(residual, np.zeros(1), parameters)
    away = np.abs(at) > 1e-9  # at zero, Laplace's weight is limited
    assert np.all((parabola <= density + 1e-12)[:, away[0]])


# -- parameters ----------------------------------------------------------------------


def problem(case, n=400, n_targets=2):
    """y and predictions (n, T), weights (n,) of which a tenth are zero."""
    rng = np.random.RandomState(3)
    y = np.hstack([case.draws(n, seed=t) for t in range(n_targets)])
    prediction = case.prediction * rng.uniform(0.8, 1.1, size=(n, n_targets))
    weights = rng.uniform(0.1, 2.0, size=n)
    weights[::10] = 0.0
    return y, prediction, weights


def weighted_scores(case, y, prediction, weights, fitted):
    scores, _ = case.family.parameter_derivatives(y, prediction, fitted[:, None])
    return np.einsum("n,qnt->qt", weights, scores) / weights.sum()


@cases(is_fitted)
def test_fitted_parameters_have_score_zero(case):
    y, prediction, weights = problem(case)
    floors = case.family.floors(y, weights, 1e-6)
    assert floors.shape == (len(case.parameters), 2)
    fitted = case.family.fit_parameters(y, prediction, weights, floors)
    scores = weighted_scores(case, y, prediction, weights, fitted)
    assert_allclose(scores, 0.0, atol=1e-7)


@cases(is_fitted)
def test_fitted_parameters_are_a_maximum_wherever_the_search_starts(case):
    y, prediction, weights = problem(case)
    floors = case.family.floors(y, weights, 1e-6)
    best = case.family.fit_parameters(y, prediction, weights, floors)

    def likelihood(parameters):
        density = case.family.log_density(y, prediction, parameters[:, None])
        return weights @ density / weights.sum()

    for factor in [0.05, 0.9, 1.1, 20.0]:
        start = np.maximum(best * factor, floors)
        assert np.all(likelihood(start) <= likelihood(best) + 1e-12)
        again = case.family.fit_parameters(y, prediction, weights, floors, start)
        assert_allclose(likelihood(again), likelihood(best), rtol=1e-9)


@cases(is_fitted)
def test_fit_agrees_with_a_general_optimizer(case):
    y, prediction, weights = problem(case, n=150, n_targets=1)
    floors = case.family.floors(y, weights, 1e-6)
    fitted = case.family.fit_parameters(y, prediction, weights, floors)

    def negative(free):
        parameters = case.family.from_free(free[:, None])[:, None]
        density = case.family.log_density(y, prediction, parameters)
        return -(weights @ density)[0] / weights.sum()

    start = case.family.to_free(case.one[1])[:, 0]
    options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 2000}
    search = minimize(negative, start, method="Nelder-Mead", options=options)
    mine = negative(case.family.to_free(fitted)[:, 0])
    assert mine <= search.fun + 1e-9


@cases(is_fitted)
def test_integer_weights_equal_repeated_rows(case):
    y, prediction, _ = problem(case, n=60)
    times = np.arange(60) % 4
    floors = case.family.floors(y, times.astype(float), 1e-3)
    fitted = case.family.fit_parameters(y, prediction, times.astype(float), floors)
    repeated = np.repeat(y, times, axis=0), np.repeat(prediction, times, axis=0)
    ones = np.ones(times.sum())
    assert_allclose(case.family.floors(repeated[0], ones, 1e-3), floors)
    assert_allclose(
        case.family.fit_parameters(*repeated, ones, floors), fitted, rtol=1e-4
    )


@cases(is_fitted)
def test_a_perfect_prediction_leaves_the_dispersion_on_its_floor(case):
    y = case.draws(30)
    prediction = case.family.response(y)[0]
    floors = case.family.floors(y, np.ones(30), 1e-2)
    fitted = case.family.fit_parameters(y, prediction, np.ones(30), floors)
    if isinstance(case.family, NegativeBinomial):  # a minimum at the Poisson limit
        prediction = np.full_like(y, y.mean())
        y = np.round(prediction)
        fitted = case.family.fit_parameters(y, prediction, np.ones(30), floors)
    assert_allclose(fitted[0], floors[0], rtol=1e-9)
    assert np.isfinite(fitted).all()


@cases(learns)
def test_an_expert_without_weight_keeps_finite_parameters(case):
    y, prediction, _ = problem(case, n=20, n_targets=1)
    floors = case.family.floors(y, np.ones(20), 1e-3)
    fitted = case.family.fit_parameters(y, prediction, np.zeros(20), floors)
    assert fitted.shape == (len(case.parameters), 1)
    assert np.isfinite(fitted).all()
    assert np.all(fitted >= floors)


@cases(lambda case: is_fitted(case) and case.bad is not None)
def test_values_outside_the_domain_do_not_count(case):
    y, prediction, weights = problem(case, n=80)
    floors = case.family.floors(y, weights, 1e-3)
    fitted = case.family.fit_parameters(y, prediction, weights, floors)
    more = np.vstack([y, [[case.bad] * 2]]), np.vstack([prediction, prediction[:1]])
    weights = np.append(weights, 5.0)
    assert_allclose(case.family.floors(more[0], weights, 1e-3), floors)
    assert_allclose(case.family.fit_parameters(*more, weights, floors), fitted)
    response, factor = case.family.response(more[0])
    assert np.isfinite(response).all()
    assert_array_equal(factor, np.arange(81) < 80)


SCALES = (Gaussian, Laplace, StudentT, SkewNormal)


@cases(lambda case: isinstance(case.family, SCALES))
def test_floors_of_scales_are_a_share_of_the_standard_deviation(case):
    y = case.draws(50)
    floor, doubled = (case.family.floors(v, np.ones(50), 1e-3)[0] for v in (y, 2 * y))
    assert_allclose(doubled, 2 * floor)
    assert_allclose(floor, 1e-3 * y.std(axis=0))


@cases(lambda case: isinstance(case.family, (Gamma, InverseGaussian, Beta)))
def test_floors_of_dispersions_leave_a_small_variance_at_the_mean(case):
    y, weights = case.draws(50), np.linspace(0.5, 1.5, 50)
    mean = np.average(y[:, 0], weights=weights)
    smallest = case.family.variance(
        np.array([mean]), case.family.floors(y, weights, 1e-3)
    )
    # as a share of the squared mean, or of y's variance where this has an upper bound
    of_y = np.average((y[:, 0] - mean) ** 2, weights=weights)
    reference = of_y if isinstance(case.family, Beta) else mean**2
    assert_allclose(np.sqrt(smallest[0] / reference), 1e-3, rtol=1e-4)


DISPERSED = (
    Gaussian,
    LogNormal,
    Gamma,
    InverseGaussian,
    Poisson,
    NegativeBinomial,
    Binomial,
)


@cases(lambda case: isinstance(case.family, DISPERSED))
def test_score_is_zero_at_the_weighted_mean_of_the_response(case):
    y = case.draws(60)
    response, factor = case.family.response(y)
    weights = np.ones(60) if factor is None else factor
    mean = weights @ response / weights.sum()
    prediction = np.broadcast_to(mean, response.shape)
    score, _ = case.family.derivatives(y, prediction, case.one[1][:, None])
    assert_allclose(score.sum() / np.abs(score).sum(), 0.0, atol=1e-12)


# -- closed forms and known answers --------------------------------------------------


def test_laplace_scale_is_the_mean_absolute_residual():
    y, weights = np.array([[0.0], [3.0], [-1.0]]), np.array([1.0, 2.0, 1.0])
    scale = Laplace().fit_parameters(y, np.zeros((3, 1)), weights, np.zeros((1, 1)))
    assert_allclose(scale, [[7 / 4]])


def test_student_t_finds_few_degrees_of_freedom_and_many():
    rng = np.random.RandomState(0)
    y = np.column_stack([rng.standard_t(3, size=20_000), rng.normal(size=20_000)])
    weights, family = np.ones(20_000), StudentT()
    floors = family.floors(y, weights, 1e-3)
    sigma, df = family.fit_parameters(y, np.zeros_like(y), weights, floors)
    assert_allclose(sigma, 1.0, rtol=0.05)
    assert_allclose(df[0], 3.0, rtol=0.1)
    assert df[1] > 30


def test_student_t_with_gross_errors_keeps_its_scale():
    rng = np.random.RandomState(0)
    y = rng.normal(size=(500, 1))
    y[:25] = 1e8
    family = StudentT()
    floors = np.array([[1e-6], [0.1]])
    sigma, df = family.fit_parameters(y, np.zeros_like(y), np.ones(500), floors)
    assert 0.3 < sigma[0] < 2
    assert df[0] < 2


def test_skew_normal_of_one_sided_residuals_is_half_normal():
    y = np.random.RandomState(0).uniform(1, 2, size=(30, 1))
    floors = SkewNormal().floors(y, np.ones(30), 1e-3)
    fitted = SkewNormal().fit_parameters(y, np.zeros_like(y), np.ones(30), floors)
    assert 50 < fitted[1, 0] <= 1000
    half_normal = 2 * stats.norm.pdf(y, scale=fitted[0])
    density = np.exp(SkewNormal().log_density(y, np.zeros_like(y), fitted[:, None]))
    assert_allclose(density, half_normal)


@pytest.mark.parametrize("counts", ["poisson", "binomial"])
def test_underdispersed_counts_are_poisson_in_the_limit(counts):
    rng = np.random.RandomState(0)
    y = rng.binomial(12, 0.5, size=(200, 1)).astype(float)
    m = np.full_like(y, y.mean())
    family = NegativeBinomial()
    floors = family.floors(y, np.ones(200), 1e-3)
    fitted = family.fit_parameters(y, m, np.ones(200), floors)
    assert_allclose(fitted, 1e-8)
    difference = family.log_density(y, m, fitted) - Poisson().log_density(y, m, ())
    assert_allclose(difference, 0.0, atol=1e-6)


def test_uniform_takes_the_range_of_all_rows():
    y = np.array([[3.0, 1.0], [5.0, 1.0], [-2.0, 1.0]])
    weights, floors = np.array([1.0, 0.0, 0.0]), Uniform().floors(y, np.ones(3), 1e-3)
    low, high = Uniform().fit_parameters(y, y, weights, floors)
    assert_array_equal(low, [-2, 0.5])
    assert_array_equal(high, [5, 1.5])
    low, high = Uniform(0.0, 4.0).fit_parameters(y, y, weights, floors)
    assert_array_equal([low, high], [[0, 0], [4, 4]])
    assert Uniform().count_parameters() == 0
    with pytest.raises(ValueError, match=r"low of Uniform must be below high. Got low"):
        Uniform(2.0, 1.0).check_target(y)


def test_point_mass_has_nothing_to_fit():
    y = np.zeros((4, 1))
    fitted = PointMass().fit_parameters(y, y, np.ones(4), np.empty((0, 1)))
    assert fitted.shape == (0, 1)
    assert PointMass().floors(y, np.ones(4), 1e-3).shape == (0, 1)
    assert PointMass().count_parameters() == 0


def test_binomial_response_is_the_proportion_weighted_by_trials():
    y = np.array([[1.0, 3.0], [2.0, 0.0]])
    proportion, trials = Binomial().response(y)
    assert_array_equal(proportion, [[0.25], [1.0]])
    assert_array_equal(trials, [4, 2])
    assert Binomial().floors(y, np.ones(2), 1e-3).shape == (0, 1)
    proportion, trials = Binomial().response(np.array([[1.0, 3.0], [0.5, 7.0]]))
    assert np.isfinite(proportion).all()
    assert_array_equal(trials, [4, 0])


def test_a_case_has_what_its_family_says():
    for case in [
        Case(StudentT(), 0.0, (1.0, 2.0), None),
        Case(Poisson(), 1.0, (), None),
    ]:
        assert len(case.family.parameter_names) == len(case.parameters)
        assert len(case.family.parameter_links) == len(case.parameters)


# -- what the densities are made of --------------------------------------------------


@pytest.mark.parametrize("x", [1e-16, 1e-3, 0.5, 3.0, 19.99, 20.01, 150.0, 1e5])
def test_remainders_of_gamma_functions(x):
    """Against the functions themselves, where these lose no digits."""
    loss = 1e-15 * max(1.0, x * abs(np.log(x)))
    assert_allclose(special.trigamma(x), zeta(2.0, x), rtol=1e-13)
    error = gammaln(x) - x * np.log(x) + x
    assert_allclose(special.stirling_error(x), error, rtol=1e-13, atol=4 * loss)
    gap = np.log(x) - digamma(x)
    assert_allclose(special.digamma_gap(x), gap, rtol=1e-12, atol=1e-14)
    gap = x**2 * zeta(2.0, x) - x
    assert_allclose(special.trigamma_gap(x), gap, rtol=1e-12, atol=1e-15 * x)
    step = gammaln(x + 0.5) - gammaln(x) - 0.5 * np.log(x)
    assert_allclose(special.half_step(x), step, rtol=1e-12, atol=4 * loss)
    slope = digamma(x + 0.5) - digamma(x) - 0.5 / x
    assert_allclose(special.half_step_slope(x), slope, rtol=1e-11, atol=1e-14)


def test_remainders_of_large_numbers_follow_their_series():
    x = np.array([1e3, 1e8, 1e15])
    stirling = 0.5 * np.log(2 * np.pi / x) + 1 / (12 * x)
    assert_allclose(special.stirling_error(x), stirling, rtol=1e-10)
    assert_allclose(special.digamma_gap(x), 0.5 / x + 1 / (12 * x**2), rtol=1e-10)
    assert_allclose(special.trigamma_gap(x), 0.5 + 1 / (6 * x), rtol=1e-9)
    assert_allclose(special.half_step(x), -1 / (8 * x), rtol=1e-6)
    assert_allclose(special.half_step_slope(x), 1 / (8 * x**2), rtol=1e-6)


def test_relative_entropy_near_equality_is_half_a_square():
    y, shift = 1e10, 1e2
    near = special.relative_entropy(np.array([y]), np.array([y + shift]))
    assert_allclose(near, shift**2 / (2 * y), rtol=1e-6)
    assert_array_equal(special.relative_entropy(np.zeros(1), np.ones(1)), 1.0)
