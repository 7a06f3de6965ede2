# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""From what a user gives to `fit` to a fitted mixture, one thing after the other."""

from typing import Any, NamedTuple

import numpy as np

from skmoe.em.allowed import accepted_rows
from skmoe.em.fit import Settings, run_em
from skmoe.em.warm_start import Previous, WarmStart, terms_of
from skmoe.estimators.seeds import seeded_clones
from skmoe.experts.base import ExpertTask
from skmoe.experts.kinds import kind_of
from skmoe.experts.setup import ExpertSetup
from skmoe.experts.templates import allow_nan
from skmoe.families.base import check_log_density
from skmoe.gates.resolve import check_probabilities
from skmoe.kernels import get_kernels
from skmoe.mixture.fitted import FittedMixture
from skmoe.mixture.limits import limit
from skmoe.mixture.training import TrainingRecord
from skmoe.rows.columns import resolve
from skmoe.rows.design import Designs
from skmoe.rows.inputs import InputReader
from skmoe.rows.rows import Rows
from skmoe.rows.table import check_n_samples, read_table
from skmoe.rows.targets import Targets


class Request(NamedTuple):
    """An estimator's parameters, checked: all that a fit asks of it.

    What is not explained here is as the estimators' parameter of that name.

    Attributes
    ----------
    gate : BaseGate
        Unfitted, its random states set.
    names : list of str
        Of the experts.
    templates : list of estimators
        One unfitted expert each.
    families : list of BaseFamily
        One of each expert; experts of one family share the object.
    expert_params : list of dict
        Routed keywords for each expert's `fit`.
    seeds : ndarray of shape (K,)
        Of the experts.
    rng : RandomState
        For whatever else is drawn.
    targets : subclass of Targets
        The coding of y.
    mixture : subclass of FittedMixture
        What is to be made.
    owner : str
        Name of the estimator, for messages.
    settings : Settings
        How EM runs.
    previous : (FittedMixture, WarmStart) or None
        The last fit, where a warm start goes on from it.
    """

    gate: Any
    names: list
    templates: list
    families: list
    expert_params: list
    seeds: np.ndarray
    rng: Any
    targets: type[Targets]
    mixture: type[FittedMixture]
    owner: str
    settings: Settings
    previous: tuple | None
    gate_features: Any
    expert_features: Any
    offset_feature: Any
    class_weight: Any
    cv: Any
    early_stopping: bool
    validation_fraction: float
    reg_dispersion: float
    extrapolation: str
    engine: str


class Outcome(NamedTuple):
    """Result of a fit.

    Attributes
    ----------
    mixture : FittedMixture
    run : EM
        That led there.
    log_likelihood : float
        Of the training rows under the mixture, in the unit of the weights.
    warm_start : WarmStart
        What the next fit may go on with.
    """

    mixture: FittedMixture
    run: Any
    log_likelihood: float
    warm_start: WarmStart


def fit_mixture(request, X, y, sample_weight, groups, expert_labels, *, keeps_steps):
    """Return the `Outcome` of fitting a mixture to what the user gave.

    Parameters
    ----------
    request : Request
    X, y, sample_weight, groups, expert_labels
        As the user gave them.
    keeps_steps : bool
        Whether a warm start may follow, which goes on with the steps of EM.
    """
    table = _table(request, X, y, sample_weight)
    plan = _plan(request, table)
    rows, held_out = _rows(request, plan, table, groups, expert_labels)
    task = _task(request, plan, rows)
    terms = terms_of(request.gate, plan.kind, task, rows)
    state, run = run_em(
        request.gate,
        plan.kind,
        task,
        rows,
        _with_score(request, plan, rows, held_out),
        request.rng,
        _previous(request, terms),
    )
    mixture = _mixture(request, plan, state, rows)
    check_probabilities(mixture.gate, rows.inputs.gate)
    mixture.training = TrainingRecord.of(state, rows)
    if task.folds is not None:
        mixture.calibrate(state, request.gate, task, rows)
    way = request.settings.assignment, request.settings.accelerate
    steps = {way: run.step} if keeps_steps and state.is_parametric else {}
    log_likelihood = _log_likelihood(state, mixture, rows, task)
    return Outcome(mixture, run, log_likelihood, WarmStart(terms, steps))


class Plan(NamedTuple):
    """Decisions made before X is converted.

    Attributes
    ----------
    setup : ExpertSetup
    kind : subclass of BaseExperts
        That fits the experts.
    targets : Targets
    reader : InputReader
    """

    setup: ExpertSetup
    kind: Any
    targets: Targets
    reader: InputReader


def _table(request, X, y, sample_weight):
    """The `Table` of validated X, y and weights."""
    table = read_table(
        X,
        y,
        sample_weight,
        request.targets,
        request.owner,
        class_weight=request.class_weight,
        # Refits make much of how a sum is rounded.
        contiguous=request.cv is not None,
    )
    check_n_samples(len(table.y), len(request.names))
    return table


