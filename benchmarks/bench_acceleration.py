# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Passes over the data that EM needs with and without acceleration.

    python benchmarks/bench_acceleration.py

For simulated mixtures (the same responsibilities to start from: half true labels,
half noise): E-steps until the mean log likelihood is within 1e-5
and 1e-7 of the end of that run, for plain (generalised) EM, SQUAREM with a monotonicity
safeguard, and the quasi-Newton steps that skmoe uses; and how far that end is below the
best of the three, in total log likelihood.
"""

import warnings

import numpy as np
from bench_first import make_mixture

from skmoe.em.driver import EM

MAX_PASSES = 5000


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
        responsibilities, bound = self.mixture.e_step(hard)
        self.bounds.append(bound)
        return responsibilities, bound


def squarem(mixture, responsibilities):
    """Varadhan & Roland (2008), scheme S3, falling back to EM where the bound falls."""
    mixture.m_step(responsibilities)
    responsibilities, bound = mixture.e_step()
    while len(mixture.bounds) < MAX_PASSES:
        start, before = mixture.parameters, bound
        mixture.m_step(responsibilities)
        first = mixture.parameters
        responsibilities, middle = mixture.e_step()
        mixture.m_step(responsibilities)
        second = mixture.parameters
        step, change = first - start, second - 2 * first + start
        length = -np.linalg.norm(step) / max(np.linalg.norm(change), 1e-300)
        length = min(length, -1.0)
        while True:
            mixture.parameters = start - 2 * length * step + length**2 * change
            responsibilities, bound = mixture.e_step()
            if bound >= middle or length == -1.0:
                break
            length = -1.0 if length > -1.01 else (length - 1.0) / 2.0
        if bound - before < 1e-13:
            return


def em(accelerate):
    def climb(mixture, responsibilities):
        run = EM(mixture, tol=1e-13, accelerate=accelerate)
        run.start(responsibilities).run(MAX_PASSES)

    return climb


METHODS = {"EM": em(False), "SQUAREM": squarem, "quasi-Newton": em(True)}


def passes(bounds, best, tolerance):
    """First E-step within `tolerance` of `best`."""
    reached = np.flatnonzero(np.maximum.accumulate(bounds) >= best - tolerance)
    return reached[0] + 1 if len(reached) else None


def compare(name, new_mixture, responsibilities, n_samples):
    results = {}
    for method, climb in METHODS.items():
        mixture = Counted(new_mixture())
        climb(mixture, responsibilities)
        results[method] = mixture.bounds
    best = max(max(bounds) for bounds in results.values())
    for method, bounds in results.items():
        end = max(bounds)
        print(
            f"{name:24s} {method:13s} {passes(bounds, end, 1e-5):5d} "
            f"{passes(bounds, end, 1e-7):5d}   {(best - end) * n_samples:8.3f}"
        )


def noisy_labels(labels, n_experts):
    rng = np.random.RandomState(1)
    noisy = rng.uniform(size=len(labels)) < 0.5
    start = np.where(noisy, rng.randint(n_experts, size=len(labels)), labels)
    return 0.8 * np.eye(n_experts)[start] + 0.2 / n_experts


def simulated():
    for n_samples, n_features, n_experts in (
        (1_000, 1, 3),
        (1_000, 1, 5),
        (10_000, 1, 5),
        (10_000, 10, 3),
        (5_000, 10, 5),
        (5_000, 20, 8),
    ):
        shape = n_samples, n_features, n_experts
        _, truth = make_mixture(*shape, noise=1.0, separation=1.0)
        start = noisy_labels(truth.labels, n_experts)
        compare(
            f"n={n_samples} d={n_features} K={n_experts}",
            lambda shape=shape: make_mixture(*shape, noise=1.0, separation=1.0)[0],
            start,
            n_samples,
        )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(f"{'':24s} {'':13s}  1e-5  1e-7   below best (total)")
    simulated()
