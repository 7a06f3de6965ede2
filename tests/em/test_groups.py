# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What is known of the latent experts: groups that share one, and labels of rows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import ConstantGate, SoftmaxGate
from tests.shared import assert_never_falls


@pytest.fixture(scope="module")
def people():
    """300 rows of 60 people: a column of the person, one of the row, y, who."""
    rng = np.random.RandomState(0)
    who = np.repeat(np.arange(60), 5)
    person = rng.normal(size=60)
    rising = rng.uniform(size=60) < 1 / (1 + np.exp(-2 * person))
    x = rng.normal(size=300)
    y = np.where(rising[who], x, -x) + 0.5 * rng.normal(size=300)
    return np.column_stack([person[who], x]), y, who


COLUMNS = {"gate_features": [0], "expert_features": [1]}


def fit(people, **parameters):
    X, y, who = people
    model = MixtureOfExpertsRegressor(n_experts=2, **COLUMNS, **parameters)
    return model.fit(X, y, groups=who)


def log_joint_by_hand(model, X, y, groups, weights=None):
    """``log g_k(x_g) + sum_i w_i log f_k(y_i)`` of each group, written out."""
    weights = np.ones(len(y)) if weights is None else weights
    names = np.unique(groups)
    rows = []
    for name in names:
        mine = groups == name
        prior = np.log(model.gate_proba(X[mine])[0])
        means = model.predict_experts(X[mine])
        density = norm.logpdf(y[mine, None], means, model.dispersions_)
        rows.append(prior + weights[mine] @ density)
    return np.array(rows)


# -- groups ---------------------------------------------------------------------------


def test_log_likelihood_of_groups_is_the_one_by_hand(people):
    model = fit(people)
    joint = log_joint_by_hand(model, *people)
    assert_allclose(model.log_likelihood_, logsumexp(joint, axis=1).sum())


def test_responsibilities_of_groups_are_the_ones_by_hand(people):
    X, y, who = people
    model = fit(people)
    joint = log_joint_by_hand(model, X, y, who)
    expected = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    found = model.responsibilities(X, y, groups=who)
    assert_allclose(found, expected[who], atol=1e-12)
    assert found.max(axis=1).mean() > model.responsibilities(X, y).max(axis=1).mean()


@pytest.mark.parametrize("expert", [None, DecisionTreeRegressor(max_depth=2)])
@pytest.mark.parametrize("assignment", ["soft", "hard"])
def test_em_on_groups_is_monotone(people, expert, assignment):
    model = fit(people, experts=expert, assignment=assignment, tol=1e-5)
    assert_never_falls(model.lower_bounds_)
    assert model.lower_bounds_[-1] > model.lower_bounds_[0] + 0.01


def test_groups_of_one_row_are_no_groups(people):
    X, y, _ = people
    alone = MixtureOfExpertsRegressor(n_experts=2, **COLUMNS, tol=1e-10).fit(X, y)
    grouped = MixtureOfExpertsRegressor(n_experts=2, **COLUMNS, tol=1e-10)
    grouped.fit(X, y, groups=np.arange(len(y)))
    assert_allclose(grouped.log_likelihood_, alone.log_likelihood_, rtol=1e-8)
    assert_allclose(grouped.predict(X), alone.predict(X), atol=1e-4)


def test_groups_have_names_of_any_kind_and_order(people):
    X, y, who = people
    order = np.random.RandomState(0).permutation(len(y))
    named = np.array([f"person {w}" for w in who])
    model = MixtureOfExpertsRegressor(n_experts=2, **COLUMNS, tol=1e-10)
    shuffled = model.fit(X[order], y[order], groups=named[order]).log_likelihood_
    assert_allclose(shuffled, fit(people, tol=1e-10).log_likelihood_, rtol=1e-9)


def test_integer_weights_are_repeated_rows_of_the_same_group(people):
    X, y, who = people
    weights = np.random.RandomState(1).randint(0, 3, size=len(y))
    repeated = np.repeat(np.arange(len(y)), weights)
    model = MixtureOfExpertsRegressor(n_experts=2, **COLUMNS, tol=1e-12)
    weighted = model.fit(X, y, weights, groups=who).predict(X)
    plain = model.fit(X[repeated], y[repeated], groups=who[repeated]).predict(X)
    assert_allclose(weighted, plain, atol=1e-5)


def test_a_gate_that_varies_within_groups_is_averaged_with_a_warning(people):
    X, y, who = people
    model = MixtureOfExpertsRegressor(n_experts=2)
    with pytest.warns(UserWarning, match="vary within groups"):
        model.fit(X, y, groups=who)
    means = np.array([X[who == g].mean(axis=0) for g in range(60)])[who]
    with_means = np.column_stack([means, X])
    expected = MixtureOfExpertsRegressor(
        n_experts=2, gate_features=[0, 1], expert_features=[2, 3]
    ).fit(with_means, y, groups=who)
    assert_allclose(model.log_likelihood_, expected.log_likelihood_, rtol=1e-4)


def test_classes_of_groups(people):
    X, y, who = people
    labels = (y > 0).astype(int)
    model = MixtureOfExpertsClassifier(n_experts=2, **COLUMNS)
    model.fit(X, labels, groups=who)
    chosen = model.predict_experts(X)[np.arange(len(y)), :, labels]
    prior = np.log(model.gate_proba(X[::5]))
    joint = prior + np.log(chosen).reshape(60, 5, 2).sum(axis=1)
    assert_allclose(model.log_likelihood_, logsumexp(joint, axis=1).sum())
    expected = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))[who]
    found = model.responsibilities(X, labels, groups=who)
    assert_allclose(found, expected, atol=1e-12)


