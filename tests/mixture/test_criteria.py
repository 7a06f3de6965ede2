# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Information criteria: weights, groups, the search's figures."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import ConstantGate
from skmoe.model_selection import ExpertCountSearch
from tests.shared import two_regimes

CRITERIA = ("aic", "bic", "icl")


@pytest.fixture(scope="module")
def panel():
    """Rows of a hundred people, a model with a latent expert for each, its search."""
    rng = np.random.RandomState(0)
    person = np.repeat(np.arange(100), 5)
    x, up = rng.normal(size=500), rng.randint(0, 2, 100)[person]
    X, y = x[:, None], np.where(up, 2 * x, -x) + rng.normal(size=500)
    model = MixtureOfExpertsRegressor(
        n_experts=2, gate=ConstantGate(), n_init=5, random_state=0
    )
    search = ExpertCountSearch(model, n_experts=[2]).fit(X, y, groups=person)
    return X, y, person, model.fit(X, y, groups=person), search


@pytest.mark.parametrize("name", CRITERIA)
def test_weights_are_repeated_rows(name):
    X, y, _ = two_regimes()
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    weights = np.random.RandomState(0).randint(0, 3, size=len(y))
    repeated = np.repeat(np.arange(len(y)), weights)
    criterion = getattr(model, name)
    assert_allclose(criterion(X, y, weights), criterion(X[repeated], y[repeated]))
    assert_allclose(criterion(X, y), criterion(X, y, np.ones(len(y))))


def test_formulas():
    X, y, _ = two_regimes()
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    deviance, p = -2 * model.score_samples(X, y).sum(), model.n_parameters_
    R = model.responsibilities(X, y)
    entropy = -(R * np.log(np.maximum(R, 1e-300))).sum()
    assert_allclose(model.aic(X, y), deviance + 2 * p)
    assert_allclose(model.bic(X, y), deviance + p * np.log(len(y)))
    assert_allclose(model.icl(X, y), model.bic(X, y) + 2 * entropy)


@pytest.mark.parametrize("name", CRITERIA)
def test_groups_give_what_the_search_compares(panel, name):
    X, y, person, model, search = panel
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = getattr(model, name)(X, y, groups=person)
    assert_allclose(found, search.results_[name][0], rtol=1e-8)


def test_the_grouped_likelihood_is_that_of_the_fit(panel):
    X, y, person, model, _ = panel
    deviance = model.aic(X, y, groups=person) - 2 * model.n_parameters_
    assert_allclose(deviance, -2 * model.log_likelihood_)


@pytest.mark.parametrize("name", [*CRITERIA, "summary"])
def test_groups_that_are_missing_are_named(panel, name):
    X, y, _, model, _ = panel
    with pytest.warns(UserWarning, match="fitted to groups .* Pass the groups of"):
        getattr(model, name)(X, y)
