# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""
Bicycles by the hour
====================

Commuters rent bicycles at eight and at five o'clock, leisure rents them on free
afternoons. Experts share these regimes between them, and the gate says which is when.

The target is the square root of the rentals: counts scatter more where they are high,
and roots about the same everywhere, which is fair to models with one noise level. R2
and negative log likelihood (NLL, per row, in natural logarithms) are those of the root.
"""

# %%
# Whole weeks are held out
# ------------------------
# Neighbouring hours are alike, so a quarter of the weeks is held out, not a quarter of
# the hours. Categories are coded by numbers in their natural order.
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor
from threadpoolctl import threadpool_limits

from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import load_bike_sharing
from skmoe.gates import SoftmaxGate

threadpool_limits(1)  # small problems; threads that wait for each other cost more

bike = load_bike_sharing()
X = pd.DataFrame(bike.data, columns=bike.feature_names)
y = np.sqrt(bike.target)
week = np.arange(len(X)) // (7 * 24)
held_out = np.random.RandomState(0).permutation(week.max() + 1)[: week.max() // 4]
test = np.isin(week, held_out)
X_train, X_test, y_train, y_test = X[~test], X[test], y[~test], y[test]
print(f"{len(X_train)} hours to train, {len(X_test)} to test")

# %%
# The models
# ----------
# Linear parts see categories one-hot encoded. The gate sees the hour and whether it is
# a working day, nothing else, so that experts are divided by the time of use.
encoder = make_column_transformer(
    (
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
        ["season", "month", "hour", "weekday", "weather"],
    ),
    remainder="passthrough",
    verbose_feature_names_out=False,
).set_output(transform="pandas")
ridge = make_pipeline(encoder, Ridge())
tree = DecisionTreeRegressor(max_depth=8, min_samples_leaf=20)


def time_of_use(X):
    """Names of the encoded columns that say what time it is."""
    return [name for name in X.columns if name.startswith(("hour", "workingday"))]


# Experts that are not linear see the columns as they are, and so does this gate.
gate = make_pipeline(
    make_column_transformer((OneHotEncoder(), ["hour", "workingday"])), SoftmaxGate()
)
singles = {
    "Ridge": ridge,
    "HistGradientBoosting": HistGradientBoostingRegressor(random_state=0),
}
linear = MixtureOfExpertsRegressor(Ridge(), n_experts=4, gate_features=time_of_use)
mixtures = {
    "4 linear experts": make_pipeline(encoder, linear),
    "6 linear experts": make_pipeline(encoder, clone(linear).set_params(n_experts=6)),
    "3 trees": MixtureOfExpertsRegressor(
        tree, n_experts=3, gate=gate, tol=1e-3, random_state=0
    ),
    "2 Ridge and a tree": MixtureOfExpertsRegressor(
        [("ridge1", ridge), ("ridge2", ridge), ("tree", tree)],
        gate=gate,
        tol=1e-3,
        random_state=0,
    ),
}


# %%
# Held-out R2 and NLL
# -------------------
# A single model predicts no density. It is given a Gaussian with the deviation of its
# residuals on a fifth of the training weeks, left out for that purpose: the residuals
# of rows that it was fitted to would be too small, and its NLL worse.
splitter = GroupShuffleSplit(1, test_size=0.2, random_state=0)
fitted_to, left_out = next(splitter.split(X_train, groups=week[~test]))


def residual_deviation(model):
    """Root mean squared residual on the weeks left out."""
    fitted = clone(model).fit(X_train.iloc[fitted_to], y_train[fitted_to])
    residuals = y_train[left_out] - fitted.predict(X_train.iloc[left_out])
    return np.sqrt(np.mean(residuals**2))


def log_density(mixture):
    """Log density of each test row; a Pipeline does not hand y on, so it is undone."""
    if isinstance(mixture, Pipeline):
        return mixture[-1].score_samples(mixture[:-1].transform(X_test), y_test)
    return mixture.score_samples(X_test, y_test)


print(f"\n{'':22s}{'R2':>8s}{'NLL':>8s}{'fit (s)':>9s}")
for name, model in {**singles, **mixtures}.items():
    start = perf_counter()
    model.fit(X_train, y_train)
    seconds = perf_counter() - start
    predicted = model.predict(X_test)
    if name in singles:
        nll = -norm.logpdf(y_test, predicted, residual_deviation(model)).mean()
    else:
        nll = -log_density(model).mean()
    print(f"{name:22s}{r2_score(y_test, predicted):8.3f}{nll:8.3f}{seconds:9.1f}")

# %%
# Who are the experts?
# --------------------
# A mean responsibility (share), a noise level and, for linear experts, coefficients.
columns = ["kind", "share", "rows", "dispersion", "temp", "humidity", "year"]
print("\n4 linear experts:")
print(linear.summary()[columns].round(3).to_string())
print("\n2 Ridge and a tree:")
print(mixtures["2 Ridge and a tree"].summary().round(3).to_string())

# %%
# Gate and experts over the day
# -----------------------------
# The gate needs only the hour and the kind of day. Experts are asked about the test
# rows, and their answers averaged by the hour; a line is drawn where the gate gives the
# expert at least one row in twenty.
encoded = mixtures["4 linear experts"][:-1].transform(X_test)
proba = linear.gate_proba(encoded)
answers = linear.predict_experts(encoded)
hours = np.arange(24)
fig, axes = plt.subplots(
    2, 2, figsize=(9, 6), sharex=True, sharey="row", layout="constrained"
)
for day, (upper, lower) in zip([1, 0], axes.T, strict=True):
    of_hour = [
        ((X_test["workingday"] == day) & (X_test["hour"] == hour)).to_numpy()
        for hour in hours
    ]
    shares = np.array([proba[rows].mean(axis=0) for rows in of_hour])
    means = np.array([answers[rows].mean(axis=0) for rows in of_hour])
    upper.stackplot(hours, shares.T, alpha=0.7)
    for k in range(linear.n_experts_):
        line = np.where(shares[:, k] >= 0.05, means[:, k], np.nan)
        lower.plot(hours, line, "o-", ms=3, label=f"expert {k}")
    observed = [y_test[rows].mean() for rows in of_hour]
    lower.plot(hours, observed, "k:", label="observed")
    upper.set(title="working day" if day else "weekend or holiday", ylim=(0, 1))
    lower.set(xlabel="hour of the day")
axes[0, 0].set(ylabel="gate probability")
axes[1, 0].set(ylabel="square root of rentals")
axes[1, 0].legend(frameon=False, ncols=2)

output = Path("bike_sharing.png")
fig.savefig(output, dpi=110)
print(f"\nfigure written to {output}, in the current folder")
plt.show()