def _plan(request, table):
    """The `Plan`: columns, coding of y, the kind of experts."""
    columns = resolve(
        table.X,
        request.gate_features,
        request.expert_features,
        request.offset_feature,
    )
    for family in {id(family): family for family in request.families}.values():
        check_log_density(family, table.y)
    targets = request.targets.learn(table.y, request.owner, request.families)
    setup = ExpertSetup(
        templates=seeded_clones(request.templates, request.seeds),
        names=request.names,
        families=request.families,
        classes=targets.classes,
        fit_params=request.expert_params,
        n_features=columns.n_covariates(table.X.shape[1]),
        has_offset=columns.offset is not None,
        is_cross_fitted=request.cv is not None,
    )
    kind = kind_of(setup)
    if setup.n_features == 0 and not kind.numeric:
        raise ValueError(
            f"expert_features={request.expert_features!r} selects no columns, and "
            f"{setup.templates[0]!r} cannot be fitted to none. An expert that is an "
            "intercept only is LinearRegression() or, for classes, "
            "LogisticRegression()."
        )
    numeric = request.gate.numeric, kind.numeric
    takes_nan = allow_nan(request.templates)
    names = table.feature_names
    width = table.X.shape[1]
    reader = InputReader(columns, *numeric, takes_nan, request.owner, width, names)
    return Plan(setup, kind, targets, reader)


def _rows(request, plan, table, groups, expert_labels):
    """The `Rows` to fit, and those held out where EM stops early, or None."""
    names, targets = request.names, plan.targets
    rows = Rows.read(
        table,
        plan.reader,
        targets,
        groups=groups,
        expert_labels=expert_labels,
        names=names,
    )
    held_out = None
    if request.early_stopping:
        strata = targets.strata(rows.labels)
        rows, held_out = rows.split(request.validation_fraction, strata, request.rng)
        accepted_rows(request.families, held_out.y)
        check_n_samples(rows.n_samples, len(names))
        targets.check_present(rows.labels)
    rows.check_groups(len(names))
    return rows, held_out


def _task(request, plan, rows):
    """The task of the experts, complete."""
    setup = plan.setup
    is_classification = setup.classes is not None
    kernels = get_kernels(request.engine, rows.n_samples * len(setup.names))
    floors = {
        id(family): family.floors(rows.y, rows.weights, request.reg_dispersion)
        for family in setup.families
    }
    return ExpertTask(
        templates=setup.templates,
        names=setup.names,
        X=rows.covariates,
        y=rows.y,
        labels=rows.labels,
        classes=setup.classes,
        weights=rows.weights,
        families=setup.families,
        floors=[floors[id(family)] for family in setup.families],
        designs=Designs(rows.weights, kernels),
        n_jobs=request.settings.n_jobs,
        seeds=request.seeds,
        fit_params=rows.of_these(setup.fit_params),
        offset=rows.offset,
        folds=rows.folds(request.cv, request.rng, is_classification=is_classification),
    )


def _previous(request, terms):
    """Start of a warm start, or None; raise where its terms are not the last fit's."""
    if request.previous is None:
        return None
    mixture, warm_start = request.previous
    warm_start.check(terms)
    if not mixture.gate.can_resume:
        raise ValueError(
            "warm_start=True cannot continue a pruned mixture: its gate is a selection "
            f"of another's experts, {mixture.gate!r}. Fit a clone instead."
        )
    experts = mixture.experts.with_noise(mixture.noise.unlimited)
    way = request.settings.assignment, request.settings.accelerate
    return Previous(mixture.gate, experts, warm_start.steps.get(way))


def _mixture(request, plan, state, rows):
    """The fitted mixture of a state, its experts limited."""
    experts = state.experts.fitted()
    experts = limit(experts, request.extrapolation, rows, state)
    gate, names = state.gate.fitted(), request.names
    return request.mixture(gate, experts, names, plan.reader, plan.targets)


def _with_score(request, plan, rows, held_out):
    """The settings of EM, with the score of rows held out where it stops early.

    Predictions are limited as those of the fitted model will be.
    """
    if held_out is None:
        return request.settings

    def score(state):
        return _mixture(request, plan, state, rows).mean_log_likelihood(held_out)

    return request.settings._replace(score=score)


def _log_likelihood(state, mixture, rows, task):
    """Total log likelihood of the training rows, in the unit of the weights.

    That of the mixture that is shown: limits of extrapolation may touch predictions of
    training rows that an expert had no responsibility for. A cross-fitted mixture is
    judged by the fits of the folds.
    """
    if task.folds is None and mixture.experts.touches_training:
        log_likelihood = mixture.log_likelihood(rows, state.allowed)
    else:
        log_likelihood = float(state.log_likelihood())
    return log_likelihood * rows.weight_unit
