# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Tables of defaults.py on starts: init, n_init, short runs and search."""

import sys
from functools import partial
from pathlib import Path
from time import perf_counter
from unittest import mock

import numpy as np
from defaults_data import data_sets, heading, held_out, row

from skmoe import MixtureOfExpertsRegressor
from skmoe.em import annealing, quantile_groups, restarts, split_merge, starts
from skmoe.em.starts import OneHot, StartingPoint
from skmoe.gates import ConstantGate, SoftmaxGate

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.test_references import CASES, TOLERANCE, fit_case

SEARCHES = (None, "anneal", "split_merge")
N_SINGLE_STARTS = 20
SEARCH_SETS = ("auto_mpg", "bike_sharing", "concrete", "diabetes", "penguins")
MOVE_SETS = ("auto_mpg", "concrete", "penguins")


def shortfalls(**parameters):
    """How far each case ends below its reference (n_cases,), and its iterations."""
    fits = [(case, fit_case(case, random_state=0, **parameters)[0]) for case in CASES]
    below = [case["log_likelihood"] - model.log_likelihood_ for case, model in fits]
    return np.array(below), np.array([model.n_iter_ for _, model in fits])


def n_reached(**parameters):
    """The number of cases whose reference, or a better maximum, is reached."""
    return int((shortfalls(**parameters)[0] < TOLERANCE).sum())


def reference_table(folder=None):
    """Cases reached by each init and n_init, and what the gate's penalty costs."""
    numbers = (1, 5, 10, 20)
    heading(f"`init` ({len(CASES)} cases)", *(f"`n_init={n}`" for n in numbers))
    for init in ("quantile", "kmeans", "random"):
        row(f'"{init}"', *(n_reached(init=init, n_init=n) for n in numbers))
    with mock.patch("tests.test_references.SoftmaxGate", return_value=SoftmaxGate()):
        below = shortfalls(n_init=20)[0]
    print("\nBelow the reference with alpha=1e-4, n_init=20:", end=" ")
    missed = [i for i in np.argsort(-below) if below[i] > TOLERANCE]
    print(", ".join(f"{CASES[i]['id']} by {below[i]:.3f}" for i in missed), "\n")


def blind_table(folder=None):
    """Fits without a gate that end within a log unit of the best known, and time."""
    ways = ({"n_init": 1}, {"n_init": "auto"}, {"n_init": 5}, {"n_init": 20})
    best_known = (*ways, {"n_init": 1, "search": "split_merge"})
    heading("10 draws of", *(f"`n_init={way['n_init']!r}`" for way in ways))
    for name, draw in BLIND.items():
        reached, seconds = np.zeros(len(ways), int), np.zeros(len(ways))
        for seed in range(10):
            X, y, groups, n_experts, family = draw(np.random.default_rng(seed))
            found = []
            for way in best_known:
                model = MixtureOfExpertsRegressor(
                    n_experts=n_experts, family=family, gate=ConstantGate()
                )
                begin = perf_counter()
                model.set_params(random_state=seed, **way).fit(X, y, groups=groups)
                found.append((model.log_likelihood_, perf_counter() - begin))
            values, times = np.array(found).T
            reached += values[:-1] > values.max() - 1
            seconds += times[:-1]
        row(
            name,
            *(f"{n}, {t / 10:.2f} s" for n, t in zip(reached, seconds, strict=True)),
        )
    print()


def crossing_lines(rng):
    """Two lines that cross, of very different noise."""
    x, second = rng.uniform(0, 10, 200), rng.random(200) < 0.5
    noise = np.where(second, 0.25, 2.0) * rng.normal(size=200)
    return x[:, None], np.where(second, 3 - x, 10 + 3 * x) + noise, None, 2, "gaussian"


def parallel_lines(rng):
    """Three parallel lines, six standard deviations apart."""
    x = rng.uniform(0, 10, 300)
    y = x + 6 * rng.integers(3, size=300) + rng.normal(size=300)
    return x[:, None], y, None, 3, "gaussian"


def two_normals(rng):
    """A mixture of two normals, beside a column that says nothing."""
    first = rng.random(500) < 0.5
    y = np.where(first, rng.normal(0, 3, 500), rng.normal(10, 2, 500))
    return rng.normal(size=(500, 1)), y, None, 2, "gaussian"


def panel(rng, grouped=False):
    """Counts of 300 people seen four times, of three kinds."""
    person = np.repeat(np.arange(300), 4)
    kind = rng.choice(3, 300, p=[0.5, 0.35, 0.15])[person]
    X = np.c_[rng.integers(0, 2, 300)[person], rng.normal(size=(1200, 2))]
    level, slope = np.array([-0.8, 0.9, 2.4])[kind], np.array([0.45, 0.23, 0.1])[kind]
    y = rng.poisson(np.exp(level + slope * X[:, 0] + 0.1 * X[:, 1]))
    return X, y, person if grouped else None, 3, "poisson"


BLIND = {
    "lines that cross": crossing_lines,
    "parallel lines": parallel_lines,
    "two normals": two_normals,
    "counts of a panel": panel,
    "the same, rows of a person share an expert": partial(panel, grouped=True),
}


