# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Families in mixtures: maxima, degenerate targets, backgrounds."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from sklearn.linear_model import (
    GammaRegressor,
    LinearRegression,
    QuantileRegressor,
)
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.families import (
    Beta,
    Binomial,
    Gamma,
    Gaussian,
    Laplace,
    LogNormal,
    NegativeBinomial,
    PointMass,
    SkewNormal,
    StudentT,
)
from tests.families.cases import TABLE, cases, learns
from tests.shared import assert_never_falls

# -- one expert is the maximum of the likelihood -------------------------------------


def regression_of(case, n=150):
    """X (n, 2), and y drawn about linear scores through the family's link."""
    rng = np.random.RandomState(5)
    X = rng.normal(size=(n, 2))
    scores = 0.3 + X @ [0.4, -0.3]
    through = {"log": np.exp, "logit": lambda s: 1 / (1 + np.exp(-s))}
    prediction = through.get(case.family.link, lambda s: s)(scores)[:, None]
    if isinstance(case.family, Binomial):
        trials = rng.randint(1, 9, size=(n, 1))
        successes = rng.binomial(trials, prediction)
        return X, np.hstack([successes, trials - successes]).astype(float)
    y = case.family.sample(prediction, case.one[1][:, None], rng)
    return X, y[:, 0]


@cases(learns)
def test_one_linear_expert_is_the_maximum_of_the_likelihood(case):
    from skmoe.families.links import LINKS

    X, y = regression_of(case)
    settings = {"n_experts": 1, "family": case.family, "tol": 1e-11, "max_iter": 1000}
    model = MixtureOfExpertsRegressor(**settings).fit(X, y)
    (expert,), q = model.experts_, len(case.parameters)
    targets = y.reshape(len(y), -1)

    def negative(vector):
        scores = vector[0] + X @ vector[1:3]
        prediction = LINKS[case.family.link](scores[:, None])[0]
        parameters = case.family.from_free(vector[3:, None])[:, None]
        return -case.family.log_density(targets, prediction, parameters).sum()

    here = model._mixture.experts.noise.parameters[0]
    found = [expert.intercept_, *expert.coef_, *case.family.to_free(here)[:, 0]]
    assert len(found) == 3 + q
    assert_allclose(-negative(np.array(found)), model.log_likelihood_)
    options = {"xatol": 1e-8, "fatol": 1e-10, "maxiter": 4000, "maxfev": 4000}
    search = minimize(negative, found, method="Nelder-Mead", options=options)
    assert -search.fun <= model.log_likelihood_ + 1e-4
    assert_never_falls(model.lower_bounds_)


def test_one_laplace_expert_is_median_regression():
    X, y = regression_of(TABLE["laplace"])
    settings = {"n_experts": 1, "family": "laplace", "tol": 1e-12, "max_iter": 1000}
    (expert,) = MixtureOfExpertsRegressor(**settings).fit(X, y).experts_
    reference = QuantileRegressor(alpha=0).fit(X, y)
    assert_allclose(expert.coef_, reference.coef_, atol=2e-3)
    assert_allclose(expert.intercept_, reference.intercept_, atol=2e-3)


def test_one_log_normal_expert_is_least_squares_of_logarithms():
    X, y = regression_of(TABLE["log_normal"])
    model = MixtureOfExpertsRegressor(n_experts=1, family="log_normal").fit(X, y)
    reference = LinearRegression().fit(X, np.log(y))
    assert_allclose(model.experts_[0].coef_, reference.coef_, atol=1e-6)
    residual = np.log(y) - reference.predict(X)
    assert_allclose(model.dispersions_, np.sqrt(np.mean(residual**2)), rtol=1e-4)
    mean = np.exp(reference.predict(X) + np.mean(residual**2) / 2)
    assert_allclose(model.predict(X), mean, rtol=1e-4)


# -- mixtures of them ----------------------------------------------------------------


def two_lines(case, n=300):
    """X (n, 1), y drawn about two lines of opposite slope."""
    rng = np.random.RandomState(2)
    X = rng.uniform(-2, 2, size=(n, 1))
    scores = np.where(X[:, 0] > 0, 1.0, -1.0) * X[:, 0]
    through = {"log": np.exp, "logit": lambda s: 1 / (1 + np.exp(-s))}
    prediction = through.get(case.family.link, lambda s: s)(scores)[:, None]
    if isinstance(case.family, Binomial):
        successes = rng.binomial(20, prediction)
        return X, np.hstack([successes, 20 - successes]).astype(float)
    return X, case.family.sample(prediction, case.one[1][:, None], rng)[:, 0]


