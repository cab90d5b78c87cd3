"""Many rows as spans of rows, on all cores: for work in which no row depends on another.

This module must not know any vecwise type. Which thread did a span never shows in the result.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_WORTH_A_THREAD = 1 << 23  # bytes: below this, starting threads costs more than they save
_SPANS_A_CORE = 4


def workers() -> int:
    """Count the cores this process may use, which in a container is fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_spans(work: Callable[[slice], object], rows: int, row_bytes: int) -> None:
    """Call `work` on slices that cover all rows: some a core where there is enough to do, otherwise one in all.

    A core that is held up by other work takes fewer of them. Errors of `work` reach the caller.
    """
    count = min(_SPANS_A_CORE * workers(), max(1, rows * row_bytes // _WORTH_A_THREAD))
    in_spans(work, rows, -(-rows // count) if rows else 1)


def in_spans(work: Callable[[slice], object], rows: int, size: int) -> None:
    """Call `work` on slices of `size` rows, several at a time; errors of `work` reach the caller."""
    spans = [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
    if min(len(spans), workers()) < 2:
        for span in spans:
            work(span)
        return
    with ThreadPoolExecutor(min(len(spans), workers())) as pool:
        for _ in pool.map(work, spans):
            pass
