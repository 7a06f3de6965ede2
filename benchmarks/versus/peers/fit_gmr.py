# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""gmr: Gaussian mixture of (x, y) together, conditioned on x.

Not the same model: its gate is that of Gaussian classes, and EM climbs the likelihood
of x and y together; reported is that of y given x.
"""

import numpy as np
from timing import answer, measure, need, task

GMM = need("gmr").GMM


def weighted(Z, start):
    """Weights, means and covariances of the rows under the start."""
    priors = start.mean(axis=0)
    means = start.T @ Z / start.sum(axis=0)[:, None]
    covariances = [
        np.cov(Z, rowvar=False, aweights=weights, bias=True) for weights in start.T
    ]
    return priors, means, np.array(covariances)


def main():
    X, y, start, _ = task()
    Z = np.column_stack([X, y])
    k, d = start.shape[1], X.shape[1]

    def fit():
        model = GMM(k, *weighted(Z, start), random_state=0)
        return model.from_samples(Z, n_iter=10_000)

    model, costs = measure(fit)
    marginal = GMM(
        k, model.priors, model.means[:, :d], model.covariances[:, :d, :d]
    ).to_probability_density(X)
    joint = model.to_probability_density(Z)
    prediction = model.predict(np.arange(d), X).ravel()
    answer(
        **costs,
        log_likelihood=float(np.sum(np.log(joint) - np.log(marginal))),
        r2=float(1 - np.mean((y - prediction) ** 2) / np.var(y)),
    )


if __name__ == "__main__":
    main()
