# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Early stopping on held-out rows."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.em.early_stopping import EarlyStopping
from skmoe.rows.held_out import draw_held_out
from tests.shared import assert_never_falls, two_boundaries, two_regimes

# Experts that overfit, of which a fit without cv warns.
TREE = DecisionTreeRegressor(max_depth=6)
pytestmark = pytest.mark.filterwarnings("ignore:Experts .* overfit their rows")


@pytest.fixture(scope="module")
def data():
    """X (300, 4) and y (300,) of two noisy regimes."""
    return two_regimes(300, n_features=4, noise=1.0)[:2]


def stopped(X, y, groups=None, **params):
    params = {"n_experts": 3, "early_stopping": True, "random_state": 0} | params
    return MixtureOfExpertsRegressor(**params).fit(X, y, groups=groups)


def rows_out(y, seed=0, fraction=0.1, strata=None, groups=None, n_experts=3):
    """Rows that a fit holds out: the draw after that of the experts' seeds."""
    rng = np.random.RandomState(seed)
    rng.randint(np.iinfo(np.int32).max, size=n_experts)
    strata = np.zeros(len(y)) if strata is None else strata
    return draw_held_out(fraction, strata, rng, groups)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"experts": TREE, "tol": 1e-4},
        {"experts": [("linear", LinearRegression()), ("ridge", Ridge())]},
        {"family": "student_t"},
        {"assignment": "hard"},
        {"assignment": "stochastic"},
        {"n_init": 3},
        {"extrapolation": "free"},
    ],
    ids=str,
)
def test_the_best_state_is_kept(data, params):
    X, y = data
    n_experts = 2 if isinstance(params.get("experts"), list) else 3
    model = stopped(X, y, **params | {"n_experts": n_experts})
    out = rows_out(y, n_experts=n_experts)
    scores = model.validation_scores_
    kept = model.score_samples(X[out], y[out]).mean()
    assert_allclose(kept, max(scores), atol=1.1 * model.tol)
    assert model.converged_
    assert model.n_iter_ == len(model.lower_bounds_)
    assert_never_falls(model.lower_bounds_)
    assert_allclose(
        model.score_samples(X[~out], y[~out]).sum(), model.log_likelihood_, rtol=1e-8
    )


def test_overfitting_experts_stop_early_and_predict_better(data):
    X, y = data
    X_new, y_new = two_regimes(2000, n_features=4, noise=1.0, seed=1)[:2]
    model = stopped(X, y, experts=TREE, tol=1e-4)
    full = clone(model).set_params(early_stopping=False).fit(X, y)
    assert model.n_iter_ < full.n_iter_
    better = model.score_samples(X_new, y_new).mean()
    assert better > full.score_samples(X_new, y_new).mean() + 0.1
    scores = model.validation_scores_
    assert len(scores) == model.n_iter_ + model.n_iter_no_change
    assert np.argmax(scores) == model.n_iter_ - 1


def test_the_state_kept_is_that_of_a_run_of_so_many_iterations(data):
    X, y = data
    model = stopped(X, y, n_iter_no_change=2)
    out = rows_out(y)
    short = MixtureOfExpertsRegressor(
        n_experts=3, max_iter=model.n_iter_, tol=0, random_state=0
    )
    with pytest.warns(UserWarning, match="EM did not converge"):
        short.fit(X[~out], y[~out])
    assert_allclose(model.lower_bounds_, short.lower_bounds_)
    assert_allclose(model.predict(X), short.predict(X))


def test_patience(data):
    X, y = data
    lengths = [
        len(stopped(X, y, experts=TREE, tol=1e-4, n_iter_no_change=n).lower_bounds_)
        for n in (1, 3, 50)
    ]
    assert lengths == sorted(lengths)
    patient = stopped(X, y, experts=TREE, tol=1e-4, n_iter_no_change=500)
    full = clone(patient).set_params(early_stopping=False)
    out = rows_out(y)
    full.fit(X[~out], y[~out])
    # EM's own rule stops it first, and the best state is kept all the same.
    assert len(patient.validation_scores_) == full.n_iter_
    assert patient.n_iter_ == np.argmax(patient.validation_scores_) + 1


@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_rows_held_out_take_no_part(data):
    X, y = data
    out = rows_out(y)
    one = stopped(X, y, max_iter=4, n_iter_no_change=9, tol=1e-2)
    other_y = y.copy()
    other_y[out] += 1e-3
    other = stopped(X, other_y, max_iter=4, n_iter_no_change=9, tol=1e-2)
    n_both = min(one.n_iter_, other.n_iter_)
    assert one.lower_bounds_[:n_both] == other.lower_bounds_[:n_both]
    assert one.validation_scores_ != other.validation_scores_


def test_the_seed_draws_the_rows(data):
    X, y = data
    one, same, other = (stopped(X, y, random_state=seed) for seed in (0, 0, 1))
    assert one.validation_scores_ == same.validation_scores_
    assert one.validation_scores_ != other.validation_scores_


def test_every_class_is_held_out_in_proportion():
    y = np.repeat([0, 1, 2, 3], [100, 50, 10, 1])
    out = draw_held_out(0.1, y, np.random.RandomState(0))
    assert_array_equal(np.bincount(y[out], minlength=4), [10, 5, 1, 0])


def test_groups_are_held_out_as_a_whole():
    groups = np.repeat(np.arange(20), 7)
    out = draw_held_out(0.2, groups, np.random.RandomState(0), groups)
    shares = np.bincount(groups, weights=out) / 7
    assert set(shares) == {0.0, 1.0}
    assert shares.sum() == 4


