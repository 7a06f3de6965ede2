# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Compile every loop, so that a benchmark does not time the compiler."""

import numpy as np

from skmoe.kernels.numba_kernels import (
    csr_weighted_grams,
    normal_log_density,
    posterior,
    softmax,
    softmax_curvature,
    weighted_grams,
)
from skmoe.kernels.numba_pass import normal_softmax_pass
from skmoe.kernels.numba_routing import best_linear


def compile_all():
    """Compile all kernels, or load them from the cache, by a tiny call of each."""
    ones = np.ones((2, 2))
    softmax(ones[None])
    normal_log_density(ones, ones[None], ones[:1])
    posterior(ones, ones, ones[0])
    softmax_curvature(ones[None], ones[:1])
    weighted_grams(ones, ones)
    csr_weighted_grams(ones[0, :1], np.zeros(1, int), np.array([0, 1, 1]), 2, ones)
    best_linear(ones, ones, ones, ones[0], ones, ones[0])
    one, column = ones[0, :1], ones[:, :1]
    experts = column, ones, column
    normal_softmax_pass(column, ones[0], one, one, (ones[:1], True), experts)
