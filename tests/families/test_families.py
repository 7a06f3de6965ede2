# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The contract of families, families of users, and several families together."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.base import clone
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.families import (
    FAMILIES,
    BaseFamily,
    Binomial,
    Categorical,
    Gamma,
    Gaussian,
    Poisson,
    StudentT,
    Uniform,
    check_families,
    check_family,
)
from skmoe.families.noise import Noise
from tests.families.cases import TABLE, cases
from tests.shared import two_regimes

# -- elementwise, as objects of scikit-learn -----------------------------------------


def several(case, n=5, n_experts=3):
    """y (n, 1, T), predictions (n, K, T) and parameters (q, K, T) about a case's."""
    rng = np.random.RandomState(1)
    one = isinstance(case.family, Binomial)
    n_targets = 1 if one else 2
    y = np.hstack([case.draws(n, seed=t) for t in range(n_targets)])[:, None]
    prediction = case.prediction * rng.uniform(0.8, 1.2, size=(n, n_experts, n_targets))
    around = rng.uniform(0.9, 1.1, size=(1, n_experts, n_targets))
    return y, prediction, case.one[1][:, None] * around


@cases()
def test_functions_of_arrays_equal_loops(case):
    y, prediction, parameters = several(case)
    n, n_experts, n_targets = prediction.shape
    family = case.family
    density = family.log_density(y, prediction, parameters)
    cdf = family.cdf(y, prediction, parameters)
    quantile = family.quantile(0.3, prediction, parameters)
    mean, variance = (
        np.broadcast_to(f(prediction, parameters), prediction.shape)
        for f in (family.mean, family.variance)
    )
    score, information = family.derivatives(y, prediction, parameters)
    scores, informations = family.parameter_derivatives(y, prediction, parameters)
    assert density.shape == cdf.shape == quantile.shape == prediction.shape
    for i, k, t in np.ndindex(n, n_experts, n_targets):
        here = (i, k, t)
        value = y[i, 0] if isinstance(family, Binomial) else y[i, 0, t : t + 1]
        one = prediction[i, k, t : t + 1], parameters[:, k, t : t + 1]
        assert_allclose(family.log_density(value, *one), density[here])
        assert_allclose(family.cdf(value, *one), cdf[here])
        assert_allclose(family.quantile(0.3, *one), quantile[here])
        assert_allclose(family.mean(*one), mean[here])
        assert_allclose(family.variance(*one), variance[here])
        assert_allclose(family.derivatives(value, *one)[0], score[here])
        whole = np.broadcast_to(information, prediction.shape)
        assert_allclose(family.derivatives(value, *one)[1], whole[here])
        mine = family.parameter_derivatives(value, *one)
        assert_allclose(mine[0][:, 0], scores[(slice(None), *here)])
        assert_allclose(mine[1][:, 0], informations[(slice(None), *here)])


@cases()
def test_families_are_pickled_cloned_and_printed(case):
    for copy in [pickle.loads(pickle.dumps(case.family)), clone(case.family)]:
        assert type(copy) is type(case.family)
        assert copy.get_params() == case.family.get_params()
        assert repr(copy) == repr(case.family)


@cases()
def test_parameters_have_names_links_floors_ceilings_and_a_free_scale(case):
    family, (_, parameters) = case.family, case.one
    q = len(parameters)
    assert len(family.parameter_names) == q
    assert len(family.parameter_links) == q
    assert family.ceilings().shape == (q,)
    floors = family.floors(case.draws(50), np.ones(50), 1e-3)
    assert floors.shape == (q, 1)
    assert np.all(floors <= family.ceilings()[:, None])
    assert_allclose(family.from_free(family.to_free(parameters)), parameters)
    assert family.count_parameters() == (0 if family.is_background else q)


@cases()
def test_the_fitted_family_has_the_shapes_that_were_estimated(case):
    fitted = case.family.fitted(case.one[1])
    assert type(fitted) is type(case.family)
    expected = {
        "student_t": {"df": 4.5},
        "student_t fixed": {"df": 3},
        "student_t near gaussian": {"df": 3e4},
        "point at two": {"at": 2.0},
        "zero": {"at": 0.0},
        "uniform": {"low": -1.0, "high": 3.0},
        "uniform given": {"low": -1.0, "high": 3.0},
    }
    name = next(name for name, other in TABLE.items() if other is case)
    assert fitted.get_params() == case.family.get_params() | expected.get(name, {})


