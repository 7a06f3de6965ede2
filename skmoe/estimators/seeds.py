# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Random states of experts and gates that the user left unset."""

from sklearn.base import clone


def seeded_clones(templates, seeds):
    """Clones whose unset random states, nested ones too, are their seeds."""
    # Often K times the same object, and to list its parameters takes long.
    distinct = {id(template): template for template in templates}
    unset = {key: unset_random_states(clone(each)) for key, each in distinct.items()}
    clones = []
    for template, seed in zip(templates, seeds, strict=True):
        estimator = clone(template)
        if unset[id(template)]:
            estimator.set_params(**dict.fromkeys(unset[id(template)], int(seed)))
        clones.append(estimator)
    return clones


def unset_random_states(estimator):
    """Names of the parameters, nested ones too, that are random states of None."""
    return [
        key
        for key, value in estimator.get_params(deep=True).items()
        if key.rsplit("__", 1)[-1] == "random_state" and value is None
    ]
