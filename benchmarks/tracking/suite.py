# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Fits and predictions over sizes, engines and threads, for airspeed velocity.

cd benchmarks && asv run --quick --python=same --launch-method=spawn
"""

import subprocess
import sys
import warnings

import numpy as np

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor

MAX_ITER = 20


def make_rows(n_samples, n_features):
    """Rows X and y of two regimes, without any simulator of the package."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_samples, n_features))
    y = np.abs(X[:, 0]) + X[:, -1] + 0.3 * rng.normal(size=n_samples)
    return X, y


def fit(model, X, y):
    """A fit of twenty iterations at most, whether it converges or not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


class Regressor:
    """Linear experts over rows, columns, experts and engine."""

    params = [[1_000, 100_000], [2, 20], [3, 16], ["numpy", "numba"], [1, 2]]
    param_names = ["n_samples", "n_features", "n_experts", "engine", "n_jobs"]

    def setup(self, n_samples, n_features, n_experts, engine, n_jobs):
        """Make the data and load the kernels."""
        self.X, self.y = make_rows(n_samples, n_features)
        self.model = MixtureOfExpertsRegressor(
            n_experts=n_experts, engine=engine, n_jobs=n_jobs, max_iter=MAX_ITER, tol=0
        )
        fit(self.model, self.X[:100], self.y[:100])
        self.fitted = fit(self.model, self.X, self.y)

    def time_fit(self, *args):
        """Wall time."""
        fit(self.model, self.X, self.y)

    def peakmem_fit(self, *args):
        """Peak memory of the process, X included."""
        fit(self.model, self.X, self.y)

    def time_predict(self, *args):
        """Dense prediction."""
        self.fitted.predict(self.X)

    def time_predict_one(self, *args):
        """A single row."""
        self.fitted.predict(self.X[:1])


class Classifier:
    """Logistic experts over rows and experts."""

    params = [[1_000, 100_000], [2, 8]]
    param_names = ["n_samples", "n_experts"]

    def setup(self, n_samples, n_experts):
        """Make the data."""
        self.X, y = make_rows(n_samples, 5)
        self.labels = y > np.median(y)
        self.model = MixtureOfExpertsClassifier(
            n_experts=n_experts, max_iter=MAX_ITER, tol=0
        )

    def time_fit(self, *args):
        """Wall time."""
        fit(self.model, self.X, self.labels)


class Compilation:
    """What the first compiled fit of a process pays."""

    unit = "s"
    timeout = 300

    def _seconds(self, *options):
        code = (
            "import time; start = time.perf_counter()\n"
            "from skmoe.kernels.numba_compile import compile_all; compile_all()\n"
            "print(time.perf_counter() - start)"
        )
        command = [sys.executable, *options, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return float(done.stdout)

    def track_kernels_from_cache(self):
        """Seconds to load them, compiled before."""
        self._seconds()
        return self._seconds()
