# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Every Python example in the pages of docs/ is run."""

import doctest
from pathlib import Path

import pytest

PAGES = sorted((Path(__file__).parent.parent / "docs").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_of_the_page(page):
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failures, _ = doctest.testfile(str(page), module_relative=False, optionflags=flags)
    assert failures == 0
