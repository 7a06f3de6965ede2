# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Scores of predictive distributions."""

import numpy as np

from skmoe._compat import check_sample_weight
from skmoe.distribution import PredictiveDistribution
from skmoe.distribution._intervals import check_coverage, check_kind

DECILES = tuple(np.arange(1, 10) / 10)


def negative_log_likelihood(y_true, dist, sample_weight=None):
    r"""Mean negative log density of y, lower is better.

    .. math:: -\sum_i w_i \log p(y_i \mid x_i) \Big/ \sum_i w_i

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        Observed values; the density of several targets is joint.
    dist : PredictiveDistribution
        Predictions for the same rows, `predict_dist(X)`.
    sample_weight : array-like of shape (n_samples,), default=None
        Row weights; None: all one.

    Returns
    -------
    float
        In nats, and relative to the unit of y: in a unit a thousand times as large the
        score falls by log 1000.

    References
    ----------
    .. [1] Good, I. J. (1952). "Rational decisions". Journal of the Royal Statistical
       Society B 14(1), 107-114.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.metrics import negative_log_likelihood
    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> y = np.abs(X[:, 0]) + 0.1 * np.random.RandomState(0).normal(size=200)
    >>> model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    >>> round(negative_log_likelihood(y, model.predict_dist(X)), 2)
    -0.87
    """
    targets = _targets(y_true, dist)
    joint = targets if dist.n_targets > 1 else targets[:, 0]
    return average(-dist.logpdf(joint), sample_weight)


def crps(y_true, dist, sample_weight=None):
    r"""Mean continuous ranked probability score, lower is better.

    .. math:: \int (F_i(t) - 1[t \ge y_i])^2 \, dt

    averaged over the rows, with the predicted distribution functions :math:`F_i`.
    Unlike the likelihood it forgives a value in a far tail, and it is the mean
    absolute error if the predictions are points.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        Observed values; of several targets the scores are averaged.
    dist : PredictiveDistribution
        Predictions for the same rows, `predict_dist(X)`.
    sample_weight : array-like of shape (n_samples,), default=None
        Row weights; None: all one.

    Returns
    -------
    float
        In the units of y.

    See Also
    --------
    skmoe.distribution.PredictiveDistribution.crps : The score of each row, and how it
        is computed.

    References
    ----------
    .. [1] Gneiting, T. & Raftery, A. E. (2007). "Strictly proper scoring rules,
       prediction, and estimation". JASA 102(477), 359-378.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.metrics import crps
    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> y = np.abs(X[:, 0]) + 0.1 * np.random.RandomState(0).normal(size=200)
    >>> model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    >>> round(crps(y, model.predict_dist(X)), 3)
    0.058
    """
    return _over_targets(
        lambda y, marginal: marginal.crps(y), y_true, dist, sample_weight
    )


def pinball_loss(y_true, dist, sample_weight=None, *, quantiles=DECILES):
    r"""Mean pinball loss of predicted quantiles, lower is better.

    .. math:: \max(q \, (y - Q(q)), \; (q - 1) (y - Q(q)))

    averaged over rows and levels q. Over all levels its mean is half the CRPS.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        Observed values; of several targets the losses are averaged.
    dist : PredictiveDistribution
        Predictions for the same rows, `predict_dist(X)`.
    sample_weight : array-like of shape (n_samples,), default=None
        Row weights; None: all one.
    quantiles : float or array-like of shape (n_quantiles,), \
            default=(0.1, 0.2, ..., 0.9)
        Levels between 0 and 1.

    Returns
    -------
    float
        In the units of y.

    See Also
    --------
    sklearn.metrics.mean_pinball_loss : The same of given quantiles.

    References
    ----------
    .. [1] Koenker, R. & Bassett, G. (1978). "Regression quantiles". Econometrica
       46(1), 33-50.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.metrics import pinball_loss
    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> y = np.abs(X[:, 0]) + 0.1 * np.random.RandomState(0).normal(size=200)
    >>> model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    >>> round(pinball_loss(y, model.predict_dist(X), quantiles=0.9), 3)
    0.018
    """
    levels = np.atleast_1d(quantiles)
    if not levels.size:
        raise ValueError(f"quantiles must have at least one level. Got {quantiles!r}.")

    def loss(y, marginal):
        above = y[:, None] - marginal.quantile(levels)
        return np.maximum(levels * above, (levels - 1) * above).mean(axis=1)

    return _over_targets(loss, y_true, dist, sample_weight)


