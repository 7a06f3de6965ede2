# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""docs/versus.md and docs/figures/versus.png from the results of one run."""

from itertools import groupby
from operator import itemgetter

from matplotlib.figure import Figure
from run import OTHER_MODELS, SKMOE

CLOSE = 1e-6  # relative to the best log likelihood: counts as having arrived

TEXT = """\
# Against other libraries

    python benchmarks/versus

wrote this page and its figure; nothing on it is written by hand. Every library gets
the same rows and starts from the same responsibilities; each fit is a process of its
own, on one core, and the clock runs around the call that fits: not around start-up,
reading or compiling (skmoe's first call, which compiles where it has a compiler, has a
column of its own). Quick fits are repeated and the quickest counts. Only ratios within
a case mean anything: the machine is shared.

Simulated data have a softmax gate and linear experts, each with its own variance, in
all d covariates; half of the labels that the start is made of are noise. Real data are
standardised, categories as indicators, and start from quantile groups. "Below the
maximum" is in log likelihood, in total, against the best that any fit of the same
model reached, a fit of skmoe with `tol=1e-12` from the true labels among them (for
real data: from the same start). skmoe's and cgmm's gates have a penalty of 1e-10, the
others none. "Arrived" means: within {close:g} of that maximum, relative.

{versions}

## How many times skmoe's time

Each library's quickest fit that arrived, against skmoe's quickest that arrived; in
brackets the quickest fit that did not arrive. Cut off: after {limit:.0f} s. (flexmix
divides the residual sum of squares by n - d - 1 in place of n, so that it ends a little
below the maximum at any tolerance.)

{ratios}

![The same ratios: filled where the fit arrived](figures/versus.png)

## Every fit

cgmm takes no start; its own M-step makes one of the responsibilities. As released, its
gate's Newton step fails and the gate stays where it starts; "gate repaired" is the
same with that one call corrected.

{fits}

## Other models

Not the same likelihood, so only the cost and R2. gmr fits one Gaussian mixture to
(x, y) and conditions on x; smt clusters first and fits each cluster, and takes no
start.

{others}
"""


def write_report(options, versions, results):
    """Tables and figure into the folder `options.output`."""
    same = [r for r in results if r["peer"] not in OTHER_MODELS]
    by_case = {name: rows(group) for name, group in grouped(same, "case")}
    names = [peer.name for peer, version in versions.items() if version]
    names = [name for name in names if name not in OTHER_MODELS]
    text = TEXT.format(
        close=CLOSE,
        limit=options.time_limit,
        versions=installed(versions),
        ratios=ratio_table(by_case, names[1:], options.time_limit),
        fits=fit_table(by_case),
        others=other_table(results),
    )
    (options.output / "figures").mkdir(parents=True, exist_ok=True)
    (options.output / "versus.md").write_text(text)
    draw(by_case, names[1:], options.output / "figures" / "versus.png")
    print(text)


def grouped(results, key):
    return groupby(results, key=itemgetter(key))


def rows(group):
    """Results of one case, with "below" the maximum and whether they "arrived"."""
    group = list(group)
    reached = [r["log_likelihood"] for r in group if "log_likelihood" in r]
    maximum = max([*reached, group[0]["reference"]])
    for row in group:
        row["below"] = maximum - row.get("log_likelihood", float("-inf"))
        row["arrived"] = row["below"] <= CLOSE * abs(maximum)
    return group


def quickest(group, peer, arrived):
    """The quickest fit of a peer that did or did not arrive; None if there is none."""
    mine = [r for r in group if r["peer"] == peer and "seconds" in r]
    mine = [r for r in mine if r["arrived"] == arrived]
    return min(mine, key=itemgetter("seconds"), default=None)


def base(group):
    """The skmoe fit that the others are compared with."""
    fits = (quickest(group, SKMOE.name, arrived) for arrived in (True, False))
    return next(fit for fit in fits if fit)


def ratio(group, peer, arrived):
    """A peer's time over skmoe's; None if the peer has no such fit."""
    fit = quickest(group, peer, arrived)
    return fit["seconds"] / base(group)["seconds"] if fit else None


