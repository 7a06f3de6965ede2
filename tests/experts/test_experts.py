# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Experts: K models fitted to weighted rows, vectorised or one by one."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.estimators.weighted import (
    align_probabilities,
    fit_weighted,
    resample,
    weight_parameter,
)
from skmoe.experts import EXPERT_KINDS, EstimatorExperts, LinearExperts, LogisticExperts
from skmoe.experts.base import ExpertTask
from skmoe.families import Categorical, Gaussian
from skmoe.rows.design import Designs
from tests.shared import assert_never_falls


def make_task(templates, X, y, classes=None, weights=None):
    """An ExpertTask as the estimators make it."""
    weights = np.ones(X.shape[0]) if weights is None else weights
    coded = y.reshape(len(y), -1)
    return ExpertTask(
        templates=templates,
        names=[f"expert{k}" for k in range(len(templates))],
        X=X,
        y=coded,
        labels=y if classes is None else classes[y],
        classes=classes,
        weights=weights,
        families=[Gaussian() if classes is None else Categorical()] * len(templates),
        floors=[np.full((int(classes is None), coded.shape[1]), 1e-6)] * len(templates),
        designs=Designs(weights),
        seeds=np.arange(len(templates)),
        fit_params=[{} for _ in templates],
    )


@pytest.fixture
def shared():
    """X (60, 4) on four scales, Y (60, 2), responsibilities (60, 3), row weights."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 4)) * [1, 10, 0.1, 1] + [0, 5, 0, -2]
    X[rng.uniform(size=X.shape) < 0.2] = 0.0
    Y = X @ rng.normal(size=(4, 2)) + rng.normal(size=(60, 2))
    R = rng.dirichlet(np.ones(3), size=60)
    return X, Y, R, rng.uniform(0.5, 2.0, size=60)


LEAST_SQUARES = [
    [LinearRegression()] * 3,
    [Ridge(2.0)] * 3,
    [LinearRegression(fit_intercept=False)] * 3,
    [Ridge(0.5, fit_intercept=False)] * 3,
    [LinearRegression(), Ridge(3.0), LinearRegression(fit_intercept=False)],
]


@pytest.mark.parametrize("templates", LEAST_SQUARES)
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("targets", [0, slice(0, 1), slice(0, 2)])
def test_linear_step_equals_each_expert_on_its_weights(
    shared, templates, sparse, targets
):
    X, Y, R, weights = shared
    dense, y = X, Y[:, targets]
    X = sp.csr_array(X) if sparse else X
    trainer = LinearExperts.trainer(make_task(templates, X, y, weights=weights))
    trainer.step(R * weights[:, None])
    fitted = trainer.fitted()
    for k, template in enumerate(templates):
        # On dense rows: scikit-learn's solvers for sparse ones are iterative.
        alone = clone(template).fit(dense, y, sample_weight=R[:, k] * weights)
        expert = fitted.estimators[k]
        assert type(expert) is type(template)
        assert_allclose(np.ravel(expert.coef_), np.ravel(alone.coef_), rtol=1e-7)
        assert_allclose(expert.intercept_, alone.intercept_, rtol=1e-7, atol=1e-10)
        prediction = expert.predict(X).reshape(60, -1)
        assert_allclose(fitted.predict(X)[:, k], prediction, atol=1e-9)
        assert_allclose(fitted.predict_one(k, X[:5]), prediction[:5], atol=1e-9)


def test_rank_deficient_step_is_the_minimum_norm_solution(shared):
    X, Y, R, _ = shared
    X = np.column_stack([X, X[:, 0], np.ones(60), X[:, 1] - 2 * X[:, 2]])
    trainer = LinearExperts.trainer(make_task([LinearRegression()] * 3, X, Y[:, 0]))
    trainer.step(R)
    for k, expert in enumerate(trainer.fitted().estimators):
        alone = LinearRegression().fit(X, Y[:, 0], sample_weight=R[:, k])
        assert_allclose(expert.coef_, alone.coef_, atol=1e-6)
        assert_allclose(expert.predict(X), alone.predict(X), atol=1e-7)


def test_linear_dispersion_is_the_weighted_residual(shared):
    X, Y, R, weights = shared
    trainer = LinearExperts.trainer(
        make_task([LinearRegression()] * 3, X, Y, weights=weights)
    )
    trainer.step(R * weights[:, None])
    residuals = Y[:, None, :] - trainer.fitted().predict(X)
    W = R * weights[:, None]
    expected = np.einsum("nk,nkt->kt", W, residuals**2) / W.sum(axis=0)[:, None]
    assert_allclose(trainer.dispersions**2, expected, rtol=1e-8)


def test_a_linear_expert_without_rows_is_left_as_it_was(shared):
    X, Y, R, _ = shared
    trainer = LinearExperts.trainer(make_task([LinearRegression()] * 3, X, Y[:, 0]))
    trainer.step(R)
    coef, sigma = trainer.fitted().estimators[2].coef_, trainer.dispersions[2]
    trainer.step(R * [1.0, 1.0, 0.0])
    assert_allclose(trainer.fitted().estimators[2].coef_, coef)
    assert_allclose(trainer.dispersions[2], sigma)
    # Nor is there a way to go for an acceleration.
    _, ascent = trainer.value_and_local_model(R * [1.0, 1.0, 0.0])
    size = trainer.B.size
    for direction in (ascent.score, ascent.solve(np.ones_like(ascent.score))):
        by_expert = direction[:size].reshape(3, -1)
        assert np.all(by_expert[2] == 0)
    assert np.all(by_expert[:2].any(axis=1))


LOGISTIC = [
    LogisticRegression(C=0.5),
    LogisticRegression(C=np.inf),
    LogisticRegression(C=2.0, fit_intercept=False),
]


@pytest.mark.parametrize("template", LOGISTIC)
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("sparse", [False, True])
def test_logistic_steps_converge_to_each_expert_on_its_weights(
    shared, template, n_classes, sparse
):
    X, Y, R, weights = shared
    X = sp.csr_array(X / X.std(axis=0)) if sparse else X / X.std(axis=0)
    noisy = Y[:, 0] + 3 * np.random.RandomState(1).normal(size=60)
    y = np.searchsorted(np.quantile(noisy, np.arange(1, n_classes) / n_classes), noisy)
    classes = np.array(["a", "b", "c"])[:n_classes]
    task = make_task([template] * 3, X, y, classes, weights)
    trainer = LogisticExperts.trainer(task)
    for _ in range(30):
        trainer.step(R * weights[:, None])
    fitted = trainer.fitted()
    for k, expert in enumerate(fitted.estimators):
        alone = clone(template).set_params(tol=1e-8, max_iter=5000)
        alone.fit(X, classes[y], sample_weight=R[:, k] * weights)
        assert_allclose(expert.coef_, alone.coef_, atol=2e-4)
        assert_allclose(expert.intercept_, alone.intercept_, atol=2e-4)
        proba = expert.predict_proba(X)
        assert_allclose(fitted.predict(X)[:, k], proba, atol=1e-9)
        assert_allclose(fitted.predict_one(k, X[:5]), proba[:5], atol=1e-9)
        assert_array_equal(expert.predict(X[:3]), classes[proba[:3].argmax(axis=1)])


@pytest.mark.parametrize(
    ("templates", "kind"),
    [
        ([LinearRegression(), Ridge()], LinearExperts),
        ([LinearRegression(positive=True)] * 2, EstimatorExperts),
        ([Ridge(alpha=np.ones(4))] * 2, EstimatorExperts),
        ([LinearRegression(), Lasso()], EstimatorExperts),
        ([make_pipeline(LinearRegression())] * 2, EstimatorExperts),
    ],
)
def test_kind_of_regression_experts(shared, templates, kind):
    task = make_task(templates, shared[0], shared[1])
    assert next(k for k in EXPERT_KINDS if k.accepts(task)) is kind


@pytest.mark.parametrize(
    ("template", "kind"),
    [
        (LogisticRegression(), LogisticExperts),
        (LogisticRegression(solver="newton-cholesky"), LogisticExperts),
        (LogisticRegression(solver="liblinear"), EstimatorExperts),
        (LogisticRegression(class_weight="balanced"), EstimatorExperts),
        (LogisticRegression(warm_start=True), EstimatorExperts),
        (GaussianNB(), EstimatorExperts),
    ],
)
def test_kind_of_classification_experts(shared, template, kind):
    y = (shared[1][:, 0] > 0).astype(int)
    task = make_task([template] * 2, shared[0], y, np.array([0, 1]))
    assert next(k for k in EXPERT_KINDS if k.accepts(task)) is kind


def test_wide_problems_go_to_the_estimators_own_solvers():
    X, y = np.zeros((3, 1001)), np.arange(3.0)
    task = make_task([LinearRegression()], X, y)
    assert not LinearExperts.accepts(task)
    task = make_task([LogisticRegression()], X, np.array([0, 1, 1]), np.array([0, 1]))
    assert not LogisticExperts.accepts(task)


@pytest.mark.parametrize(
    "templates",
    [[LinearRegression()] * 2, [Ridge(1e-9)] * 2],
)
def test_one_by_one_equals_vectorised(regression, templates):
    X, y = regression
    wrapped = [make_pipeline(template) for template in templates]
    vectorised = MixtureOfExpertsRegressor(list(zip("ab", templates, strict=True)))
    one_by_one = MixtureOfExpertsRegressor(list(zip("ab", wrapped, strict=True)))
    assert_allclose(
        one_by_one.set_params(tol=1e-12, max_iter=2000).fit(X, y).predict(X),
        vectorised.set_params(tol=1e-12).fit(X, y).predict(X),
        atol=1e-4,
    )


# -- weights of any estimator ---------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "parameter"),
    [
        (Ridge(), "sample_weight"),
        (KNeighborsRegressor(), None),
        (make_pipeline(StandardScaler(), Ridge()), "ridge__sample_weight"),
        (make_pipeline(StandardScaler(), KNeighborsRegressor()), None),
        (Pipeline([("a", StandardScaler()), ("b", "passthrough")]), None),
        (
            Pipeline([("outer", make_pipeline(StandardScaler(), Ridge()))]),
            "outer__ridge__sample_weight",
        ),
        (GridSearchCV(Ridge(), {"alpha": [1]}), "sample_weight"),
        (GridSearchCV(KNeighborsRegressor(), {"p": [1]}), None),
        (
            GridSearchCV(make_pipeline(StandardScaler(), Ridge()), {}),
            "ridge__sample_weight",
        ),
        (TransformedTargetRegressor(Ridge()), "sample_weight"),
        (TransformedTargetRegressor(KNeighborsRegressor()), None),
        (FrozenEstimator(Ridge().fit([[0.0], [1.0]], [0, 1])), "sample_weight"),
        (VotingRegressor([("a", Ridge())]), "sample_weight"),
        (MultiOutputRegressor(Ridge()), "sample_weight"),
    ],
)
def test_weight_parameter(estimator, parameter):
    assert weight_parameter(estimator) == parameter


WEIGHTED = [
    Ridge(),
    make_pipeline(StandardScaler(with_mean=False), Ridge()),
    GridSearchCV(Ridge(), {"alpha": [0.1]}, cv=2),
    TransformedTargetRegressor(Ridge(), func=np.sinh, inverse_func=np.arcsinh),
    VotingRegressor([("a", Ridge())]),
]


@pytest.mark.parametrize("estimator", WEIGHTED)
@pytest.mark.parametrize("routing", [False, True])
def test_weights_reach_the_estimator_that_predicts(shared, estimator, routing):
    X, Y, R, _ = shared
    X, y, weights = X / 10, Y[:, 0] / 10, R[:, 0]
    plain = clone(estimator).fit(X, y).predict(X)
    with sklearn.config_context(enable_metadata_routing=routing):
        weighted = fit_weighted(clone(estimator), X, y, weights).predict(X)
        double = fit_weighted(clone(estimator), X, y, 1.0 + (weights > 0)).predict(X)
    assert np.abs(weighted - plain).max() > 1e-3
    assert np.all(np.isfinite(double))


def test_a_requested_weight_is_routed(shared):
    X, Y, R, _ = shared
    with sklearn.config_context(enable_metadata_routing=True):
        inner = Ridge().set_fit_request(sample_weight=True)
        inner.set_score_request(sample_weight=True)
        search = GridSearchCV(inner, {"alpha": [1.0]}, cv=2)
        fitted = fit_weighted(search, X, Y[:, 0], R[:, 0])
    alone = Ridge().fit(X, Y[:, 0], sample_weight=R[:, 0])
    assert_allclose(fitted.predict(X), alone.predict(X))


def test_frozen_experts_stay_as_they_are(regression):
    X, y = regression
    frozen = [
        FrozenEstimator(Ridge().fit(X[s], y[s])) for s in (X[:, 0] > 0, X[:, 0] < 0)
    ]
    model = MixtureOfExpertsRegressor(list(zip("ab", frozen, strict=True))).fit(X, y)
    expected = np.column_stack([expert.predict(X) for expert in frozen])
    assert_array_equal(model.predict_experts(X), expected)


@pytest.mark.parametrize("seed", range(5))
def test_resampled_counts_are_within_one_of_their_expectation(seed):
    weights = np.random.RandomState(seed).exponential(size=50)
    counts = np.bincount(resample(weights, seed), minlength=50)
    size = round(weights.sum() / weights.max())
    assert counts.sum() == size
    assert np.all(np.abs(counts - weights / weights.sum() * size) < 1)


def test_equal_weights_resample_to_each_row_once():
    assert_array_equal(resample(np.full(7, 0.3), None), np.arange(7))


def test_resampling_a_few_heavy_rows_keeps_one():
    assert_array_equal(resample(np.array([1.0, 1e-9, 1e-9]), 0), [0])


# -- classes --------------------------------------------------------------------------


def test_probabilities_are_aligned_with_all_classes():
    tree = DecisionTreeClassifier().fit([[0.0], [1.0]], ["b", "d"])
    classes = np.array(["a", "b", "c", "d"])
    aligned = align_probabilities(tree, [[0.0], [1.0]], classes)
    assert_array_equal(aligned, [[0, 1, 0, 0], [0, 0, 0, 1]])


def test_an_expert_of_one_class_is_a_dummy(shared):
    fitted = fit_weighted(SVC(), shared[0], np.full(60, "b"), np.ones(60))
    assert isinstance(fitted, DummyClassifier)
    assert_array_equal(fitted.predict(shared[0][:2]), ["b", "b"])


def test_experts_that_see_some_classes_only():
    X = np.repeat([[0.0], [1.0], [2.0], [3.0]], 10, axis=0)
    y = np.repeat(["a", "b", "c", "d"], 10)
    model = MixtureOfExpertsClassifier(
        DecisionTreeClassifier(), n_experts=2, init=(X[:, 0] > 1).astype(int)
    ).fit(X, y)
    assert model.predict_experts(X).shape == (40, 2, 4)
    assert model.score(X, y) == 1.0


def test_a_class_of_negligible_rows_stays_known(shared):
    X, R = shared[0], np.full((60, 1), 1e-12)
    y = np.zeros(60, dtype=int)
    y[:3], R[3:] = 1, 1.0
    task = make_task([GaussianNB()], X, y, np.array([0, 1]))
    trainer = EstimatorExperts.trainer(task)
    trainer.step(R)
    assert_array_equal(trainer.fitted().estimators[0].classes_, [0, 1])


# -- one by one -----------------------------------------------------------------------


def test_a_worse_refit_is_discarded(shared):
    X, Y, R, _ = shared
    task = make_task([DecisionTreeRegressor(random_state=0)] * 3, X, Y[:, 0])
    trainer = EstimatorExperts.trainer(task)
    trainer.step(R)
    kept, density = trainer.snapshot()
    trainer.task.templates = [DecisionTreeRegressor(max_depth=1)] * 3
    trainer.step(R)
    assert all(new is old for new, old in zip(trainer.snapshot()[0], kept, strict=True))
    assert_array_equal(trainer.log_density, density)


def test_an_expert_without_rows_keeps_its_fit(shared):
    X, Y, R, _ = shared
    task = make_task([DecisionTreeRegressor(max_depth=2)] * 3, X, Y[:, 0])
    trainer = EstimatorExperts.trainer(task)
    trainer.step(R)
    before = trainer.fitted().estimators
    trainer.step(R * [1.0, 1.0, 0.0])
    after = trainer.fitted().estimators
    assert after[2] is before[2]


def test_errors_of_an_expert_name_it(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor([("bad", Ridge(alpha=-1)), ("good", Ridge())])
    with pytest.raises(ValueError, match="alpha") as caught:
        model.fit(X, y)
    assert any("expert 'bad'" in note for note in caught.value.__notes__)


class Strict(RegressorMixin, BaseEstimator):
    """Takes a keyword with one number per row."""

    def fit(self, X, y, sample_weight=None, cost=None):
        assert len(cost) == len(X) == len(sample_weight)
        self.total_ = cost.sum()
        self.mean_ = np.average(y, weights=sample_weight * cost)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def test_routed_metadata_reaches_the_expert_row_by_row(regression):
    X, y = regression
    cost = np.arange(1.0, 151.0)
    with sklearn.config_context(enable_metadata_routing=True):
        expert = Strict().set_fit_request(cost=True)
        model = MixtureOfExpertsRegressor(expert, n_experts=1).fit(X, y, cost=cost)
        named = MixtureOfExpertsRegressor([("a", expert), ("b", Ridge())])
        named.fit(X, y, cost=cost)
    assert model.experts_[0].total_ == cost.sum()
    assert_allclose(model.predict(X[:1]), np.average(y, weights=cost))
    assert isinstance(named.named_experts_.b, Ridge)


def test_routed_metadata_of_rows_of_weight_zero_is_dropped(regression):
    X, y = regression
    cost, weights = np.arange(1.0, 151.0), np.tile([0.0, 1.0, 1.0], 50)
    with sklearn.config_context(enable_metadata_routing=True):
        expert = Strict().set_fit_request(cost=True)
        model = MixtureOfExpertsRegressor(expert, n_experts=1)
        model.fit(X, y, sample_weight=weights, cost=cost)
    assert model.experts_[0].total_ == cost @ weights


def test_an_expert_cannot_request_the_weights_for_itself(regression):
    with sklearn.config_context(enable_metadata_routing=True):
        expert = Ridge().set_fit_request(sample_weight="cost")
        model = MixtureOfExpertsRegressor(expert, n_experts=2)
        with pytest.raises(ValueError, match="requests sample_weight under another"):
            model.fit(*regression, cost=np.ones(150))


def test_lightgbm_experts(regression):
    lightgbm = pytest.importorskip("lightgbm")
    X, y = regression
    expert = lightgbm.LGBMRegressor(n_estimators=10, verbose=-1, n_jobs=1)
    frame = pd.DataFrame(X, columns=["a", "b"])
    model = MixtureOfExpertsRegressor(expert, n_experts=2, tol=1e-3).fit(frame, y)
    assert_never_falls(model.lower_bounds_)
    assert model.score(frame, y) > 0.8


@pytest.mark.parametrize("seed", range(4))
def test_enough_rows_are_drawn_for_an_estimator_without_weights(seed):
    """Of weights near zero, fewer rows would be drawn than it has neighbours."""
    rng = np.random.RandomState(seed)
    x = rng.uniform(0, 3, (100, 1))
    y = np.where(x[:, 0] > 1, x[:, 0] ** 2, -x[:, 0]) + 0.1 * rng.normal(size=100)
    model = MixtureOfExpertsRegressor(
        KNeighborsRegressor(20), 2, tol=1e-3, random_state=seed
    )
    assert model.fit(x, y).score(x, y) > 0.9


def test_an_estimator_that_always_refuses_its_rows_says_why():
    X, y = np.arange(30.0)[:, None], np.arange(30.0)
    model = MixtureOfExpertsRegressor(KNeighborsRegressor(40), 2, random_state=0)
    with pytest.raises(ValueError, match="n_neighbors") as caught:
        model.fit(X, y)
    assert any("expert 'expert0'" in note for note in caught.value.__notes__)
