# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Small deterministic data, and one thread per test process."""

import os

# SciPy reads it when it is first imported; without it, scikit-learn skips its array API
# checks.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from tests.shared import two_boundaries, two_regimes


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Several test processes with several threads each would wait for one another."""
    with threadpool_limits(limits=1):
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """What a test leaves without a random state is drawn the same in every run."""
    np.random.seed(0)


@pytest.fixture
def regression():
    """X (150, 2), y (150,) of two linear regimes."""
    return two_regimes()[:2]


@pytest.fixture
def classification():
    """X (150, 2), y (150,) of two classes."""
    return two_boundaries()


@pytest.fixture
def three_classes():
    """X (150, 2), y (150,) of three classes."""
    return two_boundaries(n_classes=3)


@pytest.fixture
def soft_labels():
    """X (80, 3), responsibilities (80, 3), weights (80,)."""
    rng = np.random.RandomState(3)
    X = rng.normal(size=(80, 3)) * [1.0, 5.0, 0.2] + [0.0, 3.0, 1.0]
    R = rng.dirichlet([0.8] * 3, size=80)
    R[X[:, 0] > 0] = R[X[:, 0] > 0][:, [0, 2, 1]] * 0.5 + [0.5, 0.0, 0.0]
    return X, R, rng.uniform(0.2, 2.0, size=80)
