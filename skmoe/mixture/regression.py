# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The fitted mixture of regressors."""

from dataclasses import dataclass

import numpy as np

from skmoe.distribution import PredictiveDistribution
from skmoe.distribution._intervals import check_coverage
from skmoe.mixture.calibration import HeldOutRanks, calibrated_levels, held_out_ranks
from skmoe.mixture.fitted import FittedMixture
from skmoe.numerics.routing import mix, mix_present
from skmoe.numerics.softmax import log_softmax

KINDS = ("equal-tailed", "highest-density", "calibrated")


@dataclass(eq=False, repr=False)
class RegressionMixture(FittedMixture):
    """A mixture whose experts predict numbers, with noise around them.

    Attributes
    ----------
    held_out : HeldOutRanks or None
        Where rows held out of a fit with `cv` fell in their distributions.
    """

    held_out: HeldOutRanks | None = None

    # -- mean and deviation -----------------------------------------------------------

    def mean(self, inputs, top_k=None, engine="auto"):
        """Mean of y given each row, (n,) or (n, T)."""
        (mean,) = self.routed(self._mean, inputs, top_k, engine)
        return self.targets.squeeze(mean)

    def mean_and_std(self, inputs, top_k=None, engine="auto"):
        """Mean and standard deviation of y given each row, each (n,) or (n, T)."""
        mean, std = self.routed(self._mean_and_std, inputs, top_k, engine)
        return self.targets.squeeze(mean), self.targets.squeeze(std)

    def _mean(self, weights, predictions, kept, X):
        return (mix(weights, self.noise.apply("mean", predictions, kept=kept)),)

    def _mean_and_std(self, weights, predictions, kept, X):
        means = self.noise.apply("mean", predictions, kept=kept)
        mean = mix(weights, means)
        spread = (means - mean[:, None, :]) ** 2
        spread += self.experts.variance(X, predictions, kept)
        return mean, np.sqrt(mix_present(weights, spread))

    def predict_experts(self, inputs):
        """Mean of y by each expert, (n, K) or (n, K, T)."""
        means = self.noise.apply("mean", self.experts.predict(inputs.experts))
        return self.targets.squeeze(means)

    # -- distribution -----------------------------------------------------------------

    def distribution(self, inputs):
        """The `PredictiveDistribution` of y given each row."""
        log_weights = log_softmax(self.gate.scores(inputs.gate))
        components = self.experts.mixture(inputs.experts, log_weights)
        return PredictiveDistribution(*components)

    def quantiles(self, inputs, levels):
        """Quantiles of each target, (n, n_levels[, T]) or (n[, T]) for one level."""
        return self._of_marginals(inputs, lambda dist, _: dist.quantile(levels))

    def interval(self, inputs, coverage, kind):
        """Ends of an interval of a `kind` for each target, (n, 2[, T])."""
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {list(KINDS)}. Got {kind!r}.")
        if kind != "calibrated":
            return self._of_marginals(
                inputs, lambda dist, _: dist.interval(coverage, kind)
            )
        levels = self._calibrated_levels(coverage)
        return self._of_marginals(inputs, lambda dist, t: dist.quantile(levels[t]))

    def _calibrated_levels(self, coverage):
        """Two levels for each target."""
        if self.held_out is None:
            raise ValueError(
                "kind='calibrated' needs held_out_ranks_, which a fit with cv=5 has "
                "unless its family is 'binomial' or experts were dropped from it. Got "
                "a model without. Ranks of further rows serve as well: see "
                "docs/distributions.md."
            )
        check_coverage(coverage)
        ranks, weights = self.held_out
        of_targets = ranks.reshape(len(ranks), -1).T
        return [calibrated_levels(each, weights, coverage) for each in of_targets]

    def _of_marginals(self, inputs, function):
        dist = self.distribution(inputs)
        marginals = [function(dist.marginal(t), t) for t in range(dist.n_targets)]
        return self.targets.squeeze(np.stack(marginals, axis=-1))

    # -- the mixture itself -----------------------------------------------------------

    def calibrate(self, state, gate, task, rows):
        """Take in the ranks of the rows held out; see `held_out_ranks`."""
        self.held_out = held_out_ranks(self, state, gate, task, rows)

    def select(self, kept):
        """Return the mixture of the experts `kept`.

        Ranks are those of all experts together: they are lost with an expert.
        """
        chosen = super().select(kept)
        if len(kept) < self.n_experts:
            chosen.held_out = None
        return chosen

    def attributes(self):
        """Return what an estimator shows of the mixture, by the attributes' names."""
        noise, squeeze = self.noise, self.targets.squeeze
        dispersions = noise.dispersions
        if dispersions is None:
            dispersions = np.full(noise.limits.shape[1:], np.nan)
        held_out = self.held_out
        return super().attributes() | {
            "dispersions_": squeeze(dispersions),
            "prediction_limits_": squeeze(noise.limits),
            "families_": noise.fitted_families(),
            "held_out_ranks_": None if held_out is None else held_out.ranks,
        }
