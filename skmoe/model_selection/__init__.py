# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Number of experts, certainty of parameters, strength of penalties."""

from skmoe.model_selection._bootstrap import BootstrapResult, bootstrap
from skmoe.model_selection._likelihood_ratio import (
    LikelihoodRatioResult,
    likelihood_ratio_test,
)
from skmoe.model_selection._path import PenaltyPath, penalty_path
from skmoe.model_selection._search import ExpertCountSearch

__all__ = [
    "BootstrapResult",
    "ExpertCountSearch",
    "LikelihoodRatioResult",
    "PenaltyPath",
    "bootstrap",
    "likelihood_ratio_test",
    "penalty_path",
]
