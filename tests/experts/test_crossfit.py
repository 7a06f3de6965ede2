# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The cross-fitted E-step: out-of-fold predictions, folds, the warning without it."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from joblib import parallel_config
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.datasets import load_breast_cancer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
)
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.experts import GeneralizedLinearRegressor
from skmoe.gates import ConstantGate
from skmoe.rows.folds import make_folds
from tests.shared import assert_never_falls, two_boundaries, two_regimes

pytestmark = pytest.mark.filterwarnings("ignore:EM did not converge")
FOLDS = KFold(4, shuffle=True, random_state=1)


def mixture(experts=None, n_experts=2, cv=FOLDS, **parameters):
    """A regressor of small trees with few iterations."""
    if experts is None:
        experts = DecisionTreeRegressor(max_depth=3)
    settings = {"max_iter": 8, "tol": 1e-4, "random_state": 0, **parameters}
    return MixtureOfExpertsRegressor(experts, n_experts, cv=cv, **settings)


def noisy_regimes(n_samples=600, seed=0):
    """Two regimes with noise that a deep tree learns by heart."""
    return two_regimes(n_samples, noise=0.7, seed=seed)[:2]


# -- one expert: ordinary cross-validation ---------------------------------------------


class Counting(LinearRegression):
    """Least squares that says how often it was fitted."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        Counting.n_fits += 1
        return super().fit(X, y, sample_weight)


def test_an_only_expert_is_fitted_once_per_fold(monkeypatch):
    """Its weights never change, so neither would its fits; its dispersion may."""
    monkeypatch.setattr(Counting, "n_fits", 0)
    X, y = noisy_regimes(200)
    model = mixture(Counting(), 1, family="student_t").fit(X, y)
    assert model.n_iter_ > 1
    assert Counting.n_fits == FOLDS.get_n_splits() + 1
    assert_never_falls(model.lower_bounds_)


def test_dispersion_of_a_constant_is_the_leave_one_out_residual():
    y = np.array([1.0, 2.0, 4.0, 9.0])
    model = mixture(DummyRegressor(), 1, LeaveOneOut()).fit(np.zeros((4, 1)), y)
    # Without row i the mean is (16 - y_i) / 3.
    residuals = y - (16 - y) / 3
    assert_allclose(model.dispersions_, np.sqrt(np.mean(residuals**2)), rtol=1e-12)
    assert_allclose(model.predict([[0.0]]), 4.0)


def test_dispersion_of_a_line_is_its_press_statistic(regression):
    X, y = regression
    model = mixture(LinearRegression(), 1, LeaveOneOut(), max_iter=3).fit(X, y)
    design = np.column_stack([X, np.ones(len(y))])
    hat = design @ np.linalg.pinv(design)
    press = (y - hat @ y) / (1 - np.diag(hat))
    assert_allclose(model.dispersions_, np.sqrt(np.mean(press**2)), rtol=1e-8)
    alone = LinearRegression().fit(X, y)
    assert_allclose(model.predict(X), alone.predict(X), rtol=1e-8)


@pytest.mark.parametrize("weighted", [False, True])
def test_single_expert_is_cross_val_predict_and_a_fit_to_all_rows(regression, weighted):
    X, y = regression
    weights = np.random.RandomState(0).uniform(0.5, 2, size=len(y)) * 1.0
    weights = weights if weighted else np.ones(len(y))
    tree = DecisionTreeRegressor(random_state=0)
    model = mixture(tree, 1).fit(X, y, sample_weight=weights)
    held_out = np.empty(len(y))
    for train, test in FOLDS.split(X):
        fold = clone(tree).fit(X[train], y[train], sample_weight=weights[train])
        held_out[test] = fold.predict(X[test])
    if not weighted:
        assert_array_equal(held_out, cross_val_predict(tree, X, y, cv=FOLDS))
    sigma = np.sqrt(np.average((y - held_out) ** 2, weights=weights))
    assert_allclose(model.dispersions_, sigma, rtol=1e-10)
    alone = clone(tree).fit(X, y, sample_weight=weights)
    assert_array_equal(model.predict(X), alone.predict(X))
    density = -0.5 * np.log(2 * np.pi * sigma**2) - (y - held_out) ** 2 / sigma**2 / 2
    assert_allclose(model.log_likelihood_, weights @ density, rtol=1e-10)


def test_single_classifier_has_the_log_loss_of_cross_val_predict(three_classes):
    X, y = three_classes
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    logistic = LogisticRegression()
    model = MixtureOfExpertsClassifier(logistic, 1, cv=folds).fit(X, y)
    proba = cross_val_predict(logistic, X, y, cv=folds, method="predict_proba")
    log_likelihood = np.log(proba[np.arange(len(y)), y]).sum()
    assert_allclose(model.log_likelihood_, log_likelihood, rtol=1e-10)
    alone = logistic.fit(X, y)
    assert_allclose(model.predict_proba(X), alone.predict_proba(X), rtol=1e-10)


# -- EM --------------------------------------------------------------------------------

EXPERTS = [
    DecisionTreeRegressor(),
    KNeighborsRegressor(3),
    Ridge(),
    make_pipeline(PolynomialFeatures(2), LinearRegression()),
]


@pytest.mark.parametrize("experts", EXPERTS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("assignment", ["soft", "hard"])
def test_out_of_fold_likelihood_never_falls(experts, assignment):
    X, y = noisy_regimes(200)
    model = mixture(experts, 2, assignment=assignment, max_iter=12).fit(X, y)
    assert_never_falls(model.lower_bounds_)
    assert model.lower_bounds_[-1] > model.lower_bounds_[0]


def test_dispersion_is_the_weighted_out_of_fold_residual():
    """One M-step from given responsibilities, made by hand."""
    X, y = noisy_regimes(120)
    R = np.random.RandomState(0).dirichlet([1.0, 1.0], size=len(y))
    tree = DecisionTreeRegressor(max_depth=3, random_state=0)
    model = mixture(tree, max_iter=1, init=R).fit(X, y)
    for k, weights in enumerate(R.T):
        held_out = np.empty(len(y))
        for train, test in FOLDS.split(X):
            fold = clone(tree).fit(X[train], y[train], sample_weight=weights[train])
            held_out[test] = fold.predict(X[test])
        sigma = np.sqrt(np.average((y - held_out) ** 2, weights=weights))
        assert_allclose(model.dispersions_[k], sigma, rtol=1e-10)
        alone = clone(tree).fit(X, y, sample_weight=weights)
        assert_allclose(model.predict_experts(X)[:, k], alone.predict(X), rtol=1e-12)


def test_density_of_new_rows_is_far_better_than_without():
    X, y = noisy_regimes()
    new_X, new_y = noisy_regimes(2000, seed=1)
    tree = DecisionTreeRegressor()
    crossed = mixture(tree, cv=5).fit(X, y)
    with pytest.warns(UserWarning, match="use cv=5"):
        plain = mixture(tree, cv=None).fit(X, y)
    scores = [m.score_samples(new_X, new_y).mean() for m in (crossed, plain)]
    assert scores[0] > scores[1] + 10
    # What the fit reports is what new rows get, and not what its own rows get.
    reported = crossed.log_likelihood_ / len(y)
    assert abs(reported - scores[0]) < 0.15
    assert crossed.score_samples(X, y).mean() > reported + 0.1


def test_several_targets_and_families():
    X, y, _ = two_regimes(200, noise=0.5)
    Y = np.column_stack([y, -y + X[:, 0]])
    model = mixture(DecisionTreeRegressor(), family="student_t").fit(X, Y)
    assert model.dispersions_.shape == (2, 2)
    assert model.dispersions_.min() > 0.2
    counts = np.random.RandomState(0).poisson(np.exp(y / 2))
    model = mixture(DecisionTreeRegressor(max_depth=2), family="poisson")
    assert_never_falls(model.fit(X, counts).lower_bounds_)


# -- the classifier --------------------------------------------------------------------


def test_classifier_of_deep_trees():
    X, y = two_boundaries(300, n_classes=3)
    new_X, new_y = two_boundaries(2000, n_classes=3, seed=1)
    tree = DecisionTreeClassifier(min_samples_leaf=5)
    labels = np.array(["a", "b", "c"])
    settings = {"max_iter": 8, "random_state": 0}
    model = MixtureOfExpertsClassifier(tree, 2, cv=4, **settings).fit(X, labels[y])
    assert_never_falls(model.lower_bounds_)
    proba = model.predict_proba(new_X)
    assert_allclose(proba.sum(axis=1), 1.0)
    assert model.score(new_X, labels[new_y]) > 0.6
    assert model.score_samples(X, labels[y]).mean() > model.lower_bound_


def test_class_that_the_rows_of_a_fold_lack():
    X, y = two_boundaries(120, n_classes=3)
    order = np.argsort(y, kind="stable")  # each fold holds out one class entirely
    X, y = X[order], y[order]
    model = MixtureOfExpertsClassifier(
        DecisionTreeClassifier(max_depth=2), 2, cv=KFold(3), max_iter=5, random_state=0
    ).fit(X, y)
    # Every row is of a class that its fits have never seen.
    floor = np.log(np.finfo(float).eps) * len(y)
    assert_allclose(model.log_likelihood_, floor, rtol=1e-6)
    assert model.predict_proba(X).shape == (120, 3)
    assert np.isfinite(model.lower_bounds_).all()


# -- folds -----------------------------------------------------------------------------


def folds_of(cv, n=12, groups=None, y=None, is_classification=False, seed=0, **given):
    """Folds of n rows."""
    y = np.arange(n, dtype=float) if y is None else y
    given = {"n_given": n, "rows": slice(None), **given}
    rng = np.random.RandomState(seed)
    return make_folds(
        cv,
        np.zeros((n, 1)),
        y,
        groups,
        rng,
        is_classification=is_classification,
        **given,
    )


def test_integer_shuffles_by_random_state():
    first, again, other = (folds_of(3, seed=seed) for seed in (0, 0, 1))
    for (train, test), (_, same) in zip(first, again, strict=True):
        assert_array_equal(test, same)
        assert np.ptp(test) > 3  # sorted rows are spread
        assert_array_equal(np.sort(np.r_[train, test]), np.arange(12))
    assert any(
        not np.array_equal(a, b) for (_, a), (_, b) in zip(first, other, strict=True)
    )


def test_integer_keeps_classes_in_proportion_and_groups_whole():
    y = np.repeat([0, 1], 6)
    for _, test in folds_of(3, y=y, is_classification=True):
        assert_array_equal(np.bincount(y[test]), [2, 2])
    groups = np.repeat(np.arange(6), 2)
    for is_classification in (False, True):
        labels = np.tile([0, 1], 6)
        for _, test in folds_of(
            3, groups=groups, y=labels, is_classification=is_classification
        ):
            assert_array_equal(np.bincount(groups[test], minlength=6) % 2, 0)


def test_splitter_gets_groups_only_if_it_reads_them():
    groups = np.repeat(np.arange(4), 3)
    for _, test in folds_of(GroupKFold(4), groups=groups):
        assert len(np.unique(groups[test])) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # KFold warns of groups that it ignores
        assert len(folds_of(KFold(3), groups=groups)) == 3


def test_splits_count_the_rows_given_and_lose_those_of_weight_zero():
    splits = [(np.arange(4, 8), np.arange(4)), (np.arange(4), np.arange(4, 8))]
    kept = np.array([0, 2, 3, 5, 6, 7])
    first, second = folds_of(splits, n=6, n_given=8, rows=kept)
    assert_array_equal(first[0], [3, 4, 5])
    assert_array_equal(second[1], [3, 4, 5])
    masks = [(np.arange(8) >= 4, np.arange(8) < 4)]
    assert_array_equal(folds_of(masks, n=8)[0][1], np.arange(4))


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (RepeatedKFold(n_splits=2, n_repeats=2), "must not overlap"),
        (ShuffleSplit(8, test_size=0.5, random_state=0), r"holds out row \d+ \d times"),
        ([(np.arange(8), np.arange(6, 12))], "fits and holds out row 6"),
        ([(np.arange(6), [])], "holds out no row"),
        ([([], np.arange(6))], "no rows to fit"),
        ([(np.arange(6), [12])], "cannot split"),
        (GroupKFold(3), "cannot split.*groups"),
        (20, "cannot split.*20"),
    ],
)
def test_folds_that_cannot_be_used(cv, message):
    with pytest.raises(ValueError, match=message):
        folds_of(cv)


@pytest.mark.parametrize("cv", [1, 2.5, "five"])
def test_bad_cv_is_refused_by_name(regression, cv):
    with pytest.raises(ValueError, match="'cv' parameter of MixtureOfExpertsRegressor"):
        mixture(cv=cv).fit(*regression)


def test_rows_never_held_out_are_fitted_with_the_gates_probabilities(regression):
    X, y = regression
    start = np.where(y[:, None] > np.median(y), [0.8, 0.2], [0.2, 0.8])
    start[:30] = 0.5
    model = mixture(
        Ridge(), cv=TimeSeriesSplit(4), gate=ConstantGate(), init=start, max_iter=20
    ).fit(X, y)
    assert_never_falls(model.lower_bounds_)
    first, others = np.split(model._mixture.experts.weights, [30])
    assert_allclose(np.ptp(first, axis=0), 0.0, atol=1e-12)  # y says nothing of them
    assert np.ptp(others, axis=0).min() > 0.5
    # The dispersion of one expert is that of the rows held out.
    single = mixture(Ridge(), 1, cv=TimeSeriesSplit(4)).fit(X, y)
    squares = [
        (y[test] - Ridge().fit(X[train], y[train]).predict(X[test])) ** 2
        for train, test in TimeSeriesSplit(4).split(X)
    ]
    sigma = np.sqrt(np.mean(np.concatenate(squares)))
    assert_allclose(single.dispersions_, sigma, rtol=1e-10)
    n_held = len(np.concatenate(squares))
    assert_allclose(
        single.log_likelihood_, -n_held * (0.5 * np.log(2 * np.pi * sigma**2) + 0.5)
    )


def test_groups_share_an_expert_and_a_fold():
    X, y = noisy_regimes(200)
    groups = np.repeat(np.arange(40), 5)
    X[:, 0] = X[::5, 0].repeat(5)
    by_group = mixture(gate_features=[0], cv=GroupKFold(4)).fit(X, y, groups=groups)
    R = by_group.responsibilities(X, y, groups)
    assert_array_equal(R, R[::5].repeat(5, axis=0))
    assert_never_falls(by_group.lower_bounds_)
    integer = mixture(gate_features=[0], cv=4).fit(X, y, groups=groups)
    assert np.isfinite(integer.log_likelihood_)


def test_expert_that_lives_in_one_fold():
    """Where other folds have no row of it, its rows are predicted from all rows."""
    X, y = np.arange(12.0)[:, None], np.repeat([0.0, 10.0, 26.0], 4)
    model = mixture(
        DummyRegressor(),
        3,
        KFold(3),
        assignment="hard",
        init=np.repeat([0, 1, 2], 4),
        max_iter=1,
    ).fit(X, y)
    # The eight other rows have means 18, 13 and 5.
    assert_allclose(model.dispersions_, [18.0, 3.0, 21.0])
    assert_allclose(model.predict_experts(X)[0], [0.0, 10.0, 26.0], atol=1e-9)


# -- what holds everywhere -------------------------------------------------------------


def test_number_of_jobs_changes_nothing(regression):
    X, y = regression
    one = mixture(DecisionTreeRegressor(max_features=1), cv=3, max_iter=4).fit(X, y)
    with parallel_config(backend="threading"):
        several = clone(one).set_params(n_jobs=2).fit(X, y)
    assert one.lower_bounds_ == several.lower_bounds_
    assert_array_equal(one.predict(X), several.predict(X))


@pytest.mark.parametrize("experts", [DecisionTreeRegressor(), Ridge()])
def test_warm_start_continues_the_out_of_fold_ascent(experts):
    X, y = noisy_regimes(150)
    at_once = mixture(experts, cv=3, max_iter=7, tol=0).fit(X, y)
    in_two = mixture(experts, cv=3, max_iter=4, tol=0, warm_start=True).fit(X, y)
    in_two.set_params(max_iter=3).fit(X, y)
    assert_allclose(in_two.lower_bounds_, at_once.lower_bounds_[4:], rtol=1e-10)
    assert_allclose(in_two.predict(X), at_once.predict(X), rtol=1e-8)
    with pytest.raises(ValueError, match="number of rows in folds was 150"):
        in_two.fit(X[:100], y[:100])


def test_rows_of_weight_zero_are_dropped(regression):
    X, y = regression
    weights = np.ones(len(y))
    weights[::7] = 0
    kept = weights > 0
    weighted = mixture(cv=3).fit(X, y, sample_weight=weights)
    dropped = mixture(cv=3).fit(X[kept], y[kept])
    assert_allclose(weighted.lower_bounds_, dropped.lower_bounds_)


def test_dataframe_and_sparse_rows(regression):
    pd = pytest.importorskip("pandas")
    X, y = regression
    dense = mixture(Ridge()).fit(X, y)
    frame = mixture(make_pipeline(StandardScaler(), Ridge())).fit(
        pd.DataFrame(X, columns=["a", "b"]), y
    )
    assert list(frame.experts_[0].feature_names_in_) == ["a", "b"]
    sparse = mixture(Ridge(solver="sparse_cg", tol=1e-12)).fit(sp.csr_array(X), y)
    assert_allclose(sparse.lower_bound_, dense.lower_bound_, rtol=1e-6)


class Offset(RegressorMixin, BaseEstimator):
    """A constant plus whatever metadata comes with each row."""

    def fit(self, X, y, sample_weight=None, shift=None):
        """Remember the rows' metadata."""
        assert len(shift) == len(y) == X.shape[0]
        assert_allclose(shift, X[:, 0])  # of the same rows
        self.mean_ = np.average(y, weights=sample_weight)
        return self

    def predict(self, X):
        """The constant."""
        return np.full(X.shape[0], self.mean_)


