# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A classifier as gate that the E-step knows by its out-of-fold probabilities only."""

import numpy as np
from sklearn.utils.parallel import Parallel, delayed

from skmoe._compat import _safe_indexing
from skmoe.estimators.weighted import naming
from skmoe.gates.classifier_trainer import ClassifierTrainer, GateFit, floored_log_proba
from skmoe.numerics.softmax import log_softmax


class CrossFittedClassifier(ClassifierTrainer):
    r"""A classifier gate at work: fitted once per fold, judged by the rows left out.

    With :math:`g^{(-i)}` the gate fitted without the fold of row i, a set of fits is
    accepted if :math:`\sum_{ik} w_i r_{ik} \log g_k^{(-i)}(x_i)` over the rows that a
    fold holds out does not fall. Rows that none does are asked of the last fold's fit.
    Their y counts as unknown, which leaves :math:`\sum_i w_i \log \sum_k g_k(x_i)`
    over the experts that they may have: nothing, unless some are ruled out.

    Out of fold, a gate fitted to the almost even responsibilities of a start is noise,
    which later fits would be compared with. A start is therefore led in by a gate that
    is judged by its own rows; see "When gates overfit" in docs/defaults.md.

    Parameters
    ----------
    folds : list of (ndarray, ndarray)
        Indices of rows to fit and of rows to ask about, the latter disjoint.
    n_jobs : int, default=None
        Folds fitted at a time.
    """

    def __init__(self, template, X, n_experts, weights, folds, n_jobs=None):
        super().__init__(template, X, n_experts, weights)
        self.n_jobs = n_jobs
        self.held = np.concatenate([test for _, test in folds])
        self.never = np.setdiff1d(np.arange(len(weights)), self.held)
        train, test = folds[-1]
        self.folds = [*folds[:-1], (train, np.concatenate([test, self.never]))]

    def _gain(self, responsibilities, rises):
        gain = super()._gain(responsibilities[self.held], rises[self.held])
        if not len(self.never):
            return gain
        unknown = responsibilities[self.never]
        totals = unknown.sum(axis=1)
        ratios = (unknown * np.exp(rises[self.never])).sum(axis=1) / totals
        return gain + totals @ np.log(ratios)

    def warm_up_trainer(self):
        """The classifier judged by the rows that it is fitted to."""
        trainer = ClassifierTrainer(self.template, self.X, self.n_experts, self.weights)
        trainer.seed = self.seed
        return trainer

    def _refit(self, responsibilities):
        answers = Parallel(n_jobs=self.n_jobs)(
            delayed(_answers)(self, responsibilities, *fold) for fold in self.folds
        )
        log_proba = np.empty_like(self.log_proba)
        for (_, rows), of_rows in zip(self.folds, answers, strict=True):
            log_proba[rows] = of_rows
        return GateFit(None, responsibilities, log_proba)

    def overfitted(self):
        """No: the gate is not judged by the rows that it was fitted to."""
        return False

    def resume(self, fitted):
        """Make the folds' fits of a fitted gate again."""
        before, now = len(fitted.responsibilities_), len(self.weights)
        if before != now:
            raise ValueError(
                "warm_start=True cannot continue the last fit: its gate saw "
                f"{before} rows or groups and now sees {now}. Fit a clone instead."
            )
        self.state = self._refit(fitted.responsibilities_)

    def fitted(self):
        """Return the gate fitted to all rows, with what its folds were fitted to."""
        responsibilities = self.state.responsibilities
        fitted = super().fitted()
        fitted.estimator_ = self.fit_to(responsibilities)
        fitted.responsibilities_ = responsibilities
        return fitted


def _answers(trainer, responsibilities, train, rows):
    """Log probabilities of some rows by a fit to others; runs in a worker."""
    classifier = trainer.fit_to(responsibilities, train)
    X, n_experts = _safe_indexing(trainer.X, rows), trainer.n_experts
    with naming("asking", "gate", classifier):
        log_proba = floored_log_proba(classifier, X, n_experts)
    unseen = np.setdiff1d(np.arange(n_experts), classifier.classes_)
    if not len(unseen):
        return log_proba
    # An expert that lives in one fold is unknown outside of it, which does not make it
    # impossible there: Laplace's rule of succession.
    log_proba[:, unseen] = -np.log(trainer.weights[train].sum() + n_experts)
    return log_softmax(log_proba)
