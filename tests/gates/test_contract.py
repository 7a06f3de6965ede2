# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What holds for every gate, alone and inside EM."""

import inspect
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.em.driver import EM
from skmoe.gates import (
    ClassifierGate,
    ConstantGate,
    GaussianGate,
    HierarchicalGate,
    PipelineGate,
    SoftmaxGate,
)
from skmoe.gates.balance import BalancedTrainer
from skmoe.gates.base import BaseGate
from skmoe.gates.pipeline import PipelineTrainer
from skmoe.gates.trainers import ForwardingTrainer, GateTrainer
from skmoe.rows.design import Designs
from tests.shared import assert_never_falls

TREE = DecisionTreeClassifier(max_depth=2, random_state=0)
PARAMETRIC = {
    "softmax": SoftmaxGate(0.01),
    "elastic net": SoftmaxGate(0.02, l1_ratio=0.7),
    "balanced": SoftmaxGate(0.01, balance=3.0),
    "balanced net": SoftmaxGate(0.02, l1_ratio=0.7, balance=3.0),
    "capacity": SoftmaxGate(0.01, capacity_factor=1.2),
    "constant": ConstantGate(),
    "full": GaussianGate(),
    "diag": GaussianGate("diag"),
    "tied": GaussianGate("tied"),
    "tree": HierarchicalGate((3,), alpha=0.01),
    "deep tree": HierarchicalGate((1, 3), alpha=0.01),
}
WRAPPED = {
    "classifier": ClassifierGate(TREE),
    "pipeline": PipelineGate(make_pipeline(StandardScaler(), SoftmaxGate(0.01))),
    "gaussian pipeline": PipelineGate(make_pipeline(StandardScaler(), GaussianGate())),
}
GATES = {**PARAMETRIC, **WRAPPED}
DENSE_ONLY = {"full", "diag", "tied"}
SHORT = pytest.mark.filterwarnings("ignore:EM did not converge")  # cut off on purpose


def every(gates):
    return pytest.mark.parametrize("gate", gates.values(), ids=gates.keys())


@every(GATES)
def test_fit_alone_moves_towards_the_soft_labels(soft_labels, gate):
    X, R, weights = soft_labels
    fitted = clone(gate)
    assert fitted.fit(X, R, weights) is fitted
    proba = fitted.predict_proba(X)
    assert proba.shape == R.shape
    assert_allclose(proba.sum(axis=1), 1.0)
    assert fitted.get_params(deep=False).keys() == gate.get_params(deep=False).keys()
    assert not hasattr(clone(fitted), "coef_")
    gap = np.abs(weights @ proba - weights @ R).max() / weights.sum()
    assert gap < 0.05


@every(GATES)
def test_pickle_and_clone_keep_what_there_is_to_keep(soft_labels, gate):
    X, R, _ = soft_labels
    fitted = clone(gate).fit(X, R)
    again = pickle.loads(pickle.dumps(fitted))
    assert_allclose(again.predict_proba(X), fitted.predict_proba(X))
    assert repr(clone(fitted)) == repr(gate)


@every(PARAMETRIC)
def test_integer_weights_equal_repeated_rows(soft_labels, gate):
    X, R, _ = soft_labels
    counts = np.arange(len(X)) % 3 + 1
    weighted = clone(gate).fit(X, R, counts)
    rows = np.repeat(np.arange(len(X)), counts)
    repeated = clone(gate).fit(X[rows], R[rows])
    assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-5)


@every(PARAMETRIC)
def test_units_and_origin_of_the_features_do_not_matter(soft_labels, gate):
    X, R, weights = soft_labels
    moved = (X + 2.0) * [1e6, 1e-6, 3.0]
    assert_allclose(
        clone(gate).fit(moved, R, weights).predict_proba(moved),
        clone(gate).fit(X, R, weights).predict_proba(X),
        atol=1e-6,
    )


