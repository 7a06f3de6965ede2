# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Classifier gates under `cv`, known by their out-of-fold probabilities."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor, prune
from skmoe.gates import ClassifierGate, SoftmaxGate
from skmoe.gates.classifier_trainer import NEGLIGIBLE, floored_log_proba
from skmoe.model_selection import ExpertCountSearch
from skmoe.rows.design import Designs
from skmoe.rows.folds import folds_of_groups
from tests.shared import assert_never_falls, two_boundaries, two_regimes

pytestmark = pytest.mark.filterwarnings("ignore:EM did not converge")
FOLDS = KFold(4, shuffle=True, random_state=1)
TREE = DecisionTreeClassifier(max_depth=3, random_state=0)
FOREST = ExtraTreesClassifier(20, random_state=0)


def mixture(gate=TREE, cv=FOLDS, **parameters):
    """Two lines under a classifier gate."""
    settings = {"n_experts": 2, "max_iter": 8, "random_state": 0, **parameters}
    return MixtureOfExpertsRegressor(LinearRegression(), gate=gate, cv=cv, **settings)


def hidden_regimes(n_samples=400, seed=0, n_noise=8):
    """Two lines; columns of noise by which a forest tells every row from all others."""
    X, y, _ = two_regimes(n_samples, noise=0.5, seed=seed)
    noise = np.random.RandomState(seed + 1).normal(size=(n_samples, n_noise))
    return np.column_stack([X, noise]), y


def fit_by_hand(classifier, X, responsibilities, weights):
    """A classifier fitted to soft labels: a copy of each row per expert."""
    rows, labels = np.nonzero(responsibilities > NEGLIGIBLE * weights[:, None])
    shares = responsibilities[rows, labels]
    return clone(classifier).fit(X[rows], labels, sample_weight=shares)


# -- the trainer -----------------------------------------------------------------------


def test_probabilities_of_a_row_are_of_a_fit_without_it(soft_labels):
    X, R, weights = soft_labels
    folds = list(FOLDS.split(X))
    trainer = ClassifierGate(TREE).cross_fitted_trainer(
        X, 3, weights, Designs(weights), folds
    )
    trainer.step(R * weights[:, None])
    for train, test in folds:
        alone = fit_by_hand(
            TREE, X[train], (R * weights[:, None])[train], weights[train]
        )
        expected = floored_log_proba(alone, X[test], 3)
        assert_allclose(trainer.log_proba[test], expected, rtol=1e-12)
    everything = fit_by_hand(TREE, X, R * weights[:, None], weights)
    assert_allclose(
        trainer.fitted().predict_log_proba(X),
        floored_log_proba(everything, X, 3),
        rtol=1e-12,
    )


def test_worse_fits_of_the_folds_are_discarded(soft_labels):
    X, R, weights = soft_labels
    folds = list(FOLDS.split(X))
    gate = ClassifierGate(LogisticRegression())
    trainer = gate.cross_fitted_trainer(X, 3, weights, Designs(weights), folds)
    trainer.step(R * weights[:, None])
    kept = trainer.snapshot()
    trainer.template = ClassifierGate(DecisionTreeClassifier(random_state=0))
    trainer.step(R * weights[:, None])  # pure leaves: near zero for half of the rows
    assert trainer.snapshot() is kept


def test_gates_of_few_parameters_take_no_folds(regression):
    """A softmax gate under cv is the softmax gate of the same responsibilities."""
    X, y = regression
    weights = np.ones(len(y))
    gate, designs = SoftmaxGate(), Designs(weights)
    trainer = gate.cross_fitted_trainer(X, 2, weights, designs, list(FOLDS.split(X)))
    assert type(trainer) is type(gate.trainer(X, 2, weights, designs))
    assert not mixture(None).fit(X, y).gate_.is_cross_fitted


# -- EM --------------------------------------------------------------------------------


@pytest.mark.parametrize("gate", [TREE, FOREST, LogisticRegression()])
def test_likelihood_never_falls(gate):
    model = mixture(gate, tol=0).fit(*hidden_regimes())
    assert len(model.lower_bounds_) == 8
    assert_never_falls(model.lower_bounds_)