def start_table(folder=None):
    """The share of single starts of each kind that reach the reference."""
    kinds = start_kinds()
    heading("case", *kinds)
    shares = []
    for case in CASES:
        shares.append([share_reached(case, *kind) for kind in kinds.values()])
        row(case["id"].split("_")[0], *(f"{share:.2f}" for share in shares[-1]))
    row("mean", *(f"{share:.2f}" for share in np.mean(shares, axis=0)))
    print()


def start_kinds():
    """Name of each kind: the start, a function of (point, rng), and constants."""
    direction, drawn = StartingPoint.direction, StartingPoint.elemental
    classifiers = StartingPoint.classifiers

    def elemental(point, rng):
        return (classifiers if point.is_classification else drawn)(point, rng)

    def labels(point, rng):
        drawn = rng.randint(point.n_experts, size=len(point.weights))
        return OneHot(drawn, point.n_experts)

    return {
        '"elemental"': (elemental, 2.0, 3.0),
        "the same, class slopes of 1": (elemental, 2.0, 1.0),
        '"direction"': (direction, 2.0, 3.0),
        "the same, overlap of 0.5": (direction, 0.5, 3.0),
        '"fourier"': (StartingPoint.fourier, 2.0, 3.0),
        "labels per row": (labels, 2.0, 3.0),
    }


def share_reached(case, start, overlap, slope):
    """Of single starts; the first that init="random" draws is replaced by `start`."""
    with (
        mock.patch.multiple(StartingPoint, elemental=start, classifiers=start),
        mock.patch.object(quantile_groups, "OVERLAP", overlap),
        mock.patch.object(starts, "CLASSIFIER_SLOPE", slope),
    ):
        fits = [
            fit_case(case, init="random", random_state=seed)[0]
            for seed in range(N_SINGLE_STARTS)
        ]
    target = case["log_likelihood"] - TOLERANCE
    return np.mean([model.log_likelihood_ > target for model in fits])


def short_run_table(folder=None):
    """Cases reached by the length of the short runs from each of several starts."""
    numbers = (5, 20)
    heading("iterations", *(f"`n_init={n}`" for n in numbers))
    for length in (20, 50, 100):
        with mock.patch.object(restarts, "SHORT_RUN", length):
            row(length, *(n_reached(n_init=n) for n in numbers))
    print()


def search_table(folder=None):
    """References reached with and without a search."""
    heading("`search`", "`n_init=1`", "5", "median iterations of one start")
    for search in SEARCHES:
        below, iterations = shortfalls(search=search)
        one, five = (below < TOLERANCE).sum(), n_reached(search=search, n_init=5)
        row(_quoted(search), one, five, f"{np.median(iterations):.0f}")
    print()


def search_data_table(folder):
    """Linear experts with and without a search: training and held-out rows."""
    settings = [{"search": search} for search in SEARCHES] + [{"n_init": 20}]
    heading("data", "K", *map(_quoted, SEARCHES), "`n_init=20`")
    times = []
    for name, X, y in data_sets(folder, SEARCH_SETS):
        for n_experts in (3, 5):
            found = [
                held_out(_mixture(n_experts, **setting), X, y) for setting in settings
            ]
            bounds = [f"{result[4]:.3f}" for result in found]
            best = max(bounds, key=float)
            bounds = [f"**{b}**" if b == best else b for b in bounds]
            losses = [f"{result[0]:.3f}" for result in found]
            row(name, n_experts, *map(" / ".join, zip(bounds, losses, strict=True)))
            times.append([result[2] for result in found])
    times = np.array(times)
    for name, base in (("one start", times[:, 0]), ("20 starts", times[:, 3])):
        ratio = times[:, 2] / base
        print(f"\nsplit_merge: {ratio.min():.1f} to {ratio.max():.1f} times {name}")
    print()


def move_table(folder):
    """The constants of the searches: pairs and splits, and the lowest power."""
    pairs = {
        f"pairs {n}, splits {m}{used}": {"MAX_PAIRS": n, "MAX_SPLITS": m}
        for n, m, used in ((1, 2, ""), (3, 2, " (used)"), (6, 4, ""))
    }
    heading("constants", "references", *MOVE_SETS)
    for name, constants in pairs.items():
        with mock.patch.multiple(split_merge, **constants):
            row(f'"split_merge", {name}', *_reached_by("split_merge", folder))
    for lowest, used in ((0.1, ""), (0.3, ""), (0.5, " (used)"), (0.7, "")):
        n = annealing.N_POWERS
        powers = tuple(lowest ** (1 - i / n) for i in range(n))
        defaults = (powers, annealing.STEPS)
        with mock.patch.object(annealing.anneal, "__defaults__", defaults):
            row(f'"anneal", from {lowest}{used}', *_reached_by("anneal", folder))
    print()


def _reached_by(search, folder):
    yield n_reached(search=search)
    for _, X, y in data_sets(folder, MOVE_SETS):
        yield f"{held_out(_mixture(5, search=search), X, y)[4]:.3f}"


def _mixture(n_experts, **parameters):
    return MixtureOfExpertsRegressor(n_experts=n_experts, random_state=0, **parameters)


def _quoted(value):
    return f'"{value}"' if isinstance(value, str) else str(value)