def test_metadata_are_those_of_the_rows_of_a_fold(regression):
    X, y = regression
    with sklearn.config_context(enable_metadata_routing=True):
        expert = Offset().set_fit_request(shift=True, sample_weight=True)
        model = mixture(expert, max_iter=3).fit(X, y, shift=X[:, 0])
    assert np.isfinite(model.lower_bound_)


def test_pruned_model_keeps_its_weights(regression):
    model = mixture(Ridge(), 3).fit(*regression)
    chosen = model._mixture.experts.select([2, 0])
    assert_array_equal(chosen.weights, model._mixture.experts.weights[:, [2, 0]])


def test_what_cv_cannot_do_is_refused(regression):
    X, y = regression
    with pytest.raises(ValueError, match=r"cv .*offset_feature"):
        mixture(LinearRegression(), offset_feature=0).fit(X, y)
    nested = [("a", MixtureOfExpertsRegressor()), ("b", Ridge())]
    with pytest.raises(ValueError, match="'a' is a mixture of experts"):
        mixture(nested, 3).fit(X, y)


# -- the warning without ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("experts", "message"),
    [
        (DecisionTreeRegressor(), r"experts \[0, 1\] have collapsed .* use cv=5"),
        (KNeighborsRegressor(1), r"Experts \[0, 1\] overfit their rows.* Use cv=5"),
        (
            GradientBoostingRegressor(n_estimators=50, max_depth=5),
            "overfit their rows.* Use cv=5",
        ),
        (RandomForestRegressor(20), r"Experts \[0, 1\] overfit their rows.* Use cv=5"),
        (
            HistGradientBoostingRegressor(max_iter=50, min_samples_leaf=5),
            r"Experts \[0, 1\] overfit their rows.* Use cv=5",
        ),
    ],
    ids=["tree", "neighbour", "boosting", "forest", "hist boosting"],
)
def test_experts_that_overfit_are_told_of_cv(experts, message):
    X, y = noisy_regimes(120)
    with pytest.warns(UserWarning, match=message):
        mixture(experts, cv=None, max_iter=4).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture(experts, cv=3, max_iter=2).fit(X, y)


