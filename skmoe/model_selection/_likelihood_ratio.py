# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Likelihood-ratio test of one expert more, by the parametric bootstrap."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from skmoe.families import Binomial
from skmoe.model_selection._checks import check_draws, check_mixture
from skmoe.model_selection._fits import Rows, better, fit_from, fit_quietly, grow
from skmoe.numerics.routing import draw_experts


@dataclass(frozen=True)
class LikelihoodRatioResult:
    """Result of `likelihood_ratio_test`.

    Parameters
    ----------
    statistic : float
        Twice the gain of log likelihood by one expert more.
    p_value : float
        Share of bootstrap statistics at least as large, the observed one included.
    n_experts : int
        Number of experts of the null hypothesis.
    bootstrap_statistics : ndarray of shape (n_bootstrap,)
        The statistic where the null hypothesis holds.
    """

    statistic: float
    p_value: float
    n_experts: int
    bootstrap_statistics: np.ndarray


def likelihood_ratio_test(
    estimator, X, y, *, n_experts, n_bootstrap=99, n_jobs=None, random_state=None
):
    r"""Test K against K + 1 experts by the parametric bootstrap.

    .. math:: T = 2 (\log L_{K+1} - \log L_K), \qquad
              p = \frac{1 + \#\{b : T_b \ge T\}}{B + 1}

    where :math:`T_b` is the statistic of targets drawn from the fitted model of K
    experts at the same X. The usual chi-squared limit does not hold here: under the
    null hypothesis the parameters of the expert too many are not identified.

    Each K + 1 is fitted from the estimator's own start(s) and from the fit of K with
    its worst expert split; a drawn K is fitted from its own start(s) and from the
    responsibilities under the model that it was drawn from.

    Parameters
    ----------
    estimator : MixtureOfExpertsRegressor or MixtureOfExpertsClassifier
        Cloned; needs `sample_y`, and one expert as template.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Their targets.
    n_experts : int
        Experts under the null hypothesis, K.
    n_bootstrap : int, default=99
        Draws, B: the smallest p-value is 1 / (B + 1).
    n_jobs : int, default=None
        Draws fitted at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        For the draws.

    Returns
    -------
    LikelihoodRatioResult
        `statistic`, `p_value`, `n_experts`, `bootstrap_statistics`.

    Raises
    ------
    ValueError
        If the experts of the estimator are a list or a number is out of range.

    References
    ----------
    .. [1] McLachlan, G. J. (1987). "On bootstrapping the likelihood ratio test
       statistic for the number of components in a normal mixture". Applied Statistics
       36(3), 318-324.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.model_selection import likelihood_ratio_test
    >>> rng = np.random.RandomState(0)
    >>> X = rng.uniform(-2, 2, size=(100, 1))
    >>> y = np.abs(X[:, 0]) + 0.2 * rng.normal(size=100)
    >>> test = likelihood_ratio_test(
    ...     MixtureOfExpertsRegressor(),
    ...     X,
    ...     y,
    ...     n_experts=1,
    ...     n_bootstrap=19,
    ...     random_state=0,
    ... )
    >>> test.p_value
    0.05
    """
    check_mixture(estimator, one_template=True)
    check_draws(n_experts=n_experts, n_bootstrap=n_bootstrap)
    rows = Rows(X, y)
    null = fit_quietly(estimator, rows, n_experts=n_experts)
    statistic = _statistic(estimator, rows, null)
    null.warn()
    rng = check_random_state(random_state)
    seeds = rng.randint(np.iinfo(np.int32).max, size=n_bootstrap)
    drawn = Parallel(n_jobs=n_jobs)(
        delayed(_drawn_statistic)(estimator, rows, null.model, seed) for seed in seeds
    )
    n_above = sum(value >= statistic for value in drawn)
    p_value = float((1 + n_above) / (n_bootstrap + 1))
    return LikelihoodRatioResult(statistic, p_value, n_experts, np.array(drawn))


def _statistic(estimator, rows, null):
    """Twice the gain of log likelihood by one expert more than `null` has."""
    n_experts = null.model.n_experts_ + 1
    own = fit_quietly(estimator, rows, n_experts=n_experts)
    alternative = better(own, grow(estimator, rows, null, n_experts))
    return 2 * (alternative.model.log_likelihood_ - null.model.log_likelihood_)


def _drawn_statistic(estimator, given, truth, seed):
    y = draw_targets(truth, given.X, given.y, seed)
    rows = Rows(given.X, y)
    start = truth.responsibilities(given.X, y)
    null = better(
        fit_quietly(estimator, rows, n_experts=truth.n_experts_),
        fit_from(estimator, rows, start, "previous"),
    )
    return _statistic(estimator, rows, null)


def draw_targets(model, X, y, seed):
    """One draw of all targets, of the shape of y."""
    if not isinstance(getattr(model, "families_", [None])[0], Binomial):
        return model.sample_y(X, n_samples=1, random_state=seed)[:, 0]
    # `sample_y` draws single trials. Here are y's, which share an expert in each row.
    rng = check_random_state(seed)
    trials = np.asarray(y).sum(axis=1).astype(np.int64)
    owners = draw_experts(model.gate_proba(X), rng)
    probability = model.predict_experts(X)[np.arange(len(owners)), owners]
    successes = rng.binomial(trials, probability)
    return np.column_stack([successes, trials - successes])
