# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The experiments behind defaults: prints the tables of docs/defaults.md.

    python benchmarks/defaults.py [TABLE ...] [--data FOLDER]

TABLE is a name such as reference_table, which the page gives with each table; without
one all are printed. FOLDER holds the data sets that neither skmoe nor scikit-learn
ships, as `NAME.csv.gz` with a column `target` (for classes as real/data.py describes);
a set that is missing is left out.
"""

import argparse
import sys
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
from defaults_data import compare, data_sets, heading, held_out, row
from defaults_gates import gate_lead_table, gate_memory_table
from defaults_memory import memory_table
from defaults_starts import (
    blind_table,
    move_table,
    reference_table,
    search_data_table,
    search_table,
    short_run_table,
    start_table,
)
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.experts import PooledRidge
from skmoe.families import Gaussian
from skmoe.gates import SoftmaxGate
from skmoe.mixture import limits

sys.path.insert(0, str(Path(__file__).parent / "real"))
from data import capped, fold
from data import data_sets as real_data_sets

warnings.simplefilter("ignore")
# Rows of a set of classes, as in docs/real.md.
REAL_ROWS = 2000
# Sets of tables that need not be long, and at most so many rows of each.
SOME_SETS = ("auto_mpg", "bike_sharing", "california", "concrete", "diabetes")
SOME_SETS += ("nmes1988", "penguins", "randhie")
SOME_ROWS = 2000
SHIPPED_CLASSES = ["breast_cancer"]
CLASSES = ["vowel", "hpc_data", "credit_data", "page_blocks", "adult"]


def data_table(folder):
    """Three linear experts: restarts, tolerance, the gate's penalty, acceleration."""
    base = {"n_experts": 3, "extrapolation": "free", "random_state": 0}
    settings = {
        "default": {},
        "n_init=5": {"n_init": 5},
        "kmeans": {"init": "kmeans"},
        "tol=1e-4": {"tol": 1e-4},
        "tol=1e-8": {"tol": 1e-8, "max_iter": 2000},
        "alpha=0": {"gate": SoftmaxGate(alpha=0)},
        "alpha=1e-5": {"gate": SoftmaxGate(alpha=1e-5)},
        "alpha=1e-3": {"gate": SoftmaxGate(alpha=1e-3)},
        "alpha=1e-2": {"gate": SoftmaxGate(alpha=1e-2)},
        "not accelerated": {"accelerate": False, "max_iter": 5000},
    }
    heading("data", *settings)
    iterations = []
    for name, X, y in data_sets(folder):
        models = [
            MixtureOfExpertsRegressor(**base, **some) for some in settings.values()
        ]
        found = [held_out(model, X, y) for model in models]
        row(name, *(f"{result[0]:.3f}" for result in found))
        iterations.append([result[3] for result in found])
    row("mean iterations", *(f"{mean:.0f}" for mean in np.mean(iterations, axis=0)))
    print()


def extrapolation_table(folder):
    """Linear and ridge experts without and with limits on their predictions."""
    models = {
        f"{kind}, {extrapolation}": MixtureOfExpertsRegressor(
            experts, extrapolation=extrapolation, random_state=0
        )
        for kind, experts in (("linear", None), ("ridge", Ridge()))
        for extrapolation in ("free", "auto", "clip")
    }
    compare(models, data_sets(folder), digits=(4, 3), n_splits=5)


def auto_room_table(folder):
    """Ridge experts by the room that "auto" leaves them, in ranges of the responses."""
    sets = ("california", "check_times", "diamonds", "penguins")
    widths = (0, 0.05, 0.5, 1, np.inf)
    heading("data", "K", *widths[:-1], "free")
    for name, X, y in data_sets(folder, sets, SOME_ROWS):
        for n_experts in (3, 6):
            model = MixtureOfExpertsRegressor(Ridge(), n_experts, random_state=0)
            losses = []
            for width in widths:
                # The width is a constant of the package: no user should need it.
                with mock.patch.object(limits, "WIDE_MARGIN", width):
                    losses.append(held_out(model, X, y)[0])
            row(name, n_experts, *(f"{loss:.3f}" for loss in losses))
    print()


def early_stopping_table(folder):
    """Linear experts and trees, early stopping or not."""
    kinds = {
        "linear, K=3": {},
        "linear, K=6": {"n_experts": 6},
        "trees of depth 6": {"experts": DecisionTreeRegressor(max_depth=6)},
    }
    models = {
        f"{kind}{', stopped' if stops else ''}": MixtureOfExpertsRegressor(
            **params, early_stopping=stops, tol=1e-4, random_state=0
        )
        for kind, params in kinds.items()
        for stops in (False, True)
    }
    compare(models, data_sets(folder, SOME_SETS, SOME_ROWS))


def shrinkage_table(folder):
    """Linear experts, free, drawn to zero and drawn to the pooled slopes."""
    experts = {"free": LinearRegression()}
    experts |= {f"`Ridge({alpha})`": Ridge(alpha) for alpha in (1, 10)}
    experts |= {f"`PooledRidge({a})`": PooledRidge(a) for a in (1, 10, 100)}
    for n_experts in (3, 6):
        models = {
            name: MixtureOfExpertsRegressor(
                expert, n_experts, extrapolation="free", random_state=0
            )
            for name, expert in experts.items()
        }
        corner = f"K = {n_experts}"
        compare(models, data_sets(folder), corner, tally=True, n_splits=5)


