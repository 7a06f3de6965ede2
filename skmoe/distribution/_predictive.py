# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The distribution that a mixture of experts predicts for each row."""

import numpy as np
from sklearn.utils import check_random_state

from skmoe.distribution._components import Components, blocks, log_mix
from skmoe.distribution._crps import crps
from skmoe.distribution._entropy import entropy
from skmoe.distribution._intervals import INTERVALS, check_coverage, check_kind
from skmoe.distribution._modes import modes
from skmoe.distribution._quantiles import quantiles
from skmoe.families.noise import Noise
from skmoe.numerics.routing import check_n_draws, draw_experts


class PredictiveDistribution:
    r"""The distribution of y given each of n rows: a mixture with K components.

    .. math:: p(y \mid x_i) = \sum_{k=1}^K g_k(x_i) \, f(y \mid m_k(x_i), \phi_k)

    What `MixtureOfExpertsRegressor.predict_dist` returns. All methods answer for all
    rows. Functions of y take a number, one y per row (n,) or several (n, m), and answer
    in that shape (a number stands for one y per row). ``dist[rows]`` is the
    distribution of some rows and ``len(dist)`` their number.

    Parameters
    ----------
    log_weights : ndarray of shape (n, K)
        Log probabilities of the components.
    predictions : ndarray of shape (n, K, n_targets)
        What the components' families are given: the experts' predictions.
    noise : Noise
        Families and parameters of the components.

    Attributes
    ----------
    log_weights : ndarray of shape (n, K)
        Log probabilities of the components.
    predictions : ndarray of shape (n, K, n_targets)
        Predictions.
    noise : Noise
        Families and parameters of the components.

    Notes
    -----
    *Measure.* The density is that of the families: a density where they are continuous,
    a probability where they are discrete, and where they are mixed the sum of
    both: of ``["zero", "gaussian"]`` at zero, its probability plus the density of the
    Gaussian. A value that no component allows has the log density
    :math:`-10^{100}`, as in `score_samples`, which is finite so that averages compare.

    *Several targets* share one component. `mean`, `var`, `std` and `sample` have a last
    axis of the targets, and `pdf` and `logpdf` are joint: of Y (n, n_targets). The
    other methods are of one target: take `marginal`.

    *Binomial* families know no number of trials to come: the distribution is that of
    one trial, of y in {0, 1}.

    *Nested mixtures* are flattened: their experts are components of their own.

    References
    ----------
    .. [1] Gneiting, T. & Katzfuss, M. (2014). "Probabilistic forecasting". Annual
       Review of Statistics and Its Application 1, 125-151.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> y = np.abs(X[:, 0]) + 0.1 * np.random.RandomState(0).normal(size=200)
    >>> model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
    >>> dist = model.predict_dist([[-1.0], [1.5]])
    >>> dist.mean().round(2)
    array([1.01, 1.49])
    >>> dist.quantile([0.05, 0.5, 0.95]).round(2)
    array([[0.84, 1.01, 1.17],
           [1.33, 1.49, 1.66]])
    >>> dist.cdf(1.0).round(2)
    array([0.48, 0.  ])
    >>> dist[:1].sample(3, random_state=0).round(2)
    array([[0.78, 1.14, 0.92]])
    """

    def __init__(self, log_weights, predictions, noise):
        self.log_weights = log_weights
        self.predictions = noise.within(predictions)
        self.noise = noise.unlimited

    def __len__(self):
        return len(self.log_weights)

    def __getitem__(self, rows):
        if np.ndim(rows) == 0 and not isinstance(rows, slice):
            rows = [rows]
        if isinstance(rows, tuple) or np.ndim(self.log_weights[rows]) != 2:
            raise IndexError(
                "A distribution is indexed by its rows alone: an integer, a slice or "
                f"one list of integers or booleans. Got {rows!r}."
            )
        return PredictiveDistribution(
            self.log_weights[rows], self.predictions[rows], self.noise
        )

    def __repr__(self):
        return (
            f"{type(self).__name__}(n_rows={len(self)}, "
            f"n_components={self.log_weights.shape[1]}, n_targets={self.n_targets})"
        )

    @property
    def weights(self):
        """Probabilities of the components, (n, K)."""
        return np.exp(self.log_weights)

    @property
    def n_targets(self):
        """Number of targets."""
        return self.predictions.shape[2]

    def marginal(self, target):
        r"""Return the distribution of one target.

        .. math::
            p(y_t \mid x_i) = \sum_k g_k(x_i) \, f(y_t \mid m_{kt}(x_i), \phi_{kt})

        Parameters
        ----------
        target : int
            Its index.

        Returns
        -------
        PredictiveDistribution
            Of that target alone, with the same components.

        Raises
        ------
        IndexError
            If there is no such target.

        Examples
        --------
        >>> import numpy as np
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> model = MixtureOfExpertsRegressor(n_experts=2)
        >>> dist = model.fit(X, np.column_stack([y, -y])).predict_dist(X[:2])
        >>> dist.marginal(1).quantile(0.9).round(2)
        array([4.12, 4.17])
        """
        index = range(self.n_targets)[target]
        predictions = self.predictions[:, :, [index]]
        noise = self._noise_of(index)
        return PredictiveDistribution(self.log_weights, predictions, noise)

    # -- moments ----------------------------------------------------------------------

    def mean(self):
        r"""Return the mean of each row.

        .. math:: \mu(x_i) = \sum_k g_k(x_i) \, \mu_k(x_i)

        with the means :math:`\mu_k` of the components.

        Returns
        -------
        ndarray of shape (n,) or (n, n_targets)
            Means, in the units of y.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> dist = MixtureOfExpertsRegressor(n_experts=2).fit(X, y).predict_dist(X[:2])
        >>> dist.mean().round(2)
        array([-3.45, -3.39])
        """
        return self._per_target(lambda components: _moments(components)[0])

    def var(self):
        r"""Return the variance of each row.

        .. math:: \sum_k g_k(x_i) \left( \sigma_k^2(x_i)
                  + (\mu_k(x_i) - \mu(x_i))^2 \right)

        with the components' means and variances: their noise, and their disagreement.

        Returns
        -------
        ndarray of shape (n,) or (n, n_targets)
            Variances, in the squared units of y; infinite where a component's is.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> dist = MixtureOfExpertsRegressor(n_experts=2).fit(X, y).predict_dist(X[:2])
        >>> dist.var().round(2)
        array([0.28, 1.25])
        """
        return self._per_target(lambda components: _moments(components)[1])

    def std(self):
        """Return the standard deviation of each row, the square root of `var`.

        Returns
        -------
        ndarray of shape (n,) or (n, n_targets)
            Standard deviations, in the units of y.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> dist = MixtureOfExpertsRegressor(n_experts=2).fit(X, y).predict_dist(X[:2])
        >>> dist.std().round(2)
        array([0.53, 1.12])
        """
        return np.sqrt(self.var())

    # -- functions of y ---------------------------------------------------------------

    def logpdf(self, y):
        r"""Log density of y, or log probability where the families are discrete.

        .. math:: \log \sum_k g_k(x_i) \prod_t f(y_t \mid m_{kt}(x_i), \phi_{kt})

        over the targets t, one or several, which share the component.

        Parameters
        ----------
        y : float or array-like of shape (n,) or (n, m)
            Values; with several targets one row of them each, (n, n_targets).

        Returns
        -------
        ndarray of shape (n,) or (n, m)
            Natural logarithms; with several targets (n,), joint.

        Raises
        ------
        ValueError
            If y has another shape or contains NaN; so too `pdf`, `cdf` and `crps`.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> dist = MixtureOfExpertsRegressor(n_experts=2).fit(X, y).predict_dist(X[:2])
        >>> dist.logpdf(y[:2]).round(2)
        array([-0.41, -0.33])
        """
        if self.n_targets == 1:
            return self._of_y("log_density", y)
        y = np.asarray(y, dtype=np.float64)
        expected = len(self), self.n_targets
        if y.shape != expected:
            raise ValueError(
                f"y must have shape {expected}, a row of the {self.n_targets} targets "
                f"each. Got shape {y.shape}."
            )
        columns = zip(self._targets(), _checked(y).T, strict=True)
        joint = [c.apply("log_density", values[:, None]) for c, values in columns]
        return log_mix(self.log_weights.T, np.sum(joint, axis=0)[:, :, 0])

    def pdf(self, y):
        r"""Density of y, or its probability where the families are discrete.

        .. math:: p(y \mid x_i) = \sum_k g_k(x_i) \, f(y \mid m_k(x_i), \phi_k)

        Parameters
        ----------
        y : float or array-like of shape (n,) or (n, m)
            Values; with several targets one row of them each, (n, n_targets).

        Returns
        -------
        ndarray of shape (n,) or (n, m)
            Densities in the inverse units of y; with several targets (n,), joint.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> dist = MixtureOfExpertsRegressor(n_experts=2).fit(X, y).predict_dist(X[:2])
        >>> dist.pdf([[-4.0, -3.0], [-4.0, -3.0]]).round(2)
        array([[0.44, 0.53],
               [0.48, 0.47]])
        """
        return np.exp(self.logpdf(y))

    def cdf(self, y):
        r"""Probability of a value of at most y.

        .. math:: F(y \mid x_i) = \sum_k g_k(x_i) \, F(y \mid m_k(x_i), \phi_k)

        Parameters
        ----------
        y : float or array-like of shape (n,) or (n, m)
            Values, infinite ones included.

        Returns
        -------
        ndarray of shape (n,) or (n, m)
            Probabilities.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> dist = MixtureOfExpertsRegressor(n_experts=2).fit(X, y).predict_dist(X[:2])
        >>> dist.cdf(-3.0).round(2)
        array([0.8 , 0.82])
        """
        return self._of_y("cdf", y)

    def crps(self, y):
        r"""Return the continuous ranked probability score of y, lower is better.

        .. math:: \int (F(t) - 1[t \ge y])^2 \, dt

        with the distribution function F: the distance between distribution and y, which
        is the absolute error if the distribution is a point.

        Parameters
        ----------
        y : float or array-like of shape (n,) or (n, m)
            Values.

        Returns
        -------
        ndarray of shape (n,) or (n, m)
            Scores, in the units of y.

        Notes
        -----
        In closed form [1]_ if all components are Gaussian; by sums over the integers if
        all are counts; else by adaptive quadrature, to about nine digits. Tails of less
        than :math:`10^{-13}` are left out, which is no answer where the score is
        infinite (Student's t with half a degree of freedom or less).

        References
        ----------
        .. [1] Grimit, E. P., Gneiting, T., Berrocal, V. J. & Johnson, N. A. (2006).
           "The continuous ranked probability score for circular variables and its
           application to mesoscale forecast ensemble verification". Quarterly Journal
           of the Royal Meteorological Society 132, 2925-2942.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> dist = MixtureOfExpertsRegressor(n_experts=2).fit(X, y).predict_dist(X[:2])
        >>> dist.crps(y[:2]).round(2)
        array([0.18, 0.14])
        """
        values, shape = self._values(y)
        components = self._one_target()
        scores = np.empty(values.shape)
        for score, column in zip(scores.T, values.T, strict=True):
            score[:] = crps(components, column)
        return scores.reshape(shape)

    # -- quantiles and intervals ------------------------------------------------------

    def quantile(self, q):
        r"""Return the smallest y with a distribution function of at least q.

        .. math:: Q(q) = \min \{ y : F(y) \ge q \}

        found inside the bracket of the components' own quantiles.

        Parameters
        ----------
        q : float or array-like of shape (n_quantiles,)
            Levels between 0 and 1, where the quantiles are the ends of the support.

        Returns
        -------
        ndarray of shape (n,) or (n, n_quantiles)
            Quantiles, in the units of y.

        Raises
        ------
        ValueError
            If a level is not between 0 and 1.

        Notes
        -----
        F is known to rounding. Between components far apart it is flat: at the height q
        of such a plateau the answer is its lower end, as the definition says, if the
        computed F reaches q there, and its upper end if rounding leaves it below.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> dist = MixtureOfExpertsRegressor(n_experts=2).fit(X, y).predict_dist(X[:2])
        >>> dist.quantile([0.05, 0.5, 0.95]).round(2)
        array([[-4.32, -3.45, -2.58],
               [-4.37, -3.5 , -2.56]])
        """
        levels = np.asarray(q, dtype=np.float64)
        if levels.ndim > 1 or not np.all((levels >= 0) & (levels <= 1)):
            raise ValueError(
                f"q must be a number or a list of numbers from 0 to 1. Got {q!r}."
            )
        wanted = np.broadcast_to(levels.reshape(-1), (len(self), levels.size))
        found = quantiles(self._one_target(), wanted)
        return found if levels.ndim else found[:, 0]

    def interval(self, coverage=0.9, kind="equal-tailed"):
        r"""Return a prediction interval of each row.

        .. math:: P(a(x_i) \le y \le b(x_i)) \ge \text{coverage}

        Parameters
        ----------
        coverage : float, default=0.9
            Its probability, between 0 and 1; atoms may add to it.
        kind : {'equal-tailed', 'highest-density'}, default='equal-tailed'
            The same probability beyond each end, or the shortest interval: of a density
            with one mode the highest density region [1]_, of one with several the
            shortest single interval, which may contain a valley, found to 0.1 percent
            of its width. Both are the median if `coverage` is 0.

        Returns
        -------
        ndarray of shape (n, 2)
            Lower and upper ends, in the units of y; both belong to the interval.

        Raises
        ------
        ValueError
            On another coverage or kind.

        References
        ----------
        .. [1] Hyndman, R. J. (1996). "Computing and graphing highest density regions".
           The American Statistician 50(2), 120-126.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> dist = MixtureOfExpertsRegressor(n_experts=2).fit(X, y).predict_dist(X[:2])
        >>> dist.interval(0.8).round(2)
        array([[-4.12, -2.78],
               [-4.18, -2.79]])
        """
        check_coverage(coverage)
        check_kind(kind)
        return INTERVALS[kind](self._one_target(), coverage)

    # -- draws and shape --------------------------------------------------------------

    def sample(self, size=1, random_state=None):
        r"""Draw y: a component by its weight, then y from it.

        .. math::
            k \sim g(x_i) , \qquad y \mid k \sim f(\cdot \mid m_k(x_i), \phi_k)

        Parameters
        ----------
        size : int, default=1
            Draws per row, at least 0.
        random_state : int, RandomState instance or None, default=None
            For the draws.

        Returns
        -------
        ndarray of shape (n, size) or (n, size, n_targets)
            Draws.

        Raises
        ------
        ValueError
            If `size` is not an integer of at least 0.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> dist = MixtureOfExpertsRegressor(n_experts=2).fit(X, y).predict_dist(X[:2])
        >>> dist.sample(3, random_state=0).round(2)
        array([[-2.95, -3.53, -3.5 ],
               [-3.29, -3.43, -2.74]])
        """
        check_n_draws("size", size)
        rng = check_random_state(random_state)
        owners = draw_experts(np.repeat(self.weights, size, axis=0), rng)
        rows = np.repeat(np.arange(len(self)), size)
        drawn = self.noise.sample(self.predictions[rows, owners], owners, rng)
        drawn = drawn.reshape(len(self), size, self.n_targets)
        return drawn[:, :, 0] if self.n_targets == 1 else drawn

    def modes(self):
        """Find the modes of each row: values more likely than those around them.

        Returns
        -------
        ndarray of shape (n, n_modes)
            In the units of y, NaN where a row has fewer; the most likely first, atoms
            before modes of a density (their probabilities do not compare). Of a plateau
            one value is given. To about eight digits.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> dist = MixtureOfExpertsRegressor(n_experts=2).fit(X, y).predict_dist(X[:2])
        >>> dist.modes().round(2)
        array([[-3.45,  4.4 ],
               [-3.51,  4.75]])
        """
        return modes(self._one_target())

    def entropy(self):
        r"""Differential entropy of each row.

        .. math:: -\int p(y) \log p(y) \, d\mu(y)

        Returns
        -------
        ndarray of shape (n,)
            In nats; of a discrete distribution its entropy. For mixed families
            :math:`\mu` counts the values of the discrete ones and is length elsewhere,
            so that p is the probability alone there, without the density `pdf` adds.

        Notes
        -----
        There is no closed form. Adaptive quadrature with error estimates of ten digits,
        between the components' quantiles; tails of less than :math:`10^{-13}` are left
        out.

        Examples
        --------
        >>> from skmoe import MixtureOfExpertsRegressor
        >>> from skmoe.datasets import make_mixture_of_experts
        >>> X, y = make_mixture_of_experts(300, n_experts=2, random_state=0)
        >>> dist = MixtureOfExpertsRegressor(n_experts=2).fit(X, y).predict_dist(X[:2])
        >>> dist.entropy().round(2)
        array([0.78, 0.85])
        """
        return entropy(self._one_target())

    # -- inside -----------------------------------------------------------------------

    def _noise_of(self, target):
        parameters = [values[:, [target]] for values in self.noise.parameters]
        return Noise(self.noise.families, parameters)

    def _targets(self):
        """Components of each target."""
        log_weights = np.ascontiguousarray(self.log_weights.T)
        predictions = np.ascontiguousarray(self.predictions.transpose(2, 1, 0))
        return [
            Components(log_weights, predictions[t], self._noise_of(t))
            for t in range(self.n_targets)
        ]

    def _one_target(self):
        if self.n_targets > 1:
            raise ValueError(
                f"This is a distribution of {self.n_targets} targets together. Take "
                "marginal(target), the distribution of one."
            )
        return self._targets()[0]

    def _per_target(self, function):
        columns = [function(components) for components in self._targets()]
        return columns[0] if self.n_targets == 1 else np.stack(columns, axis=1)

    def _values(self, y):
        """Values (n, m), and the shape to answer in."""
        y = np.asarray(y, dtype=np.float64)
        if y.ndim == 0:
            y = np.full(len(self), y)
        if y.ndim > 2 or len(y) != len(self):
            n = len(self)
            raise ValueError(
                f"y must be a number or have shape ({n},) or ({n}, m), as there are "
                f"{n} rows. Got shape {y.shape}."
            )
        return _checked(y[:, None] if y.ndim == 1 else y), y.shape

    def _of_y(self, method, y):
        components = self._one_target()
        values, shape = self._values(y)
        answers = np.empty(values.shape)
        for rows in blocks(len(self), values.shape[1] * self.log_weights.shape[1]):
            answers[rows] = getattr(components.take(rows), method)(values[rows])
        return answers.reshape(shape)


def _checked(y):
    if np.isnan(y).any():
        raise ValueError("y must not contain NaN.")
    return y


def _moments(components):
    """Means and variances of mixtures, (n,) each."""
    means, variances = components.moments()
    weights = components.weights
    has = weights > 0  # what has no weight may be infinite
    mean = (weights * np.where(has, means, 0.0)).sum(axis=0)
    spread = np.where(has, variances + (means - mean) ** 2, 0.0)
    return mean, (weights * spread).sum(axis=0)
