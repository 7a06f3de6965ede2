# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The search for the number of experts, and the split that starts one expert more."""

import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from numpy.testing import assert_allclose
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.datasets import make_mixture_of_experts
from skmoe.gates import ConstantGate, SoftmaxGate
from skmoe.model_selection import ExpertCountSearch
from skmoe.model_selection._fits import Rows
from skmoe.model_selection._search import _smallest_alike
from skmoe.model_selection._split import split_worst
from tests.shared import two_boundaries, two_regimes

LINEAR = MixtureOfExpertsRegressor()
TREES = MixtureOfExpertsRegressor(HistGradientBoostingRegressor(max_iter=2), tol=0.1)


@pytest.fixture(scope="module")
def three_lines():
    """X (600, 2) and y (600,) of three experts."""
    return make_mixture_of_experts(600, random_state=0)


# -- what it finds ---------------------------------------------------------------------


def test_bic_finds_the_true_number_of_experts():
    """Sets 0 to 7 of the twenty of benchmarks/choice_of_k.py, where all are found.

    Linear experts of noise 0.5 under a softmax gate, K = 2, 3, 4 in turn, 2 or 5
    features in turn, 1,000 rows for seeds 0-2, 1,500 for 3-5 and 2,000 for 6-7.
    """
    found = []
    for seed in range(8):
        n_samples = (1000, 1500, 2000)[seed // 3]
        X, y = make_mixture_of_experts(
            n_samples, (2, 5)[seed % 2], 2 + seed % 3, random_state=seed
        )
        search = ExpertCountSearch(LINEAR, range(1, 6)).fit(X, y)
        found.append(search.best_n_experts_ == 2 + seed % 3)
    assert sum(found) >= 7


def test_classes_of_two_boundaries_want_two_experts():
    X, y = two_boundaries(600)
    search = ExpertCountSearch(MixtureOfExpertsClassifier(), range(1, 4)).fit(X, y)
    assert search.best_n_experts_ == 2


def test_split_start_reaches_a_maximum_that_the_own_start_misses():
    X, y, truth = make_mixture_of_experts(
        1500, 2, 3, random_state=16, return_truth=True
    )
    reference = MixtureOfExpertsRegressor(n_experts=3, init=truth.labels).fit(X, y)
    search = ExpertCountSearch(LINEAR, [1, 2, 3]).fit(X, y)
    alone = ExpertCountSearch(LINEAR, [1, 2, 3], split=False).fit(X, y)
    assert search.results_["start"][2] == "split"
    assert alone.results_["log_likelihood"][2] < reference.log_likelihood_ - 100
    assert search.results_["log_likelihood"][2] > reference.log_likelihood_ - 0.1


def test_likelihood_rises_with_the_number_of_experts(three_lines):
    search = ExpertCountSearch(LINEAR, range(1, 6)).fit(*three_lines)
    assert np.all(np.diff(search.results_["log_likelihood"]) > 0)


def test_the_better_of_two_starts_is_kept(three_lines):
    both = ExpertCountSearch(LINEAR, range(1, 6)).fit(*three_lines).results_
    own = ExpertCountSearch(LINEAR, range(1, 6), split=False).fit(*three_lines).results_
    assert set(own["start"]) == {"own"}
    same = both["collapsed"] == own["collapsed"]
    gain = both["log_likelihood"] - own["log_likelihood"]
    assert np.all(gain[same] >= -1e-9)


def test_numbers_need_not_be_neighbours(three_lines):
    search = ExpertCountSearch(LINEAR, [1, 4]).fit(*three_lines)
    likelihood = search.results_["log_likelihood"]
    own = clone(LINEAR).set_params(n_experts=4).fit(*three_lines)
    assert likelihood[1] > own.log_likelihood_ - 0.1


def test_a_collapsed_fit_is_not_chosen():
    """Six rows exactly on a line: an expert that takes them has no noise."""
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, size=(80, 1))
    y = rng.normal(size=80)
    X[:6, 0], y[:6] = np.linspace(0.8, 0.9, 6), 5 * np.linspace(0.8, 0.9, 6)
    labels = np.arange(80) < 6

    def onto_the_line(X, y, n_experts, random_state):
        return labels.astype(int) % n_experts

    estimator = MixtureOfExpertsRegressor(init=onto_the_line)
    search = ExpertCountSearch(estimator, [1, 2], split=False).fit(X, y)
    assert search.results_["collapsed"].tolist() == [False, True]
    assert search.results_["bic"].argmin() == 1
    assert search.best_n_experts_ == 1
    assert search.results_["rank"].tolist() == [1, 2]


