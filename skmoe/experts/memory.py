# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Whether experts know by heart the rows that they were fitted to."""

import warnings
from functools import partial

import numpy as np

from skmoe.families.own_density import OwnDensity

# An expert is suspect if it leaves less than this share of the variance unexplained ...
SUSPECT = 1 / 9
# ... and memorises if it leaves this many times as much on rows held out: residuals,
# and with them the standard deviation of its noise, are three times too small.
TIMES = 9
# Less than this share is none: the default floor of a standard deviation, squared.
NOTHING = 1e-6
# One row of so many is held out.
STRIDE = 5


def memorised(trainer, work):
    """Indices of the experts whose residuals are three times larger on held-out rows.

    Experts that explain their rows nearly perfectly are fitted once more, to four rows
    of five with the same weights, and predict the fifth. Others cost one prediction.

    Parameters
    ----------
    trainer : EstimatorTrainer
        At the state reached.
    work : callable
        What fits an estimator and asks it, in a worker.
    """
    held = np.arange(trainer.task.y.shape[0]) % STRIDE == STRIDE - 1
    inside, outside = {}, {}
    for k, fit in enumerate(trainer.state):
        family = trainer.task.families[k]
        knows = fit.weights is None or family.is_background
        if knows or isinstance(family, OwnDensity) or not fit.weights[held].any():
            continue
        answered = trainer._question(k)(fit.model, trainer.task.X)
        inside[k] = _unexplained(trainer, k, answered)
    suspects = [k for k, share in inside.items() if share < SUSPECT]
    refits = trainer._fit_all(
        ((k, trainer.state[k].weights * ~held, trainer._question(k)) for k in suspects),
        partial(_try, work),
    )
    for k, answered in zip(suspects, refits, strict=True):
        if answered is not None:
            outside[k] = _unexplained(trainer, k, answered, held)
    return [k for k in outside if outside[k] > TIMES * max(inside[k], NOTHING)]


def _unexplained(trainer, k, answered, rows=slice(None)):
    """Share of the variance of what expert k is fitted to that its answers leave."""
    task = trainer.task
    targets = task.targets(slice(None))
    weights = trainer.state[k].weights
    if task.classes is None:
        response, weights = trainer._weighted_response(k, weights)
        targets = response.reshape(len(response), -1)
    total = np.maximum(weights.sum(), np.finfo(np.float64).tiny)
    center = weights @ targets / total
    variance = weights @ (targets - center) ** 2 / total
    squares = weights[rows] @ (targets[rows] - answered[rows]) ** 2
    squares = squares / np.maximum(weights[rows].sum(), np.finfo(np.float64).tiny)
    return squares.sum() / max(variance.sum(), np.finfo(np.float64).tiny)


def _try(work, *args, **settings):
    """What `work` answers; None where the fewer rows are too few for the estimator.

    What is only a check must not make a fit fail, nor repeat its warnings.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return work(*args, **settings)[1]
        except Exception:
            return None