def test_shapes_that_differ_between_targets_stay_unset():
    assert StudentT().fitted(np.array([[1.0, 1.0], [2.0, 3.0]])).df is None
    assert Uniform().fitted(np.array([[0.0, 1.0], [2.0, 2.0]])).low is None


# -- names and objects ---------------------------------------------------------------


def test_check_family_takes_names_and_objects():
    gaussian = Gaussian()
    assert check_family(gaussian, FAMILIES) is gaussian
    for name, family in FAMILIES.items():
        assert type(check_family(name, FAMILIES)) is family
        assert family.name == name


def test_check_family_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"family='cauchy' is unknown.*gaussian"):
        check_family("cauchy", FAMILIES)
    with pytest.raises(
        TypeError, match=r"family=3 .*derives from .*BaseFamily.*an? int"
    ):
        check_family(3, FAMILIES)


class LooksLikeOne:
    """Has what a family was asked for once, and is none."""

    check_target = accepts = log_density = fit_parameters = mean = variance = None


def own_family(**members):
    """An object of a family of the user's, with some members as given."""
    plain = {
        "name": "own",
        "log_density": lambda self, y, m, p: -np.abs(y - m) / p[0] - np.log(2 * p[0]),
        "mean": lambda self, m, p: m,
        "variance": lambda self, m, p: 2 * p[0] ** 2,
    }
    return type("Own", (BaseFamily,), plain | members)()


def test_what_is_no_family_is_refused_by_name():
    with pytest.raises(TypeError, match=r"BaseFamily and has log_density, mean and va"):
        check_family(LooksLikeOne(), FAMILIES)
    assert check_family(own_family(), FAMILIES).name == "own"


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"link": "probit"}, r"Own\.link must be one of .*'log'.*Got 'probit'"),
        ({"parameter_links": ()}, r"Own\.parameter_links must have .*Got \(\)"),
        ({"parameter_links": ("exp",)}, r"Own\.parameter_links .*Got \('exp',\)"),
    ],
)
def test_members_that_are_not_as_documented_are_refused_by_name(members, message):
    with pytest.raises(TypeError, match=message):
        check_family(own_family(**members), FAMILIES)


@pytest.mark.parametrize(
    "log_density",
    [lambda self, y, m, p: 0.0, lambda self, y, m, p: (y - m).sum(axis=-1)],
    ids=["scalar", "summed over targets"],
)
def test_a_log_density_that_is_not_elementwise_is_refused(log_density):
    X, y, _ = two_regimes()
    family = own_family(log_density=log_density)
    with pytest.raises(TypeError, match=r"Own\.log_density must return one number for"):
        MixtureOfExpertsRegressor(n_experts=2, family=family).fit(X, y)


def test_check_families_shares_equal_entries():
    entries = ["poisson", StudentT(df=3), "poisson", StudentT(df=3), StudentT(df=4)]
    families = check_families(entries, 5, FAMILIES)
    assert families[0] is families[2]
    assert families[1] is families[3]
    assert families[1] is not families[4]
    with pytest.raises(ValueError, match=r"one entry for each of the 2 experts.*has 5"):
        check_families(entries, 2, FAMILIES)


# -- class labels --------------------------------------------------------------------


def test_categorical_probabilities_sum_to_one_over_classes():
    proba = np.random.RandomState(0).dirichlet(np.ones(4), size=(5, 3))
    total = sum(
        np.exp(Categorical().log_density(np.full((5, 1, 1), c), proba, ()))
        for c in range(4)
    )
    assert_allclose(total, 1.0)


def test_categorical_density_of_an_impossible_class_is_finite():
    density = Categorical().log_density(np.array([[[0]]]), np.array([[[0.0, 1.0]]]), ())
    assert_allclose(density, np.log(np.finfo(float).eps))


def test_categorical_moments_are_those_of_indicators():
    proba = np.array([[[0.2, 0.8]]])
    assert_allclose(Categorical().mean(proba, ()), proba)
    assert_allclose(Categorical().variance(proba, ()), 0.16)
    draws = Categorical().sample(
        np.broadcast_to(proba[0], (4000, 2)), (), np.random.RandomState(0)
    )
    assert_allclose(draws.mean(), 0.8, atol=3 * np.sqrt(0.16 / 4000))