# -- the criteria ----------------------------------------------------------------------


@pytest.mark.parametrize("criterion", ["aic", "bic", "icl"])
def test_criteria_are_those_of_the_estimator(three_lines, criterion):
    search = ExpertCountSearch(LINEAR, [2, 3], criterion=criterion).fit(*three_lines)
    best, results = search.best_estimator_, search.results_
    row = results["n_experts"].tolist().index(search.best_n_experts_)
    for name in ("aic", "bic", "icl"):
        assert results[name][row] == pytest.approx(getattr(best, name)(*three_lines))
    assert results["log_likelihood"][row] == pytest.approx(best.log_likelihood_)
    assert search.best_score_ == results[criterion].min()
    assert results["rank"][row] == 1


def test_weights_count_as_repeated_rows(regression):
    X, y = regression
    weights = np.random.RandomState(0).randint(0, 3, size=len(y))
    estimator = MixtureOfExpertsRegressor(tol=1e-10)
    weighted = ExpertCountSearch(estimator, [1, 2]).fit(X, y, sample_weight=weights)
    X, y = X.repeat(weights, axis=0), y.repeat(weights)
    repeated = ExpertCountSearch(estimator, [1, 2]).fit(X, y)
    for name in ("log_likelihood", "n_parameters", "aic", "bic", "icl"):
        np.testing.assert_allclose(weighted.results_[name], repeated.results_[name])


def test_held_out_score_is_the_mean_log_density(regression):
    X, y = regression
    folds = KFold(3, shuffle=True, random_state=0)
    search = ExpertCountSearch(
        TREES, [1, 2], criterion="cv", cv=folds, split=False
    ).fit(X, y)
    for row, count in enumerate([1, 2]):
        expected = cross_val_score(
            clone(TREES).set_params(n_experts=count),
            X,
            y,
            cv=folds,
            scoring=lambda model, X, y: model.score_samples(X, y).mean(),
        )
        found = [search.results_[f"split{i}_test_score"][row] for i in range(3)]
        np.testing.assert_allclose(found, expected)
        assert search.results_["mean_test_score"][row] == pytest.approx(expected.mean())
    best = search.results_["mean_test_score"].argmax()
    assert search.best_n_experts_ == [1, 2][best] == search.best_estimator_.n_experts_
    assert search.best_score_ == search.results_["mean_test_score"].max()


def test_held_out_rows_find_the_true_number_as_well(three_lines):
    search = ExpertCountSearch(LINEAR, [1, 2, 3], criterion="cv", cv=3)
    assert search.fit(*three_lines).best_n_experts_ == 3


@pytest.mark.parametrize("criterion", ["bic", "cv"])
def test_patience_ends_the_search_where_numbers_no_longer_help(three_lines, criterion):
    """Two numbers beyond the best one, and these as in a search of all."""
    search = ExpertCountSearch(
        LINEAR, range(1, 8), criterion=criterion, patience=2
    ).fit(*three_lines)
    everything = clone(search).set_params(n_experts=range(1, 6), patience=None)
    everything.fit(*three_lines)
    assert search.best_n_experts_ == everything.best_n_experts_ == 3
    for name in set(search.results_) - {"fit_time"}:
        np.testing.assert_array_equal(search.results_[name], everything.results_[name])
    proba = search.best_estimator_.gate_proba(three_lines[0])
    np.testing.assert_array_equal(
        proba, everything.best_estimator_.gate_proba(three_lines[0])
    )


