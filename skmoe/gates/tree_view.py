# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A tree of softmax gates as text and as a figure."""

import numpy as np


def check_names(feature_names, n_features):
    """Names of the columns, x0, x1, ... if there are none."""
    if feature_names is None:
        return [f"x{j}" for j in range(n_features)]
    if len(feature_names) != n_features:
        raise ValueError(
            f"feature_names must have {n_features} entries, one per feature of the "
            f"gate. Got {len(feature_names)}."
        )
    return list(feature_names)


def tree_as_text(levels, feature_names, decimals):
    """One line per node, depth first."""
    names = check_names(feature_names, levels[0][0].coef_.shape[1])
    lines = ["root"]

    def add(depth, v):
        node = levels[depth][v]
        for c in range(len(node.coef_)):
            child = v * len(node.coef_) + c
            terms = [
                f"{value:+.{decimals}f} {name}"
                for value, name in zip(node.coef_[c], names, strict=True)
            ]
            score = " ".join([*terms, f"{node.intercept_[c]:+.{decimals}f}"])
            is_leaf = depth == len(levels) - 1
            label = f"expert {child}" if is_leaf else f"{child}"
            lines.append("|   " * depth + f"|--- {label}: {score}")
            if not is_leaf:
                add(depth + 1, child)

    add(0, 0)
    return "\n".join(lines)


def draw_tree(levels, scale, feature_names, ax):
    """Boxes for the nodes, edges with the feature that speaks most for the child."""
    import matplotlib.pyplot as plt

    names = check_names(feature_names, levels[0][0].coef_.shape[1])
    if ax is None:
        _, ax = plt.subplots()
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "0.4"}

    def place(n_in_row, index):
        return (index + 0.5) / n_in_row

    def label(x, y, text):
        ax.text(x, y, text, ha="center", va="center", bbox=box, zorder=2)

    label(0.5, 0.0, "root")
    for depth, level in enumerate(levels):
        n_children = len(level[0].coef_)
        is_last = depth == len(levels) - 1
        for v, node in enumerate(level):
            for c in range(n_children):
                child = v * n_children + c
                parent = place(len(level), v), -depth
                end = place(len(level) * n_children, child), -depth - 1
                ax.plot(*zip(parent, end, strict=True), color="0.6", zorder=1)
                middle = np.mean([parent, end], axis=0)
                reason = _reason(node.coef_[c] * scale, names)
                ax.text(*middle, reason, ha="center", va="center", fontsize="small")
                label(*end, f"expert {child}" if is_last else str(child))
    ax.set(xlim=(0, 1), ylim=(-len(levels) - 0.3, 0.3))
    ax.set_axis_off()
    return ax


def _reason(slopes, names):
    """The largest slope with its feature."""
    if not len(slopes):
        return ""
    j = int(np.abs(slopes).argmax())
    return f"{slopes[j]:+.2g} {names[j]}"
