# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""skmoe against other libraries: the same data, the same start, one core.

    python benchmarks/versus [--quick] [--only TEXT] [--time-limit SECONDS]
                             [--python PYTHON] [--output FOLDER]

Writes docs/versus.md and docs/figures/versus.png. Peers that are not installed are
skipped, and named. The R ones are Debian's r-cran-flexmix and r-cran-mixtools, and
MoEClust and meteorits of CRAN; the Python ones are cgmm, gmr and smt of PyPI, perhaps
in an environment of their own (--python).
"""

import argparse
import sys
import tempfile
from pathlib import Path

from cases import SHAPES, SIZES, real, simulated
from report import write_report
from run import PEERS, SKMOE, Runner

from skmoe.datasets import load_bike_sharing, load_concrete, load_penguins


def arguments():
    parser = argparse.ArgumentParser(prog="python benchmarks/versus")
    parser.add_argument("--quick", action="store_true", help="only up to 1,030 rows")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--time-limit", type=float, default=150.0, help="s per process")
    parser.add_argument("--python", default=sys.executable, help="of the Python peers")
    docs = Path(__file__).resolve().parents[2] / "docs"
    parser.add_argument("--output", type=Path, default=docs, help="folder to write to")
    return parser.parse_args()


def cases(quick, only):
    """All cases, made when they are needed."""
    for n in SIZES:
        for d, k in SHAPES:
            if only in f"n={n:,} d={d} K={k}" and not (quick and n > 1_000):
                yield simulated(n, d, k)
    for load, k in ((load_penguins, 2), (load_concrete, 3), (load_bike_sharing, 2)):
        if quick and load is load_bike_sharing:
            continue
        case = real(load, k)
        if only in case.name:
            yield case


def reference(runner, case):
    """The maximum next to the truth (real data: next to the start), to all digits."""
    start = case.start if case.true_start is None else case.true_start
    return runner.fit(SKMOE, "tol=1e-12", case, start)["log_likelihood"]


def compare(runner, case, peers):
    """One result per peer and setting, with the names that the tables give them."""
    results = []
    maximum = reference(runner, case)
    for peer in peers:
        if not peer.can(*case.shape):
            continue
        for label, setting in peer.settings.items():
            result = runner.fit(peer, setting, case, case.start)
            result |= {"case": case.name, "peer": peer.name, "setting": label}
            results.append(result | {"reference": maximum})
            spoken = result.get("failure") or f"{result['seconds']:.3g} s"
            print(f"{case.name}: {peer.name}, {label}: {spoken}", flush=True)
            if "failure" in result:
                break  # stricter settings come after, and take longer
    return results


def main():
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(folder, options.python, options.time_limit)
        versions = {peer: runner.version(peer) for peer in PEERS}
        for peer, version in versions.items():
            print(peer.name, version or "is not installed: skipped", flush=True)
        peers = [peer for peer, version in versions.items() if version]
        results = []
        for case in cases(options.quick, options.only):
            results += compare(runner, case, peers)
    write_report(options, versions, results)


if __name__ == "__main__":
    main()
