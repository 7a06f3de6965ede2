# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Whether experts know by heart the rows that they were fitted to."""

import warnings
from functools import partial

import numpy as np

# An expert memorises if it leaves this many times as much of the variance unexplained
# on rows held out as on its own. The standard deviation of its noise is the root of it,
# twice, too small, which costs a new row (4 - 1 - log 4) / 2 = 0.8 nats. What this was
# chosen by is "When experts memorise" in docs/defaults.md.
TIMES = 4
# Only an expert that leaves less is suspect, which costs one more fit: rows held out
# can hardly leave more than all of the variance.
CHECKED_BELOW = 1 / TIMES
# Less than this share is none: the default floor of a standard deviation, squared.
NEGLIGIBLE_SHARE = 1e-6
# The same of probabilities, which are not measured by a dispersion: the Brier score of
# rows held out must be above 1/9 of that of the frequencies, as if 3 % of the rows of
# two equal classes were wrong. Fewer errors do no harm, however few there are inside.
SMALL_BRIER = 1 / (9 * TIMES)
# One row of so many is held out.
STRIDE = 5


def overfitted(trainer, work):
    """Indices of the experts that leave TIMES as much unexplained on held-out rows.

    Parameters
    ----------
    trainer : EstimatorTrainer
        At the state reached.
    work : callable
        What fits an estimator and asks it, in a worker.
    """
    least = NEGLIGIBLE_SHARE if trainer.task.classes is None else SMALL_BRIER
    return [
        k
        for k, (inside, outside) in shares(trainer, work).items()
        if outside > TIMES * max(inside, least)
    ]


def shares(trainer, work, suspect=CHECKED_BELOW):
    """Shares of the variance unexplained, (inside, outside), of suspects by index.

    Experts that leave less than the share `suspect` of their rows are fitted once more,
    to four rows of five with the same weights, and predict the fifth. Others cost one
    prediction. Of classes the variance is that of their indicators: the share is the
    Brier score, that of the frequencies being one.
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
    suspects = [k for k, share in inside.items() if share < suspect]
    refits = trainer._fit_all(
        (
            (k, trainer.state[k].weights * ~held, trainer._answering(k))
            for k in suspects
        ),
        partial(_try, work),
    )
    return {
        k: (inside[k], _unexplained(trainer, k, answered, held))
        for k, answered in zip(suspects, refits, strict=True)
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
    total = np.maximum(weights.sum(), np.finfo(np.float64).tiny)
    center = weights @ targets / total
    variance = weights @ (targets - center) ** 2 / total
    squares = weights[rows] @ (targets[rows] - answered[rows]) ** 2
    squares = squares / np.maximum(weights[rows].sum(), np.finfo(np.float64).tiny)
    return squares.sum() / max(variance.sum(), np.finfo(np.float64).tiny)


def _try(work, *args, **settings):
    """What `work` answers; None where the estimator refuses the fewer rows.

    It does so by ValueError; what else is raised is no matter of their number. What is
    only a check does not repeat the warnings of a fit.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return work(*args, **settings)[1]
        except ValueError:
            return None
