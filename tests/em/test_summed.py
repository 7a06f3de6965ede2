# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The engine of fit: sums over blocks of rows, shared by threads, nothing copied."""

import sys
import tracemalloc
from threading import Event, Thread

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from threadpoolctl import ThreadpoolController

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.em.driver import EM
from skmoe.em.quantile_groups import OVERLAP, QuantileGroups
from skmoe.em.states.summed import SummedMixture
from skmoe.em.states.whole import WholeMixture
from skmoe.em.steps import QuasiNewtonStep
from skmoe.experts import LinearExperts, LogisticExperts, PooledRidge
from skmoe.experts.base import ExpertTask
from skmoe.families import Categorical, Gaussian
from skmoe.gates import ConstantGate, SoftmaxGate
from skmoe.kernels import get_kernels
from skmoe.numerics.threads import one_blas_thread
from skmoe.rows.design import Design, Designs
from tests.shared import assert_never_falls, two_boundaries, two_regimes

CUT_OFF = pytest.mark.filterwarnings("ignore:EM did not converge")
MIB = 2**20


def data(n_classes=None, n_targets=1, sparse=False, n_samples=500):
    """Two regimes along the first of three columns; X and y, or class labels."""
    if n_classes is not None:
        X, y = two_boundaries(n_samples, 3, n_classes)
    else:
        X, y, _ = two_regimes(n_samples, 3)
        if n_targets > 1:
            y = np.column_stack([y, y**2 + X[:, 1]])
    if sparse:
        X = sp.csr_matrix(X * (np.abs(X) > 0.5))
    return X, y


MIXED = [LinearRegression(), Ridge(5.0), Ridge(2.0, fit_intercept=False)]
CASES = {
    "gaussian": {},
    "ridge": {"templates": MIXED},
    "pooled": {"templates": [PooledRidge(5.0), LinearRegression(), PooledRidge(50.0)]},
    "targets": {"n_targets": 2},
    "sparse": {"sparse": True},
    "sparse pooled": {"templates": [PooledRidge(20.0)] * 3, "sparse": True},
    "constant gate": {"gate": ConstantGate()},
    "prior on shares": {"gate": ConstantGate(prior_rows=30.0)},
    "prior on dispersions": {"family": Gaussian(prior_rows=40.0)},
    "own columns": {"gate_columns": [0]},
    "sparse own columns": {"gate_columns": [0], "sparse": True},
    "two classes": {"n_classes": 2},
    "three classes": {"n_classes": 3},
    "sparse classes": {"n_classes": 3, "sparse": True},
}


def make_mixture(
    templates=None,
    gate=None,
    gate_columns=None,
    n_experts=3,
    engine="numpy",
    family=None,
    **of_data,
):
    """A SummedMixture at a generic state."""
    X, y = data(**of_data)
    n_samples, n_classes = X.shape[0], of_data.get("n_classes")
    is_regression = n_classes is None
    if templates is None:
        template = Ridge(1.0) if is_regression else LogisticRegression(C=2.0)
        templates = [template] * n_experts
    rng = np.random.RandomState(0)
    weights = rng.uniform(0.5, 2.0, size=n_samples)
    coded = y.reshape(n_samples, -1)
    if family is None:
        family = Gaussian() if is_regression else Categorical()
    task = ExpertTask(
        templates=templates,
        names=[str(k) for k in range(len(templates))],
        X=X,
        y=coded,
        labels=y,
        classes=None if is_regression else np.arange(n_classes),
        weights=weights,
        families=[family] * len(templates),
        floors=[np.full((int(is_regression), coded.shape[1]), 1e-3)] * len(templates),
        designs=Designs(weights, get_kernels(engine)),
    )
    gate = SoftmaxGate(0.05) if gate is None else gate
    gate_X = X if gate_columns is None else X[:, gate_columns]
    kind = LinearExperts if is_regression else LogisticExperts
    mixture = SummedMixture(
        gate.trainer(gate_X, len(templates), weights, task.designs),
        kind.trainer(task),
        weights,
    )
    mixture.begin(rng.dirichlet(np.ones(len(templates)), size=n_samples))
    for _ in range(2):
        mixture.parameters = mixture.local_model(mixture.e_step()).target
    return mixture


