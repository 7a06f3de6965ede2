# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Several starts: short runs from each, the best continued."""

# A short run ends early only where hardly anything is to be gained any more.
SHORT_RUN = 50
SHORT_TOLERANCE = 1e-4


def best_of_starts(state, starts, new_run, max_iter, improve=None):
    """Run EM from every start; leave `state` at the best end and return that run.

    Each of several starts gets a short run, and the best is continued to convergence.
    If that ends at a spurious maximum (an expert of a handful of rows and a vanishing
    dispersion, where the likelihood has no bound), the next best is continued; the best
    collapsed one is kept only where all of them collapse.

    Parameters
    ----------
    state : MixtureState
        In a state that each start is an M-step away from: not yet fitted, as a rule.
    starts : list of ndarray of shape (n, K)
        Initial responsibilities.
    new_run : callable
        ``new_run() -> EM`` on `state`.
    max_iter : int
        Iterations of the run that is kept, its short part included.
    improve : callable, default=None
        ``improve(state, responsibilities)`` makes another start of each, which is
        tried as well; EM goes on from where it leaves the state.
    """
    blank = state.snapshot()
    ways = [unchanged] if improve is None else [unchanged, improve]
    trials = [(start, way) for start in starts for way in ways]
    runs = []
    for start, way in trials:
        state.restore(blank)
        run = new_run().start(way(state, start))
        if len(trials) > 1:
            run.run(min(SHORT_RUN, max_iter), max(SHORT_TOLERANCE, run.tol))
        runs.append((run, state.snapshot()))
    runs.sort(key=lambda item: item[0].merit, reverse=True)
    fallback: tuple = ()
    for run, end in runs:
        state.restore(end)
        run.run(max_iter)
        if not state.collapsed().any():
            return run
        if not fallback:
            fallback = run, state.snapshot()
    run, end = fallback
    state.restore(end)
    return run


def unchanged(state, responsibilities):
    """Leave a start alone."""
    return responsibilities
