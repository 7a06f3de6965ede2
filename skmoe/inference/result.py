# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Results of observed information: estimates, errors, intervals."""

from itertools import chain

import numpy as np
from scipy.linalg import block_diag
from scipy.special import ndtr, ndtri

from skmoe._compat import warn_user

# Eigenvalues of the information below this, when its diagonal is one, are zeros: no
# data speak about such a direction.
FLAT = 1e-10
# A parameter has no standard error if a flat direction has more than this of it.
TOUCHED = 1e-5
# The estimate counts as a maximum if it is nearer to it than this many standard errors:
# intervals of 95 percent then hold in more than 92 percent.
NEAR = 0.5


class ObservedInformation:
    r"""Standard errors of a fitted mixture, made by `observed_information`.

    .. math:: \widehat{\mathrm{cov}}(\hat\theta) = I^{-1}, \quad
              I^{-1} J I^{-1} \text{ or } J^{-1}, \qquad
              I = -\nabla^2 \ell(\hat\theta), \quad J = \sum_i w_i s_i s_i'

    for `kind` 'hessian', 'sandwich' and 'opg' with the rows' scores s.

    Parameters
    ----------
    kind : {'hessian', 'opg', 'sandwich'}
        What the covariance is made of.
    parts : list of Part
        Names, values and scales of the parameters.
    score : ndarray of shape (p,)
        Gradient of the log likelihood, on standardised columns.
    information : ndarray of shape (p, p)
        Its negative Hessian.
    squares : ndarray of shape (p, p)
        Sum of the rows' squared scores.

    Attributes
    ----------
    names : list of (str, str, str)
        Part ('gate', 'expert' or 'noise'), expert and term of each of the p free
        parameters. The gate's are relative to the first expert.
    estimates : ndarray of shape (p,)
        Their values; positive parameters of the noise as logarithms.
    score : ndarray of shape (p,)
        Gradient of the log likelihood.
    information : ndarray of shape (p, p)
        Negative Hessian of the log likelihood; the sum of squared scores for 'opg'.
    covariance : ndarray of shape (p, p)
        Covariance of the estimates; NaN for parameters that the data leave open.
    standard_errors : ndarray of shape (p,)
        Square roots of its diagonal.
    z_values : ndarray of shape (p,)
        Estimates in standard errors.
    p_values : ndarray of shape (p,)
        Two-sided, of the hypothesis that a parameter is zero, by the normal
        distribution. For logarithms, and where experts would then be alike (which no
        normal distribution describes), they are not to be used.
    distance : float
        Newton's estimate of how far the maximum is from the estimate, in standard
        errors of the parameter for which that is largest.

    See Also
    --------
    observed_information : Makes it from a model and data.
    """

    def __init__(self, kind, parts, score, information, squares):
        self.kind = kind
        self._parts = parts
        to_user = block_diag(*(part.to_user for part in parts))
        to_standard = np.linalg.inv(to_user)
        base = squares if kind == "opg" else information
        self.names = list(chain.from_iterable(part.names for part in parts))
        self.estimates = np.concatenate([part.estimates for part in parts])
        self.score = to_standard.T @ score
        self.information = to_standard.T @ base @ to_standard
        inverse, self._flat, self._unit = invert(base)
        self._covariance = inverse
        if kind == "sandwich":
            self._covariance = inverse @ squares @ inverse
        self._to_user = to_user
        self.covariance = self._mapped(to_user)
        self.standard_errors = deviations(self.covariance)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.z_values = self.estimates / self.standard_errors
            steps = np.abs(to_user @ inverse @ score)
            steps = steps / deviations(self._mapped(to_user, inverse))
        self.p_values = 2 * ndtr(-np.abs(self.z_values))
        known = np.nan_to_num(steps, nan=0.0)
        self.distance = float(known.max(initial=0.0))
        self._warn(known)

    def table(self, level=0.95):
        """Return the coefficients as the model has them, with their standard errors.

        Parameters
        ----------
        level : float, default=0.95
            Probability that an interval, `lower` to `upper`, holds its parameter.

        Returns
        -------
        pandas.DataFrame or dict of str to list
            Index `part`, `expert`, `term` (columns of the dict without pandas);
            columns `estimate`, `standard error`, `z`, `p`, `lower`, `upper`. A softmax
            gate's coefficients sum to zero over the experts. Proportions and the
            parameters of the noise are on their natural scale: standard errors by the
            delta method, intervals symmetric on the scale on which they are free (log
            odds, logarithm), no test.
        """
        if not 0 < level < 1:
            raise ValueError(f"level must be between 0 and 1. Got {level!r}.")
        width = ndtri(0.5 + level / 2)
        jacobian = block_diag(*(part.jacobian for part in self._parts))
        errors = deviations(self._mapped(jacobian @ self._to_user))
        ends = np.cumsum([len(part.shown) for part in self._parts])[:-1]
        pairs = zip(self._parts, np.split(errors, ends), strict=True)
        blocks = [_columns(part, of_part, width) for part, of_part in pairs]
        columns = {
            name: list(chain.from_iterable(block[name] for block in blocks))
            for name in blocks[0]
        }
        try:
            import pandas as pd
        except ImportError:
            return columns
        return pd.DataFrame(columns).set_index(["part", "expert", "term"])

    def _mapped(self, jacobian, covariance=None):
        """Covariance of a linear map of the parameters, NaN where it is unknown."""
        covariance = self._covariance if covariance is None else covariance
        mapped = jacobian @ covariance @ jacobian.T
        touched = np.linalg.norm(jacobian @ self._flat, axis=1)
        unknown = touched > TOUCHED * np.linalg.norm(jacobian * self._unit, axis=1)
        mapped[unknown] = mapped[:, unknown] = np.nan
        return mapped

    def _warn(self, steps):
        unknown = np.flatnonzero(np.isnan(self.standard_errors))
        if len(unknown):
            warn_user(
                f"The information matrix is singular or indefinite: {len(unknown)} of "
                f"{len(self.names)} parameters, first {self.names[unknown[0]]}, get no "
                "standard error. Drop constant and collinear columns, use fewer "
                "experts (two may coincide, or one be without rows) or a simpler "
                "family (its parameter may be at a limit), weaker penalties (a strong "
                "alpha or a small C holds the fit where the likelihood is no maximum), "
                "or converge (smaller tol, larger max_iter and n_init).",
                UserWarning,
            )
        if self.distance > NEAR:
            worst = self.names[int(steps.argmax())]
            warn_user(
                "Standard errors assume an unpenalised maximum of the likelihood of "
                f"these data; it lies about {self.distance:.2g} standard errors away "
                f"for {worst}. Fit with weaker penalties (SoftmaxGate(alpha=1e-7), the "
                "experts' own alpha or C) or a smaller tol, and pass the data and "
                "weights of the fit.",
                UserWarning,
            )


