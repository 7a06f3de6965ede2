# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Small real data sets and a simulator with a known truth."""

from skmoe.datasets._loaders import (
    load_bike_sharing,
    load_concrete,
    load_penguins,
)
from skmoe.datasets._simulate import make_mixture_of_experts

__all__ = [
    "load_bike_sharing",
    "load_concrete",
    "load_penguins",
    "make_mixture_of_experts",
]
