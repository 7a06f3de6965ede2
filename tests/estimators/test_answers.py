# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Answers of other people's estimators that are no numbers."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.estimators.weighted import NotFiniteError
from tests.shared import two_boundaries, two_regimes


class Broken(RegressorMixin, BaseEstimator):
    """Answers what it is told beyond a limit of the first column."""

    def __init__(self, answer=np.nan, beyond=1.0):
        self.answer = answer
        self.beyond = beyond

    def fit(self, X, y, sample_weight=None):
        self.mean_ = np.average(y, weights=sample_weight)
        return self

    def predict(self, X):
        return np.where(X[:, 0] > self.beyond, self.answer, self.mean_)


class BrokenGate(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are not numbers."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), np.nan)

    predict = None


@pytest.mark.parametrize("answer", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("cv", [None, 3])
def test_a_regressor_without_numbers_is_named_in_fit(answer, cv):
    X, y, _ = two_regimes()
    experts = [("good", Ridge()), ("bad", Broken(answer))]
    model = MixtureOfExpertsRegressor(experts, cv=cv, random_state=0)
    with pytest.raises(
        ValueError, match=rf"Expert 'bad' \(Broken.*answered \[{answer}"
    ):
        model.fit(X, y)


def test_a_regressor_that_answers_no_number_later_is_named_in_predict():
    X, y, _ = two_regimes()
    experts = [("good", Ridge()), ("bad", Broken(beyond=10.0))]
    model = MixtureOfExpertsRegressor(experts, tol=1e-3, random_state=0).fit(X, y)
    far = np.vstack([X[:5], [[11.0, 0.0]]])
    with pytest.raises(ValueError, match=r"Expert 1 \(Broken.*row 5.*1 of 6 rows"):
        model.predict(far)
    with pytest.raises(ValueError, match=r"Expert 1 \(Broken"):
        model.set_params(top_k=1).predict_experts(far)
    assert np.isfinite(model.predict(X)).all()


def test_naive_bayes_without_variance_is_named():
    x = np.r_[np.zeros(10), np.ones(10), np.linspace(2, 3, 10)][:, None]
    y = np.r_[np.zeros(10), np.ones(10), np.zeros(10)].astype(int)
    model = MixtureOfExpertsClassifier(
        GaussianNB(var_smoothing=0.0), 3, assignment="hard", random_state=0
    )
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match=r"Expert 'expert\d' \(GaussianNB.*answered"),
    ):
        model.fit(x, y)


def test_a_gate_that_answers_no_number_is_named():
    X, y, _ = two_regimes()
    model = MixtureOfExpertsRegressor(Ridge(), 2, gate=BrokenGate())
    with pytest.raises(ValueError, match=r"Gate \(BrokenGate.*answered \[nan"):
        model.fit(X, y)


def test_the_error_crosses_processes():
    error = NotFiniteError("answered [nan].", Ridge()).named("expert 'bad'")
    same = pickle.loads(pickle.dumps(error))
    assert str(same) == str(error)
    assert same.named("expert 3") is same


@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_no_probability_is_above_one():
    for seed in range(10):
        X, y = two_boundaries(300, seed=seed)
        model = MixtureOfExpertsClassifier(LogisticRegression(C=1e3), n_experts=3)
        with np.errstate(all="ignore"):
            proba = (
                model.set_params(max_iter=20, tol=1e-3)
                .fit(X, y)
                .predict_proba(np.vstack([X, 30 * X]))
            )
        assert proba.max() <= 1.0
        assert proba.min() >= 0.0
        np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-12)
