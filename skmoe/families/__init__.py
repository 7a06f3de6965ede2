# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Families: the noise model f(y | m, phi) around an expert's prediction m."""

from skmoe.families.base import BaseFamily, check_families, check_family
from skmoe.families.categorical import Categorical
from skmoe.families.gaussian import Gaussian

#: Families that may be named by a string. A new family is one file and one line here.
FAMILIES = {family.name: family for family in (Gaussian,)}

__all__ = [
    "FAMILIES",
    "BaseFamily",
    "Categorical",
    "Gaussian",
    "check_families",
    "check_family",
]
