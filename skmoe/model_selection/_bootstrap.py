# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Bootstrap of the parameters of a fitted mixture."""

from dataclasses import dataclass

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from skmoe._compat import check_sample_weight, warn_user
from skmoe.model_selection._checks import (
    check_choice,
    check_draws,
    check_mixture,
    check_share,
)
from skmoe.model_selection._fits import Rows, fit_from
from skmoe.model_selection._likelihood_ratio import draw_targets
from skmoe.model_selection._parameters import (
    expert_parameters,
    kinds_of,
    match_experts,
)

_KINDS = ("nonparametric", "parametric")
# Draws in search of one that has rows of every class.
MAX_DRAWS = 1000


@dataclass(frozen=True)
class BootstrapResult:
    """Result of `bootstrap`.

    Parameters
    ----------
    experts : list of str
        Names of the K experts.
    parameters : list of str
        Names of the P parameters that each expert has: its share of the rows,
        dispersion, intercept and coefficients where linear, then those of the gate.
    estimate : ndarray of shape (n_experts, n_parameters)
        Values of the fitted model.
    samples : ndarray of shape (n_bootstrap, n_experts, n_parameters)
        Values of the refits, experts in the order of the fitted model.
    coverage : float
        Of `interval`.
    converged : ndarray of shape (n_bootstrap,)
        Whether each refit converged.
    """

    experts: list
    parameters: list
    estimate: np.ndarray
    samples: np.ndarray
    coverage: float
    converged: np.ndarray

    @property
    def standard_error(self):
        """Standard deviations of the refits, (n_experts, n_parameters)."""
        return self.samples.std(axis=0, ddof=1)

    @property
    def interval(self):
        """Percentile intervals, lower and upper end, (n_experts, n_parameters, 2)."""
        tail = (1 - self.coverage) / 2
        return np.moveaxis(np.quantile(self.samples, [tail, 1 - tail], axis=0), 0, -1)

    def summary(self):
        """One row per expert and parameter.

        Returns
        -------
        pandas.DataFrame or dict of str to list
            Columns: `expert`, `parameter` (the DataFrame's index), `estimate`,
            `std_error`, `lower` and `upper`. A dict of columns without pandas.
        """
        n_experts, n_parameters = self.estimate.shape
        lower, upper = np.moveaxis(self.interval, -1, 0)
        columns = {
            "expert": np.repeat(self.experts, n_parameters).tolist(),
            "parameter": self.parameters * n_experts,
            "estimate": self.estimate.ravel().tolist(),
            "std_error": self.standard_error.ravel().tolist(),
            "lower": lower.ravel().tolist(),
            "upper": upper.ravel().tolist(),
        }
        try:
            import pandas as pd
        except ImportError:
            return columns
        return pd.DataFrame(columns).set_index(["expert", "parameter"])


