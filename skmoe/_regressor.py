# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The regressor."""

from numbers import Real

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import _num_samples, check_is_fitted

from skmoe._base import BaseMixtureOfExperts
from skmoe._compat import HasMethods, Interval, StrOptions, _fit_context
from skmoe.experts import default_expert
from skmoe.families import FAMILIES, Binomial, check_families
from skmoe.families.own_density import OwnDensity
from skmoe.mixture._density import DensityMixin
from skmoe.mixture.limits import limited, loosely_limited
from skmoe.numerics.routing import mix


class MixtureOfExpertsRegressor(RegressorMixin, DensityMixin, BaseMixtureOfExperts):
    r"""Mixture of experts for regression, fitted by EM.

    .. math::
        p(y \mid x) = \sum_{k=1}^K g_k(x) \, f(y \mid m_k(x), \phi_k), \qquad
        \hat y(x) = \sum_k g_k(x) \, m_k(x) ,

    with gate g, experts m (any scikit-learn regressors), family f and dispersions
    :math:`\phi`.

    Parameters
    ----------
    experts : estimator or list of (str, estimator), default=None
        One regressor, cloned `n_experts` times, or named regressors of any kinds. None:
        linear least squares. `LinearRegression`, `Ridge` and `PooledRidge` experts are
        solved all at once, `Lasso` and `ElasticNet` by coordinate descent under one
        penalty (Notes); others are fitted in parallel with ``sample_weight =
        responsibilities * sample_weight``; one that takes no weights is fitted on rows
        resampled by them.
        A nested mixture is a density of its own (Notes). Experts are cloned, never
        modified.
    n_experts : int, default=3
        Number of experts K; ignored (checked, if given) when `experts` is a list.
    gate : gate, classifier or Pipeline, default=None
        A gate of `skmoe.gates`, any classifier with ``predict_proba``, or a Pipeline
        ending in either. None: ``SoftmaxGate()``.
    family : str, family object or list of these, default='gaussian'
        Noise model of every expert, or one per expert, see `skmoe.families`:
        ``["zero", "poisson", "poisson"]`` for zero-inflated counts, ``["uniform",
        "gaussian", "gaussian"]`` for a background. Experts of a background family have
        nothing to fit.
    gate_features, expert_features : column selection, default=None
        Columns that the gate / the experts see: names, indices, slice, boolean mask or
        callable, as ColumnTransformer takes them. None: all; an empty list: an
        intercept only.
    offset_feature : str or int, default=None
        One column of X that is added to every linear expert's score and is no
        covariate, at fit and at predict: the logarithm of an exposure, where the
        experts' link is the logarithm.
    assignment : {'soft', 'hard', 'stochastic'}, default='soft'
        EM; classification EM, in which each row belongs to its best expert alone
        (faster where experts are costly, biased where they overlap); or EM with experts
        drawn from the responsibilities (leaves poor maxima; the best state is kept).
    cv : int, splitter or iterable of splits, default=None
        Cross-fitted E-step, for experts that remember their rows (deep trees, boosting,
        nearest neighbours): in the E-step and for the dispersions each expert is known
        by its out-of-fold predictions (Notes). An integer: that many shuffled folds, of
        whole groups if `fit` gets `groups`, drawn by `random_state`. A splitter or
        (train, test) pairs: each row is held out at most once; splitters that take
        groups get those of `fit`. A gate that is a classifier is cross-fitted too. An
        EM iteration then costs one fit per fold and expert (and such a gate), and the
        end one of any other gate per fold (`held_out_ranks_`). None: experts and gate
        are judged by the rows they are fitted to.
    top_k : int, default=None
        Experts evaluated per row by `predict`: the most probable ones, their gate
        weights renormalised. None, or as many as there are: all.
    init : {'quantile', 'kmeans', 'random'}, array-like or callable, \
            default='quantile'
        Initial responsibilities: overlapping quantile groups along the feature
        direction that varies most with y (a function of the weighted data, without
        randomness); k-means clusters of the gate's features; drawn in feature space;
        labels (n_samples,) or responsibilities (n_samples, n_experts); or
        ``init(X, y, n_experts, random_state)`` returning either.
    n_init : int, default=1
        Starts; after the first, 'quantile' draws in feature space. Each of several gets
        a short run and the best one is continued.
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
        Share of the rows to hold out, drawn by `random_state`; of the groups,
        where `groups` are given. Only with `early_stopping`.
    n_iter_no_change : int, default=5
        Stop when the held-out mean log likelihood has not risen by `tol` for so many
        iterations. Only with `early_stopping`.
    accelerate : bool, default=True
        Quasi-Newton steps on the observed likelihood where gate and experts are linear.
        Never lowers the likelihood.
    reg_dispersion : float, default=1e-3
        Smallest dispersion, relative to the standard deviation of y: it bounds the
        likelihood, as GaussianMixture's `reg_covar` does. A prior beyond the floor is
        the family's: ``Gaussian(prior_rows=1)``.
    extrapolation : {'auto', 'clip', 'free'}, default='auto'
        How far experts' predictions may go. 'auto': with several experts, not beyond
        what the expert said of any training row and half the range of all responses
        outside that range; one expert is its estimator alone, everywhere. Linear
        experts explode on rows far outside otherwise, and the gate cannot tell.
        'clip': not beyond the range of the responses that the expert is the most
        responsible one for, widened by 5 percent on both sides (Cubist's rule), and of
        its predictions for all training rows that it has a responsibility for. 'free':
        no limits, for trends that go on. None of them touches the likelihood of the
        training rows. Never with an `offset_feature`: such predictions are proportional
        to the exposure.
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
        None. A default fit of linear experts draws nothing.
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
    dispersions_ : ndarray of shape (n_experts,) or (n_experts, n_targets)
        Dispersion of each expert, the first parameter of its family: the standard
        deviation for 'gaussian', in units of y. NaN for a family without one and for a
        nested mixture.
    prediction_limits_ : ndarray of shape (2, n_experts[, n_targets])
        Lowest and highest prediction of each expert, in units of the prediction
        (logarithms of y for 'log_normal'); infinite where there is no limit.
    families_ : list of families
        The family of each expert, with the shapes that were estimated.
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
    held_out_ranks_ : ndarray of shape (n_held_out[, n_targets]) or None
        With `cv`, the distribution function of each row held out at its own y, by
        experts and gates that were not fitted to the row, in the order of the rows:
        uniform between 0 and 1 if the predicted distributions are right. None without
        `cv` and for counts out of some trials ('binomial').
    n_parameters_ : int or float
        Free parameters; NaN where an expert's number is unknown.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had string column names.

    See Also
    --------
    MixtureOfExpertsClassifier : The same for class labels.
    sklearn.mixture.GaussianMixture : Mixture without a gate or covariates.
    sklearn.ensemble.StackingRegressor : Experts weighted the same everywhere.

    Notes
    -----
    Experts see their responsibilities as weights, so a penalty such as Ridge's `alpha`
    weighs more on an expert with fewer rows. The penalty of a `Ridge` expert enters the
    likelihood as :math:`\alpha \|b_k\|^2 / (2 \sigma_k^2)`, and its dispersion is
    :math:`\sigma_k^2 = (\mathrm{RSS}_k + \alpha \|b_k\|^2) / N_k`.

    That of a `PooledRidge` expert is the same around the slopes of all rows.

    `Lasso` and `ElasticNet`, whose `alpha` is relative to the number of rows, have
    the penalty of a fair share W / K of the total weight, whatever their own share:
    :math:`(W / K) \, \alpha \, p(b_k) / \sigma_k^2` with :math:`p(b) = \rho \|b\|_1 +
    (1 - \rho) \|b\|^2 / 2` and `l1_ratio` :math:`\rho`.

    A `MixtureOfExpertsRegressor` as an expert is a conditional density, not a point
    with noise: its own `score_samples`, `sample_y` and standard deviations count, under
    its own `family`, and no dispersion is added. After a first fit to convergence it is
    continued by a few EM iterations at a time, so its `n_iter_` and `lower_bounds_` are
    those of the last few. A Pipeline or search that ends in a mixture predicts points
    like any regressor, with this mixture's `family` around them.

    With `cv`, each iteration fits every expert once per fold on the other folds' rows
    (weights as above) and predicts the rows held out; a set of fits is taken if the
    out-of-fold log likelihood does not fall, so this is the objective that
    `lower_bounds_` and `log_likelihood_` report. Final experts are fitted to all rows,
    with the responsibilities of their last fits; dispersions stay the out-of-fold ones,
    so `score_samples` of the training rows is higher than `log_likelihood_`. Rows that
    are never held out (the first ones of a `TimeSeriesSplit`) serve the fits only, with
    the gate's probabilities as responsibilities. The gate is fitted to all rows: keep a
    classifier as gate small. An integer weight is that many equal rows only if splits
    keep the copies of a row together.

    Experts that grow by stages (scikit-learn's boosting: those with `staged_predict`
    and `max_iter` or `n_estimators`) are given as many stages at most, and each expert
    stops at the number with the highest out-of-fold likelihood, of a geometric grid:
    every fit has all smaller numbers in it, so the choice costs no other fit. Final
    experts have it as their parameter. In a Pipeline an expert keeps its own number.

    References
    ----------
    .. [1] Jacobs, R. A., Jordan, M. I., Nowlan, S. J. & Hinton, G. E. (1991). "Adaptive
       mixtures of local experts". Neural Computation 3(1), 79-87.
    .. [2] Jordan, M. I. & Jacobs, R. A. (1994). "Hierarchical mixtures of experts and
       the EM algorithm". Neural Computation 6(2), 181-214.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> y = np.abs(X[:, 0]) + 0.01 * np.random.RandomState(0).normal(size=200)
    >>> model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    >>> model.predict([[-1.0], [1.5]]).round(2)
    array([1. , 1.5])
    >>> sorted(round(float(expert.coef_[0]), 2) for expert in model.experts_)
    [-1.0, 1.0]
    """

    _expert_methods = ("fit", "predict")
    _parameter_constraints: dict = {
        **BaseMixtureOfExperts._parameter_constraints,
        "family": [StrOptions(set(FAMILIES)), list, HasMethods(["log_density"])],
        "offset_feature": "no_validation",  # as the columns of gate and experts
        "reg_dispersion": [Interval(Real, 0, None, closed="neither")],
        "extrapolation": [StrOptions({"auto", "clip", "free"})],
    }

    def __init__(
        self,
        experts=None,
        n_experts=3,
        *,
        gate=None,
        family="gaussian",
        gate_features=None,
        expert_features=None,
        offset_feature=None,
        assignment="soft",
        cv=None,
        top_k=None,
        init="quantile",
        n_init=1,
        search=None,
        max_iter=200,
        tol=1e-6,
        early_stopping=False,
        validation_fraction=0.1,
        n_iter_no_change=5,
        accelerate=True,
        reg_dispersion=1e-3,
        extrapolation="auto",
        engine="auto",
        warm_start=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.experts = experts
        self.n_experts = n_experts
        self.gate = gate
        self.family = family
        self.gate_features = gate_features
        self.expert_features = expert_features
        self.offset_feature = offset_feature
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
        self.reg_dispersion = reg_dispersion
        self.extrapolation = extrapolation
        self.engine = engine
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    # Experts and gate are validated by what is asked of them, in `fit`.
    @_fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        groups=None,
        expert_labels=None,
        **fit_params,
    ):
        """Fit gate, experts and dispersions by EM.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows. A dataframe reaches experts that are not linear as it is.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets. Several targets share one latent expert per row.
        sample_weight : array-like of shape (n_samples,), default=None
            Row weights: an integer weight is that many equal rows; None: all one.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group (a person, a shop) share one latent expert: the E-step
            multiplies their densities. The gate should see columns that are constant
            within a group; others are averaged, with a warning.
        expert_labels : array-like of shape (n_samples,), default=None
            The expert of rows for which it is known: an index 0..K-1 or an expert's
            name; -1, None or NaN where it is unknown. Known rows keep it, so segments
            may be given, partly given or learned; `log_likelihood_` is then that of y
            and the known labels.
        **fit_params : dict
            Metadata for the experts' `fit`; needs
            ``sklearn.set_config(enable_metadata_routing=True)``.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            On bad parameters or data, with the name and the value received.
        TypeError
            If an expert or the gate lacks a method that is needed.
        """
        return self._fit(X, y, sample_weight, groups, expert_labels, fit_params)

    def predict(self, X, return_std=False):
        r"""Mean of the mixture, and its standard deviation.

        .. math:: \hat y = \sum_k g_k m_k, \qquad
                  \mathrm{std}^2 = \sum_k g_k (v_k + (m_k - \hat y)^2)

        with the experts' means :math:`m_k` and noise variances :math:`v_k`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.
        return_std : bool, default=False
            Whether to return the standard deviation of y given each row as well.

        Returns
        -------
        y_mean : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Means.
        y_std : ndarray of the same shape
            Standard deviations, noise and disagreement of the experts together; only
            with `return_std`.
        """
        moments = self._routed(self._mean_and_std if return_std else self._mean, X)
        moments = tuple(self._squeeze(moment) for moment in moments)
        return moments if return_std else moments[0]

    def score(self, X, y, sample_weight=None):
        r"""Coefficient of determination of the means.

        .. math:: R^2 = 1 - \frac{\sum_i w_i (y_i - \hat y_i)^2}
                                {\sum_i w_i (y_i - \bar y)^2}

        For the family 'binomial', that of the proportions of successes, weighted with
        their trials.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Row weights; None: all one.

        Returns
        -------
        float
            One at best; zero for the mean of y whatever the row.
        """
        check_is_fitted(self)
        if self._one_target and self._n_columns_of_y == 2:
            y, trials = Binomial().response(self._code_y(y, _num_samples(X)))
            given = 1.0 if sample_weight is None else np.asarray(sample_weight)
            y, sample_weight = y[:, 0], trials * given
        return super().score(X, y, sample_weight)

    def _mean(self, weights, predictions, kept, X):
        noise = self._experts.noise
        return (mix(weights, noise.apply("mean", predictions, kept=kept)),)

    def _mean_and_std(self, weights, predictions, kept, X):
        means = self._experts.noise.apply("mean", predictions, kept=kept)
        mean = mix(weights, means)
        spread = (means - mean[:, None, :]) ** 2
        spread += self._experts.variance(X, predictions, kept)
        return mean, np.sqrt(mix(weights, spread))

    def _answers_of_experts(self, X):
        noise = self._experts.noise
        return noise.apply("mean", self._experts.predict(X))

    # -- what `BaseMixtureOfExperts` asks for -----------------------------------------

    def _named_templates(self):
        """As the base class's; experts of background families predict a constant."""
        names, templates = super()._named_templates()
        families = check_families(self.family, len(names), FAMILIES)
        pairs = zip(templates, families, strict=True)
        return names, [
            DummyRegressor() if family.is_background else template
            for template, family in pairs
        ]

    def _default_experts(self, n_experts):
        families = check_families(self.family, n_experts, FAMILIES)
        return [default_expert(family) for family in families]

    def _check_y(self, y, X):
        y = check_array(
            y, ensure_2d=False, dtype="numeric", input_name="y", estimator=self
        )
        if y.ndim > 2 or y.ndim == 0:
            raise ValueError(
                "y should have shape (n_samples,) or (n_samples, n_targets). Got "
                f"shape {y.shape}."
            )
        check_consistent_length(X, y)
        return y.astype(np.float64, copy=False)

    @staticmethod
    def _class_weighted(weights, y):
        return weights

    def _families_of(self, templates):
        """Family of each expert; a nested mixture is a density itself."""
        families = check_families(self.family, len(templates), FAMILIES)
        own = {
            id(template): OwnDensity(
                template._families_of(template._named_templates()[1])
            )
            for template in templates
            if isinstance(template, MixtureOfExpertsRegressor)
        }
        pairs = zip(templates, families, strict=True)
        return [own.get(id(template), family) for template, family in pairs]

    def _problem(self, y, weights, templates):
        """Families, targets (n, T), smallest parameters (q, T) each; no classes."""
        families = self._families_of(templates)
        targets = y.reshape(len(y), -1)
        self._n_columns_of_y = targets.shape[1]
        n_targets, *others = {family.n_targets(targets) for family in families}
        if others:
            raise ValueError(
                f"family={self.family!r} cannot be mixed: for 'binomial' the two "
                "columns of y, successes and failures, are one target, for the others "
                "two."
            )
        self._one_target = y.ndim == 1 or n_targets < targets.shape[1]
        floors = {
            id(family): family.floors(targets, weights, self.reg_dispersion)
            for family in families
        }
        return families, targets, [floors[id(family)] for family in families], None

    @staticmethod
    def _strata(y):
        """Rows are held out regardless of y."""
        return np.zeros(len(y))

    def _code_y(self, y, n_samples):
        y = self._check_y(y, np.empty(n_samples)).reshape(n_samples, -1)
        if y.shape[1] != self._n_columns_of_y:
            raise ValueError(
                f"y has {y.shape[1]} target(s); the fit had {self._n_columns_of_y}."
            )
        return y

    def _squeeze(self, values):
        return values[..., 0] if self._one_target else values

    def _limited(self, experts, mixture, task):
        if self.extrapolation == "free" or task.offset is not None:
            return experts
        if self.extrapolation == "clip":
            return limited(experts, task.X, task.y, mixture.shares())
        if task.n_experts == 1:
            return experts
        return loosely_limited(experts, task.X, task.y)

    def _expose_noise(self, noise):
        dispersions = noise.dispersions
        if dispersions is None:
            shape = len(noise.families), noise.parameters[0].shape[1]
            dispersions = np.full(shape, np.nan)
        self.dispersions_ = self._squeeze(dispersions)
        self.prediction_limits_ = self._squeeze(noise.limits)
        self.families_ = noise.fitted_families()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
