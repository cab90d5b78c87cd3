"""A few threads for kernels that cut their own work: how many, and when they are worth it.

This module must not know any vecwise type. Results come back in order, so no answer depends on the threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

SHARED_BYTES: Final = 1 << 21  # below this much data, a second worker costs more than it gives


def workers() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(work: Callable[[Any], Any], parts: Sequence[Any], size: int) -> list[Any]:
    """Do the work for every part, in order of the results; on threads when `size` bytes are worth them."""
    count = min(workers(), len(parts))
    if count < 2 or size < SHARED_BYTES:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, parts))
