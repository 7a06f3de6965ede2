# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Fits along a penalty, from strong to weak."""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array

from skmoe._compat import check_sample_weight
from skmoe.model_selection._checks import check_choice, check_mixture
from skmoe.model_selection._criteria import (
    CRITERIA,
    best_of,
    check_known,
    columns_of,
    information,
)
from skmoe.model_selection._fits import Rows, better, fit_from, fit_quietly
from skmoe.model_selection._parameters import expert_parameters
from skmoe.rows.inputs import numeric_columns

# The default grid: so many values, the last this fraction of the first.
N_VALUES = 20
RANGE = 1e-3


@dataclass(frozen=True)
class PenaltyPath:
    """Result of `penalty_path`.

    Parameters
    ----------
    parameter : str
        The parameter that varies.
    results : dict of str to ndarray
        A column per key, a row per value, strong penalties first:
        `pandas.DataFrame(results)` is a table. `value`, `log_likelihood`,
        `n_parameters`, `aic`, `bic`, `icl`, `start` ('own', or 'previous'),
        `fit_time` in seconds, `converged`, `collapsed`.
    estimators : list of estimators
        The fitted model of each value.
    best_index : int
        Where the criterion is lowest.
    """

    parameter: str
    results: dict
    estimators: list
    best_index: int

    @property
    def best_value(self):
        """The value of the parameter where the criterion is lowest."""
        return float(self.results["value"][self.best_index])

    @property
    def best_estimator(self):
        """The fitted model of `best_value`."""
        return self.estimators[self.best_index]

    def coefficients(self):
        """Return the parameters of every expert along the path.

        Returns
        -------
        names : list of str
            Names of the P parameters, as in `BootstrapResult`.
        values : ndarray of shape (n_values, n_experts, n_parameters)
            Their values; start 'previous' keeps the experts in order.
        """
        tables = [expert_parameters(estimator) for estimator in self.estimators]
        return tables[0][0], np.stack([values for _, values in tables])


