# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Initial responsibilities.

Every start here but k-means is a function of the weighted data as a measure: it does
not depend on the order of the rows, equal rows get equal responsibilities, and a row of
weight two counts as two rows. Random starts draw directions, frequencies or quantiles,
never one number per row.

A start is indexed by rows and answers with responsibilities (n, K): an array, or an
object that forms the rows asked for.
"""

from functools import cached_property

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from skmoe._compat import _safe_indexing
from skmoe.em.quantile_groups import QuantileGroups
from skmoe.em.split import crossing_score, main_residuals
from skmoe.numerics.batches import row_batches
from skmoe.numerics.least_squares import SymmetricSolver
from skmoe.numerics.softmax import log_softmax, softmax
from skmoe.rows.groups import mean_by_group
from skmoe.rows.moments import MOMENT_ROWS, moments_by_rows

FOURIER_FREQUENCY = 10.0
FOURIER_AMPLITUDE = 1.5
# Size of drawn coefficients of classifiers, per standard deviation of a feature.
CLASSIFIER_SLOPE = 3.0
# A drawn line's scale: the residual that this share of an expert's fair share exceeds.
ELEMENTAL_QUANTILE = 0.5
MAX_POOLED_FEATURES = 1000
# Columns, the intercept among them, that the profiles of groups are made of.
MAX_PROFILE_COLUMNS = 100
# Starts whose responsibilities differ by less give all experts the same rows.
TIED = 1e-9
# Sets of lines drawn for further starts, and the cost of an iteration (rows times
# experts times squared columns) beyond which none are.
DRAWN_STARTS = 6
AFFORDABLE = 1e7


class StartingPoint:
    """Source of starts: features, and residuals of a pooled linear fit.

    Parameters
    ----------
    gate, experts : Design
        Of the columns that either sees.
    targets : callable
        Targets (m, T) of the rows asked for; indicators of the classes for a
        classifier.
    weights : ndarray of shape (n,)
    n_experts : int
    is_classification : bool
    """

    def __init__(
        self, gate, experts, targets, weights, n_experts, is_classification=False
    ):
        self.is_classification = is_classification
        self.experts = experts
        # Where the gate sees no columns, experts divide the rows by what they see.
        self.gate_is_blind = gate.n_columns <= 1
        self.dividing = experts if self.gate_is_blind else gate
        self.designs = [experts]
        if self.dividing.n_columns > 1 and gate is not experts:
            self.designs.append(self.dividing)
        self.weights = weights
        self.total = weights.sum()
        self.n_experts = n_experts
        self.Y = Standardised(targets, weights)

    @cached_property
    def residuals(self):
        """Residuals of a pooled linear fit, standardised; indexed by rows."""
        return self.residuals_under(self.weights)

    def residuals_under(self, weights):
        """Residuals of a linear fit with these weights, standardised by them."""
        design = self.experts
        if design.n_columns > MAX_POOLED_FEATURES:
            return self.Y
        gram = design.gram(weights)
        moments = self._covariance(design, weights).T
        coefficients = SymmetricSolver(gram[None]).solve(moments[None])[0].T

        def residuals(rows):
            return self.Y[rows] - design.block(rows).scores(coefficients).T

        return Standardised(residuals, weights)

    def _covariance(self, design, weights):
        """Weighted mean of ``y a'``, (T, p)."""
        covariance = 0.0
        for rows in self._batches():
            weighted = self.Y[rows] * weights[rows, None]
            covariance = covariance + design.block(rows).cross(weighted.T)
        return covariance / weights.sum()

    def _batches(self):
        return row_batches(0, len(self.weights), MOMENT_ROWS)

    def projection(self, rng, n_directions):
        """Scores (m, n) along random directions in all features and the residuals."""
        slopes = [
            rng.normal(size=(design.n_columns - 1, n_directions)).T
            for design in self.designs
        ]
        of_residuals = rng.normal(size=(self.Y.n_targets, n_directions)).T
        directions = [np.pad(slope, ((0, 0), (0, 1))) for slope in slopes]

        def scores(rows):
            parts = [
                design.block(rows).scores(direction)
                for design, direction in zip(self.designs, directions, strict=True)
            ]
            return sum(parts) + of_residuals @ self.residuals[rows].T

        return scores

    @cached_property
    def covariance_direction(self):
        """Direction in which features vary most with y (partial least squares)."""
        if not np.any(self.dividing.inverse_scale):  # no column, or constant ones only
            return None
        covariance = self._covariance(self.dividing, self.weights)
        covariance[:, -1] = 0.0
        if np.abs(covariance).max() < 1e-10:
            # A y that is symmetric in the features: any direction divides the rows.
            return np.append(np.ones(covariance.shape[1] - 1), 0.0)
        leading = np.linalg.svd(covariance.T, full_matrices=False)[2][0]
        return leading @ covariance

    def covariance_score(self, rows=slice(None)):
        """Rows along `covariance_direction`; along y where there is none."""
        direction = self.covariance_direction
        if direction is None:
            return self.Y[rows][:, 0]
        return self.dividing.block(rows).scores(direction[None])[0]

    # -- the starts -------------------------------------------------------------------

    def quantile(self):
        """Overlapping quantile groups of `covariance_score`: deterministic."""
        return QuantileGroups(self.covariance_score, self.weights, self.n_experts)

    def profiles(self, groups):
        """Overlapping quantile groups of the profiles of groups of rows.

        The profile of a group is how its residuals go with the columns, the weighted
        means of ``e_t a_j``; the score is their main direction. For groups that the
        gate cannot tell apart, such as people who were all seen at the same times.
        """
        residuals, block = self.residuals[:], self.experts.block(slice(None))
        columns = np.eye(self.experts.n_columns)[-MAX_PROFILE_COLUMNS:]
        values = [
            residuals * score[:, None]
            for score in block.scores(columns)  # the intercept is the last one
        ]
        profiles = mean_by_group(np.hstack(values), groups, self.weights)
        ones = np.ones(len(profiles))
        scores = main_residuals(profiles, ones)
        return QuantileGroups(
            lambda rows: scores[groups[rows]], self.weights, self.n_experts
        )

    def levels(self):
        """Overlapping quantile groups of the residuals: lines one above the other."""
        scores = main_residuals(self.residuals[:], self.weights)
        return QuantileGroups(lambda rows: scores[rows], self.weights, self.n_experts)

    def crossing(self):
        """Overlapping quantile groups of the `crossing_score`: lines that cross."""
        residuals = main_residuals(self.residuals[:], self.weights)
        scores = crossing_score(self.experts, residuals, self.weights)
        return QuantileGroups(lambda rows: scores[rows], self.weights, self.n_experts)

    def direction(self, rng):
        """Overlapping quantile groups along a random direction."""
        scores = self.projection(rng, 1)
        return QuantileGroups(
            lambda rows: scores(rows)[0], self.weights, self.n_experts
        )

    def fourier(self, rng):
        """Random Fourier features: nearly independent for rows that differ."""
        phase = rng.uniform(0, 2 * np.pi, size=self.n_experts)
        scores = self.projection(rng, self.n_experts)(slice(None)).T
        angles = FOURIER_FREQUENCY * scores + phase
        return softmax(FOURIER_AMPLITUDE * np.cos(angles))

    def elemental(self, rng):
        """Hyperplanes through as many drawn rows as they have coefficients."""
        order = self._measure_order()
        cumulated = np.cumsum(self.weights[order]) / self.total
        block, Y = self.experts.block(slice(None)), self.Y[:]
        n_columns = self.experts.n_columns
        log_density = np.empty((len(self.weights), self.n_experts))
        for k in range(self.n_experts):
            drawn = np.searchsorted(cumulated, rng.uniform(size=n_columns))
            rows = order[np.minimum(drawn, len(order) - 1)]
            A = self.experts.block(rows).scores(np.eye(n_columns))
            ridge = 1e-6 * np.eye(n_columns)
            coefficients = np.linalg.solve(A @ A.T + ridge, A @ Y[rows])
            distance = np.linalg.norm(Y - block.scores(coefficients.T).T, axis=1)
            scale = self._quantile_of(distance, ELEMENTAL_QUANTILE / self.n_experts)
            log_density[:, k] = -0.5 * (distance / scale) ** 2 - np.log(scale)
        return softmax(_clipped(log_density))

    def classifiers(self, rng):
        """Softmax regressions with drawn coefficients, for targets that are classes."""
        Y, block = self.Y[:], self.experts.block(slice(None))
        labels = Y.argmax(axis=1)[:, None]
        log_density = np.empty((len(Y), self.n_experts))
        for k in range(self.n_experts):
            shape = (self.experts.n_columns, Y.shape[1])
            coefficients = CLASSIFIER_SLOPE * rng.normal(size=shape)
            log_proba = log_softmax(block.scores(coefficients.T).T)
            log_density[:, k] = np.take_along_axis(log_proba, labels, axis=1)[:, 0]
        return softmax(_clipped(log_density))

    # -- helpers ----------------------------------------------------------------------

    def _measure_order(self):
        """An order of the rows that depends on their values only."""
        return np.lexsort((_rounded(self.covariance_score()), *_rounded(self.Y[:]).T))

    def _quantile_of(self, values, share):
        order = np.argsort(values)
        cumulated = np.cumsum(self.weights[order]) / self.total
        index = min(np.searchsorted(cumulated, share), len(values) - 1)
        return values[order[index]] + 1e-3