def bootstrap(
    estimator,
    X,
    y,
    *,
    sample_weight=None,
    n_bootstrap=200,
    kind="nonparametric",
    coverage=0.95,
    n_jobs=None,
    random_state=None,
):
    r"""Standard errors and intervals of a fitted mixture's parameters by refitting.

    .. math:: \mathrm{se}(\hat\theta)^2 =
              \frac{1}{B - 1} \sum_b (\hat\theta_b - \bar\theta)^2

    Each refit starts from the fitted responsibilities, so that it stays at the same
    maximum. Experts have no order of their own: those of a refit are matched to the
    fitted ones by the responsibilities that they take at the rows given (the assignment
    of the highest cosines), experts of different kinds never exchanged. Rows are taken
    for independent: a model fitted with `groups` wants its groups drawn, which this
    does not do.

    Parameters
    ----------
    estimator : fitted MixtureOfExpertsRegressor or MixtureOfExpertsClassifier
        Stays as it is.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows that it was fitted to.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Their targets.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights that it was fitted with.
    n_bootstrap : int, default=200
        Refits, B; 200 do for standard errors, intervals want a thousand.
    kind : {'nonparametric', 'parametric'}, default='nonparametric'
        Rows drawn with replacement (as weights that count how often each is drawn; for
        classes, drawn again until each class is there), which holds whether or not the
        model is right; or the rows given and targets drawn from the model by
        `sample_y`, which is sharper where it is right.
    coverage : float, default=0.95
        Of the percentile intervals.
    n_jobs : int, default=None
        Refits at a time. The result does not depend on it.
    random_state : int, RandomState instance or None, default=None
        For the draws.

    Returns
    -------
    BootstrapResult
        Estimates, refits, standard errors and intervals; `summary()` is a table.

    Raises
    ------
    ValueError
        If a parameter is out of range.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.

    Warns
    -----
    UserWarning
        If an expert collapsed in some refits: their parameters are spurious.

    References
    ----------
    .. [1] Efron, B. & Tibshirani, R. J. (1993). An Introduction to the Bootstrap.
       Chapman & Hall.
    .. [2] Basford, K. E., Greenway, D. R., McLachlan, G. J. & Peel, D. (1997).
       "Standard errors of fitted component means of normal mixtures". Computational
       Statistics 12, 1-17.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.model_selection import bootstrap
    >>> rng = np.random.RandomState(0)
    >>> X = rng.uniform(-2, 2, size=(200, 1))
    >>> y = np.abs(X[:, 0]) + 0.2 * rng.normal(size=200)
    >>> model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    >>> result = bootstrap(model, X, y, n_bootstrap=50, random_state=0)
    >>> slope = result.parameters.index("x0")
    >>> result.estimate[:, slope].round(1), result.standard_error[:, slope].round(2)
    (array([ 1., -1.]), array([0.04, 0.04]))
    """
    check_mixture(estimator)
    check_is_fitted(estimator)
    check_draws(n_bootstrap=n_bootstrap)
    check_choice("kind", kind, _KINDS)
    check_share("coverage", coverage)
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X)
    rows = Rows(X, y, sample_weight).positive()
    names, estimate = expert_parameters(estimator)
    seeds = check_random_state(random_state).randint(
        np.iinfo(np.int32).max, size=n_bootstrap
    )
    reference = estimator.responsibilities(rows.X, rows.y)
    refits = Parallel(n_jobs=n_jobs)(
        delayed(_refit)(estimator, rows, reference, kind, seed) for seed in seeds
    )
    samples, converged, collapsed = zip(*refits, strict=True)
    if any(collapsed):
        warn_user(
            f"An expert collapsed onto a few rows in {sum(collapsed)} of {n_bootstrap} "
            "refits, whose parameters are spurious. Use fewer experts or a larger "
            "reg_dispersion.",
            UserWarning,
        )
    return BootstrapResult(
        list(estimator.named_experts_),
        names,
        estimate,
        np.stack(samples),
        coverage,
        np.array(converged),
    )


def _refit(estimator, rows, reference, kind, seed):
    """Parameters (K, P) of one refit, whether it converged, whether it collapsed."""
    if kind == "parametric":
        y = draw_targets(estimator, rows.X, rows.y, seed)
        drawn = Rows(rows.X, y, rows.weights)
        start = estimator.responsibilities(rows.X, y)
    else:
        drawn = Rows(rows.X, rows.y, _drawn_weights(estimator, rows, seed))
        start = reference
    fit = fit_from(estimator, drawn, start, "previous")
    responsibilities = fit.model.responsibilities(rows.X, rows.y)
    order = match_experts(reference, responsibilities, kinds_of(estimator))
    values = expert_parameters(fit.model)[1][order]
    return values, fit.model.converged_, fit.is_collapsed


def _drawn_weights(estimator, rows, seed):
    """Number of times each row is drawn, times its weight."""
    rng = np.random.RandomState(seed)
    n_samples = rows.n_samples
    weights = np.ones(n_samples) if rows.weights is None else rows.weights
    classes = np.asarray(rows.y) if is_classifier(estimator) else None
    for _ in range(MAX_DRAWS):
        counts = rng.multinomial(n_samples, np.full(n_samples, 1 / n_samples))
        if classes is None or set(classes[counts > 0]) == set(classes):
            return counts * weights
    raise ValueError(
        f"None of {MAX_DRAWS} draws had rows of every class. Use kind='parametric', or "
        "leave out classes of a few rows."
    )
