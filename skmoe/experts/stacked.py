# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""K linear models as one matrix of coefficients."""

from abc import abstractmethod
from typing import Any

import numpy as np
import scipy.sparse as sp

from skmoe.experts.base import BaseExperts
from skmoe.experts.responses import family_response
from skmoe.numerics.least_squares import product

# What one expert costs, its coefficients fetched row by row, against its share of one
# matrix product for all (docs/benchmarks.md).
FETCH_COST = 16


class StackedExperts(BaseExperts):
    """K experts of m linear scores each, every score by one matrix product.

    Attributes
    ----------
    coef : ndarray of shape (d, K m)
        Coefficients, copied from the estimators once.
    intercept : ndarray of shape (K m,)
        Intercepts.
    """

    numeric = True

    def __init__(self, estimators, noise):
        super().__init__(estimators, noise)
        rows = [np.atleast_2d(estimator.coef_) for estimator in estimators]
        intercepts = [
            np.broadcast_to(estimator.intercept_, (len(row),))
            for estimator, row in zip(estimators, rows, strict=True)
        ]
        self.coef, self.intercept = np.vstack(rows).T, np.concatenate(intercepts)

    #: Links between scores and predictions, one per expert; None: all the identity.
    links: Any = None

    @property
    def scores_sum_to_zero(self):
        """True if an expert's scores are shown such that they sum to zero."""
        return False

    def n_channels(self, k):
        """Numbers of linear scores and of free noise parameters of expert k."""
        family, values = self.noise.families[k], self.noise.parameters[k]
        return (0, 0) if family.is_background else (self.n_scores, values.size)

    def responses(self, X, y):
        """The `Response` of every expert's log density at rows X and y, a list."""
        scores, noise = self.scores(X), self.noise
        links = self.links or ["identity"] * len(noise.families)
        return [
            family_response(family, links[k], scores[:, k], y, noise.parameters[k])
            for k, family in enumerate(noise.families)
        ]

    @property
    def numbers_per_row(self):
        """Columns and scores of a row."""
        return sum(self.coef.shape)

    @property
    def linear_scores(self):
        """All coefficients and intercepts."""
        return self.coef.T, self.intercept

    @property
    def n_scores(self):
        """Scores of each expert, m."""
        return self.coef.shape[1] // len(self.estimators)

    def select(self, kept):
        """Some of the experts, given by index."""
        chosen = super().select(kept)
        shape = (len(self.estimators), self.n_scores)
        coef = self.coef.T.reshape(*shape, -1)[kept]
        chosen.coef = coef.reshape(-1, coef.shape[2]).T
        chosen.intercept = self.intercept.reshape(shape)[kept].ravel()
        return chosen

    def scores(self, X):
        """All scores, (n, K, m) with rows last in memory."""
        scores = product(X, self.coef)
        scores += self.intercept
        shape = (len(self.estimators), self.n_scores, scores.shape[0])
        return scores.T.reshape(shape).transpose(2, 0, 1)

    @abstractmethod
    def answers(self, scores, kept=slice(None)):
        """Predictions that scores (n, k, m) of the experts `kept` amount to."""

    def predict(self, X):
        """Every expert's answer for every row, (n, K, ...)."""
        return self.answers(self.scores(X))

    def predict_kept(self, X, kept):
        """Answers of the experts kept for each row, (n, k, ...)."""
        return self.answers(self.kept_scores(X, kept), kept)

    def predict_one(self, k, X):
        """Expert k's answer for the rows given."""
        return self.predict_kept(X, np.full((X.shape[0], 1), k))[:, 0]

    def kept_scores(self, X, kept):
        """Scores of the experts kept for each row: (n, k, m)."""
        n_samples, top_k = kept.shape
        if top_k * FETCH_COST >= len(self.estimators):
            return np.take_along_axis(self.scores(X), kept[:, :, None], axis=1)
        scores = np.empty((top_k, self.n_scores, n_samples))
        for j, s in np.ndindex(scores.shape[:2]):
            models = kept[:, j] * self.n_scores + s
            scores[j, s] = _row_products(X, self.coef.T, models)
            scores[j, s] += self.intercept[models]
        return scores.transpose(2, 0, 1)


def _row_products(X, coef, models):
    """``X[i] @ coef[models[i]]`` for every row i, (n,).

    A row's coefficients are fetched as it comes, which beats sorting the rows by model:
    no call per model is left.
    """
    if not sp.issparse(X):
        return np.einsum("nd,nd->n", X, np.take(coef, models, axis=0))
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    terms = X.data * coef[models[rows], X.indices]
    return np.bincount(rows, weights=terms, minlength=X.shape[0])
