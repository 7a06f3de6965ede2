# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Warnings point at the line of the user's code."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skmoe import MixtureOfExpertsRegressor
from skmoe.model_selection import ExpertCountSearch
from tests.shared import two_regimes


def heard(function):
    """Names of the files that the warnings of a call point at."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    assert caught
    return {Path(warning.filename).name for warning in caught}


@pytest.mark.parametrize(
    ("settings", "params"),
    [
        ({"max_iter": 2}, {}),
        ({"experts": DecisionTreeRegressor(), "tol": 1e-3}, {}),
        ({"max_iter": 500}, {"groups": np.arange(150) // 3}),
    ],
    ids=["not converged", "collapsed", "columns that vary within groups"],
)
def test_a_warning_of_fit_points_at_its_caller(settings, params):
    X, y, _ = two_regimes()
    model = MixtureOfExpertsRegressor(n_experts=2, random_state=0, **settings)
    assert heard(lambda: model.fit(X, y, **params)) == {Path(__file__).name}


def test_a_warning_of_a_search_points_at_its_caller():
    X, y, _ = two_regimes()
    search = ExpertCountSearch(MixtureOfExpertsRegressor(max_iter=2), n_experts=[2])
    assert heard(lambda: search.fit(X, y)) == {Path(__file__).name}


def test_a_warning_inside_a_pipeline_points_out_of_the_package():
    X, y, _ = two_regimes()
    model = make_pipeline(StandardScaler(), MixtureOfExpertsRegressor(max_iter=2))
    (file,) = heard(lambda: model.fit(X, y))
    assert file == "pipeline.py"
