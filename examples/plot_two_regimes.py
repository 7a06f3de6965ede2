# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""
Two regimes and a soft border
=============================

A series falls on the left, rises on the right, and is noisier on the right. A mixture
of two linear experts finds both lines, the border between them and the noise of each.
"""

# %%
# The data
# --------
# Which of two lines made a row depends on x, but not sharply: around zero both occur.
import numpy as np

rng = np.random.default_rng(0)
n_samples = 400
x = rng.uniform(-3, 3, n_samples)
right = rng.uniform(size=n_samples) < 1 / (1 + np.exp(-4 * x))
noise = np.where(right, 0.5, 0.15) * rng.normal(size=n_samples)
y = np.where(right, 1.5 * x - 1.5, -0.8 * x) + noise
X = x[:, np.newaxis]

# %%
# The model
# ---------
# Linear least squares is the default expert, a softmax of linear scores the default
# gate.
from skmoe import MixtureOfExpertsRegressor

model = MixtureOfExpertsRegressor(n_experts=2).fit(X, y)
print(f"converged after {model.n_iter_} iterations")
print(model.summary().round(2).to_string())

# %%
# Experts, mixture and gate
# -------------------------
# Rows take the colour of the expert that is responsible for them. The band is two
# standard deviations of the mixture: noise, and near the border also doubt about which
# expert it is.
from pathlib import Path

import matplotlib.pyplot as plt

grid = np.linspace(-3, 3, 301)[:, np.newaxis]
mean, std = model.predict(grid, return_std=True)
responsibilities = model.responsibilities(X, y)
order = np.argsort([expert.coef_[0] for expert in model.experts_])
colors = ["tab:blue", "tab:orange"]

fig, (top, bottom) = plt.subplots(
    2, 1, figsize=(7, 5), sharex=True, height_ratios=[3, 1], layout="constrained"
)
owner = np.argsort(order)[responsibilities.argmax(axis=1)]
top.scatter(x, y, c=np.array(colors)[owner], s=10, alpha=0.6)
for color, k in zip(colors, order, strict=True):
    expert = model.experts_[k]
    label = f"expert: slope {expert.coef_[0]:.2f}, noise {model.dispersions_[k]:.2f}"
    top.plot(grid, model.predict_experts(grid)[:, k], "--", color=color, label=label)
    bottom.plot(grid, model.gate_proba(grid)[:, k], color=color)
top.plot(grid, mean, color="black", label="mixture")
top.fill_between(
    grid[:, 0], mean - 2 * std, mean + 2 * std, color="black", alpha=0.1, lw=0
)
top.set(ylabel="y", ylim=(-5, 5))
top.legend(loc="upper left", frameon=False)
bottom.set(xlabel="x", ylabel="gate", ylim=(-0.02, 1.02))

# %%
# The README shows this figure; from a checkout it is written where that one is.
figures = Path("docs/figures")
if figures.is_dir():
    fig.savefig(figures / "two_regimes.png", dpi=110)
    print(f"figure written to {figures / 'two_regimes.png'}")
plt.show()