@pytest.mark.parametrize("n_experts", [1, 2])
@pytest.mark.parametrize(
    "experts",
    [
        DecisionTreeClassifier(),
        KNeighborsClassifier(1),
        RandomForestClassifier(20),
        HistGradientBoostingClassifier(max_iter=30, min_samples_leaf=5),
        GradientBoostingClassifier(n_estimators=20, learning_rate=0.5, max_depth=5),
    ],
    ids=["tree", "neighbour", "forest", "hist boosting", "boosting"],
)
def test_classifiers_that_overfit_are_told_of_cv(experts, n_experts):
    X, y = two_boundaries(200)
    y = np.where(np.random.RandomState(1).uniform(size=200) < 0.1, 1 - y, y)
    model = MixtureOfExpertsClassifier(experts, n_experts, max_iter=3, random_state=0)
    with pytest.warns(UserWarning, match="overfit their rows.* Use cv=5"):
        model.fit(X, y)


@pytest.mark.parametrize(
    "experts",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        DecisionTreeClassifier(max_depth=3),
        KNeighborsClassifier(10),
        RandomForestClassifier(20, min_samples_leaf=20),
    ],
    ids=["logistic", "tree", "neighbours", "forest"],
)
def test_well_behaved_classifiers_are_not_warned_of(experts):
    X, y = two_boundaries(300)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = MixtureOfExpertsClassifier(experts, 2, max_iter=3, random_state=0)
        model.fit(X, y)
    assert model._mixture.training.overfitted == []


