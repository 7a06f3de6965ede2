# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The regressor."""

from numbers import Real

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.utils.validation import _num_samples, check_is_fitted

from skmoe._base import BaseMixtureOfExperts
from skmoe._compat import HasMethods, Interval, StrOptions
from skmoe.experts import GeneralizedLinearRegressor, default_expert
from skmoe.families import FAMILIES, Binomial, check_families
from skmoe.families.own_density import OwnDensity
from skmoe.gates import ConstantGate
from skmoe.mixture.regression import RegressionMixture
from skmoe.numerics.routing import check_n_draws
from skmoe.rows.targets import NumberTargets


class MixtureOfExpertsRegressor(RegressorMixin, BaseMixtureOfExperts):
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
    _targets, _mixture_class = NumberTargets, RegressionMixture
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
        n_init="auto",
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
        inputs = self._inputs(X)
        if return_std:
            return self._mixture.mean_and_std(inputs, self.top_k, self.engine)
        return self._mixture.mean(inputs, self.top_k, self.engine)

    def sample_y(self, X, n_samples=1, random_state=None):
        r"""Draw y given each row: an expert by the gate, then y by its family.

        .. math::
            k \sim g(x) , \qquad y \mid k \sim f(\cdot \mid m_k(x), \phi_k)

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
        ndarray of shape (n_rows, n_samples) or (n_rows, n_samples, n_targets)
            Draws under the whole mixture, whatever `top_k` is.

        Raises
        ------
        ValueError
            If `n_samples` is not an integer of at least 0.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
        >>> model.sample_y(X[:2], n_samples=3, random_state=0).round(2)
        array([[-2.95, -3.53, -3.5 ],
               [-3.29, -3.43, -2.74]])
        """
        check_n_draws("n_samples", n_samples)
        drawn = self.predict_dist(X).sample(n_samples, random_state)
        if self._mixture.targets.is_single or drawn.ndim == 3:
            return drawn
        return drawn[..., None]

    def predict_dist(self, X):
        """Distribution of y given each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        PredictiveDistribution
            The whole mixture, whatever `top_k` is, as in `score_samples`: with `mean`,
            `var`, `std`, `pdf`, `logpdf`, `cdf`, `quantile`, `interval`, `sample`,
            `modes`, `entropy` and `crps`, vectorised over the rows. It holds the gate's
            log probabilities and the experts' predictions of all rows.

        Examples
        --------
        >>> import numpy as np
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X = np.linspace(0, 1, 100)[:, None]
        >>> y = X[:, 0] + 0.1 * np.random.RandomState(0).normal(size=100)
        >>> model = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
        >>> dist = model.predict_dist([[0.2], [0.8]])
        >>> dist.cdf([0.2, 1.0]).round(2)
        array([0.44, 0.98])
        >>> bool(np.allclose(dist.logpdf([0.3, 0.7]),
        ...                  model.score_samples([[0.2], [0.8]], [0.3, 0.7])))
        True
        """
        return self._fitted.distribution(self._inputs(X))

    def predict_quantiles(self, X, quantiles):
        r"""Return quantiles of y given each row.

        .. math:: Q(q \mid x) = \min \{ y : F(y \mid x) \ge q \}

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        quantiles : float or array-like of shape (n_quantiles,)
            Levels between 0 and 1.

        Returns
        -------
        ndarray of shape (n_samples, n_quantiles[, n_targets])
            Quantiles under the whole mixture, whatever `top_k` is, of each target by
            itself; without the second axis for a single level.

        Raises
        ------
        ValueError
            If a level is not between 0 and 1.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
        >>> model.predict_quantiles(X[:2], [0.05, 0.5, 0.95]).round(2)
        array([[-4.32, -3.45, -2.58],
               [-4.37, -3.5 , -2.56]])
        """
        return self._fitted.quantiles(self._inputs(X), quantiles)

    def predict_interval(self, X, coverage=0.9, kind="equal-tailed"):
        r"""Return an interval for y given each row.

        .. math:: P(a(x) \le y \le b(x)) \ge \text{coverage}

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        coverage : float, default=0.9
            Probability of the interval, between 0 and 1.
        kind : {'equal-tailed', 'highest-density', 'calibrated'}, default='equal-tailed'
            The same probability beyond each end, or the shortest interval, by the
            predicted distribution of the row. 'calibrated', after a fit with `cv`:
            between the levels that the `held_out_ranks_` lie between as often as
            `coverage` says, which holds on average over the rows whatever the noise is.

        Returns
        -------
        ndarray of shape (n_samples, 2[, n_targets])
            Lower and upper ends, of each target by itself; infinite where there are too
            few rows to calibrate so high a coverage (19 are enough for 0.9).

        Raises
        ------
        ValueError
            On another coverage or kind, or for 'calibrated' without `held_out_ranks_`.

        Notes
        -----
        'calibrated' is cross-conformal prediction [1]_ with the distribution function
        as the score [2]_. Ranks come from experts and gates fitted without the row, the
        interval from those fitted to all rows, which err a little less, so the coverage
        is right to a good approximation but not guaranteed.
        Probabilities of single values (counts) make it higher.

        References
        ----------
        .. [1] Vovk, V. (2015). "Cross-conformal predictors". Annals of Mathematics and
           Artificial Intelligence 74, 9-28.
        .. [2] Chernozhukov, V., Wuthrich, K. & Zhu, Y. (2021). "Distributional
           conformal prediction". PNAS 118(48), e2107794118.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> rng = np.random.RandomState(0)
        >>> X = rng.uniform(-2, 2, size=(9000, 1))
        >>> y = np.abs(X[:, 0]) + 0.1 * rng.lognormal(size=9000)
        >>> tree = DecisionTreeRegressor(max_depth=3)
        >>> model = MixtureOfExpertsRegressor(tree, 2, cv=5, tol=1e-2, random_state=0)
        >>> low, high = model.fit(X[:1000], y[:1000]).predict_interval(X[1000:]).T
        >>> float(np.mean((low <= y[1000:]) & (y[1000:] <= high)).round(2))
        0.95
        >>> low, high = model.predict_interval(X[1000:], kind="calibrated").T
        >>> float(np.mean((low <= y[1000:]) & (y[1000:] <= high)).round(2))
        0.9
        """
        return self._fitted.interval(self._inputs(X), coverage, kind)

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
        targets = self._mixture.targets
        if targets.is_single and targets.n_columns == 2:
            y, trials = Binomial().response(targets.code(y, _num_samples(X)))
            given = 1.0 if sample_weight is None else np.asarray(sample_weight)
            y, sample_weight = y[:, 0], trials * given
        return super().score(X, y, sample_weight)

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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _mixture_of_one(expert, **settings):
    """Return an unfitted mixture of one expert, which is that expert."""
    return MixtureOfExpertsRegressor(expert, 1, gate=ConstantGate(), **settings)


# A generalised linear model alone is fitted as a mixture of one, which it cannot
# import: mixtures are made of experts.
GeneralizedLinearRegressor._mixture_of_one = staticmethod(_mixture_of_one)
