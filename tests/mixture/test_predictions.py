# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Prediction by chunks of rows: same answers, same validation, less memory."""

import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import ConstantGate
from skmoe.mixture import chunks
from skmoe.numerics.routing import dispatch, route_top_k

# Few rows and an idle expert: what is computed matters here, not whether it is good.
pytestmark = pytest.mark.filterwarnings("ignore:The dispersions of experts")
GATES = [None, ConstantGate(), LogisticRegression()]


def regressor(X, y, **parameters):
    return MixtureOfExpertsRegressor(Ridge(1.0), max_iter=500, **parameters).fit(X, y)


def answers(model, X, y):
    """All that goes through chunks."""
    if hasattr(model, "classes_"):
        own = [model.predict_proba(X), model.predict_log_proba(X), model.predict(X)]
    else:
        own = [model.predict(X), *model.predict(X, return_std=True)]
    return [*own, model.score_samples(X, y), model.responsibilities(X, y)]


def assert_same(first, second, **tolerance):
    for one, other in zip(first, second, strict=True):
        assert_allclose(one, other, **tolerance)


@pytest.fixture
def small_chunks(monkeypatch):
    """Return a function after which chunks have 16 rows."""

    def shrink():
        monkeypatch.setattr(chunks, "CHUNK_SIZE", 1)
        monkeypatch.setattr(chunks, "MIN_ROWS", 16)

    return shrink


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("top_k", [None, 1, 2])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, pd.DataFrame])
def test_chunks_of_a_regressor(regression, small_chunks, gate, top_k, container):
    X, y = regression
    model = regressor(container(X), np.column_stack([y, -y]), gate=gate, top_k=top_k)
    whole = answers(model, container(X), np.column_stack([y, -y]))
    small_chunks()
    chunked = answers(model, container(X), np.column_stack([y, -y]))
    assert_same(chunked, whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("top_k", [None, 1, 2])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_chunks_of_a_classifier(
    classification, three_classes, small_chunks, n_classes, top_k
):
    X, y = classification if n_classes == 2 else three_classes
    model = MixtureOfExpertsClassifier(top_k=top_k, max_iter=500).fit(X, y)
    whole = answers(model, X, y)
    small_chunks()
    assert_same(answers(model, X, y), whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("columns", [[0], [1, 0], slice(1, 2), []])
@pytest.mark.parametrize("top_k", [None, 1])
def test_chunks_of_selected_columns(regression, small_chunks, columns, top_k):
    X, y = regression
    model = regressor(X, y, gate_features=columns, top_k=top_k)
    whole = answers(model, X, y)
    small_chunks()
    assert_same(answers(model, X, y), whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("top_k", [None, 1])
@pytest.mark.parametrize(
    "convert",
    [
        lambda X: X.astype(np.float32),
        lambda X: sp.csr_matrix(X.astype(np.float32)),
        np.asfortranarray,
        lambda X: pd.DataFrame(X.astype(np.float32)),
        lambda X: X.tolist(),
        lambda X: X.astype(object),
    ],
)
def test_containers_and_types_agree(regression, small_chunks, convert, top_k):
    X, y = regression
    X = X.astype(np.float32).astype(np.float64)  # the same numbers in every type
    model = regressor(X, y, top_k=top_k)
    dense = answers(model, X, y)
    small_chunks()
    assert_same(answers(model, convert(X), y), dense, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_matrix])
@pytest.mark.parametrize("kept_at_once", [False, True])
def test_experts_that_are_not_kept_do_not_count(
    regression, monkeypatch, container, kept_at_once
):
    monkeypatch.setattr("skmoe.experts.stacked.FETCH_COST", 99 if kept_at_once else 0)
    X, y = regression
    model = regressor(X, y, top_k=1)
    best = model.apply(X)
    X = container(X[best != 2])
    before = model.predict(X)
    model._mixture.experts.coef[:, 2] = np.nan
    assert_array_equal(model.predict(X), before)
    model.top_k = None
    assert np.isnan(model.predict(X)).all()


def test_fetched_coefficients_equal_all_experts_at_once(three_classes, monkeypatch):
    X, y = three_classes
    model = MixtureOfExpertsClassifier(top_k=2, max_iter=500).fit(X, y)
    at_once = model.predict_proba(X)
    monkeypatch.setattr("skmoe.experts.stacked.FETCH_COST", 0)
    assert_allclose(model.predict_proba(X), at_once, rtol=1e-12)
    assert_allclose(model.predict_proba(sp.csr_array(X)), at_once, rtol=1e-12)


def test_routing_without_probability_keeps_each_expert_once():
    scores = np.array([[0.0, -np.inf, -np.inf, -1.0], [-np.inf] * 3 + [0.0]])
    routing = route_top_k(scores, 3)
    assert_array_equal(routing.experts, [[0, 3, 1], [3, 0, 1]])
    assert_allclose(routing.weights.sum(axis=1), 1.0)
    assert_array_equal(routing.weights[1], [1.0, 0.0, 0.0])


def test_routing_is_a_stable_sort():
    scores = np.random.RandomState(0).randint(5, size=(50, 9)).astype(float)
    expected = np.argsort(-scores, axis=1, kind="stable")
    for top_k in (1, 2, 9):
        assert_array_equal(route_top_k(scores, top_k).experts, expected[:, :top_k])


def test_dispatch_of_many_experts():
    kept = np.random.RandomState(0).randint(300, size=(1000, 2))
    X = np.arange(1000.0)[:, None]
    answer = dispatch(kept, lambda k, rows: rows + 1000 * k, X)
    assert_array_equal(answer[:, :, 0], X + 1000 * kept)


@pytest.mark.parametrize("top_k", [None, 1])
def test_predict_allocates_little_beyond_its_answer(top_k):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200_000, 20))
    model = MixtureOfExpertsRegressor(n_experts=16, max_iter=2, top_k=top_k)
    with pytest.warns(ConvergenceWarning):
        model.fit(X[:2000], X[:2000, 0] + rng.normal(size=2000))
    model.predict(X)  # numba, where it is used, is loaded once
    tracemalloc.start()
    try:
        answer = model.predict(X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - answer.nbytes < 4 * 2**20  # all scores would be 51 MB


def test_a_pickle_is_small_and_predicts_the_same(regression):
    X, y = regression
    model = regressor(X, y, top_k=1)
    pickled = pickle.dumps(model)
    assert len(pickled) < 10_000
    assert_array_equal(pickle.loads(pickled).predict(X), model.predict(X))


@pytest.mark.parametrize(
    "method", ["predict", "gate_proba", "apply", "predict_experts"]
)
def test_unfitted(method):
    with pytest.raises(NotFittedError):
        getattr(MixtureOfExpertsRegressor(), method)(np.zeros((1, 2)))


@pytest.mark.parametrize("columns", [None, [0]])
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 3)), "X has 3 features, but Mixture.* is expecting 2 features"),
        (sp.csr_array((2, 3)), "X has 3 features"),
        (np.zeros(2), "Expected 2D array, got 1D array"),
        (np.zeros((0, 2)), "Found array with 0 sample"),
        ([[np.nan, 0.0]], "leave columns with missing values out of"),
        ([[np.inf, 0.0]], "infinity"),
        ([["a", "b"]], "could not convert|not compatible with .*strings"),
        (np.zeros((1, 2), dtype=complex), "Complex data not supported"),
        (pd.DataFrame({"b": [0.0], "a": [0.0]}), "feature names should match"),
    ],
)
def test_bad_rows_are_refused(regression, columns, X, message):
    data, y = regression
    frame = pd.DataFrame(data, columns=["a", "b"])
    named = isinstance(X, pd.DataFrame)
    model = regressor(frame if named else data, y, gate_features=columns)
    with pytest.raises(ValueError, match=message):
        model.predict(X)