def test_classes_told_apart_on_new_rows_too_are_no_reason_to_warn():
    """A few more errors than none are many times as many, and harmless."""
    X, y = load_breast_cancer(return_X_y=True)
    experts = make_pipeline(StandardScaler(), LogisticRegression(C=10))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = MixtureOfExpertsClassifier(experts, 1).fit(X, y)
    assert model._mixture.training.overfitted == []


class Refusing(KNeighborsRegressor):
    """A neighbour that refuses a second fit to fewer rows, with an error of choice."""

    def __init__(self, error=ValueError, at_least=100):
        self.error = error
        self.at_least = at_least
        super().__init__(1)

    def fit(self, X, y):
        if len(X) < self.at_least:
            raise self.error("too few")
        return super().fit(X, y)


@pytest.mark.filterwarnings("ignore:The dispersions of experts .0. have collapsed")
def test_check_that_estimators_refuse_for_few_rows_fails_no_fit():
    X, y = noisy_regimes(100)
    assert mixture(Refusing(), 1, cv=None).fit(X, y).n_iter_ > 0


def test_check_hides_no_other_error():
    X, y = noisy_regimes(100)
    with pytest.raises(RuntimeError, match="too few"):
        mixture(Refusing(RuntimeError), 1, cv=None).fit(X, y)


