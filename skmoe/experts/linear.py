# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""K linear experts with Gaussian noise, solved at once."""

from copy import copy
from dataclasses import replace
from numbers import Real

import numpy as np
from sklearn.linear_model import LinearRegression, Ridge

from skmoe.experts.base import ExpertsTrainer
from skmoe.experts.pooled import PooledRidge
from skmoe.experts.stacked import StackedExperts
from skmoe.families.gaussian import Gaussian
from skmoe.families.noise import Noise
from skmoe.numerics.least_squares import SymmetricSolver
from skmoe.rows.moments import weighted_moments
from skmoe.trainers.blockwise import Blockwise
from skmoe.trainers.local_model import LocalModel

# Beyond this width the Gram matrices outgrow the data; scikit-learn's own solvers then
# fit each expert by itself.
MAX_FEATURES = 1000
# An expert whose share of all weight is below this is left as it was.
DEAD_SHARE = 1e-8
# An expert of fewer rows than twice its coefficients, and with a dispersion this much
# smaller than the widest, interpolates: a spurious maximum.
COLLAPSED_RATIO = 0.05
TINY = np.finfo(np.float64).tiny
# Entries of unit directions on standardised columns that are rounding.
NULL_ROUNDING = 1e-9


class LinearExperts(StackedExperts):
    """`LinearRegression`, `Ridge` and `PooledRidge` experts as one matrix."""

    has_information = True

    @classmethod
    def accepts(cls, task):
        """Least squares or ridge with Gaussian noise, up to 1,000 columns."""
        return (
            all(type(family) is Gaussian for family in task.families)
            and not task.has_offset
            and task.n_features <= MAX_FEATURES
            and not any(task.fit_params)
            and all(map(is_least_squares, task.templates))
        )

    @classmethod
    def trainer(cls, task, previous=None):
        """Return the experts at work."""
        return LinearTrainer(task, previous)

    def answers(self, scores, kept=slice(None)):
        """Predictions are the scores themselves, (n, k, T)."""
        return scores


def is_least_squares(estimator):
    """True if an estimator is a least-squares fit that one Gram matrix solves."""
    if type(estimator) is LinearRegression:
        return not estimator.positive
    if type(estimator) in (Ridge, PooledRidge):
        is_real = isinstance(estimator.alpha, Real)
        valid = is_real and estimator.alpha >= 0
        return valid and not getattr(estimator, "positive", False)
    return False


def _transposed(matrices):
    """K matrices transposed."""
    return matrices.transpose(0, 2, 1)


