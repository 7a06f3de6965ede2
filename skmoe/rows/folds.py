# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The folds of a cross-fitted E-step."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)
from sklearn.utils.metadata_routing import get_routing_for_object


def make_folds(cv, X, y, groups, rng, *, is_classification, n_given, rows):
    """Rows to fit and rows to predict, a list of pairs of index arrays; or None.

    Parameters
    ----------
    cv : int, splitter, iterable of splits or None
        As the estimators' parameter.
    X, y, groups : arrays of n rows, or None
        What splitters are asked about: the rows that are kept.
    rng : RandomState
        For the shuffling of an integer `cv`.
    is_classification : bool
        Whether an integer stratifies by y.
    n_given : int
        Rows that the user gave, which an iterable of splits counts.
    rows : slice or ndarray of shape (n,)
        Which of them are kept.

    Raises
    ------
    ValueError
        If a row is held out twice or fitted and held out at once, or nothing is held
        out, or a fold has no rows to fit.
    """
    if cv is None:
        return None
    n_samples = len(y)
    if isinstance(cv, Integral):
        cv = _shuffled(cv, groups, rng, is_classification)
    kept = np.arange(n_samples)
    if not hasattr(cv, "split"):  # splits of the rows that were given
        kept = np.full(n_given, -1)
        kept[rows] = np.arange(n_samples)
    splitter = check_cv(cv)
    passed = groups if _wants_groups(splitter) else None
    try:
        splits = list(splitter.split(X, y, passed))
        folds = [tuple(_kept(part, kept) for part in split) for split in splits]
    except (ValueError, IndexError) as error:
        raise ValueError(f"cv={cv!r} cannot split the rows: {error}") from error
    folds = [(train, test) for train, test in folds if len(test)]
    _check_folds(folds, n_samples, cv)
    return folds


def folds_of_groups(folds, groups):
    """Folds of groups (codes 0..G-1) from folds of their rows.

    A group with a row held out is held out; if in several folds, the last one counts.

    Raises
    ------
    ValueError
        If a fold leaves no group to fit.
    """
    last = np.full(groups.max() + 1, -1)
    for index, (_, test) in enumerate(folds):
        last[groups[test]] = index
    whole = []
    for index, (train, test) in enumerate(folds):
        fitted = np.setdiff1d(groups[train], groups[test])
        if not len(fitted):
            raise ValueError(
                "A gate that is cross-fitted by cv sees one row per group, and a split "
                "leaves no group to fit: all have rows held out. Keep the rows of a "
                "group in one fold (an integer cv does), or use another gate."
            )
        held = np.flatnonzero(last == index)
        if len(held):
            whole.append((fitted, held))
    return whole


def _shuffled(n_folds, groups, rng, is_classification):
    """The splitter of an integer: shuffled, groups kept whole, classes balanced."""
    whole = groups is not None
    kinds = {
        (False, False): KFold,
        (False, True): GroupKFold,
        (True, False): StratifiedKFold,
        (True, True): StratifiedGroupKFold,
    }
    seed = rng.randint(np.iinfo(np.int32).max)
    splitter = kinds[is_classification, whole]
    return splitter(int(n_folds), shuffle=True, random_state=seed)


def _wants_groups(splitter):
    """True if a splitter reads groups; those of scikit-learn say so, others may."""
    if not hasattr(splitter, "get_metadata_routing"):
        return True
    return bool(get_routing_for_object(splitter).consumes("split", ["groups"]))


def _kept(part, kept):
    """Positions, among the rows kept, of the rows that a split names."""
    part = np.asarray(part)
    positions = kept[part if part.size else np.empty(0, dtype=np.intp)]
    return positions[positions >= 0]


def _check_folds(folds, n_samples, cv):
    times = np.bincount(
        np.concatenate([np.empty(0, dtype=np.intp), *(test for _, test in folds)]),
        minlength=n_samples,
    )
    if not times.any():
        raise ValueError(f"cv={cv!r} holds out no row.")
    if times.max() > 1:
        raise ValueError(
            "The test folds of cv must not overlap: each row has one out-of-fold "
            f"prediction. cv={cv!r} holds out row {times.argmax()} "
            f"{times.max()} times."
        )
    for train, test in folds:
        both = np.intersect1d(train, test)
        if len(both):
            raise ValueError(
                f"The predictions of cv must be out of fold. cv={cv!r} fits and holds "
                f"out row {both[0]} in the same split."
            )
        if not len(train):
            raise ValueError(f"A split of cv={cv!r} has no rows to fit experts to.")
