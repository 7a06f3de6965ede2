# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""How both estimators put gate and experts together and run EM."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from joblib import effective_n_jobs

from skmoe.em.allowed import Allowed
from skmoe.em.annealing import anneal
from skmoe.em.driver import EM
from skmoe.em.early_stopping import EarlyStopping
from skmoe.em.restarts import best_of_starts
from skmoe.em.split_merge import Moves, split_and_merge
from skmoe.em.starts import StartingPoint, initial_responsibilities
from skmoe.em.states.capacity import CapacityMixture
from skmoe.em.states.grouped import GroupedMixture
from skmoe.em.states.summed import SummedMixture
from skmoe.em.states.whole import Mixture
from skmoe.gates.base import SelectedGate
from skmoe.numerics.batches import TASK_ROWS
from skmoe.numerics.threads import one_blas_thread
from skmoe.rows.columns import numeric_columns
from skmoe.rows.design import Designs
from skmoe.rows.folds import folds_of_groups
from skmoe.rows.groups import rows_of_groups


class TrainingMixin:
    """From a task to the mixture at its best state."""

    def _run(self, gate, gate_X, kind, task, X, init, rng, groups, allowed, score):
        """Run EM; return the mixture at its best state and the run."""
        terms = _terms(gate, gate_X, kind, task)
        previous = self._warm_state(terms)
        self._terms = terms
        trainer = self._gate_trainer(gate, gate_X, task, groups)
        if groups is not None:
            allowed = _allowed_by_group(allowed, groups)
        experts = kind.trainer(task, previous and previous["experts"])
        if previous is not None:
            trainer.resume(previous["gate"])
        with self._mixture(trainer, experts, task.weights, groups, allowed) as mixture:

            def new_run(step=None):
                return EM(
                    mixture,
                    tol=self.tol,
                    assignment=self.assignment,
                    accelerate=self.accelerate,
                    rng=rng,
                    verbose=self.verbose,
                    step=step,
                    watch=score
                    and EarlyStopping(score, self.tol, self.n_iter_no_change),
                )

            if previous is not None:
                return mixture, new_run(previous["step"]).run(self.max_iter)
            return mixture, self._search(mixture, new_run, gate_X, task, X, init, rng)

    def _search(self, mixture, new_run, gate_X, task, X, init, rng):
        """Climb from the starts; the run that ends highest, `mixture` left there."""
        point = self._starting_point(gate_X, task)
        starts = initial_responsibilities(init, self.n_init, point, X, task.labels, rng)
        starts = [
            mixture.restrict(start, align=isinstance(init, str)) for start in starts
        ]
        improve = anneal if self.search == "anneal" else None
        run = best_of_starts(mixture, starts, new_run, self.max_iter, improve)
        if self.search != "split_merge":
            return run
        return split_and_merge(mixture, run, Moves(point), new_run, self.max_iter)

    def _starting_point(self, gate_X, task):
        def design(X, is_numeric):
            return task.designs.get(X if is_numeric else numeric_columns(X))

        experts = design(task.X, self._numeric[1])
        gate = experts if task.X is gate_X else design(gate_X, self._numeric[0])
        return StartingPoint(
            gate,
            experts,
            task.targets,
            task.weights,
            task.n_experts,
            is_classification=task.classes is not None,
        )

    def _gate_trainer(self, gate, X, task, groups):
        """The gate at work, on one row per group where there are groups."""
        weights, designs, folds = task.weights, task.designs, task.folds
        if groups is not None:
            X = self._rows_of_groups(gate, X, weights, groups)
            weights = np.ones(X.shape[0])
            designs = Designs(weights)
            folds = folds and folds_of_groups(folds, groups)
        parts = X, task.n_experts, weights, designs
        if folds is None:
            return gate.trainer(*parts)
        return gate.cross_fitted_trainer(*parts, folds, task.n_jobs)

    @staticmethod
    def _rows_of_groups(gate, X, weights, groups):
        """One row per group; warns where rows of a group differ."""
        rows, is_constant = rows_of_groups(X, groups, weights, gate)
        if not is_constant:
            warnings.warn(
                "The gate sees columns that vary within groups, whose rows share one "
                "expert: their means over each group are used. Name the columns that "
                "are constant within groups in gate_features.",
                UserWarning,
                stacklevel=7,
            )
        return rows

    @contextmanager
    def _mixture(self, gate, experts, weights, groups, allowed):
        """The mixture that EM climbs: by sums over blocks of rows where it can be.

        Threads, where there are several, share the blocks.
        """
        if gate.capacity_factor is not None:
            if groups is not None or allowed is not None:
                raise ValueError(
                    "A gate with a capacity_factor shares rows out one by one: it "
                    "cannot be combined with groups, expert_labels or families that "
                    "take only some values of y."
                )
            yield CapacityMixture(gate, experts, weights, assignment=self.assignment)
            return
        drawn = self.assignment == "stochastic"  # one draw per row, kept for the M-step
        if groups is not None:
            with one_blas_thread:
                grouped = GroupedMixture(gate, experts, weights, groups, allowed)
                grouped.is_parametric &= not drawn
                yield grouped
            return
        if drawn or gate.blockwise is None or experts.blockwise is None:
            yield Mixture(gate, experts, weights, allowed)
            return
        with one_blas_thread:
            mixture = SummedMixture(gate, experts, weights, allowed)
            n_tasks = -(-len(weights) // TASK_ROWS)
            n_threads = min(effective_n_jobs(self.n_jobs), n_tasks)
            shares = mixture.is_compiled and self.assignment == "soft"
            if n_threads == 1 or not shares:
                yield mixture
                return
            # joblib looks for finished work every ten milliseconds, which is as long as
            # a pass over a hundred thousand rows.
            with ThreadPoolExecutor(n_threads) as threads:
                mixture.map = threads.map
                try:
                    yield mixture
                finally:
                    mixture.map = map

    def _warm_state(self, terms):
        """What a warm start continues from, or None; the terms must be the same."""
        if not self.warm_start or not hasattr(self, "experts_"):
            return None
        for name, before in self._terms.items():
            if terms[name] != before:
                raise ValueError(
                    f"warm_start=True cannot continue the last fit: its {name} was "
                    f"{before} and is now {terms[name]}. Fit a clone instead."
                )
        if isinstance(self.gate_, SelectedGate):
            raise ValueError(
                "warm_start=True cannot continue a pruned mixture: its gate is a "
                f"selection of another's experts, {self.gate_!r}. Fit a clone instead."
            )
        step = self._steps.get((self.assignment, self.accelerate))
        experts = self._experts.with_noise(self._experts.noise.free)
        return {"experts": experts, "gate": self.gate_, "step": step}


def _terms(gate, gate_X, kind, task):
    """What must not change between a fit and its warm start."""
    return {
        "n_experts": task.n_experts,
        "kind of experts": kind.__name__,
        "kind of gate": type(gate).__name__,
        "families": [repr(family) for family in task.families],
        "number of gate features": gate_X.shape[1],
        "number of expert features": task.X.shape[1],
        "number of targets": task.y.shape[1],
        "classes": None if task.classes is None else task.classes.tolist(),
        "number of rows in folds": None if task.folds is None else len(task.y),
    }


def _allowed_by_group(allowed, groups):
    """Experts that all rows of a group allow."""
    if allowed is None:
        return None
    n_groups, n_experts = groups.max() + 1, allowed.mask.shape[1]
    mask = np.ones((n_groups, n_experts), dtype=bool)
    np.logical_and.at(mask, groups, allowed.mask)
    if not mask.any(axis=1).all():
        group = int(np.flatnonzero(~mask.any(axis=1))[0])
        first = int(np.flatnonzero(groups == group)[0])
        raise ValueError(
            "The rows of a group share one expert, but expert_labels (or the domains "
            f"of the families) leave none to the group of row {first}."
        )
    labels = None
    if allowed.labels is not None:
        labels = np.full(n_groups, -1)
        known = allowed.labels >= 0
        labels[groups[known]] = allowed.labels[known]
    return Allowed(mask, labels)
