# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Pseudo-counts of the softmax gate: the prior, its bound, experts kept alive."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate
from skmoe.gates.balance import BalancedTrainer
from skmoe.rows.design import Designs


def test_fit_is_the_maximum_of_the_formula(soft_labels):
    X, R, weights = soft_labels
    alpha, balance = 0.02, 6.0
    share = weights / weights.sum()
    A = np.column_stack([(X - share @ X), np.ones(len(X))])
    A[:, :-1] /= np.sqrt(share @ A[:, :-1] ** 2)

    def negative(values):
        V = values.reshape(3, 4)
        scores = A @ V.T
        log_proba = scores - np.logaddexp.reduce(scores, axis=1)[:, None]
        value = share @ np.sum(R * log_proba, axis=1)
        value -= 0.5 * alpha * np.sum(V[:, :-1] ** 2)
        prior = np.log(share @ np.exp(log_proba)).sum()
        return -(value + balance / weights.sum() * prior)

    best = minimize(negative, np.zeros(12), tol=1e-10).x.reshape(3, 4) @ A.T
    proba = np.exp(best - np.logaddexp.reduce(best, axis=0)).T
    gate = SoftmaxGate(alpha, balance=balance).fit(X, R, weights)
    assert_allclose(gate.predict_proba(X), proba, atol=1e-4)


def test_without_columns_it_adds_rows_to_each_expert(soft_labels):
    _, R, weights = soft_labels
    X = np.empty((len(R), 0))
    designs = Designs(weights)
    trainer = SoftmaxGate(balance=10.0).trainer(X, 3, weights, designs)
    trainer.fit(R * weights[:, None])
    expected = (weights @ R + 10) / (weights.sum() + 30)
    assert_allclose(np.exp(trainer.log_proba[0]), expected, atol=1e-5)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_the_minorant_touches_and_stays_below(soft_labels, l1_ratio):
    X, R, weights = soft_labels
    gate = SoftmaxGate(0.01, l1_ratio, balance=20.0)
    trainer = gate.trainer(X, 3, weights, Designs(weights))
    assert isinstance(trainer, BalancedTrainer)
    R = R * weights[:, None]
    trainer.step(R[:, ::-1])
    values = [trainer.expected(R)]
    for _ in range(10):
        trainer.step(R)
        values.append(trainer.expected(R))
    assert np.diff(values).min() >= -1e-13
    assert values[-1] > values[0]


def test_zero_is_the_gate_without_it(soft_labels):
    X, _, weights = soft_labels
    trainer = SoftmaxGate(balance=0).trainer(X, 3, weights, Designs(weights))
    assert trainer.blockwise is trainer


@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_it_keeps_an_expert_alive_that_would_die():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200, 1))
    y = np.abs(X[:, 0]) + 0.1 * rng.normal(size=200)
    labels = (X[:, 0] > 0).astype(int)
    labels[np.argsort(np.abs(X[:, 0]))[:3]] = 2
    settings = {"n_experts": 3, "init": labels, "max_iter": 60}
    shares = {
        balance: MixtureOfExpertsRegressor(
            gate=SoftmaxGate(balance=balance), **settings
        )
        .fit(X, y)
        .gate_proba(X)
        .mean(axis=0)
        for balance in (1e-3, 20.0)
    }
    assert shares[20.0].min() > 3 * shares[1e-3].min()
    assert shares[20.0].min() > 20 / (200 + 60) * 0.9


def test_balance_is_checked(soft_labels):
    with pytest.raises(ValueError, match="'balance' parameter of SoftmaxGate"):
        SoftmaxGate(balance=-1).fit(*soft_labels)
