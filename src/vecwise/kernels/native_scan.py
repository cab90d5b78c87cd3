"""The compiled scan over one-byte rows: its one function on NumPy arrays.

This module must not know any vecwise type, nor what the numbers stand for; `scan.py` proves the bounds.
"""

from __future__ import annotations

from ctypes import c_double, c_int64, c_void_p
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.kernels.native import address, bound

LANES: Final = 64  # rows are padded to a multiple of so many coordinates
MOST_WHOLE: Final = 16_319  # 127 * 128 + 63: what a query's numbers reach
_SIGNATURES: Final[dict[str, tuple[Any, ...]]] = {
    "vecwise_scan": (
        *(c_void_p, c_int64, c_int64, c_void_p, c_void_p, c_void_p, c_void_p),  # the rows
        *(c_void_p, c_void_p, c_void_p, c_double, c_double, c_double, c_int64),  # the query
        *(c_int64, c_void_p, c_void_p, c_void_p),  # the answers
    ),
    "vecwise_scan_write": (c_void_p, c_int64, c_int64, c_int64, c_void_p, c_void_p, c_void_p),
}

library = bound(_SIGNATURES)


class Rows(NamedTuple):
    """Rows as whole numbers 128 above what they are, `(rows, width)`, and what a row's score is made with."""

    codes: np.ndarray
    scales: np.ndarray
    radii: np.ndarray
    offsets: np.ndarray | None

    def part(self, span: slice) -> Rows:
        """Give some rows, without a copy."""
        return Rows(*(None if array is None else array[span] for array in self))  # type: ignore[arg-type]


class Question(NamedTuple):
    """A query as whole numbers, and how scores and their errors are made of products with it."""

    whole: np.ndarray
    factor: float
    reach: float
    rounding: float


def write(rows: np.ndarray, codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Write float64 rows as codes and scales; give the squares of rows, of what was written and of what is left.

    The three are sums over a row, `(rows, 3)`.
    """
    sums = np.empty((len(rows), 3))
    made = library().vecwise_scan_write(
        *(address(rows), *rows.shape, codes.shape[1], address(codes), address(scales), address(sums))
    )
    if made < 0:
        raise ValueError(f"Rows of {rows.shape[1]} coordinates cannot be written in {codes.shape[1]} bytes.")
    return sums


def scan(
    rows: Rows, question: Question, allowed: np.ndarray | None, k: int, *, portable: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the rows that could be among the k best, the most that each could score, and the k best least scores.

    A row's score lies within `reach * radius + rounding` of `factor * scale * (code . whole) + offset`. `portable`
    takes the way of processors without AVX-512 VNNI, which gives the same bits.
    """
    count, width = rows.codes.shape
    high = ((question.whole + 64) >> 7).astype(np.int8)
    low = (question.whole - 128 * high.astype(np.int16)).astype(np.int8)
    heap, places, most = np.full(k, -np.inf), np.empty(count, np.int64), np.empty(count)
    found = library().vecwise_scan(
        *(address(rows.codes), count, width, address(rows.scales), address(rows.radii)),
        None if rows.offsets is None else address(rows.offsets),
        None if allowed is None else address(allowed),
        *(address(question.whole), address(high), address(low)),
        *(question.factor, question.reach, question.rounding, portable, k),
        *(address(heap), address(places), address(most)),
    )
    if found < 0:
        raise ValueError(f"Rows of {width} coordinates cannot be scanned for the {k} best.")
    return places[:found], most[:found], heap
