# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A generalised linear model of any family, by itself or as an expert."""

from collections.abc import Callable
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted, validate_data

from skmoe._compat import HasMethods, Interval, StrOptions, _fit_context
from skmoe.families import FAMILIES, check_families
from skmoe.families.links import LINKS
from skmoe.rows.inputs import FLOATS


class GeneralizedLinearRegressor(RegressorMixin, BaseEstimator):
    r"""Generalised linear model of any family of `skmoe.families`.

    .. math:: h(m(x)) = b_0 + b' x, \qquad
              \max_{b, \phi} \; \frac{1}{\sum_i w_i} \sum_i w_i
              \log f(y_i \mid m(x_i), \phi) - \frac{\alpha}{2} \|b\|^2

    with link h. As an expert of a mixture it takes the mixture's family, and all K of
    them are stepped at once. By itself it is a mixture of one expert, fitted by Fisher
    scoring with quasi-Newton acceleration.

    Parameters
    ----------
    family : str or family object, default=None
        Noise model. None: that of the mixture it is an expert of; Gaussian by itself,
        and inside a Pipeline.
    link : {'identity', 'log', 'logit', 'inverse'}, default=None
        Link function h. None: the family's own (the logarithm for counts and positive
        y, the logit for probabilities, the identity otherwise).
    alpha : float, default=0.0
        Strength of the L2 penalty of the coefficients, relative to the mean log
        likelihood (of all rows, inside a mixture).
    fit_intercept : bool, default=True
        Whether to add an intercept.
    max_iter : int, default=200
        Most steps of a fit by itself.
    tol : float, default=1e-10
        Stop when the estimated gain of the mean log likelihood still to come is below
        it, in a fit by itself.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercepts.
    link_ : str
        The link in use.
    family_ : family
        The family with its shapes, after a fit by itself.
    dispersion_ : float or ndarray of shape (n_targets,)
        Its dispersion, after a fit by itself; NaN where it has none.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had string column names.

    See Also
    --------
    sklearn.linear_model.PoissonRegressor : Poisson with a penalty by default.
    sklearn.linear_model.GammaRegressor : Gamma with a penalty by default.

    References
    ----------
    .. [1] McCullagh, P. & Nelder, J. A. (1989). Generalized Linear Models. Chapman &
       Hall.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.experts import GeneralizedLinearRegressor
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 3.0])
    >>> GeneralizedLinearRegressor(alpha=1.0).fit(X, y).predict([[3.0]]).round(2)
    array([4.05])
    """

    #: Makes the mixture that `fit` fits. Set by the regressor: it cannot be imported.
    _mixture_of_one: Callable

    _parameter_constraints: dict = {
        "family": [None, StrOptions(set(FAMILIES)), HasMethods(["log_density"])],
        "link": [None, StrOptions(set(LINKS))],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        family=None,
        *,
        link=None,
        alpha=0.0,
        fit_intercept=True,
        max_iter=200,
        tol=1e-10,
    ):
        self.family = family
        self.link = link
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit by maximum likelihood.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets in the domain of the family; two columns, successes and failures,
            for 'binomial'.
        sample_weight : array-like of shape (n_samples,), default=None
            Row weights; None: all one.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        X = validate_data(self, X, accept_sparse="csr", dtype=FLOATS)
        mixture = self._mixture_of_one(
            clone(self).set_params(family=None),
            family="gaussian" if self.family is None else self.family,
            max_iter=self.max_iter,
            tol=self.tol,
        ).fit(X, y, sample_weight)
        (expert,) = mixture.experts_
        self.coef_, self.intercept_ = expert.coef_, expert.intercept_
        self.link_ = expert.link_
        (self.family_,) = mixture.families_
        self.dispersion_ = mixture.dispersions_[0]
        self.n_iter_ = mixture.n_iter_
        return self

    def predict(self, X):
        """Predictions: the mean of y, or the location of a family that has one.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predictions.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, accept_sparse="csr", dtype=FLOATS)
        scores = X @ np.transpose(self.coef_) + self.intercept_
        return LINKS[self.link_](scores)[0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.multi_output = True
        return tags


def with_family(template, family):
    """An expert's template, one that takes its mixture's family with that family."""
    takes_it = type(template) is GeneralizedLinearRegressor and template.family is None
    if family.is_background or not takes_it:
        return template
    return clone(template).set_params(family=family)


def takes_family(template, family):
    """True if an expert is a generalised linear model of that family by itself."""
    if type(template) is not GeneralizedLinearRegressor or template.family is None:
        return False
    (own,) = check_families(template.family, 1, FAMILIES)
    return type(own) is type(family)


def link_of(template, family):
    """Name of the link of an expert: its own, or its family's."""
    return getattr(template, "link", None) or family.link
