# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Selections of experts, and proportions renormalised."""

import numpy as np


def check_selection(experts, n_experts):
    """Indices of experts as an array, or an error."""
    kept = np.asarray(experts)
    valid = kept.ndim == 1 and kept.size and np.issubdtype(kept.dtype, np.integer)
    if valid:
        valid = kept.min() >= 0 and kept.max() < n_experts
        valid = valid and len(np.unique(kept)) == len(kept)
    if not valid:
        raise ValueError(
            f"experts must be distinct indices from 0 to {n_experts - 1}, at least "
            f"one. Got {experts!r}."
        )
    return kept


def renormalised(proportions):
    """Proportions that sum to one; equal ones where nothing is left of them."""
    total = proportions.sum()
    if total > 0:
        return proportions / total
    return np.full(len(proportions), 1 / len(proportions))
