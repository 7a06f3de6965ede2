# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""EM within capacities: duality, loads, ascent."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import LinearConstraint, minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.em.states import capacity as capacity_module
from skmoe.em.states.capacity import CapacityMixture, minimise_dual
from skmoe.gates import SoftmaxGate
from tests.shared import assert_never_falls

SHORT = pytest.mark.filterwarnings("ignore:EM did not converge")


def problem(seed, n_samples=60, n_experts=3, scale=2.0):
    """Log joint densities of which the first expert has the best, and weights."""
    rng = np.random.RandomState(seed)
    log_joint = scale * rng.normal(size=(n_samples, n_experts))
    log_joint[:, 0] += scale
    return log_joint, rng.uniform(0.3, 2, size=n_samples)


def primal(shares, log_joint, weights):
    """F(q) of the docstring."""
    entropy = -shares * np.log(np.maximum(shares, 1e-300))
    return weights @ np.sum(shares * log_joint + entropy, axis=1)


@pytest.mark.parametrize("scale", [0.5, 5.0, 50.0, 1000.0])
@pytest.mark.parametrize("factor", [1.0, 1.05, 1.5])
@pytest.mark.parametrize("n_experts", [2, 6])
def test_loads_obey_and_there_is_no_gap(scale, factor, n_experts):
    for seed in range(5):
        log_joint, weights = problem(seed, n_experts=n_experts, scale=scale)
        limit = factor * weights.sum() / n_experts
        dual = minimise_dual(log_joint, weights, limit, np.zeros(n_experts))
        assert_allclose(dual.shares.sum(axis=1), 1.0)
        assert_allclose(dual.loads, weights @ dual.shares)
        assert dual.loads.max() <= limit * (1 + 1e-6)
        assert dual.multipliers.min() >= 0
        assert_allclose(
            primal(dual.shares, log_joint, weights), dual.value, rtol=1e-7, atol=1e-5
        )


@pytest.mark.filterwarnings("ignore:delta_grad == 0.0")
def test_it_is_the_constrained_maximum():
    log_joint, weights = problem(0, n_samples=8)
    limit = 1.1 * weights.sum() / 3
    dual = minimise_dual(log_joint, weights, limit, np.zeros(3))
    unit = np.eye(24).reshape(24, 8, 3)
    loads = np.tensordot(unit, weights, axes=([1], [0])).T
    result = minimize(
        lambda q: -primal(q.reshape(8, 3), log_joint, weights),
        np.full(24, 1 / 3),
        method="trust-constr",
        bounds=[(1e-9, 1)] * 24,
        constraints=[
            LinearConstraint(unit.sum(axis=2).T, 1, 1),
            LinearConstraint(loads, -np.inf, limit),
        ],
        options={"gtol": 1e-8, "maxiter": 2000},
    )
    assert_allclose(dual.value, -result.fun, atol=1e-4)
    assert_allclose(dual.shares, result.x.reshape(8, 3), atol=1e-2)


def test_a_capacity_that_does_not_bind_leaves_the_posterior():
    log_joint, weights = problem(1)
    dual = minimise_dual(log_joint, weights, weights.sum(), np.zeros(3))
    posterior = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1)[:, None])
    assert_array_equal(dual.multipliers, 0.0)
    assert_allclose(dual.shares, posterior)


def test_the_start_does_not_matter():
    log_joint, weights = problem(2)
    limit = 1.2 * weights.sum() / 3
    first = minimise_dual(log_joint, weights, limit, np.zeros(3))
    second = minimise_dual(log_joint, weights, limit, np.array([30.0, 0.0, 7.0]))
    assert_allclose(second.shares, first.shares, atol=1e-7)


def test_a_problem_left_unsolved_says_so(monkeypatch):
    monkeypatch.setattr(capacity_module, "MAX_ITER", 0)
    log_joint, weights = problem(3)
    with pytest.warns(ConvergenceWarning, match="larger capacity_factor"):
        minimise_dual(log_joint, weights, weights.sum() / 3, np.zeros(3))


@pytest.fixture
def loads(monkeypatch):
    """Loads over the capacity after every E-step."""
    seen = []
    e_step = CapacityMixture.e_step

    def watched(self, hard=False):
        expectation = e_step(self, hard)
        loads = self.weights @ expectation.statistics
        seen.append(loads.max() / self.capacity)
        return expectation

    monkeypatch.setattr(CapacityMixture, "e_step", watched)
    return seen


@SHORT
@pytest.mark.filterwarnings("ignore:The dispersions of experts")
@pytest.mark.parametrize("factor", [1.0, 1.1, 1.5])
@pytest.mark.parametrize("expert", [None, DecisionTreeRegressor(max_depth=2)])
def test_em_climbs_within_the_capacity(regression, loads, factor, expert):
    X, y = regression
    weights = np.random.RandomState(0).uniform(0.5, 2, size=150)
    gate = make_pipeline(StandardScaler(), SoftmaxGate(0.01, capacity_factor=factor))
    model = MixtureOfExpertsRegressor(
        expert, gate=gate, max_iter=40, random_state=0, n_init=2
    ).fit(X, y, weights)
    assert len(loads) >= 10
    assert max(loads) <= 1 + 1e-6
    assert_never_falls(model.lower_bounds_)
    unconstrained = weights @ model.score_samples(X, y)
    assert_allclose(model.log_likelihood_, unconstrained, rtol=1e-9)


@SHORT
def test_a_large_capacity_is_no_capacity(regression):
    X, y = regression
    settings = {"max_iter": 60, "accelerate": False}
    free = MixtureOfExpertsRegressor(gate=SoftmaxGate(), **settings).fit(X, y)
    gate = SoftmaxGate(capacity_factor=3)
    wide = MixtureOfExpertsRegressor(gate=gate, **settings).fit(X, y)
    assert_allclose(wide.lower_bounds_, free.lower_bounds_, atol=1e-8)
    assert_allclose(wide.predict(X), free.predict(X), atol=1e-5)


def test_a_binding_capacity_costs_likelihood_and_shares_the_rows(regression):
    X, y = regression
    settings = {"n_experts": 2, "max_iter": 500}
    uneven = np.flatnonzero(X[:, 0] > -0.8)  # one regime has most rows
    X, y = X[uneven], y[uneven]
    free = MixtureOfExpertsRegressor(**settings).fit(X, y)
    gate = SoftmaxGate(capacity_factor=1.05)
    even = MixtureOfExpertsRegressor(gate=gate, **settings).fit(X, y)
    shares = [model._mixture.training.totals.max() / len(y) for model in (free, even)]
    assert shares[0] > 0.55
    assert shares[1] <= 1.05 / 2 * (1 + 1e-6)
    assert even.lower_bound_ < free.lower_bound_


@pytest.mark.parametrize("assignment", ["hard", "stochastic"])
def test_only_a_soft_assignment_has_a_capacity(regression, assignment):
    model = MixtureOfExpertsRegressor(
        gate=SoftmaxGate(capacity_factor=2), assignment=assignment
    )
    with pytest.raises(ValueError, match=f"Got assignment='{assignment}'"):
        model.fit(*regression)


def test_capacity_factor_is_checked(soft_labels):
    with pytest.raises(ValueError, match="'capacity_factor' parameter of SoftmaxGate"):
        SoftmaxGate(capacity_factor=0.9).fit(*soft_labels)