class LinearTrainer(Blockwise, ExpertsTrainer):
    r"""K least-squares experts at work.

    State: coefficients B (K, T, p) on the design matrix and log standard deviations
    (K, T). A ridge expert's penalty is that of a Gaussian prior whose variance is
    proportional to the noise's,
    :math:`\alpha \|b_k\|^2 / (2 \sigma_k^2)`, which makes its M-step exactly
    scikit-learn's `Ridge` on the weighted rows; the dispersion's M-step is then
    :math:`\sigma_k^2 = (\mathrm{RSS}_k + \alpha \|b_k\|^2) / N_k`. In a `PooledRidge`
    expert's, :math:`b_k - b_0` is in place of :math:`b_k`: it is drawn towards the
    slopes of all rows.
    """

    kernel: str | None = "normal"

    def __init__(self, task, previous=None):
        self.task = task
        self.y = task.y
        self.weights = task.weights
        self.total = task.weights.sum()
        self.fit_intercept = np.array([t.fit_intercept for t in task.templates])
        self.is_pooled = np.array([type(t) is PooledRidge for t in task.templates])
        self.design = task.designs.get(task.X, centered=bool(self.fit_intercept.all()))
        alphas = np.array([getattr(t, "alpha", 0.0) for t in task.templates], float)
        self.ridge = alphas[:, None] / np.append(self.design.scale**2, np.inf)
        n_columns, n_targets = self.design.n_columns, task.y.shape[1]
        self.B = np.zeros((task.n_experts, n_targets, n_columns))
        self.anchor = self._anchor()
        self.n_curvatures = task.n_experts
        floor = np.stack([floors[0] for floors in task.floors])
        self.log_floor = np.log(floor)
        deviation = np.sqrt(weighted_moments(task.y, self.weights)[1])
        self.log_sigma = np.log(np.maximum(deviation, floor))
        self.prior_rows = np.array([prior.total for prior in task.priors])
        squares = [prior.weights @ prior.y**2 for prior in task.priors]
        self.prior_squares = np.stack(squares)
        self._log_density = None
        self.is_deficient = False
        if previous is not None:
            self._resume(previous)

    def _anchor(self):
        """Coefficients that the penalties draw towards, (K, T, p): zero, or pooled."""
        anchor = np.zeros_like(self.B)
        for fit_intercept in (False, True):
            pooled = self.is_pooled & (self.fit_intercept == fit_intercept)
            if pooled.any():
                slopes = pooled_slopes(self.task, fit_intercept)
                anchor[pooled, :, :-1] = slopes * self.design.scale
        return anchor

    def _resume(self, previous):
        slopes, intercepts = previous.coef, previous.intercept
        coefficients = self.design.from_user(slopes.T, intercepts)
        self.B = coefficients.reshape(self.B.shape)
        self.log_sigma = np.log(previous.dispersions)

    @property
    def parameters(self):
        """Coefficients and log standard deviations, flat."""
        return np.concatenate([self.B.ravel(), self.log_sigma.ravel()])

    @parameters.setter
    def parameters(self, values):
        self.B = values[: self.B.size].reshape(self.B.shape).copy()
        log_sigma = values[self.B.size :].reshape(self.log_sigma.shape)
        # The upper bound keeps wild proposals, which are then refused, from overflow.
        self.log_sigma = np.clip(log_sigma, self.log_floor, self.log_floor + 50.0)
        self._log_density = None

    @property
    def dispersions(self):
        """Standard deviations, (K, T)."""
        return np.exp(self.log_sigma)

    @property
    def log_density(self):
        """Log density of y under each expert, (n, K)."""
        if self._log_density is None:
            self._log_density = self.log_terms()
        return self._log_density

    @property
    def penalty(self):
        """Ridge penalties and priors in units of the mean log likelihood."""
        norms = self._ridge_norms() / self.dispersions**2
        log_prior = self.task.log_prior(self.dispersions[:, None])
        return (0.5 * float(norms.sum()) - log_prior) / self.total

    def _ridge_norms(self):
        """``alpha |b - b_0|^2`` on the user's scale, (K, T)."""
        return np.sum(self.ridge[:, None] * (self.B - self.anchor) ** 2, axis=2)

    def kernel_arguments(self, rows):
        """Targets of the rows, coefficients of all scores, and dispersions."""
        B = self.B.reshape(-1, self.design.n_columns)
        return self.y[rows], B, self.dispersions

    def evaluate(self, block, rows):
        """Log density (K, n) and residuals (K, T, n)."""
        n_experts, n_targets, n_columns = self.B.shape
        means = block.scores(self.B.reshape(-1, n_columns))
        return self.design.kernels.normal_log_density(
            self.y[rows].T,
            means.reshape(n_experts, n_targets, -1),
            self.dispersions,
        )

    def moments(self, block, rows, evaluated, responsibilities):
        """Totals, weighted residuals times columns, their squares; Gram weights."""
        residuals = evaluated[1]
        weighted = responsibilities[:, None] * residuals
        slope = block.cross(weighted.reshape(-1, weighted.shape[2]))
        squares = np.einsum("ktn,ktn->kt", weighted, residuals)
        totals = responsibilities.sum(axis=1)
        return [totals, slope, squares], responsibilities

    def local_model(self, sums, grams):
        """The exact M-step and its Gram matrices as information."""
        totals, slope, squares = sums
        alive = totals > DEAD_SHARE * self.total
        # sigma^2 times the score of B
        slope = slope.reshape(self.B.shape)
        slope = slope - self.ridge[:, None] * (self.B - self.anchor)
        slope[~self.fit_intercept, :, -1] = 0.0
        slope[~alive] = 0.0
        squares = squares + self._ridge_norms() + self.prior_squares
        rows = totals + self.prior_rows
        solver = self._solver(grams)
        move = _transposed(solver.solve(_transposed(slope)))
        log_sigma = self._log_sigma_after(move, slope, squares, rows)
        idle = rows <= DEAD_SHARE * self.total
        log_sigma[idle] = self.log_sigma[idle]
        self.is_deficient |= any(space.size for space in solver.null_spaces)
        return LocalModel(
            np.concatenate([(self.B + move).ravel(), log_sigma.ravel()]),
            self._score(slope, squares, rows),
            self._information_solver(solver, rows, alive),
            smooth=np.array_equal(
                log_sigma <= self.log_floor, self.log_sigma <= self.log_floor
            ),
        )

    def _log_sigma_after(self, move, slope, squares, rows):
        """Log standard deviations of the residuals that the move leaves, (K, T)."""
        # The sum of squares falls by move' G move. Where next to nothing is left of it,
        # that difference has lost its digits; the next step starts from the residuals.
        after = squares - np.sum(move * slope, axis=2)
        after = np.maximum(after, np.maximum(1e-15 * squares, TINY))
        sigma2 = after / np.maximum(rows, TINY)[:, None]
        return np.maximum(0.5 * np.log(sigma2), self.log_floor)

    def _solver(self, grams):
        grams = grams.copy()
        grams[~self.fit_intercept, -1, :] = 0.0
        grams[~self.fit_intercept, :, -1] = 0.0
        diagonal = np.arange(grams.shape[1])
        grams[:, diagonal, diagonal] += self.ridge
        return SymmetricSolver(grams)

    def _score(self, slope, squares, rows):
        of_slopes = slope / self.dispersions[:, :, None] ** 2
        of_log_sigma = squares / self.dispersions**2 - rows[:, None]
        at_floor = (self.log_sigma <= self.log_floor) & (of_log_sigma < 0)
        of_log_sigma[at_floor] = 0.0
        return np.concatenate([of_slopes.ravel(), of_log_sigma.ravel()]) / self.total

    def _information_solver(self, solver, rows, alive):
        shape, size = self.B.shape, self.B.size
        sigma2 = self.dispersions**2
        curvature = np.maximum(2.0 * rows[:, None] / self.total, DEAD_SHARE)

        def solve(vector):
            slopes = vector[:size].reshape(shape) * (sigma2[:, :, None] * self.total)
            slopes[~alive] = 0.0  # an acceleration would throw them anywhere
            moves = _transposed(solver.solve(_transposed(slopes)))
            log_sigma = vector[size:].reshape(sigma2.shape) / curvature
            return np.concatenate([moves.ravel(), log_sigma.ravel()])

        return solve

    def fitted(self):
        """Return fitted scikit-learn estimators, coefficients on the user's scale."""
        single = self.task.labels.ndim == 1
        slopes, intercepts = self._minimum_norm()
        estimators = []
        for k, template in enumerate(self.task.templates):
            fitted = copy(template)  # a clone already, nothing fitted on it
            fitted.coef_ = slopes[k, 0] if single else slopes[k]
            fitted.intercept_ = float(intercepts[k, 0]) if single else intercepts[k]
            if not self.fit_intercept[k]:
                fitted.intercept_ = 0.0
            fitted.n_features_in_ = slopes.shape[2]
            estimators.append(fitted)
        noise = Noise(self.task.families, list(self.dispersions[:, None]))
        return LinearExperts(estimators, noise)

    def _minimum_norm(self):
        """Coefficients on the user's scale, (K, T, d) and (K, T).

        Among the solutions of a rank-deficient problem scikit-learn's is the shortest
        on the user's scale; the one at hand is shortest on the design's. They differ by
        directions that change no prediction at any row.
        """
        slopes, intercepts = self.design.to_user(self.B)
        if not self.is_deficient:
            return slopes, intercepts
        for has_intercept in np.unique(self.fit_intercept):
            chosen = self.fit_intercept == has_intercept
            null_slopes, null_intercepts = self._null_space(has_intercept)
            excess = slopes[chosen] @ np.linalg.pinv(null_slopes)
            slopes[chosen] -= excess @ null_slopes
            intercepts[chosen] -= excess @ null_intercepts
        return slopes, intercepts

    def _null_space(self, has_intercept):
        """Directions on the user's scale that no row sees, (m, d) and (m,)."""
        gram = self.design.gram()
        if not has_intercept:
            gram[-1], gram[:, -1] = 0.0, 0.0
        space = SymmetricSolver(gram[None]).null_spaces[0]
        # Rounding would be all that is left on the user's scale, were it far from this.
        space[np.abs(space) < NULL_ROUNDING] = 0.0
        slopes, intercepts = self.design.to_user(space.T)
        size = np.linalg.norm(slopes, axis=1)
        size[size == 0] = 1.0
        return slopes / size[:, None], intercepts / size

    def collapsed(self, totals):
        """Experts at the dispersion's floor, or a handful of rows with next to none."""
        at_floor = np.any(self.log_sigma <= self.log_floor + 1e-6, axis=1)
        widest = self.log_sigma.max(axis=0)
        few_rows = totals < 2 * self.B.shape[2]
        narrow = np.any(self.log_sigma < widest + np.log(COLLAPSED_RATIO), axis=1)
        return at_floor | (few_rows & narrow)


def pooled_slopes(task, fit_intercept):
    """Slopes (T, d) of least squares on all rows: of a mixture of one expert."""
    alone = replace(
        task,
        templates=[LinearRegression(fit_intercept=fit_intercept)],
        families=task.families[:1],
        floors=task.floors[:1],
    )
    trainer = LinearTrainer(alone)
    for _ in range(2):  # the second step is for the digits that the first one lost
        trainer.step(task.weights[:, None])
    return trainer._minimum_norm()[0][0]
