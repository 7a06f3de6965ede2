# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Gates: soft labels in, prior probabilities of the experts out."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import (
    ClassifierGate,
    ConstantGate,
    PipelineGate,
    SoftmaxGate,
    check_gate,
)
from skmoe.gates import softmax as softmax_module
from skmoe.gates.softmax import SoftmaxTrainer
from skmoe.rows.design import Designs
from tests.shared import assert_never_falls


def softmax_objective(gate, X, R, weights):
    """What the docstring of SoftmaxGate says it maximises."""
    share = weights / weights.sum()
    scale = np.sqrt(share @ (X - share @ X) ** 2)
    likelihood = share @ np.sum(R * gate.predict_log_proba(X), axis=1)
    return likelihood - 0.5 * gate.alpha * np.sum((gate.coef_ * scale) ** 2)


@pytest.mark.parametrize("alpha", [0.0, 1e-4, 0.1])
@pytest.mark.parametrize("parameter", ["coef_", "intercept_"])
def test_softmax_fit_is_stationary(soft_labels, alpha, parameter):
    X, R, weights = soft_labels
    gate = SoftmaxGate(alpha).fit(X, R, weights)
    best = softmax_objective(gate, X, R, weights)
    value = getattr(gate, parameter)
    for index in np.ndindex(value.shape):
        for sign in (-1, 1):
            moved = clone(gate).fit(X, R, weights)
            getattr(moved, parameter)[index] += sign * 1e-4
            assert softmax_objective(moved, X, R, weights) <= best + 1e-10


@pytest.mark.parametrize("alpha", [1e-3, 0.1])
def test_softmax_equals_logistic_regression_on_repeated_rows(soft_labels, alpha):
    X, R, weights = soft_labels
    share = weights / weights.sum()
    scale = np.sqrt(share @ (X - share @ X) ** 2)
    gate = SoftmaxGate(alpha).fit(X, R, weights)
    n_experts = R.shape[1]
    logistic = LogisticRegression(C=1 / alpha, tol=1e-10, max_iter=10_000)
    logistic.fit(
        np.repeat(X / scale, n_experts, axis=0),
        np.tile(np.arange(n_experts), len(X)),
        sample_weight=(R * share[:, None]).ravel(),
    )
    assert_allclose(gate.coef_ * scale, logistic.coef_, atol=1e-5)
    assert_allclose(gate.predict_proba(X), logistic.predict_proba(X / scale), atol=1e-5)


def test_softmax_coefficients_sum_to_zero(soft_labels):
    gate = SoftmaxGate().fit(*soft_labels)
    assert_allclose(gate.coef_.sum(axis=0), 0.0, atol=1e-12)
    assert_allclose(gate.intercept_.sum(), 0.0, atol=1e-11)


def test_softmax_is_scale_and_shift_equivariant(soft_labels):
    X, R, weights = soft_labels
    units = np.array([1e8, 1e-8, 3.0])
    gate = SoftmaxGate(0.01).fit(X, R, weights)
    moved = SoftmaxGate(0.01).fit((X + 2.0) * units, R, 7 * weights)
    assert_allclose(moved.coef_ * units, gate.coef_, rtol=1e-6)
    assert_allclose(
        moved.predict_proba((X + 2.0) * units), gate.predict_proba(X), atol=1e-9
    )


def test_softmax_sparse_equals_dense(soft_labels):
    X, R, weights = soft_labels
    X = np.where(np.abs(X) < 0.5, 0.0, X)
    dense = SoftmaxGate(0.01).fit(X, R, weights)
    sparse = SoftmaxGate(0.01).fit(sp.csc_array(X), R, weights)
    assert_allclose(sparse.coef_, dense.coef_, atol=1e-6)
    assert_allclose(
        sparse.predict_proba(sp.csr_array(X)), dense.predict_proba(X), atol=1e-7
    )


