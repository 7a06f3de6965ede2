# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The kernels: NumPy's compute what they say, numba's compute the same."""

import importlib
import inspect
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax, logsumexp
from scipy.special import softmax as scipy_softmax
from scipy.stats import norm

from skmoe import kernels as kernels_package
from skmoe.kernels import AUTO_SIZE, KERNELS, get_kernels, numpy_kernels

needs_numba = pytest.mark.skipif(find_spec("numba") is None, reason="needs numba")
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # nan on purpose


def mixture(n_experts=3, n_samples=700, seed=0):
    """Log gate and log density (K, n) and weights (n,): more rows than a tile has."""
    rng = np.random.RandomState(seed)
    log_gate = log_softmax(rng.normal(size=(n_experts, n_samples)), axis=0)
    log_density = 3 * rng.normal(size=(n_experts, n_samples))
    return log_gate, log_density, rng.uniform(0.5, 2.0, size=n_samples)


def arguments(kernel, n_experts=3, n_columns=4, n_samples=700):
    """Arguments of a kernel as in a fit, dense columns three times the experts."""
    rng = np.random.RandomState(1)
    log_gate, log_density, weights = mixture(n_experts, n_samples)
    A = rng.normal(size=(n_columns, n_samples))
    X = sp.random(n_samples, n_columns, density=0.3, format="csr", random_state=0)
    rows = rng.uniform(size=(n_experts, n_samples))
    return {
        "softmax": (np.stack([log_density, 5 * log_density]),),
        "normal_log_density": (
            rng.normal(size=(2, n_samples)),
            rng.normal(size=(n_experts, 2, n_samples)),
            rng.uniform(0.5, 2.0, size=(n_experts, 2)),
        ),
        "posterior": (log_gate, log_density, weights),
        "softmax_curvature": (np.exp([log_gate, log_gate]), rows[[0, -1]]),
        "weighted_grams": (A, rows),
        "csr_weighted_grams": (X.data, X.indices, X.indptr, n_columns, rows),
    }[kernel]


def assert_parity(kernel, *args):
    """Both implementations agree, and neither modifies what it is given."""
    copies = [np.array(a) for a in args]
    # NumPy would compute in the precision of its input.
    single = [copy.dtype == np.float32 for copy in copies]
    doubles = [np.float64(a) if s else a for a, s in zip(args, single, strict=True)]
    results = []
    for engine, given in [("numpy", doubles), ("numba", args)]:
        result = getattr(get_kernels(engine), kernel)(*given)
        results.append(result if isinstance(result, tuple) else (result,))
    for a, copy in zip(args, copies, strict=True):
        assert_array_equal(a, copy)
    for expected, actual in zip(*results, strict=True):
        assert np.shape(actual) == np.shape(expected)
        # Sums have rounding relative to their terms, which are about one.
        assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_softmax_is_scipys(scale):
    scores = scale * np.random.RandomState(0).normal(size=(2, 3, 50))
    log_proba, proba = numpy_kernels.softmax(scores)
    assert_allclose(log_proba, log_softmax(scores, axis=1), rtol=1e-12, atol=1e-15)
    assert_allclose(proba, scipy_softmax(scores, axis=1), rtol=1e-12)


def test_normal_log_density_is_scipys():
    y, means, sigma = arguments("normal_log_density")
    log_density, residuals = numpy_kernels.normal_log_density(y, means, sigma)
    expected = norm.logpdf(y, means, sigma[:, :, None]).sum(axis=1)
    assert_allclose(log_density, expected, rtol=1e-12)
    assert_allclose(residuals, y - means)


def test_posterior_is_a_softmax_and_a_logsumexp():
    log_gate, log_density, weights = mixture()
    joint = log_gate + log_density
    responsibilities, total = numpy_kernels.posterior(log_gate, log_density, weights)
    assert_allclose(responsibilities, weights * scipy_softmax(joint, axis=0))
    assert_allclose(total, weights @ logsumexp(joint, axis=0))


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_softmax_curvature_is_that_of_the_formula(n_classes):
    proba, weights = arguments("softmax_curvature", n_classes, n_samples=20)
    pairs = np.triu_indices(n_classes - 1)
    expected = [
        [
            w * (np.diag(p) - np.outer(p, p))[pairs]
            for w, p in zip(row, P.T, strict=True)
        ]
        for row, P in zip(weights, proba, strict=True)
    ]
    expected = np.swapaxes(expected, 1, 2).reshape(-1, 20)
    assert_allclose(numpy_kernels.softmax_curvature(proba, weights), expected)


