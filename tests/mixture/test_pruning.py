# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Fewer experts from a fitted mixture."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor, prune
from skmoe.datasets import make_mixture_of_experts
from skmoe.gates import ConstantGate, HierarchicalGate
from tests.shared import two_boundaries, two_regimes


@pytest.fixture(scope="module")
def data():
    """X (400, 2) and y (400,) of four experts."""
    return make_mixture_of_experts(400, n_experts=4, random_state=1)


def four(X, y, **params):
    return MixtureOfExpertsRegressor(n_experts=4, tol=1e-4, **params).fit(X, y)


@pytest.fixture(scope="module")
def model(data):
    """A fitted mixture of four."""
    return four(*data)


def by_hand(model, X, y, kept):
    """Log density of the renormalised mixture, from its definition."""
    log_gate = np.log(model.gate_proba(X)[:, kept])
    log_joint = np.log(np.maximum(model.responsibilities(X, y)[:, kept], 1e-300))
    log_joint += model.score_samples(X, y)[:, None]
    return logsumexp(log_joint, axis=1) - logsumexp(log_gate, axis=1)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"gate": ConstantGate()},
        {"experts": DecisionTreeRegressor(max_depth=2)},
        {"expert_features": [1], "gate_features": [0]},
        {"top_k": 1},
    ],
    ids=str,
)
def test_prediction_is_the_renormalised_mixture(data, params):
    X, y = data
    model = four(X, y, **params)
    pruned = prune(model, X, y, n_experts=2)
    kept = pruned.pruning_.kept
    gate = model.gate_proba(X)[:, kept]
    gate /= gate.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(pruned.gate_proba(X), gate)
    answers = model.predict_experts(X)[:, kept]
    np.testing.assert_allclose(pruned.predict_experts(X), answers)
    if model.top_k == 1:
        expected = answers[np.arange(len(X)), gate.argmax(axis=1)]
    else:
        expected = np.sum(gate * answers, axis=1)
    np.testing.assert_allclose(pruned.predict(X), expected)
    np.testing.assert_allclose(pruned.dispersions_, model.dispersions_[kept])
    np.testing.assert_allclose(
        pruned.score_samples(X, y), by_hand(model, X, y, kept), atol=1e-6
    )


def test_probabilities_of_classes_are_the_renormalised_mixture():
    X, y = two_boundaries(300, n_classes=3)
    model = MixtureOfExpertsClassifier(n_experts=3).fit(X, y)
    pruned = prune(model, X, y, n_experts=2)
    kept = pruned.pruning_.kept
    gate = model.gate_proba(X)[:, kept]
    gate /= gate.sum(axis=1, keepdims=True)
    expected = np.einsum("nk,nkc->nc", gate, model.predict_experts(X)[:, kept])
    np.testing.assert_allclose(pruned.predict_proba(X), expected)
    assert not hasattr(pruned, "dispersions_")


def test_several_targets(data):
    X, y = data
    model = four(X, np.column_stack([y, -y]))
    pruned = prune(model, X, min_share=0.25)
    kept = pruned.pruning_.kept
    np.testing.assert_allclose(
        pruned.predict_experts(X), model.predict_experts(X)[:, kept]
    )


def test_model_given_stays_as_it_is(model, data):
    X, y = data
    before = pickle.dumps(model)
    pruned = prune(model, X, y, n_experts=2, refit=True)
    pruned.experts_[0].coef_[:] = 7
    for expert in prune(model, X, n_experts=2).experts_:
        expert.coef_[:] = 7
    assert pickle.dumps(model) == before


