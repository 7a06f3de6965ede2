# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Limits of extrapolation."""

import numpy as np

from skmoe.families.limited import LimitedNoise
from skmoe.numerics.ranges import ranges

# Room beyond the responses that count, in units of their range: Cubist's for the
# responses an expert is responsible for, and one that leaves trends room for all.
MARGIN = 0.05
WIDE_MARGIN = 0.5
# A smaller responsibility adds nothing to a row's density in double precision.
NEGLIGIBLE = np.finfo(np.float64).eps
# Rows that an expert has at least this responsibility for are among those it explains.
EXPLAINED = 0.01
# Rows of linear experts that are predicted at a time.
ROWS = 2**14


def limit(experts, extrapolation, rows, state):
    """Return experts that extrapolate as far as the estimator's parameter says.

    Parameters
    ----------
    experts : BaseExperts
        Fitted; not modified.
    extrapolation : {'auto', 'clip', 'free'}
    rows : Rows
        Of the fit.
    state : MixtureState
        What EM came to: it knows the responsibilities for these rows.
    """
    if extrapolation == "free":
        return experts
    if rows.offset is not None:
        if len(experts.estimators) == 1:
            return experts
        everywhere = np.broadcast_to(True, (len(experts.estimators), len(rows.y)))
        seen = _seen(experts, rows.y, everywhere, WIDE_MARGIN)
        explained = state.explained(EXPLAINED)
        return experts.limit_scores(rows.inputs.experts, explained, seen)
    if extrapolation == "clip":
        return limited(experts, rows.covariates, rows.y, state.shares())
    if len(experts.estimators) == 1:
        return experts
    return loosely_limited(experts, rows.covariates, rows.y, state.explained(EXPLAINED))


def limited(experts, X, y, responsibilities):
    r"""Experts whose predictions stay within what they have seen and said.

    The limits of expert k are

    .. math:: [\min_{i \in S_k} y_i - c R_k, \; \max_{i \in S_k} y_i + c R_k]
              \; \cup \; [\min_{i \in T_k} m_k(x_i), \; \max_{i \in T_k} m_k(x_i)]

    with the rows :math:`S_k` that it is the most responsible expert of, the range
    :math:`R_k` of their responses, c = 0.05, and the rows :math:`T_k` that it has any
    responsibility for, above 2e-16, whose predictions are not touched. Where an expert
    is ruled out it may predict anything, which is no reason for wider limits.

    Parameters
    ----------
    experts : BaseExperts
        Fitted; not modified.
    X : {ndarray, CSR matrix, dataframe} of shape (n, d)
        Training rows as the experts see them.
    y : ndarray of shape (n, T)
        Their targets.
    responsibilities : ndarray of shape (n, K)
        For these rows.

    References
    ----------
    .. [1] Quinlan, J. R. (1992). "Learning with continuous classes". Proceedings of
       the 5th Australian Joint Conference on Artificial Intelligence, 343-348.
    """
    owners = responsibilities.argmax(axis=1)
    own = [owners == k for k in range(responsibilities.shape[1])]
    said = _fitted_ranges(experts, X, responsibilities > NEGLIGIBLE)
    return _within(experts, y, said, own, MARGIN)


def loosely_limited(experts, X, y, explained):
    r"""Experts that are stopped only where they explode.

    As `limited`, but the responses of all training rows count for every expert, c is
    0.5, and :math:`T_k` are the rows that it has a responsibility of at least 0.01 for.
    Trends may go on by half the range of the responses, and what an expert says of rows
    that it helps to explain is not touched. What it says of the others may be anything:
    no likelihood has ever held it to them.

    Parameters
    ----------
    experts : BaseExperts
        Fitted; not modified.
    X : {ndarray, CSR matrix, dataframe} of shape (n, d)
        Training rows as the experts see them.
    y : ndarray of shape (n, T)
        Their targets.
    explained : ndarray of bool of shape (n, K)
        The rows :math:`T_k`.
    """
    said = _fitted_ranges(experts, X, explained)
    everywhere = np.broadcast_to(True, explained.T.shape)
    return _within(experts, y, said, everywhere, WIDE_MARGIN)


def _within(experts, y, ranges_said, own, margin):
    """Experts kept within what they said and their `own` responses (K masks)."""
    said, said_anywhere = ranges_said
    seen = _seen(experts, y, own, margin)
    lowest, highest = np.minimum(said[0], seen[0]), np.maximum(said[1], seen[1])
    touches_training = bool(
        np.any(said_anywhere[0] < lowest) or np.any(said_anywhere[1] > highest)
    )
    noise = LimitedNoise(experts.noise, lowest, highest, touches_training)
    return experts.with_noise(noise)


def _seen(experts, y, own, margin):
    """Ends of the widened ranges of each expert's own responses, (2, K, T)."""
    ranges = [
        _response_range(family, y, rows, margin)
        for family, rows in zip(experts.noise.families, own, strict=True)
    ]
    return np.stack(ranges, axis=1)


def _fitted_ranges(experts, X, answers_for):
    """Ends of predictions for rows an expert `answers_for` (n, K), and for all rows."""
    if experts.numeric:
        return ranges(lambda rows: experts.predict(X[rows]), answers_for, ROWS)
    # What is no array is predicted at once: a call costs more than what it holds.
    return ranges(lambda rows: experts.predict(X), answers_for, len(answers_for))


def _response_range(family, y, own, margin):
    """Ends (2, T) of the widened range of the responses of an expert's own rows.

    An expert without rows may say what any row does. A background says nothing, and a
    nested mixture, a density itself, has its own `extrapolation`.
    """
    unlimited = np.array([-np.inf, np.inf])[:, None]
    unlimited = np.broadcast_to(unlimited, (2, family.n_targets(y)))
    if family.is_background or family.has_own_density:
        return unlimited
    response, factor = family.response(y)
    counts = np.ones(len(y), dtype=bool) if factor is None else factor > 0
    if not counts.any():
        return unlimited
    rows = own & counts
    response = response[rows if rows.any() else counts]
    low, high = response.min(axis=0), response.max(axis=0)
    room = margin * (high - low)
    return np.stack([low - room, high + room])
