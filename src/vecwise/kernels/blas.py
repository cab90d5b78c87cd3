"""One thread for linear algebra, where the same bits or many workers of our own are wanted.

This module must not know any vecwise type. BLAS sums in another order with another number of threads, and
with more threads than cores it was seen many times slower.
"""

from __future__ import annotations

import sys
import threading
from typing import Any


class _OneBlasThread:
    """Holds BLAS to one thread inside a `with` block, in any number of threads at once.

    The limit belongs to the process: the first call in sets it and the last one out lifts it. If each call
    restored what it had found, two overlapping calls would leave the limit behind for good.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._controller: Any = None
        self._modules = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                if self._modules != len(sys.modules):  # SciPy brings a BLAS of its own, and may come later
                    from threadpoolctl import ThreadpoolController

                    self._controller = ThreadpoolController()
                    self._modules = len(sys.modules)
                _take_control()
                self._limit = self._controller.limit(limits=1, user_api="blas")

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                _take_control()
                self._limit.restore_original_limits()


def _take_control() -> None:
    """Let this thread set the limit: threadpoolctl lets only the thread that set one first change it.

    Its rule keeps threads from undoing each other's limits; here the count does, and the last one out need
    not be the first one in. Releases before 3.7 have no such rule.
    """
    from threadpoolctl import OpenBLASController

    release = getattr(OpenBLASController, "clear_controlling_thread", None)
    if release is not None:
        release(force=True)


one_blas_thread = _OneBlasThread()