def test_patience_counts_numbers_since_the_best():
    search = ExpertCountSearch(LINEAR, patience=2)
    fine = np.zeros(4, dtype=bool)
    assert not search._is_over([3.0, 4.0], fine[:2])
    assert not search._is_over([3.0, 4.0, 2.0], fine[:3])
    assert search._is_over([3.0, 4.0, 3.0], fine[:3])
    assert search._is_over([3.0, 2.0, 4.0, 5.0], fine)
    # A collapsed fit, whatever its likelihood, is no improvement.
    collapsed = np.array([False, False, False, True])
    assert search._is_over([3.0, 2.0, 4.0, 1.0], collapsed)
    assert not clone(search).set_params(patience=None)._is_over([1.0, 2.0, 3.0], fine)


def test_out_of_fold_criterion_is_that_of_held_out_predictions(regression):
    """For one expert the log likelihood of cross-validated residuals."""
    X, y = regression
    folds = KFold(3, shuffle=True, random_state=0)
    search = ExpertCountSearch(
        MixtureOfExpertsRegressor(LinearRegression(), cv=folds, tol=1e-2),
        [1, 2],
        criterion="out_of_fold",
        split=False,
    ).fit(X, y)
    residuals = y - cross_val_predict(LinearRegression(), X, y, cv=folds)
    mean_square = np.mean(residuals**2)
    alone = len(y) * (np.log(2 * np.pi * mean_square) + 1) + 2
    assert search.results_["out_of_fold"][0] == pytest.approx(alone, rel=1e-4)
    model = search.best_estimator_
    assert search.best_n_experts_ == model.n_experts_ == 2
    gate_and_noise = X.shape[1] + 1 + 2
    assert search.best_score_ == pytest.approx(
        -2 * model.log_likelihood_ + 2 * gate_and_noise
    )


def test_search_hands_on_ranks_and_calibrated_intervals(regression):
    X, y = regression
    estimator = clone(TREES).set_params(cv=3, random_state=0)
    search = ExpertCountSearch(estimator, [2], criterion="out_of_fold").fit(X, y)
    best = search.best_estimator_
    np.testing.assert_array_equal(search.held_out_ranks_, best.held_out_ranks_)
    intervals = search.predict_interval(X, kind="calibrated")
    np.testing.assert_array_equal(
        intervals, best.predict_interval(X, kind="calibrated")
    )


def test_out_of_fold_criterion_takes_no_experts_for_noise():
    """Boosting of pure noise: a second expert finds nothing that held-out rows show."""
    rng = np.random.RandomState(0)
    gains = []
    for seed in range(8):
        X, y = rng.normal(size=(200, 2)), rng.normal(size=200)
        estimator = clone(TREES).set_params(cv=3, random_state=seed)
        search = ExpertCountSearch(
            estimator, [1, 2], criterion="out_of_fold", split=False
        ).fit(X, y)
        gains.append(np.subtract(*search.results_["out_of_fold"]))
    assert np.mean(gains) < -2 * np.std(gains) / np.sqrt(len(gains))
    assert np.mean(np.array(gains) < 0) > 0.5


def test_parsimonious_choice_is_within_a_standard_error_of_the_paired_differences():
    # One fold decides for three; all agree that two beat one, and little else differs.
    scores = np.array(
        [[1.0, 5.0, 3.0], [2.0, 6.1, 3.9], [2.1, 5.9, 4.5], [2.0, 6.0, 4.0]]
    )
    assert scores.mean(axis=1).argmax() == 2
    assert _smallest_alike(scores) == 1
    assert _smallest_alike(scores + np.array([[0.0], [0.0], [9.0], [0.0]])) == 2
    assert _smallest_alike(scores[:, :1]) == 2  # one fold has no standard error
    assert _smallest_alike(np.zeros((3, 2))) == 0


def test_parsimonious_search_takes_no_more_experts(regression):
    X, y = regression
    best = ExpertCountSearch(LINEAR, range(1, 5), criterion="cv").fit(X, y)
    alike = clone(best).set_params(parsimonious=True).fit(X, y)
    assert alike.best_n_experts_ <= best.best_n_experts_
    row = alike.best_n_experts_ - 1
    assert alike.best_score_ == alike.results_["mean_test_score"][row]
    assert alike.best_estimator_.n_experts_ == alike.best_n_experts_