@every({name: gate for name, gate in PARAMETRIC.items() if name not in DENSE_ONLY})
def test_sparse_equals_dense(soft_labels, gate):
    X, R, weights = soft_labels
    X = np.where(np.abs(X) < 0.5, 0.0, X)
    dense = clone(gate).fit(X, R, weights).predict_proba(X)
    sparse = clone(gate).fit(sp.csr_array(X), R, weights)
    assert_allclose(sparse.predict_proba(sp.csr_array(X)), dense, atol=1e-5)


@every({name: GATES[name] for name in sorted(DENSE_ONLY)})
def test_gaussian_gates_refuse_sparse_features(soft_labels, gate):
    X, R, _ = soft_labels
    with pytest.raises(ValueError, match=r"needs dense features.*TruncatedSVD"):
        clone(gate).fit(sp.csr_array(X), R)
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        clone(gate).fit(X, R).predict_proba(sp.csr_array(X))


@every({name: gate for name, gate in GATES.items() if name != "constant"})
def test_another_number_of_features_is_refused(soft_labels, gate):
    X, R, _ = soft_labels
    fitted = clone(gate).fit(X, R)
    with pytest.raises(ValueError, match=r"X has 2 features, but \w+ is expecting 3"):
        fitted.predict_proba(X[:, :2])


@every(GATES)
def test_bad_soft_labels_are_refused(gate):
    with pytest.raises(ValueError, match=r"row sums from 0.9 to 1"):
        clone(gate).fit(np.zeros((2, 1)), [[0.5, 0.4], [1.0, 0.0]])


@every({name: gate for name, gate in GATES.items() if name != "pipeline"})
def test_unfitted_gates_say_so(gate):
    for ask in (gate.predict_proba, lambda X: gate.select([0])):
        with pytest.raises(NotFittedError):
            ask(np.zeros((2, 1)))


@every(GATES)
def test_selection_is_the_renormalised_gate(soft_labels, gate):
    X, R, weights = soft_labels
    fitted = clone(gate).fit(X, R, weights)
    proba = fitted.predict_proba(X)[:, [2, 0]]
    selected = fitted.select([2, 0])
    assert_allclose(
        selected.predict_proba(X), proba / proba.sum(axis=1, keepdims=True), rtol=1e-6
    )
    assert fitted.predict_proba(X).shape == R.shape
    assert_allclose(selected.select([1]).predict_proba(X), 1.0)


@every(GATES)
@pytest.mark.parametrize("experts", [[], [3], [0, 0], [-1], [0.5], [[0]]])
def test_a_selection_must_be_indices(soft_labels, gate, experts):
    X, R, _ = soft_labels
    with pytest.raises(ValueError, match="distinct indices from 0 to 2"):
        clone(gate).fit(X, R).select(experts).predict_proba(X)


def test_a_selection_of_a_tree_is_not_fitted_again(soft_labels):
    X, R, _ = soft_labels
    selected = ClassifierGate(TREE).fit(X, R).select([0, 1])
    with pytest.raises(TypeError, match="clone of the gate it comes from, Classifier"):
        selected.fit(X, R[:, :2] / R[:, :2].sum(axis=1, keepdims=True))


@every(PARAMETRIC)
def test_resume_comes_back_to_the_state(soft_labels, gate):
    X, R, weights = soft_labels
    designs = Designs(weights)
    first = clone(gate).trainer(X, 3, weights, designs)
    first.step(R * weights[:, None])
    second = clone(gate).trainer(X, 3, weights, designs)
    second.resume(first.fitted())
    assert_allclose(second.log_proba, first.log_proba, atol=1e-8)
    assert_allclose(second.penalty, first.penalty, rtol=1e-8)


@every(GATES)
def test_snapshots_are_not_touched_by_steps(soft_labels, gate):
    X, R, weights = soft_labels
    trainer = clone(gate).trainer(X, 3, weights, Designs(weights))
    trainer.step(R * weights[:, None])
    snapshot, before = trainer.snapshot(), trainer.log_proba.copy()
    trainer.step(R[:, ::-1] * weights[:, None])
    assert np.abs(trainer.log_proba - before).max() > 1e-3
    trainer.restore(snapshot)
    assert_allclose(trainer.log_proba, before, atol=1e-12)


