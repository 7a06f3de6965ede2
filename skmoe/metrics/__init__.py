# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Scores of predictive distributions, and scorers for model selection."""

from skmoe.metrics._scorers import (
    crps_scorer,
    interval_coverage_scorer,
    interval_score_scorer,
    interval_width_scorer,
    make_distribution_scorer,
    neg_log_likelihood_scorer,
    pinball_loss_scorer,
)
from skmoe.metrics._scores import (
    crps,
    interval_coverage,
    interval_score,
    interval_width,
    negative_log_likelihood,
    pinball_loss,
)

__all__ = [
    "crps",
    "crps_scorer",
    "interval_coverage",
    "interval_coverage_scorer",
    "interval_score",
    "interval_score_scorer",
    "interval_width",
    "interval_width_scorer",
    "make_distribution_scorer",
    "neg_log_likelihood_scorer",
    "negative_log_likelihood",
    "pinball_loss",
    "pinball_loss_scorer",
]
