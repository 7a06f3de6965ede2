# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""The peers, and one fit of one of them in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from skmoe import MixtureOfExpertsRegressor

PEERS_FOLDER = Path(__file__).parent / "peers"
ABSENT = 77  # exit status, as in peers/timing.py
ONE_CORE = {
    f"{library}_NUM_THREADS": "1"
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM")
}


@dataclass(frozen=True, eq=False)
class Peer:
    """A library: its script, its settings, and the (n, d, K) that it can do."""

    name: str
    script: str
    settings: dict[str, str]  # what the script is told, by the name in the tables
    can: Callable = lambda n, d, k: True


def own_settings():
    """skmoe with its own stopping rule and a strict one, on each engine it has."""
    engines = [""]
    if "engine" in MixtureOfExpertsRegressor().get_params():
        compiled = ["numba"] if find_spec("numba") else []
        engines = [f"engine={engine}" for engine in [*compiled, "numpy"]]
    return {
        f"{tol} {engine}".strip(): f"{tol} {engine}".strip()
        for engine in engines
        for tol in ("tol=1e-6", "tol=1e-9")
    }


SKMOE = Peer("skmoe", "fit_skmoe.py", own_settings())
PEERS = [
    SKMOE,
    Peer(
        "flexmix",
        "fit_flexmix.R",
        {"tolerance 1e-6 (default)": "1e-6", "tolerance 1e-8": "1e-8"},
    ),
    Peer("mixtools", "fit_mixtools.R", {"hmeEM": ""}, lambda n, d, k: (d, k) == (1, 2)),
    Peer(
        "MoEClust",
        "fit_moeclust.R",
        {"Aitken 1e-5 (default)": "aitken", "relative 1e-8": "relative"},
    ),
    Peer(
        "meteorits",
        "fit_meteorits.R",
        {"threshold 1e-6 (default)": "1e-6", "threshold 1e-8": "1e-8"},
        lambda n, d, k: d == 1,
    ),
    # Its E-step is a Python loop over the rows.
    Peer(
        "cgmm",
        "fit_cgmm.py",
        {"as released": "released", "gate repaired": "repaired"},
        lambda n, d, k: n <= 2_000,
    ),
    Peer("gmr", "fit_gmr.py", {"joint Gaussians": ""}, lambda n, d, k: n <= 20_000),
    # Its prediction is a Python loop over the rows.
    Peer("smt", "fit_smt.py", {"clusters, LS": ""}, lambda n, d, k: n <= 20_000),
]
OTHER_MODELS = ("gmr", "smt")  # their likelihood, if any, is not the peers'


class Runner:
    """Runs peers, each fit for at most `limit` seconds.

    Parameters
    ----------
    folder : Path
        Where the data of the fit at hand lie.
    python : str
        The interpreter of the Python peers, which may need an environment of their own.
    limit : float
        Seconds, of one process: all repeats and reading the data included.
    """

    def __init__(self, folder, python=sys.executable, limit=150.0):
        self.data = Path(folder) / "data.bin"
        self.python = python
        self.limit = limit

    def version(self, peer):
        """The version installed; None if it is not."""
        command = self._command(peer)
        if shutil.which(command[0]) is None:
            return None
        finished = _run([*command, "version"], None)
        if finished.returncode == ABSENT:
            return None
        finished.check_returncode()
        return finished.stdout.strip()

    def fit(self, peer, setting, case, start):
        """Results of a fit as a dict; "failure" says why there are none."""
        case.write(self.data, start)
        words = [str(self.data), *map(str, case.shape), setting]
        try:
            finished = _run([*self._command(peer), *words], self.limit)
        except subprocess.TimeoutExpired:
            return {"failure": f"cut off at {self.limit:.0f} s"}
        if finished.returncode:
            print(finished.stderr, file=sys.stderr)
            return {"failure": f"failed: {_reason(finished.stderr)}"}
        return json.loads(finished.stdout.strip().splitlines()[-1])

    def _command(self, peer):
        if peer.script.endswith(".R"):
            return ["Rscript", "--vanilla", peer.script]
        return [sys.executable if peer is SKMOE else self.python, peer.script]


def _reason(stderr):
    """The line of an error message that says most, in Python's and in R's."""
    asides = ("Calls:", "Execution halted")
    lines = [line.strip() for line in stderr.splitlines()]
    lines = [line for line in lines if line and not line.startswith(asides)]
    return lines[-1][:80] if lines else "no message"


def _run(command, limit):
    return subprocess.run(
        command,
        cwd=PEERS_FOLDER,
        env={**os.environ, **ONE_CORE},
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