def test_held_out_rows_of_weight_zero_do_not_count(regression):
    X, y = regression
    weights = np.ones(len(y))
    weights[::4] = 0
    spoilt = np.where(weights == 0, 1e3, y)
    search = ExpertCountSearch(LINEAR, [1, 2], criterion="cv", cv=3)
    scores = [
        clone(search).fit(X, target, sample_weight=weights).results_["mean_test_score"]
        for target in (y, spoilt)
    ]
    np.testing.assert_array_equal(*scores)


# -- a scikit-learn meta-estimator -----------------------------------------------------


def same(results, others):
    return all(
        np.array_equal(results[name], others[name])
        for name in results
        if name != "fit_time"
    )


@pytest.mark.parametrize("criterion", ["bic", "cv"])
def test_result_does_not_depend_on_n_jobs(regression, criterion):
    one, two = (
        ExpertCountSearch(
            MixtureOfExpertsRegressor(n_init=2, random_state=0),
            [1, 2, 3],
            criterion=criterion,
            cv=3,
            n_jobs=n_jobs,
        ).fit(*regression)
        for n_jobs in (None, 2)
    )
    assert same(one.results_, two.results_)
    X = regression[0]
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


def test_numbers_in_any_order_and_repeated_are_the_same_search(regression):
    sorted_once = ExpertCountSearch(LINEAR, [1, 2, 3]).fit(*regression)
    shuffled = ExpertCountSearch(LINEAR, (3, 1, 2, 3)).fit(*regression)
    assert shuffled.results_["n_experts"].tolist() == [1, 2, 3]
    assert same(sorted_once.results_, shuffled.results_)


def test_by_default_one_to_eight_as_far_as_there_are_rows():
    X = np.arange(5.0)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = ExpertCountSearch(LINEAR).fit(X, X[:, 0] ** 2)
        few = ExpertCountSearch(LINEAR).fit(X, X[:, 0] ** 2, [1, 1, 0, 1, 0])
    assert search.results_["n_experts"].tolist() == [1, 2, 3, 4, 5]
    assert few.results_["n_experts"].tolist() == [1, 2, 3]
    X, y, _ = two_regimes(40)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = ExpertCountSearch(LINEAR, split=False).fit(X, y)
    assert search.results_["n_experts"].tolist() == list(range(1, 9))


def test_it_answers_what_its_best_estimator_answers(regression):
    X, y = regression
    search = ExpertCountSearch(LINEAR, [1, 2]).fit(X, y)
    best = search.best_estimator_
    assert is_regressor(search)
    for name in ("predict", "gate_proba", "apply", "predict_experts"):
        np.testing.assert_array_equal(getattr(search, name)(X), getattr(best, name)(X))
    for name in ("responsibilities", "score_samples", "score", "aic", "bic", "icl"):
        np.testing.assert_array_equal(
            getattr(search, name)(X, y), getattr(best, name)(X, y)
        )
    assert len(search.predict(X, return_std=True)) == 2
    assert search.summary().equals(best.summary())
    assert not hasattr(search, "predict_proba")
    assert not hasattr(search, "classes_")


def test_a_classifier_is_searched_as_a_classifier(classification):
    X, y = classification
    labels = np.array(["no", "yes"])[y]
    search = ExpertCountSearch(MixtureOfExpertsClassifier(), [1, 2]).fit(X, labels)
    assert is_classifier(search)
    assert search.classes_.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(
        search.predict_proba(X), search.best_estimator_.predict_proba(X)
    )
    assert search.score(X, labels) > 0.7


def test_best_estimator_keeps_the_parameters_given(regression):
    """The split start is an array for these rows; a clone must not inherit it."""
    search = ExpertCountSearch(MixtureOfExpertsRegressor(n_init=2, random_state=0))
    search.set_params(n_experts=[1, 2]).fit(*regression)
    expected = {**search.estimator.get_params(), "n_experts": search.best_n_experts_}
    assert search.best_estimator_.get_params() == expected
    X, y, _ = two_regimes(60, seed=5)
    clone(search.best_estimator_).fit(X, y)


