# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Deterministic annealing: a start is smoothed before EM goes on from it."""

LOWEST, N_POWERS, STEPS = 0.5, 6, 2
# Powers of the joint density, rising geometrically towards one.
POWERS = tuple(LOWEST ** (1 - i / N_POWERS) for i in range(N_POWERS))


def anneal(state, responsibilities, powers=POWERS, steps=STEPS):
    r"""Return responsibilities after EM steps on flattened densities.

    .. math:: r_{ik} \propto (g_k(x_i) f(y_i \mid m_k(x_i), \phi_k))^\beta

    with powers :math:`\beta` that rise to one: the maxima of a flattened objective are
    fewer, and the one that EM is led to by cooling is often better than the one it
    would have reached directly. What a small power forgets of the start is gone: at
    :math:`\beta \to 0` all experts are the same.

    Parameters
    ----------
    state : MixtureState
        Is left where the last step took it: EM goes on from there.
    responsibilities : ndarray of shape (n, K)
        A start; anything that the state's `begin` takes.
    powers : sequence of float
        The :math:`\beta`, each positive.
    steps : int
        EM steps at each.

    References
    ----------
    .. [1] Ueda, N. & Nakano, R. (1998). "Deterministic annealing EM algorithm". Neural
       Networks 11(2), 271-282.
    """
    for power in powers:
        for _ in range(steps):
            state.begin(responsibilities)
            responsibilities = state.tempered(power)
    return responsibilities