def test_large_softmax_by_lbfgs_equals_newton(soft_labels, monkeypatch):
    X, R, weights = soft_labels
    newton = SoftmaxGate(0.01).fit(X, R, weights)
    monkeypatch.setattr(softmax_module, "NEWTON_LIMIT", 0)
    lbfgs = SoftmaxGate(0.01).fit(X, R, weights)
    assert_allclose(lbfgs.predict_proba(X), newton.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize(
    ("n_experts", "n_features", "is_newton"),
    [(4, 10, True), (5, 1, False), (3, 49, True), (3, 50, False), (1, 200, True)],
)
def test_which_gates_step_by_newton(n_experts, n_features, is_newton, monkeypatch):
    monkeypatch.setattr(softmax_module, "NEWTON_EXPERTS", 4)
    monkeypatch.setattr(softmax_module, "NEWTON_LIMIT", 100)
    X, weights = np.zeros((1, n_features)), np.ones(1)
    trainer = SoftmaxGate().trainer(X, n_experts, weights, Designs(weights))
    assert trainer.is_newton is is_newton
    n_pairs = n_experts * (n_experts - 1) // 2
    assert trainer.n_curvatures == (n_pairs if is_newton else n_experts)


def test_large_softmax_step_raises_the_objective():
    rng = np.random.RandomState(0)
    X, R = rng.normal(size=(60, 501)), rng.dirichlet(np.ones(3), size=60)
    weights = np.ones(60)
    trainer = SoftmaxGate().trainer(X, 3, weights, Designs(weights))
    assert not trainer.is_newton
    before = trainer.expected(R)
    trainer.step(R)
    middle = trainer.expected(R)
    trainer.fit(R)
    assert before + 0.01 < middle <= trainer.expected(R)


@pytest.mark.parametrize("newton_limit", [1000, 0])
def test_softmax_steps_alone_reach_the_fit(soft_labels, monkeypatch, newton_limit):
    X, R, weights = soft_labels
    monkeypatch.setattr(softmax_module, "NEWTON_LIMIT", newton_limit)
    trainer = SoftmaxGate(0.01).trainer(X, 3, weights, Designs(weights))
    R = R * weights[:, None]
    values = [trainer.expected(R)]
    for _ in range(500):
        trainer.step(R)
        values.append(trainer.expected(R))
    assert np.diff(values).min() > -1e-12
    trainer.fit(R)
    assert_allclose(values[-1], trainer.expected(R), atol=1e-9)


def test_large_gate_in_a_mixture_leaves_em_monotone(regression, monkeypatch):
    monkeypatch.setattr(softmax_module, "NEWTON_LIMIT", 1)
    model = MixtureOfExpertsRegressor(n_experts=2).fit(*regression)
    assert_never_falls(model.lower_bounds_)
    assert model.score(*regression) > 0.9


def test_newton_fit_stops_at_max_iter(soft_labels):
    X, R, weights = soft_labels
    trainer = SoftmaxGate().trainer(X, 3, weights, Designs(weights))
    assert isinstance(trainer, SoftmaxTrainer)
    trainer.fit(R * weights[:, None], max_iter=1)
    one = trainer.expected(R * weights[:, None])
    trainer.fit(R * weights[:, None])
    assert trainer.expected(R * weights[:, None]) > one


def test_step_without_ascent_stays(soft_labels, monkeypatch):
    X, R, weights = soft_labels
    trainer = SoftmaxGate().trainer(X, 3, weights, Designs(weights))
    trainer.fit(R * weights[:, None])
    best, value_and_local_model = trainer.parameters, trainer.value_and_local_model

    def downhill(responsibilities):
        value, ascent = value_and_local_model(responsibilities)
        return value, ascent._replace(target=best + 1e3)

    monkeypatch.setattr(trainer, "value_and_local_model", downhill)
    trainer.step(R * weights[:, None])
    assert_allclose(trainer.parameters, best, atol=1e-4)


def test_separable_soft_labels_stay_finite():
    X = np.linspace(-1, 1, 20)[:, None]
    R = np.column_stack([X[:, 0] < 0, X[:, 0] >= 0]).astype(float)
    for alpha in (0.0, 1e-4):
        gate = SoftmaxGate(alpha).fit(X, R)
        assert np.all(np.isfinite(gate.coef_))
        assert_array_equal(gate.predict_proba(X).argmax(axis=1), R.argmax(axis=1))


def test_constant_gate_is_the_weighted_mean(soft_labels):
    X, R, weights = soft_labels
    gate = ConstantGate().fit(X, R, weights)
    assert_allclose(gate.proportions_, weights @ R / weights.sum(), rtol=1e-12)
    assert_allclose(gate.predict_proba(X[:2].tolist()), [gate.proportions_] * 2)


def test_constant_gate_takes_an_expert_without_rows():
    gate = ConstantGate().fit(np.zeros((3, 1)), [[1.0, 0.0]] * 3)
    assert_allclose(gate.proportions_, [1.0, 0.0], atol=1e-12)
    assert_allclose(gate.predict_proba(np.zeros((1, 1))), [[1.0, 0.0]], atol=1e-12)


def test_classifier_gate_is_the_classifier_on_repeated_rows(soft_labels):
    X, R, weights = soft_labels
    gate = ClassifierGate(DecisionTreeClassifier(max_depth=2, random_state=0))
    proba = gate.fit(X, R, weights).predict_proba(X)
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    repeated, labels = np.repeat(X, 3, axis=0), np.tile([0, 1, 2], len(X))
    tree.fit(repeated, labels, sample_weight=(R * weights[:, None]).ravel())
    # The gate leaves copies below a millionth of a row out.
    assert_allclose(proba, tree.predict_proba(X), atol=1e-4)
    assert not hasattr(gate.estimator, "tree_")


def test_classifier_gate_never_rules_an_expert_out():
    X = np.array([[0.0], [1.0], [2.0]])
    R = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    log_proba = ClassifierGate(DecisionTreeClassifier()).fit(X, R).predict_log_proba(X)
    assert log_proba.shape == (3, 3)
    assert np.all(np.isfinite(log_proba))
    assert_allclose(np.exp(log_proba).sum(axis=1), 1.0)


def test_classifier_gate_keeps_the_better_of_two_fits():
    X = np.arange(6.0)[:, None]
    good = np.eye(2)[[0, 0, 0, 1, 1, 1]]
    weights = np.ones(6)
    gate = ClassifierGate(GaussianNB())
    trainer = gate.trainer(X, 2, weights, Designs(weights))
    trainer.step(good)
    kept = trainer.snapshot()
    trainer.template = ClassifierGate(
        DecisionTreeClassifier(max_depth=1, max_features=1)
    )
    trainer.template.estimator.set_params(min_samples_leaf=6)  # a constant
    trainer.step(good)
    assert trainer.snapshot() is kept


@pytest.mark.filterwarnings("ignore:EM did not converge")
@pytest.mark.parametrize("cv", [None, 3])
def test_bare_classifier_without_weights_is_reproducible(regression, cv):
    gate = KNeighborsClassifier(10)
    model = MixtureOfExpertsRegressor(
        n_experts=2, gate=gate, cv=cv, max_iter=3, tol=1.0, random_state=0
    )
    first, second = (clone(model).fit(*regression) for _ in range(2))
    assert first.lower_bounds_ == second.lower_bounds_


def test_classifier_gate_without_weights_is_reproducible(soft_labels):
    X, R, weights = soft_labels
    X = X[:, :1]
    gate = ClassifierGate(KNeighborsClassifier(15), random_state=3)
    first = clone(gate).fit(X, R, weights).predict_proba(X)
    assert_array_equal(clone(gate).fit(X, R, weights).predict_proba(X), first)
    assert np.abs(first - R).mean() < np.abs(1 / 3 - R).mean()


def test_pipeline_gate_is_the_gate_on_transformed_rows(soft_labels):
    X, R, weights = soft_labels
    features = PolynomialFeatures(2, include_bias=False)
    gate = PipelineGate(make_pipeline(features, SoftmaxGate(0.01)))
    alone = SoftmaxGate(0.01).fit(features.fit_transform(X), R, weights)
    assert_allclose(
        gate.fit(X, R, weights).predict_proba(X),
        alone.predict_proba(features.fit_transform(X)),
        atol=1e-8,
    )
    assert not hasattr(gate.pipeline[-1], "coef_")


def test_pipeline_of_a_gate_alone(soft_labels):
    X, R, weights = soft_labels
    gate = PipelineGate(make_pipeline(SoftmaxGate(0.01))).fit(X, R, weights)
    assert_allclose(
        gate.predict_proba(X), SoftmaxGate(0.01).fit(X, R, weights).predict_proba(X)
    )


def test_pipeline_gate_in_em_climbs_and_continues(regression):
    X, y = regression
    gate = make_pipeline(StandardScaler(), SoftmaxGate(0.01))
    model = MixtureOfExpertsRegressor(n_experts=2, gate=gate, warm_start=True, n_init=2)
    bounds = model.fit(X, y).lower_bounds_
    assert np.diff(bounds).min() >= -1e-12
    assert model.fit(X, y).lower_bounds_[0] >= bounds[-1] - 1e-12


def test_gates_take_frames():
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
    R = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9]])
    pipeline = PipelineGate(make_pipeline(StandardScaler(), SoftmaxGate()))
    gates = [SoftmaxGate(), pipeline, ClassifierGate(LogisticRegression())]
    for gate in gates:
        proba = gate.fit(frame, R).predict_proba(frame)
        assert_allclose(proba.sum(axis=1), 1.0)
        assert proba[0, 0] > proba[3, 0]


