# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Levels at which intervals cover as often as they should, by the rows held out."""

from typing import NamedTuple

import numpy as np

from skmoe._compat import _safe_indexing, warn_user
from skmoe.distribution import PredictiveDistribution
from skmoe.numerics.softmax import log_softmax
from skmoe.rows.design import Designs
from skmoe.rows.groups import rows_of_groups


class HeldOutRanks(NamedTuple):
    """Ranks of rows that fits left out in the distributions predicted for them.

    Attributes
    ----------
    ranks : ndarray of shape (n_held,) or (n_held, n_targets)
        Probability of a value of at most y, between 0 and 1.
    weights : ndarray of shape (n_held,)
        Sample weights of the rows.
    """

    ranks: np.ndarray
    weights: np.ndarray


def held_out_ranks(mixture, state, gate, task, rows):
    """Return the `HeldOutRanks` of a cross-fitted mixture, or None.

    Parameters
    ----------
    mixture : RegressionMixture
    state : MixtureState
        That it was made of, with the fits of the folds.
    gate : BaseGate
        Unfitted.
    task : ExpertTask
        With folds.
    rows : Rows
    """
    held, answers = state.experts.held_out_answers()
    try:
        if mixture.gate.is_cross_fitted:
            of_all = state.gate.log_proba
            index = held if rows.groups is None else rows.groups[held]
            log_weights = of_all[index]
        else:
            log_weights = held_out_gates(
                gate, rows.inputs.gate, state.shares(), task, rows.groups
            )
    except ValueError as error:  # what is only said afterwards fails no fit
        warn_user(
            "held_out_ranks_ is None, and there are no calibrated intervals: the gate "
            f"cannot be fitted without the rows of a fold ({error}).",
            UserWarning,
        )
        return None
    dist = PredictiveDistribution(log_weights, answers, mixture.noise)
    ranks, order = ranks_of(dist, rows.y[held]), np.argsort(held)
    if ranks is None:
        return None
    return HeldOutRanks(
        mixture.targets.squeeze(ranks[order]), rows.weights[held][order]
    )


def held_out_gates(gate, X, shares, task, groups=None):
    """Log probabilities of the rows held out, by gates that did not see them.

    Parameters
    ----------
    gate : BaseGate
        Unfitted.
    X : {ndarray, CSR matrix, dataframe} of shape (n, d)
        Rows as the gate sees them.
    shares : ndarray of shape (n, K)
        Responsibilities, which gates are fitted to.
    task : ExpertTask
        With weights (n,) and folds.
    groups : ndarray of int of shape (n,), default=None
        Rows of a group are one row for the gate.

    Returns
    -------
    ndarray of shape (n_held, K)
        Fold after fold.
    """
    scores = []
    for train, test in task.folds:
        rows, weights = _safe_indexing(X, train), task.weights[train]
        chosen = shares[train]
        if groups is not None:
            _, first, codes = np.unique(
                groups[train], return_index=True, return_inverse=True
            )
            rows, _ = rows_of_groups(rows, codes, weights, gate)
            chosen, weights = chosen[first], np.ones(len(first))
        trainer = gate.trainer(rows, shares.shape[1], weights, Designs(weights))
        trainer.fit(chosen * weights[:, None])
        scores.append(trainer.fitted().scores(_safe_indexing(X, test)))
    return log_softmax(np.concatenate(scores))


def ranks_of(dist, y):
    r"""Probability of a value of at most y for each row and target, (n, T), or None.

    .. math:: u_i = \sum_k g_k^{(-i)}(x_i) \, F(y_i \mid m_k^{(-i)}(x_i), \phi_k)

    for experts and gates that did not see the row. None for counts out of some trials:
    their distribution is that of a single trial to come.
    """
    if dist.n_targets != y.shape[1]:
        return None
    ranks = [dist.marginal(t).cdf(y[:, t]) for t in range(dist.n_targets)]
    return np.column_stack(ranks)


def calibrated_levels(ranks, weights, coverage):
    r"""Two levels that the ranks of a new row lie between as often as `coverage`.

    With the ranks in order, :math:`u_{(1)} \le \dots \le u_{(n)}`, and :math:`\alpha`
    one less the coverage, they are

    .. math:: u_{(j)} \text{ and } u_{(n + 1 - j)}, \qquad
              j = \lfloor \alpha (n + 1) / 2 \rfloor ,

    or 0 and 1 where n is too small for any rank (j = 0). If the rank of a new row is
    as likely to be in any place among these, it is outside with a probability of at
    most :math:`\alpha`. Weights count as shares of :math:`n = (\sum w)^2 / \sum w^2`
    rows.

    Parameters
    ----------
    ranks : ndarray of shape (n,)
        Between 0 and 1.
    weights : ndarray of shape (n,)
        Positive.
    coverage : float
        Between 0 and 1.

    References
    ----------
    .. [1] Vovk, V. (2015). "Cross-conformal predictors". Annals of Mathematics and
       Artificial Intelligence 74, 9-28.
    .. [2] Chernozhukov, V., Wuthrich, K. & Zhu, Y. (2021). "Distributional conformal
       prediction". PNAS 118(48), e2107794118.
    """
    order = np.argsort(ranks)
    ranks, weights = ranks[order], weights[order]
    n = weights.sum() ** 2 / (weights**2).sum()
    # Rounding must not decide whether a whole number of rows is reached.
    place = np.floor((1 - coverage) / 2 * (n + 1) * (1 + 1e-12))
    if place < 1:
        return 0.0, 1.0
    low = _reaching(ranks, weights, place / n)
    high = _reaching(ranks[::-1], weights[::-1], place / n)
    return min(low, high), max(low, high)


def _reaching(ranks, weights, share):
    """The first rank up to which, in their order, lies that share of the weights."""
    below = np.cumsum(weights)
    return ranks[np.searchsorted(below, share * below[-1] * (1 - 1e-12))]