# -- a family of a user's own --------------------------------------------------------


class Plain(BaseFamily):
    """Gaussian noise that says nothing but density and moments."""

    def log_density(self, y, prediction, parameters):
        return norm.logpdf(y, prediction, parameters[0])

    def mean(self, prediction, parameters):
        return prediction

    def variance(self, prediction, parameters):
        return parameters[0] ** 2


class WithCdf(Plain):
    def cdf(self, y, prediction, parameters):
        return norm.cdf(y, prediction, parameters[0])


def test_numerical_derivatives_and_fit_equal_the_analytic_ones():
    rng = np.random.RandomState(0)
    y, m = rng.normal(size=(30, 2)), 0.3 * rng.normal(size=(30, 2))
    weights, parameters = rng.uniform(size=30), np.array([[[0.8, 1.7]]])
    plain, gaussian = Plain(), Gaussian()
    score, square = plain.derivatives(y, m, parameters)
    assert_allclose(score, gaussian.derivatives(y, m, parameters)[0], atol=1e-6)
    assert_array_equal(square, score**2)
    scores = plain.parameter_derivatives(y, m, parameters)[0]
    expected = gaussian.parameter_derivatives(y, m, parameters)[0]
    assert_allclose(scores, expected, atol=1e-6)
    floors = plain.floors(y, weights, 1e-3)
    assert_array_equal(floors, gaussian.floors(y, weights, 1e-3))
    fitted = plain.fit_parameters(y, m, weights, floors)
    assert_allclose(fitted, gaussian.fit_parameters(y, m, weights, floors), rtol=1e-6)
    high = floors + 5.0
    assert_allclose(plain.fit_parameters(y, m, weights, high), high)


def test_a_cdf_is_enough_for_quantiles_and_draws():
    prediction, parameters = np.full((2000, 1), 2.0), np.array([[[3.0]]])
    levels = np.array([[0.0], [1e-4], [0.5], [0.9], [1.0]])
    quantiles = WithCdf().quantile(levels, prediction[:1], parameters[:, 0])
    assert_allclose(quantiles, norm.ppf(levels, 2.0, 3.0), rtol=1e-9)
    draws = WithCdf().sample(prediction, parameters, np.random.RandomState(0))
    assert_allclose(draws.mean(), 2.0, atol=0.2)
    with pytest.raises(NotImplementedError, match="Plain has no cdf"):
        Plain().quantile(0.5, prediction, parameters)


def test_a_family_of_a_users_own_is_fitted_like_the_same_one_of_ours():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200, 2))
    y = np.abs(X[:, 0]) + 0.2 * rng.normal(size=200)
    mine, ours = (
        MixtureOfExpertsRegressor(n_experts=2, family=family, tol=1e-9).fit(X, y)
        for family in (Plain(), "gaussian")
    )
    assert_allclose(mine.log_likelihood_, ours.log_likelihood_, rtol=1e-5)
    assert_allclose(mine.predict(X), ours.predict(X), atol=2e-3)


class Positive(Gaussian):
    """Gaussian noise about one more than the prediction, of positive y only."""

    name = "positive"
    domain = "positive numbers"

    def inside(self, y):
        return y > 0

    def log_density(self, y, prediction, parameters):
        return super().log_density(y, prediction + 1, parameters)

    def fit_parameters(self, y, prediction, weights, floors, start=None):
        return super().fit_parameters(y, prediction + 1, weights, floors)

    def mean(self, prediction, parameters):
        return prediction + 1


def test_a_user_family_is_asked_for_its_domain_and_its_mean():
    X, y = np.zeros((20, 1)), np.linspace(1, 2, 20)
    tree = DecisionTreeRegressor(max_depth=1)
    model = MixtureOfExpertsRegressor(tree, n_experts=1, family=Positive()).fit(X, y)
    assert_allclose(model.predict(X), model.experts_[0].predict(X) + 1)
    message = r"family 'positive' needs positive numbers. Got y\[0\] = 0.0"
    with pytest.raises(ValueError, match=message):
        model.fit(X, y - 1)


# -- families together ---------------------------------------------------------------


@pytest.fixture
def mixed():
    """Noise of five experts of four families, and predictions (n, K, T)."""
    student, gamma = StudentT(), Gamma()
    families = [gamma, student, Gaussian(), gamma, Poisson()]
    rng = np.random.RandomState(0)
    parameters = [
        rng.uniform(0.5, 3.0, size=(len(family.parameter_names), 2))
        for family in families
    ]
    y = rng.poisson(3.0, size=(6, 2)).astype(float)
    return Noise(families, parameters), y, rng.uniform(0.5, 4.0, size=(6, 5, 2))