def interval_coverage(
    y_true, dist, sample_weight=None, *, coverage=0.9, kind="equal-tailed"
):
    """Share of the rows whose y is in its prediction interval.

    It should be close to `coverage`: below it the predictions are too sure, above it
    too vague. It is no score to choose models by: intervals without end cover all.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        Observed values; of several targets the shares are averaged.
    dist : PredictiveDistribution or array-like of shape (n_samples, 2[, n_targets])
        Predictions for the same rows, `predict_dist(X)`; or the lower and upper ends of
        intervals themselves, as of ``predict_interval(X, kind="calibrated")``.
    sample_weight : array-like of shape (n_samples,), default=None
        Row weights; None: all one.
    coverage : float, default=0.9
        Probability of the intervals that a distribution is asked for; given intervals
        are what they are.
    kind : {'equal-tailed', 'highest-density'}, default='equal-tailed'
        Which intervals of a distribution, see `PredictiveDistribution.interval`.

    Returns
    -------
    float
        Between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.metrics import interval_coverage
    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> y = np.abs(X[:, 0]) + 0.1 * np.random.RandomState(0).normal(size=200)
    >>> model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    >>> interval_coverage(y, model.predict_dist(X), coverage=0.8)
    0.795
    >>> interval_coverage(y, model.predict_interval(X, 0.8, "highest-density"))
    0.815
    """
    y, low, high = _with_intervals(y_true, dist, coverage, kind)
    return average(np.mean((y >= low) & (y <= high), axis=1), sample_weight)


def interval_width(
    y_true, dist, sample_weight=None, *, coverage=0.9, kind="equal-tailed"
):
    """Mean width of the prediction intervals; lower is better at equal coverage.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        Observed values; not used, but for their number.
    dist : PredictiveDistribution or array-like of shape (n_samples, 2[, n_targets])
        Predictions for the same rows, `predict_dist(X)`; or the lower and upper ends of
        intervals themselves, as of ``predict_interval(X, kind="calibrated")``.
    sample_weight : array-like of shape (n_samples,), default=None
        Row weights; None: all one.
    coverage : float, default=0.9
        Probability of the intervals that a distribution is asked for; given intervals
        are what they are.
    kind : {'equal-tailed', 'highest-density'}, default='equal-tailed'
        Which intervals of a distribution, see `PredictiveDistribution.interval`.

    Returns
    -------
    float
        In the units of y; of several targets the mean.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.metrics import interval_width
    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> y = np.abs(X[:, 0]) + 0.1 * np.random.RandomState(0).normal(size=200)
    >>> model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    >>> round(interval_width(y, model.predict_dist(X)), 2)
    0.34
    """
    _, low, high = _with_intervals(y_true, dist, coverage, kind)
    return average(np.mean(high - low, axis=1), sample_weight)


