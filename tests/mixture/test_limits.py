# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""How far experts may extrapolate."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal, assert_array_less
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.base import clone
from sklearn.linear_model import HuberRegressor, LinearRegression, Ridge
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor, prune
from skmoe.experts import GeneralizedLinearRegressor
from skmoe.gates import SoftmaxGate
from skmoe.inference import observed_information
from skmoe.mixture.limits import limited
from tests.shared import two_regimes

FAR = 1000.0


@pytest.fixture(scope="module")
def data():
    """X (150, 2) and y (150,) of two linear regimes."""
    return two_regimes()[:2]


def pair(X, y, groups=None, **params):
    """The same model with limits and without."""
    params = {"n_experts": 2, "tol": 1e-4, "random_state": 0} | params
    models = [
        MixtureOfExpertsRegressor(extrapolation=value, **params)
        for value in ("clip", "free")
    ]
    return [model.fit(X, y, groups=groups) for model in models]


def far_rows(X):
    """Rows on all sides, as far away as can be."""
    return np.vstack([FAR * X[:20], -FAR * X[:20]])


MIXED = [("linear", LinearRegression()), ("tree", DecisionTreeRegressor(max_depth=3))]
NESTED = [("nested", MixtureOfExpertsRegressor(n_experts=2)), *MIXED]
COUNTS = {"family": ["zero", "poisson"]}


def as_counts(y):
    return np.floor(np.exp(y / 2))


