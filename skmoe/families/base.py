# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The contract of a family."""

from abc import ABC, abstractmethod

import numpy as np
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, clone

from skmoe.families.links import LINKS
from skmoe.families.prior import PriorRows
from skmoe.families.search import invert_continuous, invert_discrete

# Relative step of central differences of log densities and of scores: for a function
# that is right to 1e-16 the error is about 1e-10.
STEP = 6e-6
# Largest size of a numerical score.
STEEPEST = 1e75
# Log density of a value that an expert rules out. Finite, because a responsibility of
# zero times minus infinity is not a number.
LOG_ZERO = -1e100


class BaseFamily(ABC, BaseEstimator):
    r"""Noise model :math:`f(y \mid m, \phi)` of an expert with prediction m.

    The parameters :math:`\phi` are what is estimated beside the prediction, one of each
    per expert and target: a dispersion first (if there is one), then shapes such as
    degrees of freedom.

    All functions of y are elementwise. With T targets,

    - ``y``: (..., T)
    - ``prediction``: (..., T), what the experts' ``predict`` answers
    - ``parameters``: (q, ..., T), to be unpacked: ``sigma, df = parameters``

    broadcast against each other, and the result is (..., T), targets not yet summed.
    The leading dimensions are rows, or rows and experts. `fit_parameters` is for one
    expert: y and prediction (n, T), weights (n,).

    To add a family: a file with a subclass, and one line in `skmoe.families`. It must
    have `log_density`, `mean` and `variance`; derivatives and the fit of the parameters
    are then numerical. `cdf` (and `quantile`, `sample`, which are made of it) serve
    predictive distributions and simulation. A family is an estimator, so it can hold
    settings of its own, be cloned and be tuned.
    """

    #: Name by which estimators accept the family, and errors name it.
    name: str = "unnamed"
    #: Names of the parameters, the dispersion first.
    parameter_names: tuple[str, ...] = ("dispersion",)
    #: Scale on which each parameter is free: 'log' for a positive one, 'identity'.
    parameter_links: tuple[str, ...] = ("log",)
    #: Link of linear experts, see `skmoe.families.links`.
    link = "identity"
    #: What y may be, in the words of the error for a y that is not.
    domain = "real numbers"
    #: Ends of the range of y, (low, high).
    support = (-np.inf, np.inf)
    #: Whether y takes separate values; `log_density` is then a log probability.
    is_discrete = False
    #: Whether the density is the same whatever the expert predicts: nothing to fit.
    is_background = False
    #: Whether the expert is a density of y by itself, with no noise around it.
    has_own_density = False
    #: Whether the log density has second derivatives everywhere.
    is_smooth = True
    #: Value that has a probability whatever the expert predicts; None: there is none.
    atom: float | None = None
    #: Whether a least-squares fit is a stationary point and no maximum; linear experts
    #: then start where ``beside_saddle(residuals, weights)`` says: a shift of the
    #: predictions (T,) and parameters (q, T).
    has_saddle = False

    # -- the data ---------------------------------------------------------------------

    def inside(self, y):
        """True where a value of y (..., T) is in the domain, (..., T)."""
        return np.isfinite(y)

    def accepts(self, y):
        """True for rows of y, (n,) or (n, T), in the domain, (n,)."""
        return self.inside(y).reshape(len(y), -1).all(axis=1)

    def check_settings(self):
        """Raise ValueError if the family's own settings are not right. Here: never."""

    def check_range(self, y):
        """Raise ValueError if values are too large or small. Here: never."""

    def check_target(self, y):
        """Raise ValueError naming the first row of y outside the family's domain."""
        self.check_settings()
        refused = np.flatnonzero(~self.accepts(y))
        if len(refused):
            row = refused[0]
            name = getattr(self, "name", type(self).__name__)
            raise ValueError(
                f"family {name!r} needs {self.domain}. Got y[{row}] = "
                f"{np.squeeze(y[row]).tolist()}.{self._advice(y)}"
            )

    def _advice(self, y):
        """Return a sentence for a y that is refused, if there is one that helps."""
        return ""

    def response(self, y):
        """Targets (n, T) of the estimators' fits, and a factor of the weights.

        The factor is (n,) or None. Logarithms for a log-normal y, proportions weighted
        by the number of trials for a binomial one.
        """
        return y, None

    def n_targets(self, y):
        """Targets that experts predict for y (n, .): its columns."""
        return y.shape[1]

    def floors(self, y, weights, relative):
        """Smallest parameters, (q, T); -inf where there is no limit.

        `relative` is the estimator's `reg_dispersion`. Here: the dispersion is a scale
        in the units of y, and its floor that share of y's standard deviation.
        """
        floors = np.full((len(self.parameter_names), y.shape[1]), -np.inf)
        if len(floors):
            floors[0] = relative * spread(y, weights)
        return floors

    def prior(self, y, weights):
        """The `PriorRows` of each expert, given y (n, T). Here: none."""
        return PriorRows(self, np.empty((0, y.shape[1])), np.empty(0))

    def ceilings(self):
        """Largest parameters, (q,); inf where there is no limit."""
        return np.full(len(self.parameter_names), np.inf)

    # -- density ----------------------------------------------------------------------

    def from_draw(self, y):
        """Values y (..., T) as `sample` draws them, as the densities take them.

        Here: the same. A binomial draw of 0 or 1 becomes successes and failures.
        """
        return y

    @abstractmethod
    def log_density(self, y, prediction, parameters):
        """Log density of each target, (..., T)."""

    @abstractmethod
    def mean(self, prediction, parameters):
        """Mean of y, (..., T)."""

    @abstractmethod
    def variance(self, prediction, parameters):
        """Variance of y, broadcastable to (..., T); inf where it does not exist."""

    def cdf(self, y, prediction, parameters):
        """Probability of a value not above y, (..., T)."""
        raise NotImplementedError(f"{type(self).__name__} has no cdf.")

    def quantile(self, probability, prediction, parameters):
        """Smallest value with a cdf of at least `probability`, (..., T).

        Here: found by bracketing.
        """
        invert = invert_discrete if self.is_discrete else invert_continuous
        return invert(self, probability, prediction, parameters)

    def sample(self, prediction, parameters, rng):
        """One draw of y for each prediction, (..., T)."""
        uniform = rng.uniform(size=np.shape(prediction))
        return self.quantile(uniform, prediction, parameters)

    # -- derivatives and fits ---------------------------------------------------------

    def derivatives(self, y, prediction, parameters):
        r"""Score and information of the prediction, each (..., T).

        :math:`\partial \log f / \partial m`, and a non-negative stand-in for
        :math:`-\partial^2 \log f / \partial m^2`: its expectation (Fisher scoring) or a
        bound. Here: central differences, and the squared score, whose expectation is
        the information.
        """
        # A positive prediction stays positive; others may be zero.
        smallest = 0.0 if self.link == "log" else 1e-3
        step = STEP * np.maximum(np.abs(prediction), smallest)
        above = self.log_density(y, prediction + step, parameters)
        below = self.log_density(y, prediction - step, parameters)
        score = _difference(above, below, 2 * step)
        return score, score**2

    def parameter_derivatives(self, y, prediction, parameters):
        r"""Scores and informations of the free parameters, each (q, ..., T).

        A parameter is free on the scale of its link: derivatives are with respect to
        :math:`\log \sigma`, for instance. Here as `derivatives`.
        """
        free = self.to_free(np.asarray(parameters))
        slopes = []
        for j in range(len(free)):
            step = np.zeros((len(free),) + (1,) * (free.ndim - 1))
            step[j] = 10 * STEP
            above = self.log_density(y, prediction, self.from_free(free + step))
            below = self.log_density(y, prediction, self.from_free(free - step))
            slopes.append(_difference(above, below, 20 * STEP))
        shape = np.broadcast_shapes(np.shape(y), np.shape(prediction), free.shape[1:])
        scores = np.array(slopes) if slopes else np.empty((0, *shape))
        return scores, scores**2

    def fit_parameters(self, y, prediction, weights, floors, start=None):
        """Parameters (q, T) that maximise one expert's weighted log likelihood.

        `start` (q, T) is where a search begins. Here: L-BFGS on the free scale. Without
        weight the answer is the start.
        """
        total = weights.sum()
        if start is None:
            safe = weights if total > 0 else np.ones_like(weights)
            start = self.guess_parameters(y, prediction, safe)
        lowest = np.maximum(floors, self._lowest()[:, None])
        highest = np.maximum(lowest, self.ceilings()[:, None])
        start = np.clip(start, lowest, highest)
        if not start.size or total <= 0:
            return start
        shape = start.shape

        def negative(flat):
            parameters = self.from_free(flat.reshape(shape))
            density = self.log_density(y, prediction, parameters)
            scores = self.parameter_derivatives(y, prediction, parameters)[0]
            slopes = np.einsum("n,qnt->qt", weights, scores)
            return -(weights @ density).sum() / total, -slopes.ravel() / total

        # The logarithm of no limit is none; a scale may fall to the smallest number.
        low, high = self.to_free(lowest), self.to_free(highest)
        result = minimize(
            negative,
            self.to_free(start).ravel(),
            jac=True,
            method="L-BFGS-B",
            bounds=np.column_stack([low.ravel(), high.ravel()]),
            options={"ftol": 1e-15, "gtol": 1e-9},
        )
        return self.from_free(result.x.reshape(shape))

    def guess_parameters(self, y, prediction, weights):
        """Parameters (q, T) to begin a search with: a scale first, then ones."""
        guess = np.ones((len(self.parameter_names), prediction.shape[1]))
        if len(guess):
            guess[0] = spread(self.response(y)[0] - prediction, weights)
        return guess

    def to_free(self, parameters):
        """Parameters (q, ...) on the scale on which they are unbounded."""
        free = np.array(parameters, dtype=np.float64)
        for j, link in enumerate(self.parameter_links[: len(free)]):
            if link == "log":
                free[j] = np.log(np.maximum(free[j], np.finfo(np.float64).tiny))
        return free

    def from_free(self, free):
        """The inverse of `to_free`."""
        parameters = np.array(free, dtype=np.float64)
        for j, link in enumerate(self.parameter_links[: len(parameters)]):
            if link == "log":
                parameters[j] = np.exp(parameters[j])
        return parameters

    def _lowest(self):
        """Smallest value of each parameter, (q,)."""
        links = self.parameter_links[: len(self.parameter_names)]
        return np.array([0.0 if link == "log" else -np.inf for link in links])

    def fitted(self, parameters):
        """The family with the shapes among the parameters (q, T) set. Here: a clone."""
        return clone(self)

    def count_parameters(self):
        """Free parameters per target."""
        return len(self.parameter_names)


