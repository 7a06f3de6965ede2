# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""
Simpson's paradox in penguins
=============================

Over all penguins, a longer bill is a less deep one. Within each species it is deeper.
The species is not in the data; experts stand in for it.
"""

# %%
# One line
# --------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression

from skmoe.datasets import load_penguins

penguins = load_penguins(as_frame=True)
measures = ["bill_length_mm", "flipper_length_mm", "body_mass_g"]
X, y = penguins.data[measures], penguins.target
line = LinearRegression().fit(X[["bill_length_mm"]], y)
print(f"slope over all penguins: {line.coef_[0]:.3f} mm per mm")

# %%
# Three experts
# -------------
# Experts predict bill depth from bill length alone; the gate sees bill and flipper
# length. Ten starts are cheap here and guard against a poor maximum.
from skmoe import MixtureOfExpertsRegressor

model = MixtureOfExpertsRegressor(
    n_experts=3,
    gate_features=["bill_length_mm", "flipper_length_mm"],
    expert_features=["bill_length_mm"],
    n_init=10,
    random_state=0,
).fit(X, y)
print(model.summary().round(2).to_string())

# %%
# Who are the experts?
# --------------------
# Rows come grouped by species (151 Adelie, 123 Gentoo, 68 Chinstrap), so responsibility
# can be compared with what the model never saw.
species = np.repeat(["Adelie", "Gentoo", "Chinstrap"], [151, 123, 68])
responsibilities = model.responsibilities(X, y)
names = list(model.named_experts_)
print("mean responsibility", *names, "slope of its own line", sep="  ")
for name in ["Adelie", "Gentoo", "Chinstrap"]:
    rows = species == name
    own = LinearRegression().fit(X.loc[rows, ["bill_length_mm"]], y[rows])
    share = "     ".join(f"{r:.2f}" for r in responsibilities[rows].mean(axis=0))
    print(f"{name:19s}  {share}     {own.coef_[0]:.3f}")

# %%
# What experts mean depends on the columns that divide them. A gate that sees body mass
# too has a better BIC, but separates large birds from small ones among the Adelies and
# Chinstraps, whose bills are equally deep. No slope is negative there either.
larger = MixtureOfExpertsRegressor(
    n_experts=3, expert_features=["bill_length_mm"], n_init=10, random_state=0
).fit(X, y)
for label, fit in [("two columns", model), ("with body mass", larger)]:
    slopes = " ".join(f"{expert.coef_[0]:.2f}" for expert in fit.experts_)
    print(f"gate on {label:15s} BIC {fit.bic(X, y):.0f}  slopes {slopes}")

# %%
# Colours are the experts, markers the species.
fig, ax = plt.subplots(figsize=(7, 4.5), layout="constrained")
owner = responsibilities.argmax(axis=1)
bill = X["bill_length_mm"].to_numpy()
colors = np.array(["tab:blue", "tab:orange", "tab:green"])
for name, marker in [("Adelie", "o"), ("Gentoo", "s"), ("Chinstrap", "^")]:
    rows = species == name
    ax.scatter(
        bill[rows], y[rows], c=colors[owner[rows]], marker=marker, s=18, alpha=0.6
    )
    ax.scatter([], [], c="grey", marker=marker, label=name)
for k, expert in enumerate(model.experts_):
    ends = np.quantile(bill[owner == k], [0, 1])
    ax.plot(ends, expert.intercept_ + expert.coef_[0] * ends, color=colors[k], lw=2)
ends = np.quantile(bill, [0, 1])
ax.plot(ends, line.intercept_ + line.coef_[0] * ends, "k:", label="one line")
ax.set(xlabel="bill length (mm)", ylabel="bill depth (mm)")
ax.legend(frameon=False)
plt.show()
