# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The shipped data sets and the simulator."""

import gzip
import hashlib
import sys
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import softmax
from scipy.stats import norm
from sklearn.utils import Bunch

from skmoe.datasets import (
    load_bike_sharing,
    load_concrete,
    load_penguins,
    make_mixture_of_experts,
)

LOADERS = {
    load_bike_sharing: (17379, 12, "rentals"),
    load_concrete: (1030, 8, "compressive_strength"),
    load_penguins: (342, 6, "bill_depth_mm"),
}
SHA256 = {
    load_bike_sharing: (
        "ed129e244aff91f2dcbfc96d7e25731b32e9c4f02bebbc521a834c5da40cb330"
    ),
    load_concrete: "c2690f237285ede14fa54fe05dbe6a83ce510f65de6a8c5f8cafd6cefd9f38e2",
    load_penguins: "263294f0386013733f42efd26797a5e21eeebc715d657ee9d4a27dd0a82cf571",
}
all_loaders = pytest.mark.parametrize("load", LOADERS)

FAMILIES = ["gaussian", "categorical"]
all_families = pytest.mark.parametrize("family", FAMILIES)


def simulate(family="gaussian", n_samples=20_000, **params):
    params = {"n_classes": 3, "random_state": 3, "return_truth": True} | params
    return make_mixture_of_experts(n_samples, family=family, **params)


# Loaders


@all_loaders
def test_loader_fields(load):
    n_samples, n_features, target_name = LOADERS[load]
    bunch = load()
    assert isinstance(bunch, Bunch)
    assert bunch.data.shape == (n_samples, n_features)
    assert bunch.target.shape == (n_samples,)
    assert bunch.data.dtype == bunch.target.dtype == np.float64
    assert len(bunch.feature_names) == len(set(bunch.feature_names)) == n_features
    assert bunch.target_names == [target_name]
    assert bunch.frame is None
    assert set(bunch.categorical_features) <= set(bunch.feature_names)
    assert list(bunch.categories) == bunch.categorical_features


@all_loaders
def test_loader_returns_writable_contiguous_arrays(load):
    X, y = load(return_X_y=True)
    for array in (X, y):
        assert array.flags.c_contiguous
        assert array.flags.writeable
    assert not np.shares_memory(X, y)


@all_loaders
def test_loader_file_is_the_published_one(load):
    bunch = load()
    path = files(bunch.data_module) / bunch.filename
    content = gzip.decompress(path.read_bytes())
    assert hashlib.sha256(content).hexdigest() == SHA256[load]


@all_loaders
def test_loader_return_X_y(load):
    bunch = load()
    X, y = load(return_X_y=True)
    assert_array_equal(X, bunch.data)
    assert_array_equal(y, bunch.target)

    X, y = load(return_X_y=True, as_frame=True)
    assert isinstance(X, pd.DataFrame)
    assert isinstance(y, pd.Series)


@all_loaders
def test_loader_frame_says_the_same_as_the_array(load):
    arrays, frames = load(), load(as_frame=True)
    assert list(frames.data.columns) == arrays.feature_names
    assert list(frames.frame.columns) == arrays.feature_names + arrays.target_names
    assert frames.target.name == arrays.target_names[0]
    assert_array_equal(frames.target, arrays.target)
    for name, column in zip(arrays.feature_names, arrays.data.T, strict=True):
        series = frames.data[name]
        if name in arrays.categorical_features:
            assert series.dtype == pd.CategoricalDtype(arrays.categories[name])
            series = series.cat.codes.where(series.notna(), np.nan)
        assert_array_equal(series.astype(float), column)


@all_loaders
def test_loader_uses_every_category(load):
    bunch = load()
    for name, categories in bunch.categories.items():
        codes = bunch.data[:, bunch.feature_names.index(name)]
        present = np.unique(codes[~np.isnan(codes)])
        assert_array_equal(present, np.arange(len(categories)))


@all_loaders
def test_loader_description_names_source_licence_and_columns(load):
    bunch = load()
    assert bunch.DESCR.startswith(bunch.filename)
    assert "- Source:" in bunch.DESCR
    assert "- Licence: Creative Commons" in bunch.DESCR
    # One data set's section only.
    assert bunch.DESCR.count(".csv.gz") == 1
    for name in bunch.feature_names + bunch.target_names:
        assert f"| {name} |" in bunch.DESCR


@all_loaders
def test_loader_results_are_independent(load):
    first = load()
    first.data[:] = 0
    first.feature_names.clear()
    first.categories.clear()
    second = load()
    assert second.data.any()
    assert len(second.feature_names) == LOADERS[load][1]
    assert list(second.categories) == second.categorical_features


