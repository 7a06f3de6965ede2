# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The classifier."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils import check_random_state

from skmoe._base import BaseMixtureOfExperts
from skmoe._compat import StrOptions, warn_user
from skmoe.families import Categorical
from skmoe.mixture.classification import ClassificationMixture
from skmoe.numerics.routing import check_n_draws
from skmoe.rows.targets import ClassTargets


class MixtureOfExpertsClassifier(ClassifierMixin, BaseMixtureOfExperts):
    r"""Mixture of experts for classification, fitted by EM.

    .. math:: p(y = c \mid x) = \sum_{k=1}^K g_k(x) \, p_k(c \mid x)

    with gate g and experts p (any scikit-learn classifiers with ``predict_proba``).

    Parameters
    ----------
    experts : estimator or list of (str, estimator), default=None
        One classifier, cloned `n_experts` times, or named classifiers of any kinds,
        each with ``predict_proba``. None: `LogisticRegression`. Logistic regressions
        with an L2 penalty (or none) are stepped together with the gate; others are
        fitted in parallel with ``sample_weight = responsibilities * sample_weight``;
        one that takes no weights is fitted on rows resampled by them. Experts are
        cloned, never modified, and may see only some of the classes; one that sees a
        single class is a `DummyClassifier`.
    n_experts : int, default=3
        Number of experts K; ignored (checked, if given) when `experts` is a list.
    gate : gate, classifier or Pipeline, default=None
        A gate of `skmoe.gates`, any classifier with ``predict_proba``, or a Pipeline
        ending in either. None: ``SoftmaxGate()``.
    class_weight : dict, 'balanced' or None, default=None
        Weights of the classes, multiplied into the sample weights; 'balanced': inverse
        to the (weighted) frequencies.
    gate_features, expert_features : column selection, default=None
        Columns that the gate / the experts see: names, indices, slice, boolean mask or
        callable, as ColumnTransformer takes them. None: all; an empty list: an
        intercept only.
    assignment : {'soft', 'hard', 'stochastic'}, default='soft'
        EM; classification EM, in which each row belongs to its best expert alone; or EM
        with experts drawn from the responsibilities (the best state is kept).
    cv : int, splitter or iterable of splits, default=None
        Cross-fitted E-step, for experts that remember their rows (deep trees, boosting,
        nearest neighbours): in the E-step each expert is known by its out-of-fold
        probabilities (Notes). An integer: that many shuffled folds with the classes in
        proportion, of whole groups if `fit` gets `groups`, drawn by `random_state`. A
        splitter or (train, test) pairs: each row is held out at most once; splitters
        that take groups get those of `fit`. A gate that is a classifier is cross-fitted
        too. An EM iteration then costs one fit per fold and expert (and such a gate).
        None: experts and gate are judged by the rows they are fitted to.
    top_k : int, default=None
        Experts evaluated per row by `predict` and `predict_proba`: the most probable
        ones, their gate weights renormalised. None, or as many as there are: all.
    init : {'quantile', 'kmeans', 'random'}, array-like or callable, \
            default='quantile'
        Initial responsibilities: overlapping quantile groups along the feature
        direction that varies most with y (a function of the weighted data, without
        randomness); k-means clusters of the gate's features; drawn in feature space;
        labels (n_samples,) or responsibilities (n_samples, n_experts); or
        ``init(X, y, n_experts, random_state)`` returning either.
    n_init : int or 'auto', default='auto'
        Starts; after the first, 'quantile' draws in feature space. Each of several gets
        a short run and the best one is continued. 'auto': one, but where the gate
        reads no rows (`ConstantGate`), experts are parametric and init='quantile':
        then several that look at the residuals of a pooled fit, the same ones in
        every fit (docs/defaults.md).
    search : {'anneal', 'split_merge'}, default=None
        A way out of poor maxima; ignored, as the starts are, by a warm start. 'anneal':
        each start is tried also after EM steps on densities to a power that rises to
        one (deterministic annealing), at the cost of a short run and 12 steps per
        start. 'split_merge': from the end of EM, two experts that overlap are merged
        and one that fits badly is split, in a few ways, and EM goes on from there for
        as long as it ends higher; a round costs up to 12 short runs and a long one, a
        fit 12 to 32 times as much. Neither draws random numbers. None: neither, as
        higher maxima need not be better on held-out rows (docs/defaults.md).
    max_iter : int, default=200
        Most EM iterations.
    tol : float, default=1e-6
        Stop when the estimated gain of the mean log likelihood still to come is below
        it, several times in a row.
    early_stopping : bool, default=False
        Whether to hold rows out and keep the state that predicts them best: for experts
        that overfit as EM goes on. Rows held out are not fitted afterwards.
    validation_fraction : float, default=0.1
        Share of the rows of each class to hold out, drawn by `random_state`; of the
        groups, where `groups` are given. Only with `early_stopping`.
    n_iter_no_change : int, default=5
        Stop when the held-out mean log likelihood has not risen by `tol` for so many
        iterations. Only with `early_stopping`.
    accelerate : bool, default=True
        Quasi-Newton steps on the observed likelihood where gate and experts are linear.
        Never lowers the likelihood.
    engine : {'auto', 'numpy', 'numba'}, default='auto'
        Loops over rows where linear experts meet a softmax or constant gate, in `fit`
        and in `predict` with ``top_k=1``: in NumPy, or compiled by numba (the same
        results, to rounding). 'auto': numba where it is
        installed and rows times experts are two million or more, enough to win back
        what loading it costs.
    warm_start : bool, default=False
        Continue from the last fit; `init`, `n_init` and `search` are then
        ignored.
    n_jobs : int, default=None
        Experts (times folds, with `cv`) fitted at a time, through joblib, or threads
        that share the rows where loops over them are compiled (`engine`). The result
        does not depend on it.
    random_state : int, RandomState instance or None, default=None
        For restarts, resampling, and an expert or gate whose own `random_state` is
        None. A default fit of logistic experts draws nothing.
    verbose : int, default=0
        Print the lower bound every `verbose` iterations; 0: never.

    Attributes
    ----------
    experts_ : list of estimators
        The fitted experts, scikit-learn objects.
    named_experts_ : Bunch
        The same by name.
    gate_ : gate
        The fitted gate.
    classes_ : ndarray of shape (n_classes,)
        Sorted class labels.
    n_experts_ : int
        Number of experts.
    n_iter_ : int
        EM iterations of the kept start, up to the state that is kept.
    converged_ : bool
        Whether the stopping rule was met.
    log_likelihood_ : float
        Of the training data (the rows not held out): unpenalised, weighted total. With
        `cv`, that of the rows of each fold under predictions of fits without them.
    lower_bound_ : float
        Penalised mean log likelihood at the end (classification likelihood for
        'hard').
    lower_bounds_ : list of float
        The same after each iteration; never decreases.
    validation_scores_ : list of float
        Mean log likelihood of the held-out rows (groups) after each iteration, also
        those after the state kept; only with `early_stopping`.
    n_parameters_ : int or float
        Free parameters; NaN where an expert's number is unknown.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had string column names.

    See Also
    --------
    MixtureOfExpertsRegressor : The same for numbers.
    sklearn.ensemble.VotingClassifier : Experts weighted the same everywhere.

    Notes
    -----
    Experts see their responsibilities as weights, so a penalty such as
    LogisticRegression's ``1 / C`` weighs more on an expert with fewer rows.

    With `cv`, each iteration fits every expert once per fold on the other folds' rows
    (weights as above) and predicts the rows held out; a set of fits is taken if the
    out-of-fold log likelihood does not fall, so this is the objective that
    `lower_bounds_` and `log_likelihood_` report. Final experts are fitted to all rows,
    with the responsibilities of their last fits, so `score_samples` of the training
    rows is higher than `log_likelihood_`. Rows that are never held out (the first ones
    of a `TimeSeriesSplit`) serve the fits only, with the gate's probabilities as
    responsibilities. The gate is fitted to all rows: keep a classifier as gate small.
    An integer weight is that many equal rows only if splits keep the copies of a row
    together.

    Experts that grow by stages (scikit-learn's boosting: those with
    `staged_predict_proba` and `max_iter` or `n_estimators`) are given as many stages at
    most, and each expert stops at the number with the highest out-of-fold likelihood,
    of a geometric grid: every fit has all smaller numbers in it, so the choice costs no
    other fit. Final experts have it as their parameter. In a Pipeline an expert keeps
    its own number.

    References
    ----------
    .. [1] Jacobs, R. A., Jordan, M. I., Nowlan, S. J. & Hinton, G. E. (1991). "Adaptive
       mixtures of local experts". Neural Computation 3(1), 79-87.
    .. [2] Jordan, M. I. & Jacobs, R. A. (1994). "Hierarchical mixtures of experts and
       the EM algorithm". Neural Computation 6(2), 181-214.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsClassifier
    >>> X = np.linspace(-3, 3, 300)[:, None]
    >>> y = np.where(np.abs(X[:, 0]) > 1, "out", "in")
    >>> model = MixtureOfExpertsClassifier(n_experts=2).fit(X, y)
    >>> model.predict([[-2.0], [0.0], [2.0]])
    array(['out', 'in', 'out'], dtype='<U3')
    """

    _expert_methods = ("fit", "predict_proba")
    _targets, _mixture_class = ClassTargets, ClassificationMixture
    _parameter_constraints: dict = {
        **BaseMixtureOfExperts._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        experts=None,
        n_experts=3,
        *,
        gate=None,
        class_weight=None,
        gate_features=None,
        expert_features=None,
        assignment="soft",
        cv=None,
        top_k=None,
        init="quantile",
        n_init="auto",
        search=None,
        max_iter=200,
        tol=1e-6,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        accelerate=True,
        engine="auto",
        warm_start=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.experts = experts
        self.n_experts = n_experts
        self.gate = gate
        self.class_weight = class_weight
        self.gate_features = gate_features
        self.expert_features = expert_features
        self.assignment = assignment
        self.cv = cv
        self.top_k = top_k
        self.init = init
        self.n_init = n_init
        self.search = search
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.accelerate = accelerate
        self.engine = engine
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    def predict_proba(self, X):
        """Class probabilities: the gate's mean of the experts'.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; rows sum to one.
        """
        return self._fitted.proba(self._inputs(X), self.top_k, self.engine)

    def predict_log_proba(self, X):
        """Log of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Natural logarithms; -inf where every expert rules a class out.
        """
        proba = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(proba, out=proba)

    def predict(self, X):
        """Most probable class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples,)
            Class labels.
        """
        inputs = self._inputs(X)
        return self._mixture.most_probable(inputs, self.top_k, self.engine)

    def sample_y(self, X, n_samples=1, random_state=None):
        r"""Draw the class of each row.

        .. math:: P(\text{class } c) = p(y = c \mid x)

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_features)
            Rows.
        n_samples : int, default=1
            Draws per row, at least 0.
        random_state : int, RandomState instance or None, default=None
            For the draws.

        Returns
        -------
        ndarray of shape (n_rows, n_samples)
            Class labels, drawn from `predict_proba`.

        Raises
        ------
        ValueError
            If `n_samples` is not an integer of at least 0.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsClassifier
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(
        ...     300, n_experts=2, family="categorical", random_state=0)
        >>> model = MixtureOfExpertsClassifier(n_experts=2).fit(X, y)
        >>> model.sample_y(X[:2], n_samples=4, random_state=0)
        array([[1, 1, 0, 0],
               [1, 0, 1, 1]])
        """
        check_n_draws("n_samples", n_samples)
        rng, inputs = check_random_state(random_state), self._inputs(X)
        return self._mixture.sample(inputs, n_samples, rng, self.top_k, self.engine)

    # -- what `BaseMixtureOfExperts` asks for -----------------------------------------

    def _request(self, fit_params):
        """As the base class's; warns of weights that belong to the mixture."""
        request = super()._request(fit_params)
        templates = request.templates
        if any(getattr(each, "class_weight", None) is not None for each in templates):
            warn_user(
                "The experts' own class_weight weighs the classes within what each "
                "expert is responsible for, which keeps logistic experts from being "
                "fitted together and probabilities from being calibrated. To weigh "
                "classes, set class_weight of the mixture instead."
            )
        return request

    @staticmethod
    def _default_experts(n_experts):
        return [LogisticRegression()] * n_experts

    @staticmethod
    def _families_of(templates):
        return [Categorical()] * len(templates)
