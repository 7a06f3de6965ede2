# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Derivatives of each row's log density in an expert's scores and parameters."""

from dataclasses import dataclass

import numpy as np

from skmoe.families.links import LINKS
from skmoe.numerics.softmax import softmax

# Step of central differences of analytic scores, in units of the scale on which the
# log density bends: the error is about 1e-9 of the curvature.
STEP = 1e-4


@dataclass
class Response:
    """Derivatives of one expert's log density at m rows, in its channels.

    A channel is a number per row that the log density depends on: the linear scores
    first (as many as `n_scores`), then the free parameters of the family.

    Attributes
    ----------
    slopes : ndarray of shape (c, m)
        First derivatives.
    curvatures : dict of (int, int) to ndarray of shape (m,)
        Second derivatives of the pairs i <= j that have any.
    n_scores : int
        How many of the channels are linear scores.
    """

    slopes: np.ndarray
    curvatures: dict
    n_scores: int

    def restricted(self, rows):
        """The same with zeros at the rows where `rows` (m,) is False."""
        return Response(
            np.where(rows, self.slopes, 0.0),
            {pair: np.where(rows, h, 0.0) for pair, h in self.curvatures.items()},
            self.n_scores,
        )


def logistic_response(scores, labels):
    """Softmax regression: scores (m, C) of which the first is held, or class 1's."""
    if scores.shape[1] == 1:
        scores = np.column_stack([np.zeros(len(scores)), scores])
    proba = softmax(scores)[:, 1:].T
    classes = np.arange(1, scores.shape[1])
    slopes = (classes[:, None] == labels) - proba
    curvatures = {
        (i, j): proba[i] * proba[j] - (proba[i] if i == j else 0.0)
        for i in range(len(proba))
        for j in range(i, len(proba))
    }
    return Response(slopes, curvatures, len(slopes))


def family_response(family, link, scores, y, parameters):
    """A family through a link: scores (m, T), parameters (q, T)."""
    n_rows, n_targets = scores.shape
    if family.is_background:
        return Response(np.empty((0, n_rows)), {}, 0)
    free = family.to_free(parameters)

    def slopes(score, free):
        prediction, slope = LINKS[link](score)
        at = y, prediction, family.from_free(free)[:, None]
        of_score = family.derivatives(*at)[0] * slope
        return np.stack([of_score, *family.parameter_derivatives(*at)[0]])

    steps = np.full((1 + len(free), n_targets), STEP)
    steps[0] *= _natural_unit(family, link, scores, y, parameters)
    changes = []
    for j in range(len(steps)):
        of_score, of_free = steps[0] * (j == 0), np.zeros_like(free)
        of_free[j - 1 : j] = steps[j]
        above = slopes(scores + of_score, free + of_free)
        below = slopes(scores - of_score, free - of_free)
        changes.append((above - below) / (2 * steps[j]))
    curvature = np.array(changes)
    # Channel of entry (j, t) of a family: j T + t. Targets are independent.
    curvatures = {
        (i * n_targets + t, j * n_targets + t): curvature[[i, j], [j, i], :, t].mean(0)
        for i in range(len(steps))
        for j in range(i, len(steps))
        for t in range(n_targets)
    }
    first = slopes(scores, free).transpose(0, 2, 1).reshape(-1, n_rows)
    return Response(first, curvatures, n_targets)


def _natural_unit(family, link, scores, y, parameters):
    """Change of a score to which the log density answers, (T,)."""
    prediction, slope = LINKS[link](scores)
    information = family.derivatives(y, prediction, parameters[:, None])[1] * slope**2
    mean = information.mean(axis=0)
    unit = 1.0 / np.sqrt(np.where(mean > 0, mean, 1.0))
    # Links that are not the identity bend by themselves, on the scale of one.
    return unit if link == "identity" else np.minimum(unit, 1.0)