def is_tied(start):
    """Return True if a start (n, K) tells no row from another."""
    return start.shape[1] > 1 and np.ptp(start, axis=0).max() < TIED


def further_starts(point, groups):
    """Starts that look at y where the gate looks at nothing, a list of (n, K).

    By the level of the residuals of a pooled fit, by how they fan out, by the profiles
    of groups and, where that is cheap, by lines through few rows (of classes, by drawn
    softmax regressions). The same starts in every fit of the same weighted rows.

    Parameters
    ----------
    point : StartingPoint
        On the scale of the experts' scores.
    groups : ndarray of int of shape (n,) or None
    """
    n_columns = point.experts.n_columns
    if n_columns > MAX_POOLED_FEATURES:
        return []
    starts = [point.levels(), point.crossing()]
    if groups is not None:
        starts.append(point.profiles(groups))
    if len(point.weights) * point.n_experts * n_columns**2 <= AFFORDABLE:
        rng = np.random.RandomState(0)
        drawn = point.classifiers if point.is_classification else point.elemental
        starts += [drawn(rng) for _ in range(DRAWN_STARTS)]
    return starts


class Standardised:
    """Values (n, T) of weighted mean zero and variance one, formed by rows."""

    def __init__(self, values, weights):
        self.values = values
        self.mean, variance = moments_by_rows(values, weights)
        deviation = np.sqrt(variance)
        constant = deviation <= 1e-10 * np.abs(self.mean)
        self.scale = np.where(constant | (deviation == 0), 1.0, deviation)
        self.n_targets = len(self.mean)

    def __getitem__(self, rows):
        return (self.values(rows) - self.mean) / self.scale


