# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The experiments behind defaults: init, search, tol, alpha, extrapolation and more.

    python benchmarks/defaults.py [FOLDER]

Prints the tables of docs/defaults.md: for the reference maxima of tests/reference, how
many cases each setting reaches and what it costs; for data sets, the held-out negative
log likelihood of linear experts, and what limits on predictions, early stopping and
priors change; for classes, the held-out log loss of logistic experts; and which experts
know the rows by heart that they were fitted to. FOLDER may hold more data sets, as
`NAME.csv.gz` with a column `target` (for classes as real/data.py describes); the sets
that the package or scikit-learn ships are always there.
"""

import sys
import time
import warnings
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import KFold, train_test_split
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.datasets import load_bike_sharing, load_concrete, load_penguins
from skmoe.experts import PooledRidge, estimators
from skmoe.experts.memory import memorised, shares
from skmoe.families import Gaussian
from skmoe.gates import SoftmaxGate

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parent / "real"))
from data import capped, fold
from data import data_sets as real_data_sets
from test_references import CASES, TOLERANCE, fit_case

from conftest import two_boundaries, two_regimes

warnings.simplefilter("ignore")
MAX_ROWS = 3000
# Least squares without a penalty is no sensible expert beyond this width.
MAX_COLUMNS = 60
# Rows of a set of classes, as in docs/real.md.
REAL_ROWS = 2000


def data_sets(folder):
    """Yield (name, X, y), at most MAX_ROWS rows each."""
    loaders = (load_bike_sharing, load_concrete, load_penguins)
    for loader in loaders:
        bunch = loader(as_frame=True)
        yield loader.__name__.removeprefix("load_"), bunch.data, bunch.target
    for path in sorted(Path(folder).glob("*.csv.gz")) if folder else ():
        table = pd.read_csv(path)
        numeric_target = "target" in table and table["target"].dtype != object
        if numeric_target and table["target"].nunique() > 10:
            name = path.name.removesuffix(".csv.gz")
            if name not in ("bike", "concrete", "penguins_bill"):
                yield name, table.drop(columns="target"), table["target"]


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


def held_out(model, X, y, n_splits=3):
    """Means of five columns: results on the rows held out, and of the fit.

    Negative log likelihood per standardised target, R2, seconds, iterations, lower
    bound.
    """
    rows = []
    for train, test in KFold(n_splits, shuffle=True, random_state=0).split(X):
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


def reference_table():
    """Cases reached by each init and n_init."""
    print("references: cases reached, median iterations, seconds of all fits")
    for init in ("quantile", "kmeans", "random"):
        for n_init in (1, 5, 10, 20):
            report_references(init=init, n_init=n_init)


def report_references(**parameters):
    """Print how many reference maxima fits with these parameters reach."""
    start = time.perf_counter()
    fits = [(case, fit_case(case, random_state=0, **parameters)[0]) for case in CASES]
    seconds = time.perf_counter() - start
    reached = sum(
        model.log_likelihood_ > case["log_likelihood"] - TOLERANCE
        for case, model in fits
    )
    iterations = np.median([model.n_iter_ for _, model in fits])
    name = ", ".join(f"{key}={value}" for key, value in parameters.items())
    print(
        f"  {name:26s} {reached:2d} of {len(CASES)}, {iterations:3.0f} iterations, "
        f"{seconds:5.1f} s",
        flush=True,
    )


def search_table(folder):
    """Starts with and without a search: references, training and held-out rows."""
    settings = [
        {"search": search, "n_init": n_init}
        for n_init in (1, 5)
        for search in (None, "anneal", "split_merge")
    ]
    print("search: references, then linear experts, three folds")
    for parameters in settings:
        report_references(**parameters)
    for _, X, y in usable_sets(folder):
        for n_experts in (3, 5):
            for parameters in [*settings[:3], {"n_init": 20}]:
                model = MixtureOfExpertsRegressor(
                    n_experts=n_experts, random_state=0, **parameters
                )
                nll, _, seconds, iterations, bound = held_out(model, X, y)
                name = ", ".join(f"{key}={value}" for key, value in parameters.items())
                print(
                    f"  K={n_experts} {name:26s} training {bound:7.4f}  NLL "
                    f"{nll:8.4f}  {iterations:4.0f} iterations  {seconds:6.2f} s",
                    flush=True,
                )


def usable_sets(folder):
    """The data sets that linear experts are sensible for, at most MAX_ROWS rows."""
    for data, X, y in data_sets(folder):
        if len(X) > MAX_ROWS:
            rows = np.random.RandomState(0).permutation(len(X))[:MAX_ROWS]
            X, y = X.iloc[rows], y.iloc[rows]
        n_columns = encoder().fit_transform(X).shape[1]
        if n_columns > MAX_COLUMNS:
            print(f"{data}: left out, {n_columns} columns")
            continue
        print(f"{data} ({X.shape[0]} x {n_columns})")
        yield data, X, y


def compare(models, folder, n_splits=5):
    """Held-out results of each model on each data set."""
    for _, X, y in usable_sets(folder):
        for name, model in models.items():
            nll, r2, seconds, iterations, _ = held_out(model, X, y, n_splits)
            print(
                f"  {name:22s} NLL {nll:8.4f}  R2 {r2:8.4f}  {seconds:6.2f} s  "
                f"{iterations:5.0f} iterations",
                flush=True,
            )


def extrapolation_table(folder):
    """Linear and ridge experts without and with limits on their predictions."""
    print("limits on predictions, five folds")
    models = {
        f"{kind} {extrapolation}": MixtureOfExpertsRegressor(
            experts, extrapolation=extrapolation, random_state=0
        )
        for kind, experts in (("linear", None), ("ridge", Ridge()))
        for extrapolation in ("free", "auto", "clip")
    }
    compare(models, folder)


def early_stopping_table(folder):
    """Linear experts and trees, early stopping or not."""
    print("early stopping, five folds")
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
    compare(models, folder)


def shrinkage_table(folder):
    """Linear experts, free, drawn to zero and drawn to the pooled slopes."""
    print("coefficients, five folds")
    experts = [LinearRegression(), Ridge(1), Ridge(10)]
    experts += [PooledRidge(alpha) for alpha in (1, 10, 100)]
    models = {
        f"{expert}, K={n_experts}": MixtureOfExpertsRegressor(
            expert, n_experts, extrapolation="free", random_state=0
        )
        for n_experts in (3, 6)
        for expert in experts
    }
    compare(models, folder)


def dispersion_table(folder):
    """Linear and ridge experts, priors on their dispersions of several strengths."""
    print("dispersions, five folds")
    free, ridge = LinearRegression(), Ridge()
    settings = [(free, 0, 1), (free, 1, 1), (free, 10, 1), (free, 10, 0.3)]
    settings += [(ridge, 0, 1), (ridge, 1, 1)]
    models = {
        f"{expert}, {rows} rows of {scale}, K={n_experts}": MixtureOfExpertsRegressor(
            expert,
            n_experts,
            family=Gaussian(prior_rows=rows, prior_scale=scale),
            extrapolation="free",
            random_state=0,
        )
        for n_experts in (3, 6)
        for expert, rows, scale in settings
    }
    compare(models, folder)


def classifier_table(folder, n_splits=3):
    """Held-out log loss of logistic experts: their penalty, the gate's, and starts."""
    print("classifiers, three folds: held-out log loss")
    for data in data_sets_of_classes(folder):
        folds = [fold(data, n_splits, index) for index in range(n_splits)]
        print(f"{data.name} ({len(data.X)} x {folds[0]['X_train'].shape[1]})")
        for n_experts in (1, 2, 4):
            for name, parameters in classifier_settings(n_experts).items():
                model = MixtureOfExpertsClassifier(
                    **{"n_experts": n_experts, "random_state": 0, **parameters}
                )
                print(f"  K={n_experts} {name:12s} {log_loss_of(model, folds)}")


