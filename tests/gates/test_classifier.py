# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Classifiers as gates inside EM."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import ClassifierGate, SoftmaxGate
from tests.shared import assert_never_falls


def boxes(seed, n_samples=600):
    """Two lines; which one holds depends on whether the row is in a box."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1, 1, size=(n_samples, 2))
    regime = np.all(np.abs(X - [0.1, -0.2]) < 0.6, axis=1)
    y = np.where(regime, 2 + X[:, 0], -2 - X[:, 0]) + 0.3 * rng.normal(size=n_samples)
    return X, y


@pytest.mark.filterwarnings("ignore:EM did not converge")
@pytest.mark.parametrize(
    "classifier",
    [
        DecisionTreeClassifier(max_depth=4, min_samples_leaf=10, random_state=0),
        KNeighborsClassifier(15),  # takes no weights: rows are resampled by them
    ],
)
def test_regimes_in_boxes_are_for_trees_and_neighbours(classifier):
    X, y = boxes(0)
    held_out = boxes(1)
    settings = {"n_experts": 2, "tol": 1e-4, "random_state": 0}
    linear = MixtureOfExpertsRegressor(gate=SoftmaxGate(), **settings).fit(X, y)
    gate = ClassifierGate(classifier, random_state=0)
    local = MixtureOfExpertsRegressor(gate=gate, **settings).fit(X, y)
    assert_never_falls(local.lower_bounds_)
    gain = (
        local.score_samples(*held_out).mean() - linear.score_samples(*held_out).mean()
    )
    assert gain > 0.3
    assert local.score(*held_out) > linear.score(*held_out) + 0.5


def test_lists_are_rows_too():
    gate = ClassifierGate(DecisionTreeClassifier())
    proba = gate.fit([[0.0], [1.0]], [[0.8, 0.2], [0.1, 0.9]]).predict_proba([[1.0]])
    assert np.allclose(proba, [[0.1, 0.9]])


def test_a_gate_without_a_seed_has_that_of_the_mixture():
    X, y = boxes(0, 200)
    gate = RandomForestClassifier(n_estimators=5, max_depth=3)
    model = MixtureOfExpertsRegressor(n_experts=2, gate=gate, tol=1e-2, random_state=0)
    first, second = clone(model).fit(X, y), clone(model).fit(X, y)
    assert first.lower_bounds_ == second.lower_bounds_
    other = clone(model).set_params(random_state=1).fit(X, y)
    assert first.lower_bounds_ != other.lower_bounds_
    assert gate.random_state is None
