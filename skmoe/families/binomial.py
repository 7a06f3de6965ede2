# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Numbers of successes."""

import numpy as np
from scipy.special import betaincc

from skmoe.families.restricted import RestrictedFamily, is_count
from skmoe.families.special import factorial_error, relative_entropy

SMALLEST_PROBABILITY = np.finfo(np.float64).eps


class Binomial(RestrictedFamily):
    r"""Binomial counts: the prediction is the probability of a success.

    .. math::
        \log f(s, n - s \mid p) = \log \binom{n}{s} + s \log p + (n - s) \log (1 - p) .

    y has two columns, the successes s and the failures n - s of each row, and makes one
    target: the prediction's last axis, and that of every result, has length one.

    Estimators are fitted to the proportions s / n with the trials n as weights. What is
    predicted is a proportion: `mean` is p, and the functions that know of no trials,
    `variance`, :math:`p (1 - p)`, `quantile` and `sample`, are those of *one* trial,
    a draw of 0 or 1. `cdf` takes y of two columns, and is the probability of at most
    that many successes in as many trials.

    Probabilities are kept within :math:`2.2 \times 10^{-16}` of 0 and 1.

    References
    ----------
    .. [1] McCullagh, P. & Nelder, J. A. (1989). "Generalized linear models", 2nd ed.,
       chapter 4. Chapman & Hall.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import Binomial
    >>> y = np.array([[1.0, 1.0], [0.0, 3.0]])
    >>> np.exp(Binomial().log_density(y, np.array([[0.5], [0.5]]), ())).round(4)
    array([[0.5  ],
           [0.125]])
    """

    name = "binomial"
    parameter_names = ()
    parameter_links = ()
    domain = "successes and failures that are non-negative integers, not both zero"
    support = (0.0, 1.0)
    link = "logit"
    means = (SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    is_discrete = True

    def inside(self, y):
        """True where a pair has counts and a trial, (..., 1)."""
        counts = is_count(y).all(axis=-1, keepdims=True)
        return counts & (y.sum(axis=-1, keepdims=True) > 0)

    def accepts(self, y):
        """True where a row of y (n, 2) is in the domain: (n,)."""
        if y.ndim != 2 or y.shape[1] != 2:
            raise ValueError(
                "family 'binomial' needs y of shape (n_samples, 2), successes and "
                f"failures. Got shape {y.shape}."
            )
        return super().accepts(y)

    def n_targets(self, y):
        """One: the probability."""
        return 1

    def response(self, y):
        """Proportions (n, 1), and trials (n,), zero outside the domain."""
        counts, inside = self._within_domain(y)
        trials = counts.sum(axis=1)
        return counts[:, :1] / trials[:, None], trials * inside[:, 0]

    def from_draw(self, y):
        """Successes and failures of one trial, (..., 2)."""
        return np.concatenate([y, 1.0 - np.floor(y)], axis=-1)

    def floors(self, y, weights, relative):
        """There are no parameters."""
        return np.empty((0, 1))

    def _log_density(self, y, prediction, parameters):
        successes, failures = y[..., :1], y[..., 1:]
        trials = successes + failures
        entropies = relative_entropy(successes, trials * prediction)
        entropies = entropies + relative_entropy(failures, trials * (1 - prediction))
        coefficient = factorial_error(successes) + factorial_error(failures)
        return factorial_error(trials) - coefficient - entropies

    def variance(self, prediction, parameters):
        """Variance of one trial."""
        probability = self._possible(prediction)
        return probability * (1 - probability)

    def cdf(self, y, prediction, parameters):
        """Probability of at most y's successes in y's trials, (..., 1)."""
        y = np.asarray(y, dtype=np.float64)
        successes, failures = np.floor(y[..., :1]), y[..., 1:]
        some = (successes >= 0) & (failures > 0)
        mass = betaincc(
            np.where(some, successes + 1, 1.0),
            np.where(some, failures, 1.0),
            self._possible(prediction),
        )
        return np.where(some, mass, np.where(successes >= 0, 1.0, 0.0))

    def quantile(self, probability, prediction, parameters):
        """Quantiles of one trial: 0 or 1."""
        return np.where(probability <= 1 - self._possible(prediction), 0.0, 1.0)

    def sample(self, prediction, parameters, rng):
        """One trial: 0 or 1."""
        drawn = rng.uniform(size=np.shape(prediction)) < self._possible(prediction)
        return drawn.astype(np.float64)

    def _derivatives(self, y, prediction, parameters):
        trials = y.sum(axis=-1, keepdims=True)
        variance = prediction * (1 - prediction)
        score = (y[..., :1] - trials * prediction) / variance
        return score, trials / variance
