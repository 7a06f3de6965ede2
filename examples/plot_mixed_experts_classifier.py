# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""
Experts of different kinds for classes
======================================

On the left half of the plane a straight line separates the classes, on the right half
they form a chessboard. A logistic regression and a tree share the work, and the gate
learns which of them to ask where.
"""

# %%
# The data
# --------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

rng = np.random.default_rng(0)
X = rng.uniform([-3, -1.5], [3, 1.5], size=(2000, 2))
line = X[:, 1] > 0.8 * (X[:, 0] + 1.5)
chessboard = (np.floor(X[:, 0]) + np.floor(X[:, 1] + 0.5)) % 2 == 0
y = np.where(X[:, 0] < 0, line, chessboard)
y ^= rng.uniform(size=len(y)) < 0.05  # one label in twenty is wrong
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)

# %%
# Each kind alone, and both together
# ----------------------------------
from skmoe import MixtureOfExpertsClassifier

tree = DecisionTreeClassifier(max_leaf_nodes=12, random_state=0)
experts = [("line", LogisticRegression()), ("tree", tree)]
mixture = MixtureOfExpertsClassifier(experts, tol=1e-4)
models = {"logistic regression": LogisticRegression(), "tree": tree, "mixture": mixture}
for name, model in models.items():
    model.fit(X_train, y_train)
    accuracy = accuracy_score(y_test, model.predict(X_test))
    loss = log_loss(y_test, model.predict_proba(X_test))
    print(f"{name:20s} accuracy {accuracy:.3f}  log loss {loss:.3f}")
print(mixture.summary().to_string())

# %%
# What the gate decided
# ---------------------
# Shading is the probability that the gate gives the tree.
from sklearn.inspection import DecisionBoundaryDisplay

fig, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
DecisionBoundaryDisplay.from_estimator(
    mixture, X_test, response_method="predict", alpha=0.3, ax=axes[0]
)
axes[0].scatter(X_test[:, 0], X_test[:, 1], c=y_test, s=8)
axes[0].set(title="predicted class, test rows", xlabel="x0", ylabel="x1")
points = axes[1].scatter(
    X_test[:, 0], X_test[:, 1], c=mixture.gate_proba(X_test)[:, 1], s=8, vmin=0, vmax=1
)
axes[1].set(title="gate: probability of the tree", xlabel="x0")
fig.colorbar(points)
plt.show()
