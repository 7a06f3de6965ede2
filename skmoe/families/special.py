# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Remainders of gamma functions when their leading terms cancel.

Log densities of gamma, beta, binomial and negative binomial variables are differences
of large logarithms of gamma functions where the dispersion is small or the counts are
large. Written with the remainders below, and `relative_entropy` for the leading terms
(Loader, 2000, "Fast and accurate computation of binomial probabilities"), they keep
their digits. From `LARGE` on, the remainders are asymptotic series.
"""

import numpy as np
from scipy.special import digamma, erfcx, gammaln, xlogy

LARGE = 20.0
# Terms of the sum before the series of `trigamma`.
SHIFT = 10
LOG_2_PI = np.log(2 * np.pi)
TINY = np.finfo(np.float64).tiny


def _parts(x):
    """True where x is large; then x there, 1 / x^2 there, and x elsewhere."""
    x = np.asarray(x, dtype=np.float64)
    far = np.maximum(x, LARGE)
    return x >= LARGE, far, 1.0 / far / far, np.clip(x, TINY, LARGE)


def stirling_error(x):
    r""":math:`\log \Gamma(x) - x \log x + x` of x > 0."""
    x = np.asarray(x, dtype=np.float64)
    if x.min(initial=LARGE) >= LARGE:
        return _stirling_series(x, 1.0 / x / x)
    large, far, inverse, near = _parts(x)
    exact = gammaln(near) - xlogy(near, near) + near
    return np.where(large, _stirling_series(far, inverse), exact)


def _stirling_series(x, inverse):
    series = 1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))
    return 0.5 * (LOG_2_PI - np.log(x)) + series / x


def factorial_error(y):
    r""":math:`\log y! - y \log y + y` of integers y >= 0."""
    y = np.asarray(y, dtype=np.float64)
    if y.max(initial=0.0) < len(FACTORIAL_ERRORS):
        return FACTORIAL_ERRORS[y.astype(np.intp)]
    return _factorial_error(y)


def _factorial_error(y):
    positive = np.maximum(y, 1.0)
    return np.where(y > 0, np.log(positive) + stirling_error(positive), 0.0)


def digamma_gap(x):
    r""":math:`\log x - \psi(x)` of x > 0."""
    large, far, inverse, near = _parts(x)
    series = 1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse / 240))
    return np.where(large, (0.5 + series / far) / far, np.log(near) - digamma(near))


def trigamma(x):
    r""":math:`\psi'(x)` of x > 0: SciPy's takes ten times as long."""
    x = np.asarray(x, dtype=np.float64)
    total = sum(1.0 / (x + j) ** 2 for j in range(SHIFT))
    far = x + SHIFT
    inverse = 1.0 / far**2
    series = 1 / 42 - inverse * (1 / 30 - inverse * (5 / 66 - inverse * 691 / 2730))
    series = 1 / 6 - inverse * (1 / 30 - inverse * series)
    return total + (1.0 + (0.5 + series / far) / far) / far


def trigamma_gap(x):
    r""":math:`x^2 \psi'(x) - x` of x > 0."""
    large, far, inverse, near = _parts(x)
    series = 1 / 6 - inverse * (1 / 30 - inverse * (1 / 42 - inverse / 30))
    return np.where(large, 0.5 + series / far, near**2 * trigamma(near) - near)


def half_step(x):
    r""":math:`\log \Gamma(x + \frac12) - \log \Gamma(x) - \frac12 \log x`, x > 0."""
    large, far, inverse, near = _parts(x)
    series = 1 / 8 - inverse * (1 / 192 - inverse * (1 / 640 - inverse * 17 / 14336))
    exact = gammaln(near + 0.5) - gammaln(near) - 0.5 * np.log(near)
    return np.where(large, -series / far, exact)


def half_step_slope(x):
    r""":math:`\psi(x + \frac12) - \psi(x) - 1 / (2x)`, the derivative of the above."""
    large, _, inverse, near = _parts(x)
    series = 1 / 8 - inverse * (1 / 64 - inverse * (1 / 128 - inverse * 17 / 2048))
    exact = digamma(near + 0.5) - digamma(near) - 0.5 / near
    return np.where(large, series * inverse, exact)


def excess(ratio):
    """``ratio - 1 - log ratio``, to rounding even where the ratio is close to one."""
    return ratio - 1.0 - np.log(np.maximum(ratio, TINY))


def log_ratio(ratio, less_one):
    """Logarithm of a ratio > 0 of which `less_one`, the ratio - 1, is exact too."""
    near = np.abs(less_one) < 0.5
    far = np.log(np.where(near, 1.0, ratio))
    return np.where(near, np.log1p(np.where(near, less_one, 0.0)), far)


def relative_entropy(y, m):
    """``y log(y / m) - y + m`` of y >= 0 and m > 0."""
    positive = y > 0
    return np.where(positive, y * excess(m / np.where(positive, y, 1.0)), m)


def mills(t):
    r""":math:`\varphi(t) / \Phi(t)` of the standard normal distribution."""
    return np.sqrt(2 / np.pi) / erfcx(-t / np.sqrt(2))


# Looked up: counts are mostly small, and the same in every iteration.
FACTORIAL_ERRORS = _factorial_error(np.arange(1024.0))
