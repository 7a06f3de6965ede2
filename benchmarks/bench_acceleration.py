# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Passes over the data that EM needs with and without acceleration.

    python benchmarks/bench_acceleration.py

For simulated mixtures (all methods start from the same responsibilities, half of the
labels true, half noise): passes until the mean log likelihood is within 1e-5 and 1e-7
of the best that any of them reaches, for plain EM (with a Newton step for the gate),
SQUAREM with a monotonicity safeguard, and the quasi-Newton steps that skmoe uses; and
how far each ends below the best, in total log likelihood.
"""

import warnings

import numpy as np
from timing import make_mixture
from versus.cases import simulate, soften

from skmoe.em.driver import EM

MAX_PASSES = 5000
# The first four are hard for EM: experts that overlap, or much noise.
CASES = [
    ("overlap", 1_000, 1, 5),
    ("overlap", 10_000, 1, 5),
    ("noise", 5_000, 10, 5),
    ("noise", 5_000, 5, 3),
    ("overlap", 1_000, 1, 3),
    ("overlap", 10_000, 10, 3),
    ("overlap", 10_000, 10, 5),
]


class Counted:
    """A mixture that records the objective at each E-step."""

    def __init__(self, mixture):
        self.__dict__["mixture"] = mixture
        self.__dict__["bounds"] = []

    def __getattr__(self, name):
        return getattr(self.mixture, name)

    def __setattr__(self, name, value):
        setattr(self.mixture, name, value)

    def e_step(self, hard=False):
        sums, bound = self.mixture.e_step(hard)
        self.bounds.append(bound)
        return sums, bound


def squarem(mixture, start):
    """Varadhan & Roland (2008), scheme S3, falling back to EM where the bound falls."""
    mixture.begin(start)
    sums, bound = mixture.e_step()
    while len(mixture.bounds) < MAX_PASSES:
        start, before = mixture.parameters, bound
        first = mixture.parameters = mixture.local_model(sums).target
        sums, middle = mixture.e_step()
        second = mixture.local_model(sums).target
        step, change = first - start, second - 2 * first + start
        length = -np.linalg.norm(step) / max(np.linalg.norm(change), 1e-300)
        length = min(length, -1.0)
        while True:
            mixture.parameters = start - 2 * length * step + length**2 * change
            sums, bound = mixture.e_step()
            if bound >= middle or length == -1.0:
                break
            length = -1.0 if length > -1.01 else (length - 1.0) / 2.0
        if bound - before < 1e-13:
            return


def em(accelerate):
    def climb(mixture, start):
        EM(mixture, tol=1e-13, accelerate=accelerate).start(start).run(MAX_PASSES)

    return climb


METHODS = {"EM": em(False), "SQUAREM": squarem, "quasi-Newton": em(True)}


def passes(bounds, best, tolerance):
    """First pass within `tolerance` of `best`, or that it never gets there."""
    reached = np.flatnonzero(np.maximum.accumulate(bounds) >= best - tolerance)
    return str(reached[0] + 1) if len(reached) else f">{len(bounds)}"


def rows(kind, n_samples, n_features, n_experts):
    """X, y and noisy labels; 'noise' doubles the deviation of the noise around y."""
    X, y, _, noisy = simulate(n_samples, n_features, n_experts)
    if kind == "noise":
        y = y + 2.0 * np.random.default_rng(0).normal(size=n_samples)
    return X, y, noisy


def compare(kind, n_samples, n_features, n_experts):
    """Print one line per method."""
    X, y, noisy = rows(kind, n_samples, n_features, n_experts)
    results = {}
    for method, climb in METHODS.items():
        mixture = Counted(make_mixture(X, y, n_experts))
        climb(mixture, soften(noisy, n_experts))
        results[method] = mixture.bounds
    best = max(max(bounds) for bounds in results.values())
    for method, bounds in results.items():
        name = f"{kind} n={n_samples} d={n_features} K={n_experts}"
        below = (best - max(bounds)) * n_samples
        near, nearer = (passes(bounds, best, gap) for gap in (1e-5, 1e-7))
        print(f"| {name} | {method} | {near} | {nearer} | {below:.4f} |")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print("| data | method | 1e-5 | 1e-7 | below best |\n|---|---|---|---|---|")
    for case in CASES:
        compare(*case)
