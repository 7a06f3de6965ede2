# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The number of experts, chosen by fitting several."""

from copy import deepcopy
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_classifier
from sklearn.model_selection import GroupKFold, check_cv
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.parallel import Parallel, delayed

from skmoe._classifier import MixtureOfExpertsClassifier
from skmoe._compat import (
    HasMethods,
    Interval,
    StrOptions,
    _fit_context,
    _routing_enabled,
    check_sample_weight,
)
from skmoe._regressor import MixtureOfExpertsRegressor
from skmoe.model_selection._checks import check_mixture
from skmoe.model_selection._criteria import (
    CRITERIA,
    best_of,
    check_known,
    columns_of,
    information,
    out_of_fold,
)
from skmoe.model_selection._delegation import delegated, delegated_attribute
from skmoe.model_selection._fits import Rows, fit_counts

DEFAULT_COUNTS = range(1, 9)


class ExpertCountSearch(MetaEstimatorMixin, BaseEstimator):
    r"""Choose the number of experts by an information criterion or by held-out rows.

    .. math:: \hat K = \arg\min_K \; -2 \log L_K + p_K \log n \qquad (\mathrm{BIC})

    or AIC or ICL, or the K of the highest mean log density of rows held out. Each K is
    fitted from the estimator's own start(s) and, with `split`, from the solution of one
    expert fewer in which the expert that fits worst is divided in two along the
    direction in which its residuals bend; the better fit is kept. A fit in which an
    expert has collapsed onto a handful of rows, where the likelihood says nothing, is
    chosen only if all have.

    Parameters
    ----------
    estimator : MixtureOfExpertsRegressor or MixtureOfExpertsClassifier
        Cloned and fitted with each `n_experts`. Its `experts` must be one template (or
        None), not a list.
    n_experts : array-like of int, default=None
        Numbers to compare, in any order. None: 1 to 8, or to the number of rows.
    criterion : {'bic', 'aic', 'icl', 'cv', 'out_of_fold'}, default='bic'
        'bic' finds the true number as rows grow; 'aic' takes more experts, which may
        predict better; 'icl' fewer, which divide the rows clearly; 'cv', the mean log
        density of held-out rows, needs no number of parameters and so serves experts
        of any kind, at the cost of a fit per fold. 'out_of_fold' serves them too where
        the estimator has a `cv` of its own: the out-of-fold log likelihood that EM
        maximised, with AIC's correction for the parameters of the gate and the
        dispersions, which saw the rows; no further fits.
    cv : int, splitter or iterable, default=None
        For `criterion='cv'` only: as in `cross_val_score`; None: 5 folds, stratified
        for a classifier.
    split : bool, default=True
        Whether each K also starts from the solution before it. It finds maxima that
        own starts miss, and makes the likelihood rise with K.
    patience : int, default=None
        Stop when so many numbers of experts in a row, ascending, were no better than
        the best one before them: 2 saves the larger, slower fits and passes over one
        bad maximum. None: all are fitted.
    parsimonious : bool, default=False
        For `criterion='cv'` only: choose the smallest number that is at most one
        standard error below the best, the error of the mean of the differences between
        the two over the folds [4]_. Numbers that folds cannot tell apart then do not
        grow by chance.
    n_jobs : int, default=None
        Numbers of experts (for 'cv', folds) fitted at a time; split starts wait for
        one another, and with `patience` each number for the one before it. The result
        does not depend on it.
    refit : bool, default=True
        Whether to keep the best estimator, fitted to all rows. For 'cv' this takes
        another fit of each K up to the best.
    verbose : int, default=0
        Print a line per number of experts.

    Attributes
    ----------
    results_ : dict of str to ndarray
        A column per key, a row per K that was fitted, ascending;
        `pandas.DataFrame(results_)` is a table. `n_experts`; `rank` (1 is best);
        `fit_time` in seconds; `converged`; `collapsed`. For a criterion also `start`
        ('own' or 'split', whichever won), `log_likelihood`, `n_parameters`, `aic`,
        `bic` and `icl`, and `out_of_fold` if the estimator has `cv`; for
        `criterion='cv'`, `mean_test_score`, `std_test_score` and
        `split0_test_score` on, where `converged` and `collapsed` are shares of the
        folds.
    best_n_experts_ : int
        The number chosen; of several that are equal (or, if `parsimonious`, alike) the
        smallest.
    best_score_ : float
        Its criterion (the lowest), or its mean held-out log density (the highest,
        unless `parsimonious`).
    best_estimator_ : estimator
        The estimator with that number, fitted; with `refit` only.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had string column names.
    classes_ : ndarray of shape (n_classes,)
        Class labels, for a classifier.
    held_out_ranks_ : ndarray of shape (n_held_out,) or (n_held_out, n_targets)
        Those of the best estimator, for a regressor with `cv`.

    See Also
    --------
    likelihood_ratio_test : Whether one expert more is more than chance.
    skmoe.prune : Fewer experts from a fitted model.
    sklearn.model_selection.GridSearchCV : Several parameters at a time.

    Notes
    -----
    With `sample_weight` the criteria use the weighted log likelihood and the sum of the
    weights as n: an integer weight is that many equal rows. The weights of the classes
    (`class_weight`) do not enter, as in the estimator's own `bic`.

    References
    ----------
    .. [1] Schwarz, G. (1978). "Estimating the dimension of a model". Annals of
       Statistics 6(2), 461-464.
    .. [2] Biernacki, C., Celeux, G. & Govaert, G. (2000). "Assessing a mixture model
       for clustering with the integrated completed likelihood". IEEE TPAMI 22(7),
       719-725.
    .. [3] Li, K.-C. (1992). "On principal Hessian directions for data visualization and
       dimension reduction". JASA 87(420), 1025-1039.
    .. [4] Breiman, L., Friedman, J. H., Olshen, R. A. & Stone, C. J. (1984).
       Classification and Regression Trees, section 3.4.3. Wadsworth.

    Examples
    --------
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.datasets import make_mixture_of_experts
    >>> from skmoe.model_selection import ExpertCountSearch
    >>> X, y = make_mixture_of_experts(1000, n_experts=3, random_state=1)
    >>> search = ExpertCountSearch(MixtureOfExpertsRegressor(), n_experts=range(1, 6))
    >>> search.fit(X, y).best_n_experts_
    3
    >>> bic = search.results_["bic"]
    >>> (bic - bic.min()).round()
    array([2038.,  405.,    0.,   37.,   74.])
    >>> search.predict(X[:2]).shape
    (2,)
    """

    _required_parameters = ["estimator"]
    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict", "score_samples"])],
        "n_experts": [None, "array-like"],
        "criterion": [StrOptions({*CRITERIA, "cv", "out_of_fold"})],
        "cv": ["cv_object"],
        "split": ["boolean"],
        "patience": [None, Interval(Integral, 1, None, closed="left")],
        "parsimonious": ["boolean"],
        "n_jobs": [None, Integral],
        "refit": ["boolean"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator,
        n_experts=None,
        *,
        criterion="bic",
        cv=None,
        split=True,
        patience=None,
        parsimonious=False,
        n_jobs=None,
        refit=True,
        verbose=0,
    ):
        self.estimator = estimator
        self.n_experts = n_experts
        self.criterion = criterion
        self.cv = cv
        self.split = split
        self.patience = patience
        self.parsimonious = parsimonious
        self.n_jobs = n_jobs
        self.refit = refit
        self.verbose = verbose

    # The estimator is validated by its own fit.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None, **fit_params):
        """Fit every number of experts and choose one.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Row weights, for fits and criteria; None: all one.
        **fit_params : dict
            Metadata of the estimator's `fit`: with `groups` of rows that share one
            expert, criteria count groups in place of rows. For ``criterion='cv'``,
            `groups` go to the splitter as well, which keeps them whole unless it is
            given by `cv`. With
            ``sklearn.set_config(enable_metadata_routing=True)`` each goes where it is
            requested.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError
            On bad parameters or data; if the experts of the estimator are a list; if a
            criterion needs a number of parameters that is unknown, or 'out_of_fold' an
            estimator with `cv`.
        """
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but "
                "the target y is None."
            )
        check_mixture(self.estimator, one_template=True)
        if self.criterion == "out_of_fold" and self.estimator.cv is None:
            raise ValueError(
                "criterion='out_of_fold' is the likelihood that an estimator with a "
                f"cross-fitted E-step maximises: give {self.estimator!r} a cv, or use "
                "criterion='cv'."
            )
        estimator_params, split_params = self._route(fit_params)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X)
        rows = Rows(X, y, sample_weight, estimator_params)
        counts = self._counts(rows)
        if self.criterion == "cv":
            best, fits = self._cross_validate(rows, counts, split_params)
        else:
            best, fits = self._compare(rows.positive(), counts)
        self.best_n_experts_ = counts[best]
        self._say()
        if self.refit:
            self.best_estimator_ = fits[best].model
            fits[best].warn()
        elif hasattr(self, "best_estimator_"):
            del self.best_estimator_
        return self

    def _counts(self, rows):
        """Numbers of experts, ascending."""
        if self.n_experts is None:
            n_samples = rows.n_samples
            if rows.weights is not None:
                n_samples = np.count_nonzero(rows.weights > 0)
            return [k for k in DEFAULT_COUNTS if k <= max(n_samples, 1)]
        counts = np.asarray(self.n_experts)
        if counts.ndim != 1 or counts.size == 0 or counts.dtype.kind not in "iu":
            raise ValueError(
                "n_experts must be a non-empty sequence of integers. Got "
                f"{self.n_experts!r}."
            )
        if counts.min() < 1:
            raise ValueError(f"n_experts must be positive. Got {self.n_experts!r}.")
        return np.unique(counts).tolist()

    def _route(self, fit_params):
        """Keywords of the estimator's fit and of the splitter's split."""
        if _routing_enabled():
            if not fit_params:
                return {}, {}
            routed = process_routing(self, "fit", **fit_params)
            return dict(routed["estimator"]["fit"]), dict(routed["splitter"]["split"])
        groups = fit_params.get("groups") if self.criterion == "cv" else None
        return dict(fit_params), {} if groups is None else {"groups": groups}

    def _steps(self, counts):
        """Numbers of experts fitted together, before the next stopping test."""
        return [counts] if self.patience is None else [[count] for count in counts]

    def _is_over(self, values, collapsed):
        """True if the last `patience` of `values`, which are minimised, are no best."""
        if self.patience is None:
            return False
        return len(values) - 1 - best_of(values, collapsed) >= self.patience

    # -- by a criterion ---------------------------------------------------------------

    def _compare(self, rows, counts):
        fits: list = []
        known = []
        for step in self._steps(counts):
            new = fit_counts(
                self.estimator,
                rows,
                step,
                split=self.split,
                previous=fits[-1] if fits else None,
                n_jobs=self.n_jobs,
            )
            fits += new
            known += [_all_criteria(fit.model, rows) for fit in new]
            collapsed = np.array([fit.is_collapsed for fit in fits])
            if self._is_over([row[self.criterion] for row in known], collapsed):
                break
        known = columns_of(known)
        values = known[self.criterion]
        check_known(values, self.criterion, "Use criterion='cv'.")
        best = best_of(values, collapsed)
        self.results_ = {
            "n_experts": np.array(counts[: len(fits)]),
            "rank": _ranks(np.lexsort((values, collapsed))),
            **known,
            "start": np.array([fit.start for fit in fits]),
            "fit_time": np.array([fit.seconds for fit in fits]),
            "converged": np.array([fit.model.converged_ for fit in fits]),
            "collapsed": collapsed,
        }
        self.best_score_ = float(values[best])
        return best, fits

    # -- by held-out rows -------------------------------------------------------------

    def _cross_validate(self, rows, counts, split_params):
        scores, times, converged, collapsed = self._by_folds(rows, counts, split_params)
        mean = scores.mean(axis=1)
        best = _smallest_alike(scores) if self.parsimonious else int(mean.argmax())
        self.results_ = {
            "n_experts": np.array(counts[: len(mean)]),
            "rank": _ranks(np.argsort(-mean, kind="stable")),
            "mean_test_score": mean,
            "std_test_score": scores.std(axis=1),
            **{f"split{i}_test_score": s for i, s in enumerate(scores.T)},
            "fit_time": times.sum(axis=1),
            "converged": converged.mean(axis=1),
            "collapsed": collapsed.mean(axis=1),
        }
        self.best_score_ = float(mean[best])
        if not self.refit:
            return best, None
        upto = counts[: best + 1] if self.split else [counts[best]]
        fits = fit_counts(
            self.estimator,
            rows.positive(),
            upto,
            split=self.split,
            n_jobs=self.n_jobs,
        )
        return best, dict.fromkeys([best], fits[-1])

    def _by_folds(self, rows, counts, split_params):
        """Score, time, convergence, collapse, (4, n_counts fitted, n_folds)."""
        splitter = self._splitter(rows)
        folds = list(splitter.split(rows.X, rows.y, **split_params))
        found = []
        last: tuple = (None,) * len(folds)
        for step in self._steps(counts):
            results = Parallel(n_jobs=self.n_jobs)(
                delayed(_held_out)(self.estimator, rows, step, self.split, fold, fit)
                for fold, fit in zip(folds, last, strict=True)
            )
            outcomes, last = zip(*results, strict=True)
            found.append(np.stack(outcomes, axis=2))
            mean = np.concatenate(found, axis=1)[0].mean(axis=1)
            if self._is_over(-mean, np.zeros(len(mean), dtype=bool)):
                break
        return np.concatenate(found, axis=1)

    def _splitter(self, rows):
        """The splitter of `cv`; by default groups of rows stay whole."""
        if rows.groups is not None and (
            self.cv is None or isinstance(self.cv, Integral)
        ):
            return GroupKFold(5 if self.cv is None else self.cv)
        return check_cv(self.cv, rows.y, classifier=is_classifier(self.estimator))

    def _say(self):
        if self.verbose:
            name = "mean_test_score" if self.criterion == "cv" else self.criterion
            columns = self.results_["n_experts"], self.results_[name]
            for count, value in zip(*columns, strict=True):
                mark = " (best)" if count == self.best_n_experts_ else ""
                print(f"{count} experts: {self.criterion} {value:.6g}{mark}")  # noqa: T201

    # -- what the best estimator answers ----------------------------------------------

    n_features_in_ = delegated_attribute("n_features_in_", "Number of features.")
    feature_names_in_ = delegated_attribute("feature_names_in_", "Names of features.")
    classes_ = delegated_attribute("classes_", "Sorted class labels.")
    held_out_ranks_ = delegated_attribute("held_out_ranks_", "Ranks of rows held out.")

    predict = delegated(MixtureOfExpertsRegressor.predict)
    predict_proba = delegated(MixtureOfExpertsClassifier.predict_proba)
    predict_log_proba = delegated(MixtureOfExpertsClassifier.predict_log_proba)
    predict_dist = delegated(MixtureOfExpertsRegressor.predict_dist)
    predict_quantiles = delegated(MixtureOfExpertsRegressor.predict_quantiles)
    predict_interval = delegated(MixtureOfExpertsRegressor.predict_interval)
    score = delegated(MixtureOfExpertsRegressor.score)
    score_samples = delegated(MixtureOfExpertsRegressor.score_samples)
    gate_proba = delegated(MixtureOfExpertsRegressor.gate_proba)
    apply = delegated(MixtureOfExpertsRegressor.apply)
    predict_experts = delegated(MixtureOfExpertsRegressor.predict_experts)
    responsibilities = delegated(MixtureOfExpertsRegressor.responsibilities)
    sample_y = delegated(MixtureOfExpertsRegressor.sample_y)
    summary = delegated(MixtureOfExpertsRegressor.summary)
    aic = delegated(MixtureOfExpertsRegressor.aic)
    bic = delegated(MixtureOfExpertsRegressor.bic)
    icl = delegated(MixtureOfExpertsRegressor.icl)

    # -- scikit-learn's protocols -----------------------------------------------------

    def get_metadata_routing(self):
        """Return the routing: `sample_weight` is consumed, the rest is passed on.

        Returns
        -------
        MetadataRouter
            Requests of this search, of its estimator and of its splitter.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        to_split = MethodMapping().add(caller="fit", callee="split")
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(estimator=self.estimator, method_mapping=mapping)
            .add(splitter=check_cv(self.cv), method_mapping=to_split)
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.estimator_type = inner.estimator_type
        tags.classifier_tags = deepcopy(inner.classifier_tags)
        tags.regressor_tags = deepcopy(inner.regressor_tags)
        tags.target_tags = deepcopy(inner.target_tags)
        tags.input_tags.sparse = inner.input_tags.sparse
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.input_tags.positive_only = inner.input_tags.positive_only
        return tags


def _all_criteria(model, rows):
    """Criteria of `information` and, with `cv`, the out-of-fold one."""
    if model.cv is None:
        return information(model, rows)
    return {**information(model, rows), "out_of_fold": out_of_fold(model)}


def _held_out(estimator, rows, counts, split, fold, previous):
    """Score, time, convergence, collapse of every K on one fold; the last fit."""
    training, held_out = (rows.take(part).positive() for part in fold)
    fits = fit_counts(estimator, training, counts, split=split, previous=previous)
    scores = [held_out.mean_log_density(fit.model) for fit in fits]
    times = [fit.seconds for fit in fits]
    converged = [float(fit.model.converged_) for fit in fits]
    collapsed = [float(fit.is_collapsed) for fit in fits]
    return np.array([scores, times, converged, collapsed]), fits[-1]


def _smallest_alike(scores):
    """First row of (n_counts, n_folds) within a standard error of the best one."""
    short = scores[scores.mean(axis=1).argmax()] - scores
    error = short.std(axis=1, ddof=min(1, scores.shape[1] - 1))
    return int(np.argmax(short.mean(axis=1) <= error / np.sqrt(scores.shape[1])))


def _ranks(order):
    ranks = np.empty(len(order), dtype=int)
    ranks[order] = np.arange(1, len(order) + 1)
    return ranks
