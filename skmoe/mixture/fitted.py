# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The fitted mixture: a gate, experts and their noise, and what they say."""

from abc import ABC, abstractmethod
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from skmoe.estimators.parameters import count_parameters
from skmoe.mixture.chunks import by_rows
from skmoe.mixture.routes import routed
from skmoe.mixture.training import TrainingRecord
from skmoe.numerics.softmax import log_softmax, log_sum_exp, posterior, softmax
from skmoe.rows.groups import rows_of_groups, sum_by_group
from skmoe.rows.inputs import InputReader
from skmoe.rows.targets import Targets


@dataclass(eq=False, repr=False)
class FittedMixture(ABC):
    r"""The density :math:`p(y \mid x) = \sum_k g_k(x) f(y \mid m_k(x), \phi_k)`.

    A plain object, made once at the end of a fit. Its answers about X take `Inputs`,
    which its `reader` makes of X; those about y take coded targets, which `targets`
    makes. What a caller chooses per call (`top_k`, `engine`) is handed to it.

    Attributes
    ----------
    gate : BaseGate
        Fitted.
    experts : BaseExperts
        Fitted, with their noise.
    names : list of str
        Of the experts.
    reader : InputReader
        The columns that gate and experts see.
    targets : Targets
        The coding of y.
    training : TrainingRecord or None
        None while EM is still at work.
    """

    gate: Any
    experts: Any
    names: list
    reader: InputReader
    targets: Targets
    training: TrainingRecord | None = None

    @property
    def n_experts(self):
        """Number of experts."""
        return len(self.names)

    @property
    def noise(self):
        """Families of the experts and their parameters."""
        return self.experts.noise

    # -- answers about X --------------------------------------------------------------

    def gate_proba(self, gate_X):
        """Prior probabilities of the experts, (n, K), given what the gate sees."""
        return softmax(self.gate.scores(gate_X))

    def best_expert(self, gate_X):
        """Index of the most probable expert, (n,), given what the gate sees."""
        return self.gate.scores(gate_X, "C").argmax(axis=1)

    @abstractmethod
    def predict_experts(self, inputs):
        """Return each expert's own answer, (n, K, ...)."""

    def routed(self, function, inputs, top_k, engine):
        """Return `function` of the weights and answers of each row's experts.

        See `skmoe.mixture.routes.routed`.
        """
        return routed(self, function, inputs, top_k, engine)

    # -- answers about y --------------------------------------------------------------

    def posterior(self, inputs, y):
        """Responsibilities (n, K) and log density (n,) of coded targets y (n, T)."""
        return by_rows(self, self._posterior, inputs, y)

    def _posterior(self, scores, X, y):
        joint = log_softmax(scores)
        joint += self.experts.log_density(X, y)
        return posterior(joint)

    def log_density(self, inputs, y):
        """Log density of coded targets y (n, T) under the mixture, (n,)."""
        return by_rows(self, self._log_density, inputs, y)[0]

    def _log_density(self, scores, X, y):
        return self._posterior(scores, X, y)[1:]

    def log_joint_of_groups(self, inputs, y, groups, weights):
        """Log joint density of each group of rows and each expert, (G, K)."""
        gate_X, _ = rows_of_groups(inputs.gate, groups, weights, self.gate)
        joint = log_softmax(self.gate.scores(gate_X))
        joint += sum_by_group(
            self.experts.log_density(inputs.experts, y), groups, weights
        )
        return joint

    def responsibilities(self, inputs, y, groups=None):
        """Posterior probabilities of the experts, (n, K); rows of a group share one."""
        if groups is None:
            return self.posterior(inputs, y)[0]
        ones = np.ones(len(groups))
        return softmax(self.log_joint_of_groups(inputs, y, groups, ones))[groups]

    def mean_log_likelihood(self, rows):
        """Weighted mean log likelihood of `Rows`, or of their groups."""
        total = rows.weights.sum() if rows.groups is None else rows.n_groups
        return self.log_likelihood(rows) / float(total)

    def log_likelihood(self, rows, allowed=None):
        """Weighted total log likelihood of `Rows`, or of their groups.

        `allowed` are the experts that rows or groups are kept to, None for all.
        """
        if rows.groups is None and allowed is None:
            return float(rows.weights @ self.log_density(rows.inputs, rows.y))
        if rows.groups is None:
            joint = log_softmax(self.gate.scores(rows.inputs.gate))
            joint += self.experts.log_density(rows.inputs.experts, rows.y)
            weights = rows.weights
        else:
            joint = self.log_joint_of_groups(
                rows.inputs, rows.y, rows.groups, rows.weights
            )
            weights = np.ones(len(joint))
        if allowed is not None:
            joint = joint + allowed[:].T
        return float(weights @ log_sum_exp(joint))

    # -- the mixture itself -----------------------------------------------------------

    def calibrate(self, state, gate, task, rows):
        """Take in the ranks of rows held out by the folds. Here: there are none."""
        return None

    def count_parameters(self):
        """Free parameters of gate, experts and noise; NaN where a number is unknown."""
        experts = [
            0 if family.is_background else count_parameters(expert)
            for family, expert in zip(
                self.noise.families, self.experts.estimators, strict=True
            )
        ]
        gate = count_parameters(self.gate)
        return gate + sum(experts) + self.noise.count_parameters()

    def select(self, kept):
        """Return the mixture of the experts `kept`, by index; shares nothing changed.

        The training record keeps the totals of the experts kept.
        """
        chosen = copy(self)
        chosen.gate = self.gate.select(kept)
        chosen.experts = self.experts.select(kept)
        chosen.names = [self.names[k] for k in kept]
        if self.training is not None:
            totals = self.training.totals[kept]
            chosen.training = self.training.select(kept, totals)
        return chosen

    def attributes(self):
        """Return what an estimator shows of the mixture, by the attributes' names."""
        estimators = self.experts.estimators
        return {
            "gate_": self.gate,
            "experts_": estimators,
            "named_experts_": Bunch(**dict(zip(self.names, estimators, strict=True))),
            "n_experts_": self.n_experts,
            "n_parameters_": self.count_parameters(),
        }
