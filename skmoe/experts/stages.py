# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Experts that grow by stages, as boosting does, and what they answer at each."""

from numbers import Integral

import numpy as np
from sklearn.base import clone

from skmoe.estimators.weighted import align, check_answers
from skmoe.experts.estimators import answer

# What scikit-learn calls the number of stages.
COUNTS = ("max_iter", "n_estimators")
# Numbers of stages that are tried: of a hundred, neighbours differ by a fifth,
# within which the likelihood hardly changes.
GRID_SIZE = 25


def stage_grid(template, is_classifier):
    """Numbers of stages to try, ascending, the template's own last; or None.

    None for an estimator that does not grow by stages, or that will refuse its number.
    """
    name = _count(template)
    if name is None or not hasattr(template, _method(is_classifier)):
        return None
    most = getattr(template, name)
    if not isinstance(most, Integral) or most < 1:
        return None
    return np.unique(np.geomspace(1, int(most), GRID_SIZE).round().astype(int)).tolist()


def with_stages(template, n_stages):
    """A copy of an unfitted estimator that stops after so many stages."""
    return clone(template).set_params(**{_count(template): n_stages})


def n_stages_of(estimator):
    """The number of stages that an estimator was asked for; None without stages."""
    name = _count(estimator)
    return None if name is None else getattr(estimator, name)


def staged_answers(estimator, X, classes, grid):
    """Answers at each number of stages of a grid, (S, n, T or n_classes).

    One that has stopped by itself answers the same from there on. Without a grid the
    answers are those of the whole estimator, S = 1.
    """
    answers = [answer(estimator, X, classes)] * (1 if grid is None else len(grid))
    method = getattr(estimator, _method(classes is not None), None)
    if len(answers) > 1 and method is not None:
        for stage, found in enumerate(method(X), start=1):
            if stage in grid:
                answers[grid.index(stage)] = _aligned(estimator, found, classes)
    return np.stack(answers)


def _aligned(estimator, found, classes):
    """One stage's answers, as `answer` gives those of the whole estimator."""
    if classes is not None:
        return check_answers(estimator, align(found, estimator.classes_, classes))
    found = np.array(found, dtype=np.float64).reshape(len(found), -1)
    return check_answers(estimator, found)


def _method(is_classifier):
    return "staged_predict_proba" if is_classifier else "staged_predict"


def _count(estimator):
    parameters = estimator.get_params(deep=False)
    return next((name for name in COUNTS if name in parameters), None)
