# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""docs/real.md and its figures from the results.

python benchmarks/real/report.py [--rows 2000] [--large-rows 20000] [--folds 3]
    [--output docs]
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from criteria import (
    LINEAR,
    LINEAR_RIVALS,
    as_markdown,
    criteria,
    intervals,
    larger_sets,
    linear_ranks,
)
from matplotlib.figure import Figure
from metrics import INTERVALS
from models import MODELS
from ranks import critical_difference, draw, friedman, ranks

HERE = Path(__file__).resolve().parent
HIGHER = ("r2", "accuracy")
METRICS = {
    "regression": {
        "nll": "Negative log likelihood, per row, response in standard deviations",
        "crps": "CRPS, response in standard deviations",
        "r2": "R2",
        "coverage90": "Share of rows in the 90 % interval",
        "pit_error": "Distance of the PIT from uniform",
    },
    "classification": {
        "log_loss": "Log loss",
        "accuracy": "Accuracy",
        "brier": "Brier score",
        "ece": "Expected calibration error of the predicted class",
    },
}
RANKED = {
    "regression": ["nll", "crps", "r2"],
    "classification": ["log_loss", "accuracy"],
}
COSTS = {
    "fit_cpu": "Processor seconds of a fit",
    "calibrate_cpu": "More seconds, for the out-of-fold residuals",
    "predict_cpu": "Processor seconds of a prediction of the test rows",
}
TEXT = (HERE / "page.md").read_text()


def arguments():
    parser = argparse.ArgumentParser(prog="python benchmarks/real/report.py")
    parser.add_argument("--rows", type=int, default=2000, help="cap of the run")
    parser.add_argument("--large-rows", type=int, default=20_000, help="for coverage")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=HERE / "results")
    parser.add_argument("--output", type=Path, default=HERE.parents[1] / "docs")
    return parser.parse_args()


def load(path, rows, folds):
    """The last line of each fit of this run."""
    lines = pd.read_csv(path)
    lines = lines.drop_duplicates(
        ["set", "model", "fold", "rows", "folds"], keep="last"
    )
    lines = lines[(lines["folds"] == folds) & (lines["rows"] <= rows)]
    # A smaller cap leaves lines of fewer rows: of a set only the largest count.
    largest = lines.groupby("set")["rows"].transform("max")
    return lines[lines["rows"] == largest]


def means(lines, metric, order):
    """Table of sets and models, means over folds; NaN if one is missing or failed."""
    value = lines[metric].where(lines["failure"].isna())
    grouped = value.groupby([lines["set"], lines["model"]])
    table = grouped.mean().where(grouped.count() == lines["folds"].max()).unstack()
    return table[[name for name in order if name in table]]


def rank_tables(lines, task, order, share=2 / 3):
    """Ranks by metric, of the models run on most sets, on the sets that all ran.

    A run may be a part: folds that were not run are no failure.
    """
    folds = lines.groupby(["set", "model"])["fold"].nunique().unstack()
    failed = lines["failure"].notna().groupby([lines["set"], lines["model"]]).any()
    ran = (folds == lines["folds"].max()) | failed.unstack().eq(True)
    models = [name for name in order if name in ran and ran[name].mean() >= share]
    kept = ran.index[ran[models].all(axis=1)]
    return {
        metric: ranks(means(lines, metric, models).loc[kept], metric in HIGHER)
        for metric in RANKED[task]
    }


def rank_section(columns, name):
    """Mean ranks as a table and a figure; nothing where too little was run."""
    n_sets, n_models = next(iter(columns.values())).shape
    if not _is_enough(columns):
        return "Not run."
    difference = critical_difference(n_models, n_sets)
    table = pd.DataFrame({name: rank.mean() for name, rank in columns.items()})
    table = table.sort_values(table.columns[0])
    table.index.name = "model"
    p_values = ", ".join(
        f"{name} {friedman(rank):.1g}" for name, rank in columns.items()
    )
    return (
        f"{n_models} models on the {n_sets} sets that all of them were run on "
        f"({', '.join(next(iter(columns.values())).index)}): mean ranks further apart "
        f"than {difference:.2f} differ at the 5 % level (Nemenyi). Friedman's p that "
        f"all are alike: {p_values}.\n\n"
        + as_markdown(table, 2)
        + f"\n\n![Mean ranks](figures/{name}.png)"
    )


