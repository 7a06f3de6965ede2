# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Coding of y: numbers as columns, class labels as indices."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from skmoe.rows.moments import LARGEST


class Targets(ABC):
    """The coding of y that a fit has learnt, for every y to come."""

    #: Sorted class labels; None for numbers.
    classes: Any = None

    @staticmethod
    @abstractmethod
    def check(y, n_samples, owner):
        """Return y as an array of `n_samples` rows, or raise."""

    @classmethod
    @abstractmethod
    def learn(cls, y, owner, families):
        """Return the coding of a checked y whose experts have these families."""

    @abstractmethod
    def code(self, y, n_samples):
        """Return a checked y as EM and the families read it, (n, T)."""

    @abstractmethod
    def squeeze(self, values):
        """Return answers (..., T) in the shape in which the user gave y."""

    @abstractmethod
    def strata(self, labels):
        """Return what rows are held out in equal shares of, (n,)."""

    def check_present(self, labels):
        """Raise ValueError where rows to fit lack a value. Here: they lack none."""
        return None


class NumberTargets(Targets):
    """Targets of a regressor.

    Parameters
    ----------
    n_columns : int
        Columns of y.
    is_single : bool
        Whether the experts predict one target, whose answers have no axis for it.
    owner : str
        Name of the estimator, for messages.
    """

    def __init__(self, n_columns, is_single, owner):
        self.n_columns = n_columns
        self.is_single = is_single
        self.owner = owner

    @classmethod
    def learn(cls, y, owner, families):
        """Return the coding of a checked y that has these families."""
        columns = y.reshape(len(y), -1)
        n_targets, *others = {family.n_targets(columns) for family in families}
        if others:
            raise ValueError(
                f"family={families!r} cannot be mixed: for 'binomial' the two columns "
                "of y, successes and failures, are one target, for the others two."
            )
        is_single = y.ndim == 1 or n_targets < columns.shape[1]
        return cls(columns.shape[1], is_single, owner)

    @staticmethod
    def check(y, n_samples, owner):
        """Return y as floats, of one or two dimensions."""
        y = check_array(
            y, ensure_2d=False, dtype="numeric", input_name="y", estimator=owner
        )
        if y.ndim > 2 or y.ndim == 0:
            raise ValueError(
                "y should have shape (n_samples,) or (n_samples, n_targets). Got "
                f"shape {y.shape}."
            )
        check_consistent_length(np.empty(n_samples), y)
        y = y.astype(np.float64, copy=False)
        if y.size and not (y.max() < LARGEST and y.min() > -LARGEST):
            raise ValueError(
                f"y must be below {LARGEST:g} in size, so that squares can be added. "
                f"Got values from {y.min():.3g} to {y.max():.3g}: change its unit."
            )
        return y

    def code(self, y, n_samples):
        """Return y as columns, (n, T)."""
        y = self.check(y, n_samples, self.owner).reshape(n_samples, -1)
        if y.shape[1] != self.n_columns:
            raise ValueError(
                f"y has {y.shape[1]} target(s); the fit had {self.n_columns}."
            )
        return y

    def squeeze(self, values):
        """Return answers without the last axis where there is one target."""
        return values[..., 0] if self.is_single else values

    def strata(self, labels):
        """Return one stratum: rows are held out regardless of y."""
        return np.zeros(len(labels))


class ClassTargets(Targets):
    """Labels of a classifier.

    Parameters
    ----------
    classes : ndarray of shape (C,)
        Sorted.
    owner : str
        Name of the estimator, for messages.
    """

    def __init__(self, classes, owner):
        self.classes = classes
        self.owner = owner

    @classmethod
    def learn(cls, y, owner, families):
        """Return the coding of a checked y, which must have two classes or more."""
        classes = np.unique(y)
        if len(classes) < 2:
            (only,) = classes.tolist()
            raise ValueError(
                f"{owner} needs rows of at least two classes with positive weight; the "
                f"data contains one class: {only!r}."
            )
        return cls(classes, owner)

    @staticmethod
    def check(y, n_samples, owner):
        """Return y as labels (n,), or raise where it is no classification target."""
        y = check_array(y, ensure_2d=False, dtype=None, input_name="y", estimator=owner)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        check_consistent_length(np.empty(n_samples), y)
        return y

    def code(self, y, n_samples):
        """Return indices of the classes, (n, 1)."""
        y = self.check(y, n_samples, self.owner)
        index = np.searchsorted(self.classes, y)
        index = np.minimum(index, len(self.classes) - 1)
        unknown = self.classes[index] != y
        if np.any(unknown):
            first = y[unknown].tolist()[0]
            raise ValueError(
                f"y holds class {first!r}, which was not seen in fit; classes_ are "
                f"{self.classes.tolist()}."
            )
        return index[:, None]

    def squeeze(self, values):
        """Return answers as they are: the last axis is that of the classes."""
        return values

    def strata(self, labels):
        """Return the labels: rows are held out of each class."""
        return labels

    def check_present(self, labels):
        """Raise ValueError where all rows of a class are held out."""
        missing = np.setdiff1d(self.classes, labels)
        if len(missing):
            raise ValueError(
                f"early_stopping=True holds out all rows of class "
                f"{missing.tolist()[0]!r}. Choose another validation_fraction, or "
                "groups that each class has several of."
            )
