# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Several starts: short runs from each, the best continued."""

# A short run ends early only where hardly anything is to be gained any more.
SHORT_RUN = 50
SHORT_TOLERANCE = 1e-4


def best_of_starts(mixture, starts, new_run, max_iter, improve=None):
    """Run EM from every start; leave `mixture` at the best end and return that run.

    Each of several starts gets a short run, and the best is continued to convergence.
    If that ends at a spurious maximum (an expert of a handful of rows and a vanishing
    dispersion, where the likelihood has no bound), the next best is continued; the best
    collapsed one is kept only where all of them collapse.

    Parameters
    ----------
    mixture : Mixture
        In a state that each start is an M-step away from: not yet fitted, as a rule.
    starts : list of ndarray of shape (n, K)
        Initial responsibilities.
    new_run : callable
        ``new_run() -> EM`` on `mixture`.
    max_iter : int
        Iterations of the run that is kept, its short part included.
    improve : callable, default=None
        ``improve(mixture, responsibilities)`` makes another start of each, which is
        tried as well; EM goes on from where it leaves the mixture.
    """
    blank = mixture.snapshot()
    ways = [unchanged] if improve is None else [unchanged, improve]
    trials = [(start, way) for start in starts for way in ways]
    runs = []
    for start, way in trials:
        mixture.restore(blank)
        run = new_run().start(way(mixture, start))
        if len(trials) > 1:
            run.run(min(SHORT_RUN, max_iter), max(SHORT_TOLERANCE, run.tol))
        runs.append((run, mixture.snapshot()))
    runs.sort(key=lambda item: item[0].merit, reverse=True)
    fallback: tuple = ()
    for run, state in runs:
        mixture.restore(state)
        run.run(max_iter)
        if not mixture.collapsed().any():
            return run
        if not fallback:
            fallback = run, mixture.snapshot()
    run, state = fallback
    mixture.restore(state)
    return run


def unchanged(mixture, responsibilities):
    """Leave a start alone."""
    return responsibilities