def test_without_y_the_smallest_shares_of_the_gate_go(model, data):
    X, _ = data
    share = model.gate_proba(X).mean(axis=0)
    pruned = prune(model, X, min_share=np.sort(share)[1] + 1e-9)
    assert pruned.pruning_.kept.tolist() == np.sort(share.argsort()[2:]).tolist()
    assert pruned.pruning_.dropped.tolist() == np.sort(share.argsort()[:2]).tolist()
    np.testing.assert_allclose(pruned.pruning_.share, share)
    assert pruned.pruning_.log_likelihood_change is None
    assert np.isnan(pruned.log_likelihood_)
    assert prune(model, X, n_experts=3).pruning_.dropped.tolist() == [share.argmin()]


def test_the_largest_expert_always_stays(model, data):
    pruned = prune(model, data[0], min_share=1)
    assert pruned.n_experts_ == 1
    assert pruned.pruning_.share[pruned.pruning_.kept[0]] == pruned.pruning_.share.max()


def test_with_y_the_expert_goes_that_is_missed_least(model, data):
    X, y = data
    pruned = prune(model, X, y, n_experts=3)
    log_likelihoods = [
        by_hand(model, X, y, np.delete(np.arange(4), k)).sum() for k in range(4)
    ]
    assert pruned.pruning_.dropped.tolist() == [np.argmax(log_likelihoods)]
    change = max(log_likelihoods) - model.score_samples(X, y).sum()
    assert pruned.pruning_.log_likelihood_change == pytest.approx(change, rel=1e-6)
    assert pruned.log_likelihood_ == pytest.approx(max(log_likelihoods), rel=1e-6)
    assert pruned.pruning_.log_likelihood_change < 0


def test_an_expert_that_is_twice_there_is_not_missed():
    X, y, regime = two_regimes(300)
    soft = np.column_stack([regime == 0, 0.5 * (regime == 1), 0.5 * (regime == 1)])
    model = MixtureOfExpertsRegressor(n_experts=3, init=soft).fit(X, y)
    pruned = prune(model, X, y, n_experts=2, refit=True)
    alone = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    assert pruned.log_likelihood_ == pytest.approx(alone.log_likelihood_, abs=0.05)
    assert pruned.pruning_.kept[0] == 0


def test_weights_count_as_repeated_rows(model, data):
    X, y = data
    weights = np.random.RandomState(0).randint(0, 4, size=len(y))
    weighted = prune(model, X, y, n_experts=2, sample_weight=weights)
    repeated = prune(model, X.repeat(weights, axis=0), y.repeat(weights), n_experts=2)
    assert weighted.pruning_.kept.tolist() == repeated.pruning_.kept.tolist()
    np.testing.assert_allclose(weighted.pruning_.share, repeated.pruning_.share)
    assert weighted.log_likelihood_ == pytest.approx(repeated.log_likelihood_)
    np.testing.assert_allclose(weighted.summary()["rows"], repeated.summary()["rows"])


def test_a_refit_gains_what_pruning_lost_or_some_of_it(model, data):
    X, y = data
    pruned = prune(model, X, y, n_experts=3)
    refitted = prune(model, X, y, n_experts=3, refit=True)
    assert refitted.log_likelihood_ > pruned.log_likelihood_
    assert refitted.pruning_.log_likelihood_change == pytest.approx(
        refitted.log_likelihood_ - model.log_likelihood_, rel=1e-4
    )
    assert refitted.converged_
    assert refitted.get_params() == pruned.get_params()
    assert (pruned.converged_, pruned.n_iter_, pruned.lower_bounds_) == (False, 0, [])


def test_a_pruned_model_is_a_fitted_model(model, data):
    X, y = data
    pruned = prune(model, X, y, min_share=0.01, n_experts=2)
    assert pruned.n_experts == pruned.n_experts_ == 2
    assert list(pruned.named_experts_) == [f"expert{k}" for k in pruned.pruning_.kept]
    assert len(pruned.experts_) == len(pruned.summary()) == 2
    assert pruned.summary()["share"].sum() == pytest.approx(1)
    assert pruned.n_parameters_ < model.n_parameters_
    assert pruned.bic(X, y) == pytest.approx(
        -2 * pruned.log_likelihood_ + pruned.n_parameters_ * np.log(len(y))
    )
    copied = pickle.loads(pickle.dumps(pruned))
    np.testing.assert_array_equal(copied.predict(X), pruned.predict(X))
    fitted = clone(pruned).fit(X, y)
    assert fitted.n_experts_ == 2
    again = prune(pruned, X, y, n_experts=1)
    np.testing.assert_allclose(again.predict(X), again.predict_experts(X)[:, 0])


