# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The configuration says each thing once, and what ships is complete and clean."""

import configparser
import os
import re
import tomllib
from pathlib import Path

import pytest

import skmoe

ROOT = Path(__file__).resolve().parents[1]
HEADER = "# Authors: The skmoe developers\n# SPDX-License-Identifier: BSD-3-Clause\n"

# What an installed package, a tool or a build leaves in a checkout, beside the folders
# that begin with a dot.
GENERATED = {"__pycache__", "_build", "auto_examples", "build", "dist", "htmlcov"}
TEXT_SUFFIXES = {
    "", ".cff", ".cfg", ".csv", ".ini", ".ipynb", ".json", ".md", ".py", ".rst",
    ".sh", ".svg", ".toml", ".txt", ".yaml", ".yml",
}  # fmt: skip


@pytest.fixture(scope="module")
def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def setup_cfg():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def is_generated(name):
    is_hidden = name.startswith(".") and name != ".ci"
    return is_hidden or name in GENERATED or name.endswith(".egg-info")


def source_files():
    """Yield the project's own text files."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not is_generated(name)]
        paths = (Path(folder, name) for name in names if not name.startswith(".cov"))
        yield from (path for path in paths if path.suffix in TEXT_SUFFIXES)


# Two configuration files, no key twice


def test_setup_cfg_says_nothing_about_the_package(setup_cfg):
    packaging = ("metadata", "options", "build", "install", "bdist", "sdist", "egg")
    assert not [name for name in setup_cfg.sections() if name.startswith(packaging)]


def test_pyproject_configures_only_what_reads_nothing_else(pyproject):
    assert set(pyproject["tool"]) == {"setuptools", "ruff", "numpydoc_validation"}


def test_no_tool_is_configured_in_both_files(pyproject, setup_cfg):
    # Sections of pytest, coverage and import-linter: "tool:pytest", "coverage:run" and
    # "importlinter:contract:layers".
    sections = (name.removeprefix("tool:") for name in setup_cfg.sections())
    checkers = {re.split("[:-]", section)[0] for section in sections}
    assert checkers == {"pytest", "coverage", "mypy", "importlinter", "codespell"}
    assert not checkers & set(pyproject["tool"])


@pytest.mark.parametrize(
    "name",
    [
        ".codespellrc",
        ".coveragerc",
        ".pytest.ini",
        ".ruff.toml",
        "mypy.ini",
        "pytest.ini",
        "ruff.toml",
        "setup.py",
        "tox.ini",
    ],
)
def test_no_third_configuration_file(name):
    assert not (ROOT / name).exists()


def test_pytest_reads_setup_cfg(pytestconfig):
    assert pytestconfig.inipath == ROOT / "setup.cfg"
    assert pytestconfig.getini("xfail_strict") is True


# Statements that must agree with each other


def test_version_is_the_same_everywhere(pyproject):
    version = skmoe.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", version)
    assert pyproject["project"]["dynamic"] == ["version"]
    assert f"\nversion: {version}\n" in read("CITATION.cff")
    assert version in re.findall(r"^## .*", read("CHANGELOG.md"), re.MULTILINE)[0]


def test_ruff_has_one_version(pyproject):
    (requirement,) = (
        requirement
        for requirement in pyproject["project"]["optional-dependencies"]["test"]
        if requirement.startswith("ruff")
    )
    version = requirement.removeprefix("ruff~=")
    assert f"ruff-pre-commit\n    rev: v{version}\n" in read(".pre-commit-config.yaml")


def test_makefile_installs_extras_that_exist(pyproject):
    extras = pyproject["project"]["optional-dependencies"]
    used = re.findall(r"\.\[([\w,]+)\]", read("Makefile") + read("noxfile.py"))
    own = re.findall(r"skmoe\[([\w,]+)\]", str(extras) + read("README.md"))
    assert used
    assert {extra for group in used + own for extra in group.split(",")} <= set(extras)


def test_contributing_names_targets_that_exist():
    makefile = read("Makefile")
    targets = set(re.search(r"^\.PHONY: (.*)", makefile, re.MULTILINE)[1].split())
    minors = re.search(r"^SKLEARN_MINORS := (.*)", makefile, re.MULTILINE)[1].split()
    targets |= {f"test-sklearn-{minor}" for minor in minors}
    named = re.findall(r"`make ([\w.-]+)`", read("CONTRIBUTING.md") + read("README.md"))
    assert named
    assert set(named) <= targets


def test_oldest_scikit_learn_is_tested(pyproject):
    assert "scikit-learn>=1.6" in pyproject["project"]["dependencies"]
    assert "SKLEARN_MINORS := 1.6 " in read("Makefile")
    assert 'SKLEARN_MINORS = ["1.6", ' in read("noxfile.py")


def test_ci_runs_the_tests():
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    script = read(".ci/run")
    assert script.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in script
    assert script.endswith("\nmake test\n")


# What ships


def test_every_data_file_ships(pyproject):
    patterns = pyproject["tool"]["setuptools"]["package-data"]["skmoe.datasets.data"]
    package = ROOT / "skmoe" / "datasets" / "data"
    shipped = {path for pattern in patterns for path in package.glob(pattern)}
    kept = {path for path in package.iterdir() if not path.name.startswith("__")}
    assert shipped == kept


def test_every_folder_of_code_is_a_package():
    # The wheel takes folders with an __init__.py only.
    folders = {path.parent for path in (ROOT / "skmoe").rglob("*.py")}
    assert all((folder / "__init__.py").is_file() for folder in folders)


def test_every_module_has_the_header():
    modules = (path for path in source_files() if path.suffix == ".py")
    bare = [
        str(path.relative_to(ROOT))
        for path in modules
        if HEADER not in path.read_text(encoding="utf-8")
    ]
    assert not bare


def test_no_file_names_the_machine_it_was_written_on():
    # The checkout, its parent unless that is a folder every machine has, and homes.
    parent = ROOT.parent
    own = {str(ROOT), str(Path.home())} - {"/"}
    if len(parent.parts) > 1 and parent.parts[1] not in {"tmp", "usr", "var", "opt"}:
        own.add(str(parent))
    own = [rf"(?<![\w.~-]){re.escape(path)}(?![\w-])" for path in own]
    homes = [r"(?<![\w.~-])/(?:home|Users)/\w+", r"[A-Z]:\\+Users\\"]
    machine = re.compile("|".join(own + homes))
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in source_files()
        if (match := machine.search(path.read_text(encoding="utf-8")))
    }
    assert not found
