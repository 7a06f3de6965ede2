# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Class labels."""

import numpy as np

from skmoe.families.base import BaseFamily

SMALLEST_PROBABILITY = np.finfo(np.float64).eps


class Categorical(BaseFamily):
    r"""Class labels, drawn from the probabilities that an expert predicts.

    .. math:: \log f(y = c \mid p) = \log \max(p_c, \varepsilon),
              \qquad \varepsilon = 2.2 \times 10^{-16} .

    The floor matters only where an expert is certain and wrong (a pure leaf, a class
    that it never saw): such a row is then improbable, not impossible, under it.
    `prediction` has shape (n, K, n_classes) and y holds class indices, (n, 1).

    References
    ----------
    .. [1] Jacobs, R. A., Jordan, M. I., Nowlan, S. J. & Hinton, G. E. (1991). "Adaptive
       mixtures of local experts". Neural Computation 3(1), 79-87.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.families import Categorical
    >>> p = np.array([[[0.25, 0.75], [0.5, 0.5]]])
    >>> Categorical().log_density(np.array([[[1]]]), p, ())[..., 0].round(4)
    array([[-0.2877, -0.6931]])
    """

    name = "categorical"
    parameter_names = ()
    parameter_links = ()
    is_discrete = True

    def log_density(self, y, prediction, parameters):
        """Log probability of each row's class, (..., 1)."""
        index = np.asarray(y, dtype=np.intp)
        index = np.broadcast_to(index, (*prediction.shape[:-1], 1))
        chosen = np.take_along_axis(prediction, index, axis=-1)
        return np.log(np.maximum(chosen, SMALLEST_PROBABILITY))

    def fit_parameters(self, y, prediction, weights, floors, start=None):
        """There are none."""
        return np.empty((0, 1))

    def mean(self, prediction, parameters):
        """Class probabilities, (..., n_classes)."""
        return prediction

    def variance(self, prediction, parameters):
        """Variance of each class indicator, (..., n_classes)."""
        return prediction * (1 - prediction)

    def sample(self, prediction, parameters, rng):
        """Class indices drawn from the probabilities, (..., 1)."""
        uniform = rng.uniform(size=(*prediction.shape[:-1], 1))
        drawn = (uniform > prediction.cumsum(axis=-1)).sum(axis=-1, keepdims=True)
        return np.minimum(drawn, prediction.shape[-1] - 1)
