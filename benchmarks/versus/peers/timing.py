# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What every Python peer shares: the data, the clock, the memory, the answer.

A peer is a script of its own, run as ``fit_NAME.py DATA n d K SETTING`` by
``run.py``; its last line of output is one JSON object. With the one word "version" it
prints its version, or exits with ABSENT if its package is not installed.
``timing.R`` is the same in R.
"""

import importlib
import json
import re
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

ABSENT = 77
BUDGET = 2.0  # seconds for repeats of a quick fit
REPEATS = 5


def need(package):
    """The module, if it is installed; answers "version" and leaves."""
    try:
        module = importlib.import_module(package)
    except ImportError:
        sys.exit(ABSENT)
    if sys.argv[1] == "version":
        print(version(package.partition(".")[0]))
        sys.exit()
    return module


def task():
    """X, y, start and the setting that the command line asks for."""
    path, setting = sys.argv[1], sys.argv[5]
    n, d, k = map(int, sys.argv[2:5])
    columns = np.fromfile(path).reshape(1 + d + k, n)
    X = np.ascontiguousarray(columns[1 : 1 + d].T)
    start = np.ascontiguousarray(columns[1 + d :].T)
    return X, columns[0].copy(), start, setting


def memory(field):
    """MB of this process: now (VmRSS) or at most so far (VmHWM)."""
    try:
        status = Path("/proc/self/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+)", status)[1]) / 1024
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024**2 if sys.platform == "darwin" else 1024)


def forget_peak():
    """Let VmHWM start anew, where Linux lets us."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def measure(fit, warm_up=False):
    """The last of up to REPEATS fits, and what they cost: the quickest counts.

    With `warm_up` the first fit is reported apart: it is the one that compiles.
    """
    costs = {}
    if warm_up:
        costs["first"] = _seconds(fit)[1]
    forget_peak()
    before, times = memory("VmRSS"), []
    while not times or (len(times) < REPEATS and sum(times) < BUDGET):
        model, seconds = _seconds(fit)
        times.append(seconds)
    peak = memory("VmHWM")
    return model, {**costs, "seconds": min(times), "before": before, "peak": peak}


def _seconds(fit):
    start = time.perf_counter()
    model = fit()
    return model, time.perf_counter() - start


def answer(**results):
    print(json.dumps(results))
