# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Sessions for the combinations that `make test` does not cover; see CONTRIBUTING."""

import re

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "tests"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
SKLEARN_MINORS = ["1.6", "1.7", "1.8", "1.9"]


def floors():
    """Turn the floors of pyproject.toml, `numpy>=1.26`, into pins, `numpy==1.26.*`."""
    dependencies = PYPROJECT["project"]["dependencies"]
    return [re.sub(r">=(.+)", r"==\1.*", dependency) for dependency in dependencies]


@nox.session(python=PYTHONS)
def tests(session):
    """Run the tests with the newest dependencies."""
    session.install("--editable", ".[numba,test]")
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session(python="3.11")
@nox.parametrize("minor", SKLEARN_MINORS)
def sklearn(session, minor):
    """Run the tests with one minor release of scikit-learn."""
    session.install("--editable", ".[test]", f"scikit-learn=={minor}.*")
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session(python="3.11")
def minimum(session):
    """Run the tests with the oldest dependencies that pyproject.toml allows."""
    session.install("--editable", ".[test]", *floors())
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session
def lint(session):
    """Check style, layers of imports, spelling and types."""
    session.install("--editable", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("codespell")
    session.run("mypy")


@nox.session
def coverage(session):
    """Measure coverage, without the compiler, which hides what it compiles."""
    session.install("--editable", ".[numba,test]")
    env = {"NUMBA_DISABLE_JIT": "1"}
    session.run("pytest", "-n", "2", "--cov", *session.posargs, env=env)
