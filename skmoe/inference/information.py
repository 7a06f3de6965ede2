# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Observed information of a fitted mixture of linear experts."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmoe._compat import check_sample_weight, warn_user
from skmoe.inference.louis import Rows
from skmoe.inference.parts import has_intercept, parts_of
from skmoe.inference.result import ObservedInformation
from skmoe.rows.design import Design
from skmoe.rows.groups import check_groups, rows_of_groups
from skmoe.rows.table import check_X_like, class_weighted

KINDS = ("hessian", "opg", "sandwich")


def observed_information(
    model, X, y, sample_weight=None, *, groups=None, kind="hessian"
):
    r"""Observed information of a fitted mixture, and standard errors from it.

    .. math::
        I = -\nabla^2 \sum_i w_i \log \sum_k g_k(x_i) f(y_i \mid m_k(x_i), \phi_k)

    at the estimates, from the moments of the complete data's scores (Louis 1982): that
    rows do not tell their expert is accounted for. The parameters are the gate's
    coefficients (relative to the first expert), the experts' intercepts and slopes, and
    the free parameters of the noise (logarithms of positive ones).

    Parameters
    ----------
    model : MixtureOfExpertsRegressor or MixtureOfExpertsClassifier
        Fitted, with a `SoftmaxGate` or `ConstantGate` and linear experts
        (`LinearRegression`, `Ridge`, `PooledRidge`, `GeneralizedLinearRegressor`,
        `LogisticRegression`). Background experts have no parameters.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The rows of the fit.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Their targets.
    sample_weight : array-like of shape (n_samples,), default=None
        The weights of the fit: a weight of two is two rows. `class_weight` of the model
        is multiplied in, as in `fit`.
    groups : array-like of shape (n_samples,), default=None
        The groups of the fit, whose rows share one expert.
    kind : {'hessian', 'opg', 'sandwich'}, default='hessian'
        Covariance of the estimates: the inverse information; the inverse sum of
        squared scores; or both together, which holds also where the model is wrong (and
        between groups, whatever happens inside).

    Returns
    -------
    ObservedInformation
        Names, estimates, information, covariance, standard errors; `table` has the
        coefficients as the model shows them.

    Raises
    ------
    TypeError
        If the gate or the experts are of other kinds.
    ValueError
        For an unknown `kind` or no y, and for 'laplace' with any `kind` but 'opg': that
        density has a kink and no second derivative.

    Warns
    -----
    UserWarning
        If the information is singular or indefinite, and if the estimate is more than
        half a standard error from the maximum of the likelihood. Penalties cause that:
        a gate's default `alpha` where the gate is steep and rows are many.

    See Also
    --------
    MixtureOfExpertsRegressor.summary : The same as a table.

    Notes
    -----
    Penalties are not part of the information: it is that of the likelihood, at the
    estimate. Fit with ``SoftmaxGate(alpha=1e-7)`` or zero, and least squares or small
    penalties as experts, for the maximum that standard errors assume. Rows with a known
    expert (`expert_labels`) count as if it were unknown.

    References
    ----------
    .. [1] Louis, T. A. (1982). "Finding the observed information matrix when using the
       EM algorithm". JRSS B 44(2), 226-233.
    .. [2] White, H. (1982). "Maximum likelihood estimation of misspecified models".
       Econometrica 50(1), 1-25.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.gates import SoftmaxGate
    >>> from skmoe.inference import observed_information
    >>> rng = np.random.RandomState(0)
    >>> x = rng.normal(size=1000)
    >>> second = rng.uniform(size=1000) < 1 / (1 + np.exp(-1.5 * x))
    >>> y = np.where(second, 1 + 2 * x, -x) + 0.5 * rng.normal(size=1000)
    >>> X, gate = x[:, None], SoftmaxGate(alpha=1e-7)
    >>> model = MixtureOfExpertsRegressor(n_experts=2, gate=gate).fit(X, y)
    >>> result = observed_information(model, X, y)
    >>> for name, estimate, error in zip(
    ...     result.names, result.estimates, result.standard_errors
    ... ):
    ...     print(*name, f"{estimate:.2f} +- {error:.2f}")
    gate expert1 intercept -0.01 +- 0.09
    gate expert1 x0 1.40 +- 0.11
    expert expert0 intercept -0.04 +- 0.03
    expert expert0 x0 -1.01 +- 0.03
    expert expert1 intercept 0.96 +- 0.03
    expert expert1 x0 1.98 +- 0.03
    noise expert0 log dispersion -0.74 +- 0.04
    noise expert1 log dispersion -0.69 +- 0.04
    """
    check_is_fitted(model)
    if y is None:
        raise ValueError("Standard errors require y to be passed, but it is None.")
    _check(model, kind)
    if groups is None and model._mixture.training.is_grouped:
        warn_user(
            "The model was fitted to groups of rows that share one expert, and groups "
            "is None: the rows' own likelihood has its maximum elsewhere. Pass the "
            "groups of the fit."
        )
    rows = _rows(model, X, y, sample_weight, groups)
    score, information, squares = rows.sums()
    kept = _free(model, rows)
    square = np.ix_(kept, kept)
    parts = parts_of(model, rows.gate_design, rows.expert_design)
    return ObservedInformation(
        kind, parts, score[kept], information[square], squares[square]
    )