class OneHot:
    """Labels (n,) as responsibilities, formed by rows."""

    def __init__(self, labels, n_experts):
        self.labels = labels
        self.indicators = np.eye(n_experts)

    def __getitem__(self, rows):
        return self.indicators[self.labels[rows]]


def _rounded(values):
    """Values on which equal rows agree, whatever the order of summation was."""
    scale = np.abs(values).max()
    return np.round(values / scale, 10) if scale > 0 else values


def _clipped(log_density):
    """Differences of at most four, so that no expert is ruled out anywhere."""
    return np.maximum(log_density - log_density.max(axis=1, keepdims=True), -4.0)


def initial_responsibilities(init, n_init, point, rows, rng):
    """Return a list of initial responsibilities (n, K), one per start.

    Parameters
    ----------
    init : {'quantile', 'kmeans', 'random'}, array-like or callable
        The estimator's parameter.
    n_init : int
    point : StartingPoint
    rows : Rows
        Whose X and labels a callable `init` receives; an array has an entry for each
        row of X that was given.
    rng : RandomState
    """
    if callable(init):
        seeds = rng.randint(np.iinfo(np.int32).max, size=n_init)
        return [
            check_init(
                init(rows.X, rows.labels, point.n_experts, random_state=seed),
                point,
                "init(...)",
            )
            for seed in seeds
        ]
    if not isinstance(init, str):
        check_consistent_length(np.empty(rows.n_given), init)
        kept = rows.positions
        chosen = init if isinstance(kept, slice) else _safe_indexing(init, kept)
        return [check_init(chosen, point, "init")]
    if init == "kmeans":
        return [_kmeans(point, rng) for _ in range(n_init)]
    first = [point.quantile()] if init == "quantile" else []
    # Drawn experts find narrow ones among wide ones, drawn directions the rest: the
    # cycle is the mixture of kinds that reached the reference maxima most often.
    drawn = point.classifiers if point.is_classification else point.elemental
    cycle = (drawn, point.direction, drawn, point.fourier)
    return first + [cycle[i % 4](rng) for i in range(n_init - len(first))]


def _kmeans(point, rng):
    from sklearn.cluster import KMeans

    design = point.dividing
    features = design.standardised() if design.n_columns > 1 else point.Y[:]
    kmeans = KMeans(point.n_experts, n_init=1, random_state=rng)
    labels = kmeans.fit_predict(features, sample_weight=np.array(point.weights))
    return OneHot(labels, point.n_experts)


def check_init(init, point, name):
    """Responsibilities from the user's labels (n,) or responsibilities (n, K)."""
    n_samples, n_experts = len(point.weights), point.n_experts
    values = check_array(init, ensure_2d=False, dtype=None, input_name=name)
    check_consistent_length(values, np.empty(n_samples))
    if values.ndim == 1:
        labels = values.astype(np.intp)
        if np.any(labels != values) or labels.min() < 0 or labels.max() >= n_experts:
            raise ValueError(
                f"{name} as labels must hold integers from 0 to n_experts - 1 = "
                f"{n_experts - 1}. Got values from {values.min()} to {values.max()}."
            )
        _check_each_expert(np.bincount(labels, minlength=n_experts), name)
        return OneHot(labels, n_experts)
    values = values.astype(np.float64)
    if values.shape[1] != n_experts or values.min() < 0:
        raise ValueError(
            f"{name} as responsibilities must be non-negative of shape (n_samples, "
            f"n_experts) = {(n_samples, n_experts)}. Got shape {values.shape} with a "
            f"smallest entry of {values.min()}."
        )
    sums = values.sum(axis=1)
    if np.any(sums == 0):
        raise ValueError(
            f"{name} must give every row some expert. Rows without: "
            f"{np.flatnonzero(sums == 0)[:10].tolist()}."
        )
    _check_each_expert(values.sum(axis=0), name)
    return values / sums[:, None]


def _check_each_expert(totals, name):
    if np.any(totals == 0):
        raise ValueError(
            f"{name} must give every expert some row. Experts without rows: "
            f"{np.flatnonzero(totals == 0).tolist()}."
        )
