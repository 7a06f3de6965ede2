# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A process that fits: tasks come in as lines of JSON, results go out as such.

A task names a model and a file with one fold, as `data.fold` makes it. The process
needs numpy, scipy, scikit-learn (1.5 is enough) and the packages of its models.
"""

import json
import os
import sys
import time
import warnings

import numpy as np
from metrics import score_classification, score_intervals, score_regression
from models import MODELS
from skmoe_models import Absent

BY_KEY = {(model.task, model.name): model for model in MODELS}


class Clock:
    """Wall and processor seconds of a `with` block."""

    def __enter__(self):
        self.start = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        self.wall = time.perf_counter() - self.start[0]
        self.cpu = time.process_time() - self.start[1]


def measure(task, name, fold, seed=0):
    """Scores and seconds of one fit, and an optional word of the model."""
    model = BY_KEY[task, name].make(seed)
    X, y, X_test, y_test = (
        fold[key] for key in ("X_train", "y_train", "X_test", "y_test")
    )
    with Clock() as fit:
        model.fit(X, y)
    with Clock() as calibrate:
        if hasattr(model, "calibrate"):
            model.calibrate(X, y)
    with Clock() as predict:
        model.predict(X_test)
    if task == "regression":
        scores = score_regression(model.distribution(X_test), y_test)
        if hasattr(model, "intervals"):
            scores |= score_intervals(*model.intervals(X_test), y_test)
    else:
        scores = score_classification(model.predict_proba(X_test), y_test)
    detail = model.detail() if hasattr(model, "detail") else ""
    return {
        **{key: float(value) for key, value in scores.items()},
        "fit_seconds": fit.wall,
        "fit_cpu": fit.cpu,
        "calibrate_cpu": calibrate.cpu,
        "predict_cpu": predict.cpu,
        "detail": detail,
    }


def answer(task):
    """A result, {"absent": why} if it cannot be had here, or {"failure": why}."""
    try:
        with np.load(task["file"]) as fold:
            return measure(task["task"], task["model"], dict(fold))
    except (ModuleNotFoundError, Absent) as error:
        return {"absent": str(error)}
    except Exception as error:  # one failing peer must not stop the run
        return {"failure": f"{type(error).__name__}: {error}".splitlines()[0][:160]}


def main():
    warnings.simplefilter("ignore")
    # Some peers print: results go to a descriptor of their own.
    results = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        results.write(json.dumps(answer(json.loads(line))) + "\n")
        results.flush()


if __name__ == "__main__":
    main()
