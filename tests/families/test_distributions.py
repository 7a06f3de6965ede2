# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Families as distributions: densities, distribution functions, quantiles, draws."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.integrate import quad

from skmoe import MixtureOfExpertsRegressor
from skmoe.families import (
    Beta,
    Binomial,
    Gamma,
    InverseGaussian,
    Laplace,
    LogNormal,
    NegativeBinomial,
    PointMass,
    Poisson,
    SkewNormal,
    StudentT,
)
from skmoe.families.base import LOG_ZERO
from tests.families.cases import TABLE, cases, has_reference, is_continuous

LEVELS = np.array([1e-6, 1e-4, 0.01, 0.1, 0.3, 0.5, 0.77, 0.95, 0.999])


def only_continuous(case):
    return has_reference(case) and is_continuous(case)


def only_counts(case):
    return has_reference(case) and case.family.is_discrete


def values_of(case):
    """Values of y across the distribution, in increasing order."""
    if case.family.is_discrete:
        return np.arange(0.0, case.reference.ppf(1 - 1e-9))
    return case.reference.ppf(LEVELS)


# -- agreement with SciPy, whose distributions are other code ------------------------


@cases(has_reference)
def test_log_density_equals_scipy(case):
    y = values_of(case)
    name = "logpmf" if case.family.is_discrete else "logpdf"
    expected = getattr(case.reference, name)(y)
    assert_allclose(case.family.log_density(y, *case.one), expected, rtol=1e-9)


@cases(has_reference)
def test_moments_equal_scipy(case):
    mean, variance = case.reference.stats("mv")
    assert_allclose(case.family.mean(*case.one), mean)
    assert_allclose(case.family.variance(*case.one), variance)


@cases(has_reference)
def test_cdf_equals_scipy(case):
    y = values_of(case)
    assert_allclose(case.family.cdf(y, *case.one), case.reference.cdf(y), atol=1e-12)


@cases(has_reference)
def test_quantiles_equal_scipy(case):
    expected = case.reference.ppf(LEVELS)
    assert_allclose(case.family.quantile(LEVELS, *case.one), expected, rtol=1e-6)


def test_binomial_equals_scipy():
    rng = np.random.RandomState(0)
    trials, p = rng.randint(1, 300, size=50), rng.uniform(size=50)
    successes = rng.binomial(trials, p)
    y = np.column_stack([successes, trials - successes]).astype(float)
    reference = stats.binom(trials, p)
    prediction = p[:, None]
    density = Binomial().log_density(y, prediction, ())[:, 0]
    assert_allclose(density, reference.logpmf(successes), rtol=1e-9)
    cdf = Binomial().cdf(y, prediction, ())[:, 0]
    assert_allclose(cdf, reference.cdf(successes), atol=1e-12)


# -- the density is one, and the distribution function its integral ------------------


def density_of(case):
    return lambda y: float(np.exp(case.family.log_density(np.array([y]), *case.one))[0])


def integral(case, low, high):
    """Integral of the density, in pieces between quantiles."""
    cuts = [q for q in case.reference.ppf(LEVELS) if low < q < high]
    ends = [low, *cuts, high]
    return sum(quad(density_of(case), a, b, limit=200)[0] for a, b in pairwise(ends))


@cases(only_continuous)
def test_density_integrates_to_one(case):
    low, high = case.reference.support()
    assert_allclose(integral(case, low, high), 1.0, rtol=1e-7)


@cases(only_continuous)
def test_cdf_is_the_integral_of_the_density(case):
    low = case.reference.support()[0]
    y = case.reference.ppf(0.63)
    mass = case.family.cdf(np.array([y]), *case.one)[0]
    assert_allclose(integral(case, low, y), mass, rtol=1e-7)


@cases(only_counts)
def test_probabilities_sum_to_one_and_to_the_cdf(case):
    y = np.arange(0.0, 2000.0)
    sums = np.cumsum(np.exp(case.family.log_density(y, *case.one)))
    assert_allclose(sums[-1], 1.0, rtol=1e-10)
    assert_allclose(case.family.cdf(y, *case.one), sums, atol=1e-11)
    between = case.family.cdf(y + 0.5, *case.one)
    assert_array_equal(between, case.family.cdf(y, *case.one))


@pytest.mark.parametrize("p", [0.0, 0.2, 0.7, 1.0])
def test_binomial_probabilities_sum_to_one_and_to_the_cdf(p):
    y = np.column_stack([np.arange(8.0), 7 - np.arange(8.0)])
    prediction = np.array([p])
    sums = np.cumsum(np.exp(Binomial().log_density(y, prediction, ())), axis=0)
    assert_allclose(sums[-1], 1.0)
    assert_allclose(Binomial().cdf(y, prediction, ()), sums)
    assert_array_equal(Binomial().cdf(np.array([-1.0, 8.0]), prediction, ()), [0.0])