def data_sets_of_classes(folder):
    """Those of benchmarks/real, as they are there."""
    for data in real_data_sets(folder):
        if data.task == "classification":
            yield capped(data, REAL_ROWS)


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


def log_loss_of(model, folds):
    """Mean over the folds, with seconds and iterations, as text."""
    rows = []
    for part in folds:
        start = time.perf_counter()
        model.fit(part["X_train"], part["y_train"])
        seconds = time.perf_counter() - start
        loss = -model.score_samples(part["X_test"], part["y_test"]).mean()
        rows.append((loss, seconds, model.n_iter_))
    loss, seconds, iterations = np.mean(rows, axis=0)
    return f"{loss:8.4f}  {seconds:6.2f} s  {iterations:5.0f} iterations"


def data_table(folder):
    """Held-out results of linear experts, K = 3 unless varied."""
    base = {"n_experts": 3, "extrapolation": "free", "random_state": 0}
    settings = {
        "default": {},
        "n_init=5": {"n_init": 5},
        "init=kmeans": {"init": "kmeans"},
        "tol=1e-4": {"tol": 1e-4},
        "tol=1e-8": {"tol": 1e-8, "max_iter": 2000},
        "alpha=0": {"gate": SoftmaxGate(alpha=0)},
        "alpha=1e-5": {"gate": SoftmaxGate(alpha=1e-5)},
        "alpha=1e-3": {"gate": SoftmaxGate(alpha=1e-3)},
        "alpha=1e-2": {"gate": SoftmaxGate(alpha=1e-2)},
        "no acceleration": {"accelerate": False, "max_iter": 5000},
    }
    results = {name: {} for name in settings}
    for data, X, y in usable_sets(folder):
        for name, parameters in settings.items():
            model = MixtureOfExpertsRegressor(**base, **parameters)
            results[name][data] = held_out(model, X, y)
            nll, r2, seconds, iterations, _ = results[name][data]
            print(
                f"  {name:16s} NLL {nll:8.4f}  R2 {r2:7.4f}  {seconds:6.2f} s  "
                f"{iterations:6.0f} iterations",
                flush=True,
            )
    print("mean over data sets")
    for name, by_data in results.items():
        nll, r2, seconds, iterations, _ = np.mean(list(by_data.values()), axis=0)
        median = np.median([values[0] for values in by_data.values()])
        print(
            f"  {name:16s} NLL {nll:8.4f} (median {median:7.4f})  R2 {r2:7.4f}  "
            f"{seconds:6.2f} s  {iterations:6.0f} iterations"
        )


