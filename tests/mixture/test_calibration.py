# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Ranks of rows held out, and the intervals that they calibrate."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import SoftmaxGate
from skmoe.metrics import interval_coverage
from skmoe.mixture.calibration import calibrated_levels
from skmoe.mixture.pruning import prune

FOLDS = KFold(4, shuffle=True, random_state=0)


def heavy_tailed(rng, n):
    X = rng.uniform(-2, 2, size=(n, 1))
    return X, np.abs(X[:, 0]) + 0.1 * rng.standard_t(2, size=n)


def trees(**parameters):
    tree = DecisionTreeRegressor(max_depth=3, min_samples_leaf=5, random_state=0)
    settings = {"n_experts": 2, "cv": FOLDS, "tol": 1e-2, "random_state": 0}
    return MixtureOfExpertsRegressor(tree, **{**settings, **parameters})


# -- ranks -----------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_ranks_of_one_expert_are_those_of_its_folds(weighted):
    rng = np.random.RandomState(0)
    X, Y = rng.normal(size=(60, 2)), rng.normal(size=(60, 2))
    weights = rng.uniform(0.5, 2, size=60) if weighted else np.ones(60)
    model = MixtureOfExpertsRegressor(LinearRegression(), 1, cv=FOLDS)
    model.fit(X, Y, sample_weight=weights if weighted else None)
    expected = np.empty((60, 2))
    for train, test in FOLDS.split(X):
        expert = LinearRegression().fit(X[train], Y[train], weights[train])
        expected[test] = Y[test] - expert.predict(X[test])
    scale = np.sqrt(weights @ expected**2 / weights.sum())
    assert_allclose(model.held_out_ranks_, norm.cdf(expected / scale), atol=1e-10)


def test_ranks_of_several_experts_mix_those_of_their_folds():
    X, y = heavy_tailed(np.random.RandomState(0), 200)
    model = trees().fit(X, y)
    weights = np.where(
        model._mixture.experts.weights > 1e-6, model._mixture.experts.weights, 0
    )
    residuals = np.empty((200, 2))
    for train, test in FOLDS.split(X):
        for k in range(2):
            own = train[weights[train, k] > 0]
            expert = clone(model.experts).fit(X[own], y[own], weights[own, k])
            residuals[test, k] = y[test] - expert.predict(X[test])
    joint = model.gate_proba(X) * norm.pdf(residuals, scale=model.dispersions_)
    shares = joint / joint.sum(axis=1, keepdims=True)
    expected = np.empty(200)
    for train, test in FOLDS.split(X):
        gate = SoftmaxGate().fit(X[train], shares[train]).predict_proba(X[test])
        below = norm.cdf(residuals[test], scale=model.dispersions_)
        expected[test] = np.sum(gate * below, axis=1)
    assert_allclose(model.held_out_ranks_, expected, atol=1e-8)


def test_ranks_leave_out_rows_that_no_fold_holds_out():
    X, y = heavy_tailed(np.random.RandomState(0), 100)
    model = trees(n_experts=1, cv=TimeSeriesSplit(4)).fit(X, y)
    assert model.held_out_ranks_.shape == (80,)
    residuals = np.empty(100)
    for train, test in TimeSeriesSplit(4).split(X):
        expert = clone(model.experts).fit(X[train], y[train])
        residuals[test] = y[test] - expert.predict(X[test])
    expected = norm.cdf(residuals[20:] / model.dispersions_)
    assert_allclose(model.held_out_ranks_, expected, atol=1e-10)


@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_groups_of_one_row_have_the_ranks_of_the_rows():
    X, y = heavy_tailed(np.random.RandomState(0), 150)
    alone = trees(max_iter=5).fit(X, y)
    grouped = trees(max_iter=5).fit(X, y, groups=np.arange(150))
    assert_allclose(grouped.held_out_ranks_, alone.held_out_ranks_, atol=1e-6)


def test_ranks_of_the_right_model_are_uniform():
    rng = np.random.RandomState(0)
    X = rng.uniform(-2, 2, size=(2000, 1))
    y = np.abs(X[:, 0]) + 0.3 * rng.normal(size=2000)
    model = MixtureOfExpertsRegressor(n_experts=2, cv=5, random_state=0, tol=1e-3)
    ranks = np.sort(model.fit(X, y).held_out_ranks_)
    distance = np.abs(ranks - (np.arange(2000) + 0.5) / 2000).max()
    assert distance < 1.36 / np.sqrt(2000)  # Kolmogorov-Smirnov, 5 %


