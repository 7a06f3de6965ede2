# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""smt, `MOE` of least squares: clusters first, then one fit per cluster.

Not the same model: no likelihood, and no start can be given.
"""

import numpy as np
from timing import answer, measure, need, task

MOE = need("smt.applications").MOE


def main():
    X, y, start, _ = task()

    def fit():
        model = MOE(n_clusters=start.shape[1], allow=["LS"])
        model.set_training_values(X, y[:, None])
        model.train()
        return model

    np.random.seed(0)  # noqa: NPY002  the only seed that it takes
    model, costs = measure(fit)
    residuals = y - model.predict_values(X).ravel()
    answer(**costs, r2=float(1 - np.mean(residuals**2) / np.var(y)))


if __name__ == "__main__":
    main()
