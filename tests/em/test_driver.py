# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""EM: steps, stopping, assignments, restarts, and the objective they climb."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.em.driver import EM
from skmoe.em.restarts import best_of_starts
from skmoe.em.states.base import Expectation
from skmoe.em.states.summed import SummedMixture
from skmoe.em.states.whole import WholeMixture
from skmoe.em.steps import PlainStep, QuasiNewtonStep
from skmoe.em.stopping import StoppingRule
from skmoe.experts import LinearExperts, LogisticExperts
from skmoe.experts.base import ExpertTask
from skmoe.families import Categorical, Gaussian
from skmoe.gates import ClassifierGate, ConstantGate, SoftmaxGate
from skmoe.gates.softmax import SoftmaxTrainer
from skmoe.rows.design import Designs
from tests.shared import assert_never_falls

REGRESSION = [LinearRegression(), Ridge(5.0), Ridge(2.0, fit_intercept=False)]
CLASSIFICATION = [
    LogisticRegression(C=0.5),
    LogisticRegression(C=np.inf),
    LogisticRegression(fit_intercept=False),
]


def make_mixture(templates, X, y, classes=None, gate=None, kind=SummedMixture):
    """A mixture at a generic state: after three plain EM iterations."""
    rng = np.random.RandomState(0)
    weights = rng.uniform(0.5, 2.0, size=len(X))
    y = y.reshape(len(X), -1)
    task = ExpertTask(
        templates=templates,
        names=[str(k) for k in range(len(templates))],
        X=X,
        y=y,
        labels=y,
        classes=classes,
        weights=weights,
        families=[Gaussian() if classes is None else Categorical()] * len(templates),
        floors=[np.full((int(classes is None), y.shape[1]), 1e-3)] * len(templates),
        designs=Designs(weights),
    )
    experts = LinearExperts if classes is None else LogisticExperts
    gate = SoftmaxGate(0.05) if gate is None else gate
    gate_trainer = gate.trainer(X, task.n_experts, weights, task.designs)
    mixture = WholeMixture(gate_trainer, experts.trainer(task), weights)
    responsibilities = rng.dirichlet(np.ones(len(templates)), size=len(X))
    for _ in range(3):
        mixture.begin(responsibilities)
        responsibilities, _ = mixture.e_step()
    return kind(mixture.gate, mixture.experts, weights)


def assert_score_is_the_gradient(mixture, fixed=()):
    """The score against central differences; fixed coordinates are constrained."""

    def objective(values):
        mixture.parameters = values
        return mixture.e_step()[1]

    position = mixture.parameters
    score = mixture.local_model(mixture.e_step()).score
    steps = 1e-5 * np.eye(len(position))
    numeric = [
        (objective(position + step) - objective(position - step)) / 2e-5
        for step in steps
    ]
    free = np.setdiff1d(np.arange(len(position)), fixed)
    assert_allclose(score[free], np.array(numeric)[free], rtol=1e-6, atol=1e-8)
    assert_allclose(score[list(fixed)], 0.0)


@pytest.mark.parametrize("template", REGRESSION[:2])
@pytest.mark.parametrize("n_targets", [1, 2])
@pytest.mark.parametrize("gate", [SoftmaxGate(0.05), ConstantGate()])
def test_score_of_gaussian_mixtures(regression, template, n_targets, gate):
    X, y = regression
    Y = np.column_stack([y, y**2 + X[:, 1]])[:, :n_targets]
    assert_score_is_the_gradient(make_mixture([template] * 3, X, Y, gate=gate))


@pytest.mark.parametrize("template", CLASSIFICATION[:2])
def test_score_of_categorical_mixtures(three_classes, template):
    X, y = three_classes
    assert_score_is_the_gradient(make_mixture([template] * 2, X, y, np.arange(3)))


def test_score_of_mixed_experts_without_intercepts(regression):
    mixture = make_mixture(REGRESSION, *regression)
    n_gate = mixture.gate.parameters.size
    assert_score_is_the_gradient(mixture, fixed=[n_gate + 2 * 3 + 2])


def test_score_of_logistic_experts_without_intercepts(classification):
    X, y = classification
    mixture = make_mixture([CLASSIFICATION[2]] * 2, X, y, np.arange(2))
    n_gate = mixture.gate.parameters.size
    assert_score_is_the_gradient(mixture, fixed=[n_gate + 2, n_gate + 5])