def _check(model, kind):
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}. Got {kind!r}.")
    if not model.gate_.has_information:
        raise TypeError(
            "Standard errors need a SoftmaxGate or a ConstantGate. Got "
            f"gate_={model.gate_!r}."
        )
    if not model._mixture.experts.has_information:
        raise TypeError(
            "Standard errors need linear experts: LinearRegression, Ridge or "
            "GeneralizedLinearRegressor, or LogisticRegression with its default "
            "penalty and solver, all fitted without cv or metadata. "
            f"Got experts_={model.experts_!r}."
        )
    families = model._mixture.experts.noise.families
    if kind != "opg" and not all(family.is_smooth for family in families):
        raise ValueError(
            "The density of family 'laplace' has a kink and no second derivative: "
            f"standard errors need kind='opg'. Got kind={kind!r}."
        )


def _rows(model, X, y, sample_weight, groups):
    """Validated rows of positive weight, those of a group next to each other."""
    weights = check_sample_weight(sample_weight, X)
    mixture = model._mixture
    gate_X, expert_X = mixture.reader.read(check_X_like(model, X))
    coded = mixture.targets.code(y, expert_X.shape[0])
    weights = class_weighted(weights, np.ravel(y), getattr(model, "class_weight", None))
    if not model.gate_.reads_rows:
        gate_X = np.empty((expert_X.shape[0], 0))
    rows, codes = np.flatnonzero(weights > 0), None
    if groups is not None:
        codes = check_groups(groups, len(weights), rows)
        by_group = np.argsort(codes, kind="stable")
        rows, codes = rows[by_group], codes[by_group]
    if len(rows) < len(weights) or groups is not None:
        gate_X, expert_X = gate_X[rows], expert_X[rows]
        coded, weights = coded[rows], weights[rows]
    outer, inner = weights, np.ones(len(weights))
    starts = np.arange(len(weights) + 1)
    if codes is not None:
        starts = np.append(np.flatnonzero(np.diff(codes, prepend=-1)), len(codes))
        outer, inner = np.ones(len(starts) - 1), weights
        gate_X, _ = rows_of_groups(gate_X, codes, weights, model.gate_)
    width = expert_X.shape[1] - (mixture.reader.columns.offset is not None)
    centered = all(map(has_intercept, model._mixture.experts.estimators))
    return Rows(
        experts=model._mixture.experts.with_noise(
            model._mixture.experts.noise.unlimited
        ),
        gate=model.gate_,
        gate_X=gate_X,
        X=expert_X,
        y=coded,
        outer=outer,
        inner=inner,
        starts=starts,
        gate_design=Design(gate_X, outer),
        expert_design=Design(expert_X[:, :width], weights, centered),
    )


def _free(model, rows):
    """Positions of the free parameters, in the order of the parts, among all."""
    width, columns = rows.gate_design.n_columns, rows.expert_design.n_columns
    gate, coefficients, noise, start = [], [], [], 0
    for k, estimator in enumerate(rows.experts.estimators):
        n_scores, n_free = rows.experts.n_channels(k)
        if k > 0:
            gate.append(start + np.arange(width))
        start += width
        last = columns if has_intercept(estimator) else columns - 1
        for _ in range(n_scores):
            coefficients.append(start + np.arange(last))
            start += columns
        noise.append(start + np.arange(n_free))
        start += n_free
    return np.concatenate([*gate, *coefficients, *noise])
