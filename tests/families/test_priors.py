# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Priors on coefficients, dispersions and shares: what they are the maximum of."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.linear_model import ElasticNet, LinearRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.experts import PooledRidge
from skmoe.experts.base import ExpertTask
from skmoe.experts.crossfit import CrossFittedTrainer
from skmoe.families import Gaussian, Laplace, LogNormal, SkewNormal, StudentT
from skmoe.gates import ConstantGate, SoftmaxGate
from tests.shared import two_regimes

# A penalty in sight of the data: maxima are sharp, and rounding stays rounding.
GATE = SoftmaxGate(0.01)
TIGHT = {"tol": 1e-12, "max_iter": 1000}


def slopes(model):
    """Slopes of all experts, (K, d)."""
    return np.stack([expert.coef_ for expert in model.experts_])


def norms_of(model, X, y):
    """Squared distances of the slopes from the pooled ones, (K,)."""
    return np.sum((slopes(model) - LinearRegression().fit(X, y).coef_) ** 2, axis=1)


def never_falls(model):
    """Whether EM was monotone and went on for some iterations."""
    return len(model.lower_bounds_) > 3 and np.diff(model.lower_bounds_).min() >= -1e-12


@pytest.fixture
def weighted(regression):
    """X, y of two regimes and integer weights, some of them zero."""
    return *regression, np.random.RandomState(1).randint(0, 4, size=150)


# -- coefficients: shrunk to the pooled ones -------------------------------------------


def test_alone_it_is_least_squares(weighted):
    X, y, weights = weighted
    expected = LinearRegression().fit(X, y, weights)
    alone = PooledRidge(alpha=1e3).fit(X, y, sample_weight=weights)
    assert_allclose(alone.coef_, expected.coef_)
    mixture = MixtureOfExpertsRegressor(PooledRidge(alpha=1e3), n_experts=1)
    (expert,) = mixture.fit(X, y, weights).experts_
    assert type(expert) is PooledRidge
    assert_allclose(expert.coef_, expected.coef_, rtol=1e-10)
    assert_allclose(expert.intercept_, expected.intercept_, rtol=1e-10)


def test_alone_it_is_the_shortest_of_many_solutions(regression):
    X, y = regression
    X = np.column_stack([X, 3 * X[:, 0], np.ones(150)])
    expected = LinearRegression().fit(X, y)
    (expert,) = MixtureOfExpertsRegressor(PooledRidge(), 1).fit(X, y).experts_
    assert_allclose(expert.coef_, expected.coef_, atol=1e-9)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_m_step_is_ridge_on_what_the_pooled_fit_leaves(weighted, fit_intercept):
    X, y, weights = weighted
    Y = np.column_stack([y, y**2])
    template = PooledRidge(7.0, fit_intercept=fit_intercept)
    model = MixtureOfExpertsRegressor(template, 2, gate=GATE, **TIGHT)
    model.fit(X, Y, weights)
    R = model.responsibilities(X, Y) * weights[:, None]
    pooled = LinearRegression(fit_intercept=fit_intercept).fit(X, Y, weights)
    for k, expert in enumerate(model.experts_):
        ridge = Ridge(7.0, fit_intercept=fit_intercept)
        ridge.fit(X, Y - X @ pooled.coef_.T, sample_weight=R[:, k])
        expected = ridge.coef_ + pooled.coef_
        assert_allclose(expert.coef_, expected, atol=1e-5)
        assert_allclose(expert.intercept_, ridge.intercept_, atol=1e-5)
        squares = R[:, k] @ (Y - expert.predict(X)) ** 2
        squares += 7 * np.sum((expert.coef_ - pooled.coef_) ** 2, axis=1)
        sigma = np.sqrt(squares / R[:, k].sum())
        assert_allclose(model.dispersions_[k], sigma, rtol=1e-5)


def test_zero_is_linear_regression_and_infinity_the_pooled_slopes(regression):
    X, y = regression
    pooled = LinearRegression().fit(X, y).coef_
    free = MixtureOfExpertsRegressor(n_experts=2, gate=GATE).fit(X, y)
    zero, half, infinite = (
        MixtureOfExpertsRegressor(PooledRidge(alpha), 2, gate=GATE).fit(X, y)
        for alpha in (0.0, 30.0, 1e9)
    )
    assert_allclose(zero.lower_bounds_, free.lower_bounds_, rtol=1e-12)
    assert_allclose(slopes(zero), slopes(free), rtol=1e-9)
    assert_allclose(slopes(infinite), [pooled, pooled], atol=1e-6)
    assert abs(infinite.experts_[0].intercept_ - infinite.experts_[1].intercept_) > 0.1
    distance = np.linalg.norm(slopes(half) - pooled, axis=1)
    assert np.all(distance < 0.9 * np.linalg.norm(slopes(free) - pooled, axis=1))


