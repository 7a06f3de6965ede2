# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Cross-fitted experts that grow by stages: their number is chosen out-of-fold."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm
from sklearn.base import clone
from sklearn.ensemble import (
    AdaBoostRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import Ridge
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.experts.stages import stage_grid, staged_answers, with_stages
from tests.shared import assert_never_falls, two_regimes

pytestmark = pytest.mark.filterwarnings("ignore:EM did not converge")
FOLDS = KFold(4, shuffle=True, random_state=1)
BOOSTED = GradientBoostingRegressor(
    learning_rate=0.2, n_estimators=30, max_depth=2, random_state=0
)


def mixture(experts=BOOSTED, n_experts=2, **parameters):
    """A cross-fitted regressor with few iterations."""
    settings = {"cv": FOLDS, "max_iter": 3, "tol": 0, "random_state": 0, **parameters}
    return MixtureOfExpertsRegressor(experts, n_experts, **settings)


def noisy_regimes(n_samples=150, seed=0):
    """Two regimes with noise that boosting learns by heart."""
    return two_regimes(n_samples, noise=3.0, seed=seed)[:2]


def staged_by_fold(template, X, y, weights, method):
    """Out-of-fold answers after every stage, by fits of the template alone."""
    by_fold = [
        list(getattr(_fit(template, X, y, weights, train), method)(X[test]))
        for train, test in FOLDS.split(X)
    ]
    return np.concatenate([np.array(stages) for stages in by_fold], axis=1)


def _fit(template, X, y, weights, rows):
    return clone(template).fit(X[rows], y[rows], sample_weight=weights[rows])


# -- one expert: the stages that cross-validation would choose -------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_single_expert_has_the_stages_of_the_least_out_of_fold_error(weighted):
    X, y = noisy_regimes()
    weights = np.linspace(0.2, 3, len(y)) if weighted else np.ones(len(y))
    model = mixture(n_experts=1).fit(X, y, sample_weight=weights)
    held = np.concatenate([test for _, test in FOLDS.split(X)])
    answers = staged_by_fold(BOOSTED, X, y, weights, "staged_predict")
    errors = np.average((y[held] - answers) ** 2, weights=weights[held], axis=1)
    grid = np.array(stage_grid(BOOSTED, is_classifier=False))
    best = grid[errors[grid - 1].argmin()]
    assert 1 < best < 30
    assert model.experts_[0].n_estimators == best
    assert_allclose(model.dispersions_, np.sqrt(errors[best - 1]))
    density = norm.logpdf(y[held], answers[best - 1], model.dispersions_)
    assert_allclose(model.log_likelihood_, weights[held] @ density)
    alone = clone(BOOSTED).set_params(n_estimators=best)
    alone.fit(X, y, sample_weight=weights)
    assert_allclose(model.predict(X), alone.predict(X))


def test_single_classifier_has_the_stages_of_the_least_log_loss(three_classes):
    X, y = three_classes
    X = np.random.default_rng(0).permutation(X)  # nothing to learn: few stages
    template = GradientBoostingClassifier(n_estimators=20, max_depth=2, random_state=0)
    model = MixtureOfExpertsClassifier(template, 1, cv=FOLDS, max_iter=3).fit(X, y)
    held = np.concatenate([test for _, test in FOLDS.split(X)])
    ones = np.ones(len(y))
    answers = staged_by_fold(template, X, y, ones, "staged_predict_proba")
    losses = np.array([log_loss(y[held], each) for each in answers])
    grid = np.array(stage_grid(template, is_classifier=True))
    best = grid[losses[grid - 1].argmin()]
    assert model.experts_[0].n_estimators == best < 20
    assert_allclose(-model.log_likelihood_ / len(y), losses[best - 1])


# -- several experts -------------------------------------------------------------------


@pytest.mark.parametrize(
    "experts",
    [
        BOOSTED,
        HistGradientBoostingRegressor(max_iter=20, max_leaf_nodes=6),
        HistGradientBoostingRegressor(
            max_iter=20, max_leaf_nodes=6, early_stopping=True, n_iter_no_change=2
        ),
        AdaBoostRegressor(n_estimators=10),
        [("boosted", BOOSTED), ("ridge", Ridge())],
    ],
    ids=["gradient", "histogram", "stops by itself", "ada", "mixed"],
)
def test_out_of_fold_likelihood_never_falls(experts):
    X, y = noisy_regimes()
    model = MixtureOfExpertsRegressor(
        experts,
        **({} if isinstance(experts, list) else {"n_experts": 2}),
        cv=3,
        max_iter=4,
        tol=0,
        random_state=0,
    ).fit(X, y)
    assert_never_falls(model.lower_bounds_)
    assert_allclose(model.log_likelihood_ / len(y), model.lower_bound_, atol=0.02)


def test_each_expert_stops_for_itself():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(400, 2))
    wave, noise = np.sin(5 * X[:, 1]), rng.normal(size=400)
    y = np.where(X[:, 0] > 0, 4 + wave + 0.05 * noise, noise)
    labels = (X[:, 0] > 0).astype(int)
    model = mixture(init=labels).fit(X, y)
    noisy, exact = (expert.n_estimators for expert in model.experts_)
    assert noisy < 10 < exact