@all_loaders
def test_loader_without_pandas(load, monkeypatch):
    # None in sys.modules is how Python itself marks a module as not importable.
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert load().data.shape == LOADERS[load][:2]
    with pytest.raises(ImportError, match=rf"{load.__name__} .*skmoe\[pandas\]"):
        load(as_frame=True)


@all_loaders
@pytest.mark.parametrize("name", ["return_X_y", "as_frame"])
def test_loader_refuses_what_is_not_a_bool(load, name):
    message = rf"The '{name}' parameter of {load.__name__} must be a bool. Got 'False'"
    with pytest.raises(ValueError, match=message):
        load(**{name: "False"})


def test_bike_sharing_content():
    frame = load_bike_sharing(as_frame=True).frame
    # The total that the source reports for the two years.
    assert frame["rentals"].sum() == 3_292_679
    assert frame.notna().all(axis=None)
    assert set(frame["workingday"]) == set(frame["holiday"]) == {0, 1}
    # 1 January 2011 was a Saturday, 31 December 2012 a Monday.
    assert frame["weekday"].iloc[0] == "saturday"
    assert frame["weekday"].iloc[-1] == "monday"
    weekend = frame["weekday"].isin(["saturday", "sunday"])
    assert_array_equal(frame["workingday"] == 1, ~weekend & (frame["holiday"] == 0))


def test_bike_sharing_rows_are_in_time_order():
    frame = load_bike_sharing(as_frame=True).frame
    months = frame["year"] * 12 + frame["month"]
    assert months.is_monotonic_increasing
    # Within a month a day has no column, but it begins where the weekday changes.
    new_day = frame["weekday"].ne(frame["weekday"].shift())
    assert new_day.sum() == 731
    assert frame.groupby(new_day.cumsum())["hour"].is_monotonic_increasing.all()


def test_concrete_content():
    frame = load_concrete(as_frame=True).frame
    assert frame.notna().all(axis=None)
    assert (frame >= 0).all(axis=None)
    assert frame.duplicated().sum() == 25
    assert_allclose(frame["compressive_strength"].mean(), 35.818, atol=1e-3)


def test_penguins_content():
    frame = load_penguins(as_frame=True).frame
    assert frame.isna().sum()["sex"] == frame.isna().sum().sum() == 9
    assert frame["sex"].value_counts().to_dict() == {"male": 168, "female": 165}
    # The documented row order: Gentoo lived on Biscoe only, Chinstrap on Dream only.
    assert set(frame["island"][151:274]) == {"Biscoe"}
    assert set(frame["island"][274:]) == {"Dream"}


def test_penguins_show_simpsons_paradox():
    X, y = load_penguins(return_X_y=True)
    length = X[:, 0]
    assert np.corrcoef(length, y)[0, 1] < -0.2
    for species in (slice(0, 151), slice(151, 274), slice(274, None)):
        assert np.corrcoef(length[species], y[species])[0, 1] > 0.3


# Simulator: shapes and reproducibility


@pytest.mark.parametrize("n_experts", [1, 4])
@pytest.mark.parametrize("n_features", [1, 5])
def test_simulator_gaussian_shapes(n_features, n_experts):
    X, y, truth = simulate("gaussian", 50, n_features=n_features, n_experts=n_experts)
    assert X.shape == (50, n_features)
    assert y.shape == truth.labels.shape == (50,)
    assert y.dtype == X.dtype == np.float64
    assert truth.gate_coef.shape == (n_experts, n_features)
    assert truth.expert_coef.shape == (n_experts, n_features)
    assert truth.gate_intercept.shape == truth.expert_intercept.shape == (n_experts,)
    assert truth.dispersions.shape == (n_experts,)
    assert truth.gate_proba.shape == truth.expert_means.shape == (50, n_experts)
    assert isinstance(truth.log_likelihood, float)
    assert "expert_proba" not in truth


@pytest.mark.parametrize("n_experts", [1, 4])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_simulator_categorical_shapes(n_classes, n_experts):
    X, y, truth = simulate(
        "categorical", 400, n_features=3, n_experts=n_experts, n_classes=n_classes
    )
    assert X.shape == (400, 3)
    assert y.dtype.kind == "i"
    assert_array_equal(np.unique(y), np.arange(n_classes))
    assert truth.expert_coef.shape == (n_experts, n_classes, 3)
    assert truth.expert_intercept.shape == (n_experts, n_classes)
    assert truth.expert_proba.shape == (400, n_experts, n_classes)
    assert truth.dispersions is None
    assert "expert_means" not in truth