def test_solve_is_the_inverse_of_the_information(regression):
    mixture = make_mixture(REGRESSION[:2], *regression)
    ascent = mixture.local_model(mixture.e_step())
    identity = np.eye(len(ascent.score))
    inverse = np.column_stack([ascent.solve(column) for column in identity])
    assert_allclose(inverse, inverse.T, atol=1e-8 * np.abs(inverse).max())
    assert np.linalg.eigvalsh(inverse).min() > 0
    # Where the information is exact, the target is a full Newton step away.
    coefficients = slice(mixture.gate.parameters.size, -mixture.experts.log_sigma.size)
    move = ascent.target - mixture.parameters
    assert_allclose(
        ascent.solve(ascent.score)[coefficients], move[coefficients], atol=1e-10
    )


def test_e_step_is_bayes_rule(regression):
    mixture = make_mixture(REGRESSION[:2], *regression, kind=WholeMixture)
    joint = np.exp(mixture.log_joint())
    responsibilities, bound = mixture.e_step()
    assert_allclose(responsibilities, joint / joint.sum(axis=1, keepdims=True))
    mean = mixture.weights @ np.log(joint.sum(axis=1)) / mixture.total
    assert_allclose(bound, mean - mixture.gate.penalty - mixture.experts.penalty)
    assert_allclose(mixture.log_likelihood(), mean * mixture.total)


def test_hard_e_step_is_the_classification_likelihood(regression):
    mixture = make_mixture(REGRESSION[:2], *regression, kind=WholeMixture)
    log_joint = mixture.log_joint()
    responsibilities, bound = mixture.e_step(hard=True)
    assert_array_equal(responsibilities.argmax(axis=1), log_joint.argmax(axis=1))
    assert_array_equal(np.sort(responsibilities, axis=1), [[0.0, 1.0]] * 150)
    mean = mixture.weights @ log_joint.max(axis=1) / mixture.total
    assert_allclose(bound, mean - mixture.gate.penalty - mixture.experts.penalty)


@pytest.mark.parametrize("assignment", ["soft", "hard"])
def test_a_step_of_em_raises_the_objective(regression, assignment):
    mixture = make_mixture(REGRESSION[:2], *regression, kind=WholeMixture)
    hard = assignment == "hard"
    for _ in range(5):
        responsibilities, before = mixture.e_step(hard)
        mixture.begin(responsibilities)
        assert mixture.e_step(hard)[1] >= before - 1e-13


# -- acceleration ---------------------------------------------------------------------


@pytest.mark.parametrize("experts", [None, Ridge(3.0)])
def test_acceleration_reaches_the_same_maximum(regression, experts):
    X, y = regression
    settings = {"experts": experts, "n_experts": 2, "tol": 1e-13, "max_iter": 5000}
    fast = MixtureOfExpertsRegressor(**settings).fit(X, y)
    plain = MixtureOfExpertsRegressor(**settings, accelerate=False).fit(X, y)
    assert_allclose(fast.lower_bound_, plain.lower_bound_, atol=1e-10)
    assert_allclose(fast.predict(X), plain.predict(X), atol=1e-4)


def test_accelerated_classifier_reaches_the_same_maximum(classification):
    X, y = classification
    settings = {"n_experts": 2, "tol": 1e-13, "max_iter": 5000}
    fast = MixtureOfExpertsClassifier(**settings).fit(X, y)
    plain = MixtureOfExpertsClassifier(**settings, accelerate=False).fit(X, y)
    assert fast.n_iter_ < plain.n_iter_
    assert_allclose(fast.lower_bound_, plain.lower_bound_, atol=1e-10)


def test_converged_fit_is_a_stationary_point(regression):
    mixture = make_mixture([LinearRegression()] * 2, *regression)
    EM(mixture, tol=1e-14, bounds=[]).run(2000)
    score = mixture.local_model(mixture.e_step()).score
    assert np.abs(score).max() < 1e-5


class Quadratic:
    """A concave quadratic posing as a mixture whose EM step overshoots."""

    def __init__(self, curvature, factor):
        self.curvature = np.asarray(curvature, dtype=float)
        self.factor = factor
        self.parameters = np.ones(len(curvature))

    def value(self):
        return -0.5 * np.sum(self.curvature * self.parameters**2)

    def local_model(self, responsibilities):
        from skmoe.trainers.local_model import LocalModel

        score = -self.curvature * self.parameters
        target = self.parameters + self.factor * score
        return LocalModel(target, score, lambda v: self.factor * v)