def make_model(templates=None, gate=None, gate_columns=None, family=None, **of_data):
    """An estimator of a case and its data."""
    X, y = data(**of_data)
    kind = MixtureOfExpertsRegressor
    if "n_classes" in of_data:
        kind = MixtureOfExpertsClassifier
    experts = {"n_experts": 2}
    if templates is not None:
        named = [(f"e{k}", template) for k, template in enumerate(templates)]
        experts = {"experts": named}
    if family is not None:
        experts["family"] = family
    # A penalty in sight of the data: maxima are sharp, and rounding stays rounding.
    gate = SoftmaxGate(0.01) if gate is None else gate
    return kind(gate=gate, gate_features=gate_columns, **experts), X, y


def answers(model, X):
    """What a model says of each row."""
    if isinstance(model, MixtureOfExpertsClassifier):
        return model.predict_proba(X)
    return model.predict(X)


def cut_small(monkeypatch):
    """Let 500 rows fill several tasks, and a task several blocks."""
    monkeypatch.setattr("skmoe.numerics.batches.CACHE_SIZE", 1)
    monkeypatch.setattr("skmoe.em.states.summed.TASK_ROWS", 200)
    for module in ("skmoe.rows.moments", "skmoe.em.starts", "skmoe.em.quantile_groups"):
        monkeypatch.setattr(f"{module}.MOMENT_ROWS", 70)


# -- sums over blocks -----------------------------------------------------------------


