# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Symmetric solves and softmax regression."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import approx_fprime

from skmoe.kernels import numpy_kernels
from skmoe.numerics import softmax_regression as softmax
from skmoe.numerics.least_squares import SymmetricSolver, product
from skmoe.numerics.packed import unpack_grams
from skmoe.numerics.softmax import log_softmax


def random_gram(size, rank, seed=0):
    """A non-negative matrix of unit diagonal: (size, size)."""
    factor = np.random.RandomState(seed).normal(size=(size, rank))
    G = factor @ factor.T
    return G / np.sqrt(np.outer(np.diag(G), np.diag(G)))


@pytest.mark.parametrize("ranks", [[5], [3], [1], [5, 5], [5, 1, 3]])
@pytest.mark.parametrize("n_rhs", [1, 2])
def test_symmetric_solver_equals_the_pseudo_inverse(ranks, n_rhs):
    # Unit diagonal: the minimum norm of the solver is that of the rescaled system.
    G = np.stack([random_gram(5, rank, seed=rank) for rank in ranks])
    b = G @ np.random.RandomState(0).normal(size=(len(ranks), 5, n_rhs))
    expected = np.linalg.pinv(G, rcond=1e-10, hermitian=True) @ b
    assert_allclose(SymmetricSolver(G).solve(b), expected, atol=1e-8)


def test_symmetric_solver_does_not_depend_on_units():
    G, b = random_gram(4, 6), np.random.RandomState(1).normal(size=(4, 1))
    units = 10.0 ** np.array([-8, 0, 4, 8])
    scaled = (G * units[:, None] * units)[None]
    solution = SymmetricSolver(scaled).solve(b[None] * units[:, None])[0]
    assert_allclose(solution * units[:, None], np.linalg.solve(G, b), rtol=1e-9)


def test_symmetric_solver_names_the_null_spaces():
    A = np.array([[1.0, 1.0, 2.0], [0.0, 0.0, 1.0]])
    solver = SymmetricSolver(np.stack([A.T @ A, np.eye(3), np.zeros((3, 3))]))
    assert [space.shape for space in solver.null_spaces] == [(3, 1), (3, 0), (3, 3)]
    assert_allclose(A @ solver.null_spaces[0], 0.0, atol=1e-12)
    assert np.linalg.norm(solver.null_spaces[0]) > 0.1


def test_a_singular_matrix_does_not_disturb_its_neighbours():
    G, b = random_gram(4, 6)[None], np.random.RandomState(1).normal(size=(1, 4, 1))
    pair = SymmetricSolver(np.concatenate([G, np.zeros_like(G)]))
    solution = pair.solve(np.concatenate([b, b]))
    assert_allclose(solution[0], SymmetricSolver(G).solve(b)[0], rtol=1e-10)
    assert_allclose(solution[1], 0.0)


@pytest.mark.parametrize("size", [0, 3])
def test_symmetric_solver_of_zeros_returns_zeros(size):
    solver = SymmetricSolver(np.zeros((2, size, size)))
    assert_allclose(solver.solve(np.ones((2, size, 1))), np.zeros((2, size, 1)))


def test_product_is_the_product():
    X, W = np.arange(6.0).reshape(3, 2), np.arange(8.0).reshape(2, 4)
    assert_allclose(product(X, W), X @ W)


def test_log_softmax_survives_huge_scores():
    log_proba = log_softmax(np.array([[1e5, 0.0, -1e5], [3.0, 3.0, 3.0]]))
    assert_allclose(log_proba[0], [0.0, -1e5, -2e5])
    assert_allclose(np.exp(log_proba[1]), 1 / 3)


def test_the_reference_has_score_zero_in_every_group():
    scores = np.arange(20.0).reshape(4, 5) + 1
    full = softmax.with_reference(scores, 2)
    assert full.shape == (2, 3, 5)
    assert_allclose(full[:, :2].reshape(4, 5), scores)
    assert_allclose(full[:, 2], 0.0)


def _problem(n_classes, coupling):
    rng = np.random.RandomState(n_classes)
    A = np.vstack([rng.normal(size=(2, 40)), np.ones(40)])
    weights = rng.uniform(0.5, 2.0, size=40)
    targets = rng.dirichlet(np.ones(n_classes), size=40).T * weights
    penalty = np.array([0.3, 0.1, 0.0])
    V = rng.normal(size=(n_classes - 1, 3))
    S = softmax.symmetric_coupling(n_classes) if coupling else np.eye(n_classes - 1)
    return A, weights, targets, V, penalty, S


def _log_proba(A, V):
    return log_softmax(softmax.with_reference(V @ A, 1)[0].T).T


def _objective(flat, A, weights, targets, V, penalty, S):
    """The formula of the module's docstring."""
    V = flat.reshape(V.shape)
    likelihood = np.sum(targets * _log_proba(A, V)) / weights.sum()
    return likelihood - softmax.penalty_value(V, penalty, S)


def _gradient(flat, A, weights, targets, V, penalty, S):
    V = flat.reshape(V.shape)
    residuals = (targets - weights * np.exp(_log_proba(A, V)))[:-1]
    return (residuals @ A.T / weights.sum() - S @ V * penalty).ravel()


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("coupling", [False, True])
def test_hessian_is_that_of_the_objective(n_classes, coupling):
    problem = _problem(n_classes, coupling)
    A, weights, _, V, penalty, S = problem
    numeric = approx_fprime(V.ravel(), _objective, 1e-7, *problem)
    assert_allclose(_gradient(V.ravel(), *problem), numeric, atol=1e-6)
    numeric = -approx_fprime(V.ravel(), _gradient, 1e-7, *problem)
    proba = np.exp(_log_proba(A, V))[None]
    curvature = numpy_kernels.softmax_curvature(proba, weights[None])
    grams = unpack_grams(numpy_kernels.weighted_grams(A, curvature), len(A))
    hessian = softmax.hessian(grams / weights.sum(), penalty, S)
    assert_allclose(hessian, numeric, atol=1e-6)
    assert_allclose(hessian, hessian.T, atol=1e-15)


def test_a_hessian_without_curvature_is_damped():
    hessian = softmax.hessian(np.zeros((3, 2, 2)), np.zeros(2), np.eye(2))
    assert_allclose(hessian, softmax.DAMPING * np.eye(4))


def test_symmetric_penalty_is_that_of_centred_coefficients():
    V = np.random.RandomState(0).normal(size=(3, 2))
    full = np.vstack([V, np.zeros((1, 2))])
    centred = full - full.mean(axis=0)
    value = softmax.penalty_value(
        V, np.array([2.0, 0.5]), softmax.symmetric_coupling(4)
    )
    assert_allclose(value, 0.5 * np.sum(centred**2 * [2.0, 0.5]))
