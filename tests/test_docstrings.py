# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Every public object is documented, in the form that numpydoc expects."""

import ast
import inspect
import re
import tomllib
from pathlib import Path

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc
from numpydoc.validate import ERROR_MSGS, validate
from sklearn.base import BaseEstimator

import skmoe
import skmoe.datasets
import skmoe.distribution
import skmoe.inference
import skmoe.metrics
import skmoe.model_selection
from skmoe.distribution import PredictiveDistribution
from skmoe.families import BaseFamily

# What EM calls and users do not: documented once, in the contract (`base.py`).
CONTRACT = {"count_parameters", "cross_fitted_trainer", "scores", "trainer"}
ROOT = Path(__file__).resolve().parents[1]


def is_ours(value):
    return getattr(value, "__module__", "").startswith("skmoe")


def public_objects():
    """Return the classes and functions that users name, by the place of their code."""
    modules = [
        skmoe,
        skmoe.datasets,
        skmoe.distribution,
        skmoe.families,
        skmoe.gates,
        skmoe.inference,
        skmoe.metrics,
        skmoe.model_selection,
    ]
    members = [getattr(module, name) for module in modules for name in module.__all__]
    return {
        f"{value.__module__}.{value.__qualname__}": value
        for value in members
        if inspect.isroutine(value) or inspect.isclass(value)
        if not value.__name__.startswith("check_")
    }


OBJECTS = public_objects()
CLASSES = {name: value for name, value in OBJECTS.items() if inspect.isclass(value)}
ESTIMATORS = {
    name: value
    for name, value in CLASSES.items()
    if issubclass(value, BaseEstimator) and not inspect.isabstract(value)
}


def public_methods(owner):
    """Names of the methods for users that skmoe itself defines."""
    contract = CONTRACT | (
        set(vars(BaseFamily)) if issubclass(owner, BaseFamily) else set()
    )
    return [
        name
        for name, value in inspect.getmembers(owner, inspect.isroutine)
        if name[0] != "_" and name not in contract and is_ours(value)
    ]


METHODS = [
    f"{name}.{method}"
    for name, owner in CLASSES.items()
    for method in public_methods(owner)
]


@pytest.fixture(scope="module")
def ignored_codes():
    """The codes that the project's numpydoc configuration excludes."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    checks = tomllib.loads(text)["tool"]["numpydoc_validation"]["checks"]
    assert checks[0] == "all"
    return set(checks[1:])


def test_the_codes_excluded_are_codes_of_numpydoc(ignored_codes):
    assert ignored_codes <= set(ERROR_MSGS)


@pytest.mark.parametrize("name", [*OBJECTS, *METHODS])
def test_docstring_is_valid_numpydoc(name, ignored_codes):
    errors = validate(name)["errors"]
    assert not [error for error in errors if error[0] not in ignored_codes]


def documented_parameters(docstring):
    """Names in the Parameters section; one entry may name several."""
    entries = [entry.name for entry in docstring["Parameters"]]
    return [name.strip(" *") for entry in entries for name in entry.split(",")]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_parameters_of_an_estimator_are_documented_in_their_order(name):
    signature = inspect.signature(ESTIMATORS[name])
    assert documented_parameters(ClassDoc(ESTIMATORS[name])) == [*signature.parameters]


@pytest.mark.parametrize("name", METHODS)
def test_parameters_of_a_method_are_documented_in_their_order(name):
    owner, method = name.rsplit(".", 1)
    function = getattr(CLASSES[owner], method)
    expected = [p for p in inspect.signature(function).parameters if p != "self"]
    assert documented_parameters(FunctionDoc(function)) == expected


@pytest.mark.parametrize("method", public_methods(PredictiveDistribution))
def test_method_of_a_distribution_has_an_example(method):
    docstring = FunctionDoc(getattr(PredictiveDistribution, method))
    assert ">>>" in "\n".join(docstring["Examples"])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_default_values_are_documented_as_they_are(name):
    text = inspect.getdoc(ESTIMATORS[name])
    for parameter in inspect.signature(ESTIMATORS[name]).parameters.values():
        if parameter.default is not parameter.empty:
            stated = re.search(
                rf"^[\w, ]*\b{parameter.name}\b[\w, ]* : [^:]*?default=(.*)$",
                text,
                re.M,
            )
            assert stated, parameter.name
            assert ast.literal_eval(stated[1]) == parameter.default


@pytest.mark.parametrize("name", ESTIMATORS)
def test_class_has_an_example(name):
    assert ">>>" in "\n".join(ClassDoc(ESTIMATORS[name])["Examples"])
