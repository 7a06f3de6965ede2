# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Linear experts that are drawn towards what all rows say together."""

from numbers import Real

from sklearn.linear_model import LinearRegression

from skmoe._compat import Interval, check_sample_weight


class PooledRidge(LinearRegression):
    r"""Least squares, shrunk inside a mixture towards the fit to all rows.

    .. math::
        \frac{\alpha}{2 \sigma_k^2} \|b_k - b_0\|^2 , \qquad
        b_0 = \arg\min_b \min_a \sum_i w_i (y_i - a - b' x_i)^2

    is what expert k subtracts from the total log likelihood of the mixture: `Ridge`'s
    penalty, around the pooled least-squares slopes instead of zero. They are those of a
    mixture of one expert, and found before EM begins. So an expert of few rows follows
    the whole data, one of many rows follows its own; intercepts are free. As for
    `Ridge`, `alpha` is in units of rows times the squared units of X, and the
    dispersion is :math:`\sigma_k^2 = (\mathrm{RSS}_k + \alpha \|b_k - b_0\|^2) / N_k`.
    With `alpha` 0 it is `LinearRegression`; as it grows, slopes become those of all
    rows, and experts differ in intercept and dispersion only.

    By itself it is ordinary least squares whatever `alpha` is, for all rows are its
    own.

    Parameters
    ----------
    alpha : float, default=1.0
        Strength of the penalty. 0: none.
    fit_intercept : bool, default=True
        Whether to add an intercept.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercepts.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had string column names.

    Raises
    ------
    ValueError
        By the mixture, unless all its experts are
        `LinearRegression`, `Ridge` or `PooledRidge` under the family 'gaussian', up to
        1,000 columns wide, without `cv`: only then are they solved together, under one
        likelihood that the penalty is part of.

    See Also
    --------
    sklearn.linear_model.Ridge : Slopes shrunk towards zero.

    Notes
    -----
    A Pipeline that ends in it, as an expert, is fitted by itself and so plain least
    squares: put what comes before it ahead of the mixture.

    References
    ----------
    .. [1] Lindley, D. V. & Smith, A. F. M. (1972). "Bayes estimates for the linear
       model". JRSS B 34(1), 1-41.
    .. [2] Gelman, A. & Hill, J. (2007). Data Analysis Using Regression and
       Multilevel/Hierarchical Models, chapter 12. Cambridge University Press.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.experts import PooledRidge
    >>> rng = np.random.RandomState(0)
    >>> X = rng.uniform(-1, 1, size=(210, 1))
    >>> labels = np.repeat([0, 1], [200, 10])
    >>> y = np.where(labels == 0, X[:, 0], 5 - X[:, 0]) + 0.3 * rng.normal(size=210)
    >>> for alpha in (0, 1, 10, 1e6):
    ...     model = MixtureOfExpertsRegressor(PooledRidge(alpha), 2)
    ...     fitted = model.fit(X, y, expert_labels=labels).experts_
    ...     print(np.ravel([expert.coef_ for expert in fitted]).round(1))
    [ 1.  -0.9]
    [ 1.  -0.4]
    [1.  0.4]
    [0.8 0.8]
    """

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
    }

    def __init__(self, alpha=1.0, *, fit_intercept=True):
        super().__init__(fit_intercept=fit_intercept)
        self.alpha = alpha

    def fit(self, X, y, sample_weight=None):
        """Fit by plain least squares: outside a mixture there is no pool.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Row weights, not all zero; None: all one.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        if sample_weight is not None:
            check_sample_weight(sample_weight, X)
        return super().fit(X, y, sample_weight)


def check_pooled(task):
    """Raise ValueError for a task with `PooledRidge` that is not solved as one."""
    for name, template in zip(task.names, task.templates, strict=True):
        if isinstance(template, PooledRidge):
            template._validate_params()
            raise ValueError(
                f"Expert {name!r} ({template!r}) is shrunk towards the fit to all rows "
                "only where experts are solved together: all of them LinearRegression, "
                "Ridge or PooledRidge, family='gaussian', at most 1,000 columns, and "
                "neither cv nor keywords for the experts' fit."
            )
