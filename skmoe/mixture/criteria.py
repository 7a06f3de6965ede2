# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Information criteria of a fitted mixture on weighted rows, or on their groups."""

from typing import NamedTuple

import numpy as np

from skmoe.numerics.softmax import posterior


class Criteria(NamedTuple):
    """Information criteria, lower is better.

    Attributes
    ----------
    log_likelihood : float
    aic, bic, icl : float
    """

    log_likelihood: float
    aic: float
    bic: float
    icl: float


def criteria(mixture, inputs, y, weights=None, groups=None):
    r"""Return the `Criteria` of a mixture.

    .. math:: \mathrm{AIC} = -2 \log L + 2 p , \quad
              \mathrm{BIC} = -2 \log L + p \log n , \quad
              \mathrm{ICL} = \mathrm{BIC} - 2 \sum_{ik} w_i r_{ik} \log r_{ik}

    A row of weight w counts as w equal rows. Rows of a group share one expert: groups
    then count in place of rows, and a weight repeats a row within its group.

    Parameters
    ----------
    mixture : FittedMixture
    inputs : Inputs
    y : ndarray of shape (n, T)
        Coded.
    weights : ndarray of shape (n,), default=None
        None: all one.
    groups : ndarray of int of shape (n,), default=None
        Codes 0..G-1.

    Raises
    ------
    ValueError
        If the number of parameters of an expert or of the gate is unknown.
    """
    n_parameters = mixture.count_parameters()
    if np.isnan(n_parameters):
        raise ValueError(
            "Information criteria need the number of parameters, which is unknown for "
            "at least one expert or the gate. Compare by cross-validation."
        )
    weights = np.ones(len(y)) if weights is None else weights
    if groups is None:
        shares, log_density = mixture.posterior(inputs, y)
    else:
        joint = mixture.log_joint_of_groups(inputs, y, groups, weights)
        shares, log_density = posterior(joint)
        weights = np.ones(len(joint))
    log_likelihood = float(weights @ log_density)
    logs = np.log(np.maximum(shares, np.finfo(np.float64).tiny))
    entropy = -float(weights @ (shares * logs).sum(axis=1))
    bic = -2 * log_likelihood + n_parameters * float(np.log(weights.sum()))
    aic = -2 * log_likelihood + 2 * n_parameters
    return Criteria(log_likelihood, aic, bic, bic + 2 * entropy)