def test_few_rows_are_shrunk_more_than_many():
    X, y, regime = two_regimes(400)
    rows = np.flatnonzero((regime == 0) | (np.cumsum(regime) <= 10))
    X, y, regime = X[rows], y[rows], regime[rows]
    fits = [
        MixtureOfExpertsRegressor(experts, 2).fit(X, y, expert_labels=regime)
        for experts in (LinearRegression(), PooledRidge(5.0))
    ]
    pooled = LinearRegression().fit(X, y).coef_
    many, few = np.linalg.norm(slopes(fits[1]) - pooled, axis=1) / np.linalg.norm(
        slopes(fits[0]) - pooled, axis=1
    )
    assert few < 0.7
    assert many > 0.9


def test_pooled_penalty_is_part_of_the_objective(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor(PooledRidge(20.0), 2, gate=SoftmaxGate(0))
    model.fit(X, y)
    assert never_falls(model)
    penalty = np.sum(20 * norms_of(model, X, y) / (2 * model.dispersions_**2)) / 150
    assert_allclose(model.lower_bound_, model.log_likelihood_ / 150 - penalty)


def test_sparse_rows_are_dense_rows(regression):
    X, y = regression
    X = X * (np.abs(X) > 0.5)
    model = MixtureOfExpertsRegressor(PooledRidge(10.0), 2, gate=GATE, tol=1e-10)
    dense = clone(model).fit(X, y)
    sparse = clone(model).fit(sp.csr_matrix(X), y)
    assert_allclose(slopes(sparse), slopes(dense), atol=1e-7)


def test_weights_are_repeated_rows(weighted):
    X, y, weights = weighted
    model = MixtureOfExpertsRegressor(
        PooledRidge(10.0),
        2,
        gate=ConstantGate(prior_rows=5.0),
        family=Gaussian(prior_rows=10.0),
        init=(X[:, 0] > 0).astype(int),
        **TIGHT,
    )
    once = clone(model).fit(X, y, weights)
    model.set_params(init=np.repeat(model.init, weights))
    repeated = model.fit(X.repeat(weights, axis=0), y.repeat(weights))
    assert_allclose(slopes(once), slopes(repeated), atol=1e-6)
    assert_allclose(once.dispersions_, repeated.dispersions_, rtol=1e-6)


def test_acceleration_reaches_the_same_maximum(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor(
        PooledRidge(10.0), 2, gate=GATE, family=Gaussian(prior_rows=10.0), **TIGHT
    )
    fast = clone(model).fit(X, y)
    slow = clone(model).set_params(accelerate=False).fit(X, y)
    assert fast.n_iter_ < slow.n_iter_
    assert_allclose(slopes(fast), slopes(slow), atol=1e-5)


def test_groups_share_experts_under_the_same_priors(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor(
        PooledRidge(10.0),
        2,
        gate=SoftmaxGate(0),
        gate_features=[],
        family=Gaussian(prior_rows=10.0),
    )
    groups = (X[:, 0] > 0) + 2 * (np.arange(150) // 5)
    model.fit(X[:, 1:], y, groups=groups)
    assert never_falls(model)
    sigma, variance = model.dispersions_, y.var()
    prior = -np.sum(10 * norms_of(model, X[:, 1:], y) / (2 * sigma**2))
    prior -= 10 * np.sum(np.log(2 * np.pi * sigma**2) + variance / sigma**2) / 2
    n_groups = len(np.unique(groups))
    assert_allclose(model.lower_bound_, (model.log_likelihood_ + prior) / n_groups)


@pytest.mark.numba
def test_compiled_passes_serve_pooled_experts(regression):
    pytest.importorskip("numba")
    model = MixtureOfExpertsRegressor(
        PooledRidge(10.0), 2, gate=GATE, family=Gaussian(prior_rows=10.0), tol=1e-10
    )
    fits = [
        clone(model).set_params(engine=engine).fit(*regression)
        for engine in ("numpy", "numba")
    ]
    assert_allclose(slopes(fits[0]), slopes(fits[1]), atol=1e-7)


def test_scaling_a_column_and_its_penalty_changes_nothing(regression):
    """The penalty is measured on the user's scale, as that of Ridge."""
    X, y = regression
    model = MixtureOfExpertsRegressor(PooledRidge(100.0), 2, gate=GATE, **TIGHT)
    small = clone(model).fit(X, y)
    large = model.set_params(experts__alpha=1.0).fit(X / 10, y)
    assert_allclose(slopes(large), 10 * slopes(small), atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"cv": 2},
        {"family": "laplace"},
        {"experts": [("a", PooledRidge()), ("b", DecisionTreeRegressor())]},
    ],
    ids=["cv", "family", "other experts"],
)
def test_where_experts_are_not_solved_together_it_is_refused(regression, settings):
    model = MixtureOfExpertsRegressor(**{"experts": PooledRidge()} | settings)
    with pytest.raises(ValueError, match=r"PooledRidge\(\)\) is shrunk .* only where"):
        model.fit(*regression)


@pytest.mark.parametrize("alpha", [-1.0, "strong"])
def test_alpha_is_checked(regression, alpha):
    with pytest.raises(ValueError, match="'alpha' parameter of PooledRidge"):
        PooledRidge(alpha).fit(*regression)
    with pytest.raises(ValueError, match="'alpha' parameter of PooledRidge"):
        MixtureOfExpertsRegressor(PooledRidge(alpha)).fit(*regression)


# -- dispersions -----------------------------------------------------------------------

SCALE_FAMILIES = [Gaussian, Laplace, StudentT, SkewNormal, LogNormal]
EXPERTS = {
    "linear": LinearRegression(),
    "sparse": ElasticNet(1e-3),
    "trees": DecisionTreeRegressor(max_depth=2),
}


@pytest.mark.parametrize("experts", EXPERTS)
def test_gaussian_variance_has_the_prior_rows_in_it(weighted, experts):
    X, y, weights = weighted
    model = MixtureOfExpertsRegressor(
        EXPERTS[experts],
        n_experts=2,
        gate=GATE,
        family=Gaussian(prior_rows=25.0, prior_scale=0.5),
        tol=1e-10,
        max_iter=1000,
    ).fit(X, y, weights)
    assert never_falls(model)
    R = model.responsibilities(X, y) * weights[:, None]
    squares = np.sum(R * (y[:, None] - model.predict_experts(X)) ** 2, axis=0)
    if experts == "sparse":
        sizes = [
            0.5 * np.abs(e.coef_).sum() + 0.25 * e.coef_ @ e.coef_
            for e in model.experts_
        ]
        squares += weights.sum() * 1e-3 * np.array(sizes)
    s0 = 0.5 * np.sqrt(np.cov(y, aweights=weights, ddof=0))
    sigma = np.sqrt((squares + 25 * s0**2) / (R.sum(axis=0) + 25))
    assert_allclose(model.dispersions_, sigma, rtol=1e-3)


@pytest.mark.parametrize("family", SCALE_FAMILIES)
@pytest.mark.parametrize("experts", ["linear", "trees"])
def test_the_prior_is_in_the_objective_but_not_in_the_likelihood(family, experts):
    X, y, _ = two_regimes()
    y = np.exp(y) if family is LogNormal else y
    family = family(prior_rows=30.0, prior_scale=0.4)
    model = MixtureOfExpertsRegressor(
        EXPERTS[experts], 2, gate=SoftmaxGate(1e-12), family=family, tol=1e-4
    ).fit(X, y)
    assert never_falls(model)
    assert_allclose(model.log_likelihood_, model.score_samples(X, y).sum(), rtol=1e-6)
    rows = 0.4 * np.std(np.log(y) if isinstance(family, LogNormal) else y)
    rows = np.array([[rows], [-rows]])
    rows = np.exp(rows) if isinstance(family, LogNormal) else rows
    log_prior = sum(
        15 * family.log_density(rows, np.zeros((2, 1)), parameters[:, None]).sum()
        for parameters in model._mixture.experts.noise.parameters
    )
    objective = (model.log_likelihood_ + log_prior) / 150
    assert_allclose(model.lower_bound_, objective, atol=1e-6)


@pytest.mark.parametrize("family", SCALE_FAMILIES)
def test_prior_rows_are_rows(family):
    """An expert that predicts zero, and rows of plus and minus a standard deviation."""
    rng = np.random.RandomState(0)
    y = 0.1 * rng.standard_t(5, size=(40, 1))
    y = np.exp(y) if family is LogNormal else y
    weights = rng.uniform(0.5, 2.0, size=40)
    family = family(prior_rows=8.0)
    floors = family.floors(y, weights, 1e-6)
    fitted = family.prior(y, weights).fit(y, np.zeros((40, 1)), weights, floors)

    def negative(free):
        parameters = family.from_free(free[:, None])
        density = weights @ family.log_density(y, np.zeros((1, 1)), parameters[:, None])
        return -float(density[0]) - family.prior(y, weights).log_density(parameters)

    best = minimize(negative, family.to_free(fitted)[:, 0], tol=1e-8)
    assert negative(family.to_free(fitted)[:, 0]) <= best.fun + 1e-6
    s0 = family.floors(y, weights, 1.0)[0, 0]
    if isinstance(family, Gaussian):
        variance = (weights @ y[:, 0] ** 2 + 8 * s0**2) / (weights.sum() + 8)
        assert_allclose(fitted[0, 0] ** 2, variance)
    if isinstance(family, Laplace):
        scale = (weights @ np.abs(y[:, 0]) + 8 * s0) / (weights.sum() + 8)
        assert_allclose(fitted[0, 0], scale)


@pytest.mark.parametrize("experts", ["linear", "trees"])
def test_no_prior_rows_are_no_prior(regression, experts):
    X, y = regression
    model = MixtureOfExpertsRegressor(EXPERTS[experts], 2, tol=1e-4, random_state=0)
    plain = clone(model).fit(X, y)
    none = clone(model).set_params(family=Gaussian(prior_scale=3.0)).fit(X, y)
    assert_allclose(none.lower_bounds_, plain.lower_bounds_, rtol=1e-12)


def test_linear_experts_agree_by_least_squares_and_by_scoring(regression):
    X, y = regression

    class Other(Gaussian):
        """Another family by type: its linear experts are generalised linear models."""

    fits = [
        MixtureOfExpertsRegressor(n_experts=2, gate=GATE, family=family, **TIGHT)
        .fit(X, y)
        for family in (Gaussian(prior_rows=20.0), Other(prior_rows=20.0))
    ]  # fmt: skip
    assert [type(fit._mixture.experts).__name__ for fit in fits] == [
        "LinearExperts",
        "GLMExperts",
    ]
    assert_allclose(fits[0].lower_bound_, fits[1].lower_bound_, rtol=1e-9)
    assert_allclose(fits[0].dispersions_, fits[1].dispersions_, rtol=1e-4)


def test_a_cross_fitted_dispersion_has_the_prior_too(regression):
    X, y = regression
    sigma = [
        MixtureOfExpertsRegressor(
            DecisionTreeRegressor(max_depth=2),
            1,
            cv=3,
            family=Gaussian(prior_rows=rows),
            random_state=0,
            tol=1e-3,
        )
        .fit(X, y)
        .dispersions_[0]
        for rows in (0.0, 50.0)
    ]
    assert_allclose(sigma[1] ** 2, (150 * sigma[0] ** 2 + 50 * y.var()) / 200)


def test_cross_fitted_steps_climb_the_likelihood_with_the_prior(regression):
    X, y = regression
    rng = np.random.RandomState(0)
    task = ExpertTask(
        templates=[DecisionTreeRegressor(max_depth=2, random_state=0)],
        names=["tree"],
        X=X,
        y=y[:, None],
        labels=y,
        classes=None,
        weights=np.ones(150),
        families=[Gaussian(prior_rows=100, prior_scale=0.05)],
        floors=[np.full((1, 1), 1e-6)],
        designs=None,
        seeds=[0],
        fit_params=[{}],
        folds=list(KFold(3, shuffle=True, random_state=0).split(X)),
    )
    trainer = CrossFittedTrainer(task)
    trainer.step(np.ones((150, 1)))
    n_kept = 0
    for power in (1, 2, 4, 8, 16):
        weights = rng.uniform(size=(150, 1)) ** power
        old = trainer.state[0].model
        # What the old predictions are worth with the dispersion that is best for them.
        parameters, density = trainer._with_noise(0, old.prediction, weights[:, 0])
        prior = task.priors[0]
        least = weights[:, 0] @ density + prior.log_density(parameters)
        before = weights[:, 0] @ trainer.log_density[:, 0] - 150 * trainer.penalty
        trainer.step(weights)
        after = weights[:, 0] @ trainer.log_density[:, 0] - 150 * trainer.penalty
        assert after >= before - 1e-9 * abs(before)
        if trainer.state[0].model.answers is old.answers:
            assert_allclose(after, least)
            n_kept += 1
    assert n_kept


def test_it_keeps_an_expert_of_few_rows_from_collapsing():
    X, y, _ = two_regimes(60)
    labels = np.zeros(60, dtype=int)
    labels[:3] = 1
    y[:3] = 5.0
    model = MixtureOfExpertsRegressor(n_experts=2, expert_features=[])
    with pytest.warns(UserWarning, match="have collapsed"):
        collapsed = clone(model).fit(X, y, expert_labels=labels)
    held = model.set_params(family=Gaussian(prior_rows=1.0))
    held.fit(X, y, expert_labels=labels)  # a warning is an error
    assert_allclose(collapsed.dispersions_[1], 1e-3 * y.std())
    assert_allclose(held.dispersions_[1], y.std() / 2)


def test_estimated_shapes_keep_the_prior(regression):
    family = StudentT(prior_rows=3.0)
    model = MixtureOfExpertsRegressor(n_experts=1, family=family).fit(*regression)
    assert model.families_[0].prior_rows == 3.0
    assert model.families_[0].df > 0.1


@pytest.mark.parametrize("family", SCALE_FAMILIES)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prior_rows", -1),
        ("prior_rows", np.inf),
        ("prior_scale", 0),
        ("prior_scale", "x"),
    ],
)
def test_settings_of_the_prior_are_checked(regression, family, name, value):
    X, y = regression
    model = MixtureOfExpertsRegressor(family=family(**{name: value}))
    with pytest.raises(ValueError, match=f"{name} of {family.__name__} must be"):
        model.fit(X, np.exp(y))