def test_quasi_newton_is_exact_on_a_quadratic():
    quadratic = Quadratic([1.0, 10.0, 100.0], factor=0.01)
    step = QuasiNewtonStep(warm_up=2)
    for _ in range(40):
        before = quadratic.value()
        step.advance(quadratic, None)
        while quadratic.value() < before and step.retreat(quadratic):
            pass
    assert np.abs(quadratic.parameters).max() < 1e-6


def test_an_em_step_that_overshoots_is_shortened():
    quadratic = Quadratic([1.0], factor=5.0)
    step = QuasiNewtonStep()
    step.advance(quadratic, None)
    assert quadratic.value() < -0.5
    while quadratic.value() < -0.5 and step.retreat(quadratic):
        pass
    assert -0.5 < quadratic.value() <= 0


def test_a_hopeless_step_is_taken_back():
    quadratic = Quadratic([1.0], factor=0.5)
    step = QuasiNewtonStep()
    step.advance(quadratic, None)
    while step.retreat(quadratic):
        pass
    assert_array_equal(quadratic.parameters, [1.0])


def test_a_failed_proposal_falls_back_on_em():
    quadratic = Quadratic([1.0, 3.0], factor=0.1)
    step = QuasiNewtonStep(warm_up=0)
    for _ in range(3):
        step.advance(quadratic, None)
    assert step.move is not step.em_move
    trials = [step.retreat(quadratic) for _ in range(step.MAX_TRIALS + 1)]
    assert all(trials)
    assert step.move is step.em_move
    assert step.pairs == []
    assert_allclose(quadratic.parameters, step.position + step.em_move)


def test_curvature_of_the_wrong_sign_is_not_remembered():
    quadratic = Quadratic([-1.0], factor=0.1)
    step = QuasiNewtonStep(warm_up=0)
    for _ in range(4):
        step.advance(quadratic, None)
    assert step.pairs == []


def test_a_plain_step_is_taken_back_to_where_it_began(regression):
    mixture = make_mixture(REGRESSION[:2], *regression, kind=WholeMixture)
    before = mixture.e_step()
    step = PlainStep()
    step.advance(mixture, before)
    assert mixture.e_step().bound != before.bound
    assert step.retreat(mixture) is False
    assert mixture.e_step().bound == before.bound


@pytest.mark.parametrize(
    ("settings", "memory"),
    [
        ({}, 20),
        ({"accelerate": False}, 0),
        ({"assignment": "hard"}, 0),
        ({"gate": ConstantGate()}, 20),
        ({"gate": make_pipeline(StandardScaler(), SoftmaxGate())}, 20),
        ({"assignment": "stochastic"}, None),
        ({"gate": ClassifierGate(LogisticRegression())}, None),
        ({"experts": DecisionTreeRegressor(max_depth=2)}, None),
    ],
)
def test_which_mixtures_are_accelerated(regression, settings, memory):
    model = MixtureOfExpertsRegressor(
        n_experts=2, warm_start=True, random_state=0, **settings
    )
    steps = model.fit(*regression)._warm_start.steps.values()
    if memory is None:  # plain steps have learnt nothing
        assert list(steps) == []
        return
    (step,) = steps
    assert isinstance(step, QuasiNewtonStep)
    assert step.memory == memory
    if memory == 0:
        assert step.pairs == []


class Falling:
    """A state whose bound falls with every M-step."""

    is_parametric = False

    def __init__(self, fallen, part):
        self.fallen, self.part, self.bound = fallen, part, 0.0

    def e_step(self, hard=False):
        return Expectation(None, self.bound)

    def m_step(self, expectation):
        self.bound = self.fallen

    def snapshot(self):
        return self.bound

    def restore(self, snapshot):
        self.bound = snapshot

    def part_that_falls(self, expectation):
        return self.part


@pytest.mark.parametrize("fallen", [-1.0, np.nan])
def test_a_step_that_lowers_the_bound_is_undone_and_its_part_is_named(fallen):
    state = Falling(fallen, "gate")
    with pytest.warns(UserWarning, match="A step of the gate lowered the lower bound"):
        run = EM(state, tol=1e-6).run(10)
    assert run.bounds == [0.0, 0.0]
    assert run.converged
    assert state.bound == 0.0


