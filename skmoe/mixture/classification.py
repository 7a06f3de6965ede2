# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The fitted mixture of classifiers."""

import numpy as np

from skmoe.mixture.fitted import FittedMixture
from skmoe.numerics.routing import draw_experts, mix


class ClassificationMixture(FittedMixture):
    """A mixture whose experts give probabilities of classes."""

    def proba(self, inputs, top_k=None, engine="auto"):
        """Probability of each class given each row, (n, n_classes)."""
        return self.routed(self._proba, inputs, top_k, engine)[0]

    def most_probable(self, inputs, top_k=None, engine="auto"):
        """Label of the most probable class of each row, (n,)."""
        (index,) = self.routed(self._most_probable, inputs, top_k, engine)
        return self.targets.classes[index]

    def sample(self, inputs, n_samples, rng, top_k=None, engine="auto"):
        """Labels drawn by their probabilities, (n, n_samples)."""
        proba = self.proba(inputs, top_k, engine)
        draws = np.empty((len(proba), n_samples), dtype=np.intp)
        for column in draws.T:
            column[:] = draw_experts(proba, rng)
        return self.targets.classes[draws]

    @staticmethod
    def _proba(weights, predictions, kept, X):
        # Rounding may leave a mean of probabilities above one, which scikit-learn's
        # log_loss refuses.
        proba = mix(weights, predictions)
        return (np.minimum(proba, 1.0, out=proba),)

    @staticmethod
    def _most_probable(weights, predictions, kept, X):
        return (mix(weights, predictions).argmax(axis=1),)

    def predict_experts(self, inputs):
        """Class probabilities by each expert, (n, K, n_classes)."""
        return self.experts.predict(inputs.experts)

    def attributes(self):
        """Return what an estimator shows of the mixture, by the attributes' names."""
        return super().attributes() | {"classes_": self.targets.classes}
