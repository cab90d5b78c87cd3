"""Arrays that lie in a mapped file: pages that were read are given back, so that a pass needs little memory.

This module must not know any vecwise type. Only files mapped for reading are touched: their pages come back from the
file, whoever asks for them again.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

_PICKED: Final = 64  # rows
BEHIND: Final = 1 << 25  # bytes behind the reader that stay: other threads may still be at work there


def passed(values: Any, starts: range) -> Iterator[int]:
    """Give the row numbers of `starts` one by one; mapped rows far behind the one given leave memory.

    `values` is a matrix; one that is not mapped for reading is left alone. After the last row everything leaves.
    """
    file = _file(values) if hasattr(mmap, "MADV_DONTNEED") else None
    if file is None:
        yield from starts
        return
    begin = values.ctypes.data - np.frombuffer(file, np.uint8).ctypes.data
    kept = max(1, BEHIND // max(1, values.strides[0]))
    done = 0
    for start in starts:
        yield start
        upto = start - kept
        if upto - done >= kept:
            _leave(file, begin + done * values.strides[0], begin + upto * values.strides[0])
            done = upto
    _leave(file, begin + done * values.strides[0], begin + values.shape[0] * values.strides[0])


def picked(values: Any, places: np.ndarray) -> Any:
    """Give a copy of some rows; of a mapped matrix the pages leave memory as they were read, a few rows at a time.

    One row may bring two megabytes of neighbours along, where the system keeps the file in large pages.
    """
    file = _file(values) if hasattr(mmap, "MADV_DONTNEED") else None
    if file is None:
        return values[places]
    made = np.empty((len(places), values.shape[1]), values.dtype)
    for start in range(0, len(places), _PICKED):
        part = places[start : start + _PICKED]
        made[start : start + len(part)] = values[part]
        file.madvise(mmap.MADV_DONTNEED)
    return made


def slabs(values: Any) -> Iterator[Any]:
    """Give the matrix as it is, or one mapped for reading in slabs of 32 MB, which leave memory once passed."""
    if not len(values):
        return
    size = len(values) if _file(values) is None else max(1, BEHIND // max(1, values.strides[0]))
    for start in passed(values, range(0, len(values), size)):
        yield values[start : start + size]


def is_mapped(values: Any) -> bool:
    """Tell whether a dense matrix lies in a file that is mapped for reading only."""
    return _file(values) is not None


def _file(values: Any) -> mmap.mmap | None:
    """The file that a C-ordered matrix is mapped from, read-only."""
    if not isinstance(values, np.ndarray) or not values.flags.c_contiguous:
        return None
    array: Any = values
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and array.mode == "r" and array._mmap is not None:  # type: ignore[attr-defined]
            return array._mmap  # type: ignore[attr-defined]
        array = array.base
    return None


def _leave(file: mmap.mmap, begin: int, end: int) -> None:
    first = -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE
    last = end // mmap.PAGESIZE * mmap.PAGESIZE
    if last > first:
        file.madvise(mmap.MADV_DONTNEED, first, last - first)