def dispersion_table(folder):
    """Linear and ridge experts, priors on their dispersions of several strengths."""
    free, ridge = LinearRegression(), Ridge()
    settings = {
        "no prior": (free, 0, 1),
        "1 row": (free, 1, 1),
        "10 rows": (free, 10, 1),
        "10 rows of 0.3": (free, 10, 0.3),
        "ridge": (ridge, 0, 1),
        "ridge, 1 row": (ridge, 1, 1),
    }
    for n_experts in (3, 6):
        models = {
            name: MixtureOfExpertsRegressor(
                expert,
                n_experts,
                family=Gaussian(prior_rows=rows, prior_scale=scale),
                extrapolation="free",
                random_state=0,
            )
            for name, (expert, rows, scale) in settings.items()
        }
        corner = f"K = {n_experts}"
        compare(models, data_sets(folder), corner, tally=True, n_splits=5)


def floor_table(folder):
    """Linear experts by the floor of their dispersions."""
    for n_experts in (3, 6):
        models = {
            f"{floor:g}": MixtureOfExpertsRegressor(
                n_experts=n_experts, reg_dispersion=floor, random_state=0
            )
            for floor in (1e-3, 1e-4, 1e-2, 3e-2)
        }
        sets = data_sets(folder, SOME_SETS, SOME_ROWS)
        compare(models, sets, f"K = {n_experts}", tally=True)


def cross_fitting_table(folder):
    """Boosted experts, cross-fitted or not: three of five folds."""
    # A Pipeline shows no stages: all of them are used.
    boosted = make_pipeline(HistGradientBoostingRegressor(max_depth=4, random_state=0))
    settings = {
        "one expert, `cv=5`": (boosted, 1, 5),
        "`cv=None`": (boosted, 3, None),
        "`cv=3`": (boosted, 3, 3),
        "`cv=5`": (boosted, 3, 5),
    }
    heading("data", *settings, "iterations")
    for name, X, y in data_sets(folder, ("auto_mpg", "diabetes", "concrete")):
        found = [
            held_out(
                MixtureOfExpertsRegressor(experts, K, cv=cv, tol=1e-2, random_state=0),
                X,
                y,
                n_splits=5,
                n_folds=3,
            )
            for experts, K, cv in settings.values()
        ]
        cells = [f"{nll:.3f} / {r2:.3f}" for nll, r2, *_ in found]
        row(name, *cells, ", ".join(f"{result[3]:.0f}" for result in found[1:]))
    print()


def classifier_table(folder, n_splits=3):
    """Held-out log loss of logistic experts: their penalty, the gate's, and starts."""
    names = classifier_settings(4)
    heading("set, K", *names)
    for data in real_data_sets(folder, SHIPPED_CLASSES + (CLASSES if folder else [])):
        capped_data = capped(data, REAL_ROWS)
        folds = [fold(capped_data, n_splits, index) for index in range(n_splits)]
        # Four experts on adult take longer than all the rest.
        for n_experts in (1, 2) if data.name == "adult" else (1, 2, 4):
            settings = classifier_settings(n_experts)
            row(
                f"{data.name}, {n_experts}",
                *(
                    log_loss_of(n_experts, settings[name], folds)
                    if name in settings
                    else ""
                    for name in names
                ),
            )
    print()


def classifier_settings(n_experts):
    """Keywords by name; one expert has no gate and no start."""
    strengths = {"C=0.1": 0.1, "C=K": n_experts, "C=10": 10.0, "C=100": 100.0}
    penalties = {
        name: {"experts": LogisticRegression(C=C)} for name, C in strengths.items()
    }
    if n_experts == 1:
        return {"default": {}, **penalties}
    return {
        "default": {},
        "tol=1e-4": {"tol": 1e-4},
        **penalties,
        "alpha=1e-3": {"gate": SoftmaxGate(alpha=1e-3)},
        "alpha=1e-2": {"gate": SoftmaxGate(alpha=1e-2)},
        "init=kmeans": {"init": "kmeans"},
    }


def log_loss_of(n_experts, parameters, folds):
    """Mean over the folds, as text."""
    parameters = {"n_experts": n_experts, "random_state": 0, **parameters}
    model = MixtureOfExpertsClassifier(**parameters)
    losses = []
    for part in folds:
        model.fit(part["X_train"], part["y_train"])
        losses.append(-model.score_samples(part["X_test"], part["y_test"]).mean())
    return f"{np.mean(losses):.3f}"


# In the order of the page.
TABLES = (
    reference_table,
    blind_table,
    start_table,
    short_run_table,
    search_table,
    search_data_table,
    move_table,
    data_table,
    early_stopping_table,
    extrapolation_table,
    auto_room_table,
    shrinkage_table,
    dispersion_table,
    floor_table,
    cross_fitting_table,
    classifier_table,
    memory_table,
    gate_memory_table,
    gate_lead_table,
)


def main():
    """Print the tables asked for."""
    tables = {table.__name__: table for table in TABLES}
    lines = [f"  {name:22s}{table.__doc__}" for name, table in tables.items()]
    parser = argparse.ArgumentParser(
        description="Print the tables of docs/defaults.md.",
        epilog="tables:\n" + "\n".join(lines),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="none: all")
    parser.add_argument("--data", metavar="FOLDER", help="more data sets")
    asked = parser.parse_args()
    if unknown := set(asked.tables) - tables.keys():
        parser.error(f"no such table: {', '.join(sorted(unknown))}")
    for name in asked.tables or tables:
        print(f"{name}\n")
        tables[name](asked.data)


if __name__ == "__main__":
    main()
