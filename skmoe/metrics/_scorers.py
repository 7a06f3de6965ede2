# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Scores of predictive distributions as scikit-learn's model selection calls them."""

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skmoe._compat import _BaseScorer
from skmoe.metrics._scores import (
    average,
    crps,
    interval_coverage,
    interval_score,
    interval_width,
    pinball_loss,
)


class DistributionScorer(_BaseScorer):
    """A score of predictive distributions as scikit-learn calls it.

    Made by `make_distribution_scorer`: ``scorer(estimator, X, y, sample_weight=None)``
    is a float of which more is better.
    """

    #: What is asked of the estimator that `unwrap` finds.
    _method = "predict_dist"

    def __init__(self, score_func, sign, **kwargs):
        # A response method that Pipelines have: scikit-learn looks for it on them.
        super().__init__(score_func, sign, kwargs, "predict")

    def _score(self, method_caller, estimator, X, y_true, **kwargs):
        self._warn_overlap("A setting of the scorer is passed as metadata too.", kwargs)
        model, X = unwrap(estimator, X, self._method)
        answer = self._ask(model, X, y_true)
        return self._sign * self._score_func(y_true, answer, **self._kwargs, **kwargs)

    def _ask(self, model, X, y):
        return model.predict_dist(X)

    def __repr__(self):
        settings = "".join(f", {k}={v!r}" for k, v in self._kwargs.items())
        worse = "" if self._sign > 0 else ", greater_is_better=False"
        name = self._score_func.__name__
        return f"make_distribution_scorer({name}{worse}{settings})"


class _LogLikelihoodScorer(DistributionScorer):
    """Of the estimator's own `score_samples`, which classifiers have too."""

    _method = "score_samples"

    def _ask(self, model, X, y):
        return model.score_samples(X, y)

    def __repr__(self):
        return "neg_log_likelihood_scorer"


def make_distribution_scorer(score_func, *, greater_is_better=False, **kwargs):
    """Make a scorer for `GridSearchCV` and its like of a score of distributions.

    The estimator must have `predict_dist`, or be a Pipeline or a fitted search that
    ends in one that has.

    Parameters
    ----------
    score_func : callable
        ``score_func(y_true, dist, sample_weight=None, **kwargs)``, a float.
    greater_is_better : bool, default=False
        Whether it is a score; of a loss, the scorer is the negative.
    **kwargs : dict
        Further arguments of `score_func`.

    Returns
    -------
    DistributionScorer
        ``scorer(estimator, X, y, sample_weight=None)``, more is better.

    Notes
    -----
    The distributions are of one value per row and target. A binomial response has two
    columns, successes and failures, where they are of one trial: such models are scored
    by `neg_log_likelihood_scorer`, and refused by `crps_scorer` and its like.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.datasets import make_mixture_of_experts
    >>> from skmoe.metrics import make_distribution_scorer, pinball_loss
    >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
    >>> scorer = make_distribution_scorer(pinball_loss, quantiles=[0.05, 0.95])
    >>> scores = cross_val_score(
    ...     MixtureOfExpertsRegressor(n_experts=2), X, y, scoring=scorer)
    >>> bool((scores < 0).all())
    True
    """
    sign = 1 if greater_is_better else -1
    return DistributionScorer(score_func, sign, **kwargs)


def unwrap(estimator, X, method):
    """The estimator that has `method` behind a Pipeline or a search, and its X.

    Raises
    ------
    TypeError
        If there is none.
    """
    if isinstance(estimator, Pipeline):
        # `score_samples` of a Pipeline takes no y, and it hands no other method on.
        if len(estimator) > 1:
            X = estimator[:-1].transform(X)
        return unwrap(estimator[-1], X, method)
    if hasattr(estimator, "best_estimator_"):
        return unwrap(estimator.best_estimator_, X, method)
    if not hasattr(estimator, method):
        raise TypeError(
            f"{estimator!r} has no {method}, which this scorer needs. Pass a mixture "
            "of experts, or a Pipeline or search that ends in one; a "
            "TransformedTargetRegressor predicts no distribution."
        )
    check_is_fitted(estimator)
    return estimator, X


def _mean_log_likelihood(y_true, log_density, sample_weight=None):
    return average(log_density, sample_weight)


#: Mean log density of y by the estimator's `score_samples`; for classifiers, minus the
#: log loss. The one scorer for binomial responses, which have two columns of y.
neg_log_likelihood_scorer = _LogLikelihoodScorer(_mean_log_likelihood, 1)
#: Minus the mean CRPS.
crps_scorer = make_distribution_scorer(crps)
#: Minus the mean pinball loss of the deciles.
pinball_loss_scorer = make_distribution_scorer(pinball_loss)
#: Minus the interval score of 90 % intervals.
interval_score_scorer = make_distribution_scorer(interval_score)
#: Share of the rows within their 90 % intervals: to report, not to choose by.
interval_coverage_scorer = make_distribution_scorer(
    interval_coverage, greater_is_better=True
)
#: Minus the mean width of 90 % intervals: to report, not to choose by.
interval_width_scorer = make_distribution_scorer(interval_width)
