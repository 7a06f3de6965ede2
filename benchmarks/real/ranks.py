# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Mean ranks over data sets and when they differ (Demsar 2006, JMLR 7, 1-30)."""

import numpy as np
from scipy.stats import friedmanchisquare, studentized_range


def ranks(scores, higher_is_better):
    """Ranks per data set, 1 is best; equal scores share a rank, a failure is last.

    Parameters
    ----------
    scores : DataFrame of shape (n_sets, n_models)
        NaN where a model has failed.
    """
    worst = -np.inf if higher_is_better else np.inf
    return scores.fillna(worst).rank(axis=1, ascending=not higher_is_better)


def critical_difference(n_models, n_sets, level=0.05):
    """Nemenyi: mean ranks that are further apart than this differ at the level."""
    quantile = studentized_range.ppf(1 - level, n_models, np.inf) / np.sqrt(2)
    return quantile * np.sqrt(n_models * (n_models + 1) / (6 * n_sets))


def friedman(table):
    """p-value of: all models are alike."""
    return friedmanchisquare(*table.to_numpy().T).pvalue


def draw(axes, mean_ranks, difference, highlight):
    """Models on the axis of mean ranks; bars join those that do not differ."""
    order = mean_ranks.sort_values()
    levels = np.arange(len(order))
    for level, (name, rank) in zip(levels, order.items(), strict=True):
        color = "C3" if highlight(name) else "0.2"
        axes.plot([rank, rank + difference], [level, level], color="0.85", lw=4)
        axes.plot(rank, level, "o", color=color)
    axes.set_yticks(levels, order.index)
    for label in axes.get_yticklabels():
        if highlight(label.get_text()):
            label.set_color("C3")
    axes.invert_yaxis()
    axes.set_xlabel("mean rank (1 is best); grey: critical difference")