# -- levels ----------------------------------------------------------------------------


def test_levels_are_the_ranks_of_split_conformal_prediction():
    ranks = np.random.RandomState(0).permutation(99) / 100
    assert calibrated_levels(ranks, np.ones(99), 0.9) == (0.04, 0.94)
    assert calibrated_levels(ranks, np.ones(99), 0.5) == (0.24, 0.74)
    assert calibrated_levels(ranks[:18], np.ones(18), 0.9) == (0, 1)
    assert calibrated_levels(ranks[:19], np.ones(19), 0.9) == (
        ranks[:19].min(),
        ranks[:19].max(),
    )


def test_levels_cover_a_new_rank_exactly():
    """P(inside) = 1 - 2 j / (n + 1) for exchangeable ranks of any distribution."""
    rng = np.random.RandomState(0)
    n, n_draws, inside = 59, 20_000, 0
    for draw in rng.beta(0.3, 2, size=(n_draws, n + 1)):
        low, high = calibrated_levels(draw[:n], np.ones(n), 0.9)
        inside += low < draw[n] <= high
    share = inside / n_draws
    # Ends belong to the interval: one of n + 1 places each is shared with the outside.
    expected = 1 - 2 * 3 / 60
    assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / n_draws)


def test_levels_do_not_depend_on_the_unit_of_the_weights():
    rng = np.random.RandomState(0)
    ranks, weights = rng.uniform(size=200), rng.uniform(0.5, 2, size=200)
    levels = calibrated_levels(ranks, weights, 0.8)
    assert calibrated_levels(ranks, 1e-6 * weights, 0.8) == levels
    assert levels != calibrated_levels(ranks, np.ones(200), 0.8)


def test_levels_follow_the_weights():
    ranks = np.linspace(0, 1, 101)
    weights = np.where(ranks <= 0.5, 3.0, 1.0)
    low, high = calibrated_levels(ranks, weights, 0.8)
    assert_allclose(weights[ranks <= low].sum() / weights.sum(), 0.1, atol=0.02)
    assert_allclose(weights[ranks >= high].sum() / weights.sum(), 0.1, atol=0.02)


# -- intervals -------------------------------------------------------------------------


@pytest.mark.parametrize("n_experts", [1, 2])
def test_calibrated_intervals_cover_whatever_the_noise_is(n_experts):
    rng = np.random.RandomState(0)
    X, y = heavy_tailed(rng, 2000)
    X_test, y_test = heavy_tailed(rng, 20_000)
    model = trees(n_experts=n_experts).fit(X, y)

    def coverage(level, kind):
        low, high = model.predict_interval(X_test, level, kind=kind).T
        return np.mean((low <= y_test) & (y_test <= high))

    for level in (0.5, 0.8, 0.9):
        # Two standard errors of the ranks, and room for what cross-fitting costs.
        room = 2 * np.sqrt(level * (1 - level) / 2000) + 0.01
        assert abs(coverage(level, "calibrated") - level) < room
    if n_experts == 1:  # a mixture of two Gaussians is less far from this noise
        assert coverage(0.5, "equal-tailed") > 0.6
        assert coverage(0.9, "equal-tailed") > 0.93


def test_calibrated_intervals_are_quantiles_at_the_levels():
    X, y = heavy_tailed(np.random.RandomState(0), 300)
    model = trees().fit(X, y)
    levels = calibrated_levels(model.held_out_ranks_, np.ones(300), 0.9)
    expected = model.predict_quantiles(X, levels)
    assert_array_equal(model.predict_interval(X, kind="calibrated"), expected)


def test_each_target_has_levels_of_its_own():
    rng = np.random.RandomState(0)
    X, y = heavy_tailed(rng, 1000)
    Y = np.column_stack([y, X[:, 0] + rng.normal(size=1000)])
    model = trees().fit(X, Y)
    assert model.held_out_ranks_.shape == (1000, 2)
    intervals = model.predict_interval(X, kind="calibrated")
    assert intervals.shape == (1000, 2, 2)
    dist = model.predict_dist(X)
    for t in range(2):
        ranks = model.held_out_ranks_[:, t]
        levels = calibrated_levels(ranks, np.ones(1000), 0.9)
        expected = dist.marginal(t).quantile(levels)
        assert_array_equal(intervals[:, :, t], expected)