def penalty_path(
    estimator, X, y, *, parameter, values=None, criterion="bic", sample_weight=None
):
    r"""Fit a mixture along a penalty, each fit started from the one before.

    .. math::
        \hat\theta_\lambda = \arg\max_\theta \; \log L(\theta) - \lambda P(\theta),
        \qquad \lambda_1 > \lambda_2 > \dots

    From strong to weak: a sparse solution is found fast and is a good start for the
    next. Each value is also fitted from the estimator's own start(s), since a penalty
    that makes all experts alike leaves the next nothing to start from, and the fit of
    the higher lower bound is kept.

    Parameters
    ----------
    estimator : MixtureOfExpertsRegressor or MixtureOfExpertsClassifier
        Cloned. For sparse experts: ``experts=Lasso()`` or ``ElasticNet()``.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Their targets.
    parameter : str
        Name of the penalty, as `set_params` takes it: 'experts__alpha',
        'gate__alpha', 'name__alpha' of a named expert. One that ends in 'C' is taken
        for the inverse of a penalty.
    values : array-like of float, default=None
        Values, in any order. None: 20 values on a logarithmic scale from the strongest
        down to a thousandth of it. The strongest is, for an L1 penalty of the
        regressor's experts, the smallest that leaves no coefficient in a single expert;
        1 otherwise.
    criterion : {'bic', 'aic', 'icl'}, default='bic'
        What `best_index` minimises, fits with a collapsed expert left out. The number
        of parameters counts non-zero coefficients. For held-out rows, give the
        parameter to `GridSearchCV`.
    sample_weight : array-like of shape (n_samples,), default=None
        Row weights.

    Returns
    -------
    PenaltyPath
        `results`, `estimators`, `best_estimator`, `coefficients()`.

    Raises
    ------
    ValueError
        If the estimator has no such parameter, a value is not positive, or the number
        of parameters is unknown.

    References
    ----------
    .. [1] Khalili, A. (2010). "New estimation and feature selection methods in
       mixture-of-experts models". Canadian Journal of Statistics 38(4), 519-539.
    .. [2] Friedman, J., Hastie, T. & Tibshirani, R. (2010). "Regularization paths for
       generalized linear models via coordinate descent". Journal of Statistical
       Software 33(1).

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.gates import SoftmaxGate
    >>> from skmoe.model_selection import penalty_path
    >>> X = np.random.RandomState(0).normal(size=(200, 2))
    >>> y = np.abs(X[:, 0]) + 0.2 * np.random.RandomState(1).normal(size=200)
    >>> path = penalty_path(
    ...     MixtureOfExpertsRegressor(n_experts=2, gate=SoftmaxGate()),
    ...     X,
    ...     y,
    ...     parameter="gate__alpha",
    ...     values=[1e-4, 1e-2, 1],
    ... )
    >>> path.results["value"], path.best_value
    (array([1.e+00, 1.e-02, 1.e-04]), 0.0001)
    """
    check_mixture(estimator)
    check_choice("criterion", criterion, CRITERIA)
    if parameter not in estimator.get_params():
        raise ValueError(
            f"The estimator has no parameter {parameter!r}. The parameters of experts "
            "and gate are there once these are given, for instance "
            "experts=ElasticNet(), gate=SoftmaxGate()."
        )
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X)
    rows = Rows(X, y, sample_weight).positive()
    values = _strong_to_weak(values, estimator, parameter, rows)
    fits: list = []
    for value in values:
        fits.append(_next_fit(estimator, rows, {parameter: value}, fits))
    known = columns_of([information(fit.model, rows) for fit in fits])
    advice = "Compare by cross-validation (GridSearchCV)."
    check_known(known[criterion], criterion, advice)
    collapsed = np.array([fit.is_collapsed for fit in fits])
    results = {
        "value": values,
        **known,
        "start": np.array([fit.start for fit in fits]),
        "fit_time": np.array([fit.seconds for fit in fits]),
        "converged": np.array([fit.model.converged_ for fit in fits]),
        "collapsed": collapsed,
    }
    best = best_of(known[criterion], collapsed)
    fits[best].warn()
    return PenaltyPath(parameter, results, [fit.model for fit in fits], best)


def _next_fit(estimator, rows, penalty, fits):
    own = fit_quietly(estimator, rows, **penalty)
    if not fits:
        return own
    start = fits[-1].model.responsibilities(rows.X, rows.y)
    return better(fit_from(estimator, rows, start, "previous", **penalty), own)


def _strong_to_weak(values, estimator, parameter, rows):
    is_inverse = parameter.endswith("__C")
    if values is None:
        strongest = _strongest(estimator, parameter, rows)
        values = strongest * np.geomspace(1, RANGE, N_VALUES)
        return 1 / values if is_inverse else values
    values = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if values.ndim != 1 or values.size == 0 or not np.all(values > 0):
        raise ValueError(f"values must be positive numbers. Got {values!r}.")
    return np.sort(values) if is_inverse else np.sort(values)[::-1]


def _strongest(estimator, parameter, rows):
    """The smallest L1 penalty that leaves a pooled regression no coefficient, or 1."""
    if parameter != "experts__alpha" or hasattr(estimator, "class_weight"):
        return 1.0
    l1_ratio = getattr(estimator.experts, "l1_ratio", 0.0)
    if not l1_ratio:
        return 1.0
    y = check_array(rows.y, ensure_2d=False, dtype=np.float64)
    y = y.reshape(len(y), -1)
    weights = np.ones(len(y)) if rows.weights is None else rows.weights
    weights = weights / weights.sum()
    centred = y - weights @ y
    # Weights times centred targets sum to zero: X need not be centred.
    covariance = numeric_columns(rows.X).T @ (weights[:, None] * centred)
    return float(np.abs(covariance).max() / l1_ratio) or 1.0