# -- quantiles invert ----------------------------------------------------------------


@cases(only_continuous)
def test_quantiles_invert_the_cdf(case):
    values = case.family.quantile(LEVELS, *case.one)
    assert_allclose(case.family.cdf(values, *case.one), LEVELS, rtol=1e-8)


@cases(only_counts)
def test_quantiles_are_the_smallest_values_with_enough_below(case):
    rng = np.random.RandomState(0)
    steps = case.family.cdf(values_of(case)[:5], *case.one)  # exactly at the steps
    levels = np.concatenate([LEVELS, rng.uniform(size=50), steps[steps < 1]])
    values = case.family.quantile(levels, *case.one)
    assert np.all(case.family.cdf(values, *case.one) >= levels)
    assert np.all(case.family.cdf(values - 1, *case.one) < levels)


@cases(has_reference)
def test_quantiles_of_zero_and_one_are_the_ends(case):
    low, high = case.reference.support()
    ends = case.family.quantile(np.array([0.0, 1.0]), *case.one)
    assert_allclose(ends, [low, high])


def test_quantiles_of_one_trial_and_of_a_point():
    levels = np.array([[0.2], [0.7], [0.71], [1.0]])
    drawn = Binomial().quantile(levels, np.array([0.3]), ())
    assert_array_equal(drawn.ravel(), [0, 0, 1, 1])
    assert_array_equal(PointMass(2.0).quantile(levels, np.zeros(1), ()), 2.0)
    below_and_at = PointMass(2.0).cdf(np.array([1.9, 2.0]), np.zeros(2), ())
    assert_array_equal(below_and_at, [0, 1])


@pytest.mark.parametrize("family", [SkewNormal(), InverseGaussian()])
def test_quantiles_found_by_bracketing_hold_far_out(family):
    levels = np.array([1e-12, 1e-3, 0.5, 1 - 1e-3, 1 - 1e-9])[:, None]
    prediction = np.array([1e-6, 1.0, 1e6])
    parameters = np.array([[0.5], [-2.0]])[: len(family.parameter_names)]
    values = family.quantile(levels, prediction, parameters)
    assert np.isfinite(values).all()
    got = family.cdf(values, prediction, parameters)
    assert_allclose(got, np.broadcast_to(levels, got.shape), rtol=1e-3)


# -- draws ---------------------------------------------------------------------------


@cases(lambda case: np.isfinite(case.family.variance(*case.one)).all())
@pytest.mark.parametrize("make_rng", [np.random.RandomState, np.random.default_rng])
def test_draws_have_the_mean_and_the_variance(case, make_rng):
    n = 20_000
    prediction, parameters = case.one
    shape = np.broadcast_to(prediction, (n, 1))
    draws = case.family.sample(shape, parameters[:, None], make_rng(0))
    assert draws.shape == (n, 1)
    mean, variance = case.family.mean(*case.one), case.family.variance(*case.one)
    squares = (draws - mean) ** 2
    assert abs(draws.mean() - mean) <= 3 * draws.std() / np.sqrt(n)
    assert abs(squares.mean() - variance) <= 3 * squares.std() / np.sqrt(n)


@cases(only_continuous)
def test_draws_have_the_distribution_function(case):
    draws = case.draws(2000, seed=1)[:, 0]
    cdf = lambda y: case.family.cdf(y, *case.one)
    assert stats.kstest(draws, cdf).pvalue > 0.01


@cases(only_counts)
def test_draws_of_counts_have_the_probabilities(case):
    draws = case.draws(5000, seed=1)[:, 0]
    cuts = np.unique(case.reference.ppf([0.1, 0.3, 0.5, 0.7, 0.9]))
    expected = np.diff(np.concatenate([[0], case.reference.cdf(cuts), [1]]))
    groups = np.searchsorted(cuts, draws)
    counts = np.bincount(groups, minlength=len(expected))
    assert stats.chisquare(counts, expected * len(draws)).pvalue > 0.01


def test_poisson_draws_of_large_means_follow_the_normal_distribution():
    means = np.full(2000, 1e18)
    draws = Poisson().sample(means, (), np.random.RandomState(0))
    assert stats.kstest((draws - 1e18) / 1e9, "norm").pvalue > 0.01


# -- domains -------------------------------------------------------------------------


@cases(lambda case: case.bad is not None)
def test_a_value_outside_the_domain_is_named(case):
    y = case.draws(6)
    y[4] = case.bad
    accepted = case.family.accepts(y)
    assert_array_equal(accepted, np.arange(6) != 4)
    shown = np.squeeze(y[4]).tolist()
    with pytest.raises(ValueError) as error:
        case.family.check_target(y)
    text = f"family {case.family.name!r} needs {case.family.domain}. "
    # A family may add what to do, as counts do for rates.
    assert str(error.value).startswith(f"{text}Got y[4] = {shown}.")


