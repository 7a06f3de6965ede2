# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Mixtures as experts of a mixture: densities of their own, not points with noise."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.families import Poisson
from tests.shared import assert_never_falls

PAIR = MixtureOfExpertsRegressor(n_experts=2)
LISTED = [
    ("pair", PAIR),
    ("tree", DecisionTreeRegressor(max_leaf_nodes=3, random_state=0)),
    ("line", LinearRegression()),
]
OUTER = {
    "two pairs": MixtureOfExpertsRegressor(PAIR, n_experts=2),
    "in a list": MixtureOfExpertsRegressor(LISTED, family="student_t", tol=1e-4),
    "twice": MixtureOfExpertsRegressor(
        MixtureOfExpertsRegressor(PAIR, n_experts=2, tol=1e-3), n_experts=2, tol=1e-2
    ),
}


def quadrants(n_samples, seed):
    """Four linear regimes by the signs of two columns, two sizes of noise."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-2, 2, size=(n_samples, 2))
    regime = 2 * (X[:, 0] > 0) + (X[:, 1] > 0)
    coef = np.array([[1, 2], [0, -2], [2, 0], [-1, 1]])[regime]
    y = np.sum(X * coef, axis=1) + np.array([1, -1, 0, 2])[regime]
    return X, y + 0.2 * (1 + regime % 2) * rng.normal(size=n_samples)


@pytest.fixture(scope="module")
def data():
    """X (200, 2), y (200,), weights 0 to 3."""
    return *quadrants(200, 0), np.random.RandomState(1).randint(0, 4, size=200)


@pytest.fixture(scope="module", params=OUTER)
def fitted(request, data):
    """A nested mixture of each shape."""
    return clone(OUTER[request.param]).fit(*data[:2])


@pytest.fixture(scope="module")
def listed(data):
    """The mixture of a pair, a tree and a line."""
    return clone(OUTER["in a list"]).fit(*data[:2])


def test_bounds_are_monotone(fitted):
    assert len(fitted.lower_bounds_) > 3
    assert_never_falls(fitted.lower_bounds_)


def test_likelihood_is_that_of_the_density_given_out(fitted, data):
    X, y, _ = data
    density = fitted.score_samples(X, y)
    assert_allclose(fitted.log_likelihood_, density.sum(), rtol=1e-12)
    own = [
        expert.score_samples(X, y) if isinstance(expert, type(fitted)) else None
        for expert in fitted.experts_
    ]
    R, proba = fitted.responsibilities(X, y), fitted.gate_proba(X)
    assert_allclose(R.sum(axis=1), 1.0)
    for k, log_density in enumerate(own):
        if log_density is not None:  # Bayes' rule with the expert's own density
            bayes = np.log(proba[:, k]) + log_density - density
            assert_allclose(R[:, k], np.exp(bayes), atol=1e-10)


def test_density_integrates_to_one(fitted, data):
    X = data[0][:4]
    grid = np.linspace(-30, 30, 20001)
    for row in X:
        rows = np.repeat(row[None], len(grid), axis=0)
        density = np.exp(fitted.score_samples(rows, grid))
        assert_allclose(np.trapezoid(density, grid), 1.0, atol=2e-3)


def test_mean_and_std_are_those_of_its_draws(fitted, data):
    X, n_draws = data[0][:4], 20_000
    mean, std = fitted.predict(X, return_std=True)
    draws = fitted.sample_y(X, n_samples=n_draws, random_state=0)
    assert draws.shape == (4, n_draws)
    assert np.all(np.abs(draws.mean(axis=1) - mean) < 5 * std / np.sqrt(n_draws))
    assert_allclose(draws.std(axis=1), std, rtol=0.06)
    again = fitted.sample_y(X, n_samples=n_draws, random_state=0)
    assert_array_equal(again, draws)


def test_std_is_the_law_of_total_variance_over_all_leaves(data):
    X, y, _ = data
    model = clone(OUTER["two pairs"]).fit(X, y)
    outer = model.gate_proba(X)
    weights, means, sigmas = [], [], []
    for k, pair in enumerate(model.experts_):
        weights.append(outer[:, [k]] * pair.gate_proba(X))
        means.append(pair.predict_experts(X))
        sigmas.append(np.broadcast_to(pair.dispersions_, (len(X), 2)))
    g, m, s = (np.hstack(parts) for parts in (weights, means, sigmas))
    mean, std = model.predict(X, return_std=True)
    assert_allclose(mean, np.sum(g * m, axis=1))
    assert_allclose(std**2, np.sum(g * (s**2 + m**2), axis=1) - mean**2)
    log_terms = np.log(g) - np.log(s) - 0.5 * ((y[:, None] - m) / s) ** 2
    density = np.log(np.exp(log_terms).sum(axis=1)) - 0.5 * np.log(2 * np.pi)
    assert_allclose(model.score_samples(X, y), density)


@pytest.mark.parametrize(
    "inner",
    [
        PAIR,
        MixtureOfExpertsRegressor(n_experts=2, family="laplace"),
        MixtureOfExpertsRegressor(PAIR, n_experts=2, tol=1e-3),
        MixtureOfExpertsRegressor(LISTED, tol=1e-3),
    ],
)
def test_one_nested_mixture_is_that_mixture_alone(data, inner):
    X, y, weights = data
    alone = clone(inner).set_params(random_state=0)
    alone.fit(X, y, sample_weight=weights)
    outer = MixtureOfExpertsRegressor(inner, n_experts=1, random_state=0)
    outer.fit(X, y, sample_weight=weights)
    # Refits inside go on where the first one stopped: never lower, hardly higher.
    assert outer.log_likelihood_ >= alone.log_likelihood_ - 1e-8
    assert_allclose(outer.log_likelihood_, alone.log_likelihood_, rtol=2e-3)
    assert outer.n_parameters_ == alone.n_parameters_ or np.isnan(alone.n_parameters_)
    (expert,) = outer.experts_
    for mine, its in zip(
        outer.predict(X, return_std=True),
        expert.predict(X, return_std=True),
        strict=True,
    ):
        assert_allclose(mine, its)
    assert_allclose(outer.score_samples(X, y), expert.score_samples(X, y))
    if inner is PAIR:
        assert_allclose(outer.log_likelihood_, alone.log_likelihood_, rtol=1e-8)
        assert_allclose(outer.predict(X), alone.predict(X), atol=1e-4)


def test_beats_the_same_mixtures_as_points_with_noise(data):
    X, y, _ = data
    points = make_pipeline(StandardScaler(), PAIR)  # a Pipeline predicts points
    as_points = MixtureOfExpertsRegressor(points, n_experts=2, tol=1e-2).fit(X, y)
    assert np.isfinite(as_points.dispersions_).all()
    nested = clone(OUTER["two pairs"]).fit(X, y)
    assert np.isnan(nested.dispersions_).all()
    X_new, y_new = quadrants(400, 5)
    mine = nested.score_samples(X_new, y_new).mean()
    assert mine > as_points.score_samples(X_new, y_new).mean()


def test_parameters_are_counted_once(listed, data):
    pair, tree, _ = listed.experts_
    # Gate: 2 times 3. Tree and line: leaves and coefficients, two shapes of noise each.
    assert tree.get_n_leaves() == 3
    assert listed.n_parameters_ == 6 + pair.n_parameters_ + (3 + 2) + (3 + 2)
    assert pair.n_parameters_ == 3 + 6 + 2
    assert np.isfinite(listed.bic(*data[:2]))


def test_dispersions_and_table_leave_the_nested_one_out(listed):
    assert_array_equal(np.isnan(listed.dispersions_), [True, False, False])
    assert [family.name for family in listed.families_] == [
        "own",
        "student_t",
        "student_t",
    ]
    table = listed.summary()
    assert next(iter(table["kind"])) == "MixtureOfExpertsRegressor"
    assert np.isnan(next(iter(table["dispersion"])))


@pytest.mark.parametrize("top_k", [1, 2])
def test_top_k_asks_the_experts_it_keeps(listed, data, top_k):
    X = data[0]
    kept = clone(listed).set_params(top_k=top_k).fit(*data[:2])
    proba, answers = kept.gate_proba(X), kept.predict_experts(X)
    order = np.argsort(-proba, axis=1)[:, :top_k]
    g = np.take_along_axis(proba, order, axis=1)
    g /= g.sum(axis=1, keepdims=True)
    m = np.take_along_axis(answers, order, axis=1)
    pair = kept.experts_[0]
    noise = kept._mixture.experts.noise
    variances = np.column_stack(
        [pair.predict(X, return_std=True)[1] ** 2]
        + [
            np.broadcast_to(f.variance(0.0, p[:, None])[0], len(X))
            for f, p in zip(noise.families[1:], noise.parameters[1:], strict=True)
        ]
    )
    v = np.take_along_axis(variances, order, axis=1)
    mean, std = kept.predict(X, return_std=True)
    assert_allclose(mean, np.sum(g * m, axis=1))
    assert_allclose(std**2, np.sum(g * (v + (m - mean[:, None]) ** 2), axis=1))
    # Draws and densities are those of the whole mixture.
    assert_allclose(kept.score_samples(X, data[1]), listed.score_samples(X, data[1]))


def test_clone_pickle_and_what_the_user_gave(data):
    X, y, _ = data
    inner = clone(PAIR)
    model = MixtureOfExpertsRegressor(inner, n_experts=2).fit(X, y)
    assert not hasattr(inner, "experts_")
    for expert in model.experts_:
        assert not expert.warm_start
        assert expert.max_iter == inner.max_iter
    loaded = pickle.loads(pickle.dumps(model))
    assert_array_equal(loaded.predict(X), model.predict(X))
    assert_array_equal(clone(model).fit(X, y).predict(X), model.predict(X))


def test_weights_are_repeated_rows_and_threads_change_nothing(data):
    X, y, weights = data
    model = MixtureOfExpertsRegressor(PAIR, n_experts=2)
    weighted = clone(model).fit(X, y, sample_weight=weights)
    rows = np.repeat(np.arange(200), weights)
    with parallel_config("threading"):
        repeated = clone(model).set_params(n_jobs=2).fit(X[rows], y[rows])
    assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-4)
    assert_allclose(weighted.log_likelihood_, repeated.log_likelihood_, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_warm_start_goes_on(data):
    X, y, _ = data
    model = MixtureOfExpertsRegressor(PAIR, n_experts=2, warm_start=True, tol=0)
    whole = clone(model).set_params(max_iter=8).fit(X, y)
    model.set_params(max_iter=4).fit(X, y).fit(X, y)
    assert model.lower_bounds_[0] >= whole.lower_bounds_[3] - 1e-12
    assert_allclose(model.lower_bound_, whole.lower_bound_, atol=1e-4)


def test_frames_sparse_rows_targets_and_groups(data):
    X, y, _ = data
    pd = pytest.importorskip("pandas")
    model = clone(OUTER["two pairs"]).set_params(tol=1e-3)
    dense = clone(model).fit(X, y)
    frame = pd.DataFrame(X, columns=["a", "b"])
    named = clone(model).fit(frame, y)
    assert_allclose(named.predict(frame), dense.predict(X), atol=1e-8)
    assert list(named.experts_[0].feature_names_in_) == ["a", "b"]
    sparse = clone(model).fit(sp.csr_array(X), y)
    assert_allclose(sparse.predict(sp.csr_array(X)), dense.predict(X), atol=1e-4)
    Y = np.column_stack([y, -y + X[:, 0]])
    both = clone(model).fit(X, Y)
    mean, std = both.predict(X, return_std=True)
    assert mean.shape == std.shape == both.sample_y(X)[:, 0].shape == (200, 2)
    assert_allclose(both.log_likelihood_, both.score_samples(X, Y).sum())
    groups = np.arange(200) // 2
    grouped = clone(model).set_params(gate_features=[]).fit(X, y, groups=groups)
    assert_never_falls(grouped.lower_bounds_)
    R = grouped.responsibilities(X, y, groups=groups)
    assert_allclose(R[::2], R[1::2])


def test_families_inside_keep_their_domain(data):
    X = data[0]
    counts = np.random.RandomState(0).poisson(np.exp(0.5 * X[:, 0] + X[:, 1] * 0.3))
    inner = MixtureOfExpertsRegressor(n_experts=2, family="poisson")
    model = MixtureOfExpertsRegressor(inner, n_experts=1).fit(X, counts)
    assert isinstance(model.experts_[0].families_[0], Poisson)
    assert_allclose(model.log_likelihood_, model.score_samples(X, counts).sum())
    with pytest.raises(ValueError, match=r"family 'own' needs .*y\[0\] = -1"):
        clone(model).fit(X, counts - 1.0 - counts[0])
    # Beside an expert that takes any number, rows that it refuses are the other's.
    real = X[:, 0] > 0
    y = np.where(real, -5 + X[:, 1] + np.cos(9 * X[:, 0]), counts)
    mixed = MixtureOfExpertsRegressor(
        [("counts", inner), ("line", LinearRegression())], tol=1e-3
    ).fit(X, y)
    assert_never_falls(mixed.lower_bounds_)
    assert mixed.responsibilities(X, y)[real, 1].min() > 1 - 1e-9
    draws = mixed.sample_y(X, 20, random_state=0)
    assert np.any(draws != np.round(draws))  # reals beside counts


def test_collapse_inside_is_reported_outside():
    X = np.linspace(-1, 1, 40)[:, None]
    y = np.where(X[:, 0] > 0, X[:, 0], -X[:, 0])  # without noise
    model = MixtureOfExpertsRegressor(PAIR, n_experts=1)
    with pytest.warns(UserWarning, match=r"dispersions of experts \[0\]") as caught:
        model.fit(X, y)
    assert sum("dispersions of" in str(warning.message) for warning in caught) == 1


def test_nested_parameters_are_set_and_searched(data):
    X, y, _ = data
    model = MixtureOfExpertsRegressor(PAIR, n_experts=2, tol=1e-3)
    search = GridSearchCV(
        model.set_params(tol=1e-2),
        {"experts__n_experts": [1, 2], "n_experts": [1, 2]},
        scoring=lambda model, X, y: model.score_samples(X, y).mean(),
        cv=2,
    ).fit(X, y)
    assert search.best_params_ == {"experts__n_experts": 2, "n_experts": 2}
    assert search.best_estimator_.experts_[1].n_experts_ == 2
    named = MixtureOfExpertsRegressor(LISTED).set_params(pair__n_experts=3)
    assert dict(named.experts)["pair"].n_experts == 3
    assert "pair__gate" in named.get_params()


def test_a_nested_classifier_is_its_class_probabilities(data):
    X, y, weights = data
    labels = np.array(["no", "yes"])[(y > 1).astype(int)]
    inner = MixtureOfExpertsClassifier(n_experts=2)
    alone = clone(inner).fit(X, labels, sample_weight=weights)
    outer = MixtureOfExpertsClassifier(inner, n_experts=1)
    outer.fit(X, labels, sample_weight=weights)
    assert_allclose(outer.log_likelihood_, alone.log_likelihood_, rtol=1e-10)
    assert_allclose(outer.predict_proba(X), alone.predict_proba(X), atol=1e-10)
    assert outer.n_parameters_ == alone.n_parameters_
    two = MixtureOfExpertsClassifier(inner, n_experts=2, tol=1e-3).fit(X, labels)
    assert_never_falls(two.lower_bounds_)
    assert_allclose(two.log_likelihood_, two.score_samples(X, labels).sum())


def test_a_selection_of_experts_keeps_who_is_nested(listed, data):
    X, y, _ = data
    experts = listed._mixture.experts
    chosen = experts.select([2, 0])
    density = experts.log_density(X, y[:, None])
    assert_allclose(chosen.log_density(X, y[:, None]), density[:, [2, 0]])
    predictions = experts.predict(X)
    assert_allclose(
        chosen.variance(X, predictions[:, [2, 0]]),
        experts.variance(X, predictions)[:, [2, 0]],
    )


@pytest.mark.parametrize("n_rows", [1, 2])
@pytest.mark.filterwarnings("ignore:The dispersions of experts")
def test_few_rows_inside_and_lists_of_experts_inside(data, n_rows):
    X, y, _ = data
    inner = MixtureOfExpertsRegressor(
        [("line", LinearRegression()), ("tree", DecisionTreeRegressor(max_depth=1))]
    )
    init = np.zeros(200, dtype=int)
    init[:n_rows] = 1  # fewer than it takes to fit anything
    outer = [("mixture", inner), ("line", LinearRegression())]
    model = MixtureOfExpertsRegressor(outer[::-1], init=init, tol=1e-2)
    model.fit(X, y)
    assert_never_falls(model.lower_bounds_)
    assert np.isfinite(model.predict(X, return_std=True)).all()


def test_proportions_inside_are_proportions_outside(data):
    X = data[0]
    rng = np.random.RandomState(0)
    trials = rng.randint(5, 20, size=200)
    hits = rng.binomial(trials, 1 / (1 + np.exp(-2 * X[:, 0])))
    Y = np.column_stack([hits, trials - hits])
    inner = MixtureOfExpertsRegressor(n_experts=2, family="binomial")
    model = MixtureOfExpertsRegressor(inner, n_experts=1).fit(X, Y)
    alone = clone(inner).fit(X, Y)
    assert_allclose(model.log_likelihood_, alone.log_likelihood_, rtol=1e-6)
    assert model.dispersions_.shape == (1,)
    mean, std = model.predict(X, return_std=True)
    assert_allclose(std**2, mean * (1 - mean), rtol=1e-6)  # of one trial
    assert set(np.unique(model.sample_y(X, 5, random_state=0))) == {0.0, 1.0}
