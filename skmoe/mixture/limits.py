# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Limits of extrapolation."""

import numpy as np

from skmoe.families.limited import LimitedNoise
from skmoe.numerics.batches import row_batches

# Room beyond the responses that count, in units of their range: Cubist's for the
# responses an expert is responsible for, and one that leaves trends room for all.
MARGIN = 0.05
WIDE_MARGIN = 0.5
# A smaller responsibility adds nothing to a row's density in double precision.
NEGLIGIBLE = np.finfo(np.float64).eps
# Rows of linear experts that are predicted at a time.
ROWS = 2**14


def limit(experts, extrapolation, rows, shares):
    """Return experts that extrapolate as far as the estimator's parameter says.

    Parameters
    ----------
    experts : BaseExperts
        Fitted; not modified.
    extrapolation : {'auto', 'clip', 'free'}
    rows : Rows
        Of the fit.
    shares : callable
        ``shares()``: responsibilities (n, K) for these rows.
    """
    if extrapolation == "free" or rows.offset is not None:
        return experts
    if extrapolation == "clip":
        return limited(experts, rows.covariates, rows.y, shares())
    if len(experts.estimators) == 1:
        return experts
    return loosely_limited(experts, rows.covariates, rows.y)


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
    said = _fitted_range(experts, X, responsibilities > NEGLIGIBLE)
    return _within(experts, y, said, own, MARGIN, touches_training=True)


def loosely_limited(experts, X, y):
    r"""Experts that are stopped only where they explode.

    As `limited`, but every training row counts for every expert, and c = 0.5: nothing
    that any expert says of a training row is touched, and trends may go on by half the
    range of the responses.

    Parameters
    ----------
    experts : BaseExperts
        Fitted; not modified.
    X : {ndarray, CSR matrix, dataframe} of shape (n, d)
        Training rows as the experts see them.
    y : ndarray of shape (n, T)
        Their targets.
    """
    everywhere = np.broadcast_to(True, (X.shape[0], len(experts.estimators)))
    said = _fitted_range(experts, X, everywhere)
    return _within(experts, y, said, everywhere.T, WIDE_MARGIN)


def _within(experts, y, said, own, margin, touches_training=False):
    """Experts kept within what they `said` and their `own` responses (K masks)."""
    families = experts.noise.families
    ranges = [
        _response_range(family, y, rows, margin)
        for family, rows in zip(families, own, strict=True)
    ]
    seen = np.stack(ranges, axis=1)
    lowest, highest = np.minimum(said[0], seen[0]), np.maximum(said[1], seen[1])
    noise = LimitedNoise(experts.noise, lowest, highest, touches_training)
    return experts.with_noise(noise)


def _fitted_range(experts, X, answers_for):
    """Ends (2, K, T) of each expert's predictions for rows it `answers_for` (n, K)."""
    n_samples = X.shape[0]
    lowest, highest = np.inf, -np.inf
    # What is no array is predicted at once: a call costs more than what it holds.
    for rows in row_batches(0, n_samples, ROWS if experts.numeric else n_samples):
        predictions = experts.predict(X[rows] if experts.numeric else X)
        mine = answers_for[rows, :, None]
        lowest = np.minimum(lowest, np.where(mine, predictions, np.inf).min(axis=0))
        highest = np.maximum(highest, np.where(mine, predictions, -np.inf).max(axis=0))
    return np.stack([lowest, highest])


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
