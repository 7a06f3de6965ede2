# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""skmoe itself. Settings: words NAME=VALUE that are parameters of the estimator."""

import warnings

from timing import answer, measure, need, task

skmoe = need("skmoe")

# The peers' gates have no penalty; zero itself would leave separation unbounded.
ALPHA = 1e-10


def main():
    X, y, start, setting = task()
    parameters = dict(word.split("=") for word in setting.split())
    if "tol" in parameters:
        parameters["tol"] = float(parameters["tol"])
    model = skmoe.MixtureOfExpertsRegressor(
        n_experts=start.shape[1],
        gate=skmoe.gates.SoftmaxGate(alpha=ALPHA),
        init=start,
        max_iter=10_000,
        **parameters,
    )
    _, costs = measure(lambda: model.fit(X, y), warm_up=True)
    answer(
        **costs,
        log_likelihood=model.log_likelihood_,
        iterations=model.n_iter_,
        r2=model.score(X, y),
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
