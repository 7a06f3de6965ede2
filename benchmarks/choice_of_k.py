# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""How often the true number of experts is found, on 20 simulated sets.

    python benchmarks/choice_of_k.py [CRITERION ...]

Design: `make_mixture_of_experts(n, n_features, K, random_state=seed)` for seed 0 to 19,
K = 2, 3, 4 in turn, n = 1000, 1500, 2000 in turn of seeds divided by three, n_features
= 2 or 5 for even and odd seeds, everything else as it is by default: linear experts of
noise 0.5, a softmax gate, in which the most probable expert has probability 0.8 on
average. Each set is fitted with 1 to 6 experts. Criteria: bic (default), aic, icl, cv;
each is printed with split starts and without them.
"""

import sys
import warnings
from time import perf_counter

import numpy as np

from skmoe import MixtureOfExpertsRegressor
from skmoe.datasets import make_mixture_of_experts
from skmoe.model_selection import ExpertCountSearch

COUNTS = range(1, 7)
N_SETS = 20


def design(seed):
    """Rows, targets and the true number of experts of a set."""
    n_experts = 2 + seed % 3
    n_samples = (1000, 1500, 2000)[seed // 3 % 3]
    n_features = (2, 5)[seed % 2]
    X, y = make_mixture_of_experts(n_samples, n_features, n_experts, random_state=seed)
    return X, y, n_experts


def choose(X, y, **settings):
    """The fitted search and its time in seconds."""
    search = ExpertCountSearch(MixtureOfExpertsRegressor(), COUNTS, **settings)
    begin = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, y)
    return search, perf_counter() - begin


def table(criterion):
    """Print the choice of every set, with and without split starts."""
    print(f"criterion {criterion!r}; columns: difference to the best, K = {[*COUNTS]}")
    found, times = {True: 0, False: 0}, {True: 0.0, False: 0.0}
    for seed in range(N_SETS):
        X, y, truth = design(seed)
        for split in (True, False):
            search, seconds = choose(X, y, criterion=criterion, split=split)
            found[split] += search.best_n_experts_ == truth
            times[split] += seconds
            name = "mean_test_score" if criterion == "cv" else criterion
            values = search.results_[name]
            start, best = "split" if split else "own  ", search.best_n_experts_
            line = " ".join(f"{v:8.3g}" for v in np.abs(values - search.best_score_))
            print(
                f"  set {seed:2d}: n={len(y)} d={X.shape[1]} K={truth} {start} "
                f"found {best}  {line}"
            )
    for split in (True, False):
        print(
            f"{'with' if split else 'without'} split starts: {found[split]} of "
            f"{N_SETS} found, {times[split]:.1f} s"
        )


if __name__ == "__main__":
    for criterion in sys.argv[1:] or ["bic"]:
        table(criterion)
