# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Ways out of poor maxima: annealed starts, split-and-merge moves."""

import warnings

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.em.annealing import anneal
from skmoe.em.driver import EM
from skmoe.em.restarts import best_of_starts
from skmoe.em.split import crossing_score, half, mean_log_density
from skmoe.em.split_merge import Moves, overlapping_pairs, split_and_merge
from skmoe.em.starts import StartingPoint
from skmoe.em.states.summed import SummedMixture
from skmoe.gates import ConstantGate, GaussianGate, SoftmaxGate
from skmoe.model_selection import ExpertCountSearch
from skmoe.rows.design import Design
from tests.shared import assert_never_falls, two_boundaries

SEARCHES = ["anneal", "split_merge"]


def zigzag(n_samples=300, noise=0.1):
    """Three lines that meet, and labels of which two share the first line."""
    x = np.linspace(0, 3, n_samples)
    y = np.select([x < 1, x < 2], [3 * x, 7 - 4 * x], 3 * x - 7)
    y = y + noise * np.random.RandomState(0).normal(size=n_samples)
    poor = np.select([x < 0.5, x < 1], [0, 1], 2)
    return x[:, None], y, poor, np.minimum(x.astype(int), 2)


def crossing(n_samples=450):
    """Two lines that cross and a third one above, with the labels."""
    rng = np.random.RandomState(0)
    x = rng.uniform(-1, 1, size=n_samples)
    z = np.arange(n_samples) % 3
    y = np.choose(z, [2 * x, -2 * x, 8 + x]) + 0.1 * rng.normal(size=n_samples)
    return x[:, None], y, z


@pytest.fixture
def at_work(monkeypatch):
    """``at_work(model, X, y)``: the unfitted mixture, its start, what makes runs."""

    def capture(model, *data, **params):
        class Found(Exception):
            pass

        def stop(mixture, starts, new_run, max_iter, improve=None):
            raise Found(mixture, starts[0], new_run)

        monkeypatch.setattr("skmoe.em.fit.best_of_starts", stop)
        with pytest.raises(Found) as found:
            model.fit(*data, **params)
        monkeypatch.undo()
        return found.value.args

    return capture


# One of every kind of mixture that EM climbs.
MIXTURES = [
    {},
    {"assignment": "stochastic", "max_iter": 20},
    {"experts": DecisionTreeRegressor(max_depth=2), "n_experts": 2, "max_iter": 3},
    {"gate": SoftmaxGate(capacity_factor=1.2)},
    {"gate": GaussianGate()},
    {"groups": True, "gate_features": []},
    {"family": ["uniform", "gaussian", "gaussian"]},
    {"labels": True},
]


def fit_params(params, n_samples):
    """Parameters of the model, and what is given to `fit` for them."""
    params, given = dict(params), {}
    if params.pop("groups", False):
        given["groups"] = np.arange(n_samples) // 3
    if params.pop("labels", False):
        given["expert_labels"] = np.where(np.arange(n_samples) < 10, 1, -1)
    return {"random_state": 0} | params, given


# -- annealing -------------------------------------------------------------------------


@pytest.mark.parametrize("params", MIXTURES, ids=str)
def test_responsibilities_of_power_one_are_those_of_the_e_step(at_work, params):
    X, y, _, _ = zigzag(60)
    params, given = fit_params(params, len(y))
    model = MixtureOfExpertsRegressor(**params)
    mixture, start, _ = at_work(model, X, y, **given)
    mixture.begin(start)
    tempered = mixture.tempered(1.0)
    assert_allclose(tempered.sum(axis=1), 1.0)
    expectations = mixture.e_step()[0]
    if isinstance(expectations, np.ndarray):
        assert_allclose(tempered, expectations, atol=1e-6)
    else:
        assert_allclose(mixture.weights @ tempered, mixture.totals())


@pytest.mark.parametrize("params", MIXTURES, ids=str)
def test_a_small_power_makes_responsibilities_even(at_work, params):
    X, y, _, _ = zigzag(60)
    params, given = fit_params(params, len(y))
    model = MixtureOfExpertsRegressor(**params)
    mixture, start, _ = at_work(model, X, y, **given)
    mixture.begin(start)
    even = np.full_like(mixture.tempered(1.0), 1 / model.n_experts)
    if mixture.allowed is not None:
        even = mixture.allowed.mask / mixture.allowed.mask.sum(axis=1, keepdims=True)
    assert_allclose(mixture.tempered(1e-12), even, atol=1e-6)
    distances = [np.abs(mixture.tempered(p) - even).sum() for p in (0.01, 0.1, 1.0)]
    assert distances == sorted(distances)


