# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Families: the noise model f(y | m, phi) around an expert's prediction m."""

from skmoe.families.background import PointMass, Uniform
from skmoe.families.base import BaseFamily, check_families, check_family
from skmoe.families.beta import Beta
from skmoe.families.binomial import Binomial
from skmoe.families.categorical import Categorical
from skmoe.families.gamma import Gamma
from skmoe.families.gaussian import Gaussian
from skmoe.families.inverse_gaussian import InverseGaussian
from skmoe.families.laplace import Laplace
from skmoe.families.log_normal import LogNormal
from skmoe.families.poisson import NegativeBinomial, Poisson
from skmoe.families.skew_normal import SkewNormal
from skmoe.families.student_t import StudentT

#: Families that may be named by a string. A new family is one file and one line here.
FAMILIES = {
    family.name: family
    for family in (
        Gaussian,
        Laplace,
        StudentT,
        SkewNormal,
        LogNormal,
        Gamma,
        InverseGaussian,
        Poisson,
        NegativeBinomial,
        Binomial,
        Beta,
        PointMass,
        Uniform,
    )
}

__all__ = [
    "FAMILIES",
    "BaseFamily",
    "Beta",
    "Binomial",
    "Categorical",
    "Gamma",
    "Gaussian",
    "InverseGaussian",
    "Laplace",
    "LogNormal",
    "NegativeBinomial",
    "PointMass",
    "Poisson",
    "SkewNormal",
    "StudentT",
    "Uniform",
    "check_families",
    "check_family",
]
