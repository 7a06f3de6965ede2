# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What a fitted regressor says of y beyond its mean."""

import warnings

import numpy as np

from skmoe.distribution import PredictiveDistribution
from skmoe.distribution._intervals import check_coverage
from skmoe.mixture.calibration import calibrated_levels, held_out_gates, ranks_of
from skmoe.numerics.routing import check_n_draws
from skmoe.numerics.softmax import log_softmax

KINDS = ("equal-tailed", "highest-density", "calibrated")


class DensityMixin:
    """Methods of the regressor that speak of the distribution of y."""

    def sample_y(self, X, n_samples=1, random_state=None):
        r"""Draw y given each row: an expert by the gate, then y by its family.

        .. math::
            k \sim g(x) , \qquad y \mid k \sim f(\cdot \mid m_k(x), \phi_k)

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_features)
            Rows.
        n_samples : int, default=1
            Draws per row, at least 0.
        random_state : int, RandomState instance or None, default=None
            For the draws.

        Returns
        -------
        ndarray of shape (n_rows, n_samples) or (n_rows, n_samples, n_targets)
            Draws under the whole mixture, whatever `top_k` is.

        Raises
        ------
        ValueError
            If `n_samples` is not an integer of at least 0.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
        >>> model.sample_y(X[:2], n_samples=3, random_state=0).round(2)
        array([[-2.95, -3.53, -3.5 ],
               [-3.29, -3.43, -2.74]])
        """
        check_n_draws("n_samples", n_samples)
        drawn = self.predict_dist(X).sample(n_samples, random_state)
        return drawn if self._one_target or drawn.ndim == 3 else drawn[..., None]

    def predict_dist(self, X):
        """Distribution of y given each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        PredictiveDistribution
            The whole mixture, whatever `top_k` is, as in `score_samples`: with `mean`,
            `var`, `std`, `pdf`, `logpdf`, `cdf`, `quantile`, `interval`, `sample`,
            `modes`, `entropy` and `crps`, vectorised over the rows. It holds the gate's
            log probabilities and the experts' predictions of all rows.

        Examples
        --------
        >>> import numpy as np
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> X = np.linspace(0, 1, 100)[:, None]
        >>> y = X[:, 0] + 0.1 * np.random.RandomState(0).normal(size=100)
        >>> model = MixtureOfExpertsRegressor(n_experts=1).fit(X, y)
        >>> dist = model.predict_dist([[0.2], [0.8]])
        >>> dist.cdf([0.2, 1.0]).round(2)
        array([0.44, 0.98])
        >>> bool(np.allclose(dist.logpdf([0.3, 0.7]),
        ...                  model.score_samples([[0.2], [0.8]], [0.3, 0.7])))
        True
        """
        gate_X, expert_X = self._check_predict_input(X)
        log_weights = log_softmax(self.gate_.scores(gate_X))
        return PredictiveDistribution(*self._experts.mixture(expert_X, log_weights))

    def predict_quantiles(self, X, quantiles):
        r"""Return quantiles of y given each row.

        .. math:: Q(q \mid x) = \min \{ y : F(y \mid x) \ge q \}

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        quantiles : float or array-like of shape (n_quantiles,)
            Levels between 0 and 1.

        Returns
        -------
        ndarray of shape (n_samples, n_quantiles[, n_targets])
            Quantiles under the whole mixture, whatever `top_k` is, of each target by
            itself; without the second axis for a single level.

        Raises
        ------
        ValueError
            If a level is not between 0 and 1.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
        >>> model.predict_quantiles(X[:2], [0.05, 0.5, 0.95]).round(2)
        array([[-4.32, -3.45, -2.58],
               [-4.37, -3.5 , -2.56]])
        """
        return self._of_marginals(X, lambda dist, _: dist.quantile(quantiles))

    def predict_interval(self, X, coverage=0.9, kind="equal-tailed"):
        r"""Return an interval for y given each row.

        .. math:: P(a(x) \le y \le b(x)) \ge \text{coverage}

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        coverage : float, default=0.9
            Probability of the interval, between 0 and 1.
        kind : {'equal-tailed', 'highest-density', 'calibrated'}, default='equal-tailed'
            The same probability beyond each end, or the shortest interval, by the
            predicted distribution of the row. 'calibrated', after a fit with `cv`:
            between the levels that the `held_out_ranks_` lie between as often as
            `coverage` says, which holds on average over the rows whatever the noise is.

        Returns
        -------
        ndarray of shape (n_samples, 2[, n_targets])
            Lower and upper ends, of each target by itself; infinite where there are too
            few rows to calibrate so high a coverage (19 are enough for 0.9).

        Raises
        ------
        ValueError
            On another coverage or kind, or for 'calibrated' without `held_out_ranks_`.

        Notes
        -----
        'calibrated' is cross-conformal prediction [1]_ with the distribution function
        as the score [2]_. Ranks come from experts and gates fitted without the row, the
        interval from those fitted to all rows, which err a little less, so the coverage
        is right to a good approximation but not guaranteed.
        Probabilities of single values (counts) make it higher.

        References
        ----------
        .. [1] Vovk, V. (2015). "Cross-conformal predictors". Annals of Mathematics and
           Artificial Intelligence 74, 9-28.
        .. [2] Chernozhukov, V., Wuthrich, K. & Zhu, Y. (2021). "Distributional
           conformal prediction". PNAS 118(48), e2107794118.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> rng = np.random.RandomState(0)
        >>> X = rng.uniform(-2, 2, size=(9000, 1))
        >>> y = np.abs(X[:, 0]) + 0.1 * rng.lognormal(size=9000)
        >>> tree = DecisionTreeRegressor(max_depth=3)
        >>> model = MixtureOfExpertsRegressor(tree, 2, cv=5, tol=1e-2, random_state=0)
        >>> low, high = model.fit(X[:1000], y[:1000]).predict_interval(X[1000:]).T
        >>> float(np.mean((low <= y[1000:]) & (y[1000:] <= high)).round(2))
        0.95
        >>> low, high = model.predict_interval(X[1000:], kind="calibrated").T
        >>> float(np.mean((low <= y[1000:]) & (y[1000:] <= high)).round(2))
        0.9
        """
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {list(KINDS)}. Got {kind!r}.")
        if kind != "calibrated":
            return self._of_marginals(X, lambda dist, _: dist.interval(coverage, kind))
        levels = self._calibrated_levels(coverage)
        return self._of_marginals(X, lambda dist, t: dist.quantile(levels[t]))

    def _calibrated_levels(self, coverage):
        """Two levels for each target."""
        self._check_fitted()
        ranks = getattr(self, "held_out_ranks_", None)
        if ranks is None:
            raise ValueError(
                "kind='calibrated' needs held_out_ranks_, which a fit with cv=5 has "
                "unless its family is 'binomial' or experts were dropped from it. Got "
                f"a model without, cv={self.cv!r}. Ranks of further rows serve as "
                "well: see docs/distributions.md."
            )
        check_coverage(coverage)
        return [
            calibrated_levels(each, self._held_out_weights, coverage)
            for each in ranks.reshape(len(ranks), -1).T
        ]

    def _of_marginals(self, X, function):
        dist = self.predict_dist(X)
        marginals = [function(dist.marginal(t), t) for t in range(dist.n_targets)]
        return self._squeeze(np.stack(marginals, axis=-1))

    def _expose_held_out(self, mixture, task, gate, gate_X, groups):
        self.held_out_ranks_ = self._held_out_weights = None
        if task.folds is not None:
            rows, answers = mixture.experts.held_out_answers()
            try:
                if self.gate_.is_cross_fitted:
                    of_all = mixture.gate.log_proba
                    log_weights = of_all[rows if groups is None else groups[rows]]
                else:
                    shares = mixture.shares()
                    log_weights = held_out_gates(gate, gate_X, shares, task, groups)
            except ValueError as error:  # what is only said afterwards fails no fit
                warnings.warn(
                    "held_out_ranks_ is None, and there are no calibrated intervals: "
                    f"the gate cannot be fitted without the rows of a fold ({error}).",
                    UserWarning,
                    stacklevel=5,
                )
                return
            dist = PredictiveDistribution(log_weights, answers, self._experts.noise)
            ranks, order = ranks_of(dist, task.y[rows]), np.argsort(rows)
            if ranks is not None:
                self.held_out_ranks_ = self._squeeze(ranks[order])
                self._held_out_weights = task.weights[rows][order]
