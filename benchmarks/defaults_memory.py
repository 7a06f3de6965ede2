# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Which experts overfit the rows that they were fitted to."""

import sys
import warnings
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
from defaults_data import encoder
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.datasets import load_concrete, load_penguins
from skmoe.experts import estimators
from skmoe.experts.overfitting import overfitted, shares

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.shared import two_boundaries, two_regimes


def memory_table(folder=None):
    """Which experts know their rows by heart."""
    # A cell has the shares unexplained inside and outside, of the expert whose ratio is
    # the largest, and the mixture's mean loss of the rows fitted to and of a third held
    # out; it is bold if `fit` says to use `cv`.
    tasks = (
        (MixtureOfExpertsRegressor, regressions_to_overfit, regressors_by_memory),
        (MixtureOfExpertsClassifier, classes_to_overfit, classifiers_by_memory),
    )
    for mixture, sets, kinds in tasks:
        parts = {
            name: train_test_split(
                encoder().fit_transform(X), y, test_size=1 / 3, random_state=0
            )
            for name, X, y in sets()
        }
        for n_experts in (1, 2):
            print(f"| K = {n_experts} | {' | '.join(parts)} |")
            print("|---" * (len(parts) + 1) + "|")
            for kind, expert in kinds().items():
                model = mixture(expert, n_experts, tol=1e-2, max_iter=5, random_state=0)
                cells = [memory_cell(model, *part) for part in parts.values()]
                print(f"| {kind} | {' | '.join(cells)} |", flush=True)


def memory_cell(model, X, X_test, y, y_test):
    """One fit, as text."""
    found = {}

    def record(trainer, work):
        found.update(shares(trainer, work, checked_below=np.inf))
        return overfitted(trainer, work)

    with (
        patch.object(estimators, "overfitted", record),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        model.fit(X, y)
    inside, outside = max(found.values(), key=lambda pair: pair[1] / max(pair[0], 1e-6))
    losses = [-model.score_samples(*rows).mean() for rows in ((X, y), (X_test, y_test))]
    before, after = (f"{loss:z.2f}" if loss < 100 else f"{loss:.0f}" for loss in losses)
    cell = f"{inside:.3f} {outside:.3f}, {before} {after}"
    return f"**{cell}**" if any("cv=5" in str(one.message) for one in caught) else cell


def regressions_to_overfit():
    """Yield (name, X, y)."""
    for loader in (load_concrete, load_penguins, load_diabetes):
        bunch = loader(as_frame=True)
        yield loader.__name__.removeprefix("load_"), bunch.data, bunch.target
    for noise in (0.1, 0.5):
        X, y, _ = two_regimes(500, 3, noise)
        yield f"two lines, noise {noise}", pd.DataFrame(X), y


def classes_to_overfit():
    """Yield (name, X, y); of penguins, the island."""
    penguins = load_penguins(as_frame=True).frame
    yield "penguins' island", penguins.drop(columns="island"), penguins["island"]
    X, y = two_boundaries(500, 3)
    yield "two boundaries", pd.DataFrame(X), y
    wine = load_wine(as_frame=True)
    yield "wine", wine.data, wine.target


def regressors_by_memory():
    """From those that cannot overfit to those that do."""
    return {
        "linear": make_pipeline(StandardScaler(), LinearRegression()),
        "ridge": make_pipeline(StandardScaler(), Ridge()),
        "tree, depth 3": DecisionTreeRegressor(max_depth=3),
        "tree, depth 4": DecisionTreeRegressor(max_depth=4),
        "tree, leaves of 20": DecisionTreeRegressor(min_samples_leaf=20),
        "10 neighbours": KNeighborsRegressor(10),
        "forest, leaves of 20": RandomForestRegressor(min_samples_leaf=20),
        "gradient boosting": GradientBoostingRegressor(),
        "hist gradient boosting": HistGradientBoostingRegressor(),
        "forest": RandomForestRegressor(),
        "boosting, 300 of depth 5": GradientBoostingRegressor(
            n_estimators=300, max_depth=5
        ),
        "nearest neighbour": KNeighborsRegressor(1),
        "tree": DecisionTreeRegressor(),
    }


def classifiers_by_memory():
    """The same for classes."""
    return {
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
        "tree, depth 3": DecisionTreeClassifier(max_depth=3),
        "tree, depth 4": DecisionTreeClassifier(max_depth=4),
        "tree, leaves of 20": DecisionTreeClassifier(min_samples_leaf=20),
        "10 neighbours": KNeighborsClassifier(10),
        "forest, leaves of 20": RandomForestClassifier(min_samples_leaf=20),
        "gradient boosting": GradientBoostingClassifier(),
        "hist gradient boosting": HistGradientBoostingClassifier(),
        "forest": RandomForestClassifier(),
        "nearest neighbour": KNeighborsClassifier(1),
        "tree": DecisionTreeClassifier(),
    }