@cases(learns)
@pytest.mark.parametrize(
    "experts", [None, DecisionTreeRegressor(max_depth=2)], ids=["linear", "trees"]
)
def test_mixtures_climb_and_answer_finitely(case, experts):
    X, y = two_lines(case)
    model = MixtureOfExpertsRegressor(
        experts, n_experts=2, family=case.family, tol=1e-4, max_iter=40, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model.fit(X, y)
    assert_never_falls(model.lower_bounds_)
    assert np.isfinite(model.predict(X)).all()
    assert np.isfinite(model.score_samples(X, y)).all()
    assert_allclose(model.score_samples(X, y).sum(), model.log_likelihood_)
    assert np.isfinite(model.sample_y(X, n_samples=3, random_state=0)).all()
    assert_allclose(model.responsibilities(X, y).sum(axis=1), 1.0)


DEGENERATE = {
    "poisson": [np.zeros(40), np.eye(40)[3], np.full(40, 7.0)],
    "negative_binomial": [np.zeros(40), np.eye(40)[3], np.full(40, 7.0)],
    "binomial": [
        np.column_stack([np.full(40, 5.0), np.zeros(40)]),
        np.column_stack([np.arange(40) > 20, np.arange(40) <= 20]),
    ],
    "gamma": [np.full(40, 1e-9), np.full(40, 3.0), np.exp(np.arange(40.0))],
    "inverse_gaussian": [np.full(40, 1e-9), np.full(40, 3.0)],
    "log_normal": [np.full(40, 1.0), np.exp(np.arange(40.0))],
    "beta": [np.full(40, 0.3), np.full(40, 1e-12), np.linspace(0.01, 0.99, 40)],
    "laplace": [np.full(40, 1e9), np.arange(40.0)],
    "student_t": [np.full(40, 1e9), np.arange(40.0), np.eye(40)[3]],
    "skew_normal": [np.full(40, 1e9), np.arange(40.0), np.eye(40)[3]],
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_targets_give_finite_mixtures(name):
    X = np.linspace(-1, 1, 40)[:, None]
    for y in DEGENERATE[name]:
        model = MixtureOfExpertsRegressor(n_experts=2, family=name)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            warnings.simplefilter("ignore", UserWarning)
            model.fit(X, y.astype(float))
        assert np.isfinite(model.log_likelihood_)
        assert np.isfinite(model.predict(X)).all()


WITH_UNITS = (Gaussian, Laplace, StudentT, SkewNormal, LogNormal, Gamma)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
@cases(lambda case: isinstance(case.family, WITH_UNITS))
def test_the_unit_of_y_changes_nothing_for_families_with_one(case, scale):
    X, y = two_lines(case)
    one, other = (
        MixtureOfExpertsRegressor(n_experts=2, family=case.family).fit(X, values)
        for values in (y, y * scale)
    )
    assert_allclose(other.predict(X) / scale, one.predict(X), rtol=1e-2, atol=1e-2)
    shift = len(y) * np.log(scale)
    likelihoods = other.log_likelihood_ + shift, one.log_likelihood_
    assert_allclose(*likelihoods, atol=1e-3 * len(y))


# -- backgrounds ---------------------------------------------------------------------


@pytest.mark.parametrize("experts", [None, GammaRegressor(alpha=0, max_iter=1000)])
def test_a_hurdle_model_fits_the_positive_rows_alone(experts):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(400, 1))
    y = rng.gamma(3.0, np.exp(0.5 * X[:, 0]) / 3)
    y[::4] = 0.0
    family = ["zero", "gamma"]
    model = MixtureOfExpertsRegressor(experts, n_experts=2, family=family, tol=1e-10)
    model.fit(X, y)
    positive = MixtureOfExpertsRegressor(n_experts=1, family="gamma", tol=1e-10)
    positive.fit(X[y > 0], y[y > 0])
    assert_allclose(model.dispersions_[1], positive.dispersions_[0], rtol=1e-3)
    assert_allclose(model.experts_[1].coef_, positive.experts_[0].coef_, atol=1e-3)
    assert_array_equal(model.responsibilities(X, y)[:, 0], y == 0)


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_a_uniform_background_takes_gross_errors(scale):
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, size=(600, 1))
    y = 2 * X[:, 0] + 0.1 * rng.normal(size=600)
    y[:60] = rng.uniform(-50, 50, size=60)
    family = ["uniform", "gaussian"]
    model = MixtureOfExpertsRegressor(n_experts=2, family=family).fit(X, scale * y)
    assert_allclose(model.experts_[1].coef_ / scale, [2.0], atol=0.05)
    assert_allclose(model.dispersions_[1] / scale, 0.1, rtol=0.15)
    assert model.families_[0].low == scale * y.min()
    assert model.families_[0].high == scale * y.max()
    assert model.responsibilities(X, scale * y)[:60, 0].mean() > 0.9


def test_binomial_experts_are_not_mixed_with_others():
    X, y = np.zeros((4, 1)), np.ones((4, 2))
    model = MixtureOfExpertsRegressor(n_experts=2, family=["gaussian", "binomial"])
    with pytest.raises(ValueError, match="cannot be mixed: for 'binomial' the two col"):
        model.fit(X, y)


def test_backgrounds_and_edges_of_other_families_go_together():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 1))
    y = rng.beta(4, 4, size=300)
    y[:60], y[60:100] = 0.0, 1.0
    family = [PointMass(), PointMass(at=1.0), Beta()]
    model = MixtureOfExpertsRegressor(n_experts=3, family=family).fit(X, y)
    shares = model.gate_proba(X).mean(axis=0)
    assert_allclose(shares, [0.2, 40 / 300, 200 / 300], atol=1e-3)
    drawn = model.sample_y(X, n_samples=20, random_state=0)
    assert_allclose([(drawn == 0).mean(), (drawn == 1).mean()], shares[:2], atol=0.03)


def test_underdispersed_counts_are_no_collapse():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200, 1))
    y = rng.binomial(10, 0.5, size=200)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MixtureOfExpertsRegressor(n_experts=1, family=NegativeBinomial())
        model.fit(X, y)
    assert_allclose(model.dispersions_, 1e-8)
    poisson = MixtureOfExpertsRegressor(n_experts=1, family="poisson").fit(X, y)
    assert_allclose(model.log_likelihood_, poisson.log_likelihood_, rtol=1e-5)


def test_log_normal_and_gamma_likelihoods_compare():
    """Both are densities of y, so data drawn from one prefer it."""
    X, y = regression_of(TABLE["log_normal"], n=2000)
    fits = {
        name: MixtureOfExpertsRegressor(n_experts=1, family=name).fit(X, y)
        for name in ("log_normal", "gamma")
    }
    scores = {name: model.bic(X, y) for name, model in fits.items()}
    assert scores["log_normal"] < scores["gamma"]
    assert isinstance(fits["log_normal"].families_[0], LogNormal)
