# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Early stopping: which rows are held out, and how they are scored."""

import numpy as np

from skmoe._compat import _safe_indexing
from skmoe.em.early_stopping import draw_held_out
from skmoe.numerics.softmax import log_softmax
from skmoe.rows.groups import check_groups, rows_of_groups, sum_by_group


class ValidationMixin:
    """Rows that both estimators hold out of a fit."""

    def _split(self, parts, groups, given, rng):
        """Rows to fit, as `parts` are: (X, y, weights, rows); and those held out.

        Of the latter X, y, weights and the codes of their groups (or None). `rows` are
        the positions of the rows in `given`, the X of the user.
        """
        X, y, weights, rows = parts
        if groups is not None:
            groups = check_groups(groups, given, rows)
        out = draw_held_out(self.validation_fraction, self._strata(y), rng, groups)
        if not out.any() or out.all():
            raise ValueError(
                f"validation_fraction={self.validation_fraction} of {len(y)} row(s)"
                f"{'' if groups is None else f' in {groups.max() + 1} group(s)'} "
                f"leaves none to {'fit' if out.all() else 'hold out'}. Choose another "
                "validation_fraction or early_stopping=False."
            )
        rows = np.arange(len(y)) if isinstance(rows, slice) else rows

        def some(mask):
            return _safe_indexing(X, np.flatnonzero(mask)), y[mask], weights[mask]

        if groups is not None:
            groups = np.unique(groups[out], return_inverse=True)[1]
        return (*some(~out), rows[~out]), (*some(out), groups)

    def _held_out_score(self, held_out, task, templates):
        """``score(mixture)``: mean log likelihood of held-out rows in its state.

        Predictions are limited as those of the fitted model will be.
        """
        X, y, weights, groups = held_out
        gate_X, expert_X = self._inputs(X, templates)
        y = self._code_y(y, len(weights))
        self._accepted(task.families, y, None)

        def score(mixture):
            gate = mixture.gate.fitted()
            experts = self._limited(mixture.experts.fitted(), mixture, task)
            density = experts.log_density(expert_X, y)
            if groups is None:
                joint, share = log_softmax(gate.scores(gate_X)) + density, weights
            else:
                rows, _ = rows_of_groups(gate_X, groups, weights, gate)
                joint = log_softmax(gate.scores(rows))
                joint = joint + sum_by_group(density, groups, weights)
                share = np.ones(len(joint))
            return float(share @ np.logaddexp.reduce(joint, axis=1) / share.sum())

        return score
