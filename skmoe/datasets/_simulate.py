# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A simulator of mixtures of experts whose truth is known."""

from math import isfinite
from numbers import Integral, Real

import numpy as np
from scipy.special import log_softmax, logsumexp, ndtri, softmax
from scipy.stats import norm
from sklearn.utils import Bunch, check_random_state

_FAMILIES = ("gaussian", "categorical")

# Chosen so that with the default separation=1 and three experts the most probable
# expert of a row has probability about 0.8 on average, for any number of features.
_GATE_SCALE = 4.0

# Gives the mean of an expert a standard deviation of about 1.5, for any number of
# features: three times the default noise.
_EXPERT_SCALE = 2.0


def make_mixture_of_experts(
    n_samples=1000,
    n_features=2,
    n_experts=3,
    *,
    family="gaussian",
    n_classes=2,
    separation=1.0,
    noise=0.5,
    random_state=None,
    return_truth=False,
):
    r"""Simulate data from a mixture of linear experts with a softmax gate.

    The features are independent standard normal, and given a row :math:`x`

    .. math::
        p(y \mid x) = \sum_{k=1}^K g_k(x) \, f_k(y \mid x), \qquad
        g_k(x) = \frac{\exp(v_k^T x + c_k)}{\sum_j \exp(v_j^T x + c_j)}

    with linear experts of one of two families:

    .. math::
        \text{gaussian:} \quad f_k(y \mid x) = N(y; \, a_k^T x + b_k, \, \sigma^2),
        \qquad
        \text{categorical:} \quad f_k(y \mid x) = \mathrm{softmax}_y(A_k x + b_k)

    The gate comes from one centre :math:`u_k` per expert:
    :math:`v_k = s u_k` and :math:`c_k = -s \|u_k\|^2 / 2`, so that
    :math:`g_k(x) \propto \exp(-s \|x - u_k\|^2 / 2)`, where :math:`s` is proportional
    to `separation`. Each expert is then the most probable one around its centre.

    The parameters depend on `n_features`, `n_experts`, `random_state` and, for
    "categorical", `n_classes`. With an int as `random_state` a larger `n_samples`
    draws more rows from the same model, and its first rows are those of the smaller
    sample; `separation` and `noise` scale the same random numbers.

    Parameters
    ----------
    n_samples : int, default=1000
        The number of rows.

    n_features : int, default=2
        The number of features.

    n_experts : int, default=3
        The number of experts :math:`K`.

    family : {'gaussian', 'categorical'}, default='gaussian'
        The noise model: "gaussian" for a regression target, "categorical" for class
        labels from 0 to ``n_classes - 1``.

    n_classes : int, default=2
        The number of classes. Only used if ``family="categorical"``.

    separation : float, default=1.0
        Scales the slopes of the gate. At 0 the gate is constant and every expert has
        probability ``1 / n_experts`` on every row. A large value gives nearly hard
        regions, those of the nearest centre.

    noise : float, default=0.5
        How far the target strays from the expert that made it; positive. For
        "gaussian" it is the standard deviation :math:`\sigma` of every expert. For
        "categorical" it is a temperature: the class scores are divided by it, so a
        small value makes the class nearly certain given the expert, and a large one
        makes all classes nearly equally probable.

    random_state : int, RandomState instance or None, default=None
        Determines the parameters and the rows. Pass an int for reproducible output
        across multiple function calls.

    return_truth : bool, default=False
        If True, also return the model that the data came from.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        The features.

    y : ndarray of shape (n_samples,)
        The target: floats for "gaussian", ints for "categorical".

    truth : :class:`~sklearn.utils.Bunch`
        Only returned if ``return_truth=True``. It has the following attributes.

        gate_coef : ndarray of shape (n_experts, n_features)
            The slopes :math:`v_k` of the gate.
        gate_intercept : ndarray of shape (n_experts,)
            The intercepts :math:`c_k` of the gate.
        expert_coef : ndarray of shape (n_experts, n_features) or \
                (n_experts, n_classes, n_features)
            The slopes :math:`a_k` for "gaussian", or :math:`A_k` for "categorical",
            which are divided by `noise` already and sum to zero over the classes.
        expert_intercept : ndarray of shape (n_experts,) or (n_experts, n_classes)
            The intercepts :math:`b_k`, treated as `expert_coef`.
        dispersions : ndarray of shape (n_experts,) or None
            The standard deviations of the experts; None for "categorical", which has
            no dispersion.
        labels : ndarray of shape (n_samples,)
            The expert that made each row, never seen by a model.
        gate_proba : ndarray of shape (n_samples, n_experts)
            The probabilities :math:`g_k(x)`.
        expert_means : ndarray of shape (n_samples, n_experts)
            What each expert expects of each row. Only for "gaussian".
        expert_proba : ndarray of shape (n_samples, n_experts, n_classes)
            The class probabilities of each expert. Only for "categorical".
        log_likelihood : float
            The log likelihood :math:`\sum_i \log p(y_i \mid x_i)` of the sample under
            these parameters: what a fit to the same rows should reach or exceed.

    See Also
    --------
    load_penguins : Real data with three hidden regimes.

    Notes
    -----
    Centres and expert parameters are stratified: in each coordinate the experts fall
    into different quantiles of a normal distribution (a Latin hypercube), so that no
    two experts are alike by accident.

    References
    ----------
    .. [1] M. I. Jordan and R. A. Jacobs (1994). Hierarchical mixtures of experts and
       the EM algorithm. Neural Computation 6 (2), 181-214.
       https://doi.org/10.1162/neco.1994.6.2.181

    Examples
    --------
    >>> from skmoe.datasets import make_mixture_of_experts
    >>> X, y, truth = make_mixture_of_experts(
    ...     n_samples=500, random_state=0, return_truth=True
    ... )
    >>> X.shape, y.shape
    ((500, 2), (500,))
    >>> truth.gate_coef.shape, truth.expert_coef.shape, truth.gate_proba.shape
    ((3, 2), (3, 2), (500, 3))

    Class labels instead of a real target:

    >>> X, y = make_mixture_of_experts(family="categorical", n_classes=4)
    >>> y.shape, y.dtype.kind, int(y.max()) < 4
    ((1000,), 'i', True)
    """
    _check_parameters(
        n_samples=n_samples,
        n_features=n_features,
        n_experts=n_experts,
        family=family,
        n_classes=n_classes,
        separation=separation,
        noise=noise,
    )
    # One stream per kind of draw: a longer sample then never shifts another kind's
    # numbers, which keeps the parameters and the first rows as they were.
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=4)
    parameters, features, choices, targets = map(np.random.RandomState, seeds)

    truth = _draw_gate(parameters, n_experts, n_features, separation)
    X = features.standard_normal((n_samples, n_features))
    log_gate = log_softmax(X @ truth.gate_coef.T + truth.gate_intercept, axis=1)
    truth.gate_proba = np.exp(log_gate)
    truth.labels = _draw_categories(truth.gate_proba, choices)
    if family == "gaussian":
        y, log_density = _draw_gaussian(X, truth, noise, parameters, targets)
    else:
        y, log_density = _draw_categorical(
            X, truth, n_classes, noise, parameters, targets
        )
    truth.log_likelihood = float(logsumexp(log_gate + log_density, axis=1).sum())
    return (X, y, truth) if return_truth else (X, y)