def test_annealing_at_power_one_is_plain_em(at_work):
    X, y, _, _ = zigzag(60)
    model = MixtureOfExpertsRegressor(accelerate=False, tol=0)
    mixture, start, new_run = at_work(model, X, y)
    blank = mixture.snapshot()
    plain = new_run().start(start).run(8)
    mixture.restore(blank)
    smoothed = anneal(mixture, start, powers=[1.0], steps=4)
    annealed = new_run().start(smoothed).run(4)
    assert_allclose(annealed.bounds, plain.bounds[4:], rtol=1e-9)


def test_annealing_steps_climb_the_flattened_objective(at_work):
    """With no penalty in the way, the mean of log sum (g f)^b / b never falls."""
    X, y, _, _ = zigzag(60)
    model = MixtureOfExpertsRegressor(gate=ConstantGate(), engine="numpy")
    mixture, start, _ = at_work(model, X, y)
    values, power = [], 0.5
    for _ in range(10):
        start = anneal(mixture, start, [power], steps=1)
        joint = mixture.gate.log_proba + mixture.experts.log_density
        values.append(np.logaddexp.reduce(power * joint, axis=1).mean() / power)
    assert np.diff(values).min() > -1e-12
    assert values[-1] > values[0] + 1e-4


def test_an_annealed_start_is_tried_besides_the_start_itself(at_work):
    """Of short runs from both, the one that ends higher goes on."""
    X, y, poor, best = zigzag()
    model = MixtureOfExpertsRegressor(init=poor)
    mixture, start, new_run = at_work(model, X, y)

    def improve(mixture, responsibilities):
        return np.eye(3)[best]

    def worsen(mixture, responsibilities):
        return np.full_like(responsibilities, 1 / 3)

    blank = mixture.snapshot()
    ends = {}
    for way in (None, improve, worsen):
        mixture.restore(blank)
        ends[way] = best_of_starts(mixture, [start[:]], new_run, 200, way).merit
    assert ends[improve] > ends[None] + 1
    assert_allclose(ends[worsen], ends[None], atol=1e-5)


# -- moves -----------------------------------------------------------------------------


def test_split_and_merge_leaves_the_poor_maximum_of_a_zigzag():
    X, y, poor, best = zigzag()
    stuck = MixtureOfExpertsRegressor(init=poor).fit(X, y)
    known = MixtureOfExpertsRegressor(init=best).fit(X, y)
    moved = MixtureOfExpertsRegressor(init=poor, search="split_merge").fit(X, y)
    assert stuck.lower_bound_ < known.lower_bound_ - 1
    assert_allclose(moved.lower_bound_, known.lower_bound_, atol=1e-5)
    assert moved.converged_
    assert_never_falls(moved.lower_bounds_)
    slopes = sorted(float(expert.coef_[0]) for expert in moved.experts_)
    assert_allclose(slopes, [-4, 3, 3], atol=0.2)


def test_split_and_merge_leaves_the_poor_maximum_of_a_start():
    X, y, z = crossing()
    settings = {"gate": ConstantGate()}
    # By thirds of x, where each of the lines has rows in every third.
    thirds = np.digitize(X[:, 0], np.quantile(X[:, 0], [1 / 3, 2 / 3]))
    poor = {**settings, "init": thirds}
    stuck = MixtureOfExpertsRegressor(**poor).fit(X, y)
    known = MixtureOfExpertsRegressor(**settings, init=z).fit(X, y)
    moved = MixtureOfExpertsRegressor(**poor, search="split_merge").fit(X, y)
    assert stuck.lower_bound_ < known.lower_bound_ - 1
    assert_allclose(moved.lower_bound_, known.lower_bound_, atol=1e-5)


def test_without_a_gate_starts_look_at_the_residuals():
    X, y, z = crossing()
    known = MixtureOfExpertsRegressor(gate=ConstantGate(), init=z).fit(X, y)
    found = MixtureOfExpertsRegressor(gate=ConstantGate()).fit(X, y)
    assert_allclose(found.lower_bound_, known.lower_bound_, atol=1e-5)


def test_the_fan_of_residuals_tells_crossing_lines_apart(at_work):
    X, y, z = crossing()
    rows = z < 2
    model = MixtureOfExpertsRegressor(n_experts=2)
    mixture, _, _ = at_work(model, X[rows], y[rows])
    design, weights = mixture.experts.design, np.ones(rows.sum())
    share = half(crossing_score(design, y[rows], weights))
    far = np.abs(X[rows, 0]) > 0.5
    agreement = np.mean((share[far] > 0.5) == (z[rows][far] == 0))
    assert max(agreement, 1 - agreement) > 0.99


