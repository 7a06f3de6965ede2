# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Which gates overfit the rows that they were fitted to, and what `cv` gains."""

import warnings
from unittest.mock import patch

import numpy as np
from defaults_data import data_sets, heading, held_out, row
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from skmoe import MixtureOfExpertsRegressor
from skmoe.em.states import base as states

LEADS = 0, 1, 3, 5
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


def gate_lead_table(folder=None):
    """How many iterations a cross-fitted gate should be led in by its leader."""
    # A cell has the mean and the lowest log density of 400 new rows over the sets, of
    # two linear experts with `cv=5`; of the last column with several starts.
    for name, draw, n_sets in (("border", border, 8), ("crossed", crossed, 6)):
        heading(
            name,
            "no `cv`",
            *(f"WARM_UP_ITERATIONS = {lead}" for lead in LEADS),
            "`n_init=5`",
        )
        for kind, gate in gates_to_lead().items():
            model = MixtureOfExpertsRegressor(
                LinearRegression(), 2, gate=gate, tol=1e-3, max_iter=15, random_state=0
            )
            cells = [density_cell(model, draw, n_sets)]
            for lead in LEADS:
                with patch.object(states, "WARM_UP_ITERATIONS", lead):
                    out_of_fold = clone(model).set_params(cv=5)
                    cells.append(density_cell(out_of_fold, draw, n_sets))
            several = clone(model).set_params(cv=5, n_init=5)
            cells.append(density_cell(several, draw, n_sets))
            row(kind, *cells)
        print()


def density_cell(model, draw, n_sets):
    """Mean and minimum over the sets, as text."""
    densities = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(n_sets):
            model.fit(*draw(seed))
            densities.append(model.score_samples(*draw(100 + seed, 400)).mean())
    return f"{np.mean(densities):.2f} {np.min(densities):.2f}"


def border(seed, n_samples=100):
    """Lines of opposite sign on the two sides of a border; three columns."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-2, 2, size=(n_samples, 3))
    sign = np.where(X[:, 0] + X[:, 1] > 0, 1, -1)
    return X, sign * (2 * X[:, 2] + 2) + 0.3 * rng.normal(size=n_samples)


def crossed(seed, n_samples=250):
    """Two lines, by the sign of a product of two of five columns."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-2, 2, size=(n_samples, 5))
    y = np.where(X[:, 0] * X[:, 1] > 0, 2 * X[:, 2], -X[:, 2] - 1)
    return X, y + 0.4 * rng.normal(size=n_samples)


def gates_to_lead():
    """A few that are noise out of fold where responsibilities are almost even."""
    return {
        "hist gradient boosting": HistGradientBoostingClassifier(
            max_iter=15, random_state=0
        ),
        "forest, leaves of 20": RandomForestClassifier(
            20, min_samples_leaf=20, random_state=0
        ),
        "forest": RandomForestClassifier(20, random_state=0),
        "5 neighbours": KNeighborsClassifier(5),
        "tree": DecisionTreeClassifier(random_state=0),
    }


def gates_by_memory():
    """From those that cannot overfit to those that do."""
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