@cases()
def test_draws_are_in_the_domain(case):
    y = case.draws(50)
    assert case.family.accepts(y).all()
    assert case.family.check_target(y) is None


def test_one_column_is_named_by_its_row():
    y = np.array([0.0, 2.0, -1.0, 0.5])
    assert_array_equal(Poisson().accepts(y), [True, True, False, False])
    with pytest.raises(ValueError, match=r"non-negative integers. Got y\[2\] = -1.0"):
        Poisson().check_target(y)


@pytest.mark.parametrize(
    ("row", "accepted"),
    [([0, 3], True), ([0, 0], False), ([-1, 3], False), ([1.5, 1], False)],
)
def test_binomial_rows_are_counts_of_some_trial(row, accepted):
    assert Binomial().accepts(np.array([row], dtype=float)) == [accepted]


@pytest.mark.parametrize(
    ("family", "value", "near"),
    [
        (Gamma(), 1e60, 1e49),
        (Gamma(), 1e-60, 1e-49),
        (InverseGaussian(), 1e60, 1e49),
        (InverseGaussian(), 1e-60, 1e-49),
        (Poisson(), 1e60, 0.0),
    ],
)
def test_values_beyond_the_means_that_are_fitted_are_named(family, value, near):
    with pytest.raises(ValueError, match=r"y\[3\] = 1e.*60: change the unit of y"):
        family.check_target(np.array([1.0, 2.0, 3.0, value]))
    assert family.check_target(np.array([1.0, near])) is None


@pytest.mark.parametrize("method", ["accepts", "check_target"])
@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 3)])
def test_binomial_needs_two_columns(method, shape):
    with pytest.raises(ValueError, match=r"y of shape \(n_samples, 2\).*Got shape"):
        getattr(Binomial(), method)(np.ones(shape))


@cases(lambda case: case.bad is not None)
def test_outside_the_domain_the_density_is_zero_and_nothing_is_learnt(case):
    y = np.full(2 if isinstance(case.family, Binomial) else 1, case.bad)
    arguments = (y, *case.one)
    assert_array_equal(case.family.log_density(*arguments), [LOG_ZERO])
    for derivative in case.family.derivatives(*arguments):
        assert_array_equal(derivative, [0.0])
    for derivative in case.family.parameter_derivatives(*arguments):
        assert_array_equal(derivative, np.zeros((len(case.one[1]), 1)))


@pytest.mark.parametrize(
    ("family", "message"),
    [
        (StudentT(df=0), r"df of StudentT must be None or a number above zero. Got 0"),
        (StudentT(df="3"), r"Got '3'"),
    ],
)
def test_settings_that_make_no_family_are_named(family, message):
    with pytest.raises(ValueError, match=message):
        family.check_target(np.ones(3))


# -- numbers that are large, small or no means ---------------------------------------


@cases()
@pytest.mark.filterwarnings("error")
def test_extreme_values_and_predictions_give_finite_numbers(case):
    _, parameters = case.one
    predictions = np.array([-1e100, -1.0, 0.0, 1e-100, 0.5, 1.0, 1e15, 1e100])[:, None]
    y = np.array([-1e100, -1.0, 0.0, 1e-100, 1e-15, 0.5, 1.0, 7.0, 1e15, 1e100])
    y = y[:, None, None]
    if isinstance(case.family, Binomial):
        y = np.concatenate([y, y[::-1]], axis=-1)
    parameters = parameters[:, None, None]
    shape = (len(parameters), 10, 8, 1)
    density = case.family.log_density(y, predictions, parameters)
    assert density.shape == shape[1:]
    assert np.isfinite(density).all()
    for derivative in case.family.derivatives(y, predictions, parameters):
        assert np.isfinite(np.broadcast_to(derivative, shape[1:])).all()
    for derivative in case.family.parameter_derivatives(y, predictions, parameters):
        assert derivative.shape == shape
        assert np.isfinite(derivative).all()
    cdf = case.family.cdf(y, predictions, parameters)
    assert np.all((cdf >= 0) & (cdf <= 1))
    for moment in [case.family.mean, case.family.variance]:
        assert np.isfinite(moment(predictions, parameters)).all()
    levels = np.array([0.1, 0.5, 0.9])[:, None, None]
    assert np.isfinite(case.family.quantile(levels, predictions, parameters)).all()
    rng = np.random.RandomState(0)
    assert np.isfinite(case.family.sample(predictions, parameters[:, 0], rng)).all()