@pytest.mark.parametrize(
    ("params", "transform"),
    [
        ({}, None),
        ({"experts": Ridge()}, None),
        ({"experts": MIXED}, None),
        ({"experts": HuberRegressor(), "max_iter": 3}, None),
        ({"assignment": "hard"}, None),
        ({"family": "student_t"}, None),
        ({"family": "skew_normal"}, None),
        ({"family": "log_normal"}, np.exp),
        ({"family": "poisson"}, as_counts),
        (COUNTS, as_counts),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_training_rows_stay_as_they_are(data, params, transform):
    X, y = data
    y = y if transform is None else transform(y)
    clipped, free = pair(X, y, **params)
    assert_allclose(clipped.log_likelihood_, free.log_likelihood_, rtol=1e-13)
    assert clipped.lower_bounds_ == free.lower_bounds_
    answers_for = free.responsibilities(X, y) > 2.3e-16
    one, other = clipped.predict_experts(X), free.predict_experts(X)
    assert_allclose(one[answers_for], other[answers_for], rtol=1e-12)
    assert_allclose(clipped.score_samples(X, y), free.score_samples(X, y), rtol=1e-9)
    assert_allclose(clipped.score_samples(X, y).sum(), free.log_likelihood_, rtol=1e-9)


def limits_by_hand(model, free, X, y):
    """Limits of the experts from what the public methods say."""
    shares = free.responsibilities(X, y)
    owners = shares.argmax(axis=1)
    ends = []
    for k, expert in enumerate(model.experts_):
        own, fitted = y[owners == k], expert.predict(X[shares[:, k] > 2.3e-16])
        room = 0.05 * np.ptp(own, axis=0)
        ends.append(
            (
                np.minimum(own.min(axis=0) - room, fitted.min(axis=0)),
                np.maximum(own.max(axis=0) + room, fitted.max(axis=0)),
            )
        )
    return np.stack(ends, axis=1)


@pytest.mark.parametrize("experts", [None, MIXED], ids=["linear", "mixed"])
def test_limits_are_what_an_expert_saw_and_said(data, experts):
    X, y = data
    model, free = pair(X, y, experts=experts)
    lowest, highest = limits_by_hand(model, free, X, y)
    assert_allclose(model.prediction_limits_, [lowest, highest], rtol=1e-12)
    rows = far_rows(X)
    said = np.stack([expert.predict(rows) for expert in model.experts_], axis=1)
    assert np.any(said < lowest)
    assert np.any(said > highest)
    assert_allclose(model.predict_experts(rows), np.clip(said, lowest, highest))


def test_all_methods_agree_on_far_rows(data):
    X, y = data
    model, _ = pair(X, y)
    rows = far_rows(X)
    means, gate = model.predict_experts(rows), model.gate_proba(rows)
    mean = (gate * means).sum(axis=1)
    variance = (gate * (model.dispersions_**2 + (means - mean[:, None]) ** 2)).sum(1)
    assert_allclose(model.predict(rows), mean)
    assert_allclose(model.predict(rows, return_std=True)[1], np.sqrt(variance))
    targets = np.linspace(-5, 5, len(rows))
    with np.errstate(divide="ignore"):
        log_gate = np.log(gate)
    density = norm.logpdf(targets[:, None], means, model.dispersions_)
    by_hand = logsumexp(log_gate + density, axis=1)
    assert_allclose(model.score_samples(rows, targets), by_hand, rtol=1e-9)
    assert_allclose(
        model.responsibilities(rows, targets),
        np.exp(log_gate + density - by_hand[:, None]),
        atol=1e-12,
    )
    draws = model.sample_y(rows, 400, random_state=0)
    assert_allclose(draws.mean(axis=1), mean, atol=5 * np.sqrt(variance.max() / 400))


def test_free_experts_go_on(data):
    X, y = data
    clipped, free = pair(X, y)
    rows = far_rows(X)
    said = np.stack([expert.predict(rows) for expert in free.experts_], axis=1)
    assert_allclose(free.predict_experts(rows), said)
    assert np.abs(free.predict(rows)).max() > 100 * np.abs(clipped.predict(rows)).max()
    assert np.all(np.isinf(free.prediction_limits_))


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_routing_to_one_expert(data, engine):
    if engine == "numba":
        pytest.importorskip("numba")
    X, y = data
    model, _ = pair(X, y, top_k=1, engine=engine)
    rows = far_rows(X)
    best = model.apply(rows)[:, None]
    expected = np.take_along_axis(model.predict_experts(rows), best, axis=1)[:, 0]
    assert_allclose(model.predict(rows), expected)


def test_mixed_families_when_some_experts_are_evaluated(data):
    X, y = data
    experts = [("a", LinearRegression()), ("b", LinearRegression()), ("c", Ridge())]
    family = ["gaussian", "student_t", "gaussian"]
    model, _ = pair(X, y, experts=experts, family=family, n_experts=3, top_k=2)
    rows = far_rows(X)
    gate, means = model.gate_proba(rows), model.predict_experts(rows)
    gate[np.arange(len(rows)), gate.argmin(axis=1)] = 0
    expected = (gate * means).sum(axis=1) / gate.sum(axis=1)
    assert_allclose(model.predict(rows), expected)


def test_each_target_has_its_limits(data):
    X, y = data
    Y = np.column_stack([y, 100 - 10 * y])
    model, free = pair(X, Y)
    assert model.prediction_limits_.shape == (2, 2, 2)
    assert_allclose(
        model.prediction_limits_, limits_by_hand(model, free, X, Y), rtol=1e-12
    )


def test_sparse_rows_have_the_limits_of_dense_ones(data):
    X, y = data
    X = np.where(np.abs(X) < 0.5, 0.0, X)
    dense, _ = pair(X, y, tol=1e-8)
    sparse, _ = pair(sp.csr_matrix(X), y, tol=1e-8)
    assert_allclose(sparse.prediction_limits_, dense.prediction_limits_, rtol=1e-4)


def test_log_normal_limits_are_of_the_logarithm(data):
    X, y = data
    model, _ = pair(X, np.exp(y), family="log_normal")
    linear, _ = pair(X, y, tol=1e-4)
    assert_allclose(model.prediction_limits_, linear.prediction_limits_, rtol=1e-2)
    assert model.predict(far_rows(X)).max() < 2 * np.exp(y.max() + np.ptp(y))


def test_rows_of_a_group_belong_to_the_groups_expert():
    X, y, regime = two_regimes()
    groups = np.arange(len(y)) % 10 + 10 * regime
    gate = {"gate_features": [], "init": regime}
    model, free = pair(X, y, groups=groups, **gate)
    shares = free.responsibilities(X, y, groups=groups)
    owners = shares.argmax(axis=1)
    by_row = free.responsibilities(X, y).argmax(axis=1)
    assert np.any(owners != by_row)
    for k, expert in enumerate(model.experts_):
        seen, said = y[owners == k], expert.predict(X[shares[:, k] > 2.3e-16])
        top = max(seen.max() + 0.05 * np.ptp(seen), said.max())
        assert_allclose(model.prediction_limits_[1, k], top)


def test_predictions_with_an_exposure_have_no_limits(data):
    X, y = data
    exposure = np.linspace(0, 1, len(y))
    counts = np.floor(np.exp(y / 2 + exposure))
    model = MixtureOfExpertsRegressor(n_experts=2, family="poisson", offset_feature=2)
    model.set_params(extrapolation="clip").fit(np.column_stack([X, exposure]), counts)
    once = model.predict(np.column_stack([X, np.zeros(len(y))]))
    often = model.predict(np.column_stack([X, np.full(len(y), np.log(1e6))]))
    assert_allclose(often, 1e6 * once)


@pytest.mark.filterwarnings("ignore:The dispersions of experts")
def test_a_background_and_a_nested_mixture_have_no_limits_of_their_own(data):
    X, y = data
    background, _ = pair(X, y, family=["uniform", "gaussian"])
    assert np.all(np.isinf(background.prediction_limits_[:, 0]))
    assert np.all(np.isfinite(background.prediction_limits_[:, 1]))
    inner = MixtureOfExpertsRegressor(n_experts=2, tol=1e-3, extrapolation="clip")
    experts = [("nested", inner), ("linear", LinearRegression())]
    nested, _ = pair(X, y, experts=experts, tol=1e-3)
    assert np.all(np.isinf(nested.prediction_limits_[:, 0]))
    rows = far_rows(X)
    said = nested.experts_[0].predict(rows)
    assert_allclose(nested.predict_experts(rows)[:, 0], said)
    assert np.abs(said).max() < 50  # by the limits inside


def test_an_expert_without_rows_has_the_range_of_all(data):
    X, y = data
    _, free = pair(X, y)
    experts = limited(
        free._mixture.experts, X, y[:, None], np.eye(2)[np.zeros(len(y), int)]
    )
    room = 0.05 * np.ptp(y)
    ends = y.min() - room, y.max() + room
    assert_allclose(experts.noise.limits[:, 1, 0], ends)


@pytest.mark.parametrize("experts", [None, DecisionTreeRegressor(max_depth=2), Ridge()])
def test_a_warm_start_climbs_as_if_there_were_no_limits(data, experts):
    X, y = data
    moved = 3 * X + 1  # rows beyond the limits
    clipped, free = pair(X, y, experts=experts, warm_start=True)
    for model in (clipped, free):
        model.fit(moved, y)
    assert clipped.lower_bounds_ == free.lower_bounds_
    fitted = clone(clipped).set_params(warm_start=False).fit(moved, y)
    assert fitted.prediction_limits_.shape == clipped.prediction_limits_.shape
    assert_allclose(clipped.log_likelihood_, free.log_likelihood_, rtol=1e-12)


def test_a_pruned_mixture_keeps_the_limits(data):
    X, y = data
    model, _ = pair(X, y, n_experts=3)
    pruned = prune(model, X, y, n_experts=2)
    kept = pruned.pruning_.kept
    assert_array_equal(pruned.prediction_limits_, model.prediction_limits_[:, kept])
    rows = far_rows(X)
    expected = model.predict_experts(rows)[:, kept]
    assert_allclose(pruned.predict_experts(rows), expected)


def test_standard_errors_are_those_of_the_likelihood(data):
    X, y = data
    clipped, free = pair(X, y, tol=1e-10, gate=SoftmaxGate(alpha=1e-8))
    errors = [observed_information(m, X, y).standard_errors for m in (clipped, free)]
    assert_allclose(*errors)


def test_a_far_row_costs_little(data):
    """The reason for limits: one outlying row of X does not ruin the mean density."""
    X, y = data
    clipped, free = pair(X, y)
    rows, targets = FAR * X[:5], y[:5]
    assert free.score_samples(rows, targets).mean() < -1e4
    assert clipped.score_samples(rows, targets).mean() > -2e3


def test_weights_and_repeated_rows_have_the_same_limits(data):
    X, y = data
    counts = np.arange(len(y)) % 3
    model = MixtureOfExpertsRegressor(n_experts=2, tol=1e-10)
    weighted = clone(model).fit(X, y, sample_weight=counts)
    repeated = clone(model).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    assert_allclose(weighted.prediction_limits_, repeated.prediction_limits_, rtol=1e-5)


def test_by_default_experts_stop_where_they_explode(data):
    X, y = data
    model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    fitted = np.stack([expert.predict(X) for expert in model.experts_], axis=1)
    assert_allclose(model.predict_experts(X), fitted, rtol=1e-12)
    lowest = np.minimum(y.min() - 0.5 * np.ptp(y), fitted.min(axis=0))
    highest = np.maximum(y.max() + 0.5 * np.ptp(y), fitted.max(axis=0))
    assert_allclose(model.prediction_limits_, [lowest, highest], rtol=1e-12)
    rows = far_rows(X)
    said = np.stack([expert.predict(rows) for expert in model.experts_], axis=1)
    assert np.any(said > highest)
    assert_allclose(model.predict_experts(rows), np.clip(said, lowest, highest))
    free = clone(model).set_params(extrapolation="free").fit(X, y)
    assert model.log_likelihood_ == free.log_likelihood_


@pytest.mark.parametrize("family", ["gaussian", "log_normal"])
def test_by_default_one_expert_is_its_estimator_everywhere(data, family):
    X, y = data
    y = np.exp(y) if family == "log_normal" else y
    model = MixtureOfExpertsRegressor(n_experts=1, family=family).fit(X, y)
    rows = far_rows(X) / FAR * 20
    said = np.ravel(model.experts_[0].predict(rows))
    if family == "log_normal":
        said = np.exp(said + model.dispersions_**2 / 2)
    assert_allclose(np.ravel(model.predict_experts(rows)), said, rtol=1e-12)
    assert_array_equal(np.isinf(model.prediction_limits_), True)


def test_other_values_are_refused(data):
    with pytest.raises(ValueError, match=r"'extrapolation' parameter .*'clip'.*'none'"):
        MixtureOfExpertsRegressor(extrapolation="none").fit(*data)


# -- every method of a model says the same --------------------------------------------


@pytest.mark.parametrize("extrapolation", ["auto", "clip", "free"])
@pytest.mark.parametrize(
    ("params", "transform"),
    [
        ({}, None),
        ({"family": "student_t"}, None),
        ({"family": "poisson"}, as_counts),
        (COUNTS, as_counts),
        ({"experts": MIXED}, None),
        ({"experts": NESTED, "n_experts": 3}, None),
    ],
)
def test_distributions_have_the_limits_of_predictions(
    data, params, transform, extrapolation
):
    X, y = data
    y = y if transform is None else transform(y)
    model = MixtureOfExpertsRegressor(
        **{"n_experts": 2, "tol": 1e-3, "random_state": 0, **params},
        extrapolation=extrapolation,
    ).fit(X, y)
    far = np.vstack([X[:5], 3 * X[:5]])
    dist = model.predict_dist(far)
    assert_allclose(dist.mean(), model.predict(far), rtol=1e-10)
    std = model.predict(far, return_std=True)[1]
    assert_allclose(dist.std(), std, rtol=1e-8)
    density = model.score_samples(far, y[:10])
    assert_allclose(dist.logpdf(y[:10]), density, rtol=1e-10)
    median = dist.quantile(0.5)
    below = (model.sample_y(far, 3000, random_state=0) <= median[:, None]).mean(axis=1)
    assert_array_less(dist.cdf(np.nextafter(median, -np.inf)) - 0.04, below)
    assert_array_less(below, dist.cdf(median) + 0.04)


# -- the likelihood is that of the model that is shown --------------------------------


@pytest.mark.parametrize("case", ["rows", "groups", "known"])
def test_the_log_likelihood_is_the_shown_models_where_limits_touch_training(case):
    rng = np.random.RandomState(0)
    x = np.concatenate([rng.uniform(-1, 1, 60), [500.0, 501.0, 502.0]])
    slope = np.where(x > 100, 0.0, np.where(x > 0, 30.0, -30.0))
    y = slope * x + 0.01 * rng.normal(size=len(x))
    X, params = x[:, None], {}
    if case == "groups":
        params["groups"] = np.arange(len(x))
    if case == "known":
        params["expert_labels"] = np.where(np.arange(len(x)) == 0, 0, -1)
    model = MixtureOfExpertsRegressor(
        n_experts=3, extrapolation="clip", n_init=5, init="random", random_state=7
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y, **params)
    free = model._mixture.experts.predict(X)
    limited = model._mixture.noise.within(free)
    assert np.abs(free - limited).max() > 1.0  # limits do touch training rows
    total = model.score_samples(X, y).sum()
    if case == "known":
        assert model.log_likelihood_ <= total + 1e-9
        r = model.responsibilities(X[:1], y[:1])[0, 0]
        total += np.log(r)
    assert_allclose(model.log_likelihood_, total, rtol=1e-9)


# -- limits of generalised linear experts ----------------------------------------------


def flows(seed):
    """Counts between places: many indicators, a distance, and a log size at the end."""
    rng = np.random.default_rng(seed)
    source, goal = rng.integers(0, 30, (2, 900))
    distance, size = rng.uniform(10, 500, 900), np.exp(rng.normal(8, 1, 900))
    rates = size * np.exp(-5 - 0.01 * distance) * (source != 3)
    indicators = np.eye(30)[source], np.eye(30)[goal]
    return np.c_[*indicators, distance, np.log(size)], rng.poisson(rates)


@pytest.mark.parametrize("offset", [None, 61])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_counts_do_not_explode_in_rows_that_an_expert_does_not_explain(seed, offset):
    X, y = flows(seed)
    settings = {"family": "poisson", "offset_feature": offset}
    model = MixtureOfExpertsRegressor(n_experts=2, **settings).fit(X, y)
    assert model.predict(X).max() < 2 * y.max()
    assert_allclose(model.score_samples(X, y).sum(), model.log_likelihood_, rtol=1e-9)


def test_an_offset_beyond_those_seen_goes_on():
    X, y = flows(0)
    X = X[:, -2:]
    model = MixtureOfExpertsRegressor(n_experts=2, family="poisson", offset_feature=1)
    model.fit(X, y)
    larger = X + np.array([0, np.log(1000.0)])
    expected = 1000 * model.predict_experts(X)
    assert_allclose(model.predict_experts(larger), expected, atol=1e-30)


def test_one_expert_with_an_offset_is_never_limited():
    X, y = flows(0)
    settings = {"family": "poisson", "offset_feature": 61}
    model = MixtureOfExpertsRegressor(n_experts=1, **settings).fit(X, y)
    far = X.copy()
    far[:, 60] = -5000.0
    slope = model.experts_[0].coef_[60]
    moved = slope * (far[:, 60] - X[:, 60])
    assert_allclose(np.log(model.predict(far)), np.log(model.predict(X)) + moved)


@pytest.mark.parametrize("link", ["log", "inverse"])
def test_limits_of_scores_follow_the_link(link):
    """A large score of the inverse link is a small mean."""
    rng = np.random.default_rng(4)
    X = np.c_[rng.uniform(0.5, 2, 400), rng.uniform(0, 0.5, 400)]
    mean = np.exp(X.sum(axis=1)) if link == "log" else 1 / X.sum(axis=1)
    y = mean * np.where(rng.random(400) < 0.5, 1, 3) * rng.gamma(50, 1 / 50, 400)
    expert = GeneralizedLinearRegressor(link=link)
    settings = {"family": "gamma", "offset_feature": 1, "random_state": 0}
    model = MixtureOfExpertsRegressor(expert, 2, **settings).fit(X, y)
    low, high = model._mixture.experts.score_limits
    assert np.all(low <= high)
    far = np.c_[[-1e3, 1e3], [0.2, 0.2]]
    answers = model.predict_experts(far)
    assert np.all((answers >= 0) & (answers < 10 * y.max()))
    rows = model.responsibilities(X, y) > 0.01
    free = clone(model).set_params(extrapolation="free").fit(X, y)
    assert_allclose(
        model.predict_experts(X)[rows], free.predict_experts(X)[rows], rtol=1e-9
    )
