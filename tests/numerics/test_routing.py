# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Which expert sees which row at predict."""

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.numerics.routing import mix_present, route_top_k

REGRESSORS = [None, Ridge(10.0), DecisionTreeRegressor(max_depth=3, random_state=0)]
CLASSIFIERS = [None, DecisionTreeClassifier(max_depth=3, random_state=0)]


class Spy(RegressorMixin, BaseEstimator):
    """Predicts its mean; remembers the rows of every call to predict."""

    calls = None

    def fit(self, X, y, sample_weight=None):
        self.mean_ = np.average(y, weights=sample_weight)
        return self

    def predict(self, X):
        if self.calls is not None:
            self.calls.append(np.asarray(X))
        return np.full(len(X), self.mean_)


def test_route_top_k_keeps_the_most_probable():
    log_proba = np.log([[0.1, 0.6, 0.3], [0.4, 0.2, 0.4]])
    routing = route_top_k(log_proba, 2)
    assert_array_equal(routing.experts, [[1, 2], [0, 2]])
    assert_allclose(routing.weights, [[2 / 3, 1 / 3], [0.5, 0.5]])


def test_route_top_k_renormalises_tiny_probabilities():
    routing = route_top_k(np.array([[-2000.0, -2001.0, -3000.0]]), 2)
    assert_allclose(routing.weights.sum(), 1.0)


@pytest.mark.parametrize("experts", REGRESSORS)
def test_all_experts_kept_equals_dense(regression, experts):
    X, y = regression
    model = MixtureOfExpertsRegressor(experts).fit(X, y)
    dense, std = model.predict(X, return_std=True)
    log_gate = model.gate_.predict_log_proba(X)
    for top_k in (3, 7):
        model.top_k = top_k
        assert_array_equal(model.predict(X), dense)
    routing = route_top_k(log_gate, 3)
    by_hand = np.take_along_axis(model.predict_experts(X), routing.experts, axis=1)
    assert_allclose(np.sum(routing.weights * by_hand, axis=1), dense)
    assert np.all(std >= model.dispersions_.min())


@pytest.mark.parametrize("experts", REGRESSORS)
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, pd.DataFrame])
def test_one_expert_kept_is_the_expert_of_apply(regression, experts, container):
    X, y = regression
    X = container(X)
    model = MixtureOfExpertsRegressor(experts, top_k=1).fit(X, y)
    best = model.apply(X)
    mean, std = model.predict(X, return_std=True)
    assert_allclose(mean, model.predict_experts(X)[np.arange(150), best])
    assert_allclose(std, model.dispersions_[best])
    assert len(np.unique(best)) > 1


@pytest.mark.parametrize("experts", REGRESSORS)
def test_two_experts_kept_are_mixed_by_their_renormalised_weights(regression, experts):
    X, y = regression
    Y = np.column_stack([y, -y])
    model = MixtureOfExpertsRegressor(experts, top_k=2).fit(X, Y)
    gate = model.gate_proba(X)
    kept = gate >= np.sort(gate, axis=1)[:, [1]]
    weights = np.where(kept, gate, 0)
    weights /= weights.sum(axis=1, keepdims=True)
    answers = model.predict_experts(X)
    expected = np.einsum("nk,nkt->nt", weights, answers)
    spread = model.dispersions_**2 + (answers - expected[:, None]) ** 2
    mean, std = model.predict(X, return_std=True)
    assert_allclose(mean, expected)
    assert_allclose(std**2, np.einsum("nk,nkt->nt", weights, spread))


@pytest.mark.parametrize("experts", CLASSIFIERS)
def test_classifier_top_k(three_classes, experts):
    X, y = three_classes
    model = MixtureOfExpertsClassifier(experts, top_k=1).fit(X, y)
    own = model.predict_experts(X)[np.arange(150), model.apply(X)]
    assert_allclose(model.predict_proba(X), own)
    assert_array_equal(model.predict(X), model.classes_[own.argmax(axis=1)])
    model.top_k = 3
    dense = np.einsum("nk,nkc->nc", model.gate_proba(X), model.predict_experts(X))
    assert_allclose(model.predict_proba(X), dense)
    with np.errstate(divide="ignore"):
        assert_allclose(model.predict_log_proba(X), np.log(dense), atol=1e-12)


@pytest.mark.parametrize("top_k", [1, 2])
def test_an_expert_runs_once_and_on_its_rows_only(regression, top_k):
    X, y = regression
    model = MixtureOfExpertsRegressor(Spy(), top_k=top_k).fit(X, y)
    kept = route_top_k(model.gate_.predict_log_proba(X), top_k).experts
    for expert in model.experts_:
        expert.calls = []
    model.predict(X)
    for k, expert in enumerate(model.experts_):
        rows = np.flatnonzero((kept == k).any(axis=1))
        assert len(expert.calls) == (len(rows) > 0)
        assert_array_equal(np.vstack([np.empty((0, 2)), *expert.calls]), X[rows])


def test_an_expert_without_rows_does_not_run(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor(Spy(), top_k=1).fit(X, y)
    best = model.apply(X[:1])[0]
    for expert in model.experts_:
        expert.calls = []
    assert_allclose(model.predict(X[:1]), model.experts_[best].mean_)
    assert sorted(len(expert.calls) for expert in model.experts_) == [0, 0, 1]


def test_top_k_leaves_the_density_alone(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor(LinearRegression()).fit(X, y)
    dense = model.score_samples(X, y), model.gate_proba(X)
    model.top_k = 1
    assert_array_equal(model.score_samples(X, y), dense[0])
    assert_array_equal(model.gate_proba(X), dense[1])


def test_html_of_ensembles_as_experts_and_gate():
    forest = RandomForestClassifier()
    block = MixtureOfExpertsClassifier(forest, gate=forest)._sk_visual_block_()
    assert block.names == ["gate", "experts"]
    assert list(block.estimators) == [forest, forest]
    named = MixtureOfExpertsRegressor([("line", LinearRegression())])
    assert "line" in named._repr_html_()
    assert "LinearRegression" in MixtureOfExpertsRegressor()._repr_html_()


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_an_expert_without_weight_is_absent_from_the_mean(value):
    weights = np.array([[0.0, 0.25, 0.75], [0.5, 0.5, 0.0]])
    values = np.array([[value, 4.0, 8.0], [1.0, 3.0, value]])[:, :, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_allclose(mix_present(weights, values)[:, 0], [7.0, 2.0])


def test_an_infinite_value_with_weight_stays_infinite():
    mixed = mix_present(np.array([[0.5, 0.5]]), np.array([[[np.inf], [1.0]]]))
    assert mixed[0, 0] == np.inf
