# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Base of both estimators: parameters, validation, fit, one-line answers."""

from abc import ABC, abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import check_is_fitted

from skmoe._compat import (
    HasMethods,
    Interval,
    StrOptions,
    _BaseComposition,
    _check_feature_names,
    _check_n_features,
    _fit_context,
    _raise_for_params,
    check_sample_weight,
    visual_block,
    warn_user,
)
from skmoe.em.fit import Settings
from skmoe.estimators.seeds import seeded_clones
from skmoe.experts.templates import check_templates, named_templates
from skmoe.gates import SoftmaxGate, check_gate
from skmoe.mixture.criteria import criteria
from skmoe.mixture.fit import Request, fit_mixture
from skmoe.mixture.fitted import FittedMixture
from skmoe.mixture.summary import summarise
from skmoe.rows.groups import check_groups
from skmoe.rows.inputs import is_frame
from skmoe.rows.table import check_X_like
from skmoe.rows.targets import Targets

_NAMED_DEFAULT = {"gate": "SoftmaxGate()", "experts": "Ridge()"}


class BaseMixtureOfExperts(_BaseComposition, ABC):
    """Parameters, validation, fit, and answers that do not depend on the kind of y.

    A fitted estimator holds `_mixture`, the `FittedMixture` that every answer is asked
    of, and `_warm_start`. It is changed by a fit that succeeds only.
    """

    _parameter_constraints: dict = {
        "experts": [None, list, HasMethods(["fit"])],
        "n_experts": [Interval(Integral, 1, None, closed="left")],
        "gate": [None, HasMethods(["fit"])],
        "gate_features": "no_validation",  # as ColumnTransformer's; checked in fit
        "expert_features": "no_validation",
        "assignment": [StrOptions({"soft", "hard", "stochastic"})],
        "cv": ["cv_object"],
        "top_k": [None, Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"quantile", "kmeans", "random"}), "array-like", callable],
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "search": [None, StrOptions({"anneal", "split_merge"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "accelerate": ["boolean"],
        "engine": [StrOptions({"auto", "numpy", "numba"})],
        "warm_start": ["boolean"],
        "n_jobs": [None, Integral],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    # -- parameters -------------------------------------------------------------------

    def get_params(self, deep=True):
        """Parameters, with those of the named experts as ``name__parameter``.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the parameters of experts and gate.

        Returns
        -------
        dict
            Values by name.
        """
        if isinstance(self.experts, list):
            return self._get_params("experts", deep=deep)
        return super().get_params(deep=deep)

    def set_params(self, **params):
        """Set parameters, also nested ones and named experts.

        Parameters
        ----------
        **params : dict
            ``n_experts=4``, ``experts__alpha=1`` (one estimator), ``name__alpha=1`` or
            ``name=estimator`` (a list), ``gate__alpha=1``.

        Returns
        -------
        self : object
            This estimator.
        """
        for name in ("gate", "experts"):
            nested = [key for key in params if key.startswith(f"{name}__")]
            if nested and params.get(name, getattr(self, name)) is None:
                raise ValueError(
                    f"{nested[0]!r} cannot be set on {name}=None. Give {name} first, "
                    f"for instance {name}={_NAMED_DEFAULT[name]}."
                )
        if isinstance(params.get("experts", self.experts), list):
            return self._set_params("experts", **params)
        return super().set_params(**params)

    def _named_templates(self):
        """Names and unfitted estimators of the experts, one per expert."""
        if not isinstance(self.experts, list):
            names = [f"expert{k}" for k in range(self.n_experts)]
            if self.experts is None:
                return names, self._default_experts(self.n_experts)
            return names, [self.experts] * self.n_experts
        named = named_templates(self.experts, self.n_experts)
        self._validate_names([name for name, _ in self.experts])
        return named

    # -- fit --------------------------------------------------------------------------

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
        """Fit gate, experts and, of a regressor, their noise by EM.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows. A dataframe reaches experts that are not linear as it is.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets of a regressor, of which several share one latent expert per row;
            class labels of a classifier, of any type that scikit-learn takes.
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

    def _fit(self, X, y, sample_weight, groups, expert_labels, fit_params):
        """Fit gate and experts; nothing is assigned before all has succeeded."""
        self._check_combinations(y)
        request = self._request(fit_params)
        outcome = fit_mixture(
            request,
            X,
            y,
            sample_weight,
            groups,
            expert_labels,
            keeps_steps=self.warm_start,
        )
        self._expose(outcome)
        self._warn()
        return self

    def _request(self, fit_params):
        """The parameters, checked, as the fit of a mixture asks for them."""
        names, templates = self._named_templates()
        check_templates(names, templates, self._expert_methods, self)
        rng = check_random_state(self.random_state)
        seeds = rng.randint(np.iinfo(np.int32).max, size=len(names))
        previous = None
        if self.warm_start and hasattr(self, "_mixture"):
            previous = self._mixture, self._warm_start
        return Request(
            gate=self._gate_template(seeds),
            names=names,
            templates=templates,
            families=self._families_of(templates),
            expert_params=self._route(fit_params, names),
            seeds=seeds,
            rng=rng,
            targets=self._targets,
            mixture=self._mixture_class,
            owner=type(self).__name__,
            settings=self._settings(),
            previous=previous,
            gate_features=self.gate_features,
            expert_features=self.expert_features,
            offset_feature=getattr(self, "offset_feature", None),
            class_weight=getattr(self, "class_weight", None),
            cv=self.cv,
            early_stopping=self.early_stopping,
            validation_fraction=self.validation_fraction,
            reg_dispersion=getattr(self, "reg_dispersion", 0.0),
            extrapolation=getattr(self, "extrapolation", "free"),
            engine=self.engine,
        )

    def _settings(self):
        """The parameters that say how EM runs."""
        return Settings(
            init=self.init,
            n_init=self.n_init,
            search=self.search,
            max_iter=self.max_iter,
            tol=self.tol,
            assignment=self.assignment,
            accelerate=self.accelerate,
            n_iter_no_change=self.n_iter_no_change,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )

    def _check_combinations(self, y):
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but "
                "the target y is None."
            )
        if self.early_stopping and self.cv is not None:
            raise ValueError(
                "early_stopping=True holds rows out of EM, and cv predicts every row "
                f"by fits without it: give one of them. Got cv={self.cv!r}."
            )

    def _gate_template(self, seeds):
        """The gate, unfitted; its random states are not those of any expert."""
        if self.gate is None:
            return check_gate(None)
        seed = check_random_state(seeds[0]).randint(np.iinfo(np.int32).max)
        # As a gate: what resamples rows for a bare classifier is seeded too.
        return seeded_clones([check_gate(self.gate)], [seed])[0]

    def _route(self, fit_params, names):
        """Keywords for each expert's fit."""
        if not fit_params:
            return [{} for _ in names]
        _raise_for_params(fit_params, self, "fit")
        routed = process_routing(self, "fit", **fit_params)
        children = names if isinstance(self.experts, list) else ["experts"] * len(names)
        params = [dict(routed[child]["fit"]) for child in children]
        if any("sample_weight" in kwargs for kwargs in params):
            raise ValueError(
                "An expert requests sample_weight under another name. A mixture of "
                "experts makes its experts' weights itself (responsibilities times "
                "sample_weight): pass sample_weight to its own fit instead."
            )
        return params

    # -- results ----------------------------------------------------------------------

    def _expose(self, outcome):
        """Set the fitted attributes."""
        mixture, run = outcome.mixture, outcome.run
        self.n_features_in_ = mixture.reader.n_features
        self.__dict__.pop("feature_names_in_", None)
        if mixture.reader.feature_names is not None:
            self.feature_names_in_ = mixture.reader.feature_names
        self._mixture, self._warm_start = mixture, outcome.warm_start
        self.__dict__.update(mixture.attributes())
        if mixture.reader.experts_numeric and hasattr(self, "feature_names_in_"):
            self._name_features(self.experts_)
        self.lower_bounds_ = [float(bound) for bound in run.bounds]
        self.lower_bound_ = self.lower_bounds_[-1]
        self.n_iter_ = len(self.lower_bounds_)
        if run.early_stopping is not None:
            self.validation_scores_ = run.early_stopping.scores
        self.converged_ = bool(run.converged)
        self.log_likelihood_ = outcome.log_likelihood

    def _name_features(self, estimators):
        columns = self._mixture.reader.columns.experts
        columns = slice(None) if columns is None else columns
        for estimator in estimators:
            estimator.feature_names_in_ = self.feature_names_in_[columns]

    def _warn(self):
        if not self.converged_:
            warn_user(
                f"EM did not converge in max_iter={self.max_iter} iterations "
                f"(lower bound {self.lower_bound_:.6g}). Increase max_iter or tol "
                "(refits of trees and their like often need tol=1e-4, with cv 1e-2); "
                "fewer experts or stronger penalties (the gate's alpha, the experts' "
                "own) make an ill-posed problem converge.",
                ConvergenceWarning,
            )
        for complaint in self._mixture.training.complaints():
            warn_user(complaint)

    # -- input of answers ------------------------------------------------------------

    @property
    def _fitted(self):
        """The fitted mixture; NotFittedError before the first fit."""
        try:
            return self._mixture
        except AttributeError:  # the check reads the tags of every expert
            check_is_fitted(self)
            raise

    def _inputs(self, X):
        """X as gate and experts see it, names, width and numbers validated."""
        reader = self._fitted.reader
        if not reader.is_plain or is_frame(X):
            return reader.read(check_X_like(self, X))
        inputs = reader.read(X)  # the one check that plain numbers need
        _check_feature_names(self, X, reset=False)
        _check_n_features(self, inputs.gate, reset=False)
        return inputs

    def _gate_input(self, X):
        """X as the gate sees it; columns of the experts are not looked at."""
        return self._fitted.reader.read_gate(check_X_like(self, X))

    # -- answers ----------------------------------------------------------------------

    def gate_proba(self, X):
        """Prior probabilities g(x) of the experts.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to gate.

        Returns
        -------
        ndarray of shape (n_samples, n_experts)
            Rows sum to one. All experts, also with `top_k`.
        """
        return self._fitted.gate_proba(self._gate_input(X))

    def apply(self, X):
        """Index of the most probable expert of each row, given X only.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to gate.

        Returns
        -------
        ndarray of shape (n_samples,)
            Integers; ties go to the lower index.
        """
        return self._fitted.best_expert(self._gate_input(X))

    def predict_experts(self, X):
        """Return each expert's own answer for every row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        ndarray of shape (n_samples, n_experts[, n_targets])
            Mean of y given each of the regressor's experts; of shape (n_samples,
            n_experts, n_classes), class probabilities, for the classifier's.
        """
        return self._fitted.predict_experts(self._inputs(X))

    def responsibilities(self, X, y, groups=None):
        r"""Posterior probabilities of the experts given X and y.

        .. math:: r_{ik} = \frac{g_k(x_i) f(y_i \mid m_k(x_i), \phi_k)}
                               {\sum_l g_l(x_i) f(y_i \mid m_l(x_i), \phi_l)}

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group share one latent expert: their densities are multiplied,
            and the gate sees the group's mean row.

        Returns
        -------
        ndarray of shape (n_samples, n_experts)
            Rows sum to one; those of a group are equal.
        """
        inputs = self._inputs(X)
        coded = self._mixture.targets.code(y, inputs.n_samples)
        if groups is not None:
            groups = check_groups(groups, inputs.n_samples)
        return self._mixture.responsibilities(inputs, coded, groups)

    def score_samples(self, X, y=None):
        """Log density (log probability, for classes) of each y given its row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Their targets. None: the model's own predictions, which makes a score of its
            confidence: low where it is vague or its experts disagree.

        Returns
        -------
        ndarray of shape (n_samples,)
            Natural logarithms under the whole mixture, whatever `top_k` is; on the
            training rows their weighted sum is `log_likelihood_`, unless it was fitted
            with `cv`, groups or known experts.
        """
        inputs = self._inputs(X)
        y = self.predict(X) if y is None else y
        coded = self._mixture.targets.code(y, inputs.n_samples)
        return self._mixture.log_density(inputs, coded)

    def aic(self, X, y, sample_weight=None, *, groups=None):
        r"""Akaike information criterion, lower is better.

        .. math:: -2 \log L + 2 p

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Row weights: an integer weight is that many equal rows; None: all one.
        groups : array-like of shape (n_samples,), default=None
            Groups of rows that share one expert, as in `fit`: they count in place of
            rows.

        Returns
        -------
        float
            The criterion.

        Raises
        ------
        ValueError
            If the number of parameters of an expert or the gate is unknown.

        Warns
        -----
        UserWarning
            If the fit had groups and none are given.
        """
        return self._criteria(X, y, sample_weight, groups).aic

    def bic(self, X, y, sample_weight=None, *, groups=None):
        r"""Bayesian information criterion, lower is better.

        .. math:: -2 \log L + p \log n

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Row weights: an integer weight is that many equal rows; None: all one.
        groups : array-like of shape (n_samples,), default=None
            Groups of rows that share one expert, as in `fit`: they count in place of
            rows.

        Returns
        -------
        float
            The criterion.

        Raises
        ------
        ValueError
            If the number of parameters of an expert or the gate is unknown.

        Warns
        -----
        UserWarning
            If the fit had groups and none are given.
        """
        return self._criteria(X, y, sample_weight, groups).bic

    def icl(self, X, y, sample_weight=None, *, groups=None):
        r"""Integrated completed likelihood, lower is better.

        .. math:: \mathrm{BIC} - 2 \sum_{ik} w_i r_{ik} \log r_{ik}

        BIC plus twice the entropy of the responsibilities: it prefers experts that
        divide the rows clearly.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Row weights: an integer weight is that many equal rows; None: all one.
        groups : array-like of shape (n_samples,), default=None
            Groups of rows that share one expert, as in `fit`: they count in place of
            rows.

        Returns
        -------
        float
            The criterion.

        Raises
        ------
        ValueError
            If the number of parameters of an expert or the gate is unknown.

        Warns
        -----
        UserWarning
            If the fit had groups and none are given.
        """
        return self._criteria(X, y, sample_weight, groups).icl

    def _criteria(self, X, y, sample_weight, groups):
        inputs = self._inputs(X)
        mixture = self._mixture
        coded = mixture.targets.code(y, inputs.n_samples)
        weights = None
        if sample_weight is not None:
            weights = check_sample_weight(sample_weight, X)
        if groups is not None:
            groups = check_groups(groups, inputs.n_samples)
        elif mixture.training.is_grouped:
            warn_user(
                "The model was fitted to groups of rows that share one expert, and "
                "groups is None: rows are counted one by one, which is another model. "
                "Pass the groups of the fit."
            )
        return criteria(mixture, inputs, coded, weights, groups)

    def summary(
        self, X=None, y=None, sample_weight=None, *, groups=None, kind="hessian"
    ):
        """Without data, what each expert is; with data, standard errors.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            The rows of the fit, for standard errors of linear experts and of a softmax
            or constant gate. None: one row per expert, without them.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            The weights of the fit.
        groups : array-like of shape (n_samples,), default=None
            The groups of the fit.
        kind : {'hessian', 'opg', 'sandwich'}, default='hessian'
            What standard errors are made of; 'opg' for the family 'laplace'.

        Returns
        -------
        pandas.DataFrame or dict of str to list
            Without X, columns `expert` (name; the DataFrame's index), `kind`, `share`
            (mean responsibility over the training data), `rows` (their weighted
            number), the dispersions (regressor), then intercept and coefficients on the
            user's scale where the expert is linear. With X, index `part`, `expert`,
            `term` and columns `estimate`, `standard error`, `z`, `p`, `lower`, `upper`
            (95 percent), from `skmoe.inference.observed_information`. A dict of columns
            without pandas.
        """
        check_is_fitted(self)
        if X is None:
            return summarise(self)
        # Few ask for standard errors, and everybody waits for what is imported.
        from skmoe.inference import observed_information

        result = observed_information(
            self, X, y, sample_weight, groups=groups, kind=kind
        )
        return result.table()

    # -- what the two estimators differ in --------------------------------------------

    #: Coding of y and class of the fitted mixture.
    _targets: type[Targets]
    _mixture_class: type[FittedMixture]
    _expert_methods: tuple

    @abstractmethod
    def _default_experts(self, n_experts):
        """Unfitted experts where the user gives none."""

    @abstractmethod
    def _families_of(self, templates):
        """The family of each expert."""

    # -- scikit-learn's protocols -----------------------------------------------------

    def get_metadata_routing(self):
        """Return the routing: `sample_weight` is consumed, the rest reaches experts.

        Returns
        -------
        MetadataRouter
            Requests of this estimator and of its experts.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        mapping = MethodMapping().add(caller="fit", callee="fit")
        if isinstance(self.experts, list):
            children = {name: est for name, est in self.experts if hasattr(est, "fit")}
        else:
            children = {} if self.experts is None else {"experts": self.experts}
        for name, estimator in children.items():
            router.add(**{name: estimator}, method_mapping=mapping)
        return router

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Tags are read on malformed parameters too, which `fit` complains about.
        try:
            templates = {id(expert): expert for expert in self._named_templates()[1]}
            experts = [get_tags(template) for template in templates.values()]
            gate = get_tags(check_gate(self.gate))
        except (AttributeError, TypeError, ValueError):
            return tags
        parts = [*experts, gate]
        tags.input_tags.sparse = all(part.input_tags.sparse for part in parts)
        tags.input_tags.allow_nan = all(part.input_tags.allow_nan for part in parts)
        tags.input_tags.positive_only = any(
            part.input_tags.positive_only for part in experts
        )
        return tags

    def _sk_visual_block_(self):
        names, templates = ["gate"], [SoftmaxGate() if self.gate is None else self.gate]
        if isinstance(self.experts, list):
            names += [name for name, _ in self.experts]
            templates += [estimator for _, estimator in self.experts]
        else:
            names.append("experts")
            default = self.experts is None  # an unfitted ensemble has no truth value
            templates.append(self._default_experts(1)[0] if default else self.experts)
        return visual_block("parallel", templates, names=names)