def test_few_rows_calibrate_no_high_coverage():
    X, y = heavy_tailed(np.random.RandomState(0), 40)
    model = MixtureOfExpertsRegressor(n_experts=1, cv=4).fit(X, y)
    assert np.isinf(model.predict_interval(X, 0.99, kind="calibrated")).all()
    assert np.isfinite(model.predict_interval(X, 0.9, kind="calibrated")).all()


def test_highest_density_intervals_are_those_of_the_distribution():
    X, y = heavy_tailed(np.random.RandomState(0), 100)
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    found = model.predict_interval(X, 0.8, kind="highest-density")
    dist = model.predict_dist(X)
    assert_array_equal(found, dist.interval(0.8, kind="highest-density"))
    assert interval_coverage(y, dist, 0.8) > 0.7


# -- errors ----------------------------------------------------------------------------


def test_calibrated_intervals_need_rows_held_out():
    X, y = heavy_tailed(np.random.RandomState(0), 200)
    model = trees().fit(X, y)
    with pytest.raises(ValueError, match=r"kind must be one of .*'calibrated'.* 'hdi'"):
        model.predict_interval(X, kind="hdi")
    with pytest.raises(
        ValueError, match=r"coverage must be one number between 0 and 1. Got 90"
    ):
        model.predict_interval(X, 90, kind="calibrated")
    pruned = prune(model, X, y, n_experts=1)
    assert pruned.held_out_ranks_ is None
    assert len(model.held_out_ranks_) == 200
    model.set_params(cv=None).fit(X, y)
    with pytest.raises(ValueError, match=r"kind='calibrated' needs .*cv=5"):
        model.predict_interval(X, kind="calibrated")


def test_held_out_gates_see_groups_as_the_gate_does():
    """Columns that vary within groups reach gates as means over the groups."""
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(120), 5)
    center = rng.normal(size=120)
    X = center[groups][:, None] + rng.normal(size=(600, 1))
    regime = rng.uniform(size=120) < 1 / (1 + np.exp(-3 * center))
    y = np.where(regime[groups], 2.0, -2.0) + 0.3 * rng.normal(size=600)
    model = trees(cv=list(GroupKFold(4).split(X, y, groups)))
    model.set_params(experts=DummyRegressor())
    with pytest.warns(UserWarning, match="gate sees columns that vary within groups"):
        model.fit(X, y, groups=groups)
    R = model.responsibilities(X, y, groups=groups)
    expected = np.empty(600)
    for train, test in model.cv:
        first = np.unique(groups[train], return_index=True)[1]
        means = [X[train][groups[train] == g].mean(0) for g in groups[train][first]]
        gate = SoftmaxGate().fit(np.array(means), R[train][first])
        answers = np.column_stack(
            [
                np.full(len(test), np.average(y[train], weights=R[train, k]))
                for k in range(2)
            ]
        )
        below = norm.cdf((y[test][:, None] - answers) / model.dispersions_)
        expected[test] = np.sum(gate.predict_proba(X[test]) * below, axis=1)
    assert_allclose(model.held_out_ranks_, expected, atol=1e-3)


class Neighbours(KNeighborsClassifier):
    """That takes weights and has no use for them."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y)


def test_a_classifier_gate_that_cannot_do_without_a_fold_is_named():
    X, y = heavy_tailed(np.random.RandomState(0), 120)
    model = trees(gate=Neighbours(50), cv=TimeSeriesSplit(4), tol=10.0)
    with pytest.raises(ValueError, match="n_neighbors") as caught:
        model.fit(X, y)
    assert "Raised while asking gate: Neighbours" in caught.value.__notes__[0]


class AllRows(SoftmaxGate):
    """A gate that wants every row of the fit."""

    def trainer(self, X, n_experts, weights, designs):
        if len(X) < 120:
            raise ValueError(f"Got {len(X)} rows.")
        return super().trainer(X, n_experts, weights, designs)


def test_another_gate_that_cannot_do_without_a_fold_fails_no_fit():
    X, y = heavy_tailed(np.random.RandomState(0), 120)
    model = trees(gate=AllRows(), cv=TimeSeriesSplit(4), tol=10.0)
    with pytest.warns(UserWarning, match="held_out_ranks_ is None.*Got 24 rows"):
        model.fit(X, y)
    assert model.held_out_ranks_ is None
    assert np.isfinite(model.predict(X)).all()