def test_without_refit_there_is_no_best_estimator(regression):
    X, y = regression
    search = ExpertCountSearch(LINEAR, [1, 2], refit=False).fit(X, y)
    assert search.best_n_experts_ == 2
    assert not hasattr(search, "best_estimator_")
    with pytest.raises(AttributeError, match="best_estimator_"):
        search.predict(X)
    refitted = clone(search).set_params(refit=True).fit(X, y)
    refitted.set_params(refit=False).fit(X, y)
    assert not hasattr(refitted, "best_estimator_")


def test_it_must_be_fitted_before_it_predicts(regression):
    with pytest.raises(NotFittedError):
        ExpertCountSearch(LINEAR).predict(regression[0])


def test_pipeline_grid_search_clone_pickle_and_display(regression):
    X, y = regression
    estimator = MixtureOfExpertsRegressor(Ridge(), gate=SoftmaxGate())
    pipeline = make_pipeline(StandardScaler(), ExpertCountSearch(estimator, [1, 2]))
    name = "expertcountsearch__estimator__gate__alpha"
    grid = GridSearchCV(pipeline, {name: [1e-3, 1e-1]}, cv=2).fit(X, y)
    chosen = grid.best_estimator_[-1]
    assert chosen.estimator.gate.alpha == grid.best_params_[name]
    assert chosen.best_n_experts_ == 2
    copied = pickle.loads(pickle.dumps(grid.best_estimator_))
    np.testing.assert_array_equal(copied.predict(X), grid.predict(X))
    assert "MixtureOfExpertsRegressor" in chosen._repr_html_()


def test_names_of_columns_reach_the_estimator(regression):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(regression[0], columns=["a", "b"])
    estimator = MixtureOfExpertsRegressor(gate_features=["a"])
    search = ExpertCountSearch(estimator, [1, 2]).fit(frame, regression[1])
    assert search.feature_names_in_.tolist() == ["a", "b"]
    assert search.n_features_in_ == 2
    table = pd.DataFrame(search.results_)
    assert len(table) == 2


def test_sparse_equals_dense(regression):
    X, y = regression
    X = np.where(np.abs(X) < 0.3, 0.0, X)
    dense = ExpertCountSearch(LINEAR, [1, 2, 3]).fit(X, y)
    sparse = ExpertCountSearch(LINEAR, [1, 2, 3]).fit(sp.coo_array(X), y)
    np.testing.assert_allclose(dense.results_["bic"], sparse.results_["bic"], rtol=1e-4)


def test_metadata_goes_where_it_is_requested(regression):
    X, y = regression
    groups = np.arange(len(y)) % 5
    weights = np.random.RandomState(0).uniform(0.5, 2, size=len(y))
    search = ExpertCountSearch(LINEAR, [1, 2], criterion="cv", cv=GroupKFold(3))
    by_hand = clone(search).fit(X, y, sample_weight=weights, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        shared = MixtureOfExpertsRegressor().set_fit_request(groups=True)
        search.set_params(estimator=shared)
        routed = clone(search).fit(X, y, sample_weight=weights, groups=groups)
        requesting = (
            clone(search)
            .set_fit_request(sample_weight=True)
            .set_score_request(sample_weight=True)
        )
        cross_validate(
            requesting,
            X,
            y,
            cv=2,
            params={"sample_weight": weights, "groups": groups},
            error_score="raise",
        )
    assert same(by_hand.results_, routed.results_)
    unknown = {"colour": groups}
    with pytest.raises((TypeError, ValueError), match="colour"):
        ExpertCountSearch(LINEAR, [1]).fit(X, y, **unknown)


def test_rows_of_a_group_share_one_expert():
    """Each group lies on one of two lines, whatever x is: the gate sees z."""
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(60), 5)
    z = rng.normal(size=60)[groups]
    x = rng.normal(size=300)
    y = np.where(z > 0, x, -x) + 0.5 * rng.normal(size=300)
    X = np.column_stack([x, z])
    estimator = MixtureOfExpertsRegressor(expert_features=[0], gate_features=[1])
    search = ExpertCountSearch(estimator, [1, 2, 3]).fit(X, y, groups=groups)
    assert search.best_n_experts_ == 2
    best = search.best_estimator_
    bic = -2 * best.log_likelihood_ + best.n_parameters_ * np.log(60)
    assert search.best_score_ == pytest.approx(bic)
    alone = clone(estimator).set_params(n_experts=2).fit(X, y, groups=groups)
    assert search.results_["log_likelihood"][1] == pytest.approx(
        alone.log_likelihood_, abs=0.01
    )


