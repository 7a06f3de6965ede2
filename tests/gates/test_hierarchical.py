# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The tree of softmax gates."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime, minimize

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import HierarchicalGate, SoftmaxGate
from skmoe.gates.hierarchical import prime_factors
from tests.shared import assert_never_falls


@pytest.fixture
def four_labels():
    """X (90, 2), responsibilities (90, 4), weights (90,)."""
    rng = np.random.RandomState(5)
    X = rng.normal(size=(90, 2))
    scores = 2 * X @ rng.normal(size=(2, 4)) + 0.5 * rng.normal(size=(90, 4))
    R = np.exp(scores)
    return X, R / R.sum(axis=1, keepdims=True), rng.uniform(0.3, 2, size=90)


@pytest.mark.parametrize("branching", [(3,), [3], (1, 3), (3, 1)])
def test_one_level_is_the_softmax_gate(soft_labels, branching):
    X, R, weights = soft_labels
    tree = HierarchicalGate(branching, alpha=0.01).fit(X, R, weights)
    flat = SoftmaxGate(0.01).fit(X, R, weights)
    assert_allclose(tree.predict_log_proba(X), flat.predict_log_proba(X), atol=1e-8)
    assert tree.count_parameters() == flat.count_parameters()


@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_one_level_in_em_takes_the_softmax_gates_steps(regression):
    X, y = regression
    settings = {"n_experts": 2, "accelerate": False, "max_iter": 30}
    flat = MixtureOfExpertsRegressor(gate=SoftmaxGate(), **settings).fit(X, y)
    gate = HierarchicalGate((2,))
    tree = MixtureOfExpertsRegressor(gate=gate, **settings).fit(X, y)
    assert_allclose(tree.lower_bounds_, flat.lower_bounds_, atol=1e-9)


@pytest.mark.parametrize("branching", [(2, 2), (4,), (2, 2, 1)])
def test_fit_is_stationary_for_the_formula(four_labels, branching):
    X, R, weights = four_labels
    alpha, share = 0.02, weights / weights.sum()
    scale = np.sqrt(share @ (X - share @ X) ** 2)
    gate = HierarchicalGate(branching, alpha).fit(X, R, weights)
    nodes = [node for level in gate.nodes_ for node in level]
    sizes = [node.coef_.size + node.intercept_.size for node in nodes]

    def objective(values):
        penalty = 0.0
        for node, part in zip(
            nodes, np.split(values, np.cumsum(sizes)[:-1]), strict=True
        ):
            node.coef_ = part[: node.coef_.size].reshape(node.coef_.shape)
            node.intercept_ = part[node.coef_.size :]
            penalty += 0.5 * alpha * np.sum((node.coef_ * scale) ** 2)
        return share @ np.sum(R * gate.predict_log_proba(X), axis=1) - penalty

    start = np.concatenate(
        [np.append(node.coef_.ravel(), node.intercept_) for node in nodes]
    )
    assert_allclose(approx_fprime(start, objective, 1e-6), 0.0, atol=1e-5)
    found = minimize(lambda values: -objective(values), np.zeros(len(start)), tol=1e-9)
    assert objective(start) >= -found.fun - 1e-7


def test_siblings_share_their_parents_probability(four_labels):
    X, R, _ = four_labels
    gate = HierarchicalGate((2, 2)).fit(X, R)
    proba = gate.predict_proba(X).reshape(-1, 2, 2)
    root = gate.nodes_[0][0].predict_proba(X)
    assert_allclose(proba.sum(axis=2), root)
    for v in (0, 1):
        below = gate.nodes_[1][v].predict_proba(X)
        assert_allclose(proba[:, v], root[:, [v]] * below)


def test_wide_nodes_step_by_lbfgs(four_labels, monkeypatch):
    X, R, weights = four_labels
    newton = HierarchicalGate((2, 2), 0.01).fit(X, R, weights).predict_proba(X)
    monkeypatch.setattr("skmoe.gates.softmax.NEWTON_LIMIT", 0)
    lbfgs = HierarchicalGate((2, 2), 0.01).fit(X, R, weights)
    assert_allclose(lbfgs.predict_proba(X), newton, atol=1e-4)


def test_text_has_a_line_per_node(four_labels):
    X, R, _ = four_labels
    gate = HierarchicalGate((2, 2)).fit(X, R)
    lines = gate.export_text(["age", "size"], decimals=3).splitlines()
    assert len(lines) == 7
    assert lines[0] == "root"
    assert next(line for line in lines if "expert 2" in line).startswith("|   |--- ")
    assert all("age" in line and "size" in line for line in lines[1:])
    assert f"{gate.nodes_[1][1].coef_[0, 1]:+.3f} size" in lines[5]
    assert "x0" in gate.export_text()
    with pytest.raises(ValueError, match=r"must have 2 entries.*Got 1"):
        gate.export_text(["age"])


def test_plot_draws_every_node(four_labels):
    plt = pytest.importorskip("matplotlib.pyplot")
    X, R, _ = four_labels
    gate = HierarchicalGate((2, 2)).fit(X, R)
    _, ax = plt.subplots()
    assert gate.plot(["age", "size"], ax=ax) is ax
    texts = [text.get_text() for text in ax.texts]
    assert {"root", "expert 0", "expert 3"} <= set(texts)
    assert len(ax.lines) == 6
    assert gate.plot() is not ax
    plt.close("all")


@pytest.mark.parametrize("branching", [(2, 2), (3, 2)])
def test_the_product_must_be_the_number_of_experts(regression, branching):
    gate = HierarchicalGate(branching)
    with pytest.raises(ValueError, match=r"leaves, but the number of experts is 3"):
        MixtureOfExpertsRegressor(n_experts=3, gate=gate).fit(*regression)


@pytest.mark.parametrize("branching", [(), (2, 0), (2.0, 2), ("a",), 4])
def test_branching_is_checked(four_labels, branching):
    X, R, _ = four_labels
    with pytest.raises(ValueError, match="branching"):
        HierarchicalGate(branching).fit(X, R)


@pytest.mark.parametrize(
    ("n_experts", "branching"),
    [(1, (1,)), (2, (2,)), (4, (2, 2)), (5, (5,)), (6, (2, 3)), (8, (2, 2, 2))],
)
def test_without_branching_the_tree_is_as_binary_as_it_can_be(n_experts, branching):
    assert prime_factors(n_experts) == branching
    R = np.random.RandomState(0).dirichlet(np.ones(n_experts), size=60)
    X = np.random.RandomState(1).normal(size=(60, 2))
    free, named = (
        HierarchicalGate(each, alpha=0.01).fit(X, R) for each in (None, branching)
    )
    assert_array_equal(free.predict_log_proba(X), named.predict_log_proba(X))


@pytest.mark.parametrize("n_experts", [2, 3, 5])
def test_a_tree_as_it_comes_serves_any_number_of_experts(regression, n_experts):
    X, y = regression
    model = MixtureOfExpertsRegressor(
        n_experts=n_experts, gate=HierarchicalGate(), max_iter=1000, tol=1e-4
    ).fit(X, y)
    assert model.gate_proba(X).shape == (len(y), n_experts)
    assert_never_falls(model.lower_bounds_)
