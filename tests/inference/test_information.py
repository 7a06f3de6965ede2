# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Observed information: derivatives, reductions, R's flexmix, warnings."""

import builtins
import warnings
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from scipy.special import logsumexp
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.experts import GeneralizedLinearRegressor
from skmoe.families.noise import Noise
from skmoe.gates import ConstantGate, SoftmaxGate
from skmoe.inference import louis, observed_information
from skmoe.rows.groups import mean_by_group, sum_by_group

FOLDER = Path(__file__).parents[1] / "reference"
RNG = np.random.RandomState(0)
X = RNG.normal(size=(90, 3)) * [1.0, 20.0, 0.1] + [0.0, 5.0, 1.0]
SIDE = X[:, 0] + 0.5 * RNG.normal(size=90) > 0
SCORE = np.where(SIDE, 1.0, -0.5) + np.where(SIDE, 0.7, -0.6) * X[:, 0]
LINE = SCORE + 0.05 * X[:, 1] + 0.3 * RNG.standard_t(4, size=90)
COUNTS = RNG.poisson(np.exp(SCORE)).astype(float)
SPREAD = RNG.poisson(3 * np.exp(SCORE) * RNG.gamma(1.0, size=90)).astype(float)
POSITIVE = np.exp(SCORE) * RNG.gamma(3.0, size=90)
TRIALS = RNG.binomial(8, 1 / (1 + np.exp(-SCORE)))
CLASSES = (LINE > 0.4).astype(int)
GROUPS = np.arange(90) // 3
WEIGHTS = RNG.randint(0, 3, size=90).astype(float)
GLM = GeneralizedLinearRegressor
R, C = MixtureOfExpertsRegressor, MixtureOfExpertsClassifier