def test_a_fall_by_rounding_is_undone_without_a_word():
    run = EM(Falling(-1e-12, "gate"), tol=1e-6).run(10)
    assert run.bounds == [0.0, 0.0]
    assert run.converged


class LoweringTrainer(SoftmaxTrainer):
    """A gate that goes away from the maximum once it has been close to it."""

    def step(self, responsibilities):
        self.n_steps = getattr(self, "n_steps", 0) + 1
        if self.n_steps <= 3:
            super().step(responsibilities)
        else:
            self.parameters = self.parameters - 1.0


class LoweringGate(SoftmaxGate):
    """A gate that breaks its contract after three steps."""

    def trainer(self, X, n_experts, weights, designs):
        trainer = LoweringTrainer(self, designs.get(X), n_experts, weights, 1e-4)
        trainer.__class__ = type("Hidden", (LoweringTrainer,), {"blockwise": None})
        return trainer


def test_a_gate_that_breaks_its_contract_leaves_no_model_below_its_bound(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor(n_experts=2, gate=LoweringGate())
    with pytest.warns(UserWarning, match="A step of the gate lowered the lower bound"):
        model.fit(X, y)
    assert_never_falls(model.lower_bounds_)
    penalty = 0.5e-4 * np.sum((model.gate_.coef_ * X.std(axis=0)) ** 2)
    found = model.score_samples(X, y).mean() - penalty
    assert_allclose(found, model.lower_bound_, atol=1e-10)


# -- stopping -------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.5, 0.9, 0.99])
def test_aitken_knows_a_geometric_series(rate):
    tol, gain, rule = 1e-6, 1.0, StoppingRule(1e-6)
    while not rule.update(0.0, gain):
        gain *= rate
    # The gains left after iteration n are gain * rate / (1 - rate); two in a row are
    # below tol for the first time now.
    assert max(gain * rate / (1 - rate), gain) < tol
    assert max(gain / rate * rate / (1 - rate), gain / rate) < tol
    assert max(gain / rate / (1 - rate), gain / rate**2) >= tol


def test_growing_gains_do_not_stop():
    rule = StoppingRule(1e-3)
    assert not any(rule.update(0.0, gain) for gain in 1e-9 * 2.0 ** np.arange(10))


def test_no_gain_twice_stops():
    rule = StoppingRule(0.0)
    assert [rule.update(1.0, 0.0) for _ in range(2)] == [False, False]
    rule = StoppingRule(1e-9)
    assert [rule.update(1.0, 0.0) for _ in range(2)] == [False, True]


def test_predicted_gains_decide_when_they_stay_small():
    rule = StoppingRule(1e-6)
    assert not rule.update(0.0, 1e-9, predicted=1e-3)
    for _ in range(3):
        assert not rule.update(0.0, 1e-9, predicted=1e-8)
    assert rule.update(0.0, 1e-10, predicted=1e-9)
    assert not rule.update(0.0, 1e-10, predicted=1e-5)
    assert not rule.update(0.0, 1e-10, predicted=1e-9)


def test_warning_when_em_did_not_converge(regression):
    model = MixtureOfExpertsRegressor(n_experts=2, max_iter=3)
    with pytest.warns(ConvergenceWarning, match=r"converge in max_iter=3 iterations"):
        model.fit(*regression)
    assert not model.converged_
    assert model.n_iter_ == len(model.lower_bounds_) == 3


def test_verbose_prints_the_bound(regression, capsys):
    model = MixtureOfExpertsRegressor(n_experts=2, verbose=2).fit(*regression)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("EM iteration 2: lower bound ")
    assert len(lines) == model.n_iter_ // 2
    assert float(lines[0].split()[-1]) == pytest.approx(model.lower_bounds_[1])


# -- assignments ----------------------------------------------------------------------


def test_hard_em_ends_at_a_fixed_point(regression):
    X, y = regression
    model = MixtureOfExpertsRegressor(
        n_experts=2, assignment="hard", gate=ConstantGate(), tol=1e-10
    ).fit(X, y)
    responsibilities = model.responsibilities(X, y)
    labels = responsibilities.argmax(axis=1)
    for k in range(2):
        own = labels == k
        alone = LinearRegression().fit(X[own], y[own])
        assert_allclose(model.experts_[k].coef_, alone.coef_, atol=1e-8)
    log_joint = model.score_samples(X, y) + np.log(responsibilities.max(axis=1))
    assert_allclose(model.lower_bound_, log_joint.mean(), atol=1e-10)
    assert_allclose(model.gate_.proportions_, np.bincount(labels) / len(y), atol=1e-10)


def test_drawn_assignments_follow_the_responsibilities(regression):
    responsibilities = np.tile([0.2, 0.0, 0.8], (4000, 1))
    state = make_mixture(REGRESSION[:2], *regression, kind=WholeMixture)
    expectation = Expectation(responsibilities, -1.5)
    drawn, bound = state.draw(expectation, np.random.RandomState(0))
    assert bound == -1.5
    assert_array_equal(drawn.sum(axis=1), 1.0)
    assert drawn[:, 1].sum() == 0
    assert_allclose(drawn.mean(axis=0), [0.2, 0.0, 0.8], atol=0.03)


@pytest.mark.parametrize("experts", [None, DecisionTreeRegressor(max_depth=2)])
def test_stochastic_em_keeps_the_best_state(regression, experts):
    X, y = regression
    model = MixtureOfExpertsRegressor(
        experts, n_experts=2, assignment="stochastic", random_state=0
    ).fit(X, y)
    assert model.converged_
    assert_never_falls(model.lower_bounds_)
    penalty = 0.5e-4 * np.sum((model.gate_.coef_ * X.std(axis=0)) ** 2)
    assert_allclose(model.lower_bound_, model.log_likelihood_ / len(y) - penalty)
    assert_allclose(model.score_samples(X, y).sum(), model.log_likelihood_, rtol=1e-9)


# -- restarts -------------------------------------------------------------------------


class Hill:
    """A one-number 'mixture': starts climb to the value they name."""

    def __init__(self, collapsed=()):
        self.state, self.spurious = None, collapsed

    def snapshot(self):
        return self.state

    def restore(self, state):
        self.state = state

    def collapsed(self):
        return np.array([self.state in self.spurious])


class Climber:
    tol = 1e-7

    def __init__(self, hill):
        self.hill, self.calls = hill, []

    @property
    def merit(self):
        return self.bounds[-1]

    def start(self, value):
        self.hill.state, self.bounds = value, [value]
        return self

    def run(self, max_iter, tol=None):
        self.calls.append((max_iter, tol))
        return self


@pytest.mark.parametrize(
    ("spurious", "kept"), [((), 3.0), ((3.0,), 2.0), ((1.0, 2.0, 3.0), 3.0)]
)
def test_the_best_start_that_did_not_collapse_is_kept(spurious, kept):
    hill = Hill(spurious)
    run = best_of_starts(hill, [2.0, 3.0, 1.0], lambda: Climber(hill), max_iter=200)
    assert hill.state == kept
    assert run.bounds == [kept]
    assert run.calls == [(50, 1e-4), (200, None)]


def test_a_single_start_has_no_short_run():
    hill = Hill()
    assert best_of_starts(hill, [1.0], lambda: Climber(hill), max_iter=9).calls == [
        (9, None)
    ]


def test_more_starts_are_no_worse(regression):
    X, y = regression
    settings = {"n_experts": 3, "init": "random", "random_state": 0, "max_iter": 1000}
    bounds = [
        MixtureOfExpertsRegressor(n_init=n, **settings).fit(X, y).lower_bound_
        for n in (1, 6)
    ]
    assert bounds[1] >= bounds[0] - 1e-3


@pytest.mark.filterwarnings("ignore:EM did not converge")  # 50 iterations suffice
def test_kept_start_is_the_one_that_is_exposed():
    """A rank-deficient problem once mixed the null spaces of two starts."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(30, 12))
    y = np.abs(X[:, 0]) + 0.1 * rng.normal(size=30)
    model = MixtureOfExpertsRegressor(n_experts=3, n_init=4, random_state=0)
    with pytest.warns(UserWarning, match="have collapsed"):
        model.set_params(max_iter=50).fit(X, y)
    assert_allclose(model.score_samples(X, y).sum(), model.log_likelihood_, rtol=1e-6)