def _check_parameters(*, family, separation, noise, **counts):
    """Check every parameter that a wrong value could pass through silently."""
    smallest = {"n_classes": 2}
    for name, value in counts.items():
        low = smallest.get(name, 1)
        is_int = isinstance(value, Integral) and not isinstance(value, bool)
        _check(
            is_int and value >= low, name, f"an int in the range [{low}, inf)", value
        )
    _check(
        isinstance(family, str) and family in _FAMILIES,
        "family",
        f"a str among {_FAMILIES}",
        family,
    )
    _check(
        _is_finite(separation) and separation >= 0,
        "separation",
        "a float in the range [0, inf)",
        separation,
    )
    _check(
        _is_finite(noise) and noise > 0,
        "noise",
        "a float in the range (0, inf)",
        noise,
    )


def _is_finite(value):
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


def _check(valid, name, accepted, value):
    if not valid:
        raise ValueError(
            f"The {name!r} parameter of make_mixture_of_experts must be {accepted}. "
            f"Got {value!r} instead."
        )


def _draw_gate(rng, n_experts, n_features, separation):
    """Draw one centre per expert and return the gate's part of the truth."""
    centres = _stratified_normal(rng, n_experts, n_features)
    # Squared distances grow with the dimension; the root keeps the spread of the
    # scores, and so the meaning of `separation`, about the same.
    scale = separation * _GATE_SCALE / np.sqrt(n_features)
    return Bunch(
        gate_coef=scale * centres,
        gate_intercept=-0.5 * scale * (centres**2).sum(axis=1),
    )


