# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Which gates know the rows by heart that they were fitted to, and what `cv` gains."""

import warnings

from defaults_data import data_sets, heading, held_out, row
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from skmoe import MixtureOfExpertsRegressor

SETS = "concrete", "penguins", "diabetes", "bike_sharing", "abalone"


def gate_memory_table(folder=None):
    """Which gates know their rows by heart, and what cross-fitting them gains."""
    # A cell has the held-out negative log likelihood without and with `cv=5`; it is
    # bold if a fit without says to use `cv`.
    sets = {name: (X, y) for name, X, y in data_sets(folder, SETS, max_rows=2000)}
    heading("gate", *sets)
    for name, gate in gates_by_memory().items():
        row(name, *(gate_cell(gate, *data) for data in sets.values()))


def gate_cell(gate, X, y):
    """Three linear experts under a gate, fitted with and without `cv`, as text."""
    plain = MixtureOfExpertsRegressor(
        LinearRegression(), 3, gate=gate, tol=1e-3, max_iter=20, random_state=0
    )
    crossed = clone(plain).set_params(cv=5)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        losses = [held_out(model, X, y)[0] for model in (plain, crossed)]
    cell = " ".join(f"{loss:.3f}" for loss in losses)
    warned = any("The gate knows" in str(each.message) for each in caught)
    return f"**{cell}**" if warned else cell


def gates_by_memory():
    """From those that cannot memorise to those that do."""
    return {
        "softmax": None,
        "logistic": LogisticRegression(),
        "30 neighbours": KNeighborsClassifier(30),
        "tree, depth 4": DecisionTreeClassifier(max_depth=4, random_state=0),
        "tree, depth 6": DecisionTreeClassifier(max_depth=6, random_state=0),
        "forest, leaves of 20": _forest(min_samples_leaf=20),
        "forest, leaves of 5": _forest(min_samples_leaf=5),
        "hist gradient boosting": HistGradientBoostingClassifier(
            max_iter=30, random_state=0
        ),
        "forest": _forest(),
        "tree": DecisionTreeClassifier(random_state=0),
    }


def _forest(**parameters):
    return RandomForestClassifier(50, random_state=0, **parameters)
