# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Predictive distributions: the mixture of each row, given its features."""

from skmoe.distribution._predictive import PredictiveDistribution

__all__ = ["PredictiveDistribution"]
