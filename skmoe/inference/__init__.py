# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Inference: how precisely the data determine the coefficients of a fitted mixture."""

from skmoe.inference.information import observed_information
from skmoe.inference.result import ObservedInformation

__all__ = ["ObservedInformation", "observed_information"]
