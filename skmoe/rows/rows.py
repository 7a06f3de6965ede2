# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A data set as EM reads it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skmoe._compat import _check_method_params, _safe_indexing
from skmoe.rows.folds import make_folds
from skmoe.rows.groups import check_expert_labels, check_groups
from skmoe.rows.held_out import draw_held_out
from skmoe.rows.inputs import Inputs


@dataclass(eq=False, repr=False)
class Rows:
    """All that EM reads of the rows of a fit: made once, then only passed on.

    Attributes
    ----------
    X : {ndarray, CSR matrix, dataframe} of shape (n, d)
        As the user gave it, for a splitter or a callable `init`.
    inputs : Inputs
        The rows as the gate and the experts see them.
    covariates : {ndarray, CSR matrix, dataframe} of shape (n, d_e)
        What the experts have coefficients for: their input less the offset.
    offset : ndarray of shape (n,) or None
        What is added to every linear score.
    y : ndarray of shape (n, T)
        Targets; class indices (n, 1) for a classifier.
    labels : ndarray of shape (n,) or (n, T)
        y as the experts' own `fit` takes it.
    weights : ndarray of shape (n,)
        Positive, in units of `weight_unit`.
    weight_unit : float
    groups : ndarray of int of shape (n,) or None
        Codes 0..G-1 of rows that share one expert.
    known : ndarray of int of shape (n,) or None
        Expert of the rows for which it is known, -1 for the others.
    positions : slice or ndarray of shape (n,)
        Where the rows stand in what the user gave.
    n_given : int
        Rows that the user gave.
    """

    X: Any
    inputs: Inputs
    covariates: Any
    offset: np.ndarray | None
    y: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    weight_unit: float
    groups: np.ndarray | None
    known: np.ndarray | None
    positions: slice | np.ndarray
    n_given: int

    @classmethod
    def read(cls, table, reader, targets, *, groups=None, expert_labels=None, names=()):
        """Return the rows of a `Table`, coded and converted.

        Parameters
        ----------
        table : Table
        reader : InputReader
        targets : Targets
        groups, expert_labels : array-like of shape (n_given,) or None
            As the user gave them.
        names : list of str
            Names of the experts, which `expert_labels` may hold.
        """
        inputs = reader.read(table.X)
        covariates, offset = inputs.experts, None
        if reader.columns.offset is not None:
            covariates, offset = _without_offset(inputs.experts)
        kept = table.positions
        if groups is not None:
            groups = check_groups(groups, table.n_given, kept)
        return cls(
            X=table.X,
            inputs=inputs,
            covariates=covariates,
            offset=offset,
            y=targets.code(table.y, len(table.y)),
            labels=table.y,
            weights=table.weights,
            weight_unit=table.weight_unit,
            groups=groups,
            known=check_expert_labels(expert_labels, names, table.n_given, kept),
            positions=kept,
            n_given=table.n_given,
        )

    @property
    def n_samples(self):
        """Number of rows."""
        return len(self.y)

    @property
    def n_groups(self):
        """Number of groups; that of the rows where there are none."""
        return self.n_samples if self.groups is None else int(self.groups.max()) + 1

    def check_groups(self, n_experts):
        """Raise ValueError unless there is a group for every expert."""
        if self.n_groups < n_experts:
            raise ValueError(
                f"groups must be at least n_experts={n_experts}, since the rows of one "
                f"group share one expert. Got {self.n_groups}."
            )

    def take(self, rows):
        """Return some of the rows, by their indices; groups are numbered anew."""
        gate_X, expert_X = self.inputs
        chosen = _safe_indexing(expert_X, rows)
        shared = gate_X is expert_X
        same = self.covariates is expert_X
        positions = self.positions
        if isinstance(positions, slice):
            positions = np.arange(self.n_samples)
        groups = _chosen(self.groups, rows)
        if groups is not None:
            groups = np.unique(groups, return_inverse=True)[1]
        return replace(
            self,
            X=_safe_indexing(self.X, rows),
            inputs=Inputs(chosen if shared else _safe_indexing(gate_X, rows), chosen),
            covariates=chosen if same else _safe_indexing(self.covariates, rows),
            offset=_chosen(self.offset, rows),
            y=self.y[rows],
            labels=self.labels[rows],
            weights=self.weights[rows],
            groups=groups,
            known=_chosen(self.known, rows),
            positions=positions[rows],
        )

    def split(self, fraction, strata, rng):
        """Return the rows to fit and the rows held out, a share of each stratum.

        Groups are held out as wholes, whatever the strata.
        """
        out = draw_held_out(fraction, strata, rng, self.groups)
        if not out.any() or out.all():
            in_groups = "" if self.groups is None else f" in {self.n_groups} group(s)"
            raise ValueError(
                f"validation_fraction={fraction} of {self.n_samples} row(s){in_groups} "
                f"leaves none to {'fit' if out.all() else 'hold out'}. Choose another "
                "validation_fraction or early_stopping=False."
            )
        return self.take(np.flatnonzero(~out)), self.take(np.flatnonzero(out))

    def folds(self, cv, rng, *, is_classification):
        """Return rows to fit and rows to predict, a list of pairs; None without cv."""
        return make_folds(
            cv,
            self.X,
            self.labels,
            self.groups,
            rng,
            is_classification=is_classification,
            n_given=self.n_given,
            rows=self.positions,
        )

    def of_these(self, values):
        """Return metadata of `fit` in which what has a value per row is that of these.

        Parameters
        ----------
        values : list of dict
            Keywords as the user gave them. What has as many entries as rows were given
            has one for each of them.
        """
        if not any(values):
            return values
        kept = self.positions
        kept = np.arange(self.n_samples) if isinstance(kept, slice) else kept
        given = np.empty(self.n_given)
        return [_check_method_params(given, params, kept) for params in values]


def _chosen(values, rows):
    return None if values is None else values[rows]


def _without_offset(X):
    """Return the columns of X but the last one, and the last one as floats (n,)."""
    last = X[:, -1:]
    last = last.toarray() if hasattr(last, "toarray") else last
    return X[:, :-1], last[:, 0].astype(np.float64)
