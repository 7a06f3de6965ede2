# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Ranges over chosen rows and over all."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skmoe.numerics.ranges import ranges


@pytest.mark.parametrize("batch", [7, 50, 1000])
def test_ranges_do_not_depend_on_batches(batch):
    rng = np.random.default_rng(0)
    values, chosen = rng.normal(size=(100, 3, 2)), rng.random((100, 3)) < 0.2
    chosen[:, 2] = False
    of_chosen, of_all = ranges(values.__getitem__, chosen, batch)
    for k in (0, 1):
        mine = values[chosen[:, k], k]
        assert_array_equal(of_chosen[:, k], [mine.min(axis=0), mine.max(axis=0)])
    assert_array_equal(of_chosen[:, 2], [[np.inf] * 2, [-np.inf] * 2])
    assert_array_equal(of_all, [values.min(axis=0), values.max(axis=0)])
