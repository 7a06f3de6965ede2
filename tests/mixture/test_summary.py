# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Parameters counted, information criteria, experts in a table."""

import builtins

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.special import xlogy
from sklearn.dummy import DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.estimators.parameters import count_parameters, last_estimator
from skmoe.gates import ClassifierGate, ConstantGate, SoftmaxGate

X = np.random.RandomState(0).normal(size=(40, 3))
Y = X[:, 0] + 0.1 * np.random.RandomState(1).normal(size=40)
THREE = np.arange(40) % 3
SPARSE = Lasso(alpha=0.1).fit(X, Y)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (LinearRegression().fit(X, Y), 4),
        (LinearRegression(fit_intercept=False).fit(X, Y), 3),
        (LinearRegression().fit(X, np.c_[Y, Y]), 8),
        (LogisticRegression().fit(X, Y > 0), 4),
        (LogisticRegression().fit(X, THREE), 8),
        (SPARSE, np.count_nonzero(SPARSE.coef_) + 1),
        (DecisionTreeRegressor(max_leaf_nodes=5).fit(X, Y), 5),
        (
            MLPRegressor(hidden_layer_sizes=(2,), max_iter=2000, tol=1).fit(X, Y),
            3 * 2 + 2 + 2 + 1,
        ),
        (FrozenEstimator(LinearRegression().fit(X, Y)), 0),
        (make_pipeline(StandardScaler(), Ridge()).fit(X, Y), 4),
        (GridSearchCV(Ridge(), {"alpha": [1]}, cv=2).fit(X, Y), 4),
        (DummyRegressor().fit(X, np.c_[Y, Y]), 2),
        (DummyRegressor(strategy="constant", constant=0.0).fit(X, Y), 0),
        (KNeighborsRegressor().fit(X, Y), np.nan),
        (SoftmaxGate().fit(X, np.eye(3)[THREE]), 8),
        (ConstantGate().fit(X, np.eye(3)[THREE]), 2),
        (ClassifierGate(LogisticRegression()).fit(X, np.eye(3)[THREE]), 8),
    ],
)
def test_count_parameters(part, expected):
    assert_allclose(count_parameters(part), expected)


def test_count_parameters_of_sparse_coefficients():
    lasso = Lasso(alpha=0.1).fit(X, Y)
    lasso.coef_ = lasso.sparse_coef_
    assert count_parameters(lasso) == np.count_nonzero(SPARSE.coef_) + 1


def test_last_estimator_looks_inside():
    search = GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {}, cv=2)
    assert isinstance(last_estimator(search.fit(X, Y)), Ridge)


def test_information_criteria_by_hand(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    assert model.n_parameters_ == 3 + 2 * 3 + 2  # gate, experts, deviations
    log_likelihood = model.score_samples(X, y).sum()
    R = model.responsibilities(X, y)
    bic = -2 * log_likelihood + 11 * np.log(150)
    assert_allclose(model.aic(X, y), -2 * log_likelihood + 22)
    assert_allclose(model.bic(X, y), bic)
    assert_allclose(model.icl(X, y), bic - 2 * xlogy(R, R).sum())
    assert_allclose(model.log_likelihood_, log_likelihood)


def test_number_of_parameters_of_other_mixtures(three_classes):
    X, y = three_classes
    model = MixtureOfExpertsClassifier(n_experts=2).fit(X, y)
    assert model.n_parameters_ == 3 + 2 * 6
    noisy = y + np.random.RandomState(0).normal(size=150)
    gate = make_pipeline(
        SplineTransformer(3, degree=1, include_bias=False), SoftmaxGate()
    )
    model = MixtureOfExpertsRegressor(n_experts=2, gate=gate).fit(
        X, np.c_[noisy, np.abs(noisy)]
    )
    assert model.n_parameters_ == 5 + 2 * 6 + 4


@pytest.mark.parametrize("criterion", ["aic", "bic", "icl"])
def test_criteria_need_a_number_of_parameters(regression, criterion):
    model = MixtureOfExpertsRegressor(KNeighborsRegressor(), n_experts=2)
    model.set_params(random_state=0, tol=0.1).fit(*regression)
    assert np.isnan(model.n_parameters_)
    with pytest.raises(ValueError, match="number of parameters, which is unknown"):
        getattr(model, criterion)(*regression)


def test_bic_prefers_the_true_number_of_experts(regression):
    X, y = regression
    bic = [MixtureOfExpertsRegressor(n_experts=k).fit(X, y).bic(X, y) for k in (1, 2)]
    assert bic[1] < bic[0] - 50


def test_summary_of_linear_experts(regression):
    X, y = regression
    frame = pd.DataFrame(X, columns=["a", "b"])
    experts = [("up", LinearRegression()), ("down", Ridge(1e-6))]
    model = MixtureOfExpertsRegressor(experts).fit(frame, y)
    table = model.summary()
    assert table.index.tolist() == ["up", "down"]
    assert table.columns.tolist() == [
        *["kind", "share", "rows", "dispersion", "intercept", "a", "b"]
    ]
    R = model.responsibilities(frame, y)
    assert_allclose(table["share"], R.mean(axis=0), atol=1e-10)
    assert_allclose(table["rows"], R.sum(axis=0), atol=1e-8)
    assert_allclose(table["dispersion"], model.dispersions_)
    assert_allclose(table[["a", "b"]], [e.coef_ for e in model.experts_])
    assert_allclose(table["intercept"], [e.intercept_ for e in model.experts_])
    assert table["kind"].tolist() == ["LinearRegression", "Ridge"]


def test_summary_of_several_targets_and_selected_columns(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor(n_experts=2, expert_features=[1])
    table = model.fit(X, np.c_[y, X[:, 1] + y]).summary()
    assert table.columns.tolist()[3:] == [
        *["dispersion[0]", "dispersion[1]"],
        *["intercept[0]", "x1[0]", "intercept[1]", "x1[1]"],
    ]
    assert_allclose(table["x1[1]"], [e.coef_[1, 0] for e in model.experts_])


def test_summary_of_classifiers_has_no_dispersion(classification):
    table = MixtureOfExpertsClassifier(n_experts=2).fit(*classification).summary()
    assert table.columns.tolist() == ["kind", "share", "rows", "intercept", "x0", "x1"]


def test_summary_of_mixed_experts(regression):
    experts = [("line", Ridge()), ("tree", DecisionTreeRegressor(max_depth=1))]
    table = MixtureOfExpertsRegressor(experts).fit(*regression).summary()
    assert np.isnan(table.loc["tree", "x0"])
    assert np.isfinite(table.loc["line", "x0"])
    trees = DecisionTreeClassifier(max_depth=1)
    model = MixtureOfExpertsClassifier(trees, n_experts=2, random_state=0, tol=0.1)
    table = model.fit(regression[0], regression[1] > 0).summary()
    assert table.columns.tolist() == ["kind", "share", "rows"]


def test_summary_without_pandas(regression, monkeypatch):
    model = MixtureOfExpertsRegressor(n_experts=2).fit(*regression)
    table, real = model.summary(), builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    columns = model.summary()
    assert isinstance(columns, dict)
    assert columns["expert"] == ["expert0", "expert1"]
    assert_allclose(columns["x0"], table["x0"])
