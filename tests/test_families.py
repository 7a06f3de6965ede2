# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Families: densities, dispersions and moments."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import norm

from skmoe import MixtureOfExpertsRegressor
from skmoe.families import FAMILIES, BaseFamily, Categorical, Gaussian, check_family


@pytest.mark.parametrize("dispersion", [0.1, 1.0, 30.0])
def test_gaussian_density_integrates_to_one(dispersion):
    def density(y):
        one = np.array([[[1.5]]]), np.array([[dispersion]])
        return np.exp(Gaussian().log_density(np.array([[y]]), *one))[0, 0]

    width = 10 * dispersion
    assert_allclose(quad(density, 1.5 - width, 1.5 + width)[0], 1.0, rtol=1e-8)


def test_gaussian_density_equals_scipy_summed_over_targets():
    rng = np.random.RandomState(0)
    y, prediction = rng.normal(size=(6, 2)), rng.normal(size=(6, 3, 2))
    dispersion = rng.uniform(0.5, 2.0, size=(3, 2))
    expected = norm.logpdf(y[:, None, :], prediction, dispersion).sum(axis=2)
    assert_allclose(Gaussian().log_density(y, prediction, dispersion), expected)


def test_gaussian_dispersion_has_score_zero():
    rng = np.random.RandomState(1)
    y, prediction = rng.normal(size=(20, 2)), rng.normal(size=(20, 3, 2))
    weights = rng.uniform(size=(20, 3))
    family = Gaussian()
    best = family.fit_dispersion(y, prediction, weights, np.zeros(2))

    def expected(flat):
        return np.sum(weights * family.log_density(y, prediction, flat.reshape(3, 2)))

    assert_allclose(approx_fprime(best.ravel(), expected, 1e-7), 0.0, atol=1e-4)


def test_gaussian_dispersion_stays_on_its_floor():
    y, weights = np.ones((4, 2)), np.array([[1.0, 0.0]] * 4)
    prediction = np.ones((4, 2, 2))
    floor = np.array([0.5, 0.25])
    dispersion = Gaussian().fit_dispersion(y, prediction, weights, floor)
    assert_allclose(dispersion, [floor, floor])


def test_gaussian_moments():
    prediction, dispersion = np.ones((2, 3, 1)), np.array([[1.0], [2.0], [3.0]])
    assert_allclose(Gaussian().mean(prediction, dispersion), prediction)
    assert_allclose(Gaussian().variance(prediction, dispersion), [[1], [4], [9]])


def test_categorical_probabilities_sum_to_one_over_classes():
    proba = np.random.RandomState(0).dirichlet(np.ones(4), size=(5, 3))
    family = Categorical()
    total = sum(
        np.exp(family.log_density(np.full((5, 1), c), proba, None)) for c in range(4)
    )
    assert_allclose(total, 1.0)
    assert family.fit_dispersion(None, proba, None, None) is None


def test_categorical_density_of_an_impossible_class_is_finite():
    log_density = Categorical().log_density(
        np.array([[0]]), np.array([[[0.0, 1.0]]]), None
    )
    assert_allclose(log_density, np.log(np.finfo(float).eps))


def test_categorical_moments_are_those_of_indicators():
    proba = np.array([[[0.2, 0.8]]])
    assert_allclose(Categorical().mean(proba, None), proba)
    assert_allclose(Categorical().variance(proba, None), 0.16)


def test_check_family_takes_names_and_objects():
    gaussian = Gaussian()
    assert check_family(gaussian, FAMILIES) is gaussian
    assert isinstance(check_family("gaussian", FAMILIES), Gaussian)


def test_check_family_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"family='cauchy' is unknown.*gaussian"):
        check_family("cauchy", FAMILIES)
    with pytest.raises(TypeError, match=r"family=3 .*missing: check_target, log_dens"):
        check_family(3, FAMILIES)


class Shifted(Gaussian):
    """Gaussian noise whose mean is one above the prediction; positive y only."""

    def check_target(self, y):
        if np.min(y) < 0:
            raise ValueError(f"y must be positive. Got {np.min(y)}.")

    def log_density(self, y, prediction, dispersion):
        return super().log_density(y, prediction + 1, dispersion)

    def mean(self, prediction, dispersion):
        return prediction + 1


def test_a_user_family_is_asked_for_domain_density_and_mean():
    X, y = np.zeros((20, 1)), np.linspace(0, 2, 20)
    model = MixtureOfExpertsRegressor(n_experts=1, family=Shifted()).fit(X, y)
    assert isinstance(model._family, BaseFamily)
    assert_allclose(model.predict(X), model.experts_[0].predict(X) + 1)
    with pytest.raises(ValueError, match="y must be positive"):
        model.fit(X, y - 1)
