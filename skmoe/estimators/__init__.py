# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Other people's estimators: weighted fitting, seeds, number of parameters."""
