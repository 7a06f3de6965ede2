# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Fit any scikit-learn estimator to weighted rows."""

import inspect
from contextlib import contextmanager

import numpy as np
from sklearn import config_context
from sklearn.base import is_classifier
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from skmoe._compat import _routing_enabled, _safe_indexing

# Attributes under which meta-estimators keep the estimator they hand weights on to.
_INNER = ("estimator", "regressor", "classifier")


def weight_parameter(estimator):
    """Name of the keyword by which `fit` takes row weights, or None.

    A Pipeline wants ``step__sample_weight`` for its last step; GridSearchCV,
    TransformedTargetRegressor and their like hand keywords on to what they wrap.
    """
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        if last is None or isinstance(last, str):
            return None
        inner = weight_parameter(last)
        return f"{name}__{inner}" if inner else None
    if has_fit_parameter(estimator, "sample_weight"):
        return "sample_weight"
    if not _takes_any_keyword(estimator):
        return None
    for attribute in _INNER:
        inner = getattr(estimator, attribute, None)
        if hasattr(inner, "fit"):
            return weight_parameter(inner)
    return "sample_weight"


def _takes_any_keyword(estimator):
    parameters = inspect.signature(estimator.fit).parameters.values()
    return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


def fit_weighted(
    estimator,
    X,
    y,
    weights,
    *,
    fit_params=None,
    random_state=None,
    name="expert",
    least_draws=0,
):
    """Fit `estimator` in place to rows of positive weight; return it.

    Parameters
    ----------
    estimator : estimator
        Already a clone; fitted in place.
    X : {ndarray, CSR matrix, dataframe} of shape (n, d)
    y : ndarray of shape (n,) or (n, T)
    weights : ndarray of shape (n,)
        Positive. Equal weights are those of a plain fit.
    fit_params : dict, default=None
        Further keywords for `fit`.
    random_state : int, RandomState instance or None
        For the resampling of an estimator that takes no weights.
    name : str
        Named in a note on any error that `fit` raises.
    least_draws : int, default=0
        Rows drawn, at least, for an estimator that takes no weights.
    """
    fit_params = dict(fit_params or {})
    with naming("fitting", name, estimator):
        if _sees_one_class(estimator, y):
            return DummyClassifier(strategy="prior").fit(X, y, weights)
        parameter = weight_parameter(estimator)
        if parameter is None:
            rows = resample(weights, random_state, least_draws)
            return estimator.fit(_safe_indexing(X, rows), y[rows], **fit_params)
        return _fit_with(estimator, X, y, parameter, weights, fit_params)


@contextmanager
def naming(doing, name, estimator):
    """Notes on an error of an estimator whose it is and what it was doing."""
    try:
        yield
    except NotFiniteError as error:
        raise error.named(name) from None
    except Exception as error:
        error.add_note(f"Raised while {doing} {name}: {estimator!r}")
        raise


def _sees_one_class(estimator, y):
    """True if an unfitted classifier gets one class only, which many refuse."""
    unfitted_classifier = is_classifier(estimator) and not hasattr(
        estimator, "classes_"
    )
    return unfitted_classifier and len(np.unique(y)) == 1


def _fit_with(estimator, X, y, parameter, weights, fit_params):
    """Fit with the weights' keyword, whether or not metadata routing lets it pass.

    Under routing a meta-estimator takes `sample_weight` where a part of it requested
    it, and refuses keywords that name a step. One that requested nothing still gets its
    weights, with routing switched off for the call: EM cannot do without.
    """
    if not _routing_enabled():
        return estimator.fit(X, y, **{parameter: weights}, **fit_params)
    if get_routing_for_object(estimator).consumes("fit", ["sample_weight"]):
        return estimator.fit(X, y, sample_weight=weights, **fit_params)
    with config_context(enable_metadata_routing=False):
        return estimator.fit(X, y, **{parameter: weights}, **fit_params)


def resample(weights, random_state, least=0):
    """Row indices in which row i stands about ``weights[i]`` times.

    Systematic sampling: as many rows as the weights' total on the scale where the
    largest is one, each row's count within one of its expectation. Equal weights give
    each row once, so that an unweighted fit is an unweighted fit. No fewer rows than
    `least` are drawn.
    """
    if np.ptp(weights) <= 1e-12 * weights.max():
        return np.arange(len(weights))
    expected = np.cumsum(weights / weights.max())
    size = max(round(float(expected[-1])), least, 1)
    offset = check_random_state(random_state).uniform()
    ticks = (np.arange(size) + offset) * (expected[-1] / size)
    rows = np.searchsorted(expected, ticks, side="right")
    return np.minimum(rows, len(weights) - 1)


def align_probabilities(classifier, X, classes):
    """``classifier.predict_proba`` with one column for each of `classes` (sorted)."""
    proba = align(classifier.predict_proba(X), classifier.classes_, classes)
    return check_answers(classifier, proba)


def check_answers(estimator, answers):
    """Return an estimator's answers (n, ...), or raise where one is not finite."""
    if np.isfinite(answers).all():
        return answers
    bad = ~np.isfinite(answers.reshape(len(answers), -1))
    row = int(np.flatnonzero(bad.any(axis=1))[0])
    raise NotFiniteError(
        f"answered {answers[row].tolist()} for row {row}, and the same or the like for "
        f"{int(bad.any(axis=1).sum())} of {len(answers)} rows. A prediction or a "
        "probability must be a finite number. Where an expert has no rows left that it "
        "can learn from (a constant column, a single row), fewer experts, "
        "assignment='soft' or a stronger penalty of its own help.",
        estimator,
    )


class NotFiniteError(ValueError):
    """An estimator answered NaN or infinity; named once it is known whose it is."""

    def __init__(self, found, estimator, whose=None):
        start = "An estimator" if whose is None else whose[:1].upper() + whose[1:]
        super().__init__(f"{start} ({estimator!r}) {found}")
        self.found, self.estimator, self.whose = found, estimator, whose

    def named(self, whose):
        """Return the same error about a named estimator; the first name stays."""
        if self.whose is not None:
            return self
        return NotFiniteError(self.found, self.estimator, whose)

    def __reduce__(self):
        return NotFiniteError, (self.found, self.estimator, self.whose)


def align(proba, known, classes):
    """Probabilities of the classes `known`, with a column for each of `classes`."""
    proba = np.array(proba, dtype=np.float64)
    if len(known) == len(classes):
        return proba
    aligned = np.zeros((proba.shape[0], len(classes)))
    aligned[:, np.searchsorted(classes, known)] = proba
    return aligned
