# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Warm starts: state left by the last fit, and terms that must not change."""

from typing import Any, NamedTuple


class Previous(NamedTuple):
    """State that a warm start goes on from.

    Attributes
    ----------
    gate : BaseGate
        Fitted.
    experts : BaseExperts
        Fitted, their predictions without limits.
    step : QuasiNewtonStep or None
        With what acceleration has learnt, if EM goes on in the same way.
    """

    gate: Any
    experts: Any
    step: Any


class WarmStart(NamedTuple):
    """Terms that the next fit is checked against, and steps it may go on with.

    Attributes
    ----------
    terms : dict of str to object
        What must be the same.
    steps : dict
        Steps of EM by assignment and acceleration; only after a fit with `warm_start`.
    """

    terms: dict
    steps: dict

    def check(self, terms):
        """Raise ValueError where a term differs from the last fit's."""
        for name, before in self.terms.items():
            if terms[name] != before:
                raise ValueError(
                    f"warm_start=True cannot continue the last fit: its {name} was "
                    f"{before} and is now {terms[name]}. Fit a clone instead."
                )

    def without_steps(self):
        """Return the same for other responsibilities, which are another surface."""
        return self._replace(steps={})

    def select(self, kept):
        """Return the terms of a mixture of the experts `kept`."""
        families = [self.terms["families"][k] for k in kept]
        terms = self.terms | {"n_experts": len(kept), "families": families}
        return WarmStart(terms, {})


def terms_of(gate, kind, task, rows):
    """Return what must not change between a fit and its warm start."""
    return {
        "n_experts": task.n_experts,
        "kind of experts": kind.__name__,
        "kind of gate": type(gate).__name__,
        "families": [repr(family) for family in task.families],
        "number of gate features": rows.inputs.gate.shape[1],
        "number of expert features": rows.covariates.shape[1],
        "number of targets": task.y.shape[1],
        "classes": None if task.classes is None else task.classes.tolist(),
        "number of rows in folds": None if task.folds is None else len(task.y),
    }
