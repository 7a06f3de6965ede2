# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Lasso and elastic net experts: one objective, right columns, wide data."""

import time

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_regression
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge

from skmoe import MixtureOfExpertsRegressor
from skmoe.experts import EstimatorExperts, SparseLinearExperts, kind_of
from skmoe.experts.base import ExpertTask
from skmoe.families import Gaussian
from skmoe.gates import ConstantGate, SoftmaxGate
from tests.shared import assert_never_falls

RELEVANT = [1, 2, 3], [3, 4, 5]


def wide_regimes(n_samples, seed, n_features=1000):
    """Five relevant columns of many, three for each regime; column 0 divides."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, n_features))
    coef = np.zeros((2, n_features))
    coef[0, RELEVANT[0]], coef[1, RELEVANT[1]] = [2, -1.5, 1.5], [-1.5, 2, 1.5]
    regime = (2 * X[:, 0] + 0.3 * rng.logistic(size=n_samples) > 0).astype(int)
    y = np.sum(X * coef[regime], axis=1) + np.array([1, -1])[regime]
    return X, y + 0.5 * rng.normal(size=n_samples)


@pytest.fixture(scope="module")
def wide():
    """X (500, 1000), y (500,) and as many rows held out."""
    return *wide_regimes(500, 0), *wide_regimes(500, 1)


@pytest.fixture(scope="module")
def lasso(wide):
    """Two lasso experts on the wide rows."""
    return MixtureOfExpertsRegressor(
        Lasso(alpha=0.25), n_experts=2, gate_features=[0], tol=1e-9
    ).fit(*wide[:2])


@pytest.fixture(scope="module")
def tall():
    """X (120, 6), y (120,), two regimes, weights 0, 1, 2 or 3."""
    X, y = wide_regimes(120, 3, n_features=6)
    return X, y, np.random.RandomState(0).randint(0, 4, size=120)


def expected_penalty(model, total):
    """Of the docstring, from what a user sees, for the mean log likelihood."""
    sigma = np.reshape(model.dispersions_, (model.n_experts_, -1))
    penalty = 0.0
    for expert, scales in zip(model.experts_, sigma, strict=True):
        ratio = expert.l1_ratio
        b = np.atleast_2d(expert.coef_)
        size = ratio * np.abs(b).sum(axis=1) + 0.5 * (1 - ratio) * (b**2).sum(axis=1)
        penalty += np.sum(expert.alpha * size / scales**2) * total / model.n_experts_
    return penalty / total


def largest_violation(model, X, y, weights=None):
    """Of the optimality conditions of each expert's coefficients, relative."""
    weights = np.ones(len(y)) if weights is None else weights
    R = model.responsibilities(X, y) * weights[:, None]
    worst = 0.0
    for expert, r in zip(model.experts_, R.T, strict=True):
        strength = weights.sum() / model.n_experts_ * expert.alpha
        b, ratio = expert.coef_, expert.l1_ratio
        slope = X.T @ (r * (y - expert.predict(X))) - strength * (1 - ratio) * b
        active = b != 0
        at_zero = np.maximum(np.abs(slope[~active]) - strength * ratio, 0.0)
        off_zero = np.abs(slope[active] - strength * ratio * np.sign(b[active]))
        violation = max(at_zero.max(initial=0.0), off_zero.max(initial=0.0))
        worst = max(worst, violation / strength)
    return worst


def test_relevant_columns_are_found_and_predict_better_than_ridge(wide, lasso):
    X, y, X_new, y_new = wide
    found = {tuple(np.flatnonzero(e.coef_)) for e in lasso.experts_}
    assert found == {tuple(columns) for columns in RELEVANT}
    ridges = MixtureOfExpertsRegressor(
        Ridge(100.0), n_experts=2, gate_features=[0], max_iter=5
    )
    with pytest.warns(UserWarning, match="did not converge"):
        ridges.fit(X[:, :300], y)  # favoured: 700 columns of nothing left out
    assert lasso.score(X_new, y_new) > ridges.score(X_new[:, :300], y_new) + 0.1
    mine = lasso.score_samples(X_new, y_new).mean()
    assert mine > ridges.score_samples(X_new[:, :300], y_new).mean() + 0.5


def test_bounds_are_monotone_and_are_the_penalised_likelihood(wide, lasso):
    assert_never_falls(lasso.lower_bounds_)
    mean = lasso.score_samples(*wide[:2]).mean()
    gate_penalty = (
        lasso.gate_.alpha / 2 * np.sum((lasso.gate_.coef_ * wide[0][:, 0].std()) ** 2)
    )
    bound = mean - expected_penalty(lasso, 500) - gate_penalty
    assert_allclose(lasso.lower_bound_, bound, rtol=1e-9)


