# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""All that depends on a version or is private in scikit-learn, each with its reason."""

import sys
import warnings
from pathlib import Path

import numpy as np

# No public substitutes; unchanged in scikit-learn 1.6-1.9 and the de-facto API of
# third-party estimators.
from sklearn.base import _fit_context

# Scorers that take part in metadata routing and in multi-metric scoring derive from it;
# `make_scorer` itself knows no response method but scikit-learn's own.
from sklearn.metrics._scorer import _BaseScorer
from sklearn.utils import _safe_indexing

# `_get_column_indices` resolves names, masks, slices and callables exactly as
# ColumnTransformer does. It moved from `sklearn.utils` to `sklearn.utils._indexing`
# in 1.5, before our floor.
from sklearn.utils._indexing import _get_column_indices
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metadata_routing import _raise_for_params, _routing_enabled
from sklearn.utils.metaestimators import _BaseComposition

# `validate_data` is `check_array` and these two, and reads the tags of every expert:
# more work than the prediction of a single row.
from sklearn.utils.validation import (
    _check_feature_names,
    _check_method_params,
    _check_n_features,
    _check_sample_weight,
    _get_feature_names,
    _num_samples,
)

__all__ = [
    "HasMethods",
    "Interval",
    "StrOptions",
    "_BaseComposition",
    "_BaseScorer",
    "_check_feature_names",
    "_check_method_params",
    "_check_n_features",
    "_fit_context",
    "_get_column_indices",
    "_get_feature_names",
    "_num_samples",
    "_raise_for_params",
    "_routing_enabled",
    "_safe_indexing",
    "check_sample_weight",
    "visual_block",
    "warn_user",
]


def check_sample_weight(sample_weight, X):
    """Weights as a float64 array (n,); an error where none is positive.

    scikit-learn refuses all-zero weights itself only since 1.9.
    """
    weights = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    if not np.any(weights > 0):
        raise ValueError(
            "Sample weights must contain at least one non-zero number: all "
            f"{weights.shape[0]} weights are zero."
        )
    return weights


def visual_block(kind, estimators, **kwargs):
    """The block of scikit-learn's HTML representation (moved in 1.7)."""
    try:
        from sklearn.utils._repr_html.estimator import _VisualBlock
    except ImportError:  # scikit-learn 1.6
        from sklearn.utils._estimator_html_repr import _VisualBlock
    return _VisualBlock(kind, estimators, **kwargs)


_PACKAGE = Path(__file__).parent


def warn_user(message, category=UserWarning):
    """Warn at the line of the user's code that called into this package.

    Python 3.12 has `skip_file_prefixes` for that; 3.11, our floor, has only levels.
    scikit-learn's own frames (the decorator of `fit`) are passed over too.
    """
    frame, level = sys._getframe(1), 2
    while _is_ours(frame) and frame.f_back is not None:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_ours(frame):
    path = Path(frame.f_code.co_filename)
    return path.is_relative_to(_PACKAGE) or path.parts[-2:] == ("sklearn", "base.py")