@all_families
def test_simulator_without_truth_returns_the_same_data(family):
    X, y, _ = simulate(family, 30)
    pair = simulate(family, 30, return_truth=False)
    assert len(pair) == 2
    assert_array_equal(pair[0], X)
    assert_array_equal(pair[1], y)


@all_families
def test_simulator_is_determined_by_random_state(family):
    X, y, truth = simulate(family, 100)
    X_again, y_again, truth_again = simulate(family, 100)
    assert_array_equal(X_again, X)
    assert_array_equal(y_again, y)
    assert truth_again.log_likelihood == truth.log_likelihood
    X_other, _, truth_other = simulate(family, 100, random_state=4)
    assert not np.allclose(X_other, X)
    assert not np.allclose(truth_other.gate_coef, truth.gate_coef)


def test_simulator_random_state_instance_advances():
    rng = np.random.RandomState(0)
    X_first, _, _ = simulate(random_state=rng, n_samples=10)
    X_second, _, _ = simulate(random_state=rng, n_samples=10)
    X_int, _, _ = simulate(random_state=0, n_samples=10)
    assert_array_equal(X_first, X_int)
    assert not np.allclose(X_second, X_first)


@all_families
def test_simulator_more_samples_extend_the_sample(family):
    X, y, truth = simulate(family, 40)
    X_more, y_more, truth_more = simulate(family, 400)
    for name in ("gate_coef", "gate_intercept", "expert_coef", "expert_intercept"):
        assert_array_equal(truth_more[name], truth[name])
    assert_array_equal(X_more[:40], X)
    assert_array_equal(truth_more.labels[:40], truth.labels)
    # A matrix product may round differently for another number of rows.
    assert_allclose(y_more[:40], y, rtol=1e-12)


def test_simulator_defaults_cover_every_expert():
    for seed in range(20):
        _, _, truth = simulate(n_samples=2000, random_state=seed)
        assert truth.gate_proba.mean(axis=0).min() > 0.1


# Simulator: the meaning of separation and noise


@all_families
def test_simulator_separation_zero_is_a_constant_gate(family):
    _, _, truth = simulate(family, 200, separation=0, n_experts=4)
    assert_array_equal(truth.gate_coef, 0)
    assert_allclose(truth.gate_proba, 0.25)


def test_simulator_separation_scales_the_gate_only():
    X, _, truth = simulate(n_samples=200, separation=1.0)
    X_double, _, double = simulate(n_samples=200, separation=2.0)
    assert_array_equal(X_double, X)
    assert_allclose(double.gate_coef, 2 * truth.gate_coef)
    assert_allclose(double.gate_intercept, 2 * truth.gate_intercept)
    assert_array_equal(double.expert_coef, truth.expert_coef)


def test_simulator_large_separation_is_the_nearest_centre():
    X, _, truth = simulate(n_samples=500, separation=1.0)
    scale = -2 * truth.gate_intercept / (truth.gate_coef**2).sum(axis=1)
    centres = truth.gate_coef * scale[:, np.newaxis]
    _, _, hard = simulate(n_samples=500, separation=1e4)
    distances = np.linalg.norm(X[:, np.newaxis] - centres, axis=2)
    agree = hard.labels == distances.argmin(axis=1)
    assert agree.mean() > 0.99
    assert np.median(hard.gate_proba.max(axis=1)) > 1 - 1e-9


def test_simulator_noise_is_the_gaussian_standard_deviation():
    _, y, truth = simulate(noise=0.5)
    _, y_double, double = simulate(noise=1.0)
    own_mean = truth.expert_means[np.arange(y.size), truth.labels]
    assert_allclose(y_double - own_mean, 2 * (y - own_mean), atol=1e-12)
    assert_array_equal(truth.dispersions, 0.5)
    assert_array_equal(double.dispersions, 1.0)


def test_simulator_noise_is_the_categorical_temperature():
    _, _, truth = simulate("categorical", 500, noise=0.5)
    _, _, hot = simulate("categorical", 500, noise=50.0)
    _, _, cold = simulate("categorical", 500, noise=0.005)
    assert_allclose(hot.expert_coef, truth.expert_coef / 100)
    assert_allclose(hot.expert_proba, 1 / 3, atol=0.1)
    assert np.median(cold.expert_proba.max(axis=2)) > 1 - 1e-9


