# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Unfitted experts as the user gives them: one estimator, or named ones."""

from sklearn.base import is_classifier
from sklearn.utils import get_tags

DEFAULT_N_EXPERTS = 3


def named_templates(experts, n_experts):
    """Return names and unfitted estimators from a list of (name, estimator).

    Experts that are ``"drop"`` are left out.

    Raises
    ------
    ValueError
        If the list holds anything else or no expert, or contradicts `n_experts`.
    """
    if not experts or not all(
        isinstance(item, tuple) and len(item) == 2 for item in experts
    ):
        raise ValueError(
            "experts as a list must hold (name, estimator) tuples, at least one. "
            f"Got {experts!r}."
        )
    kept = [item for item in experts if not _is_dropped(item[1])]
    if not kept:
        raise ValueError("All experts are dropped. At least one must be an estimator.")
    if n_experts not in (DEFAULT_N_EXPERTS, len(kept)):
        raise ValueError(
            f"n_experts={n_experts} contradicts the list of {len(kept)} experts. Leave "
            "n_experts out when experts is a list."
        )
    return [name for name, _ in kept], [template for _, template in kept]


def check_templates(names, templates, methods, owner):
    """Raise where an unfitted estimator cannot be an expert of `owner`.

    Parameters
    ----------
    names : list of str
    templates : list of estimators
    methods : tuple of str
        What each must implement.
    owner : estimator
        The mixture.
    """
    for name, template in zip(names, templates, strict=True):
        missing = [method for method in methods if not _has(template, method)]
        if missing:
            raise TypeError(
                f"Expert {name!r} ({template!r}) must implement "
                f"{' and '.join(methods)}; missing: {', '.join(missing)}."
            )
        if is_classifier(template) and not is_classifier(owner):
            raise TypeError(
                f"Expert {name!r} ({template!r}) is a classifier. The experts of a "
                f"{type(owner).__name__} must be regressors."
            )
        if get_tags(template).input_tags.pairwise:
            raise ValueError(
                f"Expert {name!r} ({template!r}) wants pairwise distances as X, which "
                "a mixture of experts cannot split into rows."
            )


def allow_nan(templates):
    """Return True if all estimators take missing values in arrays."""
    return all(get_tags(template).input_tags.allow_nan for template in templates)


def _is_dropped(expert):
    return isinstance(expert, str) and expert == "drop"


def _has(estimator, method):
    """Return True if an unfitted estimator will have a method once it is fitted.

    Stacking with its default final estimator shows `predict` only then.
    """
    if getattr(estimator, "final_estimator", estimator) is None:
        return hasattr(type(estimator), method)
    return hasattr(estimator, method)
