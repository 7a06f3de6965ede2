# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Stopping rule: an estimate of the gain still to come."""

import numpy as np

from skmoe.trainers.local_model import rounding

# How often in a row the gain to come must be below the tolerance. A quadratic is a bold
# guess on a plateau, and two more accelerated steps cost little (docs/defaults.md).
TIMES, ACCELERATED_TIMES = 2, 4


class StoppingRule:
    r"""Stop when the gain still to come is below `tol`, several times in a row.

    EM converges linearly: gains shrink by a rate :math:`\rho`, which may be near one,
    and the last gain then says little. Aitken's estimate of all gains to come after
    gains :math:`\delta_{t-1}, \delta_t` is

    .. math:: \delta_t \frac{\rho}{1 - \rho}, \qquad \rho = \delta_t / \delta_{t-1} .

    An accelerated step knows better: half its slope, :math:`\frac12 s' H s` with score
    s and quasi-Newton inverse Hessian H, is the gain that a quadratic has left.

    References
    ----------
    .. [1] McLachlan, G. J. & Krishnan, T. (2008). The EM Algorithm and Extensions,
       section 4.9. Wiley.
    """

    def __init__(self, tol):
        self.tol = tol
        self.last_gain = None
        self.times_below = 0

    def update(self, bound, gain, predicted=None):
        """Take in an iteration's gain; return whether to stop."""
        if gain <= rounding(bound):
            to_come = 0.0
        elif predicted is not None:
            to_come = max(predicted, gain)
        else:
            to_come = max(self._aitken(gain), gain)
        self.last_gain = gain
        self.times_below = self.times_below + 1 if to_come < self.tol else 0
        return self.times_below >= (TIMES if predicted is None else ACCELERATED_TIMES)

    def _aitken(self, gain):
        if self.last_gain is None or gain >= self.last_gain:
            return np.inf
        rate = gain / self.last_gain
        return gain * rate / (1.0 - rate)
