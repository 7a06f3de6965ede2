# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""K generalised linear experts of any families, stepped at once."""

from copy import copy
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression

from skmoe.experts.base import ExpertsTrainer
from skmoe.experts.generalized import GeneralizedLinearRegressor, link_of
from skmoe.experts.linear import DEAD_SHARE, MAX_FEATURES
from skmoe.experts.stacked import StackedExperts
from skmoe.families.links import LINK_FUNCTIONS, LINKS
from skmoe.families.noise import Noise, grouped, over_targets
from skmoe.numerics.least_squares import SymmetricSolver
from skmoe.numerics.ranges import ranges
from skmoe.trainers.blockwise import Blockwise
from skmoe.trainers.local_model import LocalModel

# Positive parameters of families stay below these, and their ceilings: e^50 times a
# floor, e^20 without one.
ABOVE_FLOOR, HIGHEST = 50.0, 20.0
# A step of a free parameter is damped as that of log sigma is: c log(1 + d / c).
DAMPING = 0.5
# Rows whose scores are looked at together.
ROWS = 2**14
# Score of the start where it would be infinite: y all zeros, or all successes.
END = 10.0
# Most scoring steps from the pooled fit to the first responsibilities, and the gain of
# the mean log likelihood below which there is no further one.
FIRST_STEPS, FIRST_GAIN = 10, 1e-4
TINY = np.finfo(np.float64).tiny


class GLMExperts(StackedExperts):
    """Linear scores through links: generalised linear models of one or more families.

    With an offset the last column of X is added to every score.
    """

    has_information = True
    #: Lowest and highest scores without the offset, (2, K, T); None: no limits.
    score_limits: Any = None
    _scores_touch_training = False

    def __init__(self, estimators, noise, links, has_offset=False):
        self.estimators, self.noise = estimators, noise
        self.links = links
        widths = [np.shape(e.coef_) for e in estimators if hasattr(e, "coef_")]
        shape = (noise.parameters[0].shape[1], widths[0][-1] if widths else 0)
        rows, intercepts = zip(*(_scores_of(e, shape) for e in estimators), strict=True)
        self.coef, self.intercept = np.vstack(rows).T, np.concatenate(intercepts)
        if has_offset:
            ones = np.ones((1, self.coef.shape[1]))
            self.coef = np.vstack([self.coef, ones])

    @classmethod
    def accepts(cls, task):
        """Generalised linear models, unpenalised or ridge, up to 1,000 columns."""
        return (
            task.classes is None
            and task.n_features <= MAX_FEATURES
            and not any(task.fit_params)
            and any(not family.is_background for family in task.families)
            and all(map(is_generalised_linear, task.templates, task.families))
        )

    @classmethod
    def trainer(cls, task, previous=None):
        """Return the experts at work."""
        return GLMTrainer(task, previous)

    def select(self, kept):
        """Some of the experts, given by index."""
        chosen = super().select(kept)
        chosen.links = [self.links[k] for k in kept]
        if self.score_limits is not None:
            chosen.score_limits = self.score_limits[:, kept]
        return chosen

    @property
    def touches_training(self):
        """Whether limits of extrapolation change predictions of training rows."""
        return self._scores_touch_training or super().touches_training

    def limit_scores(self, X, explained, seen):
        r"""Experts with an offset that are stopped where their rates explode.

        The score of expert k without the offset stays within

        .. math:: [\min_{T_k} s_{ik}, \; \max_{T_k} s_{ik}] \; \cup \;
                  [g(l_k) - \min_i o_i, \; g(h_k) - \max_i o_i]

        over the rows :math:`T_k` that it explains, with link g, offsets o and the ends
        l, h of what its responses allow: the rates that it has said of its rows, and
        those that the largest exposures have room for.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n, d + 1)
            Training rows, the offset last.
        explained : ndarray of bool of shape (n, K)
            Rows that each expert explains.
        seen : ndarray of shape (2, K, T)
            Lowest and highest responses.
        """
        offset = _offset_of(X)
        said, anywhere = ranges(
            lambda rows: self.scores(X[rows]) - offset[rows], explained, ROWS
        )
        ends = [_scores_at(*each) for each in zip(self.links, *seen, strict=True)]
        low, high = np.stack(ends, axis=1)
        lowest = np.minimum(said[0], low - offset.min())
        highest = np.maximum(said[1], high - offset.max())
        limited = copy(self)
        limited.score_limits = np.stack([lowest, highest])
        limited._scores_touch_training = bool(
            np.any(anywhere[0] < lowest) or np.any(anywhere[1] > highest)
        )
        return limited

    def predict(self, X):
        """Every expert's answer for every row, (n, K, ...)."""
        return self.answers(self._within(self.scores(X), X))

    def predict_kept(self, X, kept):
        """Answers of the experts kept for each row, (n, k, ...)."""
        return self.answers(self._within(self.kept_scores(X, kept), X, kept), kept)

    def _within(self, scores, X, kept=slice(None)):
        """Scores (n, k, T) of some experts, moved into their limits."""
        if self.score_limits is None:
            return scores
        offset = _offset_of(X)
        lowest, highest = self.score_limits[:, kept]
        return np.clip(scores - offset, lowest, highest) + offset

    def answers(self, scores, kept=slice(None)):
        """Predictions, (n, k, T)."""
        distinct = set(self.links)
        if len(distinct) == 1:
            return LINKS[self.links[0]](scores)[0]
        links = np.asarray(self.links, dtype=object)[kept]
        links = np.broadcast_to(links, scores.shape[:2])
        predictions = np.empty_like(scores)
        for link in distinct:
            chosen = links == link
            predictions[chosen] = LINKS[link](scores[chosen])[0]
        return predictions


