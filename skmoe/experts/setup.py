# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Facts about the experts that are known before rows are converted for them."""

from typing import NamedTuple

import numpy as np


class ExpertSetup(NamedTuple):
    """Facts that the choice of a kind of experts depends on.

    Attributes
    ----------
    templates : list of estimators
        One unfitted estimator per expert.
    names : list of str
        Their names.
    families : list of BaseFamily
        Noise model of each expert; experts of one family share the object.
    classes : ndarray of shape (C,) or None
        Sorted class labels; None for regression.
    fit_params : list of dict
        Routed keywords for each expert's `fit`.
    n_features : int
        Columns that experts have coefficients for.
    has_offset : bool
        Whether a column is added to the scores.
    is_cross_fitted : bool
        Whether the E-step knows experts by out-of-fold predictions.
    """

    templates: list
    names: list
    families: list
    classes: np.ndarray | None
    fit_params: list
    n_features: int
    has_offset: bool
    is_cross_fitted: bool