def ratio_cell(group, peer, limit):
    mine = [r for r in group if r["peer"] == peer]
    arrived, other = (ratio(group, peer, kind) for kind in (True, False))
    if arrived:
        return f"**{arrived:.3g}**"
    words = [f"({other:.3g})"] if other else []
    for failure in (r["failure"] for r in mine if "failure" in r):
        least = f"> {limit / base(group)['seconds']:.3g}, cut off"
        words.append(least if failure.startswith("cut off") else "failed")
    return "; ".join(words)


def ratio_table(by_case, peers, limit):
    body = []
    for name, group in by_case.items():
        fit = base(group)
        seconds = (
            f"{fit['seconds']:.3g}" if fit["arrived"] else f"({fit['seconds']:.3g})"
        )
        cells = [ratio_cell(group, peer, limit) for peer in peers]
        body.append([name, seconds, *cells])
    return table(["case", "skmoe, s", *peers], body)


def fit_table(by_case):
    body = []
    for name, group in by_case.items():
        for row in group:
            label = [name, f"{row['peer']}, {row['setting']}"]
            if "failure" in row:
                body.append([*label, row["failure"], *[""] * 6])
                continue
            first = f"{row['first']:.3g}" if "first" in row else ""
            times = row["seconds"] / base(group)["seconds"]
            numbers = [f"{row['seconds']:.3g}", first, f"{times:.3g}"]
            numbers += [f"{row['below']:.2g}", "yes" if row["arrived"] else "no"]
            numbers += [f"{row['iterations']:.0f}", memory(row)]
            body.append(label + numbers)
    head = ["case", "fit", "s", "first call, s", "times skmoe", "below the maximum"]
    return table([*head, "arrived", "iterations", "peak MB (of the fit)"], body)


def memory(row):
    if "peak" not in row:
        return ""
    return f"{row['peak']:.0f} ({row['peak'] - row['before']:.0f})"


def other_table(results):
    body = []
    for name, group in grouped(results, "case"):
        group = list(group)
        shown = [r for r in group if r["peer"] in OTHER_MODELS]
        for row in shown and [base(group), *shown]:
            label = [name, f"{row['peer']}, {row['setting']}"]
            if "failure" in row:
                body.append([*label, row["failure"], "", ""])
            else:
                numbers = [f"{row['seconds']:.3g}", f"{row['r2']:.4f}", memory(row)]
                body.append(label + numbers)
    head = ["case", "fit", "s", "R2 of the training rows", "peak MB (of the fit)"]
    return table(head, body)


def table(head, body):
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def installed(versions):
    have = [f"{peer.name} {version}" for peer, version in versions.items() if version]
    lack = [peer.name for peer, version in versions.items() if not version]
    text = "This run: " + ", ".join(have) + "."
    return text + (f" Not installed, so skipped: {', '.join(lack)}." if lack else "")


def draw(by_case, peers, path):
    """One line per case, one colour per library, time over skmoe's on a log axis."""
    figure = Figure(figsize=(8, 0.28 * len(by_case) + 1.5), layout="constrained")
    axes = figure.subplots()
    for color, peer in enumerate(peers):
        for line, group in enumerate(by_case.values()):
            for arrived in (True, False):
                times = ratio(group, peer, arrived)
                if times:
                    face = f"C{color}" if arrived else "white"
                    axes.plot(times, line, "o", mec=f"C{color}", mfc=face)
        axes.plot([], [], "o", color=f"C{color}", label=peer)
    axes.plot([], [], "o", mec="0.3", mfc="white", label="did not arrive")
    for times in (1, 10, 100):
        axes.axvline(times, color="0.8", zorder=0)
    axes.set_xscale("log")
    axes.set_xlabel("time of one fit, in times skmoe's")
    axes.set_yticks(range(len(by_case)), by_case)
    axes.set_ylim(len(by_case) - 0.4, -0.6)
    figure.legend(loc="outside upper center", ncols=len(peers) + 1, frameon=False)
    figure.savefig(path, dpi=120)
