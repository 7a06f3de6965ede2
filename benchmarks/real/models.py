# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""All models, in the order of the tables. To add one, add an entry to MODELS.

An entry's `make(seed)` returns an object with

- `fit(X, y)` and `predict(X)`, the parts that are timed;
- regression: `distribution(X)`, a `metrics.Mixtures`; classification:
  `predict_proba(X)`, columns as the sorted classes;
- optionally `calibrate(X, y)`, called after `fit` with the same rows: what a model that
  predicts points needs to have a density;
- optionally `intervals(X)`, two arrays (n, 2): 90 % intervals, plain and calibrated;
- optionally `detail()`, a word for the results.

Packages are imported when a model is made, so that what is not installed is skipped.
"""

from collections.abc import Callable
from dataclasses import dataclass

import peers_classification
import peers_regression
import skmoe_models
import tuned


@dataclass(frozen=True)
class Model:
    """An entry."""

    name: str
    task: str  # "regression" | "classification"
    make: Callable
    group: str = "peer"  # "peer" | "skmoe"
    legacy: bool = False  # does not run on scikit-learn 1.9: see --legacy-python

    @property
    def covers(self):
        """Whether its intervals are looked at on larger sets, too."""
        return self.name in ("HGB", "skmoe boosted, cv")

    @property
    def is_tuned(self):
        """Whether it chooses among a few settings."""
        return self.name.endswith(", tuned")


def _entries(task, group, makers, legacy=()):
    return [
        Model(name, task, make, group, name in legacy) for name, make in makers.items()
    ]


MODELS = [
    *_entries("regression", "skmoe", skmoe_models.REGRESSORS),
    *_entries("regression", "peer", peers_regression.MAKERS, peers_regression.LEGACY),
    *_entries("regression", "peer", tuned.REGRESSORS, tuned.LEGACY),
    *_entries("classification", "skmoe", skmoe_models.CLASSIFIERS),
    *_entries(
        "classification",
        "peer",
        peers_classification.MAKERS,
        peers_classification.LEGACY,
    ),
    *_entries("classification", "peer", tuned.CLASSIFIERS, tuned.LEGACY),
]