# -- warnings and errors ---------------------------------------------------------------


def test_only_the_warnings_of_the_chosen_fit_are_given(regression):
    X, y = regression
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        ExpertCountSearch(MixtureOfExpertsRegressor(max_iter=3), [2]).fit(X, y)
    rng = np.random.RandomState(0)
    y = X @ [1.0, 2.0] + 0.5 * rng.normal(size=len(y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search = ExpertCountSearch(MixtureOfExpertsRegressor(max_iter=15), [1, 4])
        search.fit(X, y)
    assert search.results_["converged"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("search", "error", "message"),
    [
        (ExpertCountSearch(TREES, [1, 2]), ValueError, "Use criterion='cv'"),
        (
            ExpertCountSearch(MixtureOfExpertsRegressor([("a", LinearRegression())])),
            ValueError,
            "list of 1: their number cannot vary",
        ),
        (
            ExpertCountSearch(MixtureOfExpertsRegressor(init=[0, 1])),
            ValueError,
            "init is an array",
        ),
        (
            ExpertCountSearch(MixtureOfExpertsRegressor(family=["gaussian"] * 3)),
            ValueError,
            "family is a list",
        ),
        (ExpertCountSearch(TREES, [1.5]), ValueError, "sequence of integers"),
        (ExpertCountSearch(TREES, []), ValueError, "non-empty sequence"),
        (ExpertCountSearch(TREES, [[1, 2]]), ValueError, "sequence of integers"),
        (ExpertCountSearch(TREES, [0, 1]), ValueError, "positive"),
        (ExpertCountSearch(LINEAR, [1, 500]), ValueError, "n_experts=500"),
        (ExpertCountSearch(LINEAR, criterion="dic"), ValueError, "'criterion'"),
        (ExpertCountSearch(LINEAR, patience=0), ValueError, "'patience'"),
        (ExpertCountSearch(LINEAR, criterion="out_of_fold"), ValueError, "a cv"),
    ],
)
def test_errors_name_the_parameter_and_say_what_to_do(
    regression, search, error, message
):
    with pytest.raises(error, match=message):
        search.fit(*regression)


def test_an_estimator_that_is_no_mixture_is_refused(regression):
    class Scored(Ridge):
        def score_samples(self, X):
            return X

    with pytest.raises(TypeError, match="must be a mixture of experts"):
        ExpertCountSearch(Scored()).fit(*regression)


def split(model, X, y, weights=None):
    return split_worst(model, Rows(X, y, weights))


# -- the split -------------------------------------------------------------------------


@pytest.fixture
def fitted(three_lines):
    """A model of two experts on three lines, and its rows."""
    X, y = three_lines
    return MixtureOfExpertsRegressor(n_experts=2).fit(X, y), X, y


def test_split_divides_one_expert_and_leaves_the_others(fitted):
    model, X, y = fitted
    before, after = model.responsibilities(X, y), split(model, X, y)
    assert after.shape == (len(y), 3)
    np.testing.assert_allclose(after.sum(axis=1), 1)
    whole = after[:, 1] + after[:, 2]
    left = [
        k
        for k in range(2)
        if np.allclose(whole, before[:, k])
        and np.allclose(after[:, 0], before[:, 1 - k])
    ]
    assert len(left) == 1
    assert 0.1 < after[:, 1].sum() / whole.sum() < 0.9


def test_the_expert_of_the_widest_noise_is_split():
    X, _, regime = two_regimes(400)
    noise = np.random.RandomState(1).normal(size=400)
    y = np.where(regime == 1, 5 + 0.1 * noise, 3 * noise)
    model = MixtureOfExpertsRegressor(n_experts=2, init=regime).fit(X, y)
    start = split(model, X, y)
    widest = model.responsibilities(X, y)[:, model.dispersions_.argmax()]
    np.testing.assert_allclose(start[:, 1] + start[:, 2], widest)


def test_split_is_along_the_direction_in_which_residuals_bend():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(500, 4)) * [1, 10, 0.1, 1]
    y = np.abs(X[:, 0]) + 0.1 * rng.normal(size=500)
    model = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
    halves = split(model, X, y)
    assert abs(np.corrcoef(halves[:, 0], X[:, 0])[0, 1]) > 0.9
    one_side = halves[X[:, 0] > 0.5].mean(axis=0)
    assert one_side.max() > 0.7


def up_to_order(start, other):
    """Whether two starts agree up to the order of the last two columns."""
    return any(np.allclose(start, other[:, [0, *o]]) for o in ([1, 2], [2, 1]))


def test_split_is_a_function_of_the_weighted_rows(fitted):
    model, X, y = fitted
    rng = np.random.RandomState(0)
    start = split(model, X, y)
    order = rng.permutation(len(y))
    assert up_to_order(start[order], split(model, X[order], y[order]))
    counts = rng.randint(1, 4, size=len(y))
    weighted = split(model, X, y, counts.astype(float))
    repeated = split(model, X.repeat(counts, axis=0), y.repeat(counts))
    assert up_to_order(weighted.repeat(counts, axis=0), repeated)
    assert up_to_order(start, split(model, sp.csr_array(X), y))


def test_split_of_classes_and_of_several_targets(three_classes, regression):
    X, y = three_classes
    model = MixtureOfExpertsClassifier(n_experts=1).fit(X, y)
    assert split(model, X, y).std(axis=0).min() > 0.1
    X, y = regression
    model = MixtureOfExpertsRegressor(n_experts=1).fit(X, np.column_stack([y, 2 * y]))
    alone = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
    both = split(model, X, np.column_stack([y, 2 * y]))
    one = split(alone, X, y)
    assert np.allclose(both, one) or np.allclose(both, one[:, ::-1])


def test_without_a_column_that_varies_rows_are_split_by_their_residuals():
    X = np.ones((60, 1))
    y = np.repeat([0.0, 4.0], 30) + 0.1 * np.random.RandomState(0).normal(size=60)
    model = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
    halves = split(model, X, y)
    assert np.array_equal(halves[:, 0] > 0.5, y > 2)
    search = ExpertCountSearch(LINEAR, [1, 2]).fit(X, y)
    assert search.best_n_experts_ == 2


def test_groups_reach_fits_folds_and_scores_of_cross_validation():
    rng = np.random.default_rng(23)
    person = rng.permutation(np.repeat(np.arange(80), 5))
    x = rng.normal(size=(400, 1))
    y = np.where(person % 2, 2 * x[:, 0], -x[:, 0]) + rng.normal(size=400)
    model = MixtureOfExpertsRegressor(gate=ConstantGate())
    search = ExpertCountSearch(model, n_experts=[1, 2], criterion="cv")
    search.fit(x, y, groups=person)
    alone = clone(model).set_params(n_experts=2).fit(x, y, groups=person)
    assert_allclose(search.best_estimator_.log_likelihood_, alone.log_likelihood_)
    scores = []
    for train, test in GroupKFold(5).split(x, y, person):
        fit = clone(model).set_params(n_experts=2)
        fit.fit(x[train], y[train], groups=person[train])
        log_f = fit.predict_experts(x[test])
        log_f = norm.logpdf(y[test, None], log_f, fit.dispersions_)
        people = np.unique(person[test], return_inverse=True)[1]
        log_f = np.stack([np.bincount(people, column) for column in log_f.T], axis=1)
        joint = log_f + np.log(fit.gate_.predict_proba(x[:1]))
        scores.append(logsumexp(joint, axis=1).sum() / len(test))
    assert_allclose(search.results_["mean_test_score"][1], np.mean(scores), rtol=1e-6)