def quietly(function, *args, **kwargs):
    """Call without the warnings that a state far from a maximum gives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return function(*args, **kwargs)


def stopped_early(model, X, y, **kwargs):
    """A fit of three iterations: its score is not zero."""
    return quietly(model.set_params(max_iter=3).fit, X, y, **kwargs)


CASES = {
    "gaussian, K=2": (R(n_experts=2), LINE),
    "gaussian, K=3": (R(n_experts=3), LINE),
    "constant gate": (R(n_experts=3, gate=ConstantGate()), LINE),
    "selected columns": (
        R(n_experts=2, gate_features=[0, 2], expert_features=[1]),
        LINE,
    ),
    "no columns": (R(n_experts=2, gate_features=[2], expert_features=[]), LINE),
    "two targets": (R(n_experts=2), np.c_[LINE, SCORE + X[:, 2]]),
    "no intercepts": (R(LinearRegression(fit_intercept=False), n_experts=2), LINE),
    "some intercepts": (
        R([("a", Ridge(fit_intercept=False)), ("b", LinearRegression())]),
        LINE,
    ),
    "poisson": (R(n_experts=2, family="poisson"), COUNTS),
    "offset": (R(n_experts=2, family="poisson", offset_feature=2), COUNTS),
    "gaussian, log link": (R(GLM(link="log"), n_experts=2), POSITIVE),
    "two targets, GLM": (R(GLM(), n_experts=2), np.c_[LINE, SCORE + X[:, 2]]),
    "gamma": (R(n_experts=2, family="gamma"), POSITIVE),
    "gamma, inverse": (
        R(GLM(link="inverse"), n_experts=2, family="gamma", expert_features=[]),
        POSITIVE,
    ),
    "negative binomial": (R(n_experts=2, family="negative_binomial"), SPREAD),
    "student_t": (R(n_experts=2, family="student_t"), LINE),
    "skew_normal": (R(n_experts=2, family="skew_normal"), LINE),
    "log_normal": (R(n_experts=2, family="log_normal"), POSITIVE),
    "binomial": (R(n_experts=2, family="binomial"), np.c_[TRIALS, 8.0 - TRIALS]),
    "zeros": (R(n_experts=3, family=["zero", "poisson", "poisson"]), COUNTS),
    "two families": (R(n_experts=2, family=["gaussian", "student_t"]), LINE),
    "two classes": (C(n_experts=2), CLASSES),
    "three classes": (C(n_experts=2), np.digitize(LINE, [-0.5, 0.7])),
    "logistic, no intercept": (
        C(LogisticRegression(fit_intercept=False), n_experts=3),
        CLASSES,
    ),
}


def shifted(model, name, delta):
    """A copy of the model with one free parameter moved."""
    model = deepcopy(model)
    part, expert, term = name
    k = list(model.named_experts_).index(expert)
    if part == "noise":
        shift_noise(model, k, term, delta)
    elif part == "gate" and isinstance(model.gate_, ConstantGate):
        odds = model.gate_.proportions_
        odds[k] *= np.exp(delta)
        odds /= odds.sum()
    elif part == "gate":
        gate = model.gate_
        shift(
            gate.intercept_,
            gate.coef_.T,
            k,
            term,
            delta,
            model._mixture.reader.columns.gate,
        )
    else:
        experts = model._mixture.experts
        term, _, which = term.rstrip("]").partition("[")
        column = k * experts.n_scores + int(which or 0)
        columns = model._mixture.reader.columns.experts
        shift(experts.intercept, experts.coef, column, term, delta, columns)
    return model


def shift(intercept, slopes, column, term, delta, seen):
    if term == "intercept":
        intercept[column] += delta
    else:
        feature = int(term[1:])
        row = feature if seen is None else list(seen).index(feature)
        slopes[row, column] += delta


def shift_noise(model, k, term, delta):
    noise = model._mixture.experts.noise
    family, parameters = noise.families[k], list(noise.parameters)
    term, _, which = term.removeprefix("log ").rstrip("]").partition("[")
    free = family.to_free(parameters[k])
    free[family.parameter_names.index(term), int(which or 0)] += delta
    parameters[k] = family.from_free(free)
    model._mixture.experts.noise = Noise(noise.families, parameters)


def differences(function, result):
    """Central differences in every free parameter, (p, ...)."""
    steps = 1e-4 / np.sqrt(np.abs(np.diag(result.information)))
    return np.array(
        [
            (function(name, step) - function(name, -step)) / (2 * step)
            for name, step in zip(result.names, steps, strict=True)
        ]
    )


def assert_derivatives(model, y, likelihood, **kwargs):
    """Score and information are derivatives of ``likelihood(model)``."""
    result = quietly(observed_information, model, X, y, **kwargs)
    unit = 1.0 / np.sqrt(np.abs(np.diag(result.information)))

    def value(name, step):
        return likelihood(shifted(model, name, step))

    def score(name, step):
        moved = shifted(model, name, step)
        return quietly(observed_information, moved, X, y, **kwargs).score

    slopes = differences(value, result)
    assert np.abs(result.score * unit).max() > 1e-3  # no maximum: there is something
    assert_allclose(result.score * unit, slopes * unit, rtol=1e-5, atol=1e-5)
    hessian = -differences(score, result)
    scale = unit * unit[:, None]
    assert_allclose(result.information * scale, hessian * scale, rtol=1e-4, atol=1e-5)


# -- derivatives ----------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_score_and_information_are_derivatives(name):
    model, y = CASES[name]
    model = stopped_early(deepcopy(model), X, y)
    assert_derivatives(model, y, lambda m: m.score_samples(X, y).sum())


@pytest.mark.parametrize("name", ["two targets", "poisson", "three classes"])
def test_weights_enter_the_derivatives(name):
    model, y = CASES[name]
    weights = np.random.RandomState(1).uniform(0.1, 3, size=90)
    model = stopped_early(deepcopy(model), X, y, sample_weight=weights)
    assert_derivatives(
        model, y, lambda m: weights @ m.score_samples(X, y), sample_weight=weights
    )


@pytest.mark.parametrize("gate", [SoftmaxGate(), ConstantGate()], ids=str)
@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_derivatives_of_groups(gate, family):
    y = COUNTS if family == "poisson" else LINE
    model = R(n_experts=2, gate=gate, family=family)
    mixed = np.random.RandomState(2).permutation(GROUPS)
    codes = np.unique(mixed, return_inverse=True)[1]
    weights = np.random.RandomState(1).uniform(0.1, 3, size=90)
    data = {"sample_weight": weights, "groups": mixed}
    model = stopped_early(model, X, y, **data)

    def likelihood(model):
        prior = model.gate_.predict_log_proba(mean_by_group(X, codes, weights))
        density = model._mixture.experts.log_density(X, y[:, None])
        return logsumexp(prior + sum_by_group(density, codes, weights), axis=1).sum()

    assert_allclose(likelihood(model), model.log_likelihood_, rtol=1e-9)
    assert_derivatives(model, y, likelihood, **data)


@pytest.mark.parametrize("name", ["gaussian, K=2", "poisson", "three classes"])
def test_integer_weights_are_repeated_rows(name):
    model, y = CASES[name]
    model = stopped_early(deepcopy(model), X, y)
    rows = np.repeat(np.arange(90), WEIGHTS.astype(int))
    for kind in ["hessian", "opg", "sandwich"]:
        weighted = quietly(observed_information, model, X, y, WEIGHTS, kind=kind)
        repeated = quietly(observed_information, model, X[rows], y[rows], kind=kind)
        for attribute in ["score", "information", "covariance"]:
            expected = getattr(repeated, attribute)
            scale = np.abs(np.nan_to_num(expected)).max()
            actual = getattr(weighted, attribute)
            assert_allclose(actual, expected, rtol=1e-5, atol=1e-8 * scale)


def test_groups_of_one_row_are_rows():
    model = R(n_experts=2).fit(X, LINE)
    rows = observed_information(model, X, LINE)
    groups = observed_information(model, X, LINE, groups=np.arange(90)[::-1])
    assert_allclose(groups.information, rows.information, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_sums_do_not_depend_on_blocks(groups, monkeypatch):
    model = R(n_experts=2, gate=ConstantGate()).fit(X, LINE, groups=groups)
    whole = observed_information(model, X, LINE, groups=groups)
    monkeypatch.setattr(louis, "BLOCK_SIZE", 300)
    parts = observed_information(model, X, LINE, groups=groups)
    assert_allclose(parts.information, whole.information, rtol=1e-6, atol=1e-6)
    assert_allclose(parts.standard_errors, whole.standard_errors, rtol=1e-8)


def test_sparse_rows_are_dense_rows():
    model = R(n_experts=2).fit(X, LINE)
    dense = observed_information(model, X, LINE)
    sparse = observed_information(model, sp.csr_matrix(X), LINE)
    assert_allclose(sparse.covariance, dense.covariance, rtol=1e-8)


# -- reductions -----------------------------------------------------------------------


def test_one_gaussian_expert_is_least_squares():
    model = R(n_experts=1).fit(X, LINE)
    result = observed_information(model, X, LINE)
    A = np.column_stack([np.ones(90), X])
    variance = model.dispersions_[0] ** 2
    expected = np.zeros((5, 5))
    expected[:4, :4] = variance * np.linalg.inv(A.T @ A)
    expected[4, 4] = 1 / 180  # of log sigma
    assert_allclose(result.covariance, expected, rtol=1e-6, atol=1e-9)
    residuals = (LINE - A @ np.linalg.lstsq(A, LINE, rcond=None)[0])[:, None]
    bread = np.linalg.inv(A.T @ A)
    robust = observed_information(model, X, LINE, kind="sandwich")
    white = bread @ ((A * residuals).T @ (A * residuals)) @ bread
    assert_allclose(robust.covariance[:4, :4], white, rtol=1e-5, atol=1e-9)


def test_one_logistic_expert_is_logistic_regression():
    model = C(LogisticRegression(C=1e10), n_experts=1, tol=1e-12).fit(X, CLASSES)
    result = observed_information(model, X, CLASSES)
    A, p = np.column_stack([np.ones(90), X]), model.predict_proba(X)[:, 1]
    expected = (A * (p * (1 - p))[:, None]).T @ A
    assert_allclose(result.information, expected, rtol=1e-7)
    squares = (A * (CLASSES - p)[:, None]).T @ (A * (CLASSES - p)[:, None])
    outer = observed_information(model, X, CLASSES, kind="opg")
    assert_allclose(outer.information, squares, rtol=1e-7)


def test_units_of_a_column_move_nothing_else():
    model = R(n_experts=2).fit(X, LINE)
    result = observed_information(model, X, LINE)
    scale = np.array([1e6, 1.0, 1e-6])
    scaled = R(n_experts=2).fit(X * scale, LINE)
    other = observed_information(scaled, X * scale, LINE)
    assert_allclose(other.z_values, result.z_values, rtol=1e-5)


# -- R --------------------------------------------------------------------------------

# R 4.2.2, flexmix 2.3.18, started at the posterior of the maximum. `refit` climbs the
# observed likelihood by optim and inverts its Hessian, by differences of step 1e-3 that
# leave two or three digits; smaller steps of the same likelihood give the ones here:
#   m <- flexmix(Equivalence ~ NO, data = d, k = 2, cluster = posterior,
#                model = FLXMRglm(family = "gaussian"),
#                concomitant = FLXPmultinom(~ NO),
#                control = list(tolerance = 1e-14, iter.max = 5000, minprior = 0))
#   r <- refit(m, method = "optim"); f <- flexmix:::FLXlogLikfun(m)
#   o <- optim(r@coef, f, method = "BFGS", control =
#              list(fnscale = -1, reltol = 1e-16, maxit = 1000, ndeps = rep(1e-6, 8)))
#   h <- optimHess(o$par, f, control = list(fnscale = -1, ndeps = rep(1e-5, 8)))
#   sqrt(diag(solve(-h)))
# and for patents: Patents ~ lgRD, family = "poisson", FLXPmultinom(~ RDS), steps 3e-5.
# `refit` itself: 0.014643 0.006439 0.008463 0.005372, gate 0.47297 0.24056, and
# 0.21175 0.05376 0.20141 0.04771, gate 0.42969 1.43862.
FLEXMIX = {
    "gaussian": {
        "data": ("nodata.csv", "Equivalence", ["NO"], ["NO"]),
        "expert": [[0.0146459578, 0.0064438926], [0.0085017618, 0.0054074848]],
        "gate": [0.4731161128, 0.2407347198],
        "noise": [0.1174699811, 0.1239991919],
    },
    "poisson": {
        "data": ("patent.csv", "Patents", ["RDS"], ["lgRD"]),
        "expert": [[0.211612102, 0.053718403], [0.201345321, 0.047688362]],
        "gate": [0.429626914, 1.438505099],
        "noise": [],
    },
}


@pytest.mark.parametrize("family", FLEXMIX)
def test_standard_errors_are_those_of_flexmix(family):
    reference = FLEXMIX[family]
    name, response, gate_features, expert_features = reference["data"]
    table = pd.read_csv(FOLDER / name)
    model = R(
        n_experts=2,
        gate=SoftmaxGate(alpha=0),
        gate_features=gate_features,
        expert_features=expert_features,
        family=family,
        tol=1e-12,
    ).fit(table, table[response])
    result = observed_information(model, table, table[response])
    of = {"gate": [], "expert": [], "noise": []}
    for (part, _, _), error in zip(result.names, result.standard_errors, strict=True):
        of[part].append(error)
    # The order of the experts is not a parameter.
    experts = np.sort(np.reshape(of["expert"], (2, 2)), axis=0)
    assert_allclose(experts, np.sort(reference["expert"], axis=0), rtol=2e-5)
    assert_allclose(of["gate"], reference["gate"], rtol=2e-5)
    assert_allclose(np.sort(of["noise"]), reference["noise"], rtol=2e-5)


# -- statistics -----------------------------------------------------------------------


def simulated(n, seed):
    """Two regimes with known coefficients: X (n, 1), y (n,)."""
    rng = np.random.RandomState(seed)
    x = rng.normal(size=n)
    second = rng.uniform(size=n) < 1 / (1 + np.exp(-(0.5 + 1.5 * x)))
    mean = np.where(second, 1.0 + 2.0 * x, -0.5 - x)
    noise = np.where(second, 0.8, 0.4) * rng.normal(size=n)
    return x[:, None], mean + noise, second


TRUTH = [0.5, 1.5, -0.5, -1.0, 1.0, 2.0, np.log(0.4), np.log(0.8)]


def fit_simulated(n, seed):
    features, y, second = simulated(n, seed)
    gate = SoftmaxGate(alpha=1e-7)
    model = R(n_experts=2, gate=gate, init=second.astype(int)).fit(features, y)
    return model, features, y


def test_truth_is_within_three_standard_errors():
    for kind in ["hessian", "opg", "sandwich"]:
        result = observed_information(*fit_simulated(5000, 0), kind=kind)
        z = (result.estimates - TRUTH) / result.standard_errors
        assert np.abs(z).max() < 3
        assert np.abs(z).min() > 1e-3  # and not because errors are endless


def test_standard_errors_are_the_spread_of_estimates():
    results = [observed_information(*fit_simulated(400, seed)) for seed in range(60)]
    z = np.array([(r.estimates - TRUTH) / r.standard_errors for r in results])
    spread = np.sqrt(np.mean(z**2, axis=0))
    # Sixty draws: three standard errors of a standard deviation are 0.27.
    assert_allclose(spread, 1.0, atol=0.3)


# -- what the user reads --------------------------------------------------------------


def test_summary_has_the_coefficients_of_the_model(regression):
    features, y = regression
    frame = pd.DataFrame(features, columns=["a", "b"])
    model = R([("up", LinearRegression()), ("down", Ridge(1e-6))]).fit(frame, y)
    table = quietly(model.summary, frame, y)
    assert table.index.names == ["part", "expert", "term"]
    gate = table.loc["gate"]["estimate"].unstack()[["a", "b"]].loc[["up", "down"]]
    assert_allclose(gate, model.gate_.coef_)
    assert_allclose(
        table.loc[("expert", "down", "b"), "estimate"], model.experts_[1].coef_[1]
    )
    noise = table.loc["noise"].xs("dispersion", level="term")
    assert_allclose(noise["estimate"], model.dispersions_)
    assert noise[["z", "p"]].isna().all(axis=None)
    result = quietly(observed_information, model, frame, y)
    errors = dict(zip(result.names, result.standard_errors, strict=True))
    free = [errors["noise", name, "log dispersion"] for name in ["up", "down"]]
    assert_allclose(noise["standard error"], model.dispersions_ * free, rtol=1e-6)
    assert_allclose(
        noise["upper"], model.dispersions_ * np.exp(1.959964 * np.array(free))
    )
    # Of two coefficients that sum to zero each is half their difference.
    assert_allclose(
        table.loc[("gate", "up", "a"), "standard error"],
        errors["gate", "down", "a"] / 2,
    )
    expert = table.loc["expert"]
    assert_allclose(expert["z"], expert["estimate"] / expert["standard error"])
    assert_allclose(
        expert["upper"] - expert["lower"], 2 * 1.959964 * expert["standard error"]
    )


def test_proportions_by_the_delta_method():
    model = R(n_experts=3, gate=ConstantGate()).fit(X, LINE)
    result = observed_information(model, X, LINE)
    rows = result.table().loc["gate"]
    assert_allclose(rows["estimate"], model.gate_.proportions_)
    assert (rows["lower"] > 0).all()
    assert (rows["upper"] < 1).all()

    def softmax(free):
        exponents = np.exp(np.append(0, free))
        return exponents / exponents.sum()

    free, step = result.estimates[:2], 1e-6
    assert_allclose(softmax(free), model.gate_.proportions_)
    moved = [softmax(free + step * e) - softmax(free - step * e) for e in np.eye(2)]
    J = np.transpose(moved) / (2 * step)
    expected = J @ result.covariance[:2, :2] @ J.T
    assert_allclose(rows["standard error"] ** 2, np.diag(expected), rtol=1e-6)


def test_classes_sum_to_zero_in_the_table():
    y = np.array(["low", "mid", "high"])[np.digitize(LINE, [-0.5, 0.7])]
    model = quietly(C(n_experts=2).fit, X, y)
    table = quietly(model.summary, X, y).loc["expert"]
    values = [
        table.loc[("expert1", f"x0[{label}]"), "estimate"] for label in model.classes_
    ]
    assert_allclose(values, model.experts_[1].coef_[:, 0])
    assert np.isfinite(table["standard error"]).all()


def test_level_of_intervals():
    result = observed_information(R(n_experts=1).fit(X, LINE), X, LINE)
    narrow, wide = result.table(level=0.5), result.table(level=0.99)
    assert (wide["upper"] > narrow["upper"]).all()
    with pytest.raises(ValueError, match="level must be between 0 and 1"):
        result.table(level=95)


def test_summary_without_pandas(monkeypatch):
    model = R(n_experts=2).fit(X, LINE)
    table, real = model.summary(X, LINE), builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    columns = model.summary(X, LINE)
    assert isinstance(columns, dict)
    assert columns["part"] == table.index.get_level_values("part").tolist()
    assert_allclose(columns["p"], table["p"])


def test_class_weights_are_those_of_the_fit():
    model = C(
        LogisticRegression(C=1e10), n_experts=1, class_weight="balanced", tol=1e-12
    )
    labels = (LINE > 0.8).astype(int)
    assert observed_information(model.fit(X, labels), X, labels).distance < 1e-3


# -- warnings and errors --------------------------------------------------------------


def test_a_penalty_that_moves_the_estimate_is_told():
    model = R(Ridge(alpha=30), n_experts=2).fit(X, LINE)
    with pytest.warns(UserWarning, match="unpenalised maximum .* standard errors away"):
        observed_information(model, X, LINE)


def test_defaults_do_not_warn(regression, recwarn):
    features, y, _ = simulated(2000, 1)
    R(n_experts=2).fit(features, y).summary(features, y)
    assert not [w for w in recwarn if "unpenalised" in str(w.message)]


@pytest.mark.parametrize(
    "column", [np.ones(90), X[:, 0] * 2 - X[:, 1]], ids=["1", "sum"]
)
def test_collinear_columns_have_no_standard_error(column):
    model = R(n_experts=2, gate_features=[2]).fit(np.column_stack([X, column]), LINE)
    data = np.column_stack([X, column]), LINE
    with pytest.warns(
        UserWarning, match="singular or indefinite: .* no standard error"
    ):
        result = observed_information(model, *data)
    errors = dict(zip(result.names, result.standard_errors, strict=True))
    assert np.isnan(errors["expert", "expert0", "x3"])
    plain = R(n_experts=2, gate_features=[2]).fit(X, LINE)
    expected = observed_information(plain, X, LINE)
    expected = dict(zip(expected.names, expected.standard_errors, strict=True))
    for name in [("gate", "expert1", "x2"), ("expert", "expert0", "x2")]:
        assert_allclose(errors[name], expected[name], rtol=1e-3)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"experts": DecisionTreeRegressor(max_depth=1)}, "need linear experts.*Tree"),
        ({"experts": make_pipeline(StandardScaler(), Ridge())}, "need linear experts"),
        ({"gate": LogisticRegression()}, "need a SoftmaxGate or a ConstantGate"),
    ],
)
def test_parts_without_derivatives_are_refused(parameters, match):
    model = R(n_experts=2, tol=0.1, random_state=0, **parameters).fit(X, LINE)
    with pytest.raises(TypeError, match=match):
        model.summary(X, LINE)


def test_laplace_needs_the_outer_product():
    model = R(n_experts=1, family="laplace").fit(X, LINE)
    with pytest.raises(ValueError, match=r"'laplace' has a kink.*kind='hessian'"):
        observed_information(model, X, LINE)
    result = observed_information(model, X, LINE, kind="opg")
    # The score of a median is a sign over the scale.
    A = np.column_stack([np.ones(90), X]) / model.dispersions_[0]
    assert_allclose(result.information[:4, :4], A.T @ A, rtol=0.05)


def test_kind_is_checked():
    model = R(n_experts=1).fit(X, LINE)
    with pytest.raises(ValueError, match=r"kind must be one of .* Got 'fisher'"):
        observed_information(model, X, LINE, kind="fisher")


def test_summary_with_rows_needs_their_targets():
    model = R(n_experts=1).fit(X, LINE)
    with pytest.raises(ValueError, match="require y to be passed"):
        model.summary(X)


def test_an_expert_without_rows_has_no_standard_errors():
    alone, model = R(n_experts=1).fit(X, LINE), R(n_experts=2).fit(X, LINE)
    one, two = alone._mixture.experts, model._mixture.experts
    two.coef[:, :1], two.intercept[:1] = one.coef, one.intercept
    two.noise = Noise(
        two.noise.families, [one.noise.parameters[0], two.noise.parameters[1]]
    )
    model.gate_.coef_[:] = 0.0
    model.gate_.intercept_[:] = [800.0, -800.0]
    with pytest.warns(UserWarning, match="singular or indefinite: 9 of 14"):
        errors = observed_information(model, X, LINE).standard_errors
    expected = observed_information(alone, X, LINE).standard_errors
    assert_allclose(errors[~np.isnan(errors)], expected, rtol=1e-8)
