# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The two estimators among the tools and the data that users combine them with."""

import importlib
import importlib.util
import io
import pickle
from functools import partial

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import ConvergenceWarning, UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import PartialDependenceDisplay, permutation_importance
from sklearn.linear_model import (
    HuberRegressor,
    LinearRegression,
    LogisticRegression,
    Ridge,
)
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_validate, learning_curve
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.utils.metadata_routing import get_routing_for_object

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.datasets import load_bike_sharing
from skmoe.gates import ConstantGate, SoftmaxGate
from tests.shared import assert_never_falls

SKLEARN_VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])

# A handful of iterations shows that parts fit together; that EM converges, where to and
# that forests and boosting know their rows by heart without cv is tested elsewhere.
pytestmark = pytest.mark.filterwarnings(
    "ignore:EM did not converge",
    "ignore:The dispersions of experts",
    "ignore:Experts .* overfit their rows",
)
# Polars 2 has no interchange protocol, by which scikit-learn before 1.9 reads the names
# of dataframes that are not of pandas.
READS_POLARS = hasattr(pl.DataFrame, "__dataframe__") or SKLEARN_VERSION >= (1, 9)
DATAFRAMES = ["pandas", "polars"] if READS_POLARS else ["pandas"]
ShortRegressor = partial(MixtureOfExpertsRegressor, max_iter=4, random_state=0)
ShortClassifier = partial(MixtureOfExpertsClassifier, max_iter=4, random_state=0)


