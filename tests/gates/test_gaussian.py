# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The Gaussian gate: closed form, Bayes' rule, score and information."""

from importlib.util import find_spec

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline

from skmoe import MixtureOfExpertsRegressor
from skmoe.em.states.summed import SummedMixture
from skmoe.gates import GaussianGate
from skmoe.rows.design import Designs
from tests.shared import assert_never_falls, two_regimes

TYPES = ["full", "diag", "tied"]


def weighted_moments(X, R, weights):
    """Proportions, means and full covariances by the formulas of the docstring."""
    share = R * weights[:, None]
    totals = share.sum(axis=0)
    means = (share.T @ X) / totals[:, None]
    centered = X[:, None, :] - means
    covariances = np.einsum("nk,nki,nkj->kij", share, centered, centered)
    return totals / weights.sum(), means, covariances / totals[:, None, None]


def as_matrices(gate):
    """Covariances as full matrices, (K, d, d)."""
    covariances = gate.covariances_
    if gate.covariance_type == "diag":
        return np.stack([np.diag(diagonal) for diagonal in covariances])
    if gate.covariance_type == "tied":
        return np.stack([covariances] * len(gate.means_))
    return covariances


@pytest.mark.parametrize("reg_covar", [0.0, 0.01])
@pytest.mark.parametrize("kind", TYPES)
def test_one_fit_is_the_closed_form(soft_labels, kind, reg_covar):
    X, R, weights = soft_labels
    gate = GaussianGate(kind, reg_covar).fit(X, R, weights)
    proportions, means, covariances = weighted_moments(X, R, weights)
    share = weights / weights.sum()
    variances = share @ (X - share @ X) ** 2
    if kind == "tied":
        covariances = np.stack([np.tensordot(proportions, covariances, 1)] * 3)
    if kind == "diag":
        covariances = covariances * np.eye(3)
    assert_allclose(gate.proportions_, proportions, rtol=1e-12)
    assert_allclose(gate.means_, means, rtol=1e-10)
    expected = covariances + reg_covar * np.diag(variances)
    assert_allclose(as_matrices(gate), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", TYPES)
def test_probabilities_are_bayes_rule(soft_labels, kind):
    X, R, _ = soft_labels
    gate = GaussianGate(kind, reg_covar=0).fit(X, R)
    density = np.column_stack(
        [
            proportion * multivariate_normal(mean, covariance).pdf(X)
            for proportion, mean, covariance in zip(
                gate.proportions_, gate.means_, as_matrices(gate), strict=True
            )
        ]
    )
    total = density.sum(axis=1)
    assert_allclose(gate.predict_proba(X), density / total[:, None], rtol=1e-8)
    assert_allclose(gate.score_samples(X), np.log(total), rtol=1e-9)


@pytest.mark.parametrize(
    ("kind", "analysis"),
    [
        ("full", QuadraticDiscriminantAnalysis()),
        ("tied", LinearDiscriminantAnalysis(solver="lsqr")),
    ],
)
def test_hard_labels_make_it_discriminant_analysis(soft_labels, kind, analysis):
    X, R, _ = soft_labels
    labels = R.argmax(axis=1)
    proba = GaussianGate(kind, reg_covar=0).fit(X, np.eye(3)[labels]).predict_proba(X)
    expected = analysis.fit(X, labels).predict_proba(X)
    # Quadratic analysis divides by N - 1, which moves probabilities a little.
    assert_allclose(proba, expected, atol=0.03 if kind == "full" else 1e-8)


def trained(soft_labels, kind, reg_covar=0.01):
    """A trainer off its optimum, and the weighted responsibilities."""
    X, R, weights = soft_labels
    gate = GaussianGate(kind, reg_covar)
    trainer = gate.trainer(X, 3, weights, Designs(weights))
    trainer.step(R[:, ::-1] * weights[:, None])
    return trainer, R * weights[:, None]


def free(trainer):
    """The parameters that are not above the diagonal of U."""
    triangle = np.tril(np.ones(trainer.U.shape))
    ones = np.ones_like
    flat = [ones(trainer.eta), triangle.ravel(), ones(trainer.b).ravel()]
    return np.concatenate(flat) > 0


@pytest.mark.parametrize("kind", TYPES)
def test_the_score_is_the_gradient(soft_labels, kind):
    trainer, R = trained(soft_labels, kind)
    start, where = trainer.parameters, free(trainer)
    _, ascent = trainer.value_and_local_model(R)

    def expected(values):
        moved = start.copy()
        moved[where] = values
        trainer.parameters = moved
        return trainer.expected(R)

    numeric = approx_fprime(start[where], expected, 1e-6)
    assert_allclose(ascent.score[where], numeric, atol=2e-5)
    assert_allclose(ascent.score[~where], 0.0)


@pytest.mark.parametrize("kind", TYPES)
def test_the_target_is_the_maximum_and_the_solver_inverts_its_curvature(
    soft_labels, kind
):
    trainer, R = trained(soft_labels, kind, reg_covar=0.0)
    trainer.step(R)
    best, where = trainer.parameters, free(trainer)
    _, ascent = trainer.value_and_local_model(R)
    assert_allclose(ascent.score, 0.0, atol=1e-10)
    assert_allclose(ascent.target, best, atol=1e-8)
    hessian = np.empty((where.sum(), where.sum()))
    for row, index in enumerate(np.flatnonzero(where)):
        for sign in (1, -1):
            moved = best.copy()
            moved[index] += sign * 1e-5
            trainer.parameters = moved
            if sign == 1:
                hessian[row] = trainer.value_and_local_model(R)[1].score[where]
            else:
                hessian[row] -= trainer.value_and_local_model(R)[1].score[where]
    trainer.parameters = best
    vector = np.random.RandomState(0).normal(size=where.sum())
    full = np.zeros(len(best))
    full[where] = -(hessian / 2e-5) @ vector
    assert_allclose(ascent.solve(full)[where], vector, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", TYPES)
def test_without_a_target_to_explain_it_is_a_gaussian_mixture(kind):
    rng = np.random.RandomState(0)
    X = np.vstack([rng.normal(size=(150, 2)), rng.normal(size=(100, 2)) * 0.6 + 3])
    y = rng.normal(size=250)
    # With next to nothing to explain in y, densities alone decide.
    model = MixtureOfExpertsRegressor(
        n_experts=2, gate=GaussianGate(kind), tol=1e-10, max_iter=1000
    ).fit(X, np.zeros(250) + 1e-9 * y, sample_weight=np.ones(250))
    start = GaussianMixture(
        2, covariance_type=kind, tol=1e-9, max_iter=1000, reg_covar=0, random_state=0
    ).fit(X)
    assert model.gate_.score_samples(X).mean() >= start.score(X) - 0.05
    order = np.argsort(model.gate_.means_[:, 0])
    expected = start.means_[np.argsort(start.means_[:, 0])]
    assert_allclose(model.gate_.means_[order], expected, atol=0.1)


@pytest.mark.parametrize("kind", TYPES)
def test_linear_experts_beside_it_take_one_pass(regression, kind, monkeypatch):
    X, y = regression
    passes = []
    whole = SummedMixture._pass
    monkeypatch.setattr(
        SummedMixture, "_pass", lambda *args: passes.append(1) or whole(*args)
    )
    model = MixtureOfExpertsRegressor(n_experts=2, gate=GaussianGate(kind)).fit(X, y)
    assert passes
    assert model.converged_
    assert_never_falls(model.lower_bounds_)


@pytest.mark.parametrize("kind", TYPES)
def test_acceleration_ends_at_the_same_maximum_sooner(kind):
    X, y, _ = two_regimes(300, noise=1.0)
    settings = {"n_experts": 2, "max_iter": 5000, "tol": 1e-10}
    fits = [
        MixtureOfExpertsRegressor(
            gate=GaussianGate(kind), accelerate=accelerate, **settings
        ).fit(X, y)
        for accelerate in (True, False)
    ]
    assert_allclose(fits[0].lower_bound_, fits[1].lower_bound_, atol=1e-7)
    assert 1.5 * fits[0].n_iter_ < fits[1].n_iter_


@pytest.mark.filterwarnings("ignore:EM did not converge")
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("features", [None, [0]])
def test_both_engines_and_both_ways_of_em_agree(
    regression, kind, features, monkeypatch
):
    # Rows that estimators are not handed would make the two ways differ.
    monkeypatch.setattr("skmoe.experts.estimators.NEGLIGIBLE", 1e-8)
    X, y = regression
    settings = {"n_experts": 2, "max_iter": 12, "accelerate": False}
    settings |= {"gate": GaussianGate(kind), "gate_features": features}
    model = MixtureOfExpertsRegressor(engine="numpy", **settings).fit(X, y)
    if find_spec("numba"):
        compiled = MixtureOfExpertsRegressor(engine="numba", **settings).fit(X, y)
        assert_allclose(compiled.lower_bounds_, model.lower_bounds_, rtol=1e-9)
    # In a Pipeline a regression is fitted by itself: EM then holds responsibilities.
    line = make_pipeline(LinearRegression())
    whole = MixtureOfExpertsRegressor(line, **settings).fit(X, y)
    assert_allclose(whole.lower_bounds_, model.lower_bounds_, atol=1e-8)


@pytest.mark.parametrize("assignment", ["hard", "stochastic"])
def test_other_assignments_climb_too(regression, assignment):
    X, y = regression
    model = MixtureOfExpertsRegressor(
        n_experts=2, gate=GaussianGate(), assignment=assignment, random_state=0
    ).fit(X, y)
    assert_never_falls(model.lower_bounds_)
    assert_allclose(model.log_likelihood_, model.score_samples(X, y).sum(), rtol=1e-8)


def test_the_bound_is_that_of_the_joint_density(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor(
        n_experts=2, gate=GaussianGate(reg_covar=0), max_iter=500
    ).fit(X, y)
    joint = model.score_samples(X, y) + model.gate_.score_samples(X)
    assert_allclose(model.lower_bound_, joint.mean(), rtol=1e-9)
    moved = clone(model).fit(1000 * X, y)  # a density per unit of each feature
    assert_allclose(moved.lower_bound_, model.lower_bound_ - 2 * np.log(1000))
    assert_allclose(moved.gate_proba(1000 * X), model.gate_proba(X), atol=1e-6)


def test_a_singular_covariance_says_what_to_do(soft_labels):
    X, R, _ = soft_labels
    twice = np.column_stack([X, X[:, 0]])
    with pytest.raises(ValueError, match=r"Increase reg_covar .* Got reg_covar=0"):
        GaussianGate(reg_covar=0).fit(twice, R)
    gate = GaussianGate().fit(twice, R)
    alone = GaussianGate().fit(X, R).predict_proba(X)
    assert_allclose(gate.predict_proba(twice), alone, atol=1e-4)


@pytest.mark.parametrize("kind", TYPES)
def test_an_expert_without_rows_is_left_as_it_was(soft_labels, kind):
    X, R, _ = soft_labels
    R = np.column_stack([R[:, 0] + R[:, 1], R[:, 2], np.zeros(len(R))])
    gate = GaussianGate(kind).fit(X, R)
    assert_allclose(gate.proportions_[2], 0.0, atol=1e-12)
    assert np.all(np.isfinite(gate.covariances_))
    assert_allclose(gate.predict_proba(X)[:, 2], 0.0, atol=1e-12)


def test_density_is_low_where_no_row_was(soft_labels):
    X, R, _ = soft_labels
    gate = GaussianGate().fit(X, R)
    assert gate.score_samples(X + 50).max() < gate.score_samples(X).min()


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"covariance_type": "spherical"}, "covariance_type"),
        ({"reg_covar": -1e-6}, "reg_covar"),
    ],
)
def test_parameters_are_checked(soft_labels, parameters, match):
    with pytest.raises(ValueError, match=match):
        GaussianGate(**parameters).fit(*soft_labels)
