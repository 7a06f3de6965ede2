# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Classifier gates that fit their own rows far better than others."""

import warnings

import numpy as np

from skmoe._compat import _safe_indexing
from skmoe.estimators.overfitting import (
    CHECKED_BELOW,
    SMALL_BRIER,
    STRIDE,
    is_overfitted,
    unexplained,
)
from skmoe.estimators.weighted import align_probabilities


def gate_overfits(trainer):
    """Return True if a gate leaves far more unexplained on rows held out.

    The measure is that of experts that predict classes: the share of the variance of
    the responsibilities that the probabilities leave unexplained (a Brier score). Only
    a gate that leaves less than CHECKED_BELOW is fitted again, to four rows of five.

    Parameters
    ----------
    trainer : ClassifierTrainer
        At the state reached.
    """
    responsibilities = trainer.state.responsibilities
    held = np.arange(STRIDE - 1, len(trainer.weights), STRIDE)
    if responsibilities is None or trainer.n_experts == 1 or not len(held):
        return False
    inside = _unexplained(trainer, np.exp(trainer.log_proba))
    if inside >= CHECKED_BELOW:
        return False
    others = np.setdiff1d(np.arange(len(trainer.weights)), held)
    with warnings.catch_warnings():  # a check does not repeat the warnings of a fit
        warnings.simplefilter("ignore")
        try:
            classifier = trainer.fit_to(responsibilities, others)
            X = _safe_indexing(trainer.X, held)
            proba = align_probabilities(classifier, X, np.arange(trainer.n_experts))
        except ValueError:  # it refuses the fewer rows, and cannot be judged
            return False
    return is_overfitted(inside, _unexplained(trainer, proba, held), SMALL_BRIER)


def _unexplained(trainer, proba, rows=slice(None)):
    """Share of the variance of the responsibilities that probabilities leave."""
    weights = trainer.weights
    shares = trainer.state.responsibilities / weights[:, None]
    return unexplained(shares, proba, weights, rows)
