# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The columns that gate and experts see."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.gates import ClassifierGate
from skmoe.numerics.packed import unpack_grams
from skmoe.rows.columns import resolve_columns
from skmoe.rows.design import Design, Designs
from skmoe.rows.inputs import is_frame, numeric_columns, select_columns

NAMES = ["a", "b", "c"]
SKLEARN_VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])


@pytest.fixture
def frame():
    """A dataframe of two numbers and a text, and y."""
    rng = np.random.RandomState(0)
    kind = rng.choice(["p", "q"], size=120)
    X = pd.DataFrame(rng.normal(size=(120, 2)), columns=["a", "b"])
    y = np.where(kind == "p", 2 * X["a"], -X["a"]) + 0.1 * rng.normal(size=120)
    return X.assign(c=kind), np.asarray(y)


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        (None, None),
        ([0, 2], [0, 2]),
        ([-1], [2]),
        (slice(1, 3), [1, 2]),
        (np.array([True, False, True]), [0, 2]),
        (["c", "a"], [2, 0]),
        ("b", [1]),
        (slice("a", "b"), [0, 1]),
        (lambda X: ["b"], [1]),
        ([], []),
    ],
)
def test_columns_are_selected_as_column_transformer_does(features, expected):
    X = pd.DataFrame(np.arange(6.0).reshape(2, 3), columns=NAMES)
    columns = resolve_columns(X, features, "gate_features")
    assert_array_equal(columns, expected)
    view = select_columns(X, columns)
    assert list(view.columns) == [NAMES[j] for j in (expected or [])] or columns is None


@pytest.mark.parametrize("features", [[7], ["nobody"], ["a", "nobody"], [True] * 3])
@pytest.mark.parametrize("parameter", ["gate_features", "expert_features"])
def test_a_bad_selection_is_named(frame, features, parameter):
    X, y = frame
    with pytest.raises(ValueError, match=parameter) as caught:
        MixtureOfExpertsRegressor(**{parameter: features}).fit(X[["a", "b"]], y)
    assert repr(features) in str(caught.value)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, pd.DataFrame])
def test_gate_and_experts_see_their_columns_only(container):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(120, 3))
    y = np.where(X[:, 0] > 0, X[:, 1], -X[:, 1]) + 0.1 * rng.normal(size=120)
    settings = {"n_experts": 2, "gate_features": [0], "expert_features": slice(1, 3)}
    model = MixtureOfExpertsRegressor(**settings).fit(container(X), y)
    assert model.gate_.coef_.shape == (2, 1)
    assert model.experts_[0].coef_.shape == (2,)
    moved = X + np.array([0.3, 0, 0])
    assert_array_equal(
        model.predict_experts(container(moved)), model.predict_experts(container(X))
    )
    moved = X + np.array([0, 5, 5])
    assert_array_equal(
        model.gate_proba(container(moved)), model.gate_proba(container(X))
    )


# Polars 2 has no interchange protocol, by which scikit-learn before 1.9 reads the names
# of dataframes that are not of pandas.
READS_POLARS = hasattr(pl.DataFrame, "__dataframe__") or SKLEARN_VERSION >= (1, 9)


@pytest.mark.parametrize(
    "experts", [LinearRegression(), DecisionTreeRegressor(max_depth=2)]
)
@pytest.mark.parametrize("library", [pd, pl] if READS_POLARS else [pd])
def test_frames_and_arrays_give_the_same_model(frame, experts, library):
    X, y = frame[0][["a", "b"]].to_numpy(), frame[1]
    table = library.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    blank = MixtureOfExpertsRegressor(experts, random_state=0, tol=0.05)
    model, by_name = clone(blank).fit(X, y), clone(blank).fit(table, y)
    assert_array_equal(by_name.feature_names_in_, ["a", "b"])
    assert_allclose(by_name.lower_bounds_, model.lower_bounds_)
    assert_allclose(by_name.predict(table), model.predict(X))


def test_linear_experts_know_their_columns(frame):
    X, y = frame
    model = MixtureOfExpertsRegressor(
        n_experts=2, gate_features=["a", "b"], expert_features=["b", "a"]
    ).fit(X, y)
    for expert in model.experts_:
        assert_array_equal(expert.feature_names_in_, ["b", "a"])
    assert_allclose(
        model.experts_[1].predict(X[["b", "a"]]), model.predict_experts(X)[:, 1]
    )


def test_text_columns_reach_pipelines(frame):
    X, y = frame
    encode = make_column_transformer(
        (OneHotEncoder(), make_column_selector(dtype_exclude=np.number)),
        remainder="passthrough",
    )
    experts = make_pipeline(encode, LinearRegression())
    model = MixtureOfExpertsRegressor(experts, n_experts=2, gate_features=["a", "b"])
    assert model.fit(X, y).predict_experts(X).shape == (120, 2)


def test_text_columns_for_linear_parts_are_refused_with_advice(frame):
    X, y = frame
    with pytest.raises(ValueError, match="numeric columns in gate_features, or encode"):
        MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    with pytest.raises(ValueError, match="numeric columns in expert_features"):
        MixtureOfExpertsRegressor(n_experts=2, gate_features=["a"]).fit(X, y)


