# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The data, and the responsibilities that every fit starts from.

Simulated data come from numpy's PCG64, whose streams are fixed by (d, K) for the
parameters and by (n, d, K) for the rows: the same model is sampled at every n, and the
same rows come out everywhere.
"""

from dataclasses import dataclass

import numpy as np

SIZES = [1_000, 10_000, 100_000]
SHAPES = [(1, 2), (1, 3), (1, 5), (10, 2), (10, 3), (10, 5)]


@dataclass(frozen=True)
class Case:
    """Data (n, d) and (n,), the start (n, K), and the true start where there is one."""

    name: str
    X: np.ndarray
    y: np.ndarray
    start: np.ndarray
    true_start: np.ndarray | None = None

    @property
    def shape(self):
        return *self.X.shape, self.start.shape[1]

    def write(self, path, start):
        """The columns y, X and a start one after another, as doubles."""
        np.column_stack([self.y, self.X, start]).T.astype(np.float64).tofile(path)


def parameters(d, k):
    """Experts' coefficients, gate's coefficients (intercepts first) and deviations."""
    rng = np.random.default_rng([7, d, k])
    intercepts = np.linspace(-3.0, 3.0, k)
    experts = np.column_stack([intercepts, rng.normal(0.0, 1.0, (k, d))])
    gate = np.zeros((k, d + 1))
    gate[1:, 0] = rng.normal(0.0, 0.3, k - 1)
    gate[1:, 1:] = rng.normal(0.0, 1.5 / np.sqrt(d), (k - 1, d))
    return experts, gate, np.linspace(0.5, 1.0, k)


def simulate(n, d, k):
    """Rows, targets, true labels, and labels of which half are noise."""
    experts, gate, deviations = parameters(d, k)
    rng = np.random.default_rng([11, n, d, k])
    X = rng.normal(size=(n, d))
    A = np.column_stack([np.ones(n), X])
    scores = A @ gate.T
    log_gate = scores - scores.max(axis=1, keepdims=True)
    log_gate -= np.log(np.exp(log_gate).sum(axis=1, keepdims=True))
    below = rng.random(n)[:, None] > np.exp(log_gate).cumsum(axis=1)
    labels = below.sum(axis=1).clip(0, k - 1)
    means = (A @ experts.T)[np.arange(n), labels]
    y = means + deviations[labels] * rng.normal(size=n)
    is_noise = rng.random(n) < 0.5
    return X, y, labels, np.where(is_noise, rng.integers(0, k, n), labels)


def soften(labels, k):
    """0.9 for the label and 0.1 for every other, scaled to sum to one."""
    weights = np.where(labels[:, None] == np.arange(k), 0.9, 0.1)
    return weights / weights.sum(axis=1, keepdims=True)


def simulated(n, d, k):
    X, y, labels, noisy = simulate(n, d, k)
    name = f"n={n:,} d={d} K={k}"
    return Case(name, X, y, soften(noisy, k), soften(labels, k))


def real(load, k):
    """A data set of the package, standardised, and skmoe's own start."""
    bunch = load()
    complete = np.isfinite(bunch.data).all(axis=1)
    columns = []
    for name, column in zip(bunch.feature_names, bunch.data[complete].T, strict=True):
        if name in bunch.categorical_features:
            columns += [column == code for code in np.unique(column)[1:]]
        else:
            columns.append(column)
    X, y = np.column_stack(columns).astype(np.float64), bunch.target[complete]
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()
    n, d = X.shape
    name = load.__name__.removeprefix("load_").replace("_", " ")
    return Case(f"{name} n={n:,} d={d} K={k}", X, y, quantile_start(X, y, k))


def quantile_start(X, y, k):
    """Soft quantile groups along the direction that varies most with y."""
    direction = X @ (X.T @ y)
    ranks = np.argsort(np.argsort(direction, kind="stable"), kind="stable")
    steps = (ranks + 0.5)[:, None] / len(y) * k - (np.arange(k) + 0.5)
    weights = np.exp(-0.125 * steps**2)
    return weights / weights.sum(axis=1, keepdims=True)
