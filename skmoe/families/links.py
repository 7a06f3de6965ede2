# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Links: how the linear score of an expert becomes its prediction."""

import numpy as np
from scipy.special import expit

# Scores beyond these are moved to them: the likelihood of a proposal that far out is
# finite, and it is refused.
LIMIT = 300.0
LOGIT_LIMIT = 30.0
SMALLEST_INVERSE = 1e-50  # fourth powers of the prediction are curvatures


def _identity(score):
    return score, np.ones_like(score)


def _log(score):
    prediction = np.exp(np.clip(score, -LIMIT, LIMIT))
    return prediction, prediction


def _logit(score):
    prediction = expit(np.clip(score, -LOGIT_LIMIT, LOGIT_LIMIT))
    return prediction, prediction * (1.0 - prediction)


def _inverse(score):
    prediction = 1.0 / np.maximum(score, SMALLEST_INVERSE)
    return prediction, -(prediction**2)


#: Prediction m and dm / d score of a score, by the name of the link.
LINKS = {"identity": _identity, "log": _log, "logit": _logit, "inverse": _inverse}

#: Score of a prediction.
LINK_FUNCTIONS: dict = {
    "identity": lambda m: m,
    "log": np.log,
    "logit": lambda m: np.log(m) - np.log1p(-m),
    "inverse": lambda m: 1.0 / m,
}
