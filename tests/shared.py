# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Data and assertions that several folders of tests share."""

import numpy as np

# Bounds are means of n terms: their rounding, relative to them.
ROUNDING = 1e-12


def assert_never_falls(bounds):
    """Assert that raw lower bounds of EM never fall by more than rounding explains."""
    bounds = np.asarray(bounds)
    assert len(bounds) > 0
    assert np.all(np.isfinite(bounds))
    falls = -np.diff(bounds)
    allowed = ROUNDING * np.maximum(1.0, np.abs(bounds[:-1]))
    assert np.all(falls <= allowed), f"largest fall {falls.max():.3g}"


def two_regimes(n_samples=150, n_features=2, noise=0.2, seed=0):
    """Slopes +2 and -1 right and left of zero: y (n,) and the regime (n,)."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, n_features))
    regime = (X[:, 0] > 0).astype(int)
    y = np.where(regime == 1, 2 * X[:, 0] + 1, -X[:, 0]) + 0.5 * X[:, -1]
    return X, y + noise * rng.normal(size=n_samples), regime


def two_boundaries(n_samples=150, n_features=2, n_classes=2, seed=0):
    """Classes along the second feature, in opposite order right and left of zero."""
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n_samples, n_features))
    score = np.where(X[:, 0] > 0, 1, -1) * X[:, -1] + 0.5 * rng.normal(size=n_samples)
    cuts = np.quantile(score, np.arange(1, n_classes) / n_classes)
    return X, np.searchsorted(cuts, score)
