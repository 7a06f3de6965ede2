# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""A Pipeline that ends in a gate of skmoe."""

from contextlib import suppress

from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skmoe.gates.base import BaseGate
from skmoe.gates.trainers import ForwardingTrainer
from skmoe.rows.inputs import FLOATS


class PipelineGate(BaseGate):
    """Transformers in front of a gate, for instance splines before a softmax gate.

    The transformers are fitted once, on the rows that the gate sees (without weights
    and without y, as a Pipeline does by default); EM then steps the last gate on what
    they give.

    Parameters
    ----------
    pipeline : Pipeline
        Its last step is a gate of `skmoe.gates`. Cloned, never modified.

    Attributes
    ----------
    pipeline_ : Pipeline
        The fitted pipeline; ``pipeline_[-1]`` is the fitted gate.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import PolynomialFeatures
    >>> from skmoe import MixtureOfExpertsRegressor
    >>> from skmoe.gates import SoftmaxGate
    >>> gate = make_pipeline(PolynomialFeatures(2, include_bias=False), SoftmaxGate())
    >>> X = np.linspace(-1, 1, 60)[:, None]
    >>> model = MixtureOfExpertsRegressor(n_experts=2, gate=gate)
    >>> y = np.abs(X[:, 0]) + 0.05 * np.random.RandomState(0).normal(size=60)
    >>> model.fit(X, y).gate_.pipeline_[-1].coef_.shape
    (2, 2)
    """

    _parameter_constraints: dict = {"pipeline": [Pipeline]}

    def __init__(self, pipeline):
        self.pipeline = pipeline

    def trainer(self, X, n_experts, weights, designs):
        """Return the last gate at work on the transformed rows."""
        return self._trainer(X, "trainer", n_experts, weights, designs)

    def cross_fitted_trainer(self, X, n_experts, weights, designs, folds, n_jobs=None):
        """Return the last gate at work, known by its out-of-fold probabilities.

        The transformers see all rows.
        """
        parts = n_experts, weights, designs, folds, n_jobs
        return self._trainer(X, "cross_fitted_trainer", *parts)

    @property
    def is_cross_fitted(self):
        """True if EM knew the last gate by its out-of-fold probabilities only."""
        return hasattr(self, "pipeline_") and self.pipeline_[-1].is_cross_fitted

    def _trainer(self, X, kind, *parts):
        self._validate_params()
        pipeline = clone(self.pipeline)
        transformers = pipeline[:-1]
        transformed = transformers.fit_transform(X) if len(transformers.steps) else X
        transformed = check_array(transformed, accept_sparse="csr", dtype=FLOATS)
        last = getattr(pipeline.steps[-1][1], kind)(transformed, *parts)
        return PipelineTrainer(self, pipeline, last)

    def _check_fit_input(self, X):
        return X

    def count_parameters(self):
        """Free parameters of the last gate."""
        return self.pipeline_[-1].count_parameters()

    def predict_log_proba(self, X):
        """Log probabilities of the experts.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            Rows to gate, as the first transformer takes them.

        Returns
        -------
        ndarray of shape (n_samples, n_experts)
            Natural logarithms.
        """
        check_is_fitted(self)
        transformers = self.pipeline_[:-1]
        transformed = transformers.transform(X) if len(transformers.steps) else X
        return self.pipeline_[-1].predict_log_proba(transformed)

    def select(self, experts):
        """Return the fitted gate of some of the experts, renormalised.

        Parameters
        ----------
        experts : array-like of int
            Indices of the experts kept, in their new order.

        Returns
        -------
        PipelineGate
            The same transformers before the last gate's selection.

        Raises
        ------
        ValueError
            If `experts` are not distinct indices of experts.
        """
        check_is_fitted(self)
        return self._ending_in(self.pipeline_, self.pipeline_[-1].select(experts))

    def _ending_in(self, pipeline, gate):
        """The fitted gate of a fitted pipeline's transformers and a fitted last one."""
        fitted = PipelineGate(self.pipeline)
        name = pipeline.steps[-1][0]
        fitted.pipeline_ = Pipeline([*pipeline.steps[:-1], (name, gate)])
        return fitted

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        with suppress(AttributeError):  # tags are read on malformed parameters too
            tags.input_tags = self.pipeline.__sklearn_tags__().input_tags
        return tags


class PipelineTrainer(ForwardingTrainer):
    """The last gate of a Pipeline at work on what its transformers give."""

    def __init__(self, template, pipeline, last):
        super().__init__(last)
        self.template = template
        self.pipeline = pipeline

    def resume(self, fitted):
        """Take up the last step of a fitted pipeline."""
        self.inner.resume(fitted.pipeline_[-1])

    def fitted(self):
        """Return the fitted gate, transformers in front."""
        return self.template._ending_in(self.pipeline, self.inner.fitted())
