# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Maxima that R's packages established are reached, or a better interior one."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from skmoe import MixtureOfExpertsClassifier, MixtureOfExpertsRegressor
from skmoe.gates import ConstantGate, SoftmaxGate

FOLDER = Path(__file__).parent / "reference"
CASES = json.loads((FOLDER / "cases.json").read_text())
TOLERANCE = 1e-3


def fit_case(case, **parameters):
    """Fit a case with a penalty of the gate that is negligible."""
    X = pd.read_csv(FOLDER / case["data"])
    y = X[case["response"]]
    if case["family"] == "categorical":
        model = MixtureOfExpertsClassifier(LogisticRegression(C=1e8))
    else:
        model = MixtureOfExpertsRegressor(family=case["family"])
        model.set_params(offset_feature=case.get("offset"))
    has_gate = bool(case["gate_features"])
    model.set_params(
        n_experts=case["n_experts"],
        gate=SoftmaxGate(alpha=1e-10) if has_gate else ConstantGate(),
        gate_features=case["gate_features"],
        expert_features=case["expert_features"],
        **parameters,
    )
    weights = X[case["weights"]] if "weights" in case else None
    groups = X[case["group"]] if "group" in case else None
    return model.fit(X, y, weights, groups=groups), X, y


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_reference_maximum_is_reached(case):
    model, X, y = fit_case(case, n_init=20, random_state=0)
    assert model.converged_
    assert model.log_likelihood_ > case["log_likelihood"] - TOLERANCE
    assert model.n_parameters_ == case["n_parameters"]
    if not case.keys() & {"weights", "group"}:
        total = model.score_samples(X, y).sum()
        np.testing.assert_allclose(total, model.log_likelihood_, rtol=1e-9)


INTERIOR = [
    case
    for case in CASES
    if case["kind"] == "interior" and case["family"] == "gaussian"
]


@pytest.mark.parametrize("case", INTERIOR, ids=lambda case: case["id"])
def test_dispersions_at_the_reference_maximum(case):
    model, _, y = fit_case(case, n_init=20, random_state=0)
    assert model.dispersions_.min() > 2e-3 * np.std(y)
    assert abs(model.log_likelihood_ - case["log_likelihood"]) < TOLERANCE
    np.testing.assert_allclose(
        np.sort(model.dispersions_), np.sort(case["dispersions"]), rtol=2e-3
    )


def test_defaults_reach_most_references():
    """The defaults' single deterministic start; docs/defaults.md has the table."""
    reached = [
        fit_case(case)[0].log_likelihood_ > case["log_likelihood"] - TOLERANCE
        for case in CASES
    ]
    assert sum(reached) >= 12