def test_likelihood_is_that_of_fits_without_the_row(regression, monkeypatch):
    """With one iteration gate and experts are known: fits to the start, by fold."""
    monkeypatch.setattr("skmoe.em.states.base.WARM_UP_ITERATIONS", 0)
    X, y = regression
    start = np.random.RandomState(0).dirichlet([1, 1], size=len(y))
    model = mixture(init=start, max_iter=1).fit(X, y)
    gate, prediction = np.empty((len(y), 2)), np.empty((len(y), 2))
    for train, test in FOLDS.split(X):
        tree = fit_by_hand(TREE, X[train], start[train], np.ones(len(train)))
        gate[test] = floored_log_proba(tree, X[test], 2)
        for k in range(2):
            line = LinearRegression().fit(X[train], y[train], start[train, k])
            prediction[test, k] = line.predict(X[test])
    squares = (y[:, None] - prediction) ** 2
    sigma = np.sqrt((start * squares).sum(axis=0) / start.sum(axis=0))
    density = -0.5 * np.log(2 * np.pi * sigma**2) - squares / sigma**2 / 2
    expected = np.logaddexp.reduce(gate + density, axis=1).sum()
    assert_allclose(model.log_likelihood_, expected, rtol=1e-10)


@pytest.mark.parametrize("kind", ["bare", "gate", "pipeline", "gate in a pipeline"])
def test_every_way_to_name_a_classifier_is_cross_fitted(regression, kind):
    gate = {
        "bare": TREE,
        "gate": ClassifierGate(TREE),
        "pipeline": make_pipeline(StandardScaler(), TREE),
        "gate in a pipeline": make_pipeline(StandardScaler(), ClassifierGate(TREE)),
    }[kind]
    model = mixture(gate).fit(*regression)
    assert model.gate_.is_cross_fitted
    alone = mixture(TREE).fit(*regression)  # a tree does not see the scale
    assert_allclose(model.lower_bound_, alone.lower_bound_, rtol=1e-8)