# -- shares ----------------------------------------------------------------------------


@pytest.mark.parametrize("n_experts", [1, 3, 8])
def test_shares_have_the_prior_rows_in_them(n_experts):
    rng = np.random.RandomState(0)
    R = rng.dirichlet(np.ones(n_experts), size=50)
    weights = rng.uniform(0.5, 2.0, size=50)
    gate = ConstantGate(prior_rows=4.0).fit(np.zeros((50, 1)), R, weights)
    expected = (weights @ R + 4) / (weights.sum() + 4 * n_experts)
    assert_allclose(gate.proportions_, expected, rtol=1e-12)
    assert gate.prior_rows == 4.0


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("groups", [False, True])
def test_the_prior_on_shares_is_in_the_objective(request, task, groups):
    X, y = request.getfixturevalue(task)
    kind = MixtureOfExpertsRegressor
    if task == "classification":
        kind = MixtureOfExpertsClassifier
    codes = np.arange(150) // 3 if groups else None
    model = kind(n_experts=2, gate=ConstantGate(prior_rows=20.0))
    model.fit(X, y, groups=codes)
    assert never_falls(model)
    if task == "regression":
        n_units = 50 if groups else 150
        prior = 20 * np.log(model.gate_.proportions_).sum()
        objective = (model.log_likelihood_ + prior) / n_units
        assert_allclose(model.lower_bound_, objective)


def test_it_is_the_balance_of_a_softmax_gate_without_columns(regression):
    X, y = regression
    settings = {"gate_features": [], "n_experts": 2, **TIGHT}
    gates = ConstantGate(prior_rows=30.0), SoftmaxGate(balance=30.0)
    fits = [MixtureOfExpertsRegressor(gate=g, **settings).fit(X, y) for g in gates]
    shares = [fit.gate_proba(X[:1]) for fit in fits]
    assert_allclose(shares[0], shares[1], atol=1e-5)
    free = MixtureOfExpertsRegressor(gate=ConstantGate(), **settings).fit(X, y)
    assert np.ptp(shares[0]) < 0.9 * np.ptp(free.gate_.proportions_)


def test_selected_shares_keep_the_prior():
    gate = ConstantGate(prior_rows=2.0).fit(np.zeros((3, 1)), np.eye(3))
    assert gate.select([0, 2]).prior_rows == 2.0


def test_prior_rows_of_shares_are_checked():
    with pytest.raises(ValueError, match="'prior_rows' parameter of ConstantGate"):
        ConstantGate(prior_rows=-1).fit(np.zeros((2, 1)), np.eye(2))