def invert(information):
    """Inverse of a symmetric matrix, its flat directions (p, f) and their unit (p,).

    Directions in which it is not positive definite are left out of the inverse.
    """
    diagonal = np.diag(information)
    unit = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    values, vectors = np.linalg.eigh(information * unit * unit[:, None])
    rising = values > FLAT
    kept = vectors[:, rising] * unit[:, None]
    inverse = (kept / values[rising]) @ kept.T
    return inverse, vectors[:, ~rising] * unit[:, None], unit


def deviations(covariance):
    """Square roots of the diagonal."""
    return np.sqrt(np.diag(covariance))


def _columns(part, errors, width):
    """The table's columns for one part."""
    with np.errstate(divide="ignore", invalid="ignore"):
        z = part.shown / errors if part.has_test else np.full(len(errors), np.nan)
    lower, upper = part.interval(errors, width)
    names = zip(*part.shown_names, strict=True) if part.shown_names else ((), (), ())
    of_names = dict(zip(("part", "expert", "term"), map(list, names), strict=True))
    return of_names | {
        "estimate": part.shown.tolist(),
        "standard error": errors.tolist(),
        "z": z.tolist(),
        "p": (2 * ndtr(-np.abs(z))).tolist(),
        "lower": lower.tolist(),
        "upper": upper.tolist(),
    }