@every(GATES)
def test_a_step_never_lowers_the_objective(soft_labels, gate):
    X, R, weights = soft_labels
    R = R * weights[:, None]
    trainer = clone(gate).trainer(X, 3, weights, Designs(weights))
    values = []
    for _ in range(8):
        trainer.step(R)
        expected = np.vdot(R, trainer.log_proba) / weights.sum()
        values.append(expected - trainer.penalty)
    assert np.diff(values).min() >= -1e-12


@SHORT
@every(GATES)
@pytest.mark.parametrize("expert", [None, DecisionTreeRegressor(max_depth=2)])
@pytest.mark.filterwarnings("ignore:The dispersions of experts")  # 150 rows, trees
def test_em_never_falls_and_reports_the_conditional_likelihood(
    regression, gate, expert
):
    X, y = regression
    weights = np.random.RandomState(0).uniform(0.5, 2, size=len(y))
    model = MixtureOfExpertsRegressor(
        expert, n_experts=3, gate=gate, max_iter=25, random_state=0
    ).fit(X, y, weights)
    assert_never_falls(model.lower_bounds_)
    assert model.lower_bounds_[-1] > model.lower_bounds_[0]
    total = weights @ model.score_samples(X, y)
    assert_allclose(model.log_likelihood_, total, rtol=1e-8, atol=1e-7)


@SHORT
@every(GATES)
def test_the_m_step_itself_never_lowers_the_objective(regression, gate, monkeypatch):
    """No step is taken back, which `lower_bounds_` alone would not show."""
    bounds = []
    e_step = EM._e_step

    def watched(run):
        expectation = e_step(run)
        bounds.append(expectation.bound)
        return expectation

    monkeypatch.setattr(EM, "_e_step", watched)
    line = make_pipeline(LinearRegression())  # fitted by itself: plain EM, no retreats
    model = MixtureOfExpertsRegressor(line, gate=gate, n_init=1, max_iter=30)
    model.fit(*regression)
    assert len(bounds) == model.n_iter_ + 1
    assert_never_falls(bounds)
    assert bounds[-1] > bounds[0]


@SHORT
@every(PARAMETRIC)
def test_em_of_a_classifier_never_falls(classification, gate):
    model = MixtureOfExpertsClassifier(gate=gate, max_iter=20).fit(*classification)
    assert_never_falls(model.lower_bounds_)


@SHORT
@every(PARAMETRIC)
def test_a_fit_in_two_parts_is_a_fit_in_one(regression, gate):
    X, y = regression
    settings = {"gate": gate, "tol": 0.0, "accelerate": False, "n_init": 1}
    whole = MixtureOfExpertsRegressor(max_iter=9, **settings).fit(X, y)
    parts = MixtureOfExpertsRegressor(max_iter=5, warm_start=True, **settings)
    parts.fit(X, y).set_params(max_iter=4).fit(X, y)
    # What is iterated inside a step (capacities, coordinate descent) has a tolerance.
    assert_allclose(parts.lower_bound_, whole.lower_bound_, atol=1e-7)


@SHORT
@every(PARAMETRIC)
def test_one_expert_leaves_a_gate_nothing_to_decide(regression, gate):
    if isinstance(gate, HierarchicalGate):
        gate = HierarchicalGate((1,))
    X, y = regression
    one = MixtureOfExpertsRegressor(n_experts=1, gate=gate, max_iter=20).fit(X, y)
    alone = MixtureOfExpertsRegressor(n_experts=1, gate=ConstantGate()).fit(X, y)
    assert_allclose(one.predict(X), alone.predict(X), rtol=1e-8)
    assert_allclose(one.log_likelihood_, alone.log_likelihood_, rtol=1e-8)


@SHORT
@every(PARAMETRIC)
def test_a_gate_that_sees_no_columns_is_constant(regression, gate):
    X, y = regression
    model = MixtureOfExpertsRegressor(gate=gate, gate_features=[], max_iter=20)
    proba = model.fit(X, y).gate_proba(X)
    assert_allclose(proba, np.tile(proba[0], (len(X), 1)))


