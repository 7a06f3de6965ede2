# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The other regression models, each with its defaults.

A maker of densities takes other settings as keywords: see tuned.py.
"""

from functools import partial

import numpy as np
from metrics import Mixtures, gaussian
from scipy.linalg import cholesky
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeRegressor


class Point:
    """A model of the mean: Gaussian, its standard deviation that of the residuals.

    The residuals are out-of-fold (five folds of the training rows). One rule for all.
    """

    def __init__(self, estimator, seed):
        self.estimator = estimator
        self.folds = KFold(5, shuffle=True, random_state=seed)

    def fit(self, X, y):
        self.estimator.fit(X, y)

    def predict(self, X):
        return np.ravel(self.estimator.predict(X))

    def residuals(self, X, y):
        """Out-of-fold residuals."""
        template = clone(self.estimator)
        return y - np.ravel(cross_val_predict(template, X, y, cv=self.folds))

    def calibrate(self, X, y):
        self.scale = np.sqrt(np.mean(self.residuals(X, y) ** 2))

    def distribution(self, X):
        return gaussian(self.predict(X), self.scale)


class PointWithVariance(Point):
    """As Point, with a second model of the same kind for the variance.

    It is fitted to the squared out-of-fold residuals, by the gamma deviance; what it
    predicts is at least 1 % of their mean, without which single rows decide.
    """

    def calibrate(self, X, y):
        squares = self.residuals(X, y) ** 2
        self.least = 0.01 * squares.mean()
        self.variance = clone(self.estimator).set_params(loss="gamma")
        self.variance.fit(X, np.maximum(squares, 1e-8))

    def distribution(self, X):
        variance = np.maximum(self.variance.predict(X), self.least)
        return gaussian(self.predict(X), np.sqrt(variance))


class QuantileForest:
    """quantile-forest: 99 quantiles per row, each the centre of a narrow Gaussian.

    The forest has no density of its own. The width of the Gaussians is the one, of a
    grid, that has the highest density on out-of-fold rows.
    """

    LEVELS = np.linspace(0.01, 0.99, 99)
    WIDTHS = np.geomspace(0.01, 1.0, 13)

    def __init__(self, seed, **settings):
        from quantile_forest import RandomForestQuantileRegressor

        self.forest = RandomForestQuantileRegressor(random_state=seed, **settings)
        self.folds = KFold(5, shuffle=True, random_state=seed)

    def fit(self, X, y):
        self.forest.fit(X, y)

    def predict(self, X):
        return self.forest.predict(X, quantiles="mean")

    def calibrate(self, X, y):
        log_densities = np.zeros(len(self.WIDTHS))
        for train, test in self.folds.split(X):
            forest = clone(self.forest).fit(X[train], y[train])
            centers = forest.predict(X[test], quantiles=list(self.LEVELS))
            log_densities += [
                self._smoothed(centers, width).log_density(y[test]).sum()
                for width in self.WIDTHS
            ]
        self.width = self.WIDTHS[log_densities.argmax()]

    def distribution(self, X):
        centers = self.forest.predict(X, quantiles=list(self.LEVELS))
        return self._smoothed(centers, self.width)

    @staticmethod
    def _smoothed(centers, width):
        shape = centers.shape
        return Mixtures(np.full(shape, 1 / shape[1]), centers, np.full(shape, width))


class NGBoost:
    """ngboost's NGBRegressor: a Gaussian, boosted in both parameters."""

    def __init__(self, seed, **settings):
        from ngboost import NGBRegressor

        self.model = NGBRegressor(verbose=False, random_state=seed, **settings)

    def fit(self, X, y):
        self.model.fit(X, y)

    def predict(self, X):
        return self.model.predict(X)

    def distribution(self, X):
        parameters = self.model.pred_dist(X).params
        return gaussian(parameters["loc"], parameters["scale"])


