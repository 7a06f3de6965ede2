# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Imports go down only, and the check that says so can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder):
    """Run import-linter on a copy of the package; its status and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path):
    """A copy of the package and of its configuration."""
    ignored = shutil.ignore_patterns("__pycache__", "data", "*.csv.gz")
    shutil.copytree(ROOT / "skmoe", tmp_path / "skmoe", ignore=ignored)
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    return tmp_path


def test_imports_go_down_only(copy):
    status, printed = lint(copy)
    assert status == 0, printed
    assert "2 kept, 0 broken" in printed


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("rows/design.py", "from skmoe.em.driver import EM"),
        ("gates/softmax.py", "from skmoe.experts.base import BaseExperts"),
        ("trainers/local_model.py", "from skmoe.gates import SoftmaxGate"),
        ("em/driver.py", "from skmoe.mixture.fitted import FittedMixture"),
        ("mixture/fitted.py", "from skmoe._base import BaseMixtureOfExperts"),
        ("em/stopping.py", "from skmoe.em.driver import EM"),  # a circle of files
    ],
)
def test_an_upward_import_is_found(copy, file, line):
    path = copy / "skmoe" / file
    path.write_text(path.read_text() + f"\n{line}\n")
    status, printed = lint(copy)
    assert status != 0
    assert "BROKEN" in printed


def test_no_class_is_a_mixin_of_ours():
    """State is where it is defined: mixins of the library read none."""
    found = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "skmoe").rglob("*.py")
        if "class " in path.read_text() and "Mixin:" in path.read_text()
    ]
    assert found == []


def test_few_private_modules_stand_at_the_top():
    top = [path.name for path in (ROOT / "skmoe").glob("_*.py")]
    assert sorted(top) == [
        "__init__.py",
        "_base.py",
        "_classifier.py",
        "_compat.py",
        "_regressor.py",
    ]
