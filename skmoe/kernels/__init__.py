# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The hot loops, twice: `numpy_kernels` is the specification, `numba_kernels` its twin.

Arrays have the rows last in memory: what K experts have for n rows is (K, n), so that
every loop runs along contiguous rows whatever K is. Kernels take and return plain
arrays and never modify what they are given.
"""

from importlib import import_module
from importlib.util import find_spec

#: Names that both modules have, with equal signatures.
KERNELS = (
    "softmax",
    "normal_log_density",
    "posterior",
    "softmax_curvature",
    "weighted_grams",
    "csr_weighted_grams",
)

#: Whole passes of EM, by the kernels of gate and experts: module and function.
PASSES = {("softmax", "normal"): ("skmoe.kernels.numba_pass", "normal_softmax_pass")}

# Rows times experts from which compiled loops win back what loading or compiling them
# costs (docs/benchmarks.md).
AUTO_SIZE = 2_000_000


def compiled_pass(gate, experts):
    """Return the compiled pass for the kernels of gate and experts, or None.

    It needs numba, which is there if the kernels in use are compiled.
    """
    if (gate, experts) not in PASSES:
        return None
    module, function = PASSES[gate, experts]
    return getattr(import_module(module), function)


def get_kernels(engine="numpy", size=0):
    """Return the module of kernels for an engine.

    Parameters
    ----------
    engine : {'auto', 'numpy', 'numba'}, default='numpy'
        'auto': numba where it is installed and the problem is large enough to pay for
        its compilation.
    size : int, default=0
        Rows times experts of the problem.

    Raises
    ------
    ImportError
        If numba is asked for and not installed.
    """
    if engine == "auto":
        large = size >= AUTO_SIZE and find_spec("numba") is not None
        engine = "numba" if large else "numpy"
    if engine == "numpy":
        return import_module("skmoe.kernels.numpy_kernels")
    try:
        return import_module("skmoe.kernels.numba_kernels")
    except ImportError as error:
        raise ImportError(
            "engine='numba' needs numba, which cannot be imported here. Install it "
            "(pip install numba), or use engine='auto' or engine='numpy'."
        ) from error
