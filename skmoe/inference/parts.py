# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Names, values and scales of the parameters of gate, experts and noise."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from scipy.special import expit, logit

from skmoe.mixture.summary import feature_names

# Step of central differences of the maps from free parameters to those shown.
STEP = 1e-6


@dataclass
class Part:
    """Some parameters on three scales.

    *Standardised*: what derivatives are taken in. *Free*: the same on the user's scale,
    one number per degree of freedom. *Shown*: as the fitted model has them, which may
    be more numbers (a gate's coefficients sum to zero) or others (a dispersion, not its
    logarithm).

    Attributes
    ----------
    names : list of (str, str, str)
        Part, expert and term of each free parameter.
    estimates : ndarray of shape (p,)
        Their values.
    to_user : ndarray of shape (p, p)
        From standardised to free parameters.
    shown_names : list of (str, str, str)
        Of the parameters shown.
    shown : ndarray of shape (s,)
        Their values.
    jacobian : ndarray of shape (s, p)
        Derivatives of the shown parameters in the free ones.
    has_test : bool
        Whether zero is a hypothesis about the parameters shown.
    """

    names: list
    estimates: np.ndarray
    to_user: np.ndarray
    shown_names: list
    shown: np.ndarray
    jacobian: np.ndarray
    has_test: bool = True

    def interval(self, errors, width):
        """Ends of the interval of `width` standard errors (s,) around each."""
        return self.shown - width * errors, self.shown + width * errors


class Proportions(Part):
    """Mixing proportions, whose intervals are symmetric in the log odds."""

    def interval(self, errors, width):
        """Ends between zero and one."""
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = width * errors / (self.shown * (1.0 - self.shown))
            return expit(logit(self.shown) - reach), expit(logit(self.shown) + reach)


@dataclass
class NoiseParameters(Part):
    """Parameters of a family, whose intervals are symmetric on their free scale."""

    family: Any = None

    def interval(self, errors, width):
        """Ends within the parameters' range."""
        shape = len(self.family.parameter_names), -1
        reach = width * errors / np.diag(self.jacobian)
        ends = [(self.estimates + sign * reach).reshape(shape) for sign in (-1, 1)]
        with np.errstate(over="ignore"):  # no upper end: infinity
            return tuple(self.family.from_free(end).ravel() for end in ends)


def parts_of(model, gate_design, expert_design):
    """Every part, in the order gate, experts' coefficients, noise."""
    experts = model._mixture.experts
    alone = len(experts.estimators) == 1  # which leaves nothing to decide
    parts = [] if alone else [_gate_part(model, gate_design)]
    parts += _expert_parts(model, experts, expert_design)
    return parts + _noise_parts(model, experts.noise)


def _gate_part(model, design):
    experts = list(model.named_experts_)
    if not model.gate_.reads_rows:
        return _proportions(model.gate_.proportions_, experts)
    terms = feature_names(
        model, model._mixture.reader.columns.gate, design.n_columns - 1
    )
    names = [[("gate", k, term) for term in ["intercept", *terms]] for k in experts]
    values = np.column_stack([model.gate_.intercept_, model.gate_.coef_])
    return _centred(names, values, _to_user(design))


def _proportions(proportions, experts):
    logs = np.log(np.maximum(proportions, np.finfo(np.float64).tiny))
    spread = np.diag(proportions) - np.outer(proportions, proportions)
    return Proportions(
        names=[("gate", k, "intercept") for k in experts[1:]],
        estimates=logs[1:] - logs[0],
        to_user=np.eye(len(experts) - 1),
        shown_names=[("gate", k, "proportion") for k in experts],
        shown=proportions,
        jacobian=spread[:, 1:],
        has_test=False,
    )


def _centred(names, values, to_user):
    """Rows of coefficients that sum to zero; free: the others' less the first row's."""
    count, width = values.shape
    centring = np.eye(count) - 1.0 / count
    return Part(
        names=list(chain.from_iterable(names[1:])),
        estimates=(values[1:] - values[0]).ravel(),
        to_user=np.kron(np.eye(count - 1), to_user),
        shown_names=list(chain.from_iterable(names)),
        shown=values.ravel(),
        jacobian=np.kron(centring[:, 1:], np.eye(width)),
    )


def _to_user(design, fit_intercept=True):
    """From standardised slopes and intercept to intercept and slopes, (p, p)."""
    inverse = 1.0 / design.scale
    if not fit_intercept:  # the design is then not centred
        return np.diag(inverse)
    to_user = np.zeros((design.n_columns, design.n_columns))
    to_user[0] = np.append(-design.center * inverse, 1.0)
    to_user[1:, :-1] = np.diag(inverse)
    return to_user


def _expert_parts(model, experts, design):
    shape = len(experts.estimators), experts.n_scores, design.n_columns - 1
    slopes = experts.coef[: shape[2]].T.reshape(shape)
    intercepts = experts.intercept.reshape(shape[:2])
    features = feature_names(model, model._mixture.reader.columns.experts, shape[2])
    parts = []
    for k, name in enumerate(model.named_experts_):
        if experts.noise.families[k].is_background:
            continue
        has = has_intercept(experts.estimators[k])
        values = np.column_stack([intercepts[k], slopes[k]])[:, not has :]
        terms = ["intercept", *features][not has :]
        names = [
            [("expert", name, term + suffix) for term in terms]
            for suffix in _suffixes(model, shape[1])
        ]
        to_user = _to_user(design, has)
        if experts.scores_sum_to_zero:
            parts.append(_centred(names, values, to_user))
            continue
        for row_names, row in zip(names, values, strict=True):
            same = np.eye(len(row))
            parts.append(Part(row_names, row, to_user, row_names, row, same))
    return parts


def has_intercept(estimator):
    """True if a linear expert estimates an intercept."""
    return bool(getattr(estimator, "fit_intercept", True))


def _suffixes(model, count):
    """Suffixes that tell targets or classes apart."""
    if count == 1:
        return [""]
    return [f"[{label}]" for label in getattr(model, "classes_", range(count))]


def _noise_parts(model, noise):
    parts = []
    for k, name in enumerate(model.named_experts_):
        values = noise.parameters[k]
        if model._mixture.experts.n_channels(k)[1]:
            suffixes = _suffixes(model, values.shape[1])
            parts.append(_noise_part(noise.families[k], values, name, suffixes))
    return parts


def _noise_part(family, values, expert, suffixes):
    free = family.to_free(values)
    step = STEP * np.maximum(np.abs(free), 1.0)
    change = family.from_free(free + step) - family.from_free(free - step)
    terms, free_terms = [], []
    for term, link in zip(family.parameter_names, family.parameter_links, strict=True):
        terms += [term + suffix for suffix in suffixes]
        prefix = "log " if link == "log" else ""
        free_terms += [prefix + term + suffix for suffix in suffixes]
    return NoiseParameters(
        names=[("noise", expert, term) for term in free_terms],
        estimates=free.ravel(),
        to_user=np.eye(free.size),
        shown_names=[("noise", expert, term) for term in terms],
        shown=values.ravel(),
        jacobian=np.diag((change / (2 * step)).ravel()),
        has_test=False,
        family=family,
    )
