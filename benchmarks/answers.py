# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Answers of some ninety models, kept in a file, to be compared after a change.

    python benchmarks/answers.py record before.npz
    python benchmarks/answers.py compare before.npz

A change of the inner structure must change no number. `record` fits the models of this
file on fixed data and keeps their parameters, likelihoods, predictions, quantiles and
warnings; `compare` fits them again and prints, for each model, the largest difference
relative to the largest value of the same answer. It ends with status 1 if one is above
`--rtol`. Only public names are used, so that the file runs on both sides of a change.
"""

import argparse
import sys
import time
import warnings

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import (
    ElasticNet,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor, prune
from skmoe.experts import GeneralizedLinearRegressor, PooledRidge
from skmoe.families import Gaussian
from skmoe.gates import (
    ClassifierGate,
    ConstantGate,
    GaussianGate,
    HierarchicalGate,
    SoftmaxGate,
)
from skmoe.inference import observed_information
from skmoe.model_selection import ExpertCountSearch, bootstrap, likelihood_ratio_test

RNG = np.random.RandomState(0)
N = 240
X = RNG.normal(size=(N, 3))
REGIME = (X[:, 0] > 0).astype(int)
MEAN = np.where(REGIME == 1, 2 * X[:, 0] + 1, -X[:, 0]) + 0.5 * X[:, 1]
Y = MEAN + 0.3 * RNG.normal(size=N)
Y2 = np.column_stack([Y, X[:, 2] - MEAN + 0.2 * RNG.normal(size=N)])
COUNTS = RNG.poisson(np.exp(0.4 * MEAN)).astype(float)
POSITIVE = np.exp(0.4 * MEAN) * RNG.gamma(5.0, 0.2, size=N)
SHARES = np.clip(1 / (1 + np.exp(-MEAN + 0.3 * RNG.normal(size=N))), 0.01, 0.99)
TRIALS = np.column_stack([RNG.binomial(5, SHARES), np.full(N, 5)]).astype(float)
TRIALS[:, 1] -= TRIALS[:, 0]
CLASSES = np.where(REGIME == 1, MEAN > 2, MEAN < 1) + 1 * (X[:, 2] > 1)
BINARY = (CLASSES > 0).astype(int)
W = RNG.uniform(0.2, 3.0, size=N)
W[::17] = 0.0
COPIES = RNG.randint(0, 3, size=N).astype(float)
GROUPS = np.arange(N) // 3
GROUP_X = X.copy()
GROUP_X[:, 0] = X[::3, 0].repeat(3)
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])
EXPOSED = np.column_stack([X, np.log(RNG.uniform(0.5, 2, size=N))])
SPARSE = sp.csr_matrix(np.where(np.abs(X) > 0.7, X, 0.0))
KNOWN = np.where(np.arange(N) % 5 == 0, REGIME, -1)
TREE = DecisionTreeRegressor(max_depth=3, random_state=0)
BOOSTED = HistGradientBoostingRegressor(max_iter=20, random_state=0)


def regressor(*args, **settings):
    """A regressor of two experts and a fixed seed, unless told otherwise."""
    if not args or not isinstance(args[0], list):
        settings.setdefault("n_experts", 2)
    return MixtureOfExpertsRegressor(*args, **{"random_state": 0} | settings)


def classifier(*args, **settings):
    """A classifier of two experts and a fixed seed, unless told otherwise."""
    return MixtureOfExpertsClassifier(
        *args, **{"n_experts": 2, "random_state": 0} | settings
    )


def pipeline(*steps):
    """A Pipeline of polynomials before a gate or an expert."""
    return make_pipeline(PolynomialFeatures(2, include_bias=False), *steps)


class Straight(Ridge):
    """An expert that skmoe knows nothing of."""


def start(X, y, n_experts, random_state):
    """Initial responsibilities by the first column."""
    return np.eye(n_experts)[(np.asarray(X)[:, 0] > 0.3).astype(int)]


# Name: model, X, y, keywords of `fit`.
MODELS = {
    "defaults": (MixtureOfExpertsRegressor(), X, Y, {}),
    "one expert": (regressor(n_experts=1), X, Y, {}),
    "ridge": (regressor(Ridge(2.0)), X, Y, {}),
    "pooled": (regressor(PooledRidge(5.0)), X, Y, {}),
    "no intercept": (regressor(LinearRegression(fit_intercept=False)), X, Y, {}),
    "lasso": (regressor(Lasso(0.05)), X, Y, {}),
    "elastic net": (regressor(ElasticNet(0.05)), X, Y, {}),
    "six experts": (regressor(n_experts=6, max_iter=60), X, Y, {}),
    "alpha": (regressor(gate=SoftmaxGate(0.01)), X, Y, {}),
    "l1 gate": (regressor(gate=SoftmaxGate(0.01, l1_ratio=0.5)), X, Y, {}),
    "balance": (regressor(gate=SoftmaxGate(balance=3.0)), X, Y, {}),
    "capacity": (regressor(gate=SoftmaxGate(capacity_factor=1.1)), X, Y, {}),
    "gaussian gate": (regressor(gate=GaussianGate()), X, Y, {}),
    "tree of gates": (regressor(n_experts=4, gate=HierarchicalGate((2, 2))), X, Y, {}),
    "constant gate": (regressor(gate=ConstantGate(), init="random"), X, Y, {}),
    "prior rows": (regressor(gate=ConstantGate(2.0), n_init=3), X, Y, {}),
    "pipeline gate": (regressor(gate=pipeline(SoftmaxGate(0.01))), X, Y, {}),
    "classifier gate": (
        regressor(gate=DecisionTreeClassifier(max_depth=2, random_state=0)),
        *(X, Y, {}),
    ),
    "resampled gate": (regressor(gate=LinearDiscriminantAnalysis()), X, Y, {}),
    "logistic gate": (regressor(gate=ClassifierGate(LogisticRegression())), X, Y, {}),
    "gate with cv": (
        regressor(Ridge(), gate=LogisticRegression(), cv=3, tol=1e-3),
        *(X, Y, {}),
    ),
    "trees": (regressor(TREE, tol=1e-4), X, Y, {}),
    "trees, cv": (regressor(TREE, cv=4, tol=1e-2), X, Y, {}),
    "trees, cv, groups": (regressor(TREE, cv=4, tol=1e-2), X, Y, {"groups": GROUPS}),
    "boosted, cv": (regressor(BOOSTED, cv=3, tol=1e-2, max_iter=6), X, Y, {}),
    "neighbours": (regressor(KNeighborsRegressor(20), tol=1e-3), X, Y, {}),
    "huber": (regressor(HuberRegressor(), family="laplace", tol=1e-4), X, Y, {}),
    "unknown": (regressor(Straight(), tol=1e-4), X, Y, {}),
    "pipelines": (regressor(pipeline(StandardScaler(), Ridge()), tol=1e-4), X, Y, {}),
    "mixed": (regressor([("line", Ridge()), ("tree", TREE)], tol=1e-4), X, Y, {}),
    "nested": (
        regressor([("two", regressor(max_iter=50)), ("one", Ridge())], tol=1e-3),
        *(X, Y, {}),
    ),
    "hard": (regressor(assignment="hard"), X, Y, {}),
    "stochastic": (regressor(assignment="stochastic"), X, Y, {}),
    "stochastic trees": (regressor(TREE, assignment="stochastic"), X, Y, {}),
    "plain": (regressor(accelerate=False, tol=1e-5), X, Y, {}),
    "weights": (regressor(), X, Y, {"sample_weight": W}),
    "copies": (regressor(Ridge()), X, Y, {"sample_weight": COPIES}),
    "weighted trees": (regressor(TREE, tol=1e-4), X, Y, {"sample_weight": W}),
    "groups": (regressor(), GROUP_X, Y, {"groups": GROUPS}),
    "groups, constant gate": (
        regressor(gate=ConstantGate(), n_init=4),
        *(X, Y, {"groups": GROUPS, "sample_weight": W}),
    ),
    "groups, trees": (regressor(TREE, tol=1e-4), GROUP_X, Y, {"groups": GROUPS}),
    "known": (regressor(), X, Y, {"expert_labels": KNOWN}),
    "early stopping": (regressor(early_stopping=True), X, Y, {}),
    "early stopping, groups": (
        regressor(early_stopping=True),
        *(GROUP_X, Y, {"groups": GROUPS}),
    ),
    "top 1": (regressor(n_experts=4, top_k=1, max_iter=60), X, Y, {}),
    "top 2": (regressor(n_experts=4, top_k=2, max_iter=60), X, Y, {}),
    "top 1 of trees": (regressor(TREE, n_experts=3, top_k=1, tol=1e-3), X, Y, {}),
    "sparse": (regressor(), SPARSE, Y, {}),
    "sparse trees": (regressor(TREE, tol=1e-4), SPARSE, Y, {}),
    "frame": (
        regressor(gate_features=["a"], expert_features=["b", "a"]),
        *(FRAME, Y, {}),
    ),
    "frame of trees": (
        regressor(TREE, gate_features=["a"], tol=1e-4),
        *(FRAME, Y, {}),
    ),
    "no gate columns": (regressor(gate_features=[]), X, Y, {}),
    "targets": (regressor(), X, Y2, {}),
    "targets of trees": (regressor(TREE, tol=1e-4), X, Y2, {}),
    "kmeans": (regressor(init="kmeans"), X, Y, {}),
    "random": (regressor(init="random", n_init=5), X, Y, {}),
    "labels": (regressor(init=REGIME), X, Y, {}),
    "callable": (regressor(init=start), X, Y, {}),
    "anneal": (regressor(n_experts=3, search="anneal"), X, Y, {}),
    "moves": (regressor(n_experts=3, search="split_merge"), X, Y, {}),
    "clip": (regressor(n_experts=3, extrapolation="clip"), X, Y, {}),
    "free": (regressor(n_experts=3, extrapolation="free"), X, Y, {}),
    "prior on noise": (regressor(family=Gaussian(prior_rows=3)), X, Y, {}),
    "laplace": (regressor(family="laplace"), X, Y, {}),
    "student": (regressor(family="student_t"), X, Y, {}),
    "skew normal": (regressor(family="skew_normal"), X, Y, {}),
    "log-normal": (regressor(family="log_normal"), X, POSITIVE, {}),
    "gamma": (regressor(family="gamma"), X, POSITIVE, {}),
    "inverse gaussian": (regressor(family="inverse_gaussian"), X, POSITIVE, {}),
    "poisson": (regressor(family="poisson"), X, COUNTS, {}),
    "poisson, offset": (
        regressor(family="poisson", offset_feature=3),
        *(EXPOSED, COUNTS, {}),
    ),
    "negative binomial": (regressor(family="negative_binomial"), X, COUNTS, {}),
    "binomial": (regressor(family="binomial"), X, TRIALS, {}),
    "beta": (regressor(family="beta"), X, SHARES, {}),
    "zero-inflated": (
        regressor(n_experts=3, family=["zero", "poisson", "poisson"]),
        *(X, COUNTS, {}),
    ),
    "background": (
        regressor(n_experts=3, family=["uniform", "gaussian", "gaussian"]),
        *(X, Y, {}),
    ),
    "glm, cv": (
        regressor(GeneralizedLinearRegressor(), family="poisson", cv=3, tol=1e-3),
        *(X, COUNTS, {}),
    ),
    "constants": (regressor(DummyRegressor(), n_experts=3, tol=1e-3), X, Y, {}),
    "classes": (classifier(), X, BINARY, {}),
    "three classes": (classifier(), X, CLASSES, {}),
    "penalised classes": (classifier(LogisticRegression(C=0.1)), X, CLASSES, {}),
    "class weights": (classifier(class_weight="balanced"), X, BINARY, {}),
    "naive Bayes": (classifier(GaussianNB(), tol=1e-3), X, CLASSES, {}),
    "naive Bayes, cv": (classifier(GaussianNB(), cv=3, tol=1e-2), X, CLASSES, {}),
    "classes, top 1": (classifier(n_experts=3, top_k=1), X, BINARY, {}),
    "classes, groups": (classifier(), GROUP_X, BINARY, {"groups": GROUPS}),
    "classes, stopped": (classifier(early_stopping=True), X, BINARY, {}),
    "classes, weights": (classifier(), X, BINARY, {"sample_weight": W}),
    "classes, hard": (classifier(assignment="hard"), X, CLASSES, {}),
    "threads": (regressor(TREE, n_jobs=2, tol=1e-4), X, Y, {}),
    "numpy": (regressor(engine="numpy"), X, Y, {}),
}


def answers_of(model, X, y):
    """What a fitted model says, by name."""
    new = X[:60] if hasattr(X, "shape") and not hasattr(X, "iloc") else X.iloc[:60]
    found = {
        "bounds": model.lower_bounds_,
        "log likelihood": model.log_likelihood_,
        "iterations": model.n_iter_,
        "parameters": model.n_parameters_,
        "gate": model.gate_proba(new),
        "apply": model.apply(new),
        "experts": model.predict_experts(new),
        "responsibilities": model.responsibilities(X, y),
        "densities": model.score_samples(X, y),
        "score": model.score(X, y),
        "one row": model.predict(new[:1]),
    }
    for name in ("coef_", "intercept_", "proportions_", "means_"):
        if hasattr(model.gate_, name):
            found[f"gate {name}"] = getattr(model.gate_, name)
    for k, expert in enumerate(model.experts_):
        if isinstance(getattr(expert, "coef_", None), np.ndarray):
            found[f"coefficients {k}"] = expert.coef_
            found[f"intercept {k}"] = expert.intercept_
    if np.isfinite(model.n_parameters_):
        with warnings.catch_warnings():  # of rows one by one after a fit with groups
            warnings.simplefilter("ignore")
            found["criteria"] = [model.aic(X, y), model.bic(X, y), model.icl(X, y)]
    if np.ndim(model.predict(new)) == np.ndim(y):  # a binomial y has two columns
        found["confidence"] = model.score_samples(new)
    if hasattr(model, "validation_scores_"):
        found["validation"] = model.validation_scores_
    if hasattr(model, "classes_"):
        found["proba"] = model.predict_proba(new)
        found["drawn"] = model.sample_y(new, 3, random_state=0)
        return found
    found["dispersions"], found["limits"] = model.dispersions_, model.prediction_limits_
    found["mean"], found["std"] = model.predict(new, return_std=True)
    if model.held_out_ranks_ is not None:
        found["ranks"] = model.held_out_ranks_
        found["calibrated"] = model.predict_interval(new, kind="calibrated")
    found["quantiles"] = model.predict_quantiles(new[:20], [0.1, 0.5, 0.9])
    found["interval"] = model.predict_interval(new[:20])
    found["drawn"] = model.sample_y(new, 3, random_state=0)
    return found


def tools():
    """Answers of what people do with fitted models, by name."""
    pair = regressor(gate=SoftmaxGate(1e-7)).fit(X, Y)
    information = observed_information(pair, X, Y)
    four = regressor(n_experts=4, max_iter=500).fit(X, Y)
    search = ExpertCountSearch(regressor(), [1, 2, 3]).fit(X, Y)
    test = likelihood_ratio_test(
        regressor(), X, Y, n_experts=1, n_bootstrap=5, random_state=0
    )
    draws = bootstrap(pair, X, Y, n_bootstrap=5, random_state=0)
    warm = regressor(max_iter=5, warm_start=True).fit(X, Y).set_params(max_iter=10)
    return {
        "information": {"errors": information.standard_errors},
        "pruned": {"mean": prune(four, X, Y, n_experts=2).predict(X)},
        "refitted": {"mean": prune(four, X, Y, n_experts=2, refit=True).predict(X)},
        "search": {"best": search.best_n_experts_, "mean": search.predict(X)},
        "ratio": {"p": test.p_value, "statistic": test.statistic},
        "bootstrap": {"draws": draws.samples},
        "warm start": answers_of(warm.fit(X, Y), X, Y),
        "summary": {"table": pair.summary(X, Y).select_dtypes("number").to_numpy()},
    }


def answers(only):
    """All answers, ``{"model: answer": array}``, and the seconds of each model."""
    found, seconds = {}, {}
    for name, (model, data, y, params) in MODELS.items():
        if only not in name:
            continue
        begin = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(data, y, **params)
        heard = sorted({f"{w.category.__name__}: {w.message}"[:60] for w in caught})
        found |= {f"{name}: {k}": v for k, v in answers_of(model, data, y).items()}
        found[f"{name}: warnings"] = " | ".join(heard)
        seconds[name] = time.perf_counter() - begin
    if only == "":
        begin = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, said in tools().items():
                found |= {f"{name}: {k}": v for k, v in said.items()}
        seconds["tools"] = time.perf_counter() - begin
    return {name: np.asarray(value) for name, value in found.items()}, seconds


def difference(before, after):
    """Largest difference relative to the largest finite value; infinite if of shape."""
    if before.shape != after.shape or before.dtype.kind != after.dtype.kind:
        return np.inf
    if before.dtype.kind not in "fiub":
        return 0.0 if np.array_equal(before, after) else np.inf
    before, after = before.astype(float), after.astype(float)
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    if same.all():
        return 0.0
    scale = np.abs(before[np.isfinite(before)]).max(initial=1e-300)
    return float(np.abs(before - after)[~same].max() / scale)


def compare(before, after, rtol):
    """Print what differs; return how many models do."""
    worst: dict = {}
    for name in before:
        model, answer = name.split(": ", 1)
        found = difference(before[name], after[name]) if name in after else np.inf
        worst.setdefault(model, []).append((found, answer))
    n_models = 0
    for model, found in worst.items():
        largest, answer = max(found)
        n_models += largest > rtol
        mark = "  <<<" if largest > rtol else ""
        print(f"{model:25} {largest:9.1e}  {answer if largest else ''}{mark}")
    print(f"{len(worst)} models, {n_models} differ by more than {rtol:g}")
    return n_models


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["record", "compare"])
    parser.add_argument("file")
    parser.add_argument("--rtol", type=float, default=1e-10)
    parser.add_argument("--only", default="", help="models whose name has this in it")
    chosen = parser.parse_args()
    now, seconds = answers(chosen.only)
    slowest = max(seconds, key=seconds.get)
    print(
        f"{sum(seconds.values()):.0f} s; slowest: {slowest}, {seconds[slowest]:.1f} s"
    )
    if chosen.action == "record":
        np.savez(chosen.file, **now)
    else:
        with np.load(chosen.file) as kept:
            known = {k: kept[k] for k in kept if chosen.only in k.split(": ")[0]}
        sys.exit(min(compare(known, now, chosen.rtol), 1))
