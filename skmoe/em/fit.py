# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""One run of EM after another, to the mixture at its best state."""

from typing import Any, NamedTuple

import numpy as np

from skmoe._compat import warn_user
from skmoe.em.allowed import allowed_experts, allowed_groups
from skmoe.em.annealing import anneal
from skmoe.em.driver import EM
from skmoe.em.early_stopping import EarlyStopping
from skmoe.em.restarts import best_of_starts
from skmoe.em.split_merge import Moves, split_and_merge
from skmoe.em.starts import (
    StartingPoint,
    further_starts,
    initial_responsibilities,
    is_tied,
)
from skmoe.em.states import Parts, state_of
from skmoe.rows.design import Designs
from skmoe.rows.folds import folds_of_groups
from skmoe.rows.groups import rows_of_groups
from skmoe.rows.inputs import numeric_columns


class Settings(NamedTuple):
    """The parameters of an estimator that say how EM runs.

    As the estimators have them, but for `score`: a function of the state, the mean log
    likelihood of rows held out, where EM stops early; else None.
    """

    init: Any
    n_init: int | str
    search: str | None
    max_iter: int
    tol: float
    assignment: str
    accelerate: bool
    n_iter_no_change: int
    n_jobs: int | None
    verbose: int
    score: Any = None


def run_em(gate, kind, task, rows, settings, rng, previous=None):
    """Run EM; return the mixture at its best state, and the run that led there.

    Parameters
    ----------
    gate : BaseGate
        Unfitted.
    kind : subclass of BaseExperts
    task : ExpertTask
    rows : Rows
    settings : Settings
    rng : RandomState
    previous : Previous, default=None
        Where a warm start goes on from, in place of a search from starts.
    """
    allowed = allowed_experts(rows.known, task.families, task.y)
    if rows.groups is not None:
        allowed = allowed_groups(allowed, rows.groups)
    gate_trainer = _gate_trainer(gate, task, rows)
    experts = kind.trainer(task, previous and previous.experts)
    if previous is not None:
        gate_trainer.resume(previous.gate)
    parts = Parts(
        gate_trainer,
        experts,
        rows.weights,
        rows.groups,
        allowed,
        settings.assignment,
        settings.n_jobs,
    )
    with state_of(parts).at_work() as state:

        def new_run(step=None):
            stopping = settings.score and EarlyStopping(
                settings.score, settings.tol, settings.n_iter_no_change
            )
            return EM(
                state,
                tol=settings.tol,
                assignment=settings.assignment,
                accelerate=settings.accelerate,
                rng=rng,
                verbose=settings.verbose,
                step=step,
                early_stopping=stopping,
            )

        if previous is not None:
            return state, new_run(previous.step).run(settings.max_iter)
        return state, _search(state, new_run, gate, kind, task, rows, settings, rng)


def _search(state, new_run, gate, kind, task, rows, settings, rng):
    """Return the run that ends highest, of all starts; `state` is left at its end."""
    init, numeric = settings.init, (gate.numeric, kind.numeric)
    point = starting_point(*numeric, task, rows)
    is_auto = isinstance(settings.n_init, str)
    n_init = 1 if is_auto else settings.n_init
    starts = initial_responsibilities(init, n_init, point, rows, rng)
    align = isinstance(init, str)  # a start of the user's numbers experts as it does
    is_blind = point.gate_is_blind or not gate.reads_rows
    may_be_many = is_auto and align and init == "quantile" and task.n_experts > 1
    if may_be_many and is_blind and state.is_parametric:
        on_link_scale = starting_point(*numeric, task, rows, on_link_scale=True)
        starts += further_starts(on_link_scale, rows.groups)
    starts = [state.restrict(start, align=align) for start in starts]
    if rows.groups is not None and align:
        # Equal experts are a saddle that EM does not leave.
        profiles = state.restrict(point.profiles(rows.groups), align=align)
        starts = [profiles if is_tied(start) else start for start in starts]
    improve = anneal if settings.search == "anneal" else None
    run = best_of_starts(state, starts, new_run, settings.max_iter, improve)
    if settings.search != "split_merge":
        return run
    return split_and_merge(state, run, Moves(point), new_run, settings.max_iter)


def starting_point(gate_numeric, experts_numeric, task, rows, on_link_scale=False):
    """Return what starts are made from; columns that are no numbers are left out.

    With `on_link_scale`, y is taken as the linear scores that it speaks for.
    """

    def design(X, is_numeric):
        return task.designs.get(X if is_numeric else numeric_columns(X))

    gate_X = rows.inputs.gate
    experts = design(rows.covariates, experts_numeric)
    shared = rows.covariates is gate_X
    return StartingPoint(
        experts if shared else design(gate_X, gate_numeric),
        experts,
        task.link_targets if on_link_scale else task.targets,
        rows.weights,
        task.n_experts,
        is_classification=task.classes is not None,
    )


def _gate_trainer(gate, task, rows):
    """Return the gate at work, on one row per group where there are groups."""
    X, weights, designs, folds = (
        rows.inputs.gate,
        rows.weights,
        task.designs,
        task.folds,
    )
    if rows.groups is not None:
        X = _rows_of_groups(gate, rows)
        weights = np.ones(X.shape[0])
        designs = Designs(weights)
        folds = folds and folds_of_groups(folds, rows.groups)
    at_work = X, task.n_experts, weights, designs
    if folds is None:
        return gate.trainer(*at_work)
    return gate.cross_fitted_trainer(*at_work, folds, task.n_jobs)


def _rows_of_groups(gate, rows):
    """Return one row per group; warn where rows of a group differ."""
    X, is_constant = rows_of_groups(rows.inputs.gate, rows.groups, rows.weights, gate)
    if not is_constant:
        warn_user(
            "The gate sees columns that vary within groups, whose rows share one "
            "expert: their means over each group are used. Name the columns that are "
            "constant within groups in gate_features.",
            UserWarning,
        )
    return X
