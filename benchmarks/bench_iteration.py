# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What an EM iteration costs, and how that grows.

    python benchmarks/bench_iteration.py [--large]

Everything that an iteration does is in its time: E-step, expert sums, gate gradient and
Hessian, solves, the accelerated step. Ratios come from one run, functions timed in
turn, minimum of several repeats. BLAS is limited to one thread.
"""

import argparse
import os
import time
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from multiprocessing import get_context

import numpy as np
from threadpoolctl import threadpool_limits
from timing import best_times, running_em, simulate

from skmoe import MixtureOfExpertsRegressor

ENGINES = ["numpy", "numba"] if find_spec("numba") else ["numpy"]


def bare_products(X, n_experts):
    """The matrix products of an iteration's shapes, in blocks and not, no weights.

    Scores of gate and experts; gradients of both; a Gram matrix per expert and one per
    pair of free gate columns.
    """
    n_samples = len(X)
    A = np.column_stack([X, np.ones(n_samples)])
    B = A.copy()
    W = np.ones((A.shape[1], 2 * n_experts))
    R = np.ones((n_samples, n_experts))
    n_grams = n_experts + n_experts * (n_experts - 1) // 2

    def products(rows):
        A[rows] @ W
        A[rows].T @ R[rows]
        A[rows].T @ R[rows]
        for _ in range(n_grams):
            A[rows].T @ B[rows]

    def blocked(length=2048):
        for start in range(0, n_samples, length):
            products(slice(start, start + length))

    return lambda: products(slice(None)), blocked


def against_blas(n_samples=400_000, n_features=10, n_experts=4):
    """One iteration against the bare products, and two threads against one."""
    data = simulate(n_samples, n_features, n_experts)
    whole, blocked = bare_products(data[0], n_experts)
    print(f"EM iteration, n={n_samples:,}, d={n_features}, K={n_experts}:")
    with ThreadPoolExecutor(2) as threads:
        for engine in ENGINES:
            one = running_em(*data, n_experts, engine)
            two = running_em(*data, n_experts, engine, threads.map)
            times = best_times([one, two, whole, blocked])
            print(
                f"  {engine}: {times[0] / times[2]:.2f} x the bare products, "
                f"{times[0] / times[3]:.2f} x the same in blocks; two threads "
                f"{times[0] / times[1]:.2f} times as fast as one"
            )


def _iterate(barrier, seconds, shape, engine, n_times=20):
    step = running_em(*simulate(*shape), shape[2], engine)
    barrier.wait()
    start = time.perf_counter()
    for _ in range(n_times):
        step()
    seconds.put(time.perf_counter() - start)


def against_processes(n_samples=400_000, n_features=10, n_experts=4):
    """What the machine gives: one process iterating alone, and two side by side."""
    context = get_context("spawn")
    seconds = {}
    for n_processes in (1, 2, 1, 2):
        barrier, queue = context.Barrier(n_processes), context.Queue()
        arguments = barrier, queue, (n_samples, n_features, n_experts), ENGINES[-1]
        processes = [
            context.Process(target=_iterate, args=arguments) for _ in range(n_processes)
        ]
        for process in processes:
            process.start()
        times = [queue.get() for _ in processes]
        for process in processes:
            process.join()
        seconds[n_processes] = min(max(times), seconds.get(n_processes, np.inf))
    print(
        f"  {ENGINES[-1]}: two independent processes get "
        f"{2 * seconds[1] / seconds[2]:.2f} times as much done as one"
    )


def growth(name, sizes, make):
    """Time of an iteration over a range of sizes, and the exponent of a power law."""
    for engine in ENGINES:
        times = [
            best_times([make(size, engine)], 3 if size > 1e6 else 5)[0]
            for size in sizes
        ]
        exponent = np.polyfit(np.log(sizes), np.log(times), 1)[0]
        relative = ", ".join(f"{time / times[0]:.3g}" for time in times)
        print(f"  {engine}: {name} = {sizes}: {relative}; exponent {exponent:.2f}")


def growth_in_rows(sizes, n_features=10, n_experts=4):
    """Linear in n."""
    data = simulate(max(sizes), n_features, n_experts)

    def make(n_samples, engine):
        rows = [array[:n_samples] for array in data]
        return running_em(*rows, n_experts, engine, n_warm=2)

    print(f"Growth in rows, d={n_features}, K={n_experts}, relative to the first:")
    growth("n", sizes, make)


def growth_in_experts(sizes, n_samples=50_000, n_features=10):
    """Linear in K."""

    def make(n_experts, engine):
        data = simulate(n_samples, n_features, n_experts)
        return running_em(*data, n_experts, engine, n_warm=2)

    print(f"Growth in experts, n={n_samples:,}, d={n_features}, relative to the first:")
    growth("K", sizes, make)


def memory(n_samples, n_features=10, n_experts=4):
    """Peak memory of a whole fit beyond X and y."""
    X, y, _ = simulate(n_samples, n_features, n_experts)
    tracemalloc.start()
    MixtureOfExpertsRegressor(n_experts=n_experts, max_iter=3).fit(X, y)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    print(
        f"Memory of a fit beyond X and y, n={n_samples:,}, d={n_features}, "
        f"K={n_experts}: {peak:.1f} MiB (X has {X.nbytes / 2**20:.0f})"
    )


def compile_time():
    """First use of the compiled kernels in this process."""
    if "numba" in ENGINES:
        from skmoe.kernels.numba_compile import compile_all

        start = time.perf_counter()
        compile_all()
        print(f"Loading or compiling the kernels: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="up to 10 million rows")
    large = parser.parse_args().large
    warnings.simplefilter("ignore")  # truncated fits do not converge, on purpose
    print(f"{os.cpu_count()} processors, engines {ENGINES}")
    with threadpool_limits(1):
        compile_time()
        against_blas()
        against_processes()
        growth_in_experts([2, 4, 8, 16, 32, 64, 128, 256])
        growth_in_rows([10**4, 10**5, 10**6, *([10**7] if large else [])])
        memory(10**7 if large else 10**6)