@pytest.mark.parametrize(("n_columns", "n_weights"), [(1, 1), (4, 3), (9, 2), (9, 5)])
@pytest.mark.parametrize("sparse", [False, True])
def test_weighted_grams_are_the_products_they_name(n_columns, n_weights, sparse):
    A, weights = arguments("weighted_grams", n_weights, n_columns, n_samples=30)
    if sparse:
        X = sp.csr_matrix(A.T)
        grams = numpy_kernels.csr_weighted_grams(
            X.data, X.indices, X.indptr, n_columns, weights
        )
    else:
        grams = numpy_kernels.weighted_grams(A, weights)
    upper = np.triu_indices(n_columns)
    expected = [(A @ np.diag(w) @ A.T)[upper] for w in weights]
    assert_allclose(grams, np.transpose(expected), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n_columns", [5, numpy_kernels.DENSE_COLUMNS + 1])
def test_sparse_grams_equal_dense_ones(n_columns):
    args = arguments("csr_weighted_grams", n_columns=n_columns)
    X = sp.csr_matrix(args[:3], shape=(len(args[2]) - 1, n_columns))
    expected = numpy_kernels.weighted_grams(X.T.toarray(), args[-1])
    assert_allclose(numpy_kernels.csr_weighted_grams(*args), expected, atol=1e-12)


@needs_numba
@pytest.mark.numba
@pytest.mark.parametrize("kernel", KERNELS)
def test_signatures_are_equal(kernel):
    functions = [getattr(get_kernels(e), kernel) for e in ["numpy", "numba"]]
    assert inspect.signature(functions[0]) == inspect.signature(functions[1])


@needs_numba
@pytest.mark.numba
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n_samples", [1, 512, 1300])
@pytest.mark.parametrize("n_experts", [1, 2, 5])
def test_parity_for_all_sizes(kernel, n_samples, n_experts):
    assert_parity(kernel, *arguments(kernel, n_experts, n_samples=n_samples))


@needs_numba
@pytest.mark.numba
@pytest.mark.parametrize("kernel", ["weighted_grams", "csr_weighted_grams"])
@pytest.mark.parametrize("n_columns", [1, 13, 40, 70])
def test_parity_for_all_routes_of_grams(kernel, n_columns):
    assert_parity(kernel, *arguments(kernel, 2, n_columns))
    assert_parity(kernel, *arguments(kernel, 8, n_columns))


LAYOUTS = {
    "float32": lambda a: a.astype(np.float32),
    "Fortran": np.asfortranarray,
    "read-only": lambda a: np.lib.stride_tricks.as_strided(a, writeable=False),
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "broadcast": lambda a: np.broadcast_to(a[..., :1], a.shape),
    "swapped bytes": lambda a: a.astype(a.dtype.newbyteorder()),
    "subclass": lambda a: a.view(np.memmap),
}


@needs_numba
@pytest.mark.numba
@pytest.mark.parametrize("kernel", KERNELS[:-1])
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_parity_for_all_layouts(kernel, layout):
    args = [LAYOUTS[layout](a) for a in arguments(kernel)]
    assert_parity(kernel, *args)


@needs_numba
@pytest.mark.numba
@pytest.mark.parametrize("layout", ["Fortran", "read-only", "strided", "broadcast"])
def test_parity_for_layouts_of_weights_on_sparse_rows(layout):
    *csr, weights = arguments("csr_weighted_grams")
    assert_parity("csr_weighted_grams", *csr, LAYOUTS[layout](weights))


@needs_numba
@pytest.mark.numba
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("density", [0.05, 1.0])
def test_parity_for_unsorted_and_duplicate_indices(dtype, density):
    rng = np.random.RandomState(0)
    n_samples, per_row = 50, int(70 * density)
    indices = rng.randint(70, size=n_samples * per_row).astype(dtype)
    indptr = np.arange(0, len(indices) + 1, per_row).astype(dtype)
    data, weights = rng.normal(size=len(indices)), rng.uniform(size=(2, n_samples))
    assert_parity("csr_weighted_grams", data, indices, indptr, 70, weights)


def degenerate(case):
    """`mixture` with something that fits meet."""
    log_gate, log_density, weights = mixture()
    if case == "far apart":
        log_density *= 1e5
    elif case == "dead expert":
        log_gate[1] = -np.inf
    elif case == "impossible row":
        log_density[:, 5] = -np.inf
    elif case == "unweighted rows":
        weights[::2] = 0.0
    elif case == "nan":
        log_density[1, 5] = np.nan
    elif case == "infinite density":
        log_density[1, 5] = np.inf
    elif case == "underflow":
        log_density[0] -= np.linspace(600, 800, len(weights))
    return log_gate, log_density, weights


CASES = [
    "far apart",
    "dead expert",
    "impossible row",
    "unweighted rows",
    "nan",
    "infinite density",
    "underflow",
]


@needs_numba
@pytest.mark.numba
@pytest.mark.parametrize("case", CASES)
def test_parity_of_degenerate_mixtures(case):
    log_gate, log_density, weights = degenerate(case)
    # Relative to the largest term: the likelihood of experts far apart is -1e8.
    results = [
        get_kernels(engine).posterior(log_gate, log_density, weights)
        for engine in ["numpy", "numba"]
    ]
    assert_allclose(results[1][0], results[0][0], rtol=1e-12, atol=1e-300)
    assert_allclose(results[1][1], results[0][1], rtol=1e-12)
    joint = (log_gate + log_density)[None]
    expected, actual = (
        get_kernels(engine).softmax(joint) for engine in ["numpy", "numba"]
    )
    assert_allclose(actual[0], expected[0], rtol=1e-12, atol=1e-15)
    assert_allclose(actual[1], expected[1], rtol=1e-12, atol=1e-300)


@needs_numba
@pytest.mark.numba
def test_exponential_and_logarithm_to_an_ulp():
    log_proba = -np.concatenate(
        [np.linspace(0, 708, 100_001), np.logspace(-20, 2, 10_001)]
    )
    scores = np.stack([np.zeros_like(log_proba), log_proba])
    _, (ones, proba) = (a[0] for a in get_kernels("numba").softmax(scores[None]))
    expected = np.exp(log_proba.astype(np.longdouble))
    assert_allclose(proba / ones, expected.astype(float), rtol=1e-15)
    sums = get_kernels("numba").softmax(np.zeros((1, 700, 1)))[0]
    assert_allclose(sums, -np.log(700), rtol=1e-15)


@needs_numba
@pytest.mark.numba
@pytest.mark.parametrize("sigma", [0.0, 1e-300, np.inf, np.nan])
def test_parity_of_degenerate_scales(sigma):
    y, means, scales = arguments("normal_log_density")
    y[0, 3], scales[1, 0] = means[1, 0, 3], sigma
    assert_parity("normal_log_density", y, means, scales)


@needs_numba
@pytest.mark.numba
def test_no_layout_compiles_anything_again():
    module = get_kernels("numba")
    importlib.import_module("skmoe.kernels.numba_compile").compile_all()
    jitted = {name: f for name, f in vars(module).items() if hasattr(f, "signatures")}
    before = {name: len(f.signatures) for name, f in jitted.items()}
    for kernel in KERNELS[:-1]:
        for convert in LAYOUTS.values():
            getattr(module, kernel)(*[convert(a) for a in arguments(kernel)])
    assert {name: len(f.signatures) for name, f in jitted.items()} == before


def test_auto_takes_numba_for_large_problems_only():
    assert get_kernels("auto", AUTO_SIZE - 1) is numpy_kernels
    large = "numpy" if find_spec("numba") is None else "numba"
    assert get_kernels("auto", AUTO_SIZE) is get_kernels(large)


def test_without_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "skmoe.kernels.numba_kernels", raising=False)
    monkeypatch.setattr(kernels_package, "find_spec", lambda name: None)
    assert get_kernels("auto", AUTO_SIZE) is numpy_kernels
    with pytest.raises(ImportError, match="pip install numba"):
        get_kernels("numba")


@needs_numba
@pytest.mark.numba
def test_without_a_writable_cache(monkeypatch):
    import numba

    from skmoe.kernels import numba_kernels

    def njit(function, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return numba.njit(function, **options)

    monkeypatch.setattr(numba_kernels, "njit", njit)
    assert numba_kernels._jit(lambda x: x + 1)(1) == 2


def test_importing_the_package_leaves_numba_alone():
    code = "import sys, skmoe; assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