def views_of(mixture):
    """Everything that a pass over the rows yields, by name."""
    mixture.parameters = mixture.parameters  # forget earlier passes
    _, objective = mixture.e_step()
    ascent = mixture.local_model(mixture.e_step())
    R = np.random.RandomState(1).dirichlet(np.ones(3), size=len(mixture.weights))
    outlooks = [part.value_and_local_model(R) for part in mixture.parts]
    for part, (value, _) in zip(mixture.parts, outlooks, strict=True):
        assert_allclose(value, part.expected(R), rtol=1e-12)
    of_parts = [ascent for _, ascent in outlooks]
    return {
        "objective": objective,
        "hard objective": mixture.e_step(hard=True)[1],
        "log likelihood": mixture.log_likelihood(),
        "totals": mixture.totals(),
        "score": ascent.score,
        "target": ascent.target,
        "solve": ascent.solve(ascent.score),
        "scores of parts": np.concatenate([part.score for part in of_parts]),
        "targets of parts": np.concatenate([part.target for part in of_parts]),
        "expected": [part.expected(R) for part in mixture.parts],
        "log terms": [part.log_terms() for part in mixture.parts],
    }


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("newton_experts", [0, 100])
def test_sums_over_blocks_are_sums_over_all_rows(case, newton_experts, monkeypatch):
    monkeypatch.setattr("skmoe.gates.softmax.NEWTON_EXPERTS", newton_experts)
    mixture = make_mixture(**CASES[case])
    whole = views_of(mixture)
    cut_small(monkeypatch)
    assert len(list(mixture.parts[0].batches())) > 3
    for name, value in views_of(mixture).items():
        assert_allclose(value, whole[name], rtol=1e-10, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_fits_do_not_depend_on_the_size_of_blocks(case, monkeypatch):
    model, X, y = make_model(**CASES[case])
    whole = clone(model).fit(X, y)
    cut_small(monkeypatch)
    pieces = clone(model).fit(X, y)
    assert pieces.n_iter_ == whole.n_iter_
    assert_allclose(pieces.lower_bounds_, whole.lower_bounds_, rtol=1e-9)
    assert_allclose(answers(pieces, X), answers(whole, X), atol=1e-7)


@pytest.mark.parametrize("n_samples", [1, 127, 128, 129, 5000])
@pytest.mark.parametrize("n_columns", [1, 5, 1001])
@pytest.mark.parametrize("n_weights", [0, 1, 40])
def test_blocks_cover_all_rows_in_order(n_samples, n_columns, n_weights):
    from skmoe.numerics.batches import block_batches

    batches = list(block_batches(7, 7 + n_samples, n_columns, n_weights))
    rows = np.concatenate([np.arange(10_000)[batch] for batch in batches])
    assert_array_equal(rows, np.arange(7, 7 + n_samples))


# -- one mixture, two ways ------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_summed_mixture_is_the_mixture(case):
    summed = make_mixture(**CASES[case])
    held = WholeMixture(summed.gate, summed.experts, summed.weights)
    for hard in (False, True):
        assert_allclose(summed.e_step(hard)[1], held.e_step(hard)[1], rtol=1e-12)
    assert_allclose(summed.log_likelihood(), held.log_likelihood(), rtol=1e-12)
    assert_allclose(summed.totals(), held.totals(), rtol=1e-11)
    assert_array_equal(summed.collapsed(), held.collapsed())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("hard", [False, True])
def test_a_plain_step_is_the_same_m_step(case, hard):
    summed = make_mixture(**CASES[case])
    held = WholeMixture(summed.gate, summed.experts, summed.weights)
    state = summed.snapshot()
    held.m_step(held.e_step(hard))
    expected = summed.parameters
    summed.restore(state)
    assert np.abs(summed.parameters - expected).max() > 1e-4
    QuasiNewtonStep(memory=0).advance(summed, summed.e_step(hard))
    assert_allclose(summed.parameters, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("case", ["ridge", "three classes"])
def test_a_first_step_from_responsibilities_is_the_same_m_step(case):
    summed = make_mixture(**CASES[case])
    held = WholeMixture(summed.gate, summed.experts, summed.weights)
    state, n_samples = summed.snapshot(), len(summed.weights)
    R = np.random.RandomState(2).dirichlet(np.ones(3), size=n_samples)
    summed.begin(R)
    first = summed.parameters
    summed.restore(state)
    held.begin(R)
    assert_allclose(first, summed.parameters, rtol=1e-12)


def test_a_pass_is_forgotten_when_the_state_changes():
    mixture = make_mixture()
    state, here = mixture.snapshot(), mixture.e_step()
    assert mixture.e_step()[0] is here[0]
    mixture.begin(np.full((500, 3), 1 / 3))
    assert abs(mixture.e_step()[1] - here[1]) > 1e-3
    mixture.restore(state)
    assert_allclose(mixture.e_step()[1], here[1], rtol=1e-14)
    mixture.parameters = mixture.parameters + 0.1
    assert abs(mixture.e_step()[1] - here[1]) > 1e-3


# -- score and information ------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("newton_experts", [0, 100])
def test_score_is_the_gradient_of_the_objective(case, newton_experts, monkeypatch):
    monkeypatch.setattr("skmoe.gates.softmax.NEWTON_EXPERTS", newton_experts)
    mixture = make_mixture(**CASES[case])
    position = mixture.parameters
    score = mixture.local_model(mixture.e_step()).score

    def objective(values):
        mixture.parameters = values
        return mixture.e_step()[1]

    numeric = np.array(
        [
            (objective(position + step) - objective(position - step)) / 2e-5
            for step in 1e-5 * np.eye(len(position))
        ]
    )
    if case == "ridge":  # the third expert has no intercept to move
        numeric[mixture.parts[0].parameters.size + 2 * 4 + 3] = 0.0
    assert_allclose(score, numeric, rtol=1e-6, atol=1e-8)


def gate_information(mixture, is_newton):
    """The matrix that the gate's `solve` inverts."""
    gate = mixture.parts[0]
    gate.is_newton = is_newton
    n_experts = mixture.experts.n_curvatures
    gate.n_curvatures = n_experts * (n_experts - 1) // 2 if is_newton else n_experts
    flat_share = np.full((len(mixture.weights), n_experts), 0.1)
    solve = gate.value_and_local_model(flat_share)[1].solve
    inverse = np.array([solve(column) for column in np.eye(gate.V.size)])
    assert_allclose(inverse, inverse.T, atol=1e-10 * np.abs(inverse).max())
    return np.linalg.inv(inverse)


@pytest.mark.parametrize("n_experts", [2, 3, 6])
@pytest.mark.parametrize("gate", [SoftmaxGate(0.0), SoftmaxGate(0.5), ConstantGate()])
def test_block_diagonal_information_bounds_the_hessian(n_experts, gate):
    mixture = make_mixture(n_experts=n_experts, gate=gate)
    hessian = gate_information(mixture, is_newton=True)
    bound = gate_information(mixture, is_newton=False)
    smallest = np.linalg.eigvalsh(bound - hessian).min()
    assert smallest >= -1e-7 * np.linalg.norm(bound)
    assert np.linalg.eigvalsh(hessian).min() > 0


@pytest.mark.parametrize("is_newton", [False, True])
def test_information_is_what_the_docstring_says(is_newton):
    mixture = make_mixture(gate=SoftmaxGate(0.5))
    gate, weights = mixture.parts[0], mixture.weights / mixture.total
    proba, A = np.exp(gate.log_proba), gate.design.block(slice(None)).A
    penalty = np.diag([0.5, 0.5, 0.5, 0.0])
    full = np.zeros((3, 4, 3, 4))
    for k in range(3):
        full[k, :, k] = (A * (weights * proba[:, k])) @ A.T + penalty
        for l in range(3):
            if is_newton:
                pair = weights * proba[:, k] * proba[:, l]
                full[k, :, l] -= (A * pair) @ A.T + penalty / 3
    # Coefficients of the experts (3, 4) to their differences to the last one.
    to_differences = np.kron(np.hstack([np.eye(2), -np.ones((2, 1))]), np.eye(4))
    inverse = np.linalg.pinv(full.reshape(12, 12), rcond=1e-12, hermitian=True)
    expected = np.linalg.inv(to_differences @ inverse @ to_differences.T)
    assert_allclose(gate_information(mixture, is_newton), expected, atol=1e-6)


@pytest.mark.parametrize("accelerate", [False, True])
def test_many_experts_reach_newtons_maximum(accelerate, monkeypatch):
    rng = np.random.RandomState(2)
    labels = np.arange(1200) % 12
    angles = 2 * np.pi * labels / 12
    centers = 3 * np.column_stack([np.cos(angles), np.sin(angles)])
    X = centers + 0.5 * rng.normal(size=(1200, 2))
    slopes, noise = rng.normal(size=(12, 2)), 0.3 * rng.normal(size=1200)
    y = 3 * rng.normal(size=12)[labels] + np.sum(slopes[labels] * X, axis=1) + noise
    model = MixtureOfExpertsRegressor(
        n_experts=12,
        gate=SoftmaxGate(1e-3),
        init=labels,
        accelerate=accelerate,
        tol=1e-10,
        max_iter=5000,
    )
    monkeypatch.setattr("skmoe.gates.softmax.NEWTON_EXPERTS", 11)
    bounded = clone(model).fit(X, y)
    monkeypatch.setattr("skmoe.gates.softmax.NEWTON_EXPERTS", 12)
    newton = clone(model).fit(X, y)
    assert bounded.lower_bounds_ != newton.lower_bounds_
    for fit in (bounded, newton):
        assert_never_falls(fit.lower_bounds_)
    assert_allclose(bounded.lower_bound_, newton.lower_bound_, atol=1e-6)


@pytest.mark.parametrize("accelerate", [False, True])
def test_block_diagonal_steps_climb(accelerate, monkeypatch):
    monkeypatch.setattr("skmoe.gates.softmax.NEWTON_EXPERTS", 0)
    mixture = make_mixture()
    before = mixture.e_step()[1]
    run = EM(mixture, tol=1e-8, accelerate=accelerate).run(3000)
    assert run.converged
    assert run.bounds[0] >= before
    assert_never_falls(run.bounds)
    ascent = mixture.local_model(mixture.e_step())
    assert ascent.score @ ascent.solve(ascent.score) < 1e-5


# -- threads and engines --------------------------------------------------------------


def read_only(X):
    X = X.copy()
    X.flags.writeable = False
    return X


def watch_threads(monkeypatch):
    """A list that grows by whether a pass had threads to share."""
    seen, run = [], SummedMixture._pass

    def spy(self, hard):
        seen.append(self.map is not map)
        return run(self, hard)

    monkeypatch.setattr(SummedMixture, "_pass", spy)
    return seen


@pytest.mark.parametrize("case", ["gaussian", "sparse own columns", "three classes"])
@pytest.mark.parametrize("assignment", ["soft", "hard"])
@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_threads_change_nothing(case, assignment, engine, monkeypatch):
    if engine == "numba":
        pytest.importorskip("numba")
    cut_small(monkeypatch)
    model, X, y = make_model(**CASES[case])
    model.set_params(assignment=assignment, engine=engine, random_state=0)
    one = clone(model).set_params(n_jobs=1).fit(X, y)
    threaded = watch_threads(monkeypatch)
    two = clone(model).set_params(n_jobs=2).fit(X, y)
    compiled = engine == "numba" and case == "gaussian" and assignment == "soft"
    assert any(threaded) == compiled
    assert two.lower_bounds_ == one.lower_bounds_
    assert_array_equal(answers(two, X), answers(one, X))
    assert_array_equal(two.predict_experts(X), one.predict_experts(X))


def flat(nested):
    """Arrays of nested lists."""
    if isinstance(nested, np.ndarray):
        return [nested]
    return [array for part in nested for array in flat(part)]


@pytest.mark.numba
@pytest.mark.parametrize("case", ["gaussian", "ridge", "targets"])
@pytest.mark.parametrize("n_experts", [3, 7])
def test_a_compiled_pass_adds_what_blocks_add(case, n_experts, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr("skmoe.kernels.numba_pass.BLOCK_ROWS", 128)
    of_data = {key: CASES[case][key] for key in CASES[case] if key != "templates"}
    mixture = make_mixture([Ridge(2.0)] * n_experts, engine="numba", **of_data)
    assert mixture.is_compiled
    rows = slice(17, 480)
    compiled = flat(mixture._task(rows, hard=False))
    monkeypatch.setattr(mixture, "_compiled", None)
    added = flat(mixture._task(rows, hard=False))
    for ours, reference in zip(compiled, added, strict=True):
        assert_allclose(ours, reference, rtol=1e-11, atol=1e-11)


@pytest.mark.numba
@pytest.mark.parametrize(
    ("case", "compiled"),
    [
        ("gaussian", True),
        ("pooled", True),
        ("prior on dispersions", True),
        ("sparse", False),
        ("own columns", False),
        ("constant gate", False),
        ("two classes", False),
    ],
)
def test_which_passes_are_compiled(case, compiled):
    pytest.importorskip("numba")
    assert make_mixture(engine="numba", **CASES[case]).is_compiled == compiled
    assert not make_mixture(**CASES[case]).is_compiled


@pytest.mark.numba
@pytest.mark.parametrize("case", CASES)
def test_engines_give_the_same_fit(case):
    pytest.importorskip("numba")
    model, X, y = make_model(**CASES[case])
    numpy_fit = clone(model).set_params(engine="numpy").fit(X, y)
    numba_fit = clone(model).set_params(engine="numba").fit(X, y)
    assert numba_fit.n_iter_ == numpy_fit.n_iter_
    assert_allclose(numba_fit.lower_bounds_, numpy_fit.lower_bounds_, rtol=1e-8)
    assert_allclose(answers(numba_fit, X), answers(numpy_fit, X), rtol=1e-8, atol=1e-8)


def test_a_missing_engine_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "skmoe.kernels.numba_kernels", None)
    model, X, y = make_model()
    with pytest.raises(ImportError, match="engine='numba' needs numba"):
        model.set_params(engine="numba").fit(X, y)


def test_auto_does_without_numba(monkeypatch):
    monkeypatch.setattr("skmoe.kernels.AUTO_SIZE", 0)
    monkeypatch.setattr("skmoe.kernels.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "skmoe.kernels.numba_kernels", None)
    model, X, y = make_model()
    auto = clone(model).set_params(engine="auto").fit(X, y)
    plain = clone(model).set_params(engine="numpy").fit(X, y)
    assert_array_equal(auto.predict(X), plain.predict(X))


@pytest.mark.parametrize("engine", ["cuda", None, 1])
def test_engine_is_validated(engine):
    model, X, y = make_model()
    with pytest.raises(ValueError, match="'engine' parameter"):
        model.set_params(engine=engine).fit(X, y)


@pytest.mark.numba
@pytest.mark.parametrize("convert", [np.asfortranarray, read_only, np.float32])
def test_every_dense_x_has_a_compiled_pass(convert, monkeypatch):
    pytest.importorskip("numba")
    cut_small(monkeypatch)
    model, X, y = make_model()
    X = X.astype(np.float32).astype(np.float64)  # the same numbers in both precisions
    model.set_params(engine="numba", n_jobs=2)
    plain = clone(model).fit(X, y)
    threaded = watch_threads(monkeypatch)
    other = clone(model).fit(convert(X), y)
    assert any(threaded)
    assert_allclose(other.lower_bounds_, plain.lower_bounds_, rtol=1e-9)


def test_one_expert_on_wide_sparse_data():
    rng = np.random.RandomState(0)
    X = sp.random(200, 70, 0.1, format="csr", random_state=rng)
    y = X @ rng.normal(size=70)
    model = MixtureOfExpertsRegressor([("ridge", Ridge(0.1))]).fit(X, y)
    ridge = Ridge(0.1).fit(X.toarray(), y)
    assert_allclose(model.predict(X), ridge.predict(X.toarray()), atol=1e-8)


@pytest.mark.parametrize("offset", [1e3, 1e5, 1e6])
def test_sparse_columns_far_from_zero_are_centred(offset):
    X, y = data()
    X = X + np.array([offset, 0, 0])
    sparse = MixtureOfExpertsRegressor(n_experts=2).fit(sp.csr_matrix(X), y)
    dense = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    assert_allclose(sparse.lower_bound_, dense.lower_bound_, atol=1e-6)


def test_duplicates_in_a_sparse_matrix_are_summed():
    X, y = data(sparse=True)
    rows, columns = X.nonzero()
    values = np.asarray(X[rows, columns]).ravel()
    order = np.argsort(np.tile(rows, 2), kind="stable")
    indptr = np.concatenate([[0], np.cumsum(2 * np.diff(X.indptr))])
    doubled = sp.csr_matrix(
        (
            np.concatenate([3 * values, -2 * values])[order],
            np.tile(columns, 2)[order],
            indptr,
        ),
        shape=X.shape,
    )
    before = doubled.nnz
    fit = MixtureOfExpertsRegressor(n_experts=2).fit(doubled, y)
    plain = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    assert doubled.nnz == before
    assert_allclose(fit.lower_bound_, plain.lower_bound_, atol=1e-8)


@pytest.mark.parametrize("unit", [1e-12, 1e-6, 1e6, 1e12])
def test_the_unit_of_y_does_not_matter(unit):
    X, y = data()
    plain = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    scaled = MixtureOfExpertsRegressor(n_experts=2).fit(X, unit * y)
    assert scaled.n_iter_ == plain.n_iter_
    assert_allclose(scaled.predict(X) / unit, plain.predict(X), atol=1e-6)


def test_blas_threads_come_back_after_fits_that_overlap():
    def threads():
        pools = ThreadpoolController().info()
        return [pool["num_threads"] for pool in pools if pool["user_api"] == "blas"]

    before = threads()
    first, second = Event(), Event()

    def outer():
        with one_blas_thread:
            first.set()
            second.wait()

    thread = Thread(target=outer)
    thread.start()
    first.wait()
    with one_blas_thread:
        second.set()
        thread.join()
        assert set(threads()) == {1}
    assert threads() == before


# -- memory ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "convert", [np.copy, np.asfortranarray, read_only, np.float32, lambda X: X[::2, 1:]]
)
def test_x_is_neither_copied_nor_changed(convert, monkeypatch):
    seen = []

    class Spy(Design):
        def __init__(self, X, *args):
            seen.append(X)
            super().__init__(X, *args)

    monkeypatch.setattr("skmoe.rows.design.Design", Spy)
    model, X, y = make_model()
    X = convert(X)
    y, before = y[:: 500 // len(X)], X.copy()
    fit = model.fit(X, y)
    assert len(seen) == 1
    assert np.shares_memory(seen[0], X)
    assert_array_equal(X, before)
    plain = clone(model).fit(np.ascontiguousarray(X, dtype=np.float64), y)
    assert_allclose(fit.predict(X), plain.predict(X), atol=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_single_precision_x_is_computed_with_in_double(case):
    model, X, y = make_model(**CASES[case])
    X = X.astype(np.float32)
    single = clone(model).fit(X, y)
    double = clone(model).fit(X.astype(np.float64), y)
    assert_allclose(single.lower_bound_, double.lower_bound_, atol=1e-7)
    assert_allclose(answers(single, X), answers(double, X), atol=1e-6)


def peak_of_fit(n_samples, **settings):
    """Bytes that three iterations allocate at most."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n_samples, 4))
    y = np.abs(X[:, 0]) + X[:, 1] + 0.1 * rng.normal(size=n_samples)
    model = MixtureOfExpertsRegressor(max_iter=3, engine="numpy", **settings)
    tracemalloc.start()
    try:
        model.fit(X, y)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@CUT_OFF
@pytest.mark.parametrize("gate", [None, ConstantGate()])
def test_a_fit_needs_no_memory_per_row(gate):
    n_samples = 200_000
    peak = peak_of_fit(n_samples, n_experts=4, gate=gate)
    assert peak < 64 * MIB + 2 * n_samples


@CUT_OFF
@pytest.mark.slow
@pytest.mark.parametrize("assignment", ["soft", "hard"])
def test_no_array_has_an_entry_per_row_and_expert(assignment):
    n_samples, n_experts = 400_000, 8
    peak = peak_of_fit(n_samples, n_experts=n_experts, assignment=assignment)
    assert peak < 8 * n_samples * n_experts


# -- quantile groups ------------------------------------------------------------------


def groups_of(scores, weights=None, n_experts=3):
    """Responsibilities (n, K) of the quantile groups of scores (n,)."""
    weights = np.ones(len(scores)) if weights is None else weights
    return QuantileGroups(scores.__getitem__, weights, n_experts)[:]


def shares_at(ranks, n_experts=3):
    """What the groups give a row of some rank: bells of equal width."""
    centers = (np.arange(n_experts) + 0.5) / n_experts
    logits = -0.5 * ((ranks[:, None] - centers) * n_experts / OVERLAP) ** 2
    shares = np.exp(logits)
    return shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_ranks_are_weighted_mid_ranks(scale):
    rng = np.random.RandomState(0)
    scores = scale * (rng.permutation(50) + rng.uniform(0, 0.5, size=50) + 100)
    weights = rng.uniform(0.1, 3.0, size=50)
    ranks = np.array(
        [
            (weights[scores < score].sum() + 0.5 * weights[scores == score].sum())
            for score in scores
        ]
    )
    expected = shares_at(ranks / weights.sum())
    assert_allclose(groups_of(scores, weights), expected, rtol=1e-12)


def test_ties_share_their_rank():
    scores = np.array([3.0, 1.0, 3.0, 2.0, 3.0 + 1e-14])
    ranks = np.array([0.7, 0.1, 0.7, 0.3, 0.7])
    assert_allclose(groups_of(scores), shares_at(ranks), rtol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e12])
def test_scores_without_variance_give_equal_rows(value):
    R = groups_of(np.full(40, value))
    assert_allclose(R, shares_at(np.full(40, 0.5)), rtol=1e-12)


@pytest.mark.parametrize("n_samples", [100, 1000, 100_000])
@pytest.mark.parametrize("outlier", [1e3, 1e6])
def test_an_outlier_leaves_the_groups_balanced(n_samples, outlier):
    scores = np.random.RandomState(0).normal(size=n_samples)
    scores[7] = outlier
    groups = groups_of(scores).argmax(axis=1)
    assert_allclose(np.bincount(groups, minlength=3) / n_samples, 1 / 3, atol=0.05)