def test_text_columns_in_a_classifier_gate(frame):
    from sklearn.tree import DecisionTreeClassifier

    X, y = frame
    encode = make_column_transformer((OneHotEncoder(), ["c"]))
    gate = ClassifierGate(make_pipeline(encode, DecisionTreeClassifier(max_depth=1)))
    model = MixtureOfExpertsRegressor(n_experts=2, gate=gate, expert_features=["a"])
    assert model.fit(X, y).score(X, y) > 0.95


def test_numeric_columns_drop_text_and_fill_gaps(frame):
    X = frame[0].head(3).assign(a=[1.0, np.nan, 3.0])
    numbers = numeric_columns(X)
    assert numbers.shape == (3, 2)
    assert_allclose(numbers[:, 0], [1, 2, 3])
    assert numeric_columns(X[["c"]]).shape == (3, 0)
    assert numeric_columns(sp.csr_array(np.eye(2, dtype=int))).dtype == np.float64


def test_is_frame():
    assert is_frame(pd.DataFrame({"a": [1]}))
    assert is_frame(pl.DataFrame({"a": [1]}))
    assert not is_frame(np.eye(2))
    assert not is_frame(sp.csr_array(np.eye(2)))


@pytest.mark.parametrize("shape", [(0, 2), (3, 0)])
def test_empty_frames_are_refused(shape):
    X = pd.DataFrame(np.empty(shape), columns=NAMES[: shape[1]])
    with pytest.raises(ValueError, match=r"sample\(s\) \(shape="):
        MixtureOfExpertsRegressor(n_experts=1).fit(X, np.zeros(shape[0]))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("centered", [False, True])
def test_design_there_and_back(sparse, centered):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(20, 3)) * [1, 1e6, 1e-6] + [1, 0, 1e-3]
    design = Design(sp.csr_matrix(X) if sparse else X, np.ones(20), centered)
    coefficients = rng.normal(size=(2, 4))
    slopes, intercepts = design.to_user(coefficients)
    scores = design.block(slice(None)).scores(coefficients)
    assert_allclose(X @ slopes.T + intercepts, scores.T, atol=1e-9)
    assert_allclose(design.from_user(slopes, intercepts), coefficients, rtol=1e-9)


@pytest.mark.parametrize("rows", [slice(None), slice(3, 11), [5, 0, 5]])
@pytest.mark.parametrize("sparse", [False, True])
def test_blocks_are_rows_of_the_standardised_matrix(rows, sparse):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(20, 3)) * (rng.uniform(size=(20, 3)) < 0.7) + [2, 0, 0]
    weights = rng.uniform(size=20)
    design = Design(sp.csr_matrix(X) if sparse else X, weights)
    mean = np.average(X, axis=0, weights=weights)
    scale = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=weights))
    assert_allclose(design.scale, scale)
    A = np.column_stack([(X - mean) / scale, np.ones(20)])
    block, part = design.block(rows), A[rows]
    V, values = rng.normal(size=(2, 4)), rng.uniform(size=(2, len(part)))
    assert_allclose(block.scores(V), V @ part.T, atol=1e-12)
    assert_allclose(block.cross(values), values @ part, atol=1e-12)
    grams = np.einsum("np,qn,nr->qpr", part, values, part)
    assert_allclose(unpack_grams(block.grams(values), 4), grams, atol=1e-12)
    gram = (A * weights[:, None]).T @ A / weights.sum()
    assert_allclose(design.gram(), gram, atol=1e-12)
    columns = design.standardised()
    if sparse:  # a copy of X, which centring would fill
        assert_allclose(columns.toarray(), X / scale, atol=1e-12)
    else:
        assert_allclose(columns, A[:, :-1], atol=1e-12)


def test_dense_blocks_hold_rows_last():
    X = np.random.RandomState(0).normal(size=(9, 2))
    A = Design(X, np.ones(9)).block(slice(2, 6)).A
    assert A.shape == (3, 4)
    assert A.flags.c_contiguous
    assert_array_equal(A[-1], 1.0)


def test_constant_columns_are_exactly_zero_in_the_design():
    X = np.column_stack([np.full(7, 0.1), np.arange(7.0), np.zeros(7)])
    design = Design(X, np.full(7, 0.3))
    assert_array_equal(design.block(slice(None)).A[[0, 2]], 0.0)
    assert_array_equal(design.scale[[0, 2]], 1.0)


@pytest.mark.parametrize("n_samples", [7, 150, 40_000])
@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e6 + 0.1, -1e-9])
@pytest.mark.parametrize("weights", [np.ones, lambda n: np.broadcast_to(1.0, n)])
def test_constant_columns_are_known_however_sums_round(n_samples, value, weights):
    design = Design(np.full((n_samples, 1), value), weights(n_samples))
    assert_array_equal(design.scale, 1.0)
    assert_array_equal(design.block(slice(None)).A[0], 0.0)


def test_a_column_of_small_variation_is_not_constant():
    X = 1.0 + 1e-9 * np.arange(100.0)[:, None]
    design = Design(X, np.broadcast_to(1.0, 100))
    assert_allclose(design.scale, X.std(axis=0), rtol=1e-5)


def test_a_design_is_built_once_per_array():
    X, designs = np.eye(3), Designs(np.ones(3))
    assert designs.get(X) is designs.get(X)
    assert designs.get(X) is not designs.get(X, centered=False)
    assert designs.get(X) is not designs.get(X.copy())
