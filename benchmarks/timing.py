# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What the benchmarks share: alternating timers, and EM at work on simulated rows."""

import time

import numpy as np
from sklearn.linear_model import LinearRegression

from skmoe.em.driver import EM
from skmoe.em.starts import OneHot
from skmoe.em.states.summed import SummedMixture
from skmoe.experts import LinearExperts
from skmoe.experts.base import ExpertTask
from skmoe.families import Gaussian
from skmoe.gates import SoftmaxGate
from skmoe.kernels import get_kernels
from skmoe.rows.design import Designs

CHUNK = 100_000


def best_times(functions, repeats=7):
    """Smallest time of each function, run in turn, after one call that is not timed."""
    for function in functions:
        function()
    times = np.full((repeats, len(functions)), np.inf)
    for repeat in range(repeats):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            times[repeat, i] = time.perf_counter() - start
    return times.min(axis=0)


def simulate(n_samples, n_features, n_experts):
    """Rows X (n, d), y (n,) of a mixture of lines, and its labels; little by little."""
    rng = np.random.default_rng(0)
    gates, slopes = rng.normal(size=(2, n_experts, n_features))
    X, y = np.empty((n_samples, n_features)), np.empty(n_samples)
    labels = np.empty(n_samples, dtype=np.int16)
    for start in range(0, n_samples, CHUNK):
        rows = slice(start, min(start + CHUNK, n_samples))
        X[rows] = rng.normal(size=X[rows].shape)
        labels[rows] = (X[rows] @ gates.T).argmax(axis=1)
        means = np.einsum("nd,nd->n", X[rows], slopes[labels[rows]])
        y[rows] = means + 0.5 * rng.normal(size=len(means))
    return X, y, labels


def make_mixture(X, y, n_experts, engine="numpy", map=map):
    """Linear experts and a softmax gate at work."""
    weights = np.broadcast_to(1.0, len(y))
    designs = Designs(weights, get_kernels(engine))
    task = ExpertTask(
        templates=[LinearRegression()] * n_experts,
        names=[f"expert{k}" for k in range(n_experts)],
        X=X,
        y=y[:, None],
        labels=y,
        classes=None,
        weights=weights,
        families=[Gaussian()] * n_experts,
        floors=[np.array([[1e-3 * y.std()]])] * n_experts,
        designs=designs,
        fit_params=[{}] * n_experts,
    )
    gate = SoftmaxGate().trainer(X, n_experts, weights, designs)
    return SummedMixture(gate, LinearExperts.trainer(task), weights, map)


def running_em(X, y, labels, n_experts, engine="numpy", map=map, n_warm=12):
    """EM past its plain first steps; the function returned iterates once."""
    mixture = make_mixture(X, y, n_experts, engine, map)
    run = EM(mixture, tol=0.0).start(OneHot(labels, n_experts))
    run.run(n_warm)
    return lambda: run.run(len(run.bounds) + 1)