def test_softmax_coefficients_keep_summing_to_zero(model, data):
    gate = prune(model, data[0], n_experts=2).gate_
    np.testing.assert_allclose(gate.coef_.sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(gate.intercept_.sum(), 0, atol=1e-12)


def test_warm_start_continues_a_pruned_model(data):
    X, y = data
    model = four(X, y, warm_start=True)
    pruned = prune(model, X, y, n_experts=3)
    before = pruned.log_likelihood_
    assert pruned.fit(X, y).log_likelihood_ > before
    assert pruned.n_experts_ == 3


def test_named_experts_and_an_array_as_init(data):
    X, y = data
    experts = [
        ("plain", LinearRegression()),
        ("gone", "drop"),
        ("ridge", Ridge()),
        ("tree", DecisionTreeRegressor(max_depth=1)),
    ]
    labels = np.arange(len(y)) % 3
    model = MixtureOfExpertsRegressor(experts, init=labels, tol=1e-3).fit(X, y)
    pruned = prune(model, X, y, n_experts=2)
    names = [["plain", "ridge", "tree"][k] for k in pruned.pruning_.kept]
    assert list(pruned.named_experts_) == names == [name for name, _ in pruned.experts]
    assert clone(pruned).fit(X, y).n_experts_ == 2


def test_a_family_of_each_expert(data):
    X, y = data
    model = MixtureOfExpertsRegressor(
        n_experts=3, family=["gaussian", "uniform", "laplace"], tol=1e-3
    ).fit(X, y)
    pruned = prune(model, X, y, n_experts=2)
    kept = pruned.pruning_.kept
    assert pruned.family == [model.family[k] for k in kept]
    assert [type(f) for f in pruned.families_] == [
        type(model.families_[k]) for k in kept
    ]
    np.testing.assert_allclose(
        pruned.score_samples(X, y), by_hand(model, X, y, kept), atol=1e-6
    )
    assert clone(pruned).fit(X, y).n_experts_ == 2


def test_any_gate_is_restricted_to_the_experts_kept(data):
    X, y = data
    model = four(X, y, gate=LogisticRegression(), max_iter=1000)
    pruned = prune(model, X, n_experts=2)
    kept = model.gate_proba(X)[:, pruned.pruning_.kept]
    assert_allclose(pruned.gate_proba(X), kept / kept.sum(axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "Give min_share, n_experts or both"),
        ({"min_share": 2}, "'min_share'.*Got 2"),
        ({"n_experts": 0}, "'n_experts'.*Got 0"),
        ({"n_experts": 5}, r"range \[1, 4\].*Got 5"),
        ({"n_experts": 2, "refit": True}, "refit=True needs y"),
    ],
)
def test_errors_name_the_parameter(model, data, params, message):
    with pytest.raises(ValueError, match=message):
        prune(model, data[0], **params)


def test_it_wants_a_fitted_model(data):
    with pytest.raises(NotFittedError):
        prune(MixtureOfExpertsRegressor(), data[0], n_experts=1)


def test_a_tree_of_gates_is_not_refitted_with_fewer_leaves(data):
    X, y = data
    model = four(X, y, gate=HierarchicalGate((2, 2)), max_iter=1000)
    pruned = prune(model, X, y, n_experts=3)
    assert pruned.gate_proba(X).shape == (len(X), 3)
    with pytest.raises(ValueError, match=r"as many as its leaves.*branching"):
        prune(model, X, y, n_experts=3, refit=True)