def interval_score(y_true, dist, sample_weight=None, *, coverage=0.9):
    r"""Mean interval score of equal-tailed intervals [l, u], lower is better.

    .. math::
        (u - l) + \frac{2}{\alpha} \left( (l - y)_+ + (y - u)_+ \right) ,
        \qquad \alpha = 1 - \mathrm{coverage}

    Width and coverage in one proper score: best in expectation for the true quantiles.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,) or (n_samples, n_targets)
        Observed values; of several targets the scores are averaged.
    dist : PredictiveDistribution or array-like of shape (n_samples, 2[, n_targets])
        Predictions for the same rows, `predict_dist(X)`; or the lower and upper ends of
        intervals themselves, as of ``predict_interval(X, kind="calibrated")``.
    sample_weight : array-like of shape (n_samples,), default=None
        Row weights; None: all one.
    coverage : float, default=0.9
        Probability of the intervals, given ones too, below one.

    Returns
    -------
    float
        In the units of y.

    References
    ----------
    .. [1] Winkler, R. L. (1972). "A decision-theoretic approach to interval
       estimation". JASA 67(337), 187-191.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.metrics import interval_score
    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> y = np.abs(X[:, 0]) + 0.1 * np.random.RandomState(0).normal(size=200)
    >>> model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    >>> round(interval_score(y, model.predict_dist(X)), 2)
    0.4
    """
    check_coverage(coverage)
    if coverage == 1:
        raise ValueError(f"coverage must be at least 0 and below 1. Got {coverage!r}.")
    y, low, high = _with_intervals(y_true, dist, coverage)
    with np.errstate(invalid="ignore"):  # infinite y and end: inside
        outside = np.where(y < low, low - y, np.where(y > high, y - high, 0.0))
    score = high - low + 2 / (1 - coverage) * outside
    return average(score.mean(axis=1), sample_weight)


def _over_targets(row_scores, y_true, dist, sample_weight):
    """Mean over rows and targets of ``row_scores(y, marginal)``."""
    y = _targets(y_true, dist)
    scores = [row_scores(y[:, t], dist.marginal(t)) for t in range(dist.n_targets)]
    return average(np.mean(scores, axis=0), sample_weight)


def _with_intervals(y_true, dist, coverage, kind="equal-tailed"):
    """Observed values, and lower and upper ends of intervals, each (n, T)."""
    check_coverage(coverage)
    check_kind(kind)
    if isinstance(dist, PredictiveDistribution):
        marginals = [dist.marginal(t) for t in range(dist.n_targets)]
        ends = np.stack([m.interval(coverage, kind) for m in marginals], axis=2)
    else:
        ends = _checked_ends(dist)
    return _of_shape(y_true, (len(ends), ends.shape[2])), ends[:, 0], ends[:, 1]


def _checked_ends(intervals):
    """Given intervals (n, 2, T)."""
    wanted = (
        "a PredictiveDistribution or intervals of shape (n_samples, 2[, n_targets])"
    )
    try:
        ends = np.asarray(intervals, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"dist must be {wanted}. Got {intervals!r}.") from error
    if ends.ndim not in (2, 3) or ends.shape[1] != 2:
        raise ValueError(f"dist must be {wanted}. Got shape {ends.shape}.")
    wrong = ~(
        (ends[:, 0] <= ends[:, 1]) & (ends[:, 0] < np.inf) & (ends[:, 1] > -np.inf)
    )
    if wrong.any():
        row = int(np.argwhere(wrong)[0, 0])
        raise ValueError(
            "dist must have lower ends that are at most the upper ones, and not both "
            f"infinite on one side. Got {ends[row].tolist()} for row {row}."
        )
    return ends[:, :, None] if ends.ndim == 2 else ends


def _targets(y_true, dist):
    """Observed values (n, T)."""
    return _of_shape(y_true, (len(dist), dist.n_targets))


def _of_shape(y_true, expected):
    y = np.asarray(y_true, dtype=np.float64)
    if y.shape != expected and (y.ndim != 1 or expected != (len(y), 1)):
        raise ValueError(
            f"y_true must have a value for each of the {expected[0]} rows and "
            f"{expected[1]} target(s) of the predictions. Got shape {y.shape}."
        )
    if np.isnan(y).any():
        row = int(np.argwhere(np.isnan(y))[0, 0])
        raise ValueError(f"y_true must not contain NaN. Got y_true[{row}] = {y[row]}.")
    return y.reshape(expected)


def average(values, sample_weight):
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, values)
    return float(np.average(values, weights=sample_weight))
