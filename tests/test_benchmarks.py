# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The scripts of benchmarks/ name things of the package that are there."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


def imports(path):
    """Modules of the package that a script imports from, and the names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        if node.module.split(".")[0] in ("skmoe", "tests"):
            yield node.module, [alias.name for alias in node.names]


@pytest.mark.skipif(not FOLDER.exists(), reason="not a checkout")
def test_what_benchmarks_import_exists():
    scripts = sorted(FOLDER.rglob("*.py"))
    assert scripts
    missing = [
        f"{script.relative_to(FOLDER)}: {module}.{name}"
        for script in scripts
        for module, names in imports(script)
        for name in names
        if not _exists(module, name)
    ]
    assert not missing


def _exists(module, name):
    try:
        if hasattr(import_module(module), name):
            return True
        import_module(f"{module}.{name}")
    except ModuleNotFoundError as error:
        # A compiled kernel needs numba, which may be missing.
        return error.name.split(".")[0] not in ("skmoe", "tests")
    return True
