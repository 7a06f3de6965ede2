# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""What pytest leaves out where an extra is not installed."""

from importlib.util import find_spec

# Their doctests are collected by importing them.
collect_ignore_glob = [] if find_spec("numba") else ["skmoe/kernels/numba_*.py"]
