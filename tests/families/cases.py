# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""One table of families, for tests of what holds for each of them."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from skmoe.families import (
    Beta,
    Binomial,
    Gamma,
    Gaussian,
    InverseGaussian,
    Laplace,
    LogNormal,
    NegativeBinomial,
    PointMass,
    Poisson,
    SkewNormal,
    StudentT,
    Uniform,
)


@dataclass
class Case:
    """A family, a prediction and parameters; SciPy's distribution with them."""

    family: object
    prediction: float
    parameters: tuple
    reference: object  # of SciPy, frozen; None where it has none
    bad: float | None = None  # a value outside the domain

    @property
    def one(self):
        """Parameters (q, 1) and prediction (1,)."""
        parameters = np.array(self.parameters, dtype=float).reshape(-1, 1)
        return np.array([self.prediction]), parameters

    def draws(self, n=300, seed=0):
        """y (n, T), of counts of trials for a binomial."""
        rng = np.random.RandomState(seed)
        prediction, parameters = self.one
        if isinstance(self.family, Binomial):
            trials = rng.randint(1, 12, size=n)
            successes = rng.binomial(trials, self.prediction)
            return np.column_stack([successes, trials - successes]).astype(float)
        shape = np.broadcast_to(prediction, (n, 1))
        return self.family.sample(shape, parameters[:, None], rng)


def negative_binomial(m, phi):
    return stats.nbinom(1 / phi, 1 / (1 + phi * m))


TABLE = {
    "gaussian": Case(Gaussian(), 1.5, (0.7,), stats.norm(1.5, 0.7)),
    "laplace": Case(Laplace(), 1.5, (0.7,), stats.laplace(1.5, 0.7)),
    "student_t": Case(StudentT(), -1.0, (2.0, 4.5), stats.t(4.5, -1.0, 2.0)),
    "student_t fixed": Case(StudentT(df=3), 1.0, (2.0,), stats.t(3, 1.0, 2.0)),
    "student_t near gaussian": Case(
        StudentT(), 1.0, (2.0, 3e4), stats.t(3e4, 1.0, 2.0)
    ),
    "skew_normal": Case(SkewNormal(), 0.5, (2.0, 3.0), stats.skewnorm(3.0, 0.5, 2.0)),
    "skew_normal left": Case(
        SkewNormal(), 0.5, (0.3, -1.2), stats.skewnorm(-1.2, 0.5, 0.3)
    ),
    "log_normal": Case(
        LogNormal(), 0.4, (0.6,), stats.lognorm(0.6, scale=np.exp(0.4)), bad=0.0
    ),
    "gamma": Case(Gamma(), 3.0, (0.4,), stats.gamma(2.5, scale=1.2), bad=0.0),
    "gamma wide": Case(Gamma(), 3.0, (1.5,), stats.gamma(2 / 3, scale=4.5), bad=-1.0),
    "gamma narrow": Case(Gamma(), 3.0, (0.01,), stats.gamma(100, scale=0.03), bad=-1.0),
    "inverse_gaussian": Case(
        InverseGaussian(), 3.0, (0.2,), stats.invgauss(0.6, scale=5.0), bad=0.0
    ),
    "poisson": Case(Poisson(), 2.3, (), stats.poisson(2.3), bad=1.5),
    "poisson large": Case(Poisson(), 80.0, (), stats.poisson(80.0), bad=-1.0),
    "negative_binomial": Case(
        NegativeBinomial(), 4.0, (0.5,), negative_binomial(4.0, 0.5), bad=-1.0
    ),
    "negative_binomial narrow": Case(
        NegativeBinomial(), 30.0, (0.01,), negative_binomial(30.0, 0.01), bad=0.5
    ),
    "binomial": Case(Binomial(), 0.3, (), None, bad=0.5),
    "beta": Case(Beta(), 0.3, (0.2,), stats.beta(1.5, 3.5), bad=1.0),
    "beta narrow": Case(Beta(), 0.8, (0.005,), stats.beta(160, 40), bad=0.0),
    "zero": Case(PointMass(), 0.0, (), None, bad=1.0),
    "point at two": Case(PointMass(at=2.0), 0.0, (), None, bad=0.0),
    "uniform": Case(Uniform(), 0.0, (-1.0, 3.0), stats.uniform(-1.0, 4.0)),
    "uniform given": Case(
        Uniform(-1.0, 3.0), 0.0, (-1.0, 3.0), stats.uniform(-1.0, 4.0), bad=3.5
    ),
}


def cases(condition=lambda case: True):
    """Parametrise a test by the cases that meet a condition."""
    chosen = {name: case for name, case in TABLE.items() if condition(case)}
    return pytest.mark.parametrize("case", chosen.values(), ids=chosen.keys())


def has_reference(case):
    return case.reference is not None


def is_continuous(case):
    return not case.family.is_discrete


def is_fitted(case):
    """Whether the family has something to estimate by likelihood."""
    return not case.family.is_background and len(case.parameters) > 0


def learns(case):
    return not case.family.is_background
