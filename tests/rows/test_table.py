# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Rows as they are read: the scale of weights, failed fits, early stopping."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.rows.columns import Columns
from skmoe.rows.inputs import InputReader
from skmoe.rows.rows import Rows
from skmoe.rows.table import read_table, weight_unit
from skmoe.rows.targets import NumberTargets
from tests.shared import two_boundaries, two_regimes

READER = InputReader(Columns(None, None), True, True, False, "Model", 2)


def read(n_samples=12, weights=None, groups=None):
    """Rows of a small data set."""
    X, y, _ = two_regimes(n_samples)
    targets = NumberTargets(1, True, "Model")
    table = read_table(X, y, weights, NumberTargets, "Model")
    return Rows.read(table, READER, targets, groups=groups)


# -- rows -----------------------------------------------------------------------------


def test_rows_that_are_taken_keep_what_belongs_to_them():
    weights, groups = np.arange(12.0), np.arange(12) // 3 + 5
    rows = read(weights=weights, groups=groups)
    assert rows.n_samples == 11  # the first one has no weight
    some = rows.take(np.array([2, 8, 9]))
    assert_array_equal(some.positions, [3, 9, 10])
    assert_array_equal(some.weights, [3.0, 9.0, 10.0])
    assert_array_equal(some.groups, [0, 1, 1])
    assert_array_equal(some.y, rows.y[[2, 8, 9]])
    assert some.inputs.gate is some.inputs.experts is some.covariates
    assert_array_equal(some.X, rows.X[[2, 8, 9]])


def test_a_split_holds_out_each_row_once_and_groups_as_wholes():
    rows = read(60, groups=np.arange(60) // 5)
    fitted, held = rows.split(0.25, np.zeros(60), np.random.RandomState(0))
    both = np.sort(np.concatenate([fitted.positions, held.positions]))
    assert_array_equal(both, np.arange(60))
    assert held.n_groups == 3
    assert_array_equal(np.unique(held.positions // 5, return_counts=True)[1], [5] * 3)


# -- the scale of the weights ---------------------------------------------------------


@pytest.mark.parametrize("scale", [1e300, 1e-300, 1e200, 1e-320])
@pytest.mark.parametrize(
    "experts", [None, DecisionTreeRegressor(max_depth=2, random_state=0)]
)
def test_the_scale_of_weights_is_that_of_the_log_likelihood_only(experts, scale):
    X, y, _ = two_regimes()
    weights = np.random.RandomState(0).uniform(0.5, 2.0, size=len(y))
    model = MixtureOfExpertsRegressor(experts, n_experts=2, tol=1e-5, random_state=0)
    plain = model.fit(X, y, weights)
    expected, log_likelihood = plain.predict(X), plain.log_likelihood_
    bounds, rows = plain.lower_bounds_, plain.summary()["rows"].sum()
    # The smallest numbers there are have few digits.
    rtol = 1e-6 if scale > 1e-310 else 1e-3
    scaled = model.fit(X, y, weights * scale)
    assert_allclose(scaled.predict(X), expected, rtol=rtol, atol=rtol)
    assert_allclose(scaled.log_likelihood_ / scale, log_likelihood, rtol=1e-2)
    assert_allclose(scaled.lower_bounds_[-1], bounds[-1], rtol=rtol)
    assert_allclose(scaled.summary()["rows"].sum() / scale, rows, rtol=1e-2)


def test_ordinary_weights_are_left_alone():
    assert weight_unit(np.array([1e-6, 3.0, 1e8])) == 1.0
    unit = weight_unit(np.full(3, 3e200))
    assert np.log2(unit) == round(np.log2(unit))
    assert 0.5 <= 3e200 / unit <= 2.0


# -- a fit that fails changes nothing -------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "spoil"),
    [
        ({"gate_features": [0]}, "nan"),
        ({"expert_features": [1]}, "nan"),
        ({"n_experts": 7, "cv": 3}, "few rows"),
        ({"family": "poisson"}, "negative"),
        ({"gate_features": [5]}, None),
    ],
)
def test_a_refit_that_raises_leaves_the_model_as_it_was(settings, spoil):
    X, y, _ = two_regimes()
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    before, fitted = model.predict(X), dict(vars(model))
    bad_X, bad_y = np.column_stack([X, X]), y
    if spoil == "nan":
        bad_X = bad_X * np.nan
    if spoil == "few rows":
        bad_X, bad_y = bad_X[:5], y[:5]
    model.set_params(**settings)
    with pytest.raises(ValueError):
        model.fit(bad_X, bad_y)
    assert_array_equal(model.predict(X), before)
    names = {name for name in fitted if name.endswith("_") or name.startswith("_")}
    assert all(vars(model)[name] is fitted[name] for name in names)
    assert vars(model).keys() == fitted.keys()


def test_a_failed_first_fit_leaves_an_unfitted_model():
    X, y = two_boundaries()
    model = MixtureOfExpertsClassifier(n_experts=2)
    with pytest.raises(ValueError):
        model.fit(X, np.zeros(len(y)))
    assert vars(model) == vars(MixtureOfExpertsClassifier(n_experts=2))


# -- numbers too large to be squared --------------------------------------------------


@pytest.mark.parametrize("scale", [1e150, 1e200, 1e308])
def test_columns_too_large_to_be_squared_are_named(scale):
    X, y, _ = two_regimes()
    X[:, 1] = np.clip(X[:, 1] * scale, -1e308, 1e308)
    with pytest.raises(ValueError, match=r"must be below 1e\+140.*column 1"):
        MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    with pytest.raises(ValueError, match=r"y must be below 1e\+140"):
        MixtureOfExpertsRegressor(n_experts=2).fit(X[:, :1], X[:, 1])


@pytest.mark.parametrize("scale", [1e100, 1e-100])
@pytest.mark.parametrize("twice", [False, True])
def test_one_expert_on_a_far_off_column_is_least_squares(scale, twice):
    X, y, _ = two_regimes()
    alone = LinearRegression().fit(X, y).predict(X)
    far = X * [1.0, scale]
    far = np.column_stack([far, far[:, 1]]) if twice else far
    model = MixtureOfExpertsRegressor(n_experts=1).fit(far, y)
    assert_allclose(model.predict(far), alone, rtol=1e-9, atol=1e-9)
