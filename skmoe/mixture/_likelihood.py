# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What a fitted mixture says of given y: densities, posteriors, criteria."""

import numpy as np

from skmoe.numerics.softmax import log_softmax, softmax
from skmoe.rows.groups import check_groups, rows_of_groups, sum_by_group


class LikelihoodMixin:
    """Methods of both estimators that compare the model with y."""

    def _posterior(self, scores, X, y):
        """Responsibilities (n, K) and the log density (n,) of validated rows."""
        joint = log_softmax(scores)
        joint += self._experts.log_density(X, y)
        best = joint.max(axis=1)
        joint -= best[:, None]
        np.exp(joint, out=joint)
        sums = joint.sum(axis=1)
        joint /= sums[:, None]
        return joint, best + np.log(sums)

    def _log_density(self, scores, X, y):
        return self._posterior(scores, X, y)[1:]

    def responsibilities(self, X, y, groups=None):
        r"""Posterior probabilities of the experts given X and y.

        .. math:: r_{ik} = \frac{g_k(x_i) f(y_i \mid m_k(x_i), \phi_k)}
                               {\sum_l g_l(x_i) f(y_i \mid m_l(x_i), \phi_l)}

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group share one latent expert: their densities are multiplied,
            and the gate sees the group's mean row.

        Returns
        -------
        ndarray of shape (n_samples, n_experts)
            Rows sum to one; those of a group are equal.
        """
        inputs = self._check_predict_input(X)
        coded = self._code_y(y, inputs[0].shape[0])
        if groups is None:
            return self._by_rows(self._posterior, inputs, coded)[0]
        codes = check_groups(groups, X)
        ones = np.ones(len(codes))
        gate_X, _ = rows_of_groups(inputs[0], codes, ones, self.gate_)
        log_density = self._experts.log_density(inputs[1], coded)
        joint = log_softmax(self.gate_.scores(gate_X))
        joint += sum_by_group(log_density, codes, ones)
        return softmax(joint)[codes]

    def score_samples(self, X, y=None):
        """Log density (log probability, for classes) of each y given its row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Their targets. None: the model's own predictions, which makes a score of its
            confidence: low where it is vague or its experts disagree.

        Returns
        -------
        ndarray of shape (n_samples,)
            Natural logarithms under the whole mixture, whatever `top_k` is; on the
            training rows their weighted sum is `log_likelihood_`, unless it was fitted
            with `cv`, groups or known experts, and but for the little that limits on
            predictions (`extrapolation`) change where an expert without responsibility
            had predicted far off.
        """
        inputs = self._check_predict_input(X)
        coded = self._code_y(self.predict(X) if y is None else y, inputs[0].shape[0])
        return self._by_rows(self._log_density, inputs, coded)[0]

    def aic(self, X, y):
        r"""Akaike information criterion, lower is better.

        .. math:: -2 \log L + 2 p

        Rows count one by one, also after a fit with groups, where
        `skmoe.model_selection.ExpertCountSearch` compares by groups.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.

        Returns
        -------
        float
            The criterion.

        Raises
        ------
        ValueError
            If the number of parameters of an expert or the gate is unknown.
        """
        log_likelihood = self.score_samples(X, y).sum()
        return float(-2 * log_likelihood + 2 * self._known_n_parameters())

    def bic(self, X, y):
        r"""Bayesian information criterion, lower is better.

        .. math:: -2 \log L + p \log n

        Rows count one by one, also after a fit with groups, where
        `skmoe.model_selection.ExpertCountSearch` compares by groups.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.

        Returns
        -------
        float
            The criterion.

        Raises
        ------
        ValueError
            If the number of parameters of an expert or the gate is unknown.
        """
        log_density = self.score_samples(X, y)
        complexity = self._known_n_parameters() * np.log(len(log_density))
        return float(-2 * log_density.sum() + complexity)

    def icl(self, X, y):
        r"""Integrated completed likelihood, lower is better.

        .. math:: \mathrm{BIC} - 2 \sum_{ik} r_{ik} \log r_{ik}

        BIC plus twice the entropy of the responsibilities: it prefers experts that
        divide the rows clearly. Rows count one by one, as in `bic`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Their targets.

        Returns
        -------
        float
            The criterion.

        Raises
        ------
        ValueError
            If the number of parameters of an expert or the gate is unknown.
        """
        responsibilities = self.responsibilities(X, y)
        logs = np.log(np.maximum(responsibilities, np.finfo(np.float64).tiny))
        return self.bic(X, y) - 2 * float(np.sum(responsibilities * logs))

    def _known_n_parameters(self):
        if np.isnan(self.n_parameters_):
            raise ValueError(
                "Information criteria need the number of parameters, which is unknown "
                "for at least one expert or the gate. Compare by cross-validation."
            )
        return self.n_parameters_
