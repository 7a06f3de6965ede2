# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Models against models on real data.

    python benchmarks/real/fetch.py FOLDER
    python benchmarks/real/run.py [--data FOLDER] [--sets NAME ...] [--models NAME ...]
        [--task TASK] [--max-rows 2000] [--large-rows 20000] [--folds 3]
        [--time-limit 300] [--jobs 1] [--legacy-python PYTHON] [--again failed|all]
    python benchmarks/real/report.py

fetch.py makes a FOLDER of data sets; without it the sets are those that skmoe and
scikit-learn ship. run.py appends to results/regression.csv and
results/classification.csv, a line per data set, model and fold, and skips the lines
that are there; report.py writes docs/real.md and its figures. Of sets with more rows
than `--max-rows` as many are drawn; the coverage of intervals is measured on up to
`--large-rows` of them as well. Peers (requirements.txt) that are not installed are
skipped; those that need scikit-learn 1.5 run with `--legacy-python`, an interpreter
that has it. A fit that was cut off is tried again, and the other folds are, with
`--again failed` only.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from data import capped, data_sets, fold
from metrics import INTERVALS
from models import MODELS

HERE = Path(__file__).resolve().parent
ONE_CORE = {
    f"{library}_NUM_THREADS": "1"
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM")
}
KEY = ["set", "model", "fold", "rows", "folds"]
SCORES = {
    "regression": ["r2", "nll", "crps", "coverage90", "pit_error", *INTERVALS],
    "classification": ["accuracy", "log_loss", "brier", "ece"],
}
COSTS = ["fit_seconds", "fit_cpu", "calibrate_cpu", "predict_cpu"]
WORDS = ["detail", "failure"]
CUT_OFF = "cut off"


class Worker:
    """A process of worker.py, started anew after a fit that took too long."""

    def __init__(self, python, limit):
        self.python = python
        self.limit = limit
        self.process = None

    def ask(self, task):
        if self.process is None or self.process.poll() is not None:
            self.process = self._start()
        timer = threading.Timer(self.limit, self.process.kill)
        timer.start()
        try:
            self.process.stdin.write(json.dumps(task) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        finally:
            expired = not timer.is_alive()
            timer.cancel()
        if line:
            return json.loads(line)
        self.process.wait()
        if expired:
            return {"failure": f"{CUT_OFF} at {self.limit:.0f} s"}
        return {"failure": f"process died with status {self.process.returncode}"}

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()

    def _start(self):
        return subprocess.Popen(
            [self.python, str(HERE / "worker.py")],
            env={**os.environ, **ONE_CORE},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


class Table:
    """A CSV file that only grows; of several lines with one key the last counts."""

    def __init__(self, path, task):
        self.path = path
        self.columns = [*KEY, *SCORES[task], *COSTS, *WORDS]
        self.lock = threading.Lock()
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._append(self.columns)
        elif not path.read_text().endswith("\n"):  # a run was killed as it wrote
            with path.open("a") as file:
                file.write("\n")
        with path.open(newline="") as file:
            self.lines = {
                tuple(line[name] for name in KEY): line for line in csv.DictReader(file)
            }

    def has(self, key, again):
        """Whether there is a result, or another fold took so long that none will be."""
        if again == "all":
            return False
        line = self.lines.get(tuple(map(str, key.values())))
        if line is None:
            return again is None and self._is_hopeless(key)
        return not (again == "failed" and line["failure"])

    def _is_hopeless(self, key):
        others = [
            tuple(map(str, {**key, "fold": index}.values()))
            for index in range(key["folds"])
        ]
        return any(
            CUT_OFF in self.lines[o]["failure"] for o in others if o in self.lines
        )

    def add(self, line):
        with self.lock:
            self._append([_brief(line.get(name, "")) for name in self.columns])

    def _append(self, values):
        with self.path.open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(values)


def _brief(value):
    return f"{value:.6g}" if isinstance(value, float) else value


def arguments():
    parser = argparse.ArgumentParser(prog="python benchmarks/real/run.py")
    parser.add_argument("--data", type=Path, help="folder with further data sets")
    parser.add_argument("--sets", nargs="*", default=(), help="names; default: all")
    parser.add_argument("--models", nargs="*", default=(), help="names; default: all")
    parser.add_argument("--task", choices=list(SCORES), help="default: both")
    parser.add_argument("--max-rows", type=int, default=2000, help="of each set")
    parser.add_argument("--large-rows", type=int, default=20_000, help="for coverage")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--time-limit", type=float, default=300.0, help="s per fit")
    parser.add_argument("--jobs", type=int, default=1, help="fits at a time")
    parser.add_argument("--legacy-python", default=sys.executable)
    parser.add_argument("--again", choices=["failed", "all"], help="run these anew")
    parser.add_argument("--results", type=Path, default=HERE / "results")
    options = parser.parse_args()
    unknown = set(options.models) - {model.name for model in MODELS}
    if unknown:
        parser.error(f"no such models: {sorted(unknown)}")
    return options


def tasks(options, tables):
    """Yield (data set, model, folds to do), set by set."""
    for data in data_sets(options.data, options.sets):
        if options.task not in (None, data.task):
            continue
        few, many = (
            capped(data, rows) for rows in (options.max_rows, options.large_rows)
        )
        for model in MODELS:
            if model.task != data.task or (
                options.models and model.name not in options.models
            ):
                continue
            yield from _folds_to_do(few, model, options, tables)
            if model.covers and len(many.X) > len(few.X):
                yield from _folds_to_do(many, model, options, tables)


def _folds_to_do(data, model, options, tables):
    """Yield the task of a set and a model, if there is one."""
    keys = [
        dict(zip(KEY, values, strict=True))
        for values in (
            (data.name, model.name, index, len(data.X), options.folds)
            for index in range(options.folds)
        )
    ]
    keys = [key for key in keys if not tables[data.task].has(key, options.again)]
    if keys:
        yield data, model, keys


class Run:
    """What the threads of a run share, and one worker each per interpreter."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = Path(folder)
        self.tables = {
            task: Table(options.results / f"{task}.csv", task) for task in SCORES
        }
        self.lock = threading.Lock()
        self.local = threading.local()
        self.workers = []

    def __call__(self, task):
        data, model, keys = task
        for key in keys:
            file = self._file(data, key["fold"])
            result = self._worker(model).ask(
                {"task": data.task, "model": model.name, "file": str(file)}
            )
            if "absent" in result:
                print(f"{model.name}: skipped, {result['absent']}", flush=True)
                return
            self.tables[data.task].add({**key, **result})
            _say(data.task, key, result)
            if CUT_OFF in result.get("failure", ""):
                return  # the other folds would be, too

    def _file(self, data, index):
        file = self.folder / f"{data.name}-{len(data.X)}-{index}.npz"
        with self.lock:
            if not file.exists():
                np.savez(file, **fold(data, self.options.folds, index))
        return file

    def _worker(self, model):
        python = self.options.legacy_python if model.legacy else sys.executable
        mine = self.local.__dict__
        if python not in mine:
            mine[python] = Worker(python, self.options.time_limit)
            self.workers.append(mine[python])
        return mine[python]


def _say(task, key, result):
    spoken = result.get("failure") or " ".join(
        f"{name} {result[name]:.4g}"
        for name in [*SCORES[task], "fit_seconds"]
        if name in result
    )
    print(f"{key['set']}, {key['model']}, fold {key['fold']}: {spoken}", flush=True)


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(options, folder)
        with ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(run, tasks(options, run.tables)))
        for worker in run.workers:
            worker.close()


if __name__ == "__main__":
    main()
