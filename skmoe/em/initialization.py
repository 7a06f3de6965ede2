# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Initial responsibilities.

Every start here but k-means is a function of the weighted data as a measure: it does
not depend on the order of the rows, equal rows get equal responsibilities, and a row of
weight two counts as two rows. Random starts draw directions, frequencies or quantiles,
never one number per row.
"""

import numpy as np
import scipy.sparse as sp
from sklearn.cluster import KMeans
from sklearn.utils import check_array, check_consistent_length

from skmoe._design import weighted_moments
from skmoe.solvers.least_squares import SymmetricSolver, weighted_grams
from skmoe.solvers.softmax_regression import log_softmax

# Overlap of the initial responsibilities, in experts: nearly pooled starts reach the
# best maximum most often (docs/defaults.md).
OVERLAP = 2.0
FOURIER_FREQUENCY = 10.0
FOURIER_AMPLITUDE = 1.5
# Size of drawn coefficients of classifiers, per standard deviation of a feature.
CLASSIFIER_SLOPE = 3.0
# A drawn line's scale: the residual that this share of an expert's fair share exceeds.
ELEMENTAL_QUANTILE = 0.5
MAX_POOLED_FEATURES = 1000


class StartingPoint:
    """What starts are made from: features, and what a pooled linear fit leaves of y.

    Parameters
    ----------
    gate, experts : {ndarray, CSR matrix} of shape (n, d + 1)
        Design matrices (last column one) of the columns that either sees.
    Y : ndarray of shape (n, T)
        Targets; indicators of the classes for a classifier.
    weights : ndarray of shape (n,)
    n_experts : int
    is_classification : bool
    """

    def __init__(self, gate, experts, Y, weights, n_experts, is_classification=False):
        self.is_classification = is_classification
        self.A = experts
        # Where the gate sees no columns, experts divide the rows by what they see.
        self.dividing = (gate if gate.shape[1] > 1 else experts)[:, :-1]
        self.features = [experts[:, :-1]]
        if self.dividing.shape[1] and gate is not experts:
            self.features.append(self.dividing)
        self.weights = weights / weights.sum()
        self.n_experts = n_experts
        self.Y = _standardise(Y, weights)
        self.residuals = _standardise(self._pooled_residuals(), weights)

    def _pooled_residuals(self):
        if self.A.shape[1] > MAX_POOLED_FEATURES:
            return self.Y
        gram = weighted_grams(self.A, self.weights[:, None])[0]
        moments = self.A.T @ (self.weights[:, None] * self.Y)
        return self.Y - self.A @ SymmetricSolver(gram).solve(moments)

    def project(self, rng, n_directions):
        """Scores (n, m) along random directions in all features and the residuals."""
        scores = 0.0
        for part in [*self.features, self.residuals]:
            scores = scores + part @ rng.normal(size=(part.shape[1], n_directions))
        return scores

    def covariance_score(self):
        """Rows along the direction that varies most with y (partial least squares)."""
        if not self.dividing.shape[1]:
            return self.Y[:, 0]
        covariance = self.dividing.T @ (self.weights[:, None] * self.Y)
        if np.abs(covariance).max() < 1e-10:
            # A y that is symmetric in the features: any direction divides the rows.
            return self.dividing @ np.ones(self.dividing.shape[1])
        leading = np.linalg.svd(covariance, full_matrices=False)[2][0]
        return self.dividing @ (covariance @ leading)

    # -- the starts -------------------------------------------------------------------

    def quantile(self):
        """Overlapping quantile groups of `covariance_score`: deterministic."""
        return self._groups(self.covariance_score())

    def direction(self, rng):
        """Overlapping quantile groups along a random direction."""
        return self._groups(self.project(rng, 1)[:, 0])

    def fourier(self, rng):
        """Random Fourier features: nearly independent for rows that differ."""
        phase = rng.uniform(0, 2 * np.pi, size=self.n_experts)
        angles = FOURIER_FREQUENCY * self.project(rng, self.n_experts) + phase
        return _normalise(FOURIER_AMPLITUDE * np.cos(angles))

    def elemental(self, rng):
        """Hyperplanes through as many drawn rows as they have coefficients."""
        order = self._measure_order()
        cumulated = np.cumsum(self.weights[order])
        log_density = np.empty((self.A.shape[0], self.n_experts))
        for k in range(self.n_experts):
            drawn = np.searchsorted(cumulated, rng.uniform(size=self.A.shape[1]))
            rows = order[np.minimum(drawn, len(order) - 1)]
            A = self.A[rows]
            A = A.toarray() if sp.issparse(A) else A
            ridge = 1e-6 * np.eye(A.shape[1])
            coefficients = np.linalg.solve(A.T @ A + ridge, A.T @ self.Y[rows])
            distance = np.linalg.norm(self.Y - self.A @ coefficients, axis=1)
            scale = self._quantile_of(distance, ELEMENTAL_QUANTILE / self.n_experts)
            log_density[:, k] = -0.5 * (distance / scale) ** 2 - np.log(scale)
        return _normalise(_clipped(log_density))

    def classifiers(self, rng):
        """Softmax regressions with drawn coefficients, for targets that are classes."""
        n_classes = self.Y.shape[1]
        labels = self.Y.argmax(axis=1)[:, None]
        log_density = np.empty((self.A.shape[0], self.n_experts))
        for k in range(self.n_experts):
            shape = (self.A.shape[1], n_classes)
            coefficients = CLASSIFIER_SLOPE * rng.normal(size=shape)
            log_proba = log_softmax(self.A @ coefficients)
            log_density[:, k] = np.take_along_axis(log_proba, labels, axis=1)[:, 0]
        return _normalise(_clipped(log_density))

    # -- helpers ----------------------------------------------------------------------

    def _groups(self, scores):
        """Soft groups by weighted mid-rank; equal scores have equal ranks."""
        scores = _rounded(scores)
        _, group = np.unique(scores, return_inverse=True)
        mass = np.bincount(group, weights=self.weights)
        rank = (np.cumsum(mass) - 0.5 * mass)[group]
        centers = (np.arange(self.n_experts) + 0.5) / self.n_experts
        steps = (rank[:, None] - centers) * self.n_experts / OVERLAP
        return _normalise(-0.5 * steps**2)

    def _measure_order(self):
        """An order of the rows that depends on their values only."""
        return np.lexsort((_rounded(self.covariance_score()), *_rounded(self.Y).T))

    def _quantile_of(self, values, share):
        order = np.argsort(values)
        cumulated = np.cumsum(self.weights[order])
        index = min(np.searchsorted(cumulated, share), len(values) - 1)
        return values[order[index]] + 1e-3


def _standardise(Y, weights):
    mean, variance = weighted_moments(Y, weights)
    return (Y - mean) / np.sqrt(np.where(variance > 1e-20, variance, 1.0))


def _rounded(values):
    """Values on which equal rows agree, whatever the order of summation was."""
    scale = np.abs(values).max()
    return np.round(values / scale, 10) if scale > 0 else values


def _clipped(log_density):
    """Differences of at most four, so that no expert is ruled out anywhere."""
    return np.maximum(log_density - log_density.max(axis=1, keepdims=True), -4.0)


def _normalise(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def initial_responsibilities(init, n_init, point, X, y, rng):
    """Return a list of initial responsibilities (n, K), one per start.

    Parameters
    ----------
    init : {'quantile', 'kmeans', 'random'}, array-like or callable
        The estimator's parameter.
    n_init : int
    point : StartingPoint
    X, y : the data as a callable `init` receives them.
    rng : RandomState
    """
    if callable(init):
        seeds = rng.randint(np.iinfo(np.int32).max, size=n_init)
        return [
            check_init(
                init(X, y, point.n_experts, random_state=seed), point, "init(...)"
            )
            for seed in seeds
        ]
    if not isinstance(init, str):
        return [check_init(init, point, "init")]
    if init == "kmeans":
        return [_kmeans(point, rng) for _ in range(n_init)]
    first = [point.quantile()] if init == "quantile" else []
    # Drawn experts find narrow ones among wide ones, drawn directions the rest: the
    # cycle is the mixture of kinds that reached the reference maxima most often.
    drawn = point.classifiers if point.is_classification else point.elemental
    cycle = (drawn, point.direction, drawn, point.fourier)
    return first + [cycle[i % 4](rng) for i in range(n_init - len(first))]


def _kmeans(point, rng):
    features = point.dividing if point.dividing.shape[1] else point.Y
    kmeans = KMeans(point.n_experts, n_init=1, random_state=rng)
    labels = kmeans.fit_predict(features, sample_weight=point.weights)
    return np.eye(point.n_experts)[labels]


def check_init(init, point, name):
    """Responsibilities from the user's labels (n,) or responsibilities (n, K)."""
    n_samples, n_experts = point.A.shape[0], point.n_experts
    values = check_array(init, ensure_2d=False, dtype=None, input_name=name)
    check_consistent_length(values, np.empty(n_samples))
    if values.ndim == 1:
        labels = values.astype(np.intp)
        if np.any(labels != values) or labels.min() < 0 or labels.max() >= n_experts:
            raise ValueError(
                f"{name} as labels must hold integers from 0 to n_experts - 1 = "
                f"{n_experts - 1}. Got values from {values.min()} to {values.max()}."
            )
        values = np.eye(n_experts)[labels]
    values = values.astype(np.float64)
    if values.shape[1] != n_experts or values.min() < 0:
        raise ValueError(
            f"{name} as responsibilities must be non-negative of shape (n_samples, "
            f"n_experts) = {(n_samples, n_experts)}. Got shape {values.shape} with a "
            f"smallest entry of {values.min()}."
        )
    totals = values.sum(axis=0)
    if np.any(totals == 0) or np.any(values.sum(axis=1) == 0):
        raise ValueError(
            f"{name} must give every expert some row and every row some expert. "
            f"Experts without rows: {np.flatnonzero(totals == 0).tolist()}."
        )
    return values / values.sum(axis=1, keepdims=True)
