# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The softmax gate with an elastic net: optimality, selection, size."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime
from sklearn.base import clone

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate
from skmoe.gates.softmax import SoftmaxTrainer
from skmoe.gates.sparse_softmax import SparseSoftmaxTrainer, cheapest_shift
from skmoe.rows.design import Designs
from tests.shared import assert_never_falls


def standardised(X, weights):
    share = weights / weights.sum()
    center = share @ X
    return (X - center) / np.sqrt(share @ (X - center) ** 2)


def slopes(gate, X, weights):
    """Coefficients per standard deviation."""
    share = weights / weights.sum()
    return gate.coef_ * np.sqrt(share @ (X - share @ X) ** 2)


@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
@pytest.mark.parametrize("alpha", [0.003, 0.05])
def test_fit_satisfies_the_optimality_conditions(soft_labels, alpha, l1_ratio):
    X, R, weights = soft_labels
    gate = SoftmaxGate(alpha, l1_ratio).fit(X, R, weights)
    residuals = (R - gate.predict_proba(X)) * (weights / weights.sum())[:, None]
    assert_allclose(residuals.sum(axis=0), 0.0, atol=1e-6)  # intercepts
    V = slopes(gate, X, weights)
    # Zero is in the subdifferential: a gradient equal to the penalty's where a slope is
    # not zero, and no larger than the L1 penalty where it is.
    gradient = residuals.T @ standardised(X, weights) - alpha * (1 - l1_ratio) * V
    threshold = alpha * l1_ratio
    moved = V != 0
    assert_allclose(gradient[moved], threshold * np.sign(V[moved]), atol=1e-5)
    assert np.all(np.abs(gradient[~moved]) <= threshold + 1e-6)


def test_the_soft_label_gradient_is_that_of_the_objective(soft_labels):
    X, R, weights = soft_labels
    share = (weights / weights.sum())[:, None]
    gate = SoftmaxGate(0.01, 0.5).fit(X, R, weights)

    def likelihood(coefficients):
        gate.coef_ = coefficients.reshape(3, 3)
        return np.sum(share * R * gate.predict_log_proba(X))

    start = gate.coef_.ravel().copy()
    numeric = approx_fprime(start, likelihood, 1e-7)
    gate.coef_ = start.reshape(3, 3)
    exact = ((R - gate.predict_proba(X)) * share).T @ X
    assert_allclose(numeric, exact.ravel(), atol=1e-5)


def test_a_vanishing_l1_share_is_the_l2_gate(soft_labels):
    X, R, weights = soft_labels
    ridge = SoftmaxGate(0.01).fit(X, R, weights)
    net = SoftmaxGate(0.01, l1_ratio=1e-9).fit(X, R, weights)
    assert_allclose(net.coef_, ridge.coef_, atol=1e-4)
    assert_allclose(net.predict_proba(X), ridge.predict_proba(X), atol=1e-5)


def test_without_l1_the_trainer_is_the_one_that_runs_in_one_pass(soft_labels):
    X, _, weights = soft_labels
    designs = Designs(weights)
    for gate in (SoftmaxGate(), SoftmaxGate(alpha=0, l1_ratio=1)):
        trainer = gate.trainer(X, 3, weights, designs)
        assert type(trainer) is SoftmaxTrainer
        assert trainer.blockwise is trainer
        assert trainer.capacity_factor is None
    net = SoftmaxGate(l1_ratio=0.5).trainer(X, 3, weights, designs)
    assert type(net) is SparseSoftmaxTrainer
    assert net.blockwise is None


@pytest.mark.parametrize("l1_ratio", [0.0, 0.2, 0.7, 1.0])
def test_the_shift_of_a_column_is_the_cheapest(l1_ratio):
    V = np.random.RandomState(0).normal(size=(4, 20)).round(1)
    V[:3, 0] = 0.0

    def cost(shift):
        moved = V - shift
        squares = 0.5 * (1 - l1_ratio) * moved**2
        return np.sum(squares + l1_ratio * np.abs(moved), axis=0)

    best = cheapest_shift(V, l1_ratio)
    grid = np.linspace(-3, 3, 6001)[:, None, None]
    assert np.all(cost(best) <= np.min([cost(c) for c in grid], axis=0) + 1e-12)
    if l1_ratio > 0.4:  # three of four are zero and stay so
        assert best[0] == 0.0