@every({name: PARAMETRIC[name] for name in ("full", "diag", "tied", "tree")})
def test_a_constant_column_changes_nothing(soft_labels, gate):
    X, R, weights = soft_labels
    wide = np.column_stack([X, np.full(len(X), 7.0)])
    assert_allclose(
        clone(gate).fit(wide, R, weights).predict_proba(wide),
        clone(gate).fit(X, R, weights).predict_proba(X),
        atol=1e-7,
    )


def test_the_number_of_parameters_of_each_gate(soft_labels):
    X, R, _ = soft_labels  # three features, three experts
    counts = {
        name: clone(gate).fit(X, R).count_parameters()
        for name, gate in GATES.items()
        if "net" not in name
    }
    assert counts["softmax"] == counts["tree"] == counts["deep tree"] == 8
    assert counts["constant"] == 2
    assert counts["full"] == 2 + 9 + 18
    assert counts["diag"] == 2 + 9 + 9
    assert counts["tied"] == 2 + 9 + 6
    assert counts["gaussian pipeline"] == counts["full"]
    assert np.isnan(ClassifierGate(GaussianNB()).fit(X, R).count_parameters())


# -- wrappers -------------------------------------------------------------------------


class Recorder:
    """Answers to every name with that name, and notes what is called."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Answer(name)


class Answer(str):
    """A name that can be called: the answer is the name again."""

    def __call__(self, *args):
        return self


MEMBERS = [name for name in vars(GateTrainer) if not name.startswith("_")]


def test_a_wrapper_forwards_every_member_of_the_contract():
    outer = ForwardingTrainer(Recorder())
    assert set(MEMBERS) <= set(vars(ForwardingTrainer))
    for name in MEMBERS:
        member = getattr(outer, name)
        if not callable(vars(GateTrainer)[name]):
            assert member == name
            continue
        n_arguments = len(inspect.signature(member).parameters)
        answered = member(*[None] * n_arguments)
        assert answered in (name, None)  # steps return nothing


@pytest.mark.parametrize("name", ["capacity_factor", "overfitted", "warm_up_trainer"])
def test_a_pipeline_and_a_balance_forward_what_they_do_not_override(name):
    for kind in (PipelineTrainer, BalancedTrainer):
        assert getattr(kind, name) is vars(ForwardingTrainer)[name]


# -- gates of one's own that are none -------------------------------------------------


class SharpGate(SoftmaxGate):
    """Changes what it predicts, and not what is trained."""

    def predict_log_proba(self, X):
        scores = 50 * super().predict_log_proba(X)
        return scores - np.logaddexp.reduce(scores, axis=1)[:, None]


class ImproperTrainer(GateTrainer):
    """Even shares, whatever the responsibilities are."""

    log_proba = None

    def __init__(self, n_samples, n_experts):
        self.log_proba = np.full((n_samples, n_experts), -np.log(n_experts))

    def step(self, responsibilities):
        pass

    def fitted(self):
        return ImproperGate()

    def snapshot(self):
        return None

    def restore(self, snapshot):
        pass

    def resume(self, fitted):
        pass


class ImproperGate(BaseGate):
    """Probabilities that add up to two."""

    def trainer(self, X, n_experts, weights, designs):
        return ImproperTrainer(len(X), n_experts)

    def predict_log_proba(self, X):
        return np.zeros((len(X), 2))


def test_a_gate_that_is_trained_as_another_is_refused(regression):
    model = MixtureOfExpertsRegressor(n_experts=2, gate=SharpGate())
    match = r"SharpGate\(\) overrides predict_log_proba but inherits trainer and scores"
    with pytest.raises(ValueError, match=match):
        model.fit(*regression)


def test_probabilities_that_do_not_add_up_are_refused(regression):
    model = MixtureOfExpertsRegressor(n_experts=2, gate=ImproperGate())
    with pytest.raises(
        ValueError, match=r"ImproperGate\(\) must add up to one.*sums from"
    ):
        model.fit(*regression)