def _is_enough(columns):
    """Whether there are ranks to test: three sets and three models."""
    return min(next(iter(columns.values())).shape) >= 3


def figure(columns, path):
    names = {model.name for model in MODELS if model.name.startswith("skmoe")}
    n_models = next(iter(columns.values())).shape[1]
    canvas = Figure(figsize=(5 * len(columns), 0.32 * n_models + 1.4))
    for axes, (metric, rank) in zip(
        np.ravel(canvas.subplots(1, len(columns))), columns.items(), strict=True
    ):
        draw(
            axes,
            rank.mean(),
            critical_difference(*rank.shape[::-1]),
            names.__contains__,
        )
        axes.set_title(metric)
    canvas.tight_layout()
    canvas.savefig(path, dpi=80)


def failures(lines):
    failed = lines[lines["failure"].notna()]
    if failed.empty:
        return "None."
    said = failed.groupby(["model", "failure"])["set"].agg(
        lambda sets: sorted(set(sets))
    )
    return "\n".join(
        f"- {model}: {failure} ({', '.join(sets)})"
        for (model, failure), sets in said.items()
    )


def sections(lines, task):
    """Rank tables by figure, and everything the page says of one task."""
    models = [model for model in MODELS if model.task == task]
    order = [model.name for model in models]
    columns = {
        f"real_{task}": [model.name for model in models if not model.is_tuned],
        f"real_{task}_tuned": [model.name for model in models if model.is_tuned],
    }
    columns = {name: rank_tables(lines, task, kept) for name, kept in columns.items()}
    default, tuned = (rank_section(table, name) for name, table in columns.items())
    scores = [
        f"### {title}\n\n{as_markdown(means(lines, metric, order), 3)}"
        for metric, title in METRICS[task].items()
    ]
    costs = [
        f"### {title}\n\n{as_markdown(means(lines, metric, order), 3)}"
        for metric, title in COSTS.items()
        if lines[metric].max() > 1e-3
    ]
    tables = {metric: means(lines, metric, order) for metric in METRICS[task]}
    return columns, {
        f"{task}_ranks": default,
        f"{task}_tuned": tuned,
        f"{task}_criteria": criteria(task, tables),
        f"{task}_scores": "\n\n".join(scores),
        f"{task}_costs": "\n\n".join(costs),
        f"{task}_failures": failures(lines),
    }


def all_rows(options):
    """The sections on intervals and on the larger sets, of fits to all their rows."""
    rows, path = options.large_rows, options.results / "regression.csv"
    lines = load(path, rows, options.folds)
    names = sorted(set(lines["model"]))
    metrics = ["nll", "crps", "r2", "coverage90", *INTERVALS]
    tables = {metric: means(lines, metric, names) for metric in metrics}
    larger = lines.groupby("set")["rows"].max() > options.rows
    larger = {metric: table.loc[larger] for metric, table in tables.items()}
    return f"{intervals(tables, rows)}\n\n{larger_sets(larger, rows)}"


def main():
    options = arguments()
    figures = options.output / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    said = {"rows": f"{options.rows:,}", "folds": options.folds}
    for task in METRICS:
        lines = load(options.results / f"{task}.csv", options.rows, options.folds)
        columns, parts = sections(lines, task)
        for name, ranks_by_metric in columns.items():
            if _is_enough(ranks_by_metric):
                figure(ranks_by_metric, figures / f"{name}.png")
        said |= parts
    said["regression_intervals"] = all_rows(options)
    lines = load(options.results / "regression.csv", options.rows, options.folds)
    ranked = rank_tables(lines, "regression", [LINEAR, *LINEAR_RIVALS], share=0)
    said["linear_ranks"] = linear_ranks(ranked)
    (options.output / "real.md").write_text(TEXT.format(**said))


if __name__ == "__main__":
    main()