def test_conditions_of_optimality_hold_at_convergence(wide, lasso):
    assert lasso.converged_
    assert largest_violation(lasso, *wide[:2]) < 1e-3


def test_dispersion_is_the_best_for_the_penalised_objective(wide, lasso):
    X, y = wide[:2]
    R = lasso.responsibilities(X, y)
    for k, expert in enumerate(lasso.experts_):
        squares = R[:, k] @ (y - expert.predict(X)) ** 2
        penalty = 2 * 250 * expert.alpha * np.abs(expert.coef_).sum()
        sigma2 = (squares + penalty) / R[:, k].sum()
        assert_allclose(lasso.dispersions_[k] ** 2, sigma2, rtol=1e-4)


def test_gate_and_experts_select_among_all_columns(wide):
    X, y, X_new, y_new = wide
    model = MixtureOfExpertsRegressor(
        Lasso(alpha=0.25), n_experts=2, gate=SoftmaxGate(alpha=0.03, l1_ratio=1)
    ).fit(X, y)
    assert_never_falls(model.lower_bounds_)
    found = {tuple(np.flatnonzero(e.coef_)) for e in model.experts_}
    assert found == {tuple(columns) for columns in RELEVANT}
    assert_array_equal(np.flatnonzero(model.gate_.coef_.any(axis=0)), [0])
    pooled = Lasso(alpha=0.25).fit(X, y)
    assert model.score(X_new, y_new) > pooled.score(X_new, y_new) + 0.2


def test_wide_data_is_a_matter_of_seconds(wide):
    start = time.perf_counter()
    model = MixtureOfExpertsRegressor(Lasso(alpha=0.25), n_experts=2, gate_features=[0])
    model.fit(*wide[:2])
    assert model.converged_
    assert time.perf_counter() - start < 10


TEMPLATES = [
    Lasso(alpha=0.1),
    ElasticNet(alpha=0.2, l1_ratio=0.3),
    Lasso(alpha=0.05, positive=True),
    Lasso(alpha=0.05, fit_intercept=False),
    ElasticNet(alpha=0.2, precompute=True),
    Lasso(alpha=0.1, selection="random"),
]


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("sparse", [False, True])
def test_one_expert_is_the_estimator_alone(tall, template, sparse):
    X, y, weights = tall
    X = sp.csr_array(X) if sparse else X
    model = MixtureOfExpertsRegressor(template, n_experts=1, gate=ConstantGate())
    model.fit(X, y, sample_weight=weights)
    assert isinstance(model._mixture.experts, SparseLinearExperts)
    alone = clone(template).set_params(tol=1e-10, random_state=0)
    alone.fit(X, y, sample_weight=weights)
    (expert,) = model.experts_
    assert type(expert) is type(template)
    assert expert.alpha == template.alpha
    assert_allclose(expert.coef_, alone.coef_, atol=1e-4)
    assert_allclose(model.predict(X), alone.predict(X), atol=1e-4)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_setting_climbs_and_ends_at_an_optimum(tall, template):
    X, y, weights = tall
    model = MixtureOfExpertsRegressor(
        template, n_experts=2, gate_features=[0], tol=1e-10, max_iter=500
    ).fit(X, y, sample_weight=weights)
    assert_never_falls(model.lower_bounds_)
    if template.positive:
        assert min(expert.coef_.min() for expert in model.experts_) >= 0
    else:
        assert largest_violation(model, X, y, weights) < 1e-3


def test_weights_are_repeated_rows_and_sparse_is_dense(tall):
    X, y, weights = tall
    model = MixtureOfExpertsRegressor(
        ElasticNet(alpha=0.1), n_experts=2, gate_features=[0]
    )
    weighted = clone(model).fit(X, y, sample_weight=weights)
    rows = np.repeat(np.arange(120), weights)
    repeated = clone(model).fit(X[rows], y[rows])
    sparse = clone(model).fit(sp.csr_array(X), y, sample_weight=weights)
    for other in (repeated, sparse):
        assert_allclose(weighted.predict(X), other.predict(X), atol=1e-5)
        assert_allclose(weighted.lower_bounds_, other.lower_bounds_, rtol=1e-6)
    doubled = clone(model).fit(X, y, sample_weight=2 * weights)
    assert_allclose(weighted.predict(X), doubled.predict(X), atol=1e-6)