def test_a_large_penalty_leaves_the_proportions(soft_labels):
    X, R, weights = soft_labels
    gate = SoftmaxGate(10, l1_ratio=1).fit(X, R, weights)
    assert_array_equal(gate.coef_, 0.0)
    assert gate.count_parameters() == 2
    assert_allclose(gate.predict_proba(X)[0], weights @ R / weights.sum(), atol=1e-6)


def test_parameters_are_the_free_coefficients_left(soft_labels):
    X, R, weights = soft_labels
    counts = [
        SoftmaxGate(alpha, l1_ratio=0.9).fit(X, R, weights).count_parameters()
        for alpha in (1e-5, 0.02, 0.1, 10)
    ]
    assert counts[0] == 8 >= counts[1] > counts[2] >= counts[3] == 2


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix])
def test_more_columns_than_rows(make):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(500, 1000))
    y = np.where(X[:, 7] > 0, 2 * X[:, 1] + 1, -X[:, 1]) + 0.2 * rng.normal(size=500)
    model = MixtureOfExpertsRegressor(
        n_experts=2, gate=SoftmaxGate(0.03, l1_ratio=1), expert_features=[1]
    ).fit(make(X), y)
    assert_array_equal(np.flatnonzero(np.abs(model.gate_.coef_).sum(axis=0)), [7])
    assert model.gate_.count_parameters() == 2
    assert model.score(make(X), y) > 0.8
    assert_never_falls(model.lower_bounds_)


def test_separable_labels_stay_finite():
    X = np.linspace(-1, 1, 20)[:, None]
    R = np.column_stack([X[:, 0] < 0, X[:, 0] >= 0]).astype(float)
    gate = SoftmaxGate(1e-4, l1_ratio=1).fit(X, R)
    assert np.all(np.isfinite(gate.coef_))
    assert_array_equal(gate.predict_proba(X).argmax(axis=1), R.argmax(axis=1))


def test_a_step_that_would_fall_is_shortened(soft_labels, monkeypatch):
    X, R, weights = soft_labels
    R = R * weights[:, None]
    trainer = SoftmaxGate(0.01, 0.5).trainer(X, 3, weights, Designs(weights))
    solve = trainer._least_squares

    def too_far(*args):
        slopes, intercept = solve(*args)
        return 100 * slopes, 100 * intercept

    monkeypatch.setattr(trainer, "_least_squares", too_far)
    values = [trainer.expected(R)]
    for _ in range(5):
        trainer.step(R)
        values.append(trainer.expected(R))
    assert np.diff(values).min() >= -1e-13
    assert values[-1] > values[0]
    state = trainer.V.copy()
    monkeypatch.setattr(trainer, "_least_squares", lambda k, *_: (-1e9 * state[k], 0.0))
    trainer.step(R)
    assert_array_equal(trainer.V, state)


@pytest.mark.parametrize("l1_ratio", [-0.1, 1.1])
def test_l1_ratio_is_checked(soft_labels, l1_ratio):
    with pytest.raises(ValueError, match="'l1_ratio' parameter of SoftmaxGate"):
        SoftmaxGate(l1_ratio=l1_ratio).fit(*soft_labels)


def test_rows_without_weight_are_absent_from_a_gate_alone(soft_labels):
    X, R, weights = soft_labels
    weights = np.where(np.arange(len(weights)) % 4 == 0, 0.0, weights)
    kept = weights > 0
    for gate in (SoftmaxGate(0.01, l1_ratio=0.5), SoftmaxGate(0.01)):
        with_zeros = clone(gate).fit(X, R, weights)
        without = clone(gate).fit(X[kept], R[kept], weights[kept])
        assert_allclose(with_zeros.coef_, without.coef_, rtol=1e-12, atol=1e-12)