def test_missing_names_are_a_warning(regression):
    X, y = regression
    model = regressor(pd.DataFrame(X, columns=["a", "b"]), y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X)


def test_numba_is_not_imported():
    code = "import sys, skmoe; print('numba' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "False"


def spied(monkeypatch):
    """A list that grows by one at each compiled call."""
    from skmoe.kernels import numba_routing

    calls, run = [], numba_routing.best_linear

    def spy(*arrays):
        calls.append(1)
        return run(*arrays)

    monkeypatch.setattr(numba_routing, "best_linear", spy)
    return calls


@pytest.mark.numba
@pytest.mark.parametrize("columns", [None, [0], [1, 0]])
@pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, pd.DataFrame])
def test_routing_compiled_and_not_is_the_same(
    regression, columns, container, monkeypatch
):
    pytest.importorskip("numba")
    X, y = regression
    targets = np.column_stack([y, -y])
    model = regressor(X, targets, gate_features=columns, top_k=1, n_experts=4)
    plain = answers(model.set_params(engine="numpy"), X, targets)
    calls = spied(monkeypatch)
    monkeypatch.setattr("skmoe.kernels.numba_routing.ROWS", 32)
    compiled = answers(model.set_params(engine="numba"), container(X), targets)
    assert calls
    assert_same(compiled, plain, rtol=1e-11, atol=1e-11)


@pytest.mark.numba
@pytest.mark.parametrize("n_classes", [2, 3])
def test_routing_of_classifiers_compiled_and_not(
    classification, three_classes, n_classes, monkeypatch
):
    pytest.importorskip("numba")
    X, y = classification if n_classes == 2 else three_classes
    model = MixtureOfExpertsClassifier(top_k=1, max_iter=500).fit(X, y)
    plain = answers(model.set_params(engine="numpy"), X, y)
    calls = spied(monkeypatch)
    assert_same(answers(model.set_params(engine="numba"), X, y), plain, rtol=1e-11)
    assert calls


@pytest.mark.numba
def test_ties_and_other_inputs_go_the_same_way_compiled(regression, monkeypatch):
    pytest.importorskip("numba")
    X, y = regression
    model = regressor(X, y, top_k=1, engine="numba")
    model.gate_.coef_[:], model.gate_.intercept_[:] = 0.0, 0.0
    assert_allclose(model.predict(X), model.experts_[0].predict(X), rtol=1e-12)
    calls = spied(monkeypatch)
    sparse = model.predict(sp.csr_array(X))
    assert not calls
    assert_allclose(sparse, model.predict(X), rtol=1e-12)
    assert_allclose(model.predict(X[:1]), sparse[:1], rtol=1e-12)
    single = X.astype(np.float32)
    assert_allclose(model.predict(single), sparse, rtol=1e-4, atol=1e-4)


def test_no_columns_for_the_gate_are_not_compiled(regression):
    X, y = regression
    model = regressor(X, y, gate_features=[], top_k=1)
    plain = model.predict(X)
    pytest.importorskip("numba")
    assert_array_equal(model.set_params(engine="numba").predict(X), plain)
