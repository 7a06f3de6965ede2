# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What the tables of defaults.py share: data sets, held-out results and Markdown."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmoe.datasets import load_bike_sharing, load_concrete, load_penguins


def _load_diabetes(as_frame):
    bunch = load_diabetes(as_frame=as_frame, scaled=False)
    bunch.data["sex"] = bunch.data["sex"].map({1: "a", 2: "b"})
    return bunch


SHIPPED = {
    "bike_sharing": load_bike_sharing,
    "concrete": load_concrete,
    "diabetes": _load_diabetes,
    "penguins": load_penguins,
}
FROM_FOLDER = "abalone auto_mpg california check_times computers diamonds"
SETS = sorted([*SHIPPED, *FROM_FOLDER.split(), "nmes1988", "randhie", "vowel"])
MAX_ROWS = 3000
# A smaller difference of held-out log likelihoods is none.
DIFFERENCE = 0.001


def heading(*names):
    """Print the head of a table."""
    row(*names)
    print("|" + "---|" * len(names))


def row(*cells):
    """Print a row of a table, as soon as it is known."""
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def data_sets(folder, names=SETS, max_rows=MAX_ROWS):
    """Yield (name, X, y) of those that are there, at most `max_rows` rows each."""
    for name in names:
        if name in SHIPPED:
            bunch = SHIPPED[name](as_frame=True)
            X, y = bunch.data, bunch.target
        elif folder and (path := Path(folder) / f"{name}.csv.gz").exists():
            X = pd.read_csv(path)
            y = X.pop("target")
        else:
            continue
        if len(X) > max_rows:
            rows = np.random.RandomState(0).permutation(len(X))[:max_rows]
            X, y = X.iloc[rows], y.iloc[rows]
        yield name, X, y


def encoder():
    """Numbers standardised and imputed, categories one-hot."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    categories = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=20, sparse_output=False
    )
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (categories, make_column_selector(dtype_exclude="number")),
    )


def held_out(model, X, y, n_splits=3, n_folds=None):
    """Means of five columns: results on the rows held out, and of the fit.

    Negative log likelihood per standardised target, R2, seconds, iterations, lower
    bound; of the first `n_folds` of `n_splits` folds.
    """
    rows = []
    splits = KFold(n_splits, shuffle=True, random_state=0).split(X)
    for train, test in list(splits)[:n_folds]:
        encode = encoder().fit(X.iloc[train])
        scale = y.iloc[train].std()
        center = y.iloc[train].mean()
        start = time.perf_counter()
        model.fit(encode.transform(X.iloc[train]), (y.iloc[train] - center) / scale)
        seconds = time.perf_counter() - start
        X_test, y_test = encode.transform(X.iloc[test]), (y.iloc[test] - center) / scale
        nll, r2 = (
            -model.score_samples(X_test, y_test).mean(),
            model.score(X_test, y_test),
        )
        rows.append((nll, r2, seconds, model.n_iter_, model.lower_bound_))
    return np.mean(rows, axis=0)


def compare(models, sets, corner="data", digits=(3, 2), tally=False, **folds):
    """Print held-out log loss and R2 of each model on each set.

    With `tally` a last row counts the sets that gain or lose against the first model.
    """
    heading(corner, *models)
    losses = []
    for name, X, y in sets:
        found = [held_out(model, X, y, **folds)[:2] for model in models.values()]
        row(name, *(f"{nll:.{digits[0]}f} / {r2:.{digits[1]}f}" for nll, r2 in found))
        losses.append([nll for nll, _ in found])
    if tally:
        rise = np.array(losses)[:, 1:] - np.array(losses)[:, :1]
        gain, lose = (rise < -DIFFERENCE).sum(axis=0), (rise > DIFFERENCE).sum(axis=0)
        counts = [f"{g} / {n}" for g, n in zip(gain, lose, strict=True)]
        row("sets that gain / lose", "", *counts)
    print()