@pytest.mark.parametrize(
    ("experts", "noise"),
    [
        (DecisionTreeRegressor(max_depth=3), 0.7),
        (DecisionTreeRegressor(min_samples_leaf=20), 0.7),
        (make_pipeline(StandardScaler(), LinearRegression()), 0.2),
        # Nearly perfect, and rightly so.
        (make_pipeline(StandardScaler(), LinearRegression()), 0.001),
        (KNeighborsRegressor(15), 0.7),
        (RandomForestRegressor(10, min_samples_leaf=20), 0.7),
    ],
)
def test_well_behaved_experts_are_not_warned_of(experts, noise):
    X, y, _ = two_regimes(300, noise=noise)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = mixture(experts, cv=None, max_iter=30, reg_dispersion=1e-5).fit(X, y)
    assert model._mixture.training.overfitted == []


# -- generalised linear experts --------------------------------------------------------


def responses(family, X, rng):
    """Draws of a family around exp(1 + x), or expit(x)."""
    mean, share = np.exp(1 + X[:, 0]), 1 / (1 + np.exp(-X[:, 0]))
    trials = rng.randint(1, 20, size=len(X))
    successes = rng.binomial(trials, share)
    draws = {
        "poisson": lambda: rng.poisson(mean),
        "gamma": lambda: mean * rng.gamma(3, 1 / 3, size=len(X)),
        "inverse_gaussian": lambda: rng.wald(mean, 3 * mean),
        "negative_binomial": lambda: rng.negative_binomial(3, 3 / (3 + mean)),
        "binomial": lambda: np.column_stack([successes, trials - successes]),
        "beta": lambda: rng.beta(5 * share, 5 * (1 - share)).clip(0.001, 0.999),
    }
    return draws[family]()


