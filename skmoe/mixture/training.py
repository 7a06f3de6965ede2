# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Record of a mixture on its training rows, and warnings that follow from it."""

from typing import NamedTuple

import numpy as np

# An expert whose share of all weight is below this has lost its rows.
DEAD_SHARE = 1e-8


class TrainingRecord(NamedTuple):
    """Record of a mixture on its training rows when EM ended.

    Attributes
    ----------
    totals : ndarray of shape (K,)
        Weight of rows that each expert was responsible for.
    collapsed : ndarray of bool of shape (K,)
        Experts whose dispersion vanished on few rows: a spurious maximum.
    overfitted : list of int
        Experts that fit their own rows far better than others.
    gate_overfitted : bool
        The same of the gate.
    is_grouped : bool
        Whether groups of rows shared one expert.
    """

    totals: np.ndarray
    collapsed: np.ndarray
    overfitted: list
    gate_overfitted: bool
    is_grouped: bool = False

    @classmethod
    def of(cls, state, rows):
        """Return the record of a state of EM on its `Rows`."""
        return cls(
            state.totals() * rows.weight_unit,
            state.collapsed(),
            state.experts.overfitted(),
            state.gate.overfitted(),
            rows.groups is not None,
        )

    @property
    def shares(self):
        """Mean responsibility of each expert, (K,)."""
        return self.totals / self.totals.sum()

    def select(self, kept, totals):
        """Return the record of the experts `kept`, with other totals."""
        overfitted = [i for i, k in enumerate(kept) if k in self.overfitted]
        return self._replace(
            totals=totals, collapsed=self.collapsed[kept], overfitted=overfitted
        )

    def complaints(self):
        """Yield what is wrong with the fit and what to do, a sentence or two each."""
        collapsed = np.flatnonzero(self.collapsed).tolist()
        if collapsed:
            yield (
                f"The dispersions of experts {collapsed} have collapsed onto few rows "
                "or their floor: the likelihood has no bound there and the fit may be "
                "spurious. Use fewer experts, more restarts (n_init), a larger "
                "reg_dispersion or experts that cannot interpolate; for deep trees, "
                "boosting and their like, use cv=5."
            )
        overfitted = [k for k in self.overfitted if not self.collapsed[k]]
        if overfitted:
            yield (
                f"Experts {overfitted} overfit their rows: on others, "
                "their squared errors are more than four times as large, so "
                "responsibilities and density are far too certain. Use cv=5 "
                "(out-of-fold predictions in the E-step) or less flexible experts."
            )
        if self.gate_overfitted:
            yield (
                "The gate overfits its rows: on others, its squared "
                "error is more than four times as large, so it keeps rows where they "
                "began and is far too certain. Use cv=5 (out-of-fold probabilities in "
                "the E-step) and several starts (n_init=5), or a less flexible gate."
            )
        dead = np.flatnonzero(self.totals < DEAD_SHARE * self.totals.sum()).tolist()
        if dead:
            yield (
                f"Experts {dead} have lost all rows. Use fewer experts, more restarts "
                "(n_init) or another init."
            )
