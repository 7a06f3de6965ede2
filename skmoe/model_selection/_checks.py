# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Checks of the arguments of this package's functions."""

from numbers import Integral, Real

_NEEDED = ("n_experts", "experts", "init", "n_init", "max_iter")


def check_mixture(estimator, one_template=False):
    """Raise unless `estimator` is a mixture of experts (of one kind)."""
    params = (
        estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    )
    missing = [name for name in _NEEDED if name not in params]
    if missing:
        raise TypeError(
            "estimator must be a mixture of experts, with parameters "
            f"{', '.join(_NEEDED)}; {estimator!r} lacks {', '.join(missing)}."
        )
    if not one_template:
        return
    if isinstance(params["experts"], list):
        raise ValueError(
            f"The estimator's experts are a list of {len(params['experts'])}: their "
            "number cannot vary. Give one expert as a template."
        )
    if isinstance(params.get("family"), list):
        raise ValueError(
            "The estimator's family is a list, which fixes the number of experts. Give "
            "one family for all."
        )
    if not (isinstance(params["init"], str) or callable(params["init"])):
        raise ValueError(
            "The estimator's init is an array, which fixes the number of experts. "
            "Give the name of a start or a callable."
        )


def check_draws(**counts):
    """Raise unless all are positive integers."""
    for name, value in counts.items():
        is_int = isinstance(value, Integral) and not isinstance(value, bool)
        if not is_int or value < 1:
            raise ValueError(
                f"The {name!r} parameter must be an int in the range [1, inf). Got "
                f"{value!r} instead."
            )


def check_share(name, value):
    """Raise unless a number lies strictly between zero and one."""
    is_real = isinstance(value, Real)
    if not is_real or not 0 < value < 1:
        raise ValueError(
            f"The {name!r} parameter must be a float in the range (0, 1). Got "
            f"{value!r} instead."
        )


def check_choice(name, value, choices):
    """Raise unless a value is one of a few strings."""
    if value not in choices:
        raise ValueError(
            f"The {name!r} parameter must be one of {choices}. Got {value!r} instead."
        )