def test_grouped_rows_are_scored_by_group():
    X, y, regime = two_regimes(300)
    groups = np.arange(len(y)) % 30 + 30 * regime
    model = stopped(X, y, groups=groups, n_experts=2, gate_features=[])
    out = rows_out(y, groups=groups, n_experts=2)
    log_gate = np.log(model.gate_proba(X[:1])[0])
    density = -0.5 * (
        (y[out, None] - model.predict_experts(X[out])) / model.dispersions_
    ) ** 2 - np.log(np.sqrt(2 * np.pi) * model.dispersions_)
    joint = [
        log_gate + density[groups[out] == group].sum(axis=0)
        for group in np.unique(groups[out])
    ]
    by_hand = logsumexp(joint, axis=1).mean()
    assert_allclose(by_hand, max(model.validation_scores_), atol=1.1 * model.tol)


def test_weights_count_in_the_score(data):
    X, y = data
    weights = 1.0 + np.arange(len(y)) % 3
    model = MixtureOfExpertsRegressor(early_stopping=True, random_state=0)
    model.fit(X, y, sample_weight=weights)
    out = rows_out(y)
    by_hand = np.average(model.score_samples(X[out], y[out]), weights=weights[out])
    assert_allclose(by_hand, max(model.validation_scores_), atol=1.1 * model.tol)


def test_classifier():
    X, y = two_boundaries(400, n_features=4, n_classes=3)
    model = MixtureOfExpertsClassifier(
        DecisionTreeClassifier(max_depth=5),
        2,
        early_stopping=True,
        random_state=0,
        tol=1e-4,
    ).fit(X, y)
    out = rows_out(y, strata=y, n_experts=2)
    by_hand = np.log(model.predict_proba(X[out])[np.arange(out.sum()), y[out]]).mean()
    assert_allclose(by_hand, max(model.validation_scores_), atol=1.1 * model.tol)
    assert model.n_iter_ < len(model.validation_scores_)


def test_metadata_and_init_keep_to_their_rows(data):
    X, y = data

    class Recording(LinearRegression):
        def fit(self, X, y, sample_weight=None, mark=None):
            assert_array_equal(X[:, 0], mark)
            return super().fit(X, y, sample_weight)

    with sklearn.config_context(enable_metadata_routing=True):
        expert = Recording().set_fit_request(mark=True, sample_weight=False)
        model = MixtureOfExpertsRegressor(
            expert,
            2,
            early_stopping=True,
            init=(X[:, 0] > 0).astype(int),
            random_state=0,
            tol=1e-3,
        )
        weights = np.ones(len(y))
        weights[:5] = 0
        model.fit(X, y, sample_weight=weights, mark=X[:, 0])
    assert model.n_iter_ >= 1


@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_warm_start_goes_on_from_the_best_state(data):
    X, y = data
    model = stopped(X, y, warm_start=True, max_iter=3, n_iter_no_change=9, tol=1e-3)
    before = max(model.validation_scores_)
    model.set_params(max_iter=30).fit(X, y)
    assert max(model.validation_scores_) > before


def test_without_early_stopping_there_are_no_scores(data):
    model = MixtureOfExpertsRegressor().fit(*data)
    assert not hasattr(model, "validation_scores_")


def test_a_watch_counts_from_the_last_gain():
    class Counter:
        state = 0

        def snapshot(self):
            return self.state

        def restore(self, state):
            self.state = state

    mixture, values = Counter(), iter([0.0, 1.0, 1.05, 0.9, 2.0, 1.9, 1.8, 1.7])
    watch = EarlyStopping(lambda _: next(values), tol=0.1, patience=3)
    stops = []
    for iteration in range(1, 9):
        mixture.state = iteration
        stops.append(watch.update(mixture, iteration))
    assert stops == [False] * 7 + [True]
    assert watch.restore(mixture) == 5
    assert mixture.state == 5
    assert watch.best == 2.0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"validation_fraction": 1.0}, "'validation_fraction' parameter .* 1.0"),
        ({"n_iter_no_change": 0}, "'n_iter_no_change' parameter .* 0"),
        ({"early_stopping": "yes"}, "'early_stopping' parameter .*'yes'"),
        ({"validation_fraction": 1e-4}, "=0.0001 of 300 .* none to hold out"),
        ({"validation_fraction": 0.999}, "=0.999 of 300 .* none to fit"),
        ({"validation_fraction": 0.995}, "n_samples=2 should be >= n_experts=3"),
    ],
    ids=str,
)
def test_bad_values_are_refused(data, params, message):
    with pytest.raises(ValueError, match=message):
        stopped(*data, **params)


def test_a_held_out_value_outside_the_domain_is_refused(data):
    X, y = data
    counts = np.floor(np.abs(y))
    counts[np.flatnonzero(rows_out(y))[0]] = -1
    with pytest.raises(ValueError, match="poisson"):
        stopped(X, counts, family="poisson")


@pytest.mark.parametrize(
    "estimator", [MixtureOfExpertsRegressor, MixtureOfExpertsClassifier]
)
def test_rows_are_held_out_once(estimator):
    X, y = np.arange(40.0)[:, None], np.arange(40) % 2
    with pytest.raises(
        ValueError, match=r"early_stopping=True holds rows out.*Got cv=3"
    ):
        estimator(early_stopping=True, cv=3).fit(X, y)
