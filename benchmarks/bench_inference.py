# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What a prediction costs, against what it cannot avoid.

    python benchmarks/bench_inference.py

All figures of a line come from one run, alternating, minimum of several repeats; only
the ratios mean anything on a shared machine. BLAS is limited to one thread.
"""

import os
import re
import subprocess
import sys
import tempfile
import warnings
from importlib.util import find_spec

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits
from timing import best_times

from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import make_mixture_of_experts

# What a session with scikit-learn has imported anyway.
ORDINARY = "sklearn.linear_model, sklearn.mixture, sklearn.pipeline, sklearn.ensemble"


def fitted(n_experts, n_features, experts=None, n_samples=5_000, **parameters):
    """A mixture after a few EM iterations: how good it is does not matter here."""
    X, y = make_mixture_of_experts(n_samples, n_features, n_experts, random_state=0)
    model = MixtureOfExpertsRegressor(
        experts, n_experts, max_iter=2, random_state=0, **parameters
    )
    return model.fit(X, y)


def predict(model, X, top_k):
    """Return a call of `predict` that keeps `top_k` experts."""
    return lambda: model.set_params(top_k=top_k).predict(X)


def dense_prediction(n_samples=1_000_000, n_features=20, n_experts=8):
    """All linear experts, against one product of all scores and the exponentials."""
    model = fitted(n_experts, n_features)
    X = np.random.RandomState(1).normal(size=(n_samples, n_features))
    W = np.random.RandomState(2).normal(size=(n_features, 2 * n_experts))
    scores = X @ W[:, :n_experts]
    ours, product, exponentials = best_times(
        [predict(model, X, None), lambda: X @ W, lambda: np.exp(scores)]
    )
    print(
        f"predict, linear experts, n={n_samples:,}, d={n_features}, K={n_experts}: "
        f"{ours / (product + exponentials):.2f} x X @ W and the gate's exponentials "
        f"({ours * 1e3:.0f} ms)"
    )


def routed_linear(n_features, n_gate=None, n_samples=500_000, n_experts=64):
    """`top_k` of linear experts, against all of them; compiled where numba is there."""
    columns = None if n_gate is None else list(range(n_gate))
    model = fitted(n_experts, n_features, init="kmeans", gate_features=columns)
    X = np.random.RandomState(1).normal(size=(n_samples, n_features))
    for engine in ["numpy", "numba"] if find_spec("numba") else ["numpy"]:
        model.set_params(engine=engine)
        dense, *routed = best_times([predict(model, X, k) for k in (None, 1, 2, 4)], 5)
        gains = ", ".join(f"{dense / time:.1f}" for time in routed)
        print(
            f"predict, {engine}, {n_experts} linear experts, d={n_features}, gate on "
            f"{n_gate or n_features}: top_k=1, 2, 4 {gains} x faster than dense "
            f"({dense * 1e9 / n_samples:.0f} ns per row)"
        )


def routed_boosting(n_samples=100_000, n_features=10, n_experts=32):
    """`top_k=1` of boosted experts, against one of them on all rows."""
    boosting = HistGradientBoostingRegressor(random_state=0)
    model = fitted(
        n_experts, n_features, boosting, n_samples=20_000, assignment="hard",
        init="kmeans",
    )  # fmt: skip
    X = np.random.RandomState(1).normal(size=(n_samples, n_features))
    # Their trees differ in size: one expert's time is the mean of a few of them.
    some = [lambda k=k: model.experts_[k].predict(X) for k in range(4)]
    routed, *each = best_times([predict(model, X, 1), *some], 5)
    one = np.mean(each)
    print(
        f"predict, {n_experts} boosted experts, n={n_samples:,}, d={n_features}: "
        f"top_k=1 takes {routed / one:.2f} x one expert on all rows"
    )


def single_row(n_features=20, n_experts=8, calls=200):
    """One row at a time, against `Ridge`."""
    model, routed = (fitted(n_experts, n_features, top_k=k) for k in (None, 1))
    X, y = make_mixture_of_experts(500, n_features, n_experts, random_state=0)
    ridge, row = Ridge().fit(X, y), X[:1]

    def often(function):
        return lambda: [function() for _ in range(calls)]

    each = [often(lambda m=m: m.predict(row)) for m in (model, routed, ridge)]
    ours, top_1, theirs = best_times(each, 20)
    print(
        f"predict, one row, d={n_features}, K={n_experts}: {ours / theirs:.2f} x "
        f"Ridge.predict ({ours / calls * 1e6:.0f} us), {top_1 / theirs:.2f} x with "
        "top_k=1"
    )


def import_time(repeats=7):
    """Import of skmoe, beyond what scikit-learn's own modules cost."""
    environment = {k: v for k, v in os.environ.items() if k[:8] != "PYTHONDO"}
    with tempfile.TemporaryDirectory() as folder:
        environment["PYTHONPYCACHEPREFIX"] = folder
        command = [sys.executable, "-X", "importtime", "-c"]
        code = f"import sys, {ORDINARY}, skmoe; print('numba' in sys.modules)"
        totals = []
        for _ in range(repeats):
            run = subprocess.run(
                [*command, code], env=environment, capture_output=True, text=True
            )
            own = re.findall(r"(\d+) \|\s*\d+ \|\s*skmoe\b", run.stderr)
            totals.append(sum(map(int, own)) / 1e3)
    print(
        f"import skmoe: {min(totals):.0f} ms beyond {ORDINARY}; "
        f"numba imported: {run.stdout.strip()}"
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # truncated fits do not converge, on purpose
    with threadpool_limits(1):
        dense_prediction()
        for features in [(20, None), (20, 5), (5, None)]:
            routed_linear(*features)
        routed_boosting()
        single_row()
    import_time()