@pytest.mark.parametrize(
    "family",
    ["poisson", "gamma", "inverse_gaussian", "negative_binomial", "binomial", "beta"],
)
def test_one_cross_fitted_glm_is_the_glm_of_all_rows(family):
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, size=(200, 1))
    y = responses(family, X, rng)
    model = MixtureOfExpertsRegressor(n_experts=1, family=family)
    plain = clone(model).fit(X, y)
    crossed = model.set_params(cv=FOLDS).fit(X, y)
    assert_allclose(crossed.experts_[0].coef_, plain.experts_[0].coef_, rtol=1e-4)
    assert crossed.log_likelihood_ == pytest.approx(plain.log_likelihood_, rel=0.1)
    assert crossed.log_likelihood_ < plain.log_likelihood_


def test_a_glm_among_other_kinds_has_the_family_of_the_mixture():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, size=(300, 1))
    y = np.where(rng.uniform(size=300) < 0.3, 0, responses("gamma", X, rng))
    given = GeneralizedLinearRegressor()
    experts = [("none", DummyRegressor()), ("glm", given)]
    model = MixtureOfExpertsRegressor(experts, 2, family=["zero", "gamma"], cv=FOLDS)
    model.fit(X, y)
    positive = y > 0
    alone = GeneralizedLinearRegressor("gamma").fit(X[positive], y[positive])
    assert_allclose(model.named_experts_.glm.coef_, alone.coef_, rtol=1e-4)
    assert given.family is None