def two_lines(n_samples=120, seed=0):
    """A feature along which the slope changes its sign, and a useless one."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, 2))
    y = np.where(X[:, 0] > 0, 2 * X[:, 0], -X[:, 0]) + 0.1 * rng.normal(size=n_samples)
    return X, y


X, Y = two_lines()
LABELS = np.where(np.abs(X[:, 0]) > 0.7, "out", "in")
WEIGHTS = np.random.RandomState(1).uniform(0.5, 2.0, size=len(Y))


def mixed_frame():
    """Two numeric columns, one with missing values, one of strings."""
    frame = pd.DataFrame(X, columns=["left", "right"])
    frame["gaps"] = np.where(np.arange(len(X)) % 3 == 0, np.nan, X[:, 0] ** 2)
    return frame.assign(colour=np.where(Y > 0.5, "red", "blue"))


def three_experts():
    return ShortRegressor(
        [("ols", LinearRegression()), ("ridge", Ridge()), ("stiff", Ridge(10.0))]
    )


def encode(frame_columns=("colour",)):
    """A transformer by column names, which an array could not pass through."""
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), list(frame_columns)),
        (StandardScaler(), ["left", "right"]),
    )


# -- model selection -------------------------------------------------------------------


def bike_sample(n_samples=400):
    frame, rentals = load_bike_sharing(return_X_y=True, as_frame=True)
    rows = np.random.RandomState(0).choice(len(frame), n_samples, replace=False)
    return frame.iloc[rows], np.log1p(rentals.iloc[rows])


@pytest.mark.parametrize(
    "grid", [{"moe__n_experts": [1, 2]}, {"moe__experts__alpha": [0.1, 10.0]},
             {"moe__gate__alpha": [1e-3, 1.0]}], ids=lambda grid: next(iter(grid)),
)  # fmt: skip
def test_grid_search_tunes_every_part_on_bike_sharing(grid):
    frame, rentals = bike_sample()
    encoder = make_column_transformer(
        (OneHotEncoder(), make_column_selector(dtype_exclude="number")),
        remainder=StandardScaler(),
    )
    moe = MixtureOfExpertsRegressor(Ridge(), 2, gate=SoftmaxGate(), max_iter=10)
    model = Pipeline([("encoder", encoder), ("moe", moe)])
    search = GridSearchCV(model, grid, cv=2, n_jobs=2, error_score="raise")
    search.fit(frame, rentals)
    scores = search.cv_results_["mean_test_score"]
    assert np.ptp(scores) > 1e-6, "the values of the grid make no difference"
    assert search.best_score_ > 0.3


def test_learning_curve_and_cross_validate_score_every_split():
    model = MixtureOfExpertsRegressor(n_experts=2)
    _, _, scores = learning_curve(model, X, Y, train_sizes=[0.5, 1.0], cv=3)
    assert scores.shape == (2, 3)
    assert scores.min() > 0.8
    results = cross_validate(model, X, Y, scoring=["r2", "neg_mean_absolute_error"])
    assert results["test_r2"].min() > 0.8


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (ShortRegressor([("a", Ridge()), ("b", HuberRegressor())]), Y),
        (ShortRegressor(n_experts=2, gate=LogisticRegression()), Y),
        (ShortClassifier(n_experts=2), LABELS),
        (ShortClassifier(RandomForestClassifier(5), 2), LABELS),
    ],
    ids=["list", "classifier gate", "classifier", "forests"],
)
def test_clone_pickle_and_joblib_keep_parameters_and_predictions(model, target):
    fitted = clone(model).fit(X, target)
    expected = fitted.predict(X)
    file = io.BytesIO()
    joblib.dump(fitted, file)
    file.seek(0)
    for copy in (pickle.loads(pickle.dumps(fitted)), joblib.load(file)):
        np.testing.assert_array_equal(copy.predict(X), expected)
    np.testing.assert_array_equal(clone(fitted).fit(X, target).predict(X), expected)
    assert not hasattr(clone(fitted), "experts_")


# -- as a part of other estimators -----------------------------------------------------


def test_frozen_experts_are_used_and_not_refitted():
    ridge = Ridge().fit(X[:60], Y[:60])
    before = ridge.coef_.copy()
    experts = [("fixed", FrozenEstimator(ridge)), ("free", LinearRegression())]
    model = ShortRegressor(experts).fit(X, Y)
    assert model.named_experts_.fixed.estimator is ridge
    np.testing.assert_array_equal(ridge.coef_, before)
    np.testing.assert_allclose(model.predict_experts(X)[:, 0], ridge.predict(X))


def test_a_frozen_mixture_keeps_its_predictions():
    model = ShortRegressor(n_experts=2).fit(X, Y)
    frozen = clone(FrozenEstimator(model)).fit(X, -Y)
    np.testing.assert_array_equal(frozen.predict(X), model.predict(X))


def test_calibrated_classifier_corrects_the_probabilities_of_a_mixture():
    X, y = two_lines(1200)
    X = np.hstack([X] * 5)  # naive Bayes counts each column five times: too sure
    labels = y + 0.5 * np.random.RandomState(2).normal(size=len(y)) > 1.0
    weights = np.random.RandomState(1).uniform(0.5, 2.0, size=len(y))
    train, test = np.split(np.arange(len(y)), 2)
    model = ShortClassifier(GaussianNB(), 2)
    calibrated = CalibratedClassifierCV(model, method="sigmoid", cv=3)
    errors, losses = {}, {}
    for name, each in {"plain": model, "calibrated": calibrated}.items():
        each.fit(X[train], labels[train], weights[train])
        proba = each.predict_proba(X[test])[:, 1]
        losses[name] = log_loss(labels[test], proba)
        errors[name] = calibration_error(labels[test], proba)
    assert losses["calibrated"] < 0.9 * losses["plain"]
    assert errors["calibrated"] < 0.8 * errors["plain"]


def calibration_error(labels, proba, n_bins=10):
    """Mean distance of shares and probabilities, over bins of like probability."""
    bins = np.array_split(np.argsort(proba), n_bins)
    return np.mean([abs(labels[rows].mean() - proba[rows].mean()) for rows in bins])


def test_voting_takes_mixtures():
    model = MixtureOfExpertsClassifier(n_experts=2, random_state=0)
    parts = [("moe", model), ("tree", RandomForestClassifier(5, random_state=0))]
    voting = VotingClassifier(parts, voting="soft")
    voting.fit(X, LABELS, sample_weight=WEIGHTS)
    assert voting.score(X, LABELS) > 0.85


def test_stacking_takes_a_mixture_and_a_mixture_takes_stacking():
    moe = MixtureOfExpertsRegressor(n_experts=2)
    stacking = StackingRegressor([("moe", moe)], cv=2)
    assert stacking.fit(X, Y).score(X, Y) > 0.9
    model = ShortRegressor(StackingRegressor([("ridge", Ridge())], cv=2), 2)
    assert model.fit(X, Y).score(X, Y) > 0.5


def test_permutation_importance_and_partial_dependence_find_the_feature():
    model = ShortRegressor(n_experts=2).fit(X, Y)
    importance = permutation_importance(model, X, Y, n_repeats=2, random_state=0)
    assert importance.importances_mean[0] > 10 * abs(importance.importances_mean[1])
    display = PartialDependenceDisplay.from_estimator(model, X, [0], grid_resolution=9)
    average = display.pd_results[0]["average"][0]
    assert average.argmin() not in (0, 8), "the two slopes have one sign"


# -- parameters ------------------------------------------------------------------------


def test_nested_parameters_are_read_and_set_by_name():
    single = MixtureOfExpertsRegressor(Ridge(), gate=SoftmaxGate())
    single.set_params(experts__alpha=3.0, gate__alpha=0.5, n_experts=4)
    assert (single.experts.alpha, single.gate.alpha, single.n_experts) == (3.0, 0.5, 4)
    named = three_experts().set_params(ridge__alpha=3.0, stiff=HuberRegressor())
    assert named.get_params()["ridge__alpha"] == 3.0
    assert isinstance(named.get_params()["stiff"], HuberRegressor)
    assert "ridge" not in named.get_params(deep=False)
    assert [name for name, _ in named.experts] == ["ols", "ridge", "stiff"]


def test_experts_and_a_parameter_of_one_are_set_in_one_call():
    model = MixtureOfExpertsRegressor()
    model.set_params(experts=[("a", Ridge()), ("b", Ridge())]).set_params(a__alpha=2.0)
    assert [expert.alpha for _, expert in model.experts] == [2.0, 1.0]


@pytest.mark.parametrize("wrong", ["experts__power", "gate__power", "ridge__power"])
def test_unknown_nested_parameters_are_refused(wrong):
    model = MixtureOfExpertsRegressor(Ridge(), gate=SoftmaxGate())
    with pytest.raises(ValueError, match="Invalid parameter"):
        model.set_params(**{wrong: 1})


def test_drop_leaves_an_expert_out():
    model = three_experts().set_params(ridge="drop").fit(X, Y)
    assert list(model.named_experts_) == ["ols", "stiff"]
    assert model.gate_proba(X).shape == (len(X), 2)


@pytest.mark.parametrize("value", ["dropped", None, 3])
def test_what_is_no_expert_is_named_in_the_error(value):
    with pytest.raises(TypeError, match=r"Expert 'ridge' .* must implement fit"):
        three_experts().set_params(ridge=value).fit(X, Y)


def test_dropping_all_experts_is_an_error():
    with pytest.raises(ValueError, match="All experts are dropped"):
        MixtureOfExpertsRegressor([("a", "drop")]).fit(X, Y)


@pytest.mark.parametrize("name", ["n_experts", "a__b", "twin"])
def test_bad_names_of_experts_are_refused(name):
    experts = [("twin", Ridge()), (name, Ridge())]
    with pytest.raises(ValueError, match=r"[Nn]ames"):
        MixtureOfExpertsRegressor(experts).fit(X, Y)


@pytest.mark.parametrize(
    ("model", "parts"),
    [
        (MixtureOfExpertsRegressor(), ["SoftmaxGate", "LinearRegression"]),
        (
            MixtureOfExpertsRegressor(RandomForestRegressor(), gate=ConstantGate()),
            ["ConstantGate", "RandomForestRegressor"],
        ),
        (
            MixtureOfExpertsClassifier(
                [("smooth", LogisticRegression()), ("bayes", GaussianNB())],
                gate=RandomForestClassifier(),
            ),
            ["smooth", "bayes", "LogisticRegression", "GaussianNB", "RandomForest"],
        ),
        (three_experts().set_params(ridge="drop"), ["ols", "stiff"]),
    ],
)
def test_html_shows_gate_and_experts_side_by_side(model, parts):
    html = model._repr_html_()
    body = html[html.rindex("</style>") :]
    assert 'class="sk-parallel"' in body
    assert all(part in body for part in ["gate", *parts])


# -- metadata routing ------------------------------------------------------------------


class Recorder(RegressorMixin, BaseEstimator):
    """A mean that keeps what its `fit` was given."""

    def fit(self, X, y, sample_weight=None, ticket=None):
        self.mean_ = np.average(y, weights=sample_weight)
        self.weights_, self.ticket_ = sample_weight, ticket
        self.coordinate_ = np.asarray(X)[:, 0]
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_weights_must_be_requested_of_a_mixture_in_cross_validation():
    with pytest.raises(UnsetMetadataPassedError, match="MixtureOfExpertsRegressor"):
        cross_validate(ShortRegressor(), X, Y, params={"sample_weight": WEIGHTS})


@pytest.mark.usefixtures("routing")
def test_weights_that_are_requested_reach_fit_and_score():
    weights = np.where(X[:, 0] > 0, 1.0, 1e-3)
    model = ShortRegressor(n_experts=1)
    asking = clone(model).set_fit_request(sample_weight=True)
    asking = asking.set_score_request(sample_weight=True)
    scored = cross_validate(asking, X, Y, params={"sample_weight": weights}, cv=2)
    plain = cross_validate(model, X, Y, cv=2)
    assert scored["test_score"].min() > plain["test_score"].max()


@pytest.mark.usefixtures("routing")
def test_metadata_reach_the_expert_that_asked_and_only_its_rows():
    experts = [
        ("asks", Recorder().set_fit_request(ticket=True)),
        ("silent", Recorder().set_fit_request(ticket=False)),
    ]
    tickets = X[:, 0].copy()
    model = ShortRegressor(experts).fit(X, Y, sample_weight=WEIGHTS, ticket=tickets)
    asks, silent = model.experts_
    np.testing.assert_array_equal(asks.ticket_, asks.coordinate_)
    assert silent.ticket_ is None
    assert asks.weights_.shape == asks.ticket_.shape
    assert np.all(asks.weights_ <= WEIGHTS.max())


@pytest.mark.usefixtures("routing")
def test_metadata_that_no_expert_knows_are_refused():
    with pytest.raises(TypeError, match=r"unexpected argument.*ticket"):
        ShortRegressor(n_experts=2).fit(X, Y, ticket=WEIGHTS)


@pytest.mark.usefixtures("routing")
def test_weights_under_an_alias_are_refused_with_the_reason():
    expert = HuberRegressor().set_fit_request(sample_weight="importance")
    with pytest.raises(ValueError, match="requests sample_weight under another name"):
        ShortRegressor(expert, 2).fit(X, Y, importance=WEIGHTS)


def test_metadata_without_routing_are_refused():
    with pytest.raises(ValueError, match="only supported if enable_metadata_routing"):
        ShortRegressor(n_experts=2).fit(X, Y, ticket=WEIGHTS)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_experts_get_the_same_weights_with_and_without_routing(n_jobs):
    model = ShortRegressor(make_pipeline(StandardScaler(), Ridge()), 2, n_jobs=n_jobs)
    expected = model.fit(X, Y, sample_weight=WEIGHTS).predict(X)
    with config_context(enable_metadata_routing=True):
        routed = clone(model).fit(X, Y, sample_weight=WEIGHTS).predict(X)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        asking = make_pipeline(scaler, Ridge().set_fit_request(sample_weight=True))
        requested = clone(model).set_params(experts=asking).fit(X, Y, WEIGHTS)
    np.testing.assert_allclose(routed, expected)
    np.testing.assert_allclose(requested.predict(X), expected)


def test_the_router_names_every_expert():
    router = get_routing_for_object(three_experts().set_params(ridge="drop"))
    assert set(router._serialize()) - {"$self_request"} == {"ols", "stiff"}


# -- dataframes, missing values, sparse matrices ---------------------------------------


@pytest.mark.parametrize("library", DATAFRAMES)
def test_names_of_a_dataframe_are_kept_and_compared(library):
    frame = mixed_frame()[["left", "right"]]
    frame = frame if library == "pandas" else pl.from_pandas(frame)
    model = ShortRegressor(n_experts=2).fit(frame, Y)
    assert model.feature_names_in_.tolist() == ["left", "right"]
    assert model.experts_[0].feature_names_in_.tolist() == ["left", "right"]
    np.testing.assert_allclose(
        model.predict(frame), ShortRegressor(n_experts=2).fit(X, Y).predict(X)
    )
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["right", "left"]])


@pytest.mark.parametrize("library", DATAFRAMES)
@pytest.mark.parametrize("top_k", [None, 1])
def test_experts_by_column_names_see_strings_that_the_gate_does_not(library, top_k):
    frame = mixed_frame()
    frame = frame if library == "pandas" else pl.from_pandas(frame)
    expert = make_pipeline(encode(), Ridge(0.1))
    model = ShortRegressor(expert, 2, gate_features=["left"], top_k=top_k).fit(frame, Y)
    assert model.gate_.coef_.shape == (2, 1)
    assert model.score(frame, Y) > 0.7


@pytest.mark.parametrize(
    "model",
    [
        ShortRegressor(n_experts=2),
        ShortRegressor(make_pipeline(encode(), Ridge()), 2),
        ShortRegressor(n_experts=2, gate_features=["left"]),
    ],
    ids=["defaults", "gate sees them", "experts see them"],
)
def test_strings_for_a_linear_part_are_an_error_that_says_what_to_do(model):
    frame = mixed_frame().drop(columns="gaps")
    parameter = "gate_features" if model.gate_features is None else "expert_features"
    with pytest.raises(ValueError, match=f"name the numeric columns in {parameter}"):
        model.fit(frame, Y)


def test_a_gate_pipeline_takes_columns_by_name():
    gate = make_pipeline(encode(), SoftmaxGate())
    model = ShortRegressor(n_experts=2, gate=gate, expert_features=["left", "right"])
    frame = mixed_frame()
    assert model.fit(frame, Y).gate_proba(frame).shape == (len(frame), 2)
    assert model.score(frame, Y) > 0.6


@pytest.mark.parametrize("as_frame", [True, False])
def test_missing_values_reach_experts_that_take_them(as_frame):
    frame = mixed_frame().drop(columns="colour")
    data = frame if as_frame else frame.to_numpy()
    boosting = HistGradientBoostingRegressor(max_iter=10, min_samples_leaf=5)
    model = ShortRegressor(boosting, 2, gate_features=[0, 1]).fit(data, Y)
    assert model.score(data, Y) > 0.7
    classifier = HistGradientBoostingClassifier(max_iter=3)
    free = ShortRegressor(boosting, 2, gate=classifier).fit(data, Y)
    assert np.all(np.isfinite(free.predict(data)))


@pytest.mark.parametrize("expert", [None, HistGradientBoostingRegressor()])
def test_missing_values_that_a_linear_part_sees_are_an_error(expert):
    with pytest.raises(ValueError, match="contains NaN"):
        ShortRegressor(expert).fit(mixed_frame().drop(columns="colour"), Y)


@pytest.mark.parametrize(
    "container", [sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.csc_array]
)
@pytest.mark.parametrize(
    ("model", "target"),
    [
        (MixtureOfExpertsRegressor(n_experts=2), Y),
        (ShortRegressor(HuberRegressor(), 2, gate=LogisticRegression()), Y),
        (MixtureOfExpertsClassifier(n_experts=2), LABELS),
    ],
    ids=["linear", "any", "logistic"],
)
def test_sparse_matrices_give_the_predictions_of_dense_ones(container, model, target):
    dense = clone(model).fit(X, target)
    sparse = clone(model).fit(container(X), target)
    np.testing.assert_allclose(
        sparse.predict_experts(container(X)), dense.predict_experts(X), atol=1e-4
    )


# -- experts of other kinds ------------------------------------------------------------

EXPERTS = {
    "transformed target": TransformedTargetRegressor(
        Ridge(), func=np.arcsinh, inverse_func=np.sinh
    ),
    "grid search": GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2),
    "boosting": HistGradientBoostingRegressor(max_iter=10, min_samples_leaf=5),
    "network": make_pipeline(StandardScaler(), MLPRegressor(solver="lbfgs", tol=1e-2)),
    "support vectors": SVR(),
    "forest": RandomForestRegressor(5),
    "neighbours, resampled": KNeighborsRegressor(),
    "neighbours in a pipeline": make_pipeline(StandardScaler(), KNeighborsRegressor()),
    "search in a pipeline": make_pipeline(
        StandardScaler(), GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2)
    ),
    "vote": VotingRegressor([("a", Ridge()), ("b", HuberRegressor())]),
}


@pytest.mark.parametrize("name", EXPERTS)
def test_any_regressor_is_an_expert(name):
    model = ShortRegressor(EXPERTS[name], 2).fit(X, Y)
    assert model.score(X, Y) > 0.5
    assert all(type(expert) is type(EXPERTS[name]) for expert in model.experts_)
    assert_never_falls(model.lower_bounds_)
    assert all(np.any(model.apply(X) == k) for k in range(2))
    np.testing.assert_array_equal(clone(model).fit(X, Y).predict(X), model.predict(X))


@pytest.mark.parametrize(
    "expert", [None, Ridge(), MultiOutputRegressor(SVR()), RandomForestRegressor(5)]
)
def test_several_targets_share_one_gate(expert):
    targets = np.column_stack([Y, -2 * Y])
    model = ShortRegressor(expert, 2).fit(X, targets)
    mean, std = model.predict(X, return_std=True)
    assert mean.shape == std.shape == targets.shape
    assert model.dispersions_.shape == (2, 2)
    assert model.score(X, targets) > 0.6


def test_a_classifier_without_probabilities_is_refused_by_name():
    with pytest.raises(TypeError, match=r"'expert0' \(SVC.*missing: predict_proba"):
        ShortClassifier(SVC(), 2).fit(X, LABELS)


# XGBoost is large and optional; LightGBM is a requirement of the tests.
BOOSTING_LIBRARIES = ["lightgbm"]
if importlib.util.find_spec("xgboost"):
    BOOSTING_LIBRARIES.append("xgboost")


@pytest.mark.parametrize("kind", ["regression", "classification"])
@pytest.mark.parametrize("library", BOOSTING_LIBRARIES)
def test_boosting_libraries_are_experts(library, kind):
    module = importlib.import_module(library)
    prefix = {"lightgbm": "LGBM", "xgboost": "XGB"}[library]
    quiet = {"verbose": -1} if library == "lightgbm" else {"verbosity": 0}
    frame = mixed_frame()[["left", "right"]]
    if kind == "regression":
        expert = getattr(module, f"{prefix}Regressor")(n_estimators=10, **quiet)
        assert ShortRegressor(expert, 2).fit(frame, Y).score(frame, Y) > 0.6
    else:
        expert = getattr(module, f"{prefix}Classifier")(n_estimators=10, **quiet)
        inside = (LABELS == "in").astype(int)
        assert ShortClassifier(expert, 2).fit(frame, inside).score(frame, inside) > 0.9


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_joblib_backends_give_the_result_of_one_process(backend):
    model = ShortRegressor(RandomForestRegressor(5), 2)
    alone = clone(model).fit(X, Y).predict(X)
    with joblib.parallel_config(backend, n_jobs=2):
        np.testing.assert_array_equal(clone(model).fit(X, Y).predict(X), alone)


# -- class labels ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        LABELS,
        LABELS.astype(object),
        LABELS == "in",
        np.where(LABELS == "in", 3, -1),
        (X[:, 0] > 0).astype(int) + 2 * (X[:, 1] > 0),
        pd.Series(LABELS, dtype="category"),
        pd.Series(LABELS, dtype="string"),
        pl.Series(LABELS.tolist()),
        LABELS.tolist(),
    ],
    ids=[
        "str",
        "object",
        "bool",
        "int",
        "four",
        "category",
        "string",
        "polars",
        "list",
    ],
)
@pytest.mark.parametrize("expert", [None, RandomForestClassifier(5)])
def test_labels_of_every_type_come_back(labels, expert):
    model = MixtureOfExpertsClassifier(expert, 2, random_state=0, max_iter=20)
    model.fit(X, labels)
    assert set(model.predict(X)) == set(labels) == set(model.classes_)
    assert model.predict_proba(X).shape == (len(X), len(set(labels)))
    assert model.score(X, labels) > 0.9


@pytest.mark.parametrize("expert", [None, GaussianNB()])
def test_class_weights_are_sample_weights(expert):
    short = partial(ShortClassifier, expert, 2)
    weighted = short(class_weight={"in": 3.0, "out": 1.0}).fit(X, LABELS)
    weights = np.where(LABELS == "in", 3.0, 1.0)
    by_rows = short().fit(X, LABELS, sample_weight=weights)
    proba = weighted.predict_proba(X)
    np.testing.assert_allclose(proba, by_rows.predict_proba(X))
    assert proba[:, 0].mean() > short().fit(X, LABELS).predict_proba(X)[:, 0].mean()


def test_balanced_class_weights_give_the_classes_equal_mass():
    model = ShortClassifier(n_experts=1, class_weight="balanced").fit(X, LABELS)
    counts = {label: np.sum(label == LABELS) for label in ("in", "out")}
    by_hand = {label: len(Y) / 2 / count for label, count in counts.items()}
    manual = ShortClassifier(n_experts=1, class_weight=by_hand).fit(X, LABELS)
    np.testing.assert_allclose(model.predict_proba(X), manual.predict_proba(X))


def test_an_expert_that_warns_of_convergence_does_so_through_a_mixture():
    expert = LogisticRegression(solver="saga", max_iter=1)
    with pytest.warns(ConvergenceWarning, match="max_iter was reached"):
        ShortClassifier(expert, 2).fit(X, LABELS)


class HardLabels(ClassifierMixin, BaseEstimator):
    """A classifier with `fit` and `predict` only."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))


@pytest.mark.parametrize("gate", [HardLabels(), Ridge(), make_pipeline(Ridge())])
def test_what_cannot_be_a_gate_is_refused_by_name(gate):
    with pytest.raises(TypeError, match="cannot be a gate"):
        ShortRegressor(n_experts=2, gate=gate).fit(X, Y)