def test_new_rows_gain_by_the_choice():
    X, y = noisy_regimes(200)
    new, y_new = noisy_regimes(1000, seed=1)
    deep = GradientBoostingRegressor(n_estimators=40, max_depth=4, random_state=0)
    chosen = mixture(deep, cv=3).fit(X, y)
    # A Pipeline has no stages: its experts have all 40 trees.
    whole = mixture(make_pipeline(deep), cv=3).fit(X, y)
    assert chosen.score(new, y_new) > whole.score(new, y_new) + 0.02
    gain = chosen.score_samples(new, y_new) - whole.score_samples(new, y_new)
    assert gain.mean() > 0.02


def test_template_is_not_modified_and_warm_start_goes_on():
    X, y = noisy_regimes()
    template = clone(BOOSTED)
    model = mixture(template, warm_start=True, max_iter=3).fit(X, y)
    assert template.n_estimators == 30
    before, stages = model.lower_bound_, [e.n_estimators for e in model.experts_]
    assert max(stages) < 30
    model.set_params(max_iter=1).fit(X, y)
    assert model.lower_bound_ >= before - 1e-12


# -- answers at a number of stages -----------------------------------------------------


@pytest.mark.parametrize(
    "template", [BOOSTED, HistGradientBoostingRegressor(max_iter=30)]
)
def test_short_fit_answers_as_the_beginning_of_a_long_one(template):
    X, y = noisy_regimes()
    grid = stage_grid(template, is_classifier=False)
    assert grid[0] == 1
    assert grid[-1] == 30
    long = staged_answers(clone(template).fit(X, y), X, None, grid)
    short = staged_answers(with_stages(template, grid[9]).fit(X, y), X, None, grid[:10])
    assert_allclose(long[:10], short)
    assert_array_equal(long[-1, :, 0], clone(template).fit(X, y).predict(X))


def test_answers_of_classes_that_the_rows_lack(three_classes):
    X, y = three_classes
    classes, some = np.unique(y), y != np.unique(y)[1]
    template = GradientBoostingClassifier(n_estimators=5, random_state=0)
    answers = staged_answers(template.fit(X[some], y[some]), X, classes, [1, 2, 5])
    assert answers.shape == (3, len(y), 3)
    assert_allclose(answers.sum(axis=2), 1)
    assert not answers[:, :, 1].any()


@pytest.mark.parametrize("experts", [Ridge(), BOOSTED])
def test_estimators_without_stages_have_no_grid(experts):
    assert stage_grid(make_pipeline(experts), is_classifier=False) is None


class FixedBoosting(GradientBoostingRegressor):
    """Boosting whose number of stages is no parameter."""

    def __init__(self, max_depth=2, random_state=None):
        super().__init__(n_estimators=7, max_depth=max_depth, random_state=random_state)


def test_stages_whose_number_cannot_be_set_are_no_stages():
    assert stage_grid(FixedBoosting(), is_classifier=False) is None
    model = mixture(FixedBoosting(random_state=0)).fit(*noisy_regimes(60))
    assert [expert.n_estimators_ for expert in model.experts_] == [7, 7]


def test_number_of_stages_that_is_none_is_refused_by_the_expert():
    X, y = noisy_regimes(60)
    with pytest.raises(ValueError, match="n_estimators"):
        mixture(GradientBoostingRegressor(n_estimators=0)).fit(X, y)