def memory_table():
    """Experts that know their rows by heart: shares unexplained, losses, warned of.

    A cell has the shares unexplained inside and outside, of the expert whose ratio is
    the largest, and the mixture's mean loss of the rows fitted to and of a third held
    out; it is bold if `fit` says to use `cv`.
    """
    tasks = (
        (MixtureOfExpertsRegressor, regressions_to_memorise, regressors_by_memory),
        (MixtureOfExpertsClassifier, classes_to_memorise, classifiers_by_memory),
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
        found.update(shares(trainer, work, suspect=np.inf))
        return memorised(trainer, work)

    with (
        patch.object(estimators, "memorised", record),
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        model.fit(X, y)
    inside, outside = max(found.values(), key=lambda pair: pair[1] / max(pair[0], 1e-6))
    losses = [-model.score_samples(*rows).mean() for rows in ((X, y), (X_test, y_test))]
    before, after = (f"{loss:z.2f}" if loss < 100 else f"{loss:.0f}" for loss in losses)
    cell = f"{inside:.3f} {outside:.3f}, {before} {after}"
    return f"**{cell}**" if any("cv=5" in str(one.message) for one in caught) else cell


def regressions_to_memorise():
    """Yield (name, X, y)."""
    for loader in (load_concrete, load_penguins, load_diabetes):
        bunch = loader(as_frame=True)
        yield loader.__name__.removeprefix("load_"), bunch.data, bunch.target
    for noise in (0.1, 0.5):
        X, y, _ = two_regimes(500, 3, noise)
        yield f"two lines, noise {noise}", pd.DataFrame(X), y


def classes_to_memorise():
    """Yield (name, X, y); of penguins, the island."""
    penguins = load_penguins(as_frame=True).frame
    yield "penguins' island", penguins.drop(columns="island"), penguins["island"]
    X, y = two_boundaries(500, 3)
    yield "two boundaries", pd.DataFrame(X), y
    wine = load_wine(as_frame=True)
    yield "wine", wine.data, wine.target


def regressors_by_memory():
    """From those that cannot memorise to those that do."""
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


if __name__ == "__main__":
    FOLDER = sys.argv[1] if len(sys.argv) > 1 else None
    reference_table()
    search_table(FOLDER)
    data_table(FOLDER)
    extrapolation_table(FOLDER)
    early_stopping_table(FOLDER)
    shrinkage_table(FOLDER)
    dispersion_table(FOLDER)
    classifier_table(FOLDER)
    memory_table()
