"""Parts of a kernel's work on a few threads, when they are worth it.

This module must not know any vecwise type. Results come back in order, so no answer depends on the threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from vecwise.kernels.spans import workers

SHARED_BYTES: Final = 1 << 21  # below this much data, a second worker costs more than it gives


def each(work: Callable[[Any], Any], parts: Sequence[Any], size: int) -> list[Any]:
    """Do the work for every part, in order of the results; on threads when `size` bytes are worth them."""
    count = min(workers(), len(parts))
    if count < 2 or size < SHARED_BYTES:
        return [work(part) for part in parts]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, parts))
