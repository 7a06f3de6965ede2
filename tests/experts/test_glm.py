# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Generalised linear experts of all families, their offsets and their lists."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import (
    GammaRegressor,
    HuberRegressor,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    TweedieRegressor,
)
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.em.states.summed import SummedMixture
from skmoe.experts import EstimatorExperts, GeneralizedLinearRegressor, GLMExperts
from skmoe.experts.base import ExpertTask
from skmoe.experts.glm import GLMTrainer
from skmoe.families import FAMILIES, StudentT
from skmoe.families.links import LINKS
from skmoe.gates import ConstantGate, SoftmaxGate
from skmoe.rows.design import Designs
from tests.shared import assert_never_falls

# Parameters that data are drawn with; the dispersion first.
PARAMETERS = {
    "gaussian": [0.3],
    "laplace": [0.3],
    "student_t": [0.3, 4.0],
    "skew_normal": [0.5, 3.0],
    "log_normal": [0.3],
    "gamma": [0.1],
    "inverse_gaussian": [0.1],
    "poisson": [],
    "negative_binomial": [0.3],
    "binomial": [],
    "beta": [0.1],
}
NAMES = list(PARAMETERS)


def draw(name, n_samples=400, seed=0):
    """X (n, 2), y of two regimes by the sign of the first column."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, 2))
    family = FAMILIES[name]()
    scores = np.where(X[:, 0] > 0, 1.0 + 0.5 * X[:, 1], -0.5 - 0.5 * X[:, 1])
    prediction = LINKS[family.link](scores)[0][:, None]
    parameters = np.array(PARAMETERS[name])[:, None, None]
    if name == "binomial":
        trials = rng.randint(1, 10, size=n_samples)
        successes = rng.binomial(trials, prediction[:, 0])
        return X, np.column_stack([successes, trials - successes])
    return X, family.sample(prediction, parameters, rng)[:, 0]


def fit(name, X, y, n_experts=2, **parameters):
    return MixtureOfExpertsRegressor(
        n_experts=n_experts, family=name, **parameters
    ).fit(X, y)


# -- EM -------------------------------------------------------------------------------


@pytest.mark.parametrize("accelerate", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_em_is_monotone(name, accelerate):
    model = fit(name, *draw(name), accelerate=accelerate, max_iter=1000, tol=1e-5)
    assert isinstance(model._mixture.experts, GLMExperts) or name == "gaussian"
    assert_never_falls(model.lower_bounds_)
    assert model.converged_


@pytest.mark.parametrize("name", NAMES)
def test_two_experts_find_the_regimes(name):
    X, y = draw(name, 2000)
    model = fit(name, X, y)
    alone = fit(name, X, y, n_experts=1)
    assert model.log_likelihood_ > alone.log_likelihood_ + 50
    side = model.apply(X) == model.apply([[5.0, 0.0]])
    assert np.mean(side == (X[:, 0] > 0)) > 0.9


def make_mixture(name, offset=None, alpha=0.1):
    """A SummedMixture of generalised linear experts at a generic state."""
    X, y = draw(name, 80)
    family, weights = FAMILIES[name](), np.random.RandomState(0).uniform(0.5, 2, 80)
    targets = y.reshape(80, -1)
    task = ExpertTask(
        templates=[GeneralizedLinearRegressor(alpha=alpha)] * 2,
        names=["a", "b"],
        X=X,
        y=targets,
        labels=y,
        classes=None,
        weights=weights,
        families=[family] * 2,
        floors=[family.floors(targets, weights, 1e-3)] * 2,
        designs=Designs(weights),
        offset=offset,
    )
    gate = SoftmaxGate(0.05).trainer(X, 2, weights, task.designs)
    mixture = SummedMixture(gate, GLMTrainer(task), weights)
    mixture.begin(np.random.RandomState(1).dirichlet([1.0, 1.0], size=80))
    return mixture


@pytest.mark.parametrize("name", NAMES)
def test_score_is_the_gradient(name):
    offset = np.random.RandomState(2).normal(size=80) / 4
    mixture = make_mixture(name, offset)

    def objective(values):
        mixture.parameters = values
        return mixture.e_step()[1]

    position = mixture.parameters
    score = mixture.local_model(mixture.e_step()).score
    steps = 1e-6 * np.eye(len(position))
    numeric = [
        (objective(position + step) - objective(position - step)) / 2e-6
        for step in steps
    ]
    # The Laplace density has a kink at each observation.
    assert_allclose(score, numeric, atol=1e-4 if name == "laplace" else 1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_blocks_add_up_to_the_whole(name, monkeypatch):
    mixture = make_mixture(name)
    whole = mixture.local_model(mixture.e_step())
    monkeypatch.setattr("skmoe.numerics.batches.CACHE_SIZE", 1)
    mixture.parameters = mixture.parameters
    blocks = mixture.local_model(mixture.e_step())
    assert_allclose(blocks.score, whole.score, atol=1e-12)
    assert_allclose(blocks.target, whole.target, atol=1e-9)


# -- reductions -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expert"),
    [
        ("poisson", PoissonRegressor(alpha=0, tol=1e-9, max_iter=1000)),
        ("gamma", GammaRegressor(alpha=0, tol=1e-9, max_iter=1000)),
        (
            "inverse_gaussian",
            TweedieRegressor(power=3, alpha=0, tol=1e-9, max_iter=1000),
        ),
        ("gaussian", LinearRegression()),
    ],
)
def test_one_expert_is_the_estimator_of_scikit_learn(name, expert):
    X, y = draw(name)
    weights = np.random.RandomState(0).uniform(0.5, 2, size=len(y))
    alone = GeneralizedLinearRegressor(family=name).fit(X, y, weights)
    expected = expert.fit(X, y, sample_weight=weights)
    assert_allclose(alone.coef_, expected.coef_, atol=1e-5)
    assert_allclose(alone.predict(X), expected.predict(X), rtol=1e-5)


def test_one_binomial_expert_is_logistic_regression():
    X, y = draw("binomial")
    alone = GeneralizedLinearRegressor(family="binomial").fit(X, y)
    rows = np.repeat(np.arange(len(y)), y.sum(axis=1))
    classes = np.concatenate([[1] * s + [0] * f for s, f in y])
    expected = LogisticRegression(C=np.inf, tol=1e-10).fit(X[rows], classes)
    assert_allclose(alone.coef_, expected.coef_[0], atol=1e-5)
    assert_allclose(alone.predict(X), expected.predict_proba(X)[:, 1], atol=1e-6)


def test_gaussian_generalised_linear_experts_are_linear_experts():
    X, y = draw("gaussian")
    linear = fit("gaussian", X, y, tol=1e-10)
    generalised = fit("gaussian", X, y, experts=GeneralizedLinearRegressor(), tol=1e-10)
    assert isinstance(generalised._mixture.experts, GLMExperts)
    assert_allclose(generalised.log_likelihood_, linear.log_likelihood_, rtol=1e-8)
    assert_allclose(generalised.predict(X), linear.predict(X), atol=1e-5)


def test_student_t_with_many_degrees_of_freedom_is_gaussian():
    X, y = draw("gaussian")
    gaussian = fit("gaussian", X, y, tol=1e-10)
    almost = fit(StudentT(df=1e8), X, y, tol=1e-10)
    assert_allclose(almost.log_likelihood_, gaussian.log_likelihood_, rtol=1e-6)
    assert_allclose(almost.predict(X), gaussian.predict(X), atol=1e-4)


@pytest.mark.parametrize("name", ["poisson", "gamma", "beta", "binomial"])
def test_sparse_equals_dense(name):
    X, y = draw(name)
    X[np.abs(X) < 0.5] = 0.0
    dense, sparse = fit(name, X, y, tol=1e-9), fit(name, sp.csr_matrix(X), y, tol=1e-9)
    assert_allclose(sparse.predict(sp.csr_matrix(X)), dense.predict(X), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_integer_weights_are_repeated_rows(name):
    X, y = draw(name, 150)
    weights = np.random.RandomState(1).randint(0, 3, size=150)
    model = MixtureOfExpertsRegressor(n_experts=2, family=name, tol=1e-10)
    weighted = model.fit(X, y, weights).predict(X)
    repeated = model.fit(np.repeat(X, weights, axis=0), np.repeat(y, weights, axis=0))
    tolerance = 1e-3 if name == "laplace" else 1e-5
    assert_allclose(weighted, repeated.predict(X), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ["poisson", "student_t", "gamma"])
def test_warm_start_goes_on(name):
    X, y = draw(name)
    model = MixtureOfExpertsRegressor(n_experts=2, family=name, warm_start=True)
    with pytest.warns(UserWarning, match="did not converge"):
        model.set_params(max_iter=3).fit(X, y)
    short = model.log_likelihood_
    model.set_params(max_iter=200).fit(X, y)
    assert model.log_likelihood_ > short
    assert_allclose(model.log_likelihood_, fit(name, X, y).log_likelihood_, rtol=1e-5)


def test_several_targets_are_independent_given_the_expert():
    X, y = draw("poisson")
    both = np.column_stack([y, y])
    model = fit("poisson", X, both)
    assert model.predict(X).shape == both.shape
    assert model.experts_[0].coef_.shape == (2, 2)
    assert_allclose(model.predict(X)[:, 0], model.predict(X)[:, 1], rtol=1e-6)


# -- results --------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_fitted_models_are_consistent(name):
    X, y = draw(name)
    model = fit(name, X, y)
    assert_allclose(model.score_samples(X, y).sum(), model.log_likelihood_, rtol=1e-9)
    answers = model.predict_experts(X)
    mixed = (model.gate_proba(X) * answers).sum(axis=1)
    assert_allclose(model.predict(X), mixed)
    for k, expert in enumerate(model.experts_):
        location = expert.predict(X)[:, None]
        values = model._mixture.experts.noise.parameters[k][:, None]
        mean = model.families_[k].mean(location, values[: len(values)])
        assert_allclose(np.broadcast_to(mean, location.shape)[:, 0], answers[:, k])
    best = clone(model).set_params(top_k=1).fit(X, y)
    chosen = answers[np.arange(len(X)), model.apply(X)]
    assert_allclose(best.predict(X), chosen, rtol=1e-6)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"binomial"}))  # single trials
def test_std_is_that_of_draws(name):
    X, y = draw(name)
    model = fit(name, X, y)
    rows = X[:5]
    mean, std = model.predict(rows, return_std=True)
    drawn = model.sample_y(rows, 4000, random_state=0)
    assert drawn.shape == (5, 4000)
    spread = drawn.std(axis=1)
    assert_allclose(drawn.mean(axis=1), mean, atol=5 * std.max() / np.sqrt(4000))
    if name != "student_t":  # whose variance converges slowly
        assert_allclose(spread, std, rtol=0.2)


def test_estimated_degrees_of_freedom_are_told():
    X, y = draw("student_t", 2000)
    model = fit("student_t", X, y)
    assert all(2 < family.df < 12 for family in model.families_)
    table = model.summary()
    assert_allclose(table["df"], [family.df for family in model.families_])
    n_coefficients = 2 * 3 + 3
    assert model.n_parameters_ == n_coefficients + 2 * 2


# -- offset ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exposed():
    """Counts (500,) with exposures: a frame of x, log exposure and z."""
    rng = np.random.RandomState(0)
    table = pd.DataFrame(rng.normal(size=(500, 3)), columns=["x", "log_time", "z"])
    rate = np.where(table["z"] > 0, np.exp(1 + 0.5 * table["x"]), 0.5)
    return table, rng.poisson(rate * np.exp(table["log_time"]))


def test_the_offset_has_no_coefficient(exposed):
    X, y = exposed
    model = fit("poisson", X, y, offset_feature="log_time")
    assert [len(expert.coef_) for expert in model.experts_] == [2, 2]
    assert list(model.experts_[0].feature_names_in_) == ["x", "z"]
    assert model.gate_.coef_.shape == (2, 2)
    plain = fit("poisson", X, y, expert_features=["x", "z"], gate_features=["x", "z"])
    assert model.log_likelihood_ > plain.log_likelihood_ + 100


def test_predictions_are_proportional_to_the_exposure(exposed):
    X, y = exposed
    model = fit("poisson", X, y, offset_feature="log_time")
    longer = X.assign(log_time=X["log_time"] + np.log(3))
    assert_allclose(model.predict(longer), 3 * model.predict(X))
    assert_allclose(model.predict_experts(longer), 3 * model.predict_experts(X))
    assert_allclose(model.gate_proba(longer), model.gate_proba(X))
    assert_allclose(model.score_samples(X, y).sum(), model.log_likelihood_, rtol=1e-9)


def test_a_constant_offset_moves_the_intercept_only(exposed):
    X, y = exposed
    shifted = X.assign(log_time=0.7)
    with_offset = fit("poisson", shifted, y, offset_feature="log_time", tol=1e-10)
    without = fit("poisson", X[["x", "z"]], y, tol=1e-10)
    assert_allclose(with_offset.predict(shifted), without.predict(X[["x", "z"]]))
    moved = [e.intercept_ + 0.7 for e in with_offset.experts_]
    assert_allclose(moved, [e.intercept_ for e in without.experts_], atol=1e-6)


def test_an_offset_by_index_and_in_sparse_rows(exposed):
    X, y = exposed
    named = fit("poisson", X, y, offset_feature="log_time", tol=1e-9)
    array = fit("poisson", X.to_numpy(), y, offset_feature=1, tol=1e-9)
    matrix = sp.csr_matrix(X.to_numpy())
    sparse = fit("poisson", matrix, y, offset_feature=1, tol=1e-9)
    assert_allclose(array.predict(X.to_numpy()), named.predict(X))
    assert_allclose(sparse.predict(matrix), named.predict(X), rtol=1e-5)


def test_a_gaussian_offset_is_subtracted_from_y():
    X, y = draw("gaussian")
    offset = np.random.RandomState(5).normal(size=len(y))
    with_offset = fit(
        "gaussian", np.column_stack([X, offset]), y + offset, offset_feature=2
    )
    plain = fit("gaussian", X, y)
    assert_allclose(with_offset.log_likelihood_, plain.log_likelihood_, rtol=1e-5)


def test_an_offset_needs_linear_experts(exposed):
    X, y = exposed
    with pytest.raises(ValueError, match="offset_feature is added to the scores"):
        fit("poisson", X, y, experts=DecisionTreeRegressor(), offset_feature=1)
    with pytest.raises(ValueError, match=r"offset_feature=.*selects no columns"):
        fit("poisson", X, y, offset_feature="exposure")


# -- families of their own ------------------------------------------------------------


def test_zero_inflated_counts():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(2000, 2))
    is_zero = rng.uniform(size=2000) < 1 / (1 + np.exp(-2 * X[:, 0]))
    y = np.where(is_zero, 0, rng.poisson(np.exp(1 + 0.5 * X[:, 1])))
    model = fit(["zero", "poisson"], X, y, tol=1e-9)
    assert isinstance(model.experts_[0], DummyRegressor)
    assert_array_equal(model.predict_experts(X)[:, 0], 0.0)
    assert_allclose(model.experts_[1].coef_, [0.0, 0.5], atol=0.05)
    assert model.responsibilities(X, y)[y > 0, 0].max() == 0.0
    # Gate: slope and intercept; counts: two slopes and an intercept; zero: nothing.
    assert model.n_parameters_ == 3 + 3
    assert_never_falls(model.lower_bounds_)
    drawn = model.sample_y(X, 20, random_state=0)
    assert_allclose(np.mean(drawn == 0), np.mean(y == 0), atol=0.02)


def test_a_uniform_background_takes_the_outliers():
    X, y = draw("gaussian", 1000)
    rng = np.random.RandomState(1)
    outliers = np.arange(0, 1000, 10)
    y[outliers] = rng.uniform(-50, 50, size=100)
    clean = fit(["uniform", "gaussian", "gaussian"], X, y, n_experts=3)
    assert clean.responsibilities(X, y)[outliers, 0].mean() > 0.9
    assert_allclose(clean.dispersions_[1:], 0.3, atol=0.1)
    without = fit("gaussian", X, y, n_experts=3)
    assert clean.bic(X, y) < without.bic(X, y)


def test_each_expert_its_own_family():
    X, y = draw("gamma", 1000)
    model = fit(["gamma", "log_normal"], X, y, tol=1e-9)
    assert [type(family).__name__ for family in model.families_] == [
        "Gamma",
        "LogNormal",
    ]
    assert isinstance(model._mixture.experts, GLMExperts)
    assert_never_falls(model.lower_bounds_)
    assert_allclose(model.score_samples(X, y).sum(), model.log_likelihood_, rtol=1e-9)
    top = clone(model).set_params(top_k=1).fit(X, y)
    chosen = model.predict_experts(X)[np.arange(len(X)), model.apply(X)]
    assert_allclose(top.predict(X), chosen, rtol=1e-6)


def test_a_list_of_equal_families_is_that_family():
    X, y = draw("poisson")
    one, many = fit("poisson", X, y), fit(["poisson", "poisson"], X, y)
    assert_array_equal(one.predict(X), many.predict(X))


def test_a_family_list_of_another_length_is_an_error():
    X, y = draw("poisson")
    with pytest.raises(ValueError, match="one entry for each of the 2 experts"):
        fit(["zero", "poisson", "poisson"], X, y)


def test_a_value_that_no_family_takes_is_named():
    X, y = draw("poisson")
    y[3] = -1
    with pytest.raises(ValueError, match=r"y\[3\] = .*-1.* domain of no family"):
        fit(["zero", "poisson"], X, y)
    with pytest.raises(ValueError, match=r"poisson.*y\[3\] = -1"):
        fit("poisson", X, y)


# -- other learners -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expert"),
    [
        ("poisson", PoissonRegressor(alpha=1e-3)),
        ("poisson", HistGradientBoostingRegressor(loss="poisson", max_iter=10)),
        ("gamma", GammaRegressor(alpha=1e-3)),
        ("gamma", TweedieRegressor(power=2, link="log", alpha=1e-3)),
        ("gamma", DecisionTreeRegressor(max_depth=3)),
        ("laplace", QuantileRegressor(alpha=0)),
        ("student_t", HuberRegressor()),
        ("log_normal", DecisionTreeRegressor(max_depth=3)),
        ("binomial", DecisionTreeRegressor(max_depth=3)),
        ("negative_binomial", DecisionTreeRegressor(max_depth=3)),
    ],
)
def test_estimators_are_experts_of_every_family(name, expert):
    X, y = draw(name)
    model = fit(name, X, y, experts=expert, tol=1e-3, random_state=0)
    assert isinstance(model._mixture.experts, EstimatorExperts)
    assert_never_falls(model.lower_bounds_)
    assert_allclose(model.score_samples(X, y).sum(), model.log_likelihood_, rtol=1e-9)
    alone = fit(name, X, y, n_experts=1, gate=ConstantGate())
    assert model.log_likelihood_ > alone.log_likelihood_


def test_log_normal_estimators_are_fitted_to_logarithms():
    X, y = draw("log_normal")
    model = fit("log_normal", X, y, 1, experts=DecisionTreeRegressor(max_depth=2))
    alone = DecisionTreeRegressor(max_depth=2).fit(X, np.log(y))
    assert_allclose(model.experts_[0].predict(X), alone.predict(X))
    expected = np.exp(alone.predict(X) + model.dispersions_[0] ** 2 / 2)
    assert_allclose(model.predict(X), expected)


def test_binomial_estimators_are_fitted_to_proportions_weighted_by_trials():
    X, y = draw("binomial")
    model = fit("binomial", X, y, 1, experts=DecisionTreeRegressor(max_depth=2))
    trials = y.sum(axis=1)
    alone = DecisionTreeRegressor(max_depth=2).fit(X, y[:, 0] / trials, trials)
    assert_allclose(model.predict(X), alone.predict(X))
