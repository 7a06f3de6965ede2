# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A tree of softmax gates."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmoe._compat import Interval
from skmoe.gates.base import BaseGate
from skmoe.gates.softmax import SoftmaxGate, SoftmaxTrainer
from skmoe.gates.trainers import GateTrainer
from skmoe.gates.tree_view import draw_tree, tree_as_text


class HierarchicalGate(BaseGate):
    r"""A tree of softmax gates whose leaves are the experts.

    .. math:: \log g_k(x) = \sum_{v \in \mathrm{path}(k)} \log g_{k | v}(x), \qquad
              \max \; \frac1W \sum_{ik} w_i r_{ik} \log g_k(x_i)
              - \frac{\alpha}{2} \sum_v \sum_{cj} s_j^2 v_{vcj}^2 ,

    with one softmax :math:`g_{\cdot | v}` over the children at each node v, and its
    slopes :math:`v_{vc}`. The objective falls apart into one weighted softmax problem
    per node: row i counts there with the responsibility of the leaves below, :math:`w_i
    \sum_{k \in v} r_{ik}`. A tree of one level is a `SoftmaxGate`.

    Parameters
    ----------
    branching : tuple of int, default=None
        Children of each node, level by level from the root. The product must be the
        number of experts; consecutive experts share a parent. None: the prime factors
        of the number of experts, in ascending order, so that the tree is binary as far
        as it can be: (2, 2) for four experts, (2, 3) for six, (5,) for five.
    alpha : float, default=1e-4
        Strength of each node's L2 penalty, as in `SoftmaxGate`.

    Attributes
    ----------
    nodes_ : list of list of SoftmaxGate
        The fitted gates, level by level, from left to right.
    n_features_in_ : int
        Number of features.
    scale_ : ndarray of shape (n_features,)
        Standard deviations of the training rows' columns, the units of the penalty.

    Raises
    ------
    ValueError
        If `branching` are not whole numbers of at least one, or have another product
        than the number of experts.

    See Also
    --------
    SoftmaxGate : All experts at once.

    References
    ----------
    .. [1] Jordan, M. I. & Jacobs, R. A. (1994). "Hierarchical mixtures of experts and
       the EM algorithm". Neural Computation 6(2), 181-214.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import HierarchicalGate
    >>> X = np.arange(8.0)[:, None]
    >>> soft = 0.9 * np.repeat(np.eye(4), 2, axis=0) + 0.025
    >>> gate = HierarchicalGate(alpha=0.01).fit(X, soft)
    >>> gate.predict_proba([[0.0], [7.0]]).round(1)
    array([[0.9, 0.1, 0. , 0. ],
           [0. , 0. , 0.1, 0.9]])
    >>> print(gate.export_text(["load"]))
    root
    |--- 0: -0.62 load +2.17
    |   |--- expert 0: -0.60 load +0.98
    |   |--- expert 1: +0.60 load -0.98
    |--- 1: +0.62 load -2.17
    |   |--- expert 2: -0.60 load +3.24
    |   |--- expert 3: +0.60 load -3.24
    """

    numeric = True
    _parameter_constraints: dict = {
        "branching": [None, tuple, list],
        "alpha": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, branching=None, alpha=1e-4):
        self.branching = branching
        self.alpha = alpha

    @property
    def fixes_n_experts(self):
        """True if `branching` says how many experts there are."""
        return self.branching is not None

    def trainer(self, X, n_experts, weights, designs):
        """Return the tree at work on the rows of X."""
        self._validate_params()
        branching = self.branching
        if branching is None:
            branching = prime_factors(n_experts)
        is_whole = all(isinstance(count, Integral) for count in branching)
        if not branching or not is_whole or min(branching) < 1:
            raise ValueError(
                "branching must hold whole numbers of at least one, the children of a "
                f"node at each level. Got branching={branching!r}."
            )
        if np.prod(branching) != n_experts:
            raise ValueError(
                f"branching={branching!r} makes {np.prod(branching)} leaves, but the "
                f"number of experts is {n_experts}. Their product must be n_experts."
            )
        return HierarchicalTrainer(self, tuple(branching), designs.get(X), weights)

    @property
    def n_features_in_(self):
        """Number of features; there is none before `fit`."""
        return self.nodes_[0][0].n_features_in_

    def count_parameters(self):
        """Free coefficients of all nodes."""
        return sum(node.count_parameters() for level in self.nodes_ for node in level)

    def predict_log_proba(self, X):
        """Log probabilities of the experts.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to gate.

        Returns
        -------
        ndarray of shape (n_samples, n_experts)
            Natural logarithms.
        """
        X = self._check_predict_input(X)
        return path_log_proba(
            [[node.predict_log_proba(X) for node in level] for level in self.nodes_]
        )

    def export_text(self, feature_names=None, decimals=2):
        """Text of the tree, one line per node, with the scores it was chosen by.

        Parameters
        ----------
        feature_names : array-like of str of shape (n_features,), default=None
            Names of the columns; None: x0, x1, ...
        decimals : int, default=2
            Digits after the point.

        Returns
        -------
        str
            A node's score is linear: coefficients on the user's scale. Siblings'
            scores sum to zero, and the larger one is more probable.

        Raises
        ------
        ValueError
            If there are not as many names as features.
        """
        check_is_fitted(self)
        return tree_as_text(self.nodes_, feature_names, decimals)

    def plot(self, feature_names=None, ax=None):
        """Draw the tree with matplotlib.

        Parameters
        ----------
        feature_names : array-like of str of shape (n_features,), default=None
            Names of the columns; None: x0, x1, ...
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None: new axes.

        Returns
        -------
        matplotlib.axes.Axes
            With a box per node. Each edge says which feature speaks most for the child,
            per standard deviation of the training rows.

        Raises
        ------
        ValueError
            If there are not as many names as features.
        """
        check_is_fitted(self)
        return draw_tree(self.nodes_, self.scale_, feature_names, ax)