def test_noise_of_several_families_equals_a_loop(mixed):
    noise, y, prediction = mixed
    density = noise.log_density(y, prediction)
    for k, (family, parameters) in enumerate(
        zip(noise.families, noise.parameters, strict=True)
    ):
        terms = family.log_density(y, prediction[:, k], parameters[:, None])
        assert_allclose(density[:, k], terms.sum(axis=1))
    means = noise.apply("mean", prediction)
    variances = noise.apply("variance", prediction)
    masses = noise.apply("cdf", prediction, y[:, None])
    for i, k in np.ndindex(6, 5):
        one = prediction[i, k], noise.parameters[k]
        assert_allclose(means[i, k], noise.families[k].mean(*one))
        assert_allclose(variances[i, k], noise.families[k].variance(*one))
        assert_allclose(masses[i, k], noise.families[k].cdf(y[i], *one))


def test_noise_of_the_experts_kept_equals_a_loop(mixed):
    noise, y, _ = mixed
    rng = np.random.RandomState(1)
    kept = np.argsort(rng.uniform(size=(6, 5)), axis=1)[:, :3]
    prediction = rng.uniform(0.5, 4.0, size=(6, 3, 2))
    for method, values in [("mean", ()), ("cdf", (y[:, None],)), ("quantile", (0.4,))]:
        got = noise.apply(method, prediction, *values, kept=kept)
        for i, j in np.ndindex(6, 3):
            family, parameters = (
                noise.families[kept[i, j]],
                noise.parameters[kept[i, j]],
            )
            mine = [v[i, 0] if np.ndim(v) else v for v in values]
            expected = getattr(family, method)(*mine, prediction[i, j], parameters)
            assert_allclose(got[i, j], expected)


def test_noise_of_one_family_with_kept_experts_equals_a_loop():
    family = StudentT()
    parameters = np.random.RandomState(0).uniform(2.5, 4, size=(4, 2, 1))
    noise = Noise([family] * 4, list(parameters))
    kept = np.array([[0, 3], [2, 1], [1, 0]])
    got = noise.apply("variance", np.ones((3, 2, 1)), kept=kept)
    for i, j in np.ndindex(3, 2):
        assert_allclose(got[i, j], family.variance(1.0, parameters[kept[i, j]]))


def test_noise_of_binomial_experts_and_a_background_has_y_of_two_columns():
    noise = Noise([Binomial(), Binomial()], [np.empty((0, 1))] * 2)
    y = np.array([[1.0, 2.0], [3.0, 0.0], [0.0, 4.0]])
    prediction = np.full((3, 2, 1), 0.4)
    assert len(noise.groups) == 2  # two objects: the path of several families
    masses = noise.apply("cdf", prediction, y[:, None])
    expected = Binomial().cdf(y, prediction[:, 0], ())
    assert_allclose(masses, np.repeat(expected[:, None], 2, axis=1))
    assert_allclose(noise.log_density(y, prediction).shape, (3, 2))


def test_noise_draws_from_the_owners_of_rows(mixed):
    noise, _, prediction = mixed
    owners = np.array([4, 2, 0, 1, 3, 4])
    chosen = prediction[np.arange(6), owners]
    draws = noise.sample(chosen, owners, np.random.RandomState(0))
    assert draws.shape == (6, 2)
    assert_array_equal(draws[owners == 4], np.round(draws[owners == 4]))
    assert np.all(draws[np.isin(owners, [0, 3])] > 0)


def test_noise_knows_dispersions_and_counts():
    families = [Gaussian(), Poisson(), Uniform(), StudentT()]
    parameters = [np.full((len(f.parameter_names), 1), 2.0) for f in families]
    noise = Noise(families, parameters)
    assert_array_equal(noise.dispersions, [[2.0], [np.nan], [np.nan], [2.0]])
    assert noise.count_parameters() == 1 + 0 + 0 + 2
    assert Noise([Poisson()], [np.empty((0, 1))]).dispersions is None
    assert noise.fitted_families()[3].df == 2.0
    assert noise.select([3, 1]).families == [families[3], families[1]]
