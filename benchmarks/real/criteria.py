# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What skmoe sets out to reach, and on which sets it does."""

import numpy as np
import pandas as pd

LINEAR_RIVALS = ["Ridge", "linear-tree", "Cubist", "cgmm", "cgmm repaired", "smt LS"]
BOOSTED_RIVALS = ["HGB", "HGB + variance", "NGBoost", "quantile-forest"]
TUNED_RIVALS = [f"{name}, tuned" for name in BOOSTED_RIVALS]
NON_LINEAR = ["decision tree", "random forest", "HGB", "LightGBM linear", "NGBoost"]
LINEAR, BOOSTED = "skmoe linear", "skmoe boosted, cv"
LOGISTIC, BOOSTED_CLASSES = "skmoe logistic", "skmoe boosted, cv"
MIXED_CLASSES = "skmoe mixed, cv"


def criteria(task, tables):
    """Sections of Markdown: one per aim whose models were run."""
    aims = {
        "regression": (linear_wins, boosted_densities, boosted_means),
        "classification": (logistic_losses, boosted_losses),
    }
    said = [aim(tables) for aim in aims[task]]
    return "\n\n".join(text for text in said if text)


def linear_ranks(columns):
    """Mean ranks of linear experts among the models that are linear in parts."""
    if LINEAR not in columns["nll"]:
        return ""
    means = pd.DataFrame({metric: rank.mean() for metric, rank in columns.items()}).T
    sets = columns["nll"].index
    return (
        "### Linear experts against linear rivals\n\nMean ranks among these, on the "
        f"{len(sets)} sets that all were run on ({', '.join(sets)}); a model that "
        f"failed or was cut off is last.\n\n{as_markdown(means)}"
    )


def linear_wins(tables):
    """Sets on which linear experts are ahead of each of these."""
    wins = {}
    for metric in ("nll", "crps", "r2"):
        table = tables[metric]
        if LINEAR not in table:
            return ""
        rivals = [name for name in LINEAR_RIVALS if name in table]
        lead = table[rivals].rsub(table[LINEAR], axis=0)
        lead = lead if metric == "r2" else -lead
        wins[metric] = ", ".join(
            f"{name} {(lead[name] > 0).sum()} of {lead[name].count()}"
            for name in rivals
        )
    won = "; ".join(f"{metric}: {said}" for metric, said in wins.items())
    return f"Sets with results of both on which {LINEAR} is ahead. {won}."


def boosted_densities(tables):
    """Boosted experts against the best of the rivals, set by set."""
    if BOOSTED not in tables["nll"]:
        return ""
    known = tables["nll"].columns
    rivals = [name for name in BOOSTED_RIVALS if name in known]
    names = [*rivals, *(name for name in TUNED_RIVALS if name in known)]
    parts = []
    for metric in ("nll", "crps"):
        table = tables[metric].loc[tables[metric][BOOSTED].notna()]
        lead = table[names].sub(table[BOOSTED], axis=0)
        text = as_markdown(lead)
        lead["all with defaults"] = lead[rivals].min(axis=1)
        shares = ", ".join(
            f"{name} {(lead[name] > 0).sum()} of {lead[name].count()}" for name in lead
        )
        parts.append(
            f"### Boosted experts: lead in {metric}\n\nPositive: {BOOSTED} is better. "
            f"Sets where it is: {shares}.\n\n{text}"
        )
    return "\n\n".join(parts)


def boosted_means(tables):
    """Boosted experts' R2 against that of one boosting model."""
    table = tables["r2"]
    if BOOSTED not in table:
        return ""
    pair = table[["HGB", BOOSTED]].dropna()
    pair = pair.assign(relative=(pair[BOOSTED] - pair["HGB"]) / pair["HGB"].abs())
    within = np.mean(pair["relative"] > -0.005)
    tuned = {name: table[name] for name in TUNED_RIVALS[:1] if name in table}
    return (
        f"### Boosted experts: R2\n\nWithin 0.5 % of HGB or above on {within:.0%} of "
        f"the sets.\n\n{as_markdown(pair.assign(**tuned), 4)}"
    )


