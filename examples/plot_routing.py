# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""
Evaluating only some of the experts
===================================

A prediction needs the experts that the gate believes in, not all of them. ``top_k``
evaluates the k most probable ones of each row: this example counts what that saves and
what it costs, for a model fitted softly and for one fitted by hard assignment.
"""

# %%
# Six forests, each at home in a part of the data
# -----------------------------------------------
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import make_mixture_of_experts

X, y = make_mixture_of_experts(
    n_samples=21000, n_features=3, n_experts=6, separation=2, random_state=0
)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=1000, shuffle=False
)
forest = ExtraTreesRegressor(30, max_depth=8, min_samples_leaf=5)

# %%
# Soft and hard assignment
# ------------------------
# Soft EM fits every expert to every row, weighted by its responsibility; hard EM gives
# a row to its best expert alone, so that each expert is fitted to few rows.
models, seconds = {}, {}
for assignment in ["soft", "hard"]:
    model = MixtureOfExpertsRegressor(
        forest, n_experts=6, assignment=assignment, tol=3e-2, random_state=0
    )
    start = perf_counter()
    models[assignment] = model.fit(X_train, y_train)
    seconds[assignment] = perf_counter() - start
    largest = model.gate_proba(X_test).max(axis=1).mean()
    print(
        f"{assignment}: fitted in {seconds[assignment]:.1f} s, {model.n_iter_} "
        f"iterations; the gate's largest probability is {largest:.2f} on average"
    )

# %%
# Accuracy and time by the number of experts evaluated
# ----------------------------------------------------
# ``top_k`` matters to `predict` alone, so a fitted model can be asked with another.
kept = [1, 2, 3, 4, 6]
scores, times = {}, {}
for assignment, model in models.items():
    scores[assignment], times[assignment] = [], []
    for top_k in kept:
        model.set_params(top_k=top_k)
        repeats = []
        for _ in range(3):
            start = perf_counter()
            prediction = model.predict(X_test)
            repeats.append(perf_counter() - start)
        scores[assignment].append(r2_score(y_test, prediction))
        times[assignment].append(1e3 * np.median(repeats))
        print(
            f"{assignment}  top_k={top_k}  R2 {scores[assignment][-1]:.3f}  "
            f"{times[assignment][-1]:6.1f} ms for {len(X_test)} rows"
        )

fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.5), layout="constrained")
for assignment in models:
    left.plot(kept, scores[assignment], "o-", label=assignment)
    right.plot(kept, times[assignment], "o-", label=assignment)
left.set(xlabel="experts evaluated per row", ylabel="test R2")
right.set(xlabel="experts evaluated per row", ylabel="predict (ms)", ylim=(0, None))
left.legend(title="assignment", frameon=False)
plt.show()
