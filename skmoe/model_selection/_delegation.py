# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Methods that a meta-estimator hands to the best estimator it has found."""

from functools import wraps

from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted


def delegated(method):
    """`method`, called on `best_estimator_`; it is there where the estimator has it."""
    name = method.__name__

    def has_method(self):
        getattr(getattr(self, "best_estimator_", self.estimator), name)
        return True

    @available_if(has_method)
    @wraps(method)
    def call(self, *args, **kwargs):
        check_is_fitted(self)
        return getattr(self.best_estimator_, name)(*args, **kwargs)

    return call


def delegated_attribute(name, meaning):
    """A fitted attribute of `best_estimator_`."""

    def get(self):
        check_is_fitted(self)
        return getattr(self.best_estimator_, name)

    return property(get, doc=meaning)
