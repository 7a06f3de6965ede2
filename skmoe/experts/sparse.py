# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Linear experts with few non-zero coefficients, under one fixed penalty."""

import warnings
from numbers import Real
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, Lasso
from sklearn.utils.parallel import Parallel, delayed

from skmoe.experts.base import ExpertsTrainer
from skmoe.experts.linear import COLLAPSED_RATIO, DEAD_SHARE
from skmoe.experts.stacked import StackedExperts
from skmoe.families.gaussian import Gaussian
from skmoe.families.noise import Noise
from skmoe.rows.moments import weighted_moments

# Duality gap at which a descent ends, relative to the squares of y. scikit-learn's
# default of 1e-4 would be most of the log likelihood where the noise is small.
GAP = 1e-8


class SparseLinearExperts(StackedExperts):
    """`Lasso` and `ElasticNet` experts as one matrix."""

    @classmethod
    def accepts(cls, task):
        """Penalised least squares with Gaussian noise, any number of columns."""
        return (
            all(type(family) is Gaussian for family in task.families)
            and not task.has_offset
            and task.n_features > 0
            and not any(task.fit_params)
            and all(map(is_sparse_linear, task.templates))
        )

    @classmethod
    def trainer(cls, task, previous=None):
        """Return the experts at work."""
        return SparseLinearTrainer(task, previous)

    def answers(self, scores, kept=slice(None)):
        """Predictions are the scores themselves, (n, k, T)."""
        return scores


def is_sparse_linear(estimator):
    """True if an estimator is a least-squares fit with an L1 penalty.

    A Gram matrix given as `precompute` is that of equal weights, which EM has not.
    """
    if type(estimator) not in (Lasso, ElasticNet):
        return False
    is_real = isinstance(estimator.alpha, Real)
    return (
        is_real
        and estimator.alpha > 0
        and estimator.l1_ratio > 0
        and isinstance(estimator.precompute, bool)
    )


class State(NamedTuple):
    """State of the experts; a step makes new arrays."""

    coef: np.ndarray  # (K, T, d), on the user's scale
    intercept: np.ndarray  # (K, T)
    sigma: np.ndarray  # (K, T)
    n_iter: np.ndarray  # (K, T), of the last descent
    gap: np.ndarray  # (K, T)