class CGMM:
    """cgmm's mixture of experts, K = 3 (its default).

    As released, its gate's Newton step fails on every call (`cholesky` is called with a
    keyword that scipy does not have); `repaired` drops that keyword.
    """

    def __init__(self, seed, repaired=False, **settings):
        import cgmm

        # Set for both: a process may make one after the other.
        cgmm.moe.cholesky = _cholesky_of_any_keyword if repaired else cholesky
        self.model = cgmm.MixtureOfExpertsRegressor(random_state=seed, **settings)

    def fit(self, X, y):
        self.model.fit(X, y)

    def predict(self, X):
        return np.ravel(self.model.predict(X))

    def distribution(self, X):
        rows = self.model.condition(X)
        return Mixtures(
            np.array([row.weights_ for row in rows]),
            np.array([row.means_[:, 0] for row in rows]),
            np.sqrt([row.covariances_[:, 0, 0] for row in rows]),
        )


def _cholesky_of_any_keyword(a, lower=False, **_):
    return cholesky(a, lower=lower)


class GMR:
    """gmr: a Gaussian mixture of (x, y) together, K = 3, conditioned on x."""

    def __init__(self, seed, n_components=3):
        from gmr.sklearn import GaussianMixtureRegressor

        self.model = GaussianMixtureRegressor(n_components, random_state=seed)

    def fit(self, X, y):
        self.model.fit(X, y)

    def predict(self, X):
        return np.ravel(self.model.predict(X))

    def distribution(self, X):
        columns = np.arange(X.shape[1])
        rows = [self.model.gmm_.condition(columns, x) for x in X]
        return Mixtures(
            np.array([row.priors for row in rows]),
            np.array([row.means[:, 0] for row in rows]),
            # A component that has collapsed has a variance of zero or below.
            np.sqrt([np.maximum(row.covariances[:, 0, 0], 1e-6) for row in rows]),
        )


class LeastSquaresMOE(RegressorMixin, BaseEstimator):
    """smt's MOE, a scikit-learn estimator of it, with least squares as experts.

    Its own choice of experts asks for tensor-product splines, whose memory is
    exponential in the number of columns.
    """

    def __init__(self, n_clusters=2, random_state=0):
        self.n_clusters = n_clusters
        self.random_state = random_state

    def fit(self, X, y):
        from smt.applications import MOE

        np.random.seed(self.random_state)  # noqa: NPY002  the only seed that it takes
        self.model_ = MOE(n_clusters=self.n_clusters, allow=["LS"])
        self.model_.set_training_values(X, y[:, None])
        self.model_.train()
        return self

    def predict(self, X):
        return self.model_.predict_values(X).ravel()


def _smt(seed):
    import smt  # noqa: F401  where it is not installed, this entry is skipped

    return Point(LeastSquaresMOE(random_state=seed), seed)


def _lightgbm(seed):
    from lightgbm import LGBMRegressor

    model = LGBMRegressor(linear_tree=True, random_state=seed, n_jobs=1, verbose=-1)
    return Point(model, seed)


def _linear_tree(seed):
    from lineartree import LinearTreeRegressor

    return Point(LinearTreeRegressor(LinearRegression()), seed)


def _cubist(seed):
    from cubist import Cubist

    return Point(Cubist(random_state=seed), seed)


def _boosting(seed):
    return HistGradientBoostingRegressor(random_state=seed)


MAKERS = {
    "Ridge": lambda seed: Point(Ridge(), seed),
    "decision tree": lambda seed: Point(DecisionTreeRegressor(random_state=seed), seed),
    "random forest": lambda seed: Point(RandomForestRegressor(random_state=seed), seed),
    "HGB": lambda seed: Point(_boosting(seed), seed),
    "HGB + variance": lambda seed: PointWithVariance(_boosting(seed), seed),
    "LightGBM linear": _lightgbm,
    "linear-tree": _linear_tree,
    "Cubist": _cubist,
    "NGBoost": NGBoost,
    "quantile-forest": QuantileForest,
    "cgmm": CGMM,
    "cgmm repaired": partial(CGMM, repaired=True),
    "smt LS": _smt,
    "gmr": GMR,
}
LEGACY = ("linear-tree",)
