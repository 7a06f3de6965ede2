# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The data sets, their folds, and the preprocessing that every model gets.

skmoe and scikit-learn ship six of them; fetch.py makes a folder with the others. It
holds `NAME.csv.gz` (target in the column `target`, categories as strings) and
`meta.json`, which says per set its `task`, its `categorical` columns, its `targets` if
they have other names, its `source` and its `licence`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, OneHotEncoder, StandardScaler

from skmoe.datasets import load_bike_sharing, load_concrete, load_penguins

SHIPPED = {
    "bike": ("regression", load_bike_sharing),
    "concrete": ("regression", load_concrete),
    "penguins_bill": ("regression", load_penguins),
    "diabetes": ("regression", load_diabetes),
    "breast_cancer": ("classification", load_breast_cancer),
    "digits": ("classification", load_digits),
}
CLASSES = ("binary", "multiclass")


@dataclass(frozen=True, eq=False)
class DataSet:
    """Rows, as they are before any preprocessing."""

    name: str
    task: str  # "regression" | "classification"
    X: pd.DataFrame
    y: np.ndarray


def data_sets(folder=None, names=()):
    """Yield every DataSet, or those named; those of the folder first, by size."""
    known = {name: (task, None) for name, (task, _) in SHIPPED.items()}
    if folder is not None:
        meta = json.loads((Path(folder) / "meta.json").read_text())
        files = sorted(
            (Path(folder) / f"{name}.csv.gz" for name in meta),
            key=lambda path: path.stat().st_size,
        )
        order = [path.name.removesuffix(".csv.gz") for path in files]
        known |= {
            name: (
                "classification" if meta[name]["task"] in CLASSES else "regression",
                meta[name],
            )
            for name in order
        }
        order += [name for name in known if name not in order]
        known = {name: known[name] for name in order}
    unknown = set(names) - set(known)
    if unknown:
        raise SystemExit(f"No such data sets: {sorted(unknown)}. Known: {list(known)}.")
    for name, (task, about) in known.items():
        if not names or name in names:
            if name in SHIPPED:
                yield _shipped(name)
            else:
                yield _from_folder(Path(folder), name, task, about)


def _shipped(name):
    task, load = SHIPPED[name]
    bunch = load(as_frame=True)
    y = bunch.target.to_numpy()
    return DataSet(name, task, bunch.data, y if task == "classification" else y + 0.0)


def _from_folder(folder, name, task, about):
    table = pd.read_csv(folder / f"{name}.csv.gz")
    # Of several targets the first: most models here have one response.
    targets = about.get("targets") or ["target"]
    y = table[targets[0]]
    X = table.drop(columns=targets)
    X = X.astype(dict.fromkeys(about["categorical"], object))
    y = LabelEncoder().fit_transform(y) if task == "classification" else y.to_numpy()
    return DataSet(name, task, X, y if task == "classification" else y + 0.0)


def capped(data, max_rows):
    """At most `max_rows` rows, drawn once and for all."""
    if max_rows is None or len(data.X) <= max_rows:
        return data
    rows = np.random.RandomState(0).permutation(len(data.X))[:max_rows]
    kept = DataSet(data.name, data.task, data.X.iloc[rows], data.y[rows])
    if data.task == "classification":
        kept = DataSet(
            kept.name, kept.task, kept.X, LabelEncoder().fit_transform(kept.y)
        )
    return kept


def fold(data, n_folds, index):
    """Rows of one fold: preprocessing is fitted on its training rows alone.

    Missing numbers become the mean, numbers are standardised, categories of at least
    1 % of the rows become indicators; the response of a regression is standardised, so
    that log densities and CRPS are in units of its standard deviation.
    """
    kind = StratifiedKFold if data.task == "classification" else KFold
    splitter = kind(n_folds, shuffle=True, random_state=0)
    train, test = list(splitter.split(data.X, data.y))[index]
    encode = _encoder().fit(data.X.iloc[train])
    y_train, y_test = data.y[train], data.y[test]
    if data.task == "regression":
        center, scale = y_train.mean(), y_train.std()
        y_train, y_test = (y_train - center) / scale, (y_test - center) / scale
    return {
        "X_train": encode.transform(data.X.iloc[train]),
        "y_train": y_train,
        "X_test": encode.transform(data.X.iloc[test]),
        "y_test": y_test,
    }


def _encoder():
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    categories = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=0.01, sparse_output=False
    )
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (categories, make_column_selector(dtype_exclude="number")),
    )