def test_groups_of_another_length_are_an_error(people):
    X, y, who = people
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        MixtureOfExpertsRegressor(n_experts=2).fit(X, y, groups=who[:-1])


# -- known segments -------------------------------------------------------------------


@pytest.fixture(scope="module")
def regimes():
    """400 rows, y, and which of two lines each belongs to."""
    rng = np.random.RandomState(3)
    X = rng.normal(size=(400, 2))
    known = (X[:, 0] + rng.normal(size=400) > 0).astype(int)
    y = np.where(known == 1, 2 + X[:, 1], -X[:, 1]) + 0.7 * rng.normal(size=400)
    return X, y, known


def test_all_labels_given_is_one_model_per_segment(regimes):
    X, y, known = regimes
    model = MixtureOfExpertsRegressor(
        n_experts=2, assignment="hard", gate=SoftmaxGate(alpha=1e-6), tol=1e-10
    ).fit(X, y, expert_labels=known)
    for k, expert in enumerate(model.experts_):
        alone = LinearRegression().fit(X[known == k], y[known == k])
        assert_allclose(expert.coef_, alone.coef_, atol=1e-8)
        assert_allclose(expert.intercept_, alone.intercept_, atol=1e-8)
    gate = LogisticRegression(C=1e6, tol=1e-10).fit(X, known)
    assert_allclose(model.gate_proba(X), gate.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize("share", [1.0, 0.3, 0.02])
def test_experts_keep_the_labels_numbers(regimes, share):
    X, y, known = regimes
    labels = np.where(np.random.RandomState(0).uniform(size=400) < share, known, -1)
    for numbering in (labels, np.where(labels < 0, -1, 1 - labels)):
        model = MixtureOfExpertsRegressor(n_experts=2).fit(
            X, y, expert_labels=numbering
        )
        up = int(np.argmax([expert.coef_[1] for expert in model.experts_]))
        assert up == (1 if numbering is labels else 0)


@pytest.mark.parametrize("expert", [None, DecisionTreeRegressor(max_depth=3)])
def test_em_with_labels_is_monotone_and_has_the_joint_likelihood(regimes, expert):
    X, y, known = regimes
    labels = np.where(np.arange(400) < 200, known, -1)
    model = MixtureOfExpertsRegressor(expert, 2, tol=1e-5)
    model.fit(X, y, expert_labels=labels)
    assert_never_falls(model.lower_bounds_)
    density = norm.logpdf(y[:, None], model.predict_experts(X), model.dispersions_)
    joint = np.log(model.gate_proba(X)) + density
    of_rows = logsumexp(joint, axis=1)
    of_rows[:200] = joint[np.arange(200), known[:200]]
    assert_allclose(model.log_likelihood_, of_rows.sum(), rtol=1e-8)


def test_without_known_labels_nothing_changes(regimes):
    X, y, _ = regimes
    plain = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    labelled = MixtureOfExpertsRegressor(n_experts=2)
    labelled.fit(X, y, expert_labels=np.full(400, -1))
    assert_array_equal(plain.predict(X), labelled.predict(X))


def test_labels_may_be_names_of_experts(regimes):
    X, y, known = regimes
    experts = [("falling", LinearRegression()), ("rising", LinearRegression())]
    names = np.array(["falling", "rising"], dtype=object)[known]
    names[50:] = None
    codes = np.where(np.arange(400) < 50, known, -1)
    model = MixtureOfExpertsRegressor(experts)
    by_name = model.fit(X, y, expert_labels=names).predict(X)
    assert_array_equal(by_name, model.fit(X, y, expert_labels=codes).predict(X))
    assert model.named_experts_["rising"].coef_[1] > 0


@pytest.mark.parametrize("wrong", [2, -2, "third", 0.5])
def test_wrong_labels_are_named(regimes, wrong):
    X, y, known = regimes
    labels = known.astype(object)
    labels[7] = wrong
    with pytest.raises(ValueError, match=rf"expert_labels must be .*Got {wrong}"):
        MixtureOfExpertsRegressor(n_experts=2).fit(X, y, expert_labels=labels)


def test_labels_follow_rows_of_weight_zero(regimes):
    X, y, known = regimes
    weights = (np.arange(400) % 3 > 0).astype(float)
    kept = weights > 0
    model = MixtureOfExpertsRegressor(n_experts=2)
    weighted = model.fit(X, y, weights, expert_labels=known).predict(X)
    dropped = model.fit(X[kept], y[kept], expert_labels=known[kept]).predict(X)
    assert_allclose(weighted, dropped, atol=1e-6)


def test_labels_of_a_group_are_those_of_its_rows(people):
    X, y, who = people
    labels = np.full(len(y), -1)
    labels[0] = 1  # the first person's first row
    model = MixtureOfExpertsRegressor(n_experts=2, **COLUMNS, gate=ConstantGate())
    model.fit(X, y, groups=who, expert_labels=labels)
    assert model._mixture.training.totals.sum() == pytest.approx(len(y))
    labels[1] = 0
    with pytest.raises(ValueError, match="leave none to the group of row 0"):
        model.fit(X, y, groups=who, expert_labels=labels)
