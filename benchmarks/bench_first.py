# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What an EM iteration and a prediction cost, against the products they cannot avoid.

    python benchmarks/bench_first.py

All figures of a line come from one run, alternating, minimum of several repeats; only
the ratios mean anything on a shared machine. BLAS is limited to one thread.
"""

import time

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from threadpoolctl import threadpool_limits

from skmoe import MixtureOfExpertsRegressor
from skmoe._design import Designs
from skmoe.datasets import make_mixture_of_experts
from skmoe.em.driver import EM
from skmoe.em.mixture import Mixture
from skmoe.experts import LinearExperts
from skmoe.experts.base import ExpertTask
from skmoe.families import Gaussian
from skmoe.gates import SoftmaxGate


def best_times(functions, repeats=7):
    """Smallest time of each function, run in turn."""
    times = np.full((repeats, len(functions)), np.inf)
    for repeat in range(repeats):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            times[repeat, i] = time.perf_counter() - start
    return times.min(axis=0)


def make_mixture(n_samples, n_features, n_experts, **simulation):
    """A mixture of linear experts at work on simulated rows, and their truth."""
    X, y, truth = make_mixture_of_experts(
        n_samples,
        n_features,
        n_experts,
        random_state=0,
        return_truth=True,
        **simulation,
    )
    weights = np.ones(n_samples)
    designs = Designs(weights)
    task = ExpertTask(
        templates=[LinearRegression()] * n_experts,
        names=[f"expert{k}" for k in range(n_experts)],
        X=X,
        y=y[:, None],
        labels=y,
        classes=None,
        weights=weights,
        family=Gaussian(),
        minimum=np.array([1e-3 * y.std()]),
        designs=designs,
        fit_params=[{}] * n_experts,
    )
    gate = SoftmaxGate().trainer(X, n_experts, weights, designs)
    return Mixture(gate, LinearExperts.trainer(task), weights), truth


def em_iteration(n_samples=100_000, n_features=10, n_experts=4):
    """One accelerated EM iteration against its bare products."""
    mixture, _ = make_mixture(n_samples, n_features, n_experts, noise=1.0)
    start = np.random.RandomState(0).dirichlet(np.ones(n_experts), n_samples)
    run = EM(mixture, tol=0.0).start(start).run(15)
    A = mixture.gate.design.matrix
    W = np.random.RandomState(0).normal(size=(n_features + 1, 2 * n_experts))
    R = np.random.RandomState(0).dirichlet(np.ones(n_experts), n_samples)
    B = np.ascontiguousarray(A)

    def iteration():
        run.run(len(run.bounds) + 1)

    def products():
        # Scores of gate and experts; gradients of both; one Gram matrix per expert and
        # one per pair of free gate columns (its Hessian), without forming any weights.
        A @ W
        A.T @ R
        A.T @ R
        for _ in range(n_experts + n_experts * (n_experts - 1) // 2):
            A.T @ B

    with threadpool_limits(1):
        ours, bare = best_times([iteration, products])
    # `run` repeats the E-step that the iteration before ended with.
    with threadpool_limits(1):
        (repeated,) = best_times([run._e_step])
    print(
        f"EM iteration, linear experts, n={n_samples:,}, d={n_features}, "
        f"K={n_experts}: {(ours - repeated) / bare:.1f} x the bare products "
        f"({(ours - repeated) * 1e3:.0f} ms against {bare * 1e3:.0f} ms)"
    )


def dense_prediction(n_samples=1_000_000, n_features=20, n_experts=8):
    """Dense linear prediction against one matrix product and exponentials."""
    X, y = make_mixture_of_experts(20_000, n_features, n_experts, random_state=0)
    model = MixtureOfExpertsRegressor(n_experts=n_experts, max_iter=300).fit(X, y)
    X = np.random.RandomState(1).normal(size=(n_samples, n_features))
    W = np.random.RandomState(1).normal(size=(n_features, 2 * n_experts))
    scores = X @ W[:, :n_experts]
    with threadpool_limits(1):
        ours, product, exponentials = best_times(
            [lambda: model.predict(X), lambda: X @ W, lambda: np.exp(scores)], repeats=5
        )
    print(
        f"predict, linear experts, n={n_samples:,}, d={n_features}, K={n_experts}: "
        f"{ours / product:.1f} x X @ W, {ours / (product + exponentials):.1f} x X @ W "
        "and the gate's exponentials"
    )


def routed_forests(n_samples=100_000, n_experts=16):
    """`top_k=1` of forests against all of them."""
    X, y = make_mixture_of_experts(4_000, 10, n_experts, random_state=0)
    forest = RandomForestRegressor(50, min_samples_leaf=5, random_state=0)
    model = MixtureOfExpertsRegressor(
        forest, n_experts, max_iter=2, assignment="hard", init="kmeans", random_state=0
    ).fit(X, y)
    X = np.random.RandomState(1).normal(size=(n_samples, 10))

    def predict(top_k):
        model.set_params(top_k=top_k)
        model.predict(X)

    dense, routed, one = best_times(
        [
            lambda: predict(None),
            lambda: predict(1),
            lambda: model.experts_[0].predict(X),
        ],
        repeats=3,
    )
    print(
        f"predict, {n_experts} forests, n={n_samples:,}: top_k=1 takes "
        f"{routed / dense:.3f} of dense ({dense / routed:.1f} x faster), "
        f"{routed / one:.2f} x one forest on all rows"
    )


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")  # truncated fits do not converge, on purpose
    em_iteration()
    dense_prediction()
    routed_forests()