def _draw_gaussian(X, truth, noise, parameters, targets):
    """Add Gaussian experts to the truth; return y and its log density (n, K)."""
    n_experts, n_features = truth.gate_coef.shape
    slopes = _stratified_normal(parameters, n_experts, n_features)
    truth.expert_coef = _EXPERT_SCALE / np.sqrt(n_features) * slopes
    truth.expert_intercept = _stratified_normal(parameters, n_experts, 1)[:, 0]
    truth.dispersions = np.full(n_experts, float(noise))
    truth.expert_means = X @ truth.expert_coef.T + truth.expert_intercept

    rows = np.arange(X.shape[0])
    own_mean = truth.expert_means[rows, truth.labels]
    y = own_mean + noise * targets.standard_normal(X.shape[0])
    return y, norm.logpdf(y[:, np.newaxis], truth.expert_means, truth.dispersions)


def _draw_categorical(X, truth, n_classes, temperature, parameters, targets):
    """Add categorical experts to the truth; return y and its log density (n, K)."""
    n_experts, n_features = truth.gate_coef.shape
    shape = (n_experts, n_classes, n_features)
    slopes = _stratified_normal(parameters, n_experts, n_classes * n_features)
    slopes = _EXPERT_SCALE / np.sqrt(n_features) * slopes.reshape(shape)
    intercepts = _stratified_normal(parameters, n_experts, n_classes)
    # Softmax ignores what is common to all classes; the sum to zero is the form in
    # which penalised fits come out, so that the two can be compared.
    truth.expert_coef = (slopes - slopes.mean(axis=1, keepdims=True)) / temperature
    truth.expert_intercept = (
        intercepts - intercepts.mean(axis=1, keepdims=True)
    ) / temperature
    truth.dispersions = None
    scores = np.einsum("nd,kcd->nkc", X, truth.expert_coef) + truth.expert_intercept
    truth.expert_proba = softmax(scores, axis=2)

    rows = np.arange(X.shape[0])
    y = _draw_categories(truth.expert_proba[rows, truth.labels], targets)
    return y, log_softmax(scores, axis=2)[rows, :, y]


def _draw_categories(proba, rng):
    """Draw one category per row of `proba`, by one uniform number per row."""
    # The last bound is left out: rounding may leave it just below one.
    bounds = np.cumsum(proba[:, :-1], axis=1)
    return (rng.uniform(size=(proba.shape[0], 1)) > bounds).sum(axis=1)


def _stratified_normal(rng, n_rows, n_columns):
    """Draw normals whose rows lie in different quantiles in each column."""
    strata = np.column_stack([rng.permutation(n_rows) for _ in range(n_columns)])
    # The middle half of each stratum: neighbours keep a distance, extremes stay mild.
    place = rng.uniform(0.25, 0.75, size=strata.shape)
    return ndtri((strata + place) / n_rows)