def test_pairs_are_ordered_by_the_overlap_of_their_rows():
    shares = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.1, 0.9]])
    pairs = overlapping_pairs(shares, np.ones((3, 1)))
    assert_array_equal(pairs, [[0, 1], [1, 2], [0, 2]])
    # A weight of two is the row twice.
    weights = np.array([1, 1, 200])
    weighted = overlapping_pairs(shares, weights[:, None])
    repeated = overlapping_pairs(shares.repeat(weights, axis=0), np.ones((202, 1)))
    assert_array_equal(weighted, repeated)
    assert_array_equal(weighted[0], [1, 2])


def test_an_expert_without_rows_is_not_split():
    own = np.array([[1.0, 1.0, 0.0], [1.0, 3.0, 0.0]])
    log_density = np.array([[-1.0, -2.0, -np.inf], [-3.0, -6.0, -np.inf]])
    assert_allclose(mean_log_density(log_density, own), [-2.0, -5.0, np.inf])


@pytest.mark.parametrize("n_experts", [1, 2, 3, 5])
def test_moves_keep_rows_and_merge_one_pair(at_work, n_experts):
    X, y, _, _ = zigzag(60)
    model = MixtureOfExpertsRegressor(n_experts=n_experts)
    mixture, start, new_run = at_work(model, X, y)
    new_run().start(start).run(20)
    design = Design(X, np.ones(60))
    point = StartingPoint(design, design, lambda r: y[r, None], np.ones(60), n_experts)
    shares, moves = mixture.shares(), Moves(point)(mixture)
    assert len(moves) == {1: 0, 2: 2, 3: 12, 5: 12}[n_experts]
    for move in moves:
        assert_allclose(move.sum(axis=1), 1.0)
        changed = [not np.allclose(move[:, k], shares[:, k]) for k in range(n_experts)]
        assert sum(changed) in (2, 3)


