# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Scores of predictive distributions and of class probabilities.

Every regression model answers with a mixture of Gaussians per row: one component for a
point predictor, K for a mixture of experts, one per quantile for a quantile model. So
all are scored by the same closed forms.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, xlogy
from scipy.stats import norm


@dataclass(frozen=True, eq=False)
class Mixtures:
    """Per row a mixture of Gaussians; arrays of shape (n, K)."""

    weights: np.ndarray
    means: np.ndarray
    scales: np.ndarray

    def mean(self):
        return np.sum(self.weights * self.means, axis=1)

    def log_density(self, y):
        log_pdf = norm.logpdf(y[:, None], self.means, self.scales)
        return logsumexp(log_pdf, axis=1, b=self.weights)

    def cdf(self, y):
        return np.sum(self.weights * norm.cdf(y[:, None], self.means, self.scales), 1)

    def crps(self, y):
        """Continuous ranked probability score (Grimit et al. 2006, eq. 5)."""
        near = np.sum(
            self.weights * _expected_abs(y[:, None] - self.means, self.scales), 1
        )
        apart = np.array([_spread(*row) for row in zip(*self._arrays(), strict=True)])
        return near - apart / 2

    def _arrays(self):
        return np.broadcast_arrays(self.weights, self.means, self.scales)


def gaussian(mean, scale):
    """One Gaussian per row."""
    mean = np.asarray(mean, dtype=float).reshape(-1, 1)
    scale = np.broadcast_to(np.reshape(scale, (-1, 1)), mean.shape)
    return Mixtures(np.ones_like(mean), mean, scale)


def _expected_abs(mean, scale):
    """E|Z| of a Gaussian Z."""
    z = mean / scale
    return scale * (2 * norm.pdf(z) + z * (2 * norm.cdf(z) - 1))


def _spread(weights, means, scales):
    """E|Y - Y'| of two draws of one row's mixture."""
    apart = _expected_abs(means[:, None] - means, np.hypot(scales[:, None], scales))
    return weights @ apart @ weights


LEVELS = np.arange(0.05, 1, 0.05)
INTERVALS = ["calibrated90", "calibrated_width"]


def score_regression(mixtures, y):
    """R2, negative log likelihood, CRPS, coverage of 90 % intervals, PIT error.

    The interval is equal-tailed: y lies in it where 0.05 <= F(y) <= 0.95. The PIT error
    is the mean distance of the share of rows with F(y) <= p to p, over p.
    """
    if not np.isfinite(mixtures.mean()).all():
        raise ValueError("predictions are not finite")
    below = mixtures.cdf(y)
    shares = (below[:, None] <= LEVELS).mean(axis=0)
    return {
        "r2": 1 - np.mean((y - mixtures.mean()) ** 2) / y.var(),
        "nll": -mixtures.log_density(y).mean(),
        "crps": mixtures.crps(y).mean(),
        "coverage90": np.mean((below >= 0.05) & (below <= 0.95)),
        "pit_error": np.abs(shares - LEVELS).mean(),
    }


def score_intervals(plain, calibrated, y):
    """Coverage of calibrated 90 % intervals (n, 2), and their mean width over plain."""
    low, high = calibrated.T
    width = np.mean(high - low) / np.mean(plain[:, 1] - plain[:, 0])
    return dict(zip(INTERVALS, [np.mean((low <= y) & (y <= high)), width], strict=True))


def score_classification(proba, y, n_bins=10):
    """Accuracy, log loss, Brier score, expected calibration error of the top class."""
    if not np.isfinite(proba).all():
        raise ValueError("probabilities are not finite")
    proba = np.clip(proba, np.finfo(float).eps, 1)
    proba = proba / proba.sum(axis=1, keepdims=True)
    truth = np.eye(proba.shape[1])[y]
    confidence, hit = proba.max(axis=1), proba.argmax(axis=1) == y
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    gaps = np.bincount(bins, weights=confidence - hit, minlength=n_bins)
    return {
        "accuracy": hit.mean(),
        "log_loss": -xlogy(truth, proba).sum(axis=1).mean(),
        "brier": np.sum((proba - truth) ** 2, axis=1).mean(),
        "ece": np.abs(gaps).sum() / len(y),
    }