def _difference(above, below, width):
    """Slope between two log densities, within what can be squared and added.

    Zero where both are minus infinity: nothing says in which direction to go.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        slope = (above - below) / width
    return np.clip(np.nan_to_num(slope), -STEEPEST, STEEPEST)


def spread(y, weights):
    """Weighted standard deviation of each column of y (n, T); one where it is zero."""
    total = weights.sum()
    mean = weights @ y / total
    deviation = np.sqrt(weights @ (y - mean) ** 2 / total)
    return np.where(deviation <= 1e-14 * np.abs(mean), 1.0, deviation)


def check_family(family, families):
    """Return a family object for a name or an object.

    Raises
    ------
    ValueError
        If no family has that name.
    TypeError
        If the object is none, or a member of it is not as `BaseFamily` documents it.
    """
    if isinstance(family, str):
        if family not in families:
            raise ValueError(
                f"family={family!r} is unknown. Pass one of {sorted(families)} or an "
                "object of skmoe.families."
            )
        return families[family]()
    if isinstance(family, type):
        raise TypeError(
            f"family={family.__name__} is a class. Pass an object, for instance "
            f"{family.__name__}()."
        )
    if not isinstance(family, BaseFamily):
        raise TypeError(
            f"family={family!r} is not a family. It must be a name, or an object of a "
            "class that derives from skmoe.families.BaseFamily and has log_density, "
            f"mean and variance. Got a {type(family).__name__}."
        )
    check_members(family)
    return family


def check_members(family):
    """Raise TypeError naming a member of a family that is not as documented."""
    name = type(family).__name__
    names, links = family.parameter_names, family.parameter_links
    if len(links) < len(names) or not set(links) <= {"log", "identity"}:
        raise TypeError(
            f"{name}.parameter_links must have 'log' or 'identity' for each of "
            f"parameter_names={tuple(names)!r}. Got {tuple(links)!r}."
        )
    if family.link not in LINKS:
        raise TypeError(
            f"{name}.link must be one of {sorted(LINKS)}. Got {family.link!r}."
        )


def check_log_density(family, y):
    """Raise TypeError unless a user's log density of y (n, .) is elementwise."""
    if type(family).__module__.startswith("skmoe."):
        return
    y = y.reshape(len(y), -1)
    y = y[family.accepts(y)][:4]
    if not len(y):
        return
    prediction = np.array(family.response(y)[0], dtype=np.float64)
    parameters = family.guess_parameters(y, prediction, np.ones(len(y)))
    found = family.log_density(y, prediction, parameters[:, None])
    if np.shape(found) != prediction.shape:
        raise TypeError(
            f"{type(family).__name__}.log_density must return one number for each row "
            f"and target, of the shape {prediction.shape} of its prediction. Got "
            f"shape {np.shape(found)}."
        )


def check_families(family, n_experts, families):
    """One family object per expert, from one or a list of names and objects.

    Equal entries share one object, so that their experts are evaluated together.
    """
    if not isinstance(family, list):
        return [check_family(family, families)] * n_experts
    if len(family) != n_experts:
        raise ValueError(
            f"family={family!r} must have one entry for each of the {n_experts} "
            f"experts; it has {len(family)}."
        )
    known: dict = {}
    checked = [check_family(entry, families) for entry in family]
    return [known.setdefault(repr(entry), entry) for entry in checked]