def test_moves_need_no_square_matrix_of_many_features(monkeypatch):
    X = sp.random(60, 1500, density=0.02, random_state=0, format="csr")
    y = np.r_[np.zeros(30), np.ones(30)] + np.ravel(X[:, :40].sum(axis=1))
    grams = []
    gram = Design.gram

    def count(design, weights=None):
        grams.append(design.n_columns)
        return gram(design, weights)

    monkeypatch.setattr(Design, "gram", count)
    model = MixtureOfExpertsRegressor(
        Ridge(solver="lsqr"), 2, gate_features=[0, 1], search="split_merge", max_iter=2
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    assert np.isfinite(model.lower_bound_)
    assert max(grams, default=0) <= 1000


def test_an_end_that_is_spurious_is_not_accepted():
    """A move whose end has collapsed is refused however high its objective is."""

    class Run:
        def __init__(self, merit):
            self.merit, self.tol = merit, 0.0

        def start(self, responsibilities):
            states.append(responsibilities)
            return self

        def run(self, *args):
            return self

    class Stage:
        state = "collapsed"

        def collapsed(self):
            return np.array([self.state != "fine"])

        def snapshot(self):
            return self.state

        def restore(self, state):
            self.state = state

        def restrict(self, start):
            return start

    states, mixture, before = [], Stage(), Run(0.0)
    mixture.state = "fine"

    def moves(mixture):
        return ["move"] if not states else []

    def new_run():
        mixture.state = "collapsed"
        return Run(100.0)

    assert split_and_merge(mixture, before, moves, new_run, 10) is before
    assert mixture.state == "fine"
    assert states == ["move"]


@pytest.mark.parametrize("params", MIXTURES, ids=str)
@pytest.mark.parametrize("search", SEARCHES)
def test_every_kind_of_mixture_can_be_searched(params, search):
    X, y, _, _ = zigzag(60)
    params, given = fit_params(params, len(y))
    fits = [MixtureOfExpertsRegressor(search=way, **params) for way in (None, search)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="EM did not converge")
        plain, searched = (model.fit(X, y, **given) for model in fits)
    bounds = np.array(searched.lower_bounds_)
    assert np.all(np.isfinite(bounds))
    assert np.diff(bounds).min() >= -1e-12
    if search == "split_merge" and params.get("assignment") != "stochastic":
        assert searched.lower_bound_ >= plain.lower_bound_
    if "expert_labels" in given:
        known = given["expert_labels"] >= 0
        own = searched.gate_proba(X)[known, 1]
        assert own.min() > 0


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_the_classifier_is_searched(search, early_stopping):
    X, y = two_boundaries(150)[:2]
    settings = {"n_experts": 3, "random_state": 0, "early_stopping": early_stopping}
    plain = MixtureOfExpertsClassifier(**settings).fit(X, y)
    searched = MixtureOfExpertsClassifier(**settings, search=search).fit(X, y)
    if early_stopping:
        kept, best = searched.validation_scores_, plain.validation_scores_
        if search == "split_merge":
            assert max(kept) >= max(best)
    elif search == "split_merge":
        assert searched.lower_bound_ >= plain.lower_bound_
    assert_allclose(searched.predict_proba(X).sum(axis=1), 1.0)


@pytest.mark.parametrize("search", SEARCHES)
def test_experts_fitted_in_folds_are_searched(search):
    X, y, _, _ = zigzag(150)
    settings = {"cv": 3, "n_experts": 2, "random_state": 0, "tol": 1e-2}
    tree = DecisionTreeRegressor(max_depth=3)
    plain = MixtureOfExpertsRegressor(tree, **settings).fit(X, y)
    searched = MixtureOfExpertsRegressor(tree, **settings, search=search).fit(X, y)
    assert searched.lower_bound_ >= plain.lower_bound_ - settings["tol"]


@pytest.mark.parametrize("search", SEARCHES)
def test_named_experts_of_several_kinds_are_searched(search):
    X, y, _, _ = zigzag(150)
    experts = [("line", LinearRegression()), ("ridge", Ridge()), ("b", Ridge(0.1))]
    plain = MixtureOfExpertsRegressor(experts).fit(X, y)
    searched = MixtureOfExpertsRegressor(experts, search=search).fit(X, y)
    assert searched.lower_bound_ >= plain.lower_bound_ - 1e-5
    assert isinstance(searched.named_experts_.line, LinearRegression)


# -- a function of the weighted rows ---------------------------------------------------


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("n_experts", [2, 3])
def test_weights_are_repeated_rows_in_any_order(search, n_experts):
    rng = np.random.RandomState(1)
    X, y, _, _ = zigzag(150)
    weights = rng.randint(1, 4, size=150)
    model = MixtureOfExpertsRegressor(
        n_experts=n_experts, search=search, tol=1e-10, max_iter=2000
    )
    weighted = clone(model).fit(X, y, weights)
    rows = rng.permutation(np.arange(150).repeat(weights))
    repeated = clone(model).fit(X[rows], y[rows])
    assert_allclose(repeated.lower_bound_, weighted.lower_bound_, atol=1e-8)
    assert_allclose(repeated.predict(X), weighted.predict(X), atol=1e-4)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("experts", [None, DecisionTreeRegressor(max_depth=2)])
def test_the_number_of_jobs_changes_nothing(search, experts):
    X, y, _, _ = zigzag(60)
    model = MixtureOfExpertsRegressor(
        experts, 2, search=search, tol=1e-2, max_iter=20, random_state=0
    )
    with (
        warnings.catch_warnings(),
        joblib.parallel_config(backend="threading"),
    ):
        warnings.filterwarnings("ignore", message="EM did not converge")
        one, two = (clone(model).set_params(n_jobs=n).fit(X, y) for n in (1, 2))
    assert_array_equal(one.predict(X), two.predict(X))
    assert one.lower_bounds_ == two.lower_bounds_


@pytest.mark.parametrize("search", SEARCHES)
def test_a_warm_start_goes_on_without_a_search(search, monkeypatch):
    X, y, _, _ = zigzag(60)
    model = MixtureOfExpertsRegressor(search=search, warm_start=True).fit(X, y)
    before = model.lower_bound_

    def refuse(*args, **kwargs):
        raise AssertionError("a warm start has no starts")

    for name in ("best_of_starts", "anneal", "split_and_merge"):
        monkeypatch.setattr(f"skmoe.em.fit.{name}", refuse)
    model.fit(X, y)
    assert_allclose(model.lower_bound_, before, atol=1e-6)


def test_the_number_of_experts_is_chosen_among_searched_fits():
    X, y, _, _ = zigzag(150)
    model = MixtureOfExpertsRegressor(search="split_merge")
    search = ExpertCountSearch(model, [2, 3]).fit(X, y)
    assert search.best_n_experts_ == 3
    assert search.best_estimator_.search == "split_merge"


@pytest.mark.parametrize(
    "model",
    [MixtureOfExpertsRegressor(), MixtureOfExpertsClassifier(LogisticRegression())],
    ids=["regressor", "classifier"],
)
@pytest.mark.parametrize("search", ["annealing", True, 1])
def test_other_values_are_refused_by_name(model, search):
    X, y = np.zeros((4, 1)), np.array([0, 1, 0, 1])
    with pytest.raises(ValueError, match=r"The 'search' parameter .* must be"):
        model.set_params(search=search).fit(X, y)


def test_runs_of_one_start_are_not_cut_short(at_work):
    """Without a search, one start is one run."""
    X, y, _, _ = zigzag(60)
    mixture, start, new_run = at_work(MixtureOfExpertsRegressor(), X, y)
    assert isinstance(new_run(), EM)
    assert isinstance(mixture, SummedMixture)
    run = best_of_starts(mixture, [start], new_run, 200)
    plain = MixtureOfExpertsRegressor().fit(X, y)
    assert run.bounds == plain.lower_bounds_
