# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The numbers behind choices of the engine.

    python benchmarks/bench_choices.py [NAME ...]

Names are those of the functions at the end; none: all.
"""

import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import numpy as np
import scipy.sparse as sp
from joblib import Parallel, delayed
from sklearn.datasets import load_diabetes
from threadpoolctl import threadpool_limits
from timing import best_times, make_mixture, running_em
from timing import simulate as simulate_lines
from versus.cases import simulate, soften

import skmoe.em.stopping as stopping_rule
import skmoe.gates.softmax as softmax_gate
from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import load_concrete, load_penguins, make_mixture_of_experts
from skmoe.em.starts import OneHot
from skmoe.em.steps import QuasiNewtonStep
from skmoe.gates import SoftmaxGate
from skmoe.kernels import get_kernels, numpy_kernels


def scaled_columns(A, weights):
    """Gram matrices by scaled columns, whatever the kernel would choose."""
    return (weights[:, None] * A).reshape(-1, A.shape[1]) @ A.T


def column_pairs(A, weights):
    """The kernel's other way: products of all pairs of columns."""
    few = -(-len(A) // 2) - len(weights)  # rows that make it choose the pairs
    padded = np.concatenate([weights, np.zeros((max(few, 0), A.shape[1]))])
    return numpy_kernels.weighted_grams(A, padded)


def grams(n_samples=1024):
    """Two ways to many weighted Gram matrices."""
    rng = np.random.default_rng(0)
    print("Gram matrices, time of column pairs against scaled columns:")
    for p, q in ((11, 6), (11, 10), (21, 11), (21, 16), (51, 26), (51, 32)):
        A, weights = rng.normal(size=(p, n_samples)), rng.random(size=(q, n_samples))
        pairs, scaled = best_times(
            [
                lambda A=A, w=weights: column_pairs(A, w),
                lambda A=A, w=weights: scaled_columns(A, w),
            ],
            20,
        )
        print(f"  {p} columns, {q} weights: {pairs / scaled:.2f}")


def sparse(n_samples=20_000, n_columns=200, n_weights=10):
    """Gram matrices of CSR rows, compiled against scipy's products."""
    if find_spec("numba") is None:
        return
    X = sp.random(n_samples, n_columns, 0.02, format="csr", random_state=0)
    weights = np.random.default_rng(0).random(size=(n_weights, n_samples))
    arrays = X.data, X.indices, X.indptr, n_columns, weights
    ours, scipys = best_times(
        [
            lambda: get_kernels("numba").csr_weighted_grams(*arrays),
            lambda: get_kernels("numpy").csr_weighted_grams(*arrays),
        ]
    )
    print(
        f"Gram matrices of CSR rows, {n_columns} columns, 2 % filled: compiled "
        f"{ours / scipys:.3f} of scipy's time"
    )


def gate():
    """Newton's step of the gate against the block-diagonal one."""
    print("n, d, K: iterations with Newton's and block-diagonal steps, time of one")
    default = softmax_gate.NEWTON_EXPERTS
    for n, d, k in (
        (1_000, 1, 3),
        (1_000, 1, 5),
        (10_000, 1, 5),
        (10_000, 10, 5),
        (5_000, 5, 8),
        (20_000, 5, 12),
        (20_000, 5, 16),
    ):
        X, y, _, noisy = simulate(n, d, k)
        model = MixtureOfExpertsRegressor(
            n_experts=k,
            init=soften(noisy, k),
            gate=SoftmaxGate(1e-10),
            tol=1e-9,
            max_iter=3000,
        )
        times, steps, ends = [], [], []
        for softmax_gate.NEWTON_EXPERTS in (1000, 1):
            times.append(best_times([lambda m=model, X=X, y=y: m.fit(X, y)], 2)[0])
            steps.append(model.n_iter_)
            ends.append(model.log_likelihood_)
        ratio = times[1] / steps[1] / (times[0] / steps[0])
        print(
            f"  {n}, {d}, {k}: {steps[0]}, {steps[1]}, {ratio:.2f} "
            f"(ends differ by {abs(ends[1] - ends[0]):.4f})"
        )
    softmax_gate.NEWTON_EXPERTS = default


def threads(n_samples=400_000, n_features=10, n_experts=4):
    """Threads of the standard library against joblib's, for compiled passes."""
    if find_spec("numba") is None:
        return
    X, y, labels = simulate_lines(n_samples, n_features, n_experts)
    mixture = make_mixture(X, y, n_experts, "numba")
    mixture.begin(OneHot(labels, n_experts))
    with (
        ThreadPoolExecutor(2) as executor,
        Parallel(n_jobs=2, require="sharedmem") as parallel,
    ):

        def through_joblib(function, tasks):
            return parallel(delayed(function)(task) for task in tasks)

        def one_pass(how):
            mixture.map = how
            mixture._pass(hard=False)

        ways = [map, executor.map, through_joblib]
        times = best_times([lambda how=how: one_pass(how) for how in ways])
        in_numpy = [
            running_em(X, y, labels, n_experts, "numpy", how, n_warm=2)
            for how in (map, executor.map)
        ]
        numpy_times = best_times(in_numpy)
    print(
        f"Two threads against one: {times[0] / times[1]:.2f} by an executor, "
        f"{times[0] / times[2]:.2f} by joblib; between NumPy's operations "
        f"{numpy_times[0] / numpy_times[1]:.2f}"
    )


def problems():
    """X and y, real and simulated."""
    for load in (load_concrete, load_penguins):
        bunch = load()
        X, y = bunch.data.astype(float), np.asarray(bunch.target)
        if y.dtype.kind == "f":
            complete = np.isfinite(X).all(axis=1)
            yield X[complete], y[complete]
    yield load_diabetes(return_X_y=True)
    for seed in range(12):
        n_samples = 400 + 100 * (seed % 3)
        shape = n_samples, 1 + seed % 4, 2 + seed % 4
        yield make_mixture_of_experts(*shape, noise=1.0, random_state=seed)


def ends(accelerate):
    """Lower bounds (m,) and iterations (m,) of fits to all problems."""
    fits = [
        MixtureOfExpertsRegressor(
            n_experts=k, max_iter=3000, tol=1e-8, accelerate=accelerate
        ).fit(X, y)
        for X, y in problems()
        for k in (2, 3, 5)
    ]
    return np.array([(fit.lower_bound_, fit.n_iter_) for fit in fits]).T


def maxima():
    """Where accelerated and plain EM end; and where acceleration is held back."""
    accelerated = QuasiNewtonStep._accelerate

    def held_back(self, ascent):
        if 0.5 * ascent.score @ self.em_move < 1e-4:
            accelerated(self, ascent)

    plain, plain_steps = ends(accelerate=False)
    for name, step in (("at once", accelerated), ("held back", held_back)):
        QuasiNewtonStep._accelerate = step
        bounds, steps = ends(accelerate=True)
        gains = bounds - plain
        print(
            f"Ends of {len(gains)} fits accelerated {name}: {np.sum(gains > 1e-4)} "
            f"higher than plain EM's, {np.sum(gains < -1e-4)} lower; mean "
            f"{gains.mean():.4f}, from {gains.min():.3f} to {gains.max():.3f}; "
            f"{steps.sum() / plain_steps.sum():.2f} of the iterations"
        )
    QuasiNewtonStep._accelerate = accelerated


def stopping():
    """How often in a row the predicted gain must be small."""
    print("| n, d, K | 2 | 3 | 4 | 6 |\n|---|---|---|---|---|")
    default = stopping_rule.ACCELERATED_TIMES
    for n, d, k in (
        (1_000, 1, 3),
        (1_000, 1, 5),
        (10_000, 1, 3),
        (10_000, 1, 5),
        (100_000, 1, 5),
        (10_000, 10, 3),
        (10_000, 10, 5),
    ):
        X, y, _, noisy = simulate(n, d, k)
        model = MixtureOfExpertsRegressor(
            n_experts=k, init=soften(noisy, k), gate=SoftmaxGate(1e-10), max_iter=1000
        )
        ends = []
        for stopping_rule.ACCELERATED_TIMES in (2, 3, 4, 6):
            model.fit(X, y)
            ends.append((model.n_iter_, model.log_likelihood_))
        best = model.set_params(tol=1e-12).fit(X, y).log_likelihood_
        cells = " | ".join(f"{steps}, {best - end:.4f}" for steps, end in ends)
        print(f"| {n:,}, {d}, {k} | {cells} |")
    stopping_rule.ACCELERATED_TIMES = default


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    choices = {f.__name__: f for f in (grams, sparse, gate, threads, maxima, stopping)}
    with threadpool_limits(1):
        for name in sys.argv[1:] or choices:
            choices[name]()