def test_two_targets_are_penalised_each_by_itself(tall):
    X, y, _ = tall
    Y = np.column_stack([y, X[:, 4] - 0.5 * y])
    model = MixtureOfExpertsRegressor(Lasso(alpha=0.1), n_experts=2, gate_features=[0])
    model.fit(X, Y)
    assert model.dispersions_.shape == (2, 2)
    assert model.experts_[0].coef_.shape == (2, 6)
    assert_never_falls(model.lower_bounds_)
    answers = np.stack([expert.predict(X) for expert in model.experts_], axis=1)
    assert_allclose(model.predict_experts(X), answers)
    one = MixtureOfExpertsRegressor(Lasso(alpha=0.1), n_experts=1).fit(X, Y)
    alone = Lasso(alpha=0.1, tol=1e-10).fit(X, Y)
    assert_allclose(one.experts_[0].coef_, alone.coef_, atol=1e-4)


@pytest.mark.parametrize("columns", [0, [0], [0, 1]])
def test_experts_have_what_a_fit_leaves(tall, columns):
    X, y, _ = tall
    Y = np.column_stack([y, X[:, 3]])[:, columns]
    template = Lasso(alpha=0.1, random_state=0)
    model = MixtureOfExpertsRegressor(template, n_experts=2).fit(X, Y)
    alone = clone(template).fit(X, Y)
    for expert in model.experts_:
        for name, value in vars(alone).items():
            assert np.shape(getattr(expert, name)) == np.shape(value), name
            assert type(getattr(expert, name)) is type(value), name
        assert_array_equal(expert.sparse_coef_.toarray(), np.atleast_2d(expert.coef_))


def test_names_counts_and_table(tall):
    pd = pytest.importorskip("pandas")
    X, y, _ = tall
    X = pd.DataFrame(X, columns=list("abcdef"))
    model = MixtureOfExpertsRegressor(Lasso(alpha=0.3), n_experts=2).fit(X, y)
    assert list(model.experts_[0].feature_names_in_) == list("abcdef")
    non_zero = sum(np.count_nonzero(expert.coef_) for expert in model.experts_)
    assert non_zero < 12
    # Gate: 6 slopes and an intercept. Experts: intercepts and dispersions too.
    assert model.n_parameters_ == 7 + non_zero + 2 + 2
    assert list(model.summary().columns[-6:]) == list("abcdef")


@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_warm_start_goes_on_and_threads_change_nothing(tall):
    X, y, _ = tall
    model = MixtureOfExpertsRegressor(
        Lasso(alpha=0.1), n_experts=2, tol=0, warm_start=True, gate_features=[0]
    )
    whole = clone(model).set_params(max_iter=9, n_jobs=2).fit(X, y)
    model.set_params(max_iter=4).fit(X, y)
    model.set_params(max_iter=5).fit(X, y)
    assert_allclose(model.predict(X), whole.predict(X), atol=1e-6)
    assert_allclose(model.lower_bound_, whole.lower_bounds_[-1], atol=1e-8)


def test_hard_and_stochastic_assignments_stay_finite(tall):
    X, y, _ = tall
    for assignment in ("hard", "stochastic"):
        model = MixtureOfExpertsRegressor(
            Lasso(alpha=0.1), n_experts=2, assignment=assignment, random_state=0
        ).fit(X, y)
        assert_never_falls(model.lower_bounds_)
        assert np.isfinite(model.predict(X)).all()


def make_task(templates, X, y):
    """An ExpertTask as the regressor makes it, of equal weights."""
    return ExpertTask(
        templates=templates,
        names=[f"expert{k}" for k in range(len(templates))],
        X=X,
        y=y[:, None],
        labels=y,
        classes=None,
        weights=np.ones(len(y)),
        families=[Gaussian()] * len(templates),
        floors=[np.full((1, 1), 1e-6)] * len(templates),
        designs=None,
    )


def test_an_expert_without_rows_stays_as_it_was(tall):
    X, y, _ = tall
    trainer = SparseLinearExperts.trainer(make_task([Lasso(alpha=0.1)] * 2, X, y))
    before = trainer.state
    trainer.step(np.column_stack([np.ones(120), np.zeros(120)]))
    for now, then in zip(trainer.state[:3], before[:3], strict=True):
        assert_array_equal(now[1], then[1])
        assert np.any(now[0] != then[0])


def test_a_constant_target_is_at_the_floor():
    X, _ = make_regression(60, 4, random_state=0)
    model = MixtureOfExpertsRegressor(Lasso(), n_experts=2)
    with pytest.warns(UserWarning, match="collapsed"):
        model.fit(X, np.full(60, 3.0))
    assert_allclose(model.predict(X), 3.0)


@pytest.mark.parametrize(
    "template",
    [
        Lasso(alpha=0.1, precompute=np.eye(6)),
        ElasticNet(alpha=0.1, l1_ratio=0.0),
        LinearRegression(),
    ],
)
def test_other_settings_are_left_to_the_estimators(tall, template):
    X, y, _ = tall
    assert kind_of(make_task([Lasso(), template], X, y)) is EstimatorExperts
