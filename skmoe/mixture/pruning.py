# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Fewer experts from a fitted mixture."""

from copy import deepcopy
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from skmoe._compat import check_sample_weight
from skmoe.gates import check_gate


def prune(
    model,
    X,
    y=None,
    *,
    min_share=None,
    n_experts=None,
    refit=False,
    sample_weight=None,
):
    r"""Drop the experts of a fitted mixture that matter least.

    With the set S of experts kept, the gate is renormalised over them:

    .. math:: p_S(y \mid x) = \sum_{k \in S} \frac{g_k(x)}{\sum_{l \in S} g_l(x)}
              f_k(y \mid x) .

    Experts that have few rows are dropped by `min_share`, all at once; a number of them
    by `n_experts`, one after another: each time the one without which the log
    likelihood is highest or, without y, the one of the smallest share. The share of an
    expert is its mean responsibility or, without y, its mean gate probability.

    Parameters
    ----------
    model : fitted MixtureOfExpertsRegressor or MixtureOfExpertsClassifier
        Stays as it is.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows that shares are taken over.
    y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
        Their targets.
    min_share : float, default=None
        Drop all experts of a smaller share, between 0 and 1; the one of the largest
        share stays.
    n_experts : int, default=None
        Keep that many. With `min_share` too, what that leaves is pruned further.
    refit : bool, default=False
        Whether to run EM again from the pruned model's responsibilities, on X and y.
        Experts left often take over rows of those dropped.
    sample_weight : array-like of shape (n_samples,), default=None
        Row weights.

    Returns
    -------
    estimator
        A fitted model of the same class, whose parameters are those of a smaller
        mixture too: a clone has as many experts as are left (set the branching of a
        hierarchical gate first). `pruning_` says what was
        done, a `Bunch`: `kept` and `dropped`, indices of experts in `model`; `share`
        (K,), their shares before; `log_likelihood_change`, the total over the rows
        given (None without y). Unless refitted, its `log_likelihood_` is that of the
        rows given (NaN without y), no EM iteration counts as its own (`n_iter_` is 0,
        `lower_bound_` NaN), and `converged_` is False.

    Raises
    ------
    ValueError
        If neither number is given or one is out of range; if `refit` without y or with
        a hierarchical gate.

    See Also
    --------
    skmoe.model_selection.ExpertCountSearch : The number of experts by a criterion.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor, prune
    >>> rng = np.random.RandomState(0)
    >>> X = rng.uniform(-2, 2, size=(300, 1))
    >>> y = np.abs(X[:, 0]) + 0.2 * rng.normal(size=300)
    >>> model = MixtureOfExpertsRegressor(n_experts=4, max_iter=1000).fit(X, y)
    >>> smaller = prune(model, X, y, n_experts=2, refit=True)
    >>> smaller.n_experts_, len(smaller.pruning_.dropped)
    (2, 2)
    >>> smaller.bic(X, y) < model.bic(X, y)
    True
    """
    check_is_fitted(model)
    _check_arguments(model, y, min_share, n_experts, refit)
    weights = np.ones(X.shape[0] if hasattr(X, "shape") else len(np.asarray(X)))
    if sample_weight is not None:
        weights = check_sample_weight(sample_weight, X)
    share = _share(model, X, y, weights)
    kept = np.arange(model.n_experts_)
    if min_share is not None:
        kept = np.flatnonzero((share >= min_share) | (share == share.max()))
    while n_experts is not None and len(kept) > n_experts:
        kept = np.delete(kept, _least(model, kept, X, y, weights))
    pruned = deepcopy(_restricted(model, kept))
    if refit:
        pruned = _refit(pruned, X, y, sample_weight)
    _expose(pruned, model, kept, share, X, y, weights, is_refit=refit)
    return pruned


def _check_arguments(model, y, min_share, n_experts, refit):
    if min_share is None and n_experts is None:
        raise ValueError(
            "Give min_share, n_experts or both: nothing says what to drop."
        )
    is_real, is_int = isinstance(min_share, Real), isinstance(n_experts, Integral)
    if min_share is not None and not (is_real and 0 <= min_share <= 1):
        raise ValueError(
            "The 'min_share' parameter must be a float in the range [0, 1]. Got "
            f"{min_share!r} instead."
        )
    if n_experts is not None and not (is_int and 1 <= n_experts <= model.n_experts_):
        raise ValueError(
            "The 'n_experts' parameter must be an int in the range [1, "
            f"{model.n_experts_}], the number of experts of the model. Got "
            f"{n_experts!r} instead."
        )
    if refit and y is None:
        raise ValueError("refit=True needs y.")
    if refit and check_gate(model.gate).fixes_n_experts:
        raise ValueError(
            "refit=True needs a gate for any number of experts. A tree has as many as "
            f"its leaves: got gate={model.gate!r}. Fit with a smaller branching."
        )


def _share(model, X, y, weights):
    """Mean responsibility of each expert; without y, mean gate probability."""
    proba = model.gate_proba(X) if y is None else model.responsibilities(X, y)
    return weights @ proba / weights.sum()


def _least(model, kept, X, y, weights):
    """Position in `kept` of the expert that is missed least."""
    if y is None:
        return _share(_restricted(model, kept), X, None, weights).argmin()
    remaining = [
        weights @ _restricted(model, np.delete(kept, i)).score_samples(X, y)
        for i in range(len(kept))
    ]
    return int(np.argmax(remaining))


# -- a model of some experts -----------------------------------------------------------


def _restricted(model, kept):
    """A fitted model of the experts `kept`, whose parts are the model's own."""
    mixture = model._mixture.select(kept)
    pruned = clone(model).set_params(**_smaller_params(model, mixture.names))
    params = model.get_params(deep=False)
    fitted = {name: value for name, value in vars(model).items() if name not in params}
    vars(pruned).update(fitted | mixture.attributes())
    pruned._mixture = mixture
    return pruned


def _smaller_params(model, names):
    """Parameters of a mixture of the experts named only."""
    params: dict = {"n_experts": len(names)}
    if isinstance(getattr(model, "family", None), list):
        all_names = list(model.named_experts_)
        params["family"] = [model.family[all_names.index(name)] for name in names]
    if isinstance(model.experts, list):
        params["experts"] = [item for item in model.experts if item[0] in names]
    if not (isinstance(model.init, str) or callable(model.init)):
        params["init"] = "quantile"  # an array has an entry for each old expert
    return params


# -- what it says of itself ------------------------------------------------------------


def _refit(pruned, X, y, sample_weight):
    start = {"init": pruned.responsibilities(X, y), "n_init": 1, "warm_start": False}
    own = {name: getattr(pruned, name) for name in start}
    refitted = clone(pruned).set_params(**start).fit(X, y, sample_weight=sample_weight)
    return refitted.set_params(**own)


def _expose(pruned, model, kept, share, X, y, weights, is_refit):
    change = None
    if y is not None:
        before, after = model.score_samples(X, y), pruned.score_samples(X, y)
        change = float(weights @ (after - before))
    if not is_refit:
        mixture = pruned._mixture
        totals = _share(pruned, X, y, weights) * weights.sum()
        mixture.training = model._mixture.training.select(kept, totals)
        pruned._warm_start = model._warm_start.select(kept)
        pruned.lower_bounds_, pruned.lower_bound_ = [], np.nan
        pruned.n_iter_, pruned.converged_ = 0, False
        pruned.log_likelihood_ = np.nan if y is None else float(weights @ after)
    pruned.pruning_ = Bunch(
        kept=kept,
        dropped=np.setdiff1d(np.arange(model.n_experts_), kept),
        share=share,
        log_likelihood_change=change,
    )
