# Authors: The skmoe developers
# SPDX-License-Identifier: BSD-3-Clause
"""Threads of the BLAS library, kept to one where products are small."""

from contextlib import ExitStack
from threading import Lock

from threadpoolctl import ThreadpoolController


class OneBlasThread:
    """Context in which BLAS has one thread, for all threads of the process.

    The products of a block are too small to share: threads of BLAS would wait for one
    another (up to three times the time on a quiet machine, forty times on a busy one).
    The limit is the process's, so of fits that overlap in several threads the first one
    sets it and the last one lifts it.
    """

    def __init__(self):
        self.lock = Lock()
        self.n_inside = 0
        self.controller = None
        self.limit = ExitStack()

    def __enter__(self):
        with self.lock:
            if self.controller is None:  # to find the libraries takes milliseconds
                self.controller = ThreadpoolController()
            if self.n_inside == 0:
                one = self.controller.limit(limits=1, user_api="blas")
                self.limit.enter_context(one)
            self.n_inside += 1

    def __exit__(self, *exception):
        with self.lock:
            self.n_inside -= 1
            if self.n_inside == 0:
                self.limit.close()


one_blas_thread = OneBlasThread()