def crossed_regimes(n_samples, seed):
    """Two lines, of which the sign of a product says which: no gate for a start."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-2, 2, size=(n_samples, 5))
    y = np.where(X[:, 0] * X[:, 1] > 0, 2 * X[:, 2], -X[:, 2] - 1)
    return X, y + 0.4 * rng.normal(size=n_samples)


@pytest.mark.parametrize("seed", [0, 5])
def test_noise_of_a_first_fit_does_not_stall_em(seed):
    """Without its leader the gate of seed 5 keeps its first fit: -2.0, not -0.8."""
    forest = ExtraTreesClassifier(20, random_state=0)
    model = mixture(forest, 5, max_iter=15, tol=1e-3)
    model.fit(*crossed_regimes(250, seed))
    assert model.score_samples(*crossed_regimes(400, 100 + seed)).mean() > -1


def test_rows_of_unknown_y_still_keep_to_the_experts_that_they_may_have():
    """No fall where early rows, which no fold holds out, have known experts."""
    X, y = hidden_regimes(200)
    labels = np.full(200, -1)
    labels[:40:2] = (X[:40:2, 0] > 0).astype(int)
    for assignment in ("soft", "hard"):
        model = mixture(GaussianNB(), TimeSeriesSplit(3), tol=0, max_iter=12)
        model.set_params(assignment=assignment)
        model.fit(X, y, expert_labels=labels)
        assert_never_falls(model.lower_bounds_)


def test_an_expert_of_one_fold_is_unlikely_elsewhere_but_not_impossible():
    """Sorted rows: the first third has an expert of its own, and is the first fold."""
    time = np.linspace(0, 1, 150)
    X = np.column_stack([time, np.random.RandomState(0).normal(size=150)])
    weights, folds = np.ones(150), list(KFold(3).split(X))
    gate = ClassifierGate(DecisionTreeClassifier(max_depth=2, random_state=0))
    trainer = gate.cross_fitted_trainer(X, 2, weights, Designs(weights), folds)
    trainer.step(np.eye(2)[(time > 1 / 3).astype(int)])
    # Of a hundred rows and two experts: one in 102, then scaled.
    expected = np.log(np.array([1 / 102, 1]) / (1 + 1 / 102))
    assert_allclose(trainer.log_proba[:50], np.tile(expected, (50, 1)), rtol=1e-8)


def test_pruned_mixture_is_no_warm_start(regression):
    X, y = regression
    model = mixture(n_experts=3, warm_start=True).fit(X, y)
    pruned = prune(model, X, n_experts=2)
    assert pruned.gate_.is_cross_fitted
    with pytest.raises(ValueError, match="cannot continue a pruned mixture"):
        pruned.fit(X, y)


def test_forest_gate_predicts_better_with_cv():
    X, y = hidden_regimes(800)
    train, test = slice(0, 400), slice(400, 800)
    crossed = mixture(FOREST).fit(X[train], y[train])
    with pytest.warns(UserWarning, match="The gate overfits its rows"):
        plain = mixture(FOREST, cv=None).fit(X[train], y[train])
    gain = crossed.score_samples(X[test], y[test]) - plain.score_samples(
        X[test], y[test]
    )
    assert gain.mean() > 2 * gain.std() / np.sqrt(len(gain))


def test_classifiers_cross_fit_their_gates_too():
    X, y = two_boundaries(400)
    experts = LogisticRegression()
    model = MixtureOfExpertsClassifier(experts, gate=FOREST, cv=3, random_state=0)
    model.fit(X, y)
    assert model.gate_.is_cross_fitted
    assert_never_falls(model.lower_bounds_)
    assert model.score(X, y) > experts.fit(X, y).score(X, y) + 0.1


def test_integer_weights_are_repeated_rows(regression):
    X, y = regression
    X, y = X[:60], y[:60]
    times = np.random.RandomState(0).randint(1, 4, size=len(y))
    rows = np.repeat(np.arange(len(y)), times)
    folds = [
        (np.setdiff1d(np.arange(len(y)), test), test) for _, test in FOLDS.split(X)
    ]
    repeated = [
        (np.flatnonzero(np.isin(rows, a)), np.flatnonzero(np.isin(rows, b)))
        for a, b in folds
    ]
    start = np.random.RandomState(1).dirichlet([1, 1], size=len(y))
    gate = LogisticRegression(tol=1e-10)  # trees have ties, which rounding decides
    weighted = mixture(gate, folds, init=start).fit(X, y, sample_weight=times)
    twice = mixture(gate, repeated, init=start[rows]).fit(X[rows], y[rows])
    assert_allclose(weighted.predict(X), twice.predict(X), rtol=1e-6)
    assert_allclose(weighted.gate_proba(X), twice.gate_proba(X), rtol=1e-6)


def test_warm_start_goes_on_where_the_fit_stopped(regression):
    X, y = regression
    whole = mixture(FOREST, max_iter=6, tol=0).fit(X, y)
    parts = mixture(FOREST, max_iter=3, tol=0, warm_start=True).fit(X, y)
    parts.fit(X, y)
    assert_allclose(
        [*parts.lower_bounds_],
        whole.lower_bounds_[-len(parts.lower_bounds_) :],
        rtol=1e-10,
    )
    assert_allclose(parts.predict(X), whole.predict(X), rtol=1e-10)


def test_warm_start_wants_as_many_groups():
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(30), 5)
    X = np.column_stack([np.ones(150), rng.normal(size=150)])
    y = rng.choice([-1, 1], 30)[groups] * X[:, 1] + 0.1 * rng.normal(size=150)
    columns = {"gate_features": [0], "expert_features": [1]}
    model = mixture(cv=3, warm_start=True, **columns).fit(X, y, groups=groups)
    with pytest.raises(ValueError, match="saw 30 rows or groups and now sees 50"):
        model.fit(X, y, groups=np.repeat(np.arange(50), 3))


def test_warm_start_takes_weights_of_another_size(regression):
    X, y = regression
    model = mixture(warm_start=True, max_iter=2).fit(X, y)
    before = model.lower_bound_
    model.fit(X, y, sample_weight=np.full(len(y), 1e7))
    assert model.lower_bound_ >= before - 1e-9


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_result_does_not_depend_on_n_jobs(regression, n_jobs):
    X, y = regression
    model = mixture(FOREST, n_jobs=n_jobs).fit(X, y)
    assert_array_equal(model.predict(X), mixture(FOREST).fit(X, y).predict(X))


def test_resampling_does_not_depend_on_n_jobs(regression):
    """Nor on who holds the state of a RandomState: it is drawn from once."""
    lower_bounds = []
    for n_jobs in (None, 2):
        gate = ClassifierGate(KNeighborsClassifier(10), np.random.RandomState(0))
        model = mixture(gate, n_jobs=n_jobs, max_iter=3).fit(*regression)
        lower_bounds.append(model.lower_bounds_)
    assert lower_bounds[0] == lower_bounds[1]


def test_pruned_mixture_renormalises_the_gate(regression):
    X, y = regression
    model = mixture(n_experts=3).fit(X, y)
    pruned = prune(model, X, n_experts=2)
    assert pruned.gate_proba(X).shape == (len(y), 2)
    assert_allclose(pruned.gate_proba(X).sum(axis=1), 1)


# -- folds -----------------------------------------------------------------------------


def test_rows_that_no_fold_holds_out_change_nothing_but_fits(regression):
    X, y = regression
    cv = TimeSeriesSplit(4)
    model = mixture(cv=cv).fit(X, y)
    assert_never_falls(model.lower_bounds_)
    assert np.all(np.isfinite(model.gate_proba(X)))
    held = np.concatenate([test for _, test in cv.split(X)])
    assert len(model.held_out_ranks_) == len(held) < len(y)


def test_folds_of_groups_hold_out_whole_groups():
    groups = np.array([0, 0, 1, 1, 2, 2, 3])
    folds = [
        (np.array([2, 3, 4, 5, 6]), np.array([0])),
        (np.array([0, 1, 4, 5]), np.array([2, 3, 6])),
        (np.array([0, 1, 2, 3, 6]), np.array([1])),
    ]
    whole = folds_of_groups(folds, groups)
    # Group 0 is held out in the first fold and in the last, which counts.
    assert [[part.tolist() for part in fold] for fold in whole] == [
        [[0, 2], [1, 3]],
        [[1, 3], [0]],
    ]
    with pytest.raises(ValueError, match="leaves no group to fit"):
        folds_of_groups([(np.array([1]), np.array([0]))], np.zeros(2, dtype=int))


def test_groups_see_a_gate_without_any_of_their_rows():
    rng = np.random.RandomState(0)
    of_group = rng.normal(size=(40, 1))
    groups = np.repeat(np.arange(40), 5)
    x = rng.normal(size=200)
    y = np.where(of_group[groups, 0] > 0, 2 * x, -x) + 0.1 * rng.normal(size=200)
    X = np.column_stack([of_group[groups], x])
    model = mixture(gate_features=[0], expert_features=[1], cv=GroupKFold(4))
    model.fit(X, y, groups=groups)
    assert_never_falls(model.lower_bounds_)
    assert model.gate_.responsibilities_.shape == (40, 2)
    assert model.score(X, y) > 0.95
    assert len(model.held_out_ranks_) == 200


# -- what follows from it --------------------------------------------------------------


def test_ranks_use_the_probabilities_of_the_folds(regression):
    X, y = regression
    model = mixture(FOREST).fit(X, y)
    ranks = model.held_out_ranks_
    assert abs(ranks.mean() - 0.5) < 4 / np.sqrt(12 * len(y))
    low, high = model.predict_interval(X, 0.8, kind="calibrated").T
    assert np.all(low < high)


def test_out_of_fold_criterion_counts_no_parameters_of_a_cross_fitted_gate():
    """A forest has no number of parameters that anybody knows, and needs none."""
    X, y = hidden_regimes()
    search = ExpertCountSearch(
        mixture(FOREST), [1, 2], criterion="out_of_fold", split=False
    ).fit(X, y)
    model = search.best_estimator_
    assert search.best_n_experts_ == 2
    assert search.best_score_ == pytest.approx(-2 * model.log_likelihood_ + 2 * 2)


@pytest.mark.parametrize(
    ("gate", "warned"),
    [
        (FOREST, True),
        (DecisionTreeClassifier(random_state=0), True),
        (make_pipeline(StandardScaler(), ClassifierGate(FOREST)), True),
        (ExtraTreesClassifier(20, min_samples_leaf=40, random_state=0), False),
        (LogisticRegression(), False),
        (None, False),
    ],
)
def test_a_gate_that_overfits_is_warned_of(gate, warned):
    X, y = hidden_regimes()
    model = mixture(gate, cv=None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    assert any("The gate overfits" in str(w.message) for w in caught) is warned
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.set_params(cv=3).fit(X, y)
    assert not any("The gate overfits" in str(w.message) for w in caught)


def test_boosted_experts_and_a_forest_gate_cross_fit_together(regression):
    boosting = HistGradientBoostingRegressor(max_iter=10)
    model = MixtureOfExpertsRegressor(
        boosting, 2, gate=FOREST, cv=3, tol=1e-2, max_iter=4, random_state=0
    ).fit(*regression)
    assert model.gate_.is_cross_fitted
    assert model.score(*regression) > 0.5
