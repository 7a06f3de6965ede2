# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Mixtures of experts for scikit-learn."""

from skmoe._classifier import MixtureOfExpertsClassifier
from skmoe._regressor import MixtureOfExpertsRegressor
from skmoe.mixture.pruning import prune

__version__ = "0.1.0.dev0"

__all__ = [
    "MixtureOfExpertsClassifier",
    "MixtureOfExpertsRegressor",
    "__version__",
    "prune",
]
