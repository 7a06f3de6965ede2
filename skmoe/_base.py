# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What both estimators share: validate, run EM, expose."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import (
    Bunch,
    check_consistent_length,
    check_random_state,
    get_tags,
)
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from skmoe._compat import (
    HasMethods,
    Interval,
    StrOptions,
    _BaseComposition,
    _check_method_params,
    _num_samples,
    _raise_for_params,
    _safe_indexing,
    check_sample_weight,
    visual_block,
)
from skmoe.em._training import TrainingMixin
from skmoe.em._validation import ValidationMixin
from skmoe.em.allowed import allowed_experts
from skmoe.estimators.parameters import count_parameters
from skmoe.estimators.seeds import seeded_clones
from skmoe.experts import kind_of
from skmoe.experts.base import ExpertTask
from skmoe.families.noise import grouped
from skmoe.gates import SoftmaxGate, check_gate
from skmoe.inference import observed_information
from skmoe.kernels import get_kernels
from skmoe.mixture._likelihood import LikelihoodMixin
from skmoe.mixture._prediction import PredictionMixin
from skmoe.mixture.summary import summarise
from skmoe.rows.columns import (
    as_numeric,
    is_frame,
    resolve_columns,
    select_columns,
    single_column,
)
from skmoe.rows.design import Designs
from skmoe.rows.folds import make_folds
from skmoe.rows.groups import check_expert_labels, check_groups

DEFAULT_N_EXPERTS = 3
_NAMED_DEFAULT = {"gate": "SoftmaxGate()", "experts": "Ridge()"}


