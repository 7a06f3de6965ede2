# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Pure functions of arrays: softmax, least squares, routing, batches of rows."""