def _scores_at(link, low, high):
    """Scores (2, T), the smaller first, of responses at or beyond a domain's ends."""
    ends = np.stack([low, high])
    if link != "identity":
        ends = np.clip(ends, 0.0, 1.0 if link == "logit" else None)
    with np.errstate(divide="ignore"):
        return np.sort(LINK_FUNCTIONS[link](ends), axis=0)


def _offset_of(X):
    """The last column of X as (n, 1, 1)."""
    column = X[:, -1]
    if issparse(column):
        column = column.toarray()
    return np.reshape(column, (-1, 1, 1))


def _scores_of(estimator, shape):
    """Coefficients (T, d) and intercepts (T,); zeros for a background."""
    if not hasattr(estimator, "coef_"):
        return np.zeros(shape), np.zeros(shape[0])
    coef = np.reshape(estimator.coef_, shape)
    return coef, np.broadcast_to(estimator.intercept_, shape[:1])


def is_generalised_linear(estimator, family):
    """True if an expert is a linear score through a link, fitted to its family."""
    if family.is_background:
        return True
    if type(estimator) is LinearRegression:
        return family.link == "identity" and not estimator.positive
    return type(estimator) is GeneralizedLinearRegressor and estimator.family is None


class GLMTrainer(Blockwise, ExpertsTrainer):
    r"""K generalised linear models at work.

    State: coefficients B (K, T, p) on the design matrix and the free parameters of the
    families. One EM iteration is one Fisher-scoring step,

    .. math:: b_k \leftarrow b_k + \Big(\sum_i r_{ik} \, I_{ik} \, a_i a_i'\Big)^{-1}
              \sum_i r_{ik} \, s_{ik} \, a_i ,

    with scores s and informations I of the linear predictors, and one damped scoring
    step for each parameter of a family. The penalty of expert k is
    :math:`\tfrac{\alpha_k}{2} \|b_k\|^2` on the user's scale, relative to the mean log
    likelihood.

    References
    ----------
    .. [1] Jordan, M. I. & Jacobs, R. A. (1994). "Hierarchical mixtures of experts and
       the EM algorithm". Neural Computation 6(2), 181-214, section 4.
    """

    def __init__(self, task, previous=None):
        self.task = task
        self.y = task.y
        self.offset = task.offset
        self.weights, self.total = task.weights, task.weights.sum()
        templates = task.templates
        self.fit_intercept = np.array(
            [getattr(t, "fit_intercept", True) for t in templates]
        )
        self.design = task.designs.get(task.X, centered=bool(self.fit_intercept.all()))
        self.groups = grouped(task.families)
        self.foreground = np.array([not f.is_background for f in task.families])
        pairs = zip(templates, task.families, strict=True)
        self.links = [link_of(template, family) for template, family in pairs]
        n_targets = task.families[0].n_targets(task.y)
        self.B = np.zeros((task.n_experts, n_targets, self.design.n_columns))
        self.n_curvatures = task.n_experts * n_targets
        alphas = np.array([getattr(t, "alpha", 0.0) for t in templates], dtype=float)
        self.ridge = alphas[:, None] / np.append(self.design.scale**2, np.inf)
        self.ridge *= self.total
        self._set_limits()
        self._log_density = None
        self.is_fresh = previous is None
        if previous is None:
            self._start()
        else:
            self._resume(previous)

    # -- state ------------------------------------------------------------------------

    def _set_limits(self):
        """Smallest and largest free parameters, flat, and where each family's stand."""
        families, floors = self.task.families, self.task.floors
        lowest = [f.to_free(values) for f, values in zip(families, floors, strict=True)]
        self.shapes = [values.shape for values in lowest]
        self.bounds = np.cumsum([0] + [values.size for values in lowest])
        self.lowest = np.concatenate([values.ravel() for values in lowest])
        highest = [
            _highest(f, values) for f, values in zip(families, lowest, strict=True)
        ]
        self.highest = np.concatenate([values.ravel() for values in highest])

    def _start(self):
        """The pooled fit of an intercept."""
        free = []
        for k, family in enumerate(self.task.families):
            response, factor = family.response(self.y)
            weights = self.weights if factor is None else self.weights * factor
            ok = np.isfinite(response).all(axis=1) & family.accepts(self.y)
            mean = weights[ok] @ response[ok] / np.maximum(weights[ok].sum(), TINY)
            if self.foreground[k] and self.fit_intercept[k]:
                self.B[k, :, -1] = _finite_score(self.links[k], mean)
            predictions = np.broadcast_to(mean, (ok.sum(), len(mean)))
            parameters = family.fit_parameters(
                self.y[ok], predictions, self.weights[ok], self.task.floors[k]
            )
            free.append(family.to_free(parameters).ravel())
        self.free = np.clip(np.concatenate(free), self.lowest, self.highest)

    def _resume(self, previous):
        slopes = previous.coef[: self.design.n_columns - 1]
        coefficients = self.design.from_user(slopes.T, previous.intercept)
        self.B = coefficients.reshape(self.B.shape)
        pairs = zip(self.task.families, previous.noise.parameters, strict=True)
        free = [family.to_free(values).ravel() for family, values in pairs]
        self.free = np.concatenate(free)

    @property
    def parameters(self):
        """Coefficients and free parameters of the families, flat."""
        return np.concatenate([self.B.ravel(), self.free])

    @parameters.setter
    def parameters(self, values):
        self.B = values[: self.B.size].reshape(self.B.shape).copy()
        self.free = np.clip(values[self.B.size :], self.lowest, self.highest)
        self._log_density = None

    @property
    def noise(self):
        """Families with the parameters reached."""
        return Noise(self.task.families, self._parameters_of_families())

    def _free_of(self, k):
        return self.free[self.bounds[k] : self.bounds[k + 1]].reshape(self.shapes[k])

    def _parameters_of_families(self):
        return [
            family.from_free(self._free_of(k))
            for k, family in enumerate(self.task.families)
        ]

    @property
    def log_density(self):
        """Log density of y under each expert, (n, K)."""
        if self._log_density is None:
            self._log_density = self.log_terms()
        return self._log_density

    @property
    def penalty(self):
        """Ridge penalties and priors in units of the mean log likelihood."""
        with np.errstate(over="ignore", invalid="ignore"):  # a proposal to be refused
            norms = 0.5 * float(np.sum(self.ridge[:, None] * self.B**2))
            log_prior = self.task.log_prior(self._parameters_of_families())
            return (norms - log_prior) / self.total

    # -- what a pass sums -------------------------------------------------------------

    def evaluate(self, block, rows):
        """Log density (K, n); predictions and their slopes in the scores, (K, n, T)."""
        n_experts, n_targets, n_columns = self.B.shape
        scores = block.scores(self.B.reshape(-1, n_columns))
        if self.offset is not None:
            scores = scores + self.offset[rows]
        scores = scores.reshape(n_experts, n_targets, -1).transpose(0, 2, 1)
        predictions, slopes = self._through_links(scores)
        y, parameters = self.y[rows], self._stacked_parameters()
        density = np.empty(scores.shape[:2])
        for (family, experts), values in zip(self.groups, parameters, strict=True):
            terms = family.log_density(y, predictions[experts], values)
            density[experts] = over_targets(terms)
        return density, predictions, slopes

    def _through_links(self, scores):
        if len(set(self.links)) == 1:
            return LINKS[self.links[0]](scores)
        answers = [LINKS[link](s) for link, s in zip(self.links, scores, strict=True)]
        return tuple(np.stack(values) for values in zip(*answers, strict=True))

    def _stacked_parameters(self):
        """Parameters of each group's families, (q, k, 1, T)."""
        parameters = self._parameters_of_families()
        return [
            np.stack([parameters[k] for k in experts], axis=1)[:, :, None]
            for _, experts in self.groups
        ]

    def moments(self, block, rows, evaluated, responsibilities):
        """Totals, weighted scores times columns, those of the families' parameters."""
        _, predictions, slopes = evaluated
        y, weighted = self.y[rows], responsibilities[:, :, None]
        scores, weights = np.zeros_like(predictions), np.zeros_like(predictions)
        by_family: list = [None] * len(self.task.families)
        for (family, experts), values in zip(
            self.groups, self._stacked_parameters(), strict=True
        ):
            at = y, predictions[experts], values
            if not family.is_background:
                score, information = family.derivatives(*at)
                slope = slopes[experts]
                scores[experts] = weighted[experts] * score * slope
                weights[experts] = weighted[experts] * information * slope**2
            sums = [
                np.einsum("kn,qknt->kqt", responsibilities[experts], terms)
                for terms in family.parameter_derivatives(*at)
            ]
            for k, score, information in zip(experts, *sums, strict=True):
                by_family[k] = np.stack([score.ravel(), information.ravel()])
        of_families = np.concatenate(by_family, axis=1)
        cross = block.cross(_flat(scores))
        return [responsibilities.sum(axis=1), cross, of_families], _flat(weights)

    # -- the step ---------------------------------------------------------------------

    def local_model(self, sums, grams):
        """Fisher's view of the coefficients, a damped one of the parameters."""
        totals, slope, of_families = sums
        alive = (totals > DEAD_SHARE * self.total) & self.foreground
        slope = slope.reshape(self.B.shape) - self.ridge[:, None] * self.B
        slope[~self.fit_intercept, :, -1] = 0.0
        slope[~alive] = 0.0
        solver = self._solver(grams)
        move = solver.solve(slope.reshape(-1, slope.shape[2], 1)).reshape(slope.shape)
        pairs = zip(self.task.priors, self._parameters_of_families(), strict=True)
        of_priors = [prior.derivatives(values) for prior, values in pairs]
        score, information = of_families + np.concatenate(of_priors, axis=1)
        dead = np.repeat(~alive, np.diff(self.bounds))
        information = np.maximum(information, DEAD_SHARE * self.total)
        ratio = np.where(dead, 0.0, score / information)
        free = np.clip(self.free + damped(ratio), self.lowest, self.highest)
        low, high = self.free <= self.lowest, self.free >= self.highest
        held = (low & (score < 0)) | (high & (score > 0)) | dead
        score = np.where(held, 0.0, score)
        size = self.B.size

        def solve(vector):
            slopes = vector[:size].reshape(slope.shape) * self.total
            slopes[~alive] = 0.0  # an acceleration would throw them anywhere
            slopes = slopes.reshape(-1, slope.shape[2], 1)
            of_rest = vector[size:] * self.total / information
            return np.concatenate([solver.solve(slopes).ravel(), of_rest])

        return LocalModel(
            np.concatenate([(self.B + move).ravel(), free]),
            np.concatenate([slope.ravel(), score]) / self.total,
            solve,
            smooth=np.array_equal(free <= self.lowest, low)
            and np.array_equal(free >= self.highest, high),
        )

    def _solver(self, grams):
        grams = grams.copy()
        n_targets = self.B.shape[1]
        no_intercept = np.repeat(~self.fit_intercept, n_targets)
        grams[no_intercept, -1, :] = 0.0
        grams[no_intercept, :, -1] = 0.0
        diagonal = np.arange(grams.shape[1])
        grams[:, diagonal, diagonal] += np.repeat(self.ridge, n_targets, axis=0)
        return SymmetricSolver(grams)

    def ascend(self, responsibilities):
        """A safeguarded step; several from the pooled fit, which is far away."""
        if not self.is_fresh:
            super().ascend(responsibilities)
            return
        self.is_fresh = False
        self._climb(responsibilities)
        self._leave_saddles(responsibilities)

    def _climb(self, responsibilities):
        for _ in range(FIRST_STEPS):
            if super().ascend(responsibilities) < FIRST_GAIN:
                return

    def _leave_saddles(self, responsibilities):
        """Go on from beside saddles of the families' likelihoods, if that is uphill."""
        at_saddle, before = self.parameters, self.expected(responsibilities)
        predictions = None
        for k, family in enumerate(self.task.families):
            movable = self.links[k] == "identity" and self.fit_intercept[k]
            if family.is_background or not family.has_saddle or not movable:
                continue
            if predictions is None:
                predictions = self._predictions()
            share = responsibilities[:][:, k]
            shift, parameters = family.beside_saddle(self.y - predictions[k], share)
            self.B[k, :, -1] += shift
            self.free[self.bounds[k] : self.bounds[k + 1]] = family.to_free(
                parameters
            ).ravel()
        if predictions is None:
            return
        self.parameters = self.parameters  # within their limits
        self._climb(responsibilities)
        if not self.expected(responsibilities) >= before:
            self.parameters = at_saddle

    def _predictions(self):
        """Predictions at the training rows, (K, n, T)."""
        blocks = [
            self.evaluate(self.design.block(rows), rows)[1] for rows in self.batches()
        ]
        return np.concatenate(blocks, axis=1)

    def snapshot(self):
        """Parameters, and whether a step has been taken."""
        return self.parameters, self.is_fresh

    def restore(self, snapshot):
        """Come back to a snapshot."""
        self.parameters, self.is_fresh = snapshot

    # -- results ----------------------------------------------------------------------

    def fitted(self):
        """Return fitted estimators, coefficients on the user's scale."""
        slopes, intercepts = self.design.to_user(self.B)
        noise = self.noise
        estimators = []
        for k, family in enumerate(self.task.families):
            if family.is_background:
                estimators.append(self._constant(k, noise))
                continue
            fitted = copy(self.task.templates[k])  # a clone already
            single = self.task.labels.ndim == 1 or self.B.shape[1] < self.y.shape[1]
            fitted.coef_ = slopes[k, 0] if single else slopes[k]
            fitted.intercept_ = float(intercepts[k, 0]) if single else intercepts[k]
            if not self.fit_intercept[k]:
                fitted.intercept_ = 0.0
            if isinstance(fitted, GeneralizedLinearRegressor):
                fitted.link_ = self.links[k]
            fitted.n_features_in_ = slopes.shape[2]
            estimators.append(fitted)
        return GLMExperts(estimators, noise, self.links, self.offset is not None)

    def _constant(self, k, noise):
        """The expert of a background: its family's mean, whatever the row."""
        family, n_targets = self.task.families[k], self.B.shape[1]
        mean = family.mean(np.zeros((1, n_targets)), noise.parameters[k][:, None])
        constant = mean[0] if self.task.labels.ndim == 2 else float(mean[0, 0])
        expert = DummyRegressor(strategy="constant", constant=constant)
        return expert.fit(np.zeros((1, self.task.X.shape[1])), mean)

    def collapsed(self, totals):
        """Experts whose density is at the floor of its dispersion."""
        at_floor = self.free <= self.lowest + 1e-6
        return np.array(
            [
                bool(q and at_floor[start : start + n_targets].any())
                and not family.is_discrete
                for family, start, (q, n_targets) in zip(
                    self.task.families, self.bounds[:-1], self.shapes, strict=True
                )
            ]
        )


def _flat(values):
    """(K, n, T) as (K T, n)."""
    return values.transpose(0, 2, 1).reshape(-1, values.shape[1])


def _finite_score(link, mean):
    """Linear score of a mean; far out for one at an end (no event at all, say)."""
    with np.errstate(divide="ignore"):
        score = LINK_FUNCTIONS[link](mean)
    return np.nan_to_num(score, posinf=END, neginf=-END)


def _highest(family, lowest):
    """Largest free parameters (q, T) of a family, given the smallest."""
    ceilings = np.broadcast_to(family.ceilings()[:, None], lowest.shape)
    highest = family.to_free(ceilings)
    for j, link in enumerate(family.parameter_links[: len(highest)]):
        if link == "log":
            bounded = np.isfinite(lowest[j])
            limit = np.where(bounded, lowest[j] + ABOVE_FLOOR, HIGHEST)
            highest[j] = np.minimum(highest[j], limit)
    return highest


def damped(step):
    """Steps of free parameters that grow like logarithms.

    For a scale this is the exact M-step of a Gaussian, and Newton's where it is short.
    """
    inward = np.maximum(step / DAMPING, -0.98)
    return np.clip(DAMPING * np.log1p(inward), -2.0, 2.0)