class BaseMixtureOfExperts(
    TrainingMixin,
    ValidationMixin,
    PredictionMixin,
    LikelihoodMixin,
    _BaseComposition,
):
    """Validation, EM and everything that does not depend on the kind of y."""

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
        "n_init": [Interval(Integral, 1, None, closed="left")],
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
        if not self.experts or not all(
            isinstance(item, tuple) and len(item) == 2 for item in self.experts
        ):
            raise ValueError(
                "experts as a list must hold (name, estimator) tuples, at least one. "
                f"Got {self.experts!r}."
            )
        self._validate_names([name for name, _ in self.experts])
        kept = [item for item in self.experts if not _is_dropped(item[1])]
        if not kept:
            raise ValueError(
                "All experts are dropped. At least one must be an estimator."
            )
        if self.n_experts not in (DEFAULT_N_EXPERTS, len(kept)):
            raise ValueError(
                f"n_experts={self.n_experts} contradicts the list of {len(kept)} "
                "experts. Leave n_experts out when experts is a list."
            )
        return [name for name, _ in kept], [template for _, template in kept]

    def _check_experts(self, names, templates):
        for name, template in zip(names, templates, strict=True):
            missing = [m for m in self._expert_methods if not _has(template, m)]
            if missing:
                raise TypeError(
                    f"Expert {name!r} ({template!r}) must implement "
                    f"{' and '.join(self._expert_methods)}; missing: "
                    f"{', '.join(missing)}."
                )
            if is_classifier(template) and not is_classifier(self):
                raise TypeError(
                    f"Expert {name!r} ({template!r}) is a classifier. The experts of a "
                    f"{type(self).__name__} must be regressors."
                )
            if get_tags(template).input_tags.pairwise:
                raise ValueError(
                    f"Expert {name!r} ({template!r}) wants pairwise distances as X, "
                    "which a mixture of experts cannot split into rows."
                )

    # -- fit --------------------------------------------------------------------------

    def _fit(self, X, y, sample_weight, groups, expert_labels, fit_params):
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but "
                "the target y is None."
            )
        self._check_combinations()
        names, templates = self._named_templates()
        self._check_experts(names, templates)
        expert_params = self._route(fit_params, names)
        given = X
        X, y, weights, rows = self._check_fit_input(X, y, sample_weight, len(names))
        rng = check_random_state(self.random_state)
        seeds = rng.randint(np.iinfo(np.int32).max, size=len(names))
        self._resolve_columns(X)
        if self.early_stopping:
            parts = X, y, weights, rows
            (X, y, weights, rows), held_out = self._split(parts, groups, given, rng)
            self._check_n_samples(X, len(names))
        groups = self._check_groups(groups, len(names), given, rows)
        task = self._task(X, y, weights, names, templates, seeds)
        task.fit_params = _params_of_rows(expert_params, given, rows, len(y))
        task.folds = make_folds(
            self.cv,
            X,
            y,
            groups,
            rng,
            is_classification=task.classes is not None,
            n_given=_num_samples(given),
            rows=rows,
        )
        labels = check_expert_labels(expert_labels, names, given, rows)
        accepted = self._accepted(task.families, task.y, labels)
        kind = kind_of(task)
        gate = self._gate_template(seeds)
        self._numeric = (gate.numeric, kind.numeric)
        gate_X, task.X = self._inputs(X, templates)
        if task.offset is not None:
            task.X = task.X[:, :-1]
        self._check_width(kind, task.X, templates)
        score = None
        if self.early_stopping:
            score = self._held_out_score(held_out, task, templates)
        init, parts = self._init_of(rows, given), (gate, gate_X, kind, task)
        allowed = allowed_experts(labels, accepted)
        mixture, run = self._run(*parts, X, init, rng, groups, allowed, score)
        self._expose(mixture, run, task)
        self._expose_held_out(mixture, task, gate, gate_X, groups)
        return self

    def _gate_template(self, seeds):
        """The gate, unfitted; its random states are not those of any expert."""
        if self.gate is None:
            return check_gate(None)
        seed = check_random_state(seeds[0]).randint(np.iinfo(np.int32).max)
        # As a gate: what resamples rows for a bare classifier is seeded too.
        return seeded_clones([check_gate(self.gate)], [seed])[0]

    def _check_combinations(self):
        if self.early_stopping and self.cv is not None:
            raise ValueError(
                "early_stopping=True holds rows out of EM, and cv predicts every row "
                f"by fits without it: give one of them. Got cv={self.cv!r}."
            )

    @staticmethod
    def _check_groups(groups, n_experts, given, rows):
        """Codes of the groups of the kept rows, or None."""
        if groups is None:
            return None
        groups = check_groups(groups, given, rows)
        if groups.max() + 1 < n_experts:
            raise ValueError(
                f"groups must be at least n_experts={n_experts}, since the rows of one "
                f"group share one expert. Got {groups.max() + 1}."
            )
        return groups

    def _task(self, X, y, weights, names, templates, seeds):
        """What the experts need to know, X still as the user gave it."""
        families, coded, floors, classes = self._problem(y, weights, templates)
        kernels = get_kernels(self.engine, len(weights) * len(names))
        offset = None
        if self._offset_column is not None:
            offset = single_column(X, self._offset_column, self)
        return ExpertTask(
            templates=seeded_clones(templates, seeds),
            names=names,
            X=select_columns(X, self._expert_columns),
            y=coded,
            labels=y,
            classes=classes,
            weights=weights,
            families=families,
            floors=floors,
            designs=Designs(weights, kernels),
            n_jobs=self.n_jobs,
            seeds=seeds,
            offset=offset,
        )

    def _resolve_columns(self, X):
        """Indices of the columns that gate and experts see; None for all."""
        self._gate_columns = resolve_columns(X, self.gate_features, "gate_features")
        self._expert_columns = resolve_columns(
            X, self.expert_features, "expert_features"
        )
        self._offset_column = None
        if getattr(self, "offset_feature", None) is None:
            return
        if not isinstance(self.offset_feature, (str, Integral)):
            raise TypeError(
                "offset_feature must be the name or the index of one column. Got "
                f"{self.offset_feature!r}."
            )
        (offset,) = resolve_columns(X, [self.offset_feature], "offset_feature")
        others = np.delete(np.arange(X.shape[1]), offset)
        if self._gate_columns is None:
            self._gate_columns = others
        if self._expert_columns is None:
            self._expert_columns = others
        # No covariate, also where a selection of columns takes it in.
        self._expert_columns = self._expert_columns[self._expert_columns != offset]
        self._offset_column = offset

    def _accepted(self, families, y, labels):
        """Which experts' families accept each row's y, (n, K); None where all do.

        With several families a value must be in the domain of one of them.
        """
        distinct = grouped(families)
        if len(distinct) == 1:
            families[0].check_target(y)
            return None if labels is None else np.ones((len(y), len(families)), bool)
        accepted = np.empty((len(y), len(families)), dtype=bool)
        for family, experts in distinct:
            family.check_settings()
            family.check_range(y)
            accepted[:, experts] = family.accepts(y)[:, None]
        rows = np.flatnonzero(~accepted.any(axis=1))
        if len(rows):
            domains = ", ".join(f"{f.name!r} ({f.domain})" for f, _ in distinct)
            raise ValueError(
                f"y[{rows[0]}] = {y[rows[0]].tolist()} is in the domain of no family: "
                f"{domains}."
            )
        return accepted

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

    def _check_fit_input(self, X, y, sample_weight, n_experts):
        """Validated X, y and weights, rows of weight zero dropped."""
        X = self._check_X(X, reset=True)
        y = self._check_y(y, X)
        if sample_weight is None:  # one number, not one per row
            weights = np.broadcast_to(1.0, y.shape[:1])
            if self.cv is not None:  # refits make much of how a sum is rounded
                weights = np.ascontiguousarray(weights)
        else:
            weights = check_sample_weight(sample_weight, X)
        weights = self._class_weighted(weights, y)
        rows: slice | np.ndarray = slice(None)
        if weights.min(initial=np.inf) <= 0:
            rows = np.flatnonzero(weights > 0)
            X, y, weights = _safe_indexing(X, rows), y[rows], weights[rows]
        self._check_n_samples(X, n_experts)
        return X, y, weights, rows

    @staticmethod
    def _check_n_samples(X, n_experts):
        if X.shape[0] < n_experts:
            raise ValueError(
                f"n_samples={X.shape[0]} should be >= n_experts={n_experts} (rows of "
                "weight zero and rows held out do not count)."
            )

    def _init_of(self, rows, X):
        """`init`, where it has an entry per row of `X`, for the rows kept."""
        if isinstance(self.init, str) or callable(self.init):
            return self.init
        check_consistent_length(X, self.init)
        return self.init if isinstance(rows, slice) else _safe_indexing(self.init, rows)

    def _check_X(self, X, reset):
        """X with known names and width: a dataframe as it is, else an array."""
        if is_frame(X):
            X = validate_data(self, X, reset=reset, skip_check_array=True)
            if min(X.shape) == 0:
                raise ValueError(
                    f"Found a dataframe with {X.shape[1]} feature(s) and {X.shape[0]} "
                    f"sample(s) (shape={tuple(X.shape)}) while a minimum of 1 is "
                    "required."
                )
            return X
        return validate_data(
            self, X, reset=reset, accept_sparse="csr", ensure_all_finite=False
        )

    def _inputs(self, X, templates):
        """What gate and experts get: float arrays for linear parts, else X as given."""
        gate_X = select_columns(X, self._gate_columns)
        expert_X = select_columns(X, self._columns_of_experts())
        gate_numeric, experts_numeric = self._numeric
        shared = expert_X is gate_X
        if gate_numeric:
            gate_X = as_numeric(gate_X, self, "gate_features")
        if shared and gate_numeric and experts_numeric:
            return gate_X, gate_X
        if experts_numeric:
            expert_X = as_numeric(expert_X, self, "expert_features")
        elif not is_frame(expert_X):
            expert_X = self._check_finite(expert_X, templates)
        return gate_X, expert_X

    def _columns_of_experts(self):
        """Columns that experts' scores are made of, the offset as the last one."""
        if self._offset_column is None:
            return self._expert_columns
        return np.append(self._expert_columns, self._offset_column)

    def _check_finite(self, X, templates):
        allow_nan = all(get_tags(t).input_tags.allow_nan for t in templates)
        return check_array(
            X,
            accept_sparse="csr",
            ensure_all_finite="allow-nan" if allow_nan else True,
            ensure_min_features=0,
            estimator=self,
            input_name="X",
        )

    def _check_width(self, kind, X, templates):
        if X.shape[1] == 0 and not kind.numeric:
            raise ValueError(
                f"expert_features={self.expert_features!r} selects no columns, and "
                f"{templates[0]!r} cannot be fitted to none. An expert that is an "
                "intercept only is LinearRegression() or, for classes, "
                "LogisticRegression()."
            )

    # -- results ----------------------------------------------------------------------

    def _expose(self, mixture, run, task):
        """Set the fitted attributes."""
        names = task.names
        fitted = self._limited(mixture.experts.fitted(), mixture, task)
        self._experts = fitted
        self.experts_ = fitted.estimators
        if self._numeric[1] and hasattr(self, "feature_names_in_"):
            self._name_features(fitted.estimators)
        self.named_experts_ = Bunch(**dict(zip(names, self.experts_, strict=True)))
        self.gate_ = mixture.gate.fitted()
        self.n_experts_ = len(names)
        self._expose_noise(fitted.noise)
        self.lower_bounds_ = [float(bound) for bound in run.bounds]
        self.lower_bound_ = self.lower_bounds_[-1]
        self.n_iter_ = len(self.lower_bounds_)
        if run.watch is not None:
            self.validation_scores_ = run.watch.scores
        self.converged_ = bool(run.converged)
        self.log_likelihood_ = float(mixture.log_likelihood())
        self._totals = mixture.totals()
        self._collapsed = mixture.collapsed()
        self._overfitted = mixture.experts.overfitted()
        self._gate_overfitted = mixture.gate.overfitted()
        self.n_parameters_ = self._count_parameters()
        # What acceleration has learnt serves a warm start that climbs the same way.
        way = (self.assignment, self.accelerate)
        self._steps = {way: run.step} if self.warm_start else {}
        self._warn()

    def _name_features(self, estimators):
        columns = slice(None) if self._expert_columns is None else self._expert_columns
        for estimator in estimators:
            estimator.feature_names_in_ = self.feature_names_in_[columns]

    def _count_parameters(self):
        gate = count_parameters(self.gate_)
        noise = self._experts.noise
        experts = [
            0 if family.is_background else count_parameters(expert)
            for family, expert in zip(noise.families, self.experts_, strict=True)
        ]
        return gate + sum(experts) + noise.count_parameters()

    def _warn(self):
        if not self.converged_:
            warnings.warn(
                f"EM did not converge in max_iter={self.max_iter} iterations "
                f"(lower bound {self.lower_bound_:.6g}). Increase max_iter or tol "
                "(refits of trees and their like often need tol=1e-4, with cv 1e-2); "
                "fewer experts or stronger penalties (the gate's alpha, the experts' "
                "own) make an ill-posed problem converge.",
                ConvergenceWarning,
                stacklevel=6,
            )
        collapsed = np.flatnonzero(self._collapsed)
        if len(collapsed):
            warnings.warn(
                f"The dispersions of experts {collapsed.tolist()} have collapsed onto "
                "few rows or their floor: the likelihood has no bound there and the "
                "fit may be spurious. Use fewer experts, more restarts (n_init), a "
                "larger reg_dispersion or experts that cannot interpolate; for deep "
                "trees, boosting and their like, use cv=5.",
                UserWarning,
                stacklevel=6,
            )
        overfitted = [k for k in self._overfitted if not self._collapsed[k]]
        if overfitted:
            warnings.warn(
                f"Experts {overfitted} know the rows they were fitted to: on others, "
                "their squared errors are more than four times as large, so "
                "responsibilities and density are far too certain. Use cv=5 "
                "(out-of-fold predictions in the E-step) or less flexible experts.",
                UserWarning,
                stacklevel=6,
            )
        if self._gate_overfitted:
            warnings.warn(
                "The gate knows the rows it was fitted to: on others, its squared "
                "error is more than four times as large, so it keeps rows where they "
                "began and is far too certain. Use cv=5 (out-of-fold probabilities in "
                "the E-step) and several starts (n_init=5), or a less flexible gate.",
                UserWarning,
                stacklevel=6,
            )
        dead = np.flatnonzero(self._totals < 1e-8 * self._totals.sum())
        if len(dead):
            warnings.warn(
                f"Experts {dead.tolist()} have lost all rows. Use fewer experts, more "
                "restarts (n_init) or another init.",
                UserWarning,
                stacklevel=6,
            )

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
        result = observed_information(
            self, X, y, sample_weight, groups=groups, kind=kind
        )
        return result.table()

    # -- scikit-learn's protocols -----------------------------------------------------

    def get_metadata_routing(self):
        """Where metadata goes: `sample_weight` is consumed, the rest reaches experts.

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


def _params_of_rows(expert_params, given, rows, n_rows):
    """Keywords for the experts' fit, those with an entry per row for the kept rows."""
    if not any(expert_params):
        return expert_params
    kept = np.arange(n_rows) if isinstance(rows, slice) else rows
    return [_check_method_params(given, params, kept) for params in expert_params]


def _is_dropped(expert):
    return isinstance(expert, str) and expert == "drop"


def _has(estimator, method):
    """Whether an unfitted estimator will have a method once it is fitted.

    Stacking with its default final estimator shows `predict` only then.
    """
    if getattr(estimator, "final_estimator", estimator) is None:
        return hasattr(type(estimator), method)
    return hasattr(estimator, method)