class HierarchicalTrainer(GateTrainer):
    """The tree at work: a softmax gate per node, on weights that EM sets."""

    def __init__(self, template, branching, design, weights):
        self.template = template
        self.branching = branching
        self.design = design
        node_template = SoftmaxGate(alpha=template.alpha)
        self.levels = []
        n_nodes = 1
        for n_children in branching:
            level = [
                SoftmaxTrainer(
                    node_template, design, n_children, weights, float(template.alpha)
                )
                for _ in range(n_nodes)
            ]
            self.levels.append(level)
            n_nodes *= n_children

    def _nodes(self):
        return [node for level in self.levels for node in level]

    @property
    def log_proba(self):
        """Log probabilities at the training rows, (n, K)."""
        return path_log_proba(
            [[node.log_proba for node in level] for level in self.levels]
        )

    @property
    def penalty(self):
        """The sum of the nodes' penalties."""
        return sum(node.penalty for node in self._nodes())

    def step(self, responsibilities):
        """One step of each node."""
        for node, share in self._shared_out(responsibilities):
            node.step(share)

    def fit(self, responsibilities):
        """Fit each node to fixed responsibilities."""
        for node, share in self._shared_out(responsibilities):
            node.fit(share)

    def _shared_out(self, responsibilities):
        """Nodes with the responsibilities of their children, (n, n_children)."""
        n_samples, n_experts = responsibilities.shape
        n_nodes = 1
        for level, n_children in zip(self.levels, self.branching, strict=True):
            n_below = n_experts // (n_nodes * n_children)
            shape = (n_samples, n_nodes, n_children, n_below)
            shares = responsibilities.reshape(shape).sum(axis=3)
            for v, node in enumerate(level):
                # A row counts at a node by the responsibility of the leaves below it;
                # the node's `total` stays that of all rows, so that it adds up.
                node.weights = shares[:, v].sum(axis=1)
                yield node, np.ascontiguousarray(shares[:, v])
            n_nodes *= n_children

    def fitted(self):
        """Return the fitted gate."""
        template = self.template
        fitted = HierarchicalGate(template.branching, template.alpha)
        fitted.nodes_ = [[node.fitted() for node in level] for level in self.levels]
        fitted.scale_ = self.design.scale
        return fitted

    def resume(self, fitted):
        """Take up the nodes of a fitted tree."""
        for level, gates in zip(self.levels, fitted.nodes_, strict=True):
            for node, gate in zip(level, gates, strict=True):
                node.resume(gate)

    def snapshot(self):
        """The nodes' snapshots."""
        return [node.snapshot() for node in self._nodes()]

    def restore(self, snapshot):
        """Come back to a snapshot."""
        for node, state in zip(self._nodes(), snapshot, strict=True):
            node.restore(state)


def prime_factors(number):
    """Prime factors in ascending order, (1,) for one."""
    factors, factor = [], 2
    while factor * factor <= number:
        while number % factor == 0:
            factors.append(factor)
            number //= factor
        factor += 1
    return (*factors, number) if number > 1 or not factors else tuple(factors)


def path_log_proba(levels):
    """Sums of log probabilities along the paths to the leaves, (n, K).

    Parameters
    ----------
    levels : list of list of ndarray of shape (n, n_children)
        Log probabilities of each node's children.
    """
    log_proba = levels[0][0]
    for level in levels[1:]:
        paths = [log_proba[:, v, None] + node for v, node in enumerate(level)]
        log_proba = np.hstack(paths)
    return log_proba