@pytest.mark.parametrize("family", [Poisson(), NegativeBinomial()])
def test_a_prediction_of_zero_is_improbable_not_impossible(family):
    parameters = np.full((len(family.parameter_names), 1), 0.5)
    density = family.log_density(np.array([3.0]), np.array([0.0]), parameters)
    assert LOG_ZERO < density[0] < -50


@pytest.mark.parametrize("phi", [1e-9, 1e-12])
def test_negative_binomial_of_small_dispersion_keeps_its_digits(phi):
    y, m = np.arange(40.0), np.array([12.0])
    got = NegativeBinomial().log_density(y, m, [np.array([phi])])
    # first term of the series in phi
    correction = phi * 0.5 * ((y - m) ** 2 - y)
    expected = Poisson().log_density(y, m, ()) + correction
    assert_allclose(got, expected, rtol=0, atol=3e-14)


@pytest.mark.parametrize(("m", "phi"), [(0.01, 1e-9), (5.0, 1e-9), (3.0, 1e6)])
def test_negative_binomial_cdf_keeps_its_digits_at_both_ends(m, phi):
    y, one = np.arange(30.0), (np.array([m]), [np.array([phi])])
    sums = np.cumsum(np.exp(NegativeBinomial().log_density(y, *one)))
    assert_allclose(NegativeBinomial().cdf(y, *one), sums, rtol=0, atol=1e-13)


def test_counts_of_a_million_million_keep_their_digits():
    # Stirling: at y = m the probability is 1 / sqrt(2 pi m)
    m = np.array([1e12])
    density = Poisson().log_density(m, m, ())
    assert_allclose(density, -0.5 * np.log(2 * np.pi * m), rtol=1e-12)


def test_student_t_of_many_degrees_of_freedom_is_gaussian():
    y = np.linspace(-3, 3, 7)
    density = StudentT(df=1e9).log_density(y, 0.0, [np.array([1.0])])
    assert_allclose(density, stats.norm.logpdf(y), atol=1e-4)
    nearly = StudentT(df=1e6).log_density(y, 0.0, [np.array([1.0])])
    assert_array_equal(density, nearly)


def test_student_t_without_moments():
    parameters = np.array([[2.0, 2.0, 2.0], [0.5, 2.0, 4.0]])
    assert_array_equal(StudentT().mean(np.ones(3), parameters), 1.0)
    assert_array_equal(StudentT().variance(np.ones(3), parameters), [np.inf, np.inf, 8])


def test_skew_normal_without_skewness_is_gaussian():
    y = np.linspace(-3, 3, 7)
    density = SkewNormal().log_density(y, 0.5, np.array([[2.0], [0.0]]))
    assert_allclose(density, stats.norm.logpdf(y, 0.5, 2.0))


def test_skew_normal_far_in_its_short_tail():
    # log Phi(-t) = -t^2 / 2 - log(t sqrt(2 pi)) + O(t^-2)
    parameters = np.array([[1.0], [10.0]])
    density = SkewNormal().log_density(np.array([-1e4]), 0.0, parameters)
    assert_allclose(density, [-0.5e8 - 0.5e10], rtol=1e-6)
    score, information = SkewNormal().derivatives(np.array([-1e4]), 0.0, parameters)
    assert_allclose(score, [-1e4 * 101], rtol=1e-6)
    assert_allclose(information, [101.0], rtol=1e-6)


def test_log_normal_is_gaussian_of_the_logarithm():
    y = np.array([[0.2], [1.0], [5.0]])
    assert_array_equal(LogNormal().response(y)[0], np.log(y))
    density = LogNormal().log_density(y, np.ones((3, 1)), np.full((1, 1), 0.5))
    expected = stats.norm.logpdf(np.log(y), 1.0, 0.5) - np.log(y)
    assert_allclose(density, expected)


def test_beta_and_laplace_are_symmetric_about_their_middle():
    y = np.linspace(0.1, 0.9, 9)
    beta = Beta().log_density(y, 0.5, [np.array([0.3])])
    assert_allclose(beta, beta[::-1])
    laplace = Laplace().log_density(y, 0.5, [np.array([0.3])])
    assert_allclose(laplace, laplace[::-1])


def test_every_name_has_cases():
    from skmoe.families import FAMILIES

    assert {case.family.name for case in TABLE.values()} == set(FAMILIES)


def test_values_beyond_the_means_are_named_in_a_list_of_families_too():
    y = np.array([0.0, 0.0, 1.0, 2.0, 1e60])
    X = np.arange(5.0)[:, None]
    model = MixtureOfExpertsRegressor(n_experts=2, family=["zero", "gamma"])
    with pytest.raises(ValueError, match=r"'gamma' .*y\[4\] = 1e\+60: change the unit"):
        model.fit(X, y)
