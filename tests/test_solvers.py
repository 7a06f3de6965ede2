# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Weighted Gram matrices, symmetric solves and softmax regression."""

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from scipy.optimize import approx_fprime

from skmoe.solvers import softmax_regression as softmax
from skmoe.solvers.least_squares import BLOCK_ROWS, SymmetricSolver, weighted_grams


@pytest.mark.parametrize("n_samples", [1, 7, BLOCK_ROWS, 2 * BLOCK_ROWS + 3])
@pytest.mark.parametrize("sparse", [False, True])
def test_weighted_grams_are_the_sums_they_name(n_samples, sparse):
    rng = np.random.RandomState(0)
    A = rng.normal(size=(n_samples, 4)) * (rng.uniform(size=(n_samples, 4)) < 0.6)
    weights = rng.uniform(size=(n_samples, 3))
    grams = weighted_grams(sp.csr_matrix(A) if sparse else A, weights)
    expected = np.einsum("np,nk,nq->kpq", A, weights, A)
    assert_allclose(grams, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rank", [5, 3, 1])
@pytest.mark.parametrize("n_rhs", [None, 2])
def test_symmetric_solver_equals_the_pseudo_inverse(rank, n_rhs):
    rng = np.random.RandomState(rank)
    factor = rng.normal(size=(5, rank))
    G = factor @ factor.T
    # Unit diagonal: the minimum norm of the solver is that of the rescaled system.
    G /= np.sqrt(np.outer(np.diag(G), np.diag(G)))
    b = G @ rng.normal(size=5 if n_rhs is None else (5, n_rhs))
    assert_allclose(SymmetricSolver(G).solve(b), np.linalg.pinv(G) @ b, atol=1e-8)


def test_symmetric_solver_does_not_depend_on_units():
    rng = np.random.RandomState(0)
    factor, b = rng.normal(size=(4, 6)), rng.normal(size=4)
    G, units = factor @ factor.T, 10.0 ** np.array([-8, 0, 4, 8])
    scaled = SymmetricSolver(G * units[:, None] * units).solve(b * units)
    assert_allclose(scaled * units, np.linalg.solve(G, b), rtol=1e-9)


def test_symmetric_solver_names_the_null_space():
    A = np.array([[1.0, 1.0, 2.0], [0.0, 0.0, 1.0]])
    solver = SymmetricSolver(A.T @ A)
    assert not solver.full_rank
    assert solver.null_space.shape == (3, 1)
    assert_allclose(A @ solver.null_space, 0.0, atol=1e-12)


def test_symmetric_solver_of_zeros_returns_zeros():
    assert_allclose(SymmetricSolver(np.zeros((3, 3))).solve(np.zeros(3)), 0.0)


def test_log_softmax_survives_huge_scores():
    log_proba = softmax.log_softmax(np.array([[1e5, 0.0, -1e5], [3.0, 3.0, 3.0]]))
    assert_allclose(log_proba[0], [0.0, -1e5, -2e5])
    assert_allclose(np.exp(log_proba[1]), 1 / 3)


def _problem(n_classes, coupling):
    rng = np.random.RandomState(n_classes)
    A = np.column_stack([rng.normal(size=(40, 2)), np.ones(40)])
    weights = rng.uniform(0.5, 2.0, size=40)
    targets = rng.dirichlet(np.ones(n_classes), size=40) * weights[:, None]
    penalty = np.array([0.3, 0.1, 0.0])
    V = rng.normal(size=(n_classes - 1, 3))
    S = softmax.symmetric_coupling(n_classes) if coupling else np.eye(n_classes - 1)
    return A, weights, targets, V, penalty, S


def _objective(flat, A, weights, targets, V, penalty, S):
    V = flat.reshape(V.shape)
    likelihood = np.sum(targets * softmax.log_probabilities(A, V)) / weights.sum()
    return likelihood - softmax.penalty_value(V, penalty, S)


def _gradient(flat, A, weights, targets, V, penalty, S):
    V = flat.reshape(V.shape)
    residuals = targets - weights[:, None] * np.exp(softmax.log_probabilities(A, V))
    return softmax.score(A, residuals, V, penalty, S, weights.sum()).ravel()


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("coupling", [False, True])
def test_score_is_the_gradient(n_classes, coupling):
    problem = _problem(n_classes, coupling)
    flat = problem[3].ravel()
    numeric = approx_fprime(flat, _objective, 1e-7, *problem)
    assert_allclose(_gradient(flat, *problem), numeric, atol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("coupling", [False, True])
def test_information_is_minus_the_hessian(n_classes, coupling):
    problem = _problem(n_classes, coupling)
    A, weights, _, V, penalty, S = problem
    numeric = -approx_fprime(V.ravel(), _gradient, 1e-7, *problem)
    proba = np.exp(softmax.log_probabilities(A, V))
    information = softmax.information(A, proba, weights, penalty, S, weights.sum())
    assert_allclose(information, numeric, atol=1e-6)
    assert_allclose(information, information.T, atol=1e-15)


def test_symmetric_penalty_is_that_of_centred_coefficients():
    V = np.random.RandomState(0).normal(size=(3, 2))
    full = np.vstack([V, np.zeros((1, 2))])
    centred = full - full.mean(axis=0)
    value = softmax.penalty_value(
        V, np.array([2.0, 0.5]), softmax.symmetric_coupling(4)
    )
    assert_allclose(value, 0.5 * np.sum(centred**2 * [2.0, 0.5]))