class SparseLinearTrainer(ExpertsTrainer):
    r"""K sparse linear experts at work.

    scikit-learn's penalty is relative to the number of rows. That of an expert would
    move with its share, and with it the objective; here each has the penalty of its
    fair share of the weight, W / K, for good:

    .. math:: P_k = \frac{W}{K} \frac{\alpha_k}{\sigma_k^2} p(b_k), \qquad
        p(b) = \rho \|b\|_1 + \frac{1 - \rho}{2} \|b\|_2^2 ,

    subtracted from the total log likelihood and tied to the noise's variance as a
    ridge expert's is. The M-step for the coefficients is then scikit-learn's own on the
    weighted rows, with :math:`\alpha_k W / (K N_k)` for its alpha, and

    .. math:: \sigma_k^2 = \frac{\mathrm{RSS}_k + 2 (W / K) \alpha_k p(b_k)}{N_k} .

    A single expert is scikit-learn's estimator.

    References
    ----------
    .. [1] Khalili, A. & Chen, J. (2007). "Variable selection in finite mixture of
       regression models". JASA 102(479), 1025-1038.
    .. [2] Städler, N., Bühlmann, P. & van de Geer, S. (2010). "L1-penalization for
       mixture regression models". TEST 19(2), 209-256.
    """

    def __init__(self, task, previous=None):
        self.task = task
        # Coordinate descent goes by columns.
        columns = sp.csc_matrix if sp.issparse(task.X) else np.asfortranarray
        self.X = columns(task.X, dtype=np.float64)
        self.y = task.y
        self.weights, self.total = task.weights, task.weights.sum()
        self.strength = self.total / task.n_experts
        self.floor = np.stack([floors[0] for floors in task.floors])
        self.state = self._start() if previous is None else self._resume(previous)

    # -- state ------------------------------------------------------------------------

    def _start(self):
        """The pooled fit of an intercept."""
        task = self.task
        mean, variance = weighted_moments(task.y, self.weights)
        shape = task.n_experts, len(mean)
        fit_intercept = np.array([[t.fit_intercept] for t in task.templates])
        return State(
            np.zeros((*shape, self.X.shape[1])),
            np.where(fit_intercept, mean, 0.0),
            np.maximum(np.broadcast_to(np.sqrt(variance), shape), self.floor),
            np.zeros(shape, dtype=int),
            np.zeros(shape),
        )

    def _resume(self, previous):
        start = self._start()
        coef = previous.coef.T.reshape(start.coef.shape).copy()
        for k, template in enumerate(self.task.templates):
            if template.positive:
                coef[k] = np.maximum(coef[k], 0.0)
        intercept = previous.intercept.reshape(start.intercept.shape)
        return start._replace(
            coef=coef, intercept=intercept, sigma=previous.dispersions
        )

    @property
    def state(self):
        """The `State`; its log density is formed once."""
        return self._state

    @state.setter
    def state(self, state):
        self._state, self._log_density = state, None

    @property
    def log_density(self):
        """Log density of y under each expert, (n, K)."""
        if self._log_density is None:
            self._log_density = self.fitted().log_density(self.X, self.y)
        return self._log_density

    @property
    def penalty(self):
        """Penalties and priors in units of the mean log likelihood."""
        coef, _, sigma, *_ = self.state
        terms = [
            self._penalty(k, b) / s**2
            for k, (rows, scales) in enumerate(zip(coef, sigma, strict=True))
            for b, s in zip(rows, scales, strict=True)
        ]
        return (sum(terms) - self.task.log_prior(sigma[:, None])) / self.total

    def _penalty(self, k, coef):
        """``(W / K) alpha p(b)`` of expert k's coefficients (d,) for one target."""
        template = self.task.templates[k]
        ratio = template.l1_ratio
        size = ratio * np.abs(coef).sum() + 0.5 * (1 - ratio) * coef @ coef
        return self.strength * template.alpha * size

    # -- the step ---------------------------------------------------------------------

    def step(self, responsibilities):
        """Step all experts that have rows, those of several targets one by one."""
        totals = responsibilities.sum(axis=0)
        alive = np.flatnonzero(totals > DEAD_SHARE * self.total)
        pairs = [(k, t) for k in alive for t in range(self.y.shape[1])]
        with warnings.catch_warnings():
            # The next step goes on where a descent was cut short, and EM ends when
            # steps bring nothing more.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fits = Parallel(n_jobs=self.task.n_jobs, prefer="threads")(
                delayed(self._step_one)(k, t, responsibilities[:, k]) for k, t in pairs
            )
        state = State(*(array.copy() for array in self.state))
        for (k, t), fit in zip(pairs, fits, strict=True):
            for array, value in zip(state, fit, strict=True):
                array[k, t] = value
        self.state = state

    def _step_one(self, k, t, weights):
        """The M-step of expert k for target t: its entries of the `State`.

        Where a descent that ended early has not got lower than it began, the
        coefficients stay. The dispersion is the best for those that are kept.
        """
        now = State(*(array[k, t] for array in self.state))
        solver = self._solver(k, now.coef, weights.sum())
        solver.fit(self.X, self.y[:, t], sample_weight=weights)
        new = now._replace(
            coef=solver.coef_,
            intercept=solver.intercept_,
            n_iter=solver.n_iter_,
            gap=solver.dual_gap_,
        )
        costs = [self._cost(k, t, at.coef, at.intercept, weights) for at in (now, new)]
        best = int(costs[1] <= costs[0])
        prior = self.task.priors[k]
        squares = costs[best] + prior.weights @ prior.y[:, t] ** 2
        sigma = np.sqrt(squares / (weights.sum() + prior.total))
        return (now, new)[best]._replace(sigma=np.maximum(sigma, self.floor[k, t]))

    def _solver(self, k, coef, weight):
        """scikit-learn's estimator of expert k, to go on from `coef`."""
        template = self.task.templates[k]
        solver = clone(template).set_params(
            alpha=template.alpha * self.strength / weight,
            tol=min(template.tol, GAP),
            warm_start=True,
            copy_X=True,
        )
        solver.coef_ = coef.copy()  # the descent works in place
        return solver

    def _cost(self, k, t, coef, intercept, weights):
        """Weighted squares of the residuals and twice the penalty."""
        residuals = self.y[:, t] - (self.X @ coef + intercept)
        return weights @ residuals**2 + 2 * self._penalty(k, coef)

    def snapshot(self):
        """The state."""
        return self.state

    def restore(self, snapshot):
        """Come back to a snapshot."""
        self.state = snapshot

    # -- results ----------------------------------------------------------------------

    def fitted(self):
        """Return fitted scikit-learn estimators."""
        noise = Noise(self.task.families, list(self.state.sigma[:, None]))
        fitted = [self._fitted(k) for k in range(self.task.n_experts)]
        return SparseLinearExperts(fitted, noise)

    def _fitted(self, k):
        """Expert k as its own `fit` leaves it: squeezed where y has one column."""
        expert = clone(self.task.templates[k])
        coef, intercept, _, n_iter, gap = (array[k] for array in self.state)
        single = len(coef) == 1
        expert.coef_ = coef[0] if single else coef
        expert.intercept_ = intercept if self.task.labels.ndim == 2 else intercept[0]
        if not expert.fit_intercept:
            expert.intercept_ = 0.0
        expert.n_iter_ = n_iter.tolist()[0] if single else n_iter.tolist()
        expert.dual_gap_ = gap[0] if single else gap
        expert.n_features_in_ = coef.shape[1]
        return expert

    def collapsed(self, totals):
        """Experts at the dispersion's floor, or a handful of rows with next to none."""
        coef, sigma = self.state.coef, self.state.sigma
        at_floor = np.any(sigma <= self.floor * (1 + 1e-6), axis=1)
        n_terms = 1 + np.count_nonzero(coef, axis=2).max(axis=1)
        narrow = np.any(sigma < COLLAPSED_RATIO * sigma.max(axis=0), axis=1)
        return at_floor | ((totals < 2 * n_terms) & narrow)