def intervals(tables, rows):
    """Coverage of 90 % intervals, of sets of at most so many rows."""
    table = tables["coverage90"]
    if BOOSTED not in table:
        return ""
    shown = table[[name for name in ("HGB", BOOSTED) if name in table]].assign(
        calibrated=tables["calibrated90"][BOOSTED]
    )
    shown = shown.dropna()
    inside = ", ".join(
        f"{name} on {shown[name].between(0.88, 0.92).sum()} of {len(shown)}"
        for name in shown
    )
    shown["width"] = tables["calibrated_width"][BOOSTED]
    return (
        "### Boosted experts: coverage of intervals\n\nOf 90 % intervals, all rows of "
        f'a set, up to {rows:,}. "calibrated" are the intervals of the same fit by '
        '`predict_interval(X, kind="calibrated")`, "width" is their mean width '
        "relative to the equal-tailed ones. Coverage is between 88 and 92 % with "
        f"{inside} sets.\n\n{as_markdown(shown)}"
    )


def larger_sets(tables, rows):
    """Boosted experts against one boosting model, on all rows of the larger sets."""
    pairs = {
        f"{metric}, {name}": tables[metric][name]
        for metric in ("nll", "crps", "r2")
        for name in ("HGB", BOOSTED)
        if name in tables[metric]
    }
    shown = pd.DataFrame(pairs).dropna()
    if shown.empty or shown.shape[1] < 6:
        return ""
    return (
        f"### Boosted experts on all rows\n\nOf the sets cut for the other tables, all "
        f"rows up to {rows:,}.\n\n{as_markdown(shown)}"
    )


def logistic_losses(tables):
    """Logistic experts against logistic regression, where it can be beaten."""
    table = tables["log_loss"]
    if LOGISTIC not in table or "LogisticRegression" not in table:
        return ""
    names = [name for name in NON_LINEAR if name in table]
    shown = table[["LogisticRegression", LOGISTIC]].dropna()
    shown = shown.assign(
        relative=shown[LOGISTIC] / shown["LogisticRegression"] - 1,
        **{"best non-linear": table[names].min(axis=1)},
    )
    bent = shown["best non-linear"] < shown["LogisticRegression"]
    ahead = shown["relative"] < 0
    return (
        f"### Logistic experts: log loss\n\nA non-linear model (of {', '.join(names)}) "
        f"beats LogisticRegression on {bent.sum()} sets, {LOGISTIC} on "
        f"{(ahead & bent).sum()} of these. {_within(shown['relative'])} that of "
        f"LogisticRegression.\n\n{as_markdown(shown, 4)}"
    )


def boosted_losses(tables):
    """Boosted experts' log loss against that of one boosting model."""
    table = tables["log_loss"]
    parts = []
    for name in (BOOSTED_CLASSES, MIXED_CLASSES):
        if name not in table:
            continue
        shown = table[["HGB", name]].dropna()
        shown = shown.assign(relative=shown[name] / shown["HGB"] - 1)
        parts.append(
            f"### {name}: log loss\n\n{_within(shown['relative'])} that of HGB.\n\n"
            f"{as_markdown(shown, 4)}"
        )
    return "\n\n".join(parts)


def _within(relative):
    close = np.sum(relative <= 0.01)
    return f"On {close} of {len(relative)} sets it is at most 1 % above"


def as_markdown(table, digits=3):
    """Rows and columns of a DataFrame as a Markdown table."""
    head = [table.index.name or "", *table.columns]
    rows = [
        [name, *(_number(value, digits) for value in row)]
        for name, row in zip(table.index, table.to_numpy(), strict=True)
    ]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _number(value, digits):
    if not np.isfinite(value):
        return ""
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.1e}"