def test_simulator_categorical_parameters_sum_to_zero_over_classes():
    _, _, truth = simulate("categorical", 10)
    assert_allclose(truth.expert_coef.sum(axis=1), 0, atol=1e-12)
    assert_allclose(truth.expert_intercept.sum(axis=1), 0, atol=1e-12)


# Simulator: the sample comes from the truth that is returned


@all_families
def test_simulator_gate_proba_is_the_softmax_of_the_gate(family):
    X, _, truth = simulate(family, 100)
    scores = X @ truth.gate_coef.T + truth.gate_intercept
    assert_allclose(truth.gate_proba, softmax(scores, axis=1))
    assert_allclose(truth.gate_proba.sum(axis=1), 1)


def test_simulator_log_likelihood_gaussian():
    X, y, truth = simulate(n_samples=300)
    means = X @ truth.expert_coef.T + truth.expert_intercept
    density = norm(means, truth.dispersions).pdf(y[:, np.newaxis])
    expected = np.log((truth.gate_proba * density).sum(axis=1)).sum()
    assert_allclose(truth.log_likelihood, expected)


def test_simulator_log_likelihood_categorical():
    X, y, truth = simulate("categorical", 300)
    expected = 0.0
    for x, label, gate in zip(X, y, truth.gate_proba, strict=True):
        experts = softmax(truth.expert_coef @ x + truth.expert_intercept, axis=1)
        expected += np.log(gate @ experts[:, label])
    assert_allclose(truth.log_likelihood, expected)


def assert_score_is_noise(X, observed, proba):
    """Check that the softmax score, zero in expectation, is zero within 4.5 sd."""
    design = np.column_stack([np.ones(len(X)), X])
    score = design.T @ (observed - proba)
    deviation = np.sqrt((design**2).T @ (proba * (1 - proba)))
    assert np.all(np.abs(score) < 4.5 * deviation)


@all_families
def test_simulator_labels_follow_the_gate(family):
    X, _, truth = simulate(family)
    assert_score_is_noise(X, np.eye(3)[truth.labels], truth.gate_proba)


def test_simulator_least_squares_within_labels_recovers_the_experts():
    X, y, truth = simulate()
    for k, sigma in enumerate(truth.dispersions):
        rows = truth.labels == k
        design = np.column_stack([np.ones(rows.sum()), X[rows]])
        coef, _, _, _ = np.linalg.lstsq(design, y[rows], rcond=None)
        expected = np.r_[truth.expert_intercept[k], truth.expert_coef[k]]
        error = sigma * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
        assert np.all(np.abs(coef - expected) < 4.5 * error)
        residual = np.std(y[rows] - design @ coef, ddof=design.shape[1])
        assert_allclose(residual, sigma, rtol=4.5 / np.sqrt(2 * rows.sum()))


def test_simulator_classes_follow_their_expert():
    X, y, truth = simulate("categorical")
    for k in range(3):
        rows = truth.labels == k
        assert_score_is_noise(X[rows], np.eye(3)[y[rows]], truth.expert_proba[rows, k])


def test_simulator_family_does_not_change_the_gate():
    _, _, regression = simulate("gaussian", 50)
    _, _, classification = simulate("categorical", 50)
    assert_array_equal(classification.gate_coef, regression.gate_coef)
    assert_array_equal(classification.labels, regression.labels)


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("n_samples", 0, "an int in the range [1, inf)"),
        ("n_samples", 10.0, "an int in the range [1, inf)"),
        ("n_features", -1, "an int in the range [1, inf)"),
        ("n_experts", True, "an int in the range [1, inf)"),
        ("n_classes", 1, "an int in the range [2, inf)"),
        ("family", "poisson", "a str among ('gaussian', 'categorical')"),
        ("family", None, "a str among ('gaussian', 'categorical')"),
        ("separation", -0.1, "a float in the range [0, inf)"),
        ("separation", "1", "a float in the range [0, inf)"),
        ("noise", 0, "a float in the range (0, inf)"),
        ("noise", np.nan, "a float in the range (0, inf)"),
    ],
)
def test_simulator_refuses_bad_parameters(name, value, accepted):
    with pytest.raises(ValueError) as caught:
        make_mixture_of_experts(**{name: value})
    assert str(caught.value) == (
        f"The {name!r} parameter of make_mixture_of_experts must be {accepted}. "
        f"Got {value!r} instead."
    )


def test_simulator_refuses_a_bad_random_state():
    with pytest.raises(ValueError, match="cannot be used to seed"):
        make_mixture_of_experts(random_state="seed")