@pytest.mark.parametrize(
    ("R", "match"),
    [
        ([[0.5, 0.4], [1.0, 0.0]], "row sums from 0.9 to 1"),
        ([[1.5, -0.5], [1.0, 0.0]], "smallest entry of -0.5"),
        ([[1.0, np.nan], [1.0, 0.0]], "responsibilities contains NaN"),
        ([[1.0, 0.0]], "inconsistent numbers of samples"),
    ],
)
@pytest.mark.parametrize(
    "gate", [SoftmaxGate(), ConstantGate(), ClassifierGate(GaussianNB())]
)
def test_soft_labels_are_checked(gate, R, match):
    with pytest.raises(ValueError, match=match):
        clone(gate).fit(np.zeros((2, 1)), R)


@pytest.mark.parametrize("gate", [SoftmaxGate(), ClassifierGate(GaussianNB())])
def test_unfitted_gates_say_so(gate):
    with pytest.raises(NotFittedError):
        clone(gate).predict_proba(np.zeros((2, 1)))


def test_softmax_checks_alpha():
    with pytest.raises(ValueError, match=r"'alpha' parameter of SoftmaxGate.*Got -1"):
        SoftmaxGate(-1).fit(np.zeros((2, 1)), [[0.5, 0.5]] * 2)


def test_check_gate_knows_what_a_gate_stands_for():
    gate = SoftmaxGate()
    assert check_gate(gate) is gate
    assert isinstance(check_gate(None), SoftmaxGate)
    assert isinstance(check_gate(make_pipeline(ConstantGate())), PipelineGate)
    assert isinstance(check_gate(make_pipeline(GaussianNB())), ClassifierGate)
    assert isinstance(check_gate(GaussianNB()), ClassifierGate)


@pytest.mark.parametrize(
    ("gate", "match"),
    [
        (LinearRegression(), r"gate=LinearRegression\(\) .*missing: predict_proba"),
        (3, r"gate=3 cannot be a gate.*missing: fit, predict_proba"),
    ],
)
def test_check_gate_says_what_is_missing(gate, match):
    with pytest.raises(TypeError, match=match):
        check_gate(gate)


def test_gate_tags_are_those_of_what_it_wraps():
    tree = DecisionTreeClassifier()
    assert ClassifierGate(tree).__sklearn_tags__().input_tags.allow_nan
    assert ClassifierGate(None).__sklearn_tags__().input_tags.sparse
    assert PipelineGate(None).__sklearn_tags__().input_tags.sparse
    pipeline = make_pipeline(GaussianNB())
    assert not PipelineGate(pipeline).__sklearn_tags__().input_tags.sparse