def test_binomial_counts_have_no_ranks():
    rng = np.random.RandomState(0)
    X = rng.uniform(-1, 1, size=(200, 1))
    y = responses("binomial", X, rng)
    model = mixture(n_experts=1, family="binomial").fit(X, y)
    assert model.held_out_ranks_ is None
    with pytest.raises(ValueError, match=r"needs held_out_ranks_, .*'binomial'"):
        model.predict_interval(X, kind="calibrated")


@pytest.mark.parametrize("seed", range(3))
def test_no_weights_are_weights_of_one_to_the_last_digit(seed):
    """Trees make more of a rounding error than it is."""
    rng = np.random.RandomState(seed)
    X = rng.uniform(-2, 2, size=(400, 2))
    y = np.abs(X[:, 0]) + 0.1 * rng.standard_t(4, size=400)
    model = mixture(DecisionTreeRegressor(max_depth=5))
    plain = clone(model).fit(X, y)
    weighted = clone(model).fit(X, y, sample_weight=np.ones(400))
    assert plain.lower_bounds_ == weighted.lower_bounds_


def test_an_expert_that_cannot_answer_for_a_fold_is_named(regression):
    model = mixture(KNeighborsRegressor(50), cv=TimeSeriesSplit(4))
    with pytest.raises(ValueError, match="n_neighbors") as caught:
        model.fit(*regression)
    assert "Raised while asking expert" in caught.value.__notes__[0]
