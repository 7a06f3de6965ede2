# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Experts that fit their own rows far better than others."""

import warnings
from functools import partial

import numpy as np

from skmoe.estimators.overfitting import (
    CHECKED_BELOW,
    NEGLIGIBLE_SHARE,
    SMALL_BRIER,
    STRIDE,
    is_overfitted,
    unexplained,
)


def overfitted(trainer, work):
    """Return the experts that leave far more unexplained on rows held out.

    Parameters
    ----------
    trainer : EstimatorTrainer
        At the state reached.
    work : callable
        Fits an estimator and asks it for its answers, in a worker.
    """
    least = NEGLIGIBLE_SHARE if trainer.task.classes is None else SMALL_BRIER
    return [
        k
        for k, (inside, outside) in shares(trainer, work).items()
        if is_overfitted(inside, outside, least)
    ]


def shares(trainer, work, checked_below=CHECKED_BELOW):
    """Return shares of the variance unexplained, (inside, outside), by expert.

    Experts that leave less than the share `checked_below` of their rows are fitted once
    more, to four rows of five with the same weights, and predict the fifth. Others cost
    one prediction. Of classes the variance is that of their indicators.
    """
    held = np.arange(trainer.task.y.shape[0]) % STRIDE == STRIDE - 1
    inside = {}
    for k, fit in enumerate(trainer.state):
        family = trainer.task.families[k]
        knows = fit.weights is None or family.is_background
        if knows or family.has_own_density or not fit.weights[held].any():
            continue
        answered = trainer._answering(k)(fit.model, trainer.task.X)
        inside[k] = _unexplained(trainer, k, answered)
    checked = [k for k, share in inside.items() if share < checked_below]
    refits = trainer._fit_all(
        ((k, trainer.state[k].weights * ~held, trainer._answering(k)) for k in checked),
        partial(_try, work),
    )
    return {
        k: (inside[k], _unexplained(trainer, k, answered, held))
        for k, answered in zip(checked, refits, strict=True)
        if answered is not None
    }


def _unexplained(trainer, k, answered, rows=slice(None)):
    """Share of the variance of what expert k is fitted to that its answers leave."""
    task = trainer.task
    targets = task.targets(slice(None))
    weights = trainer.state[k].weights
    if task.classes is None:
        targets, factor = task.families[k].response(task.y)
        weights = weights if factor is None else weights * factor
    return unexplained(targets, answered[rows], weights, rows)


def _try(work, *args, **settings):
    """Answers of `work`; None where the estimator refuses the fewer rows.

    It does so by ValueError; what else is raised is no matter of their number. What is
    only a check does not repeat the warnings of a fit.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return work(*args, **settings)[1]
        except ValueError:
            return None
