# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Groups of rows that share one expert, and rows whose expert is known."""

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from skmoe._compat import _safe_indexing


def check_groups(groups, n_given, rows=slice(None)):
    """Return codes 0..G-1 of the groups of the kept rows, (m,).

    `n_given` is the number of rows that have a group.
    """
    groups = column_or_1d(groups)
    check_consistent_length(np.empty(n_given), groups)
    # NumPy compares objects of any kind; its annotations know arrays and numbers.
    is_none = np.equal(groups, None)  # type: ignore[call-overload]
    missing = np.flatnonzero(is_none | (groups != groups))
    if len(missing):
        row = missing[0]
        raise ValueError(
            f"groups must tell the group of every row. Got groups[{row}] = "
            f"{groups[row]!r}; give a row of its own a group of its own."
        )
    return np.unique(groups[rows], return_inverse=True)[1]


def check_expert_labels(labels, names, n_given, rows=slice(None)):
    """Return the index of each kept row's known expert, -1 where unknown; or None.

    Labels are integers 0..K-1, -1 for unknown, or names of experts, with -1 or None
    (or NaN) for unknown.
    """
    if labels is None:
        return None
    check_consistent_length(np.empty(n_given), labels)
    values, inverse = np.unique(
        np.asarray(labels, dtype=object).ravel()[rows].astype(str), return_inverse=True
    )
    codes = dict.fromkeys(("None", "nan", "<NA>"), -1)
    # A column with missing values holds whole numbers as floats.
    codes |= {str(kind(k)): k for k in range(-1, len(names)) for kind in (int, float)}
    codes |= {name: k for k, name in enumerate(names)}
    unknown = [value for value in values if value not in codes]
    if unknown:
        raise ValueError(
            f"expert_labels must be integers from 0 to {len(names) - 1}, names of "
            f"experts ({', '.join(names)}) or -1 for unknown. Got {unknown[0]}."
        )
    return np.array([codes[value] for value in values], dtype=np.intp)[inverse]


def rows_of_groups(X, groups, weights, gate):
    """Return one row per group for a gate, and True if the rows of each group agree.

    Where they do not, a linear gate gets their means.
    """
    _, first = np.unique(groups, return_index=True)
    rows = _safe_indexing(X, first)
    if not gate.reads_rows:
        return rows, True
    dense = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    if np.all(dense == dense[first][groups]):
        return rows, True
    if gate.numeric:
        return mean_by_group(dense, groups, weights), False
    raise ValueError(
        "A gate that is not linear must see columns that are constant within groups, "
        "because it cannot be given their means. Name such columns in gate_features."
    )


def sum_by_group(values, groups, weights):
    """Weighted sums of rows (n, K) over groups, (G, K)."""
    weighted = values * weights[:, None]
    return np.stack(
        [np.bincount(groups, weights=column) for column in weighted.T], axis=1
    )


def mean_by_group(values, groups, weights):
    """Weighted means of rows (n, K) over groups, (G, K)."""
    totals = np.bincount(groups, weights=weights)
    return sum_by_group(values, groups, weights) / totals[:, None]
