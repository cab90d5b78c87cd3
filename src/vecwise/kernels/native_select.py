"""The compiled kernel of searching: candidates of tiles of scores, and their exact scores.

This module must not know any vecwise type. Without the library, `searching.py` takes its way through NumPy and gets
the same bits.
"""

from __future__ import annotations

from ctypes import c_int, c_int64, c_void_p
from typing import Final

import numpy as np

from vecwise.kernels.native import address, bound, checked

_SIGNATURES: Final = {
    "vecwise_select": (
        *(c_void_p, c_int64, c_int64, c_int64, c_void_p, c_void_p, c_int64),
        *(c_int64, c_int64, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p),
    ),
    "vecwise_compact": (c_int64, c_int64, c_int64, *(c_void_p,) * 5),
    **dict.fromkeys(
        ("vecwise_dots_single", "vecwise_dots_double"),
        (c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_int64, c_int64, c_int64, c_int, c_void_p),
    ),
    **dict.fromkeys(
        ("vecwise_dots_single_all", "vecwise_dots_double_all"),
        (c_void_p, c_void_p, c_int64, c_int64, c_int, c_void_p),
    ),
    "vecwise_as_bytes": (c_void_p, c_int64, c_int64, c_int64, *(c_void_p,) * 4),
    "vecwise_best": (c_void_p, c_int64, c_int64, c_void_p, c_void_p),
}

library = bound(_SIGNATURES)


class Candidates:
    """The rows of each query that may be among its k best: `room` places a query, larger scores first in line.

    `slack` (float32, a query each) is twice what a score may be off, and scores below `least` are left out. A
    query with more candidates than room is `lost`: whoever asks looks at all rows for it.
    """

    def __init__(self, k: int, room: int, slack: np.ndarray, least: np.ndarray) -> None:
        queries = len(slack)
        self.k, self.room, self.slack = k, room, np.ascontiguousarray(slack, np.float32)
        self.threshold = np.array(least, np.float32)
        self.scores = np.empty((queries, room), np.float32)
        self.places = np.empty((queries, room), np.int32)
        self.held = np.zeros(queries, np.int64)

    def look(
        self, tile: np.ndarray, first: int, scale: np.ndarray | None = None, shift: np.ndarray | None = None
    ) -> None:
        """Look at scores `(queries, columns)` of the rows from `first` on: `tile * scale + shift`."""
        stride = tile.strides[0] // 4
        parts = [None if part is None else address(part) for part in (scale, shift)]
        checked(
            library().vecwise_select(
                *(
                    tile.ctypes.data,
                    *tile.shape,
                    stride,
                    *parts,
                    first,
                    self.k,
                    self.room,
                    address(self.slack),
                ),
                *(address(self.threshold), address(self.scores), address(self.places), address(self.held)),
            )
        )

    def found(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give candidates as pairs of a query and a place, by query, and the queries that are lost."""
        checked(
            library().vecwise_compact(
                *(len(self.held), self.k, self.room, address(self.slack), address(self.threshold)),
                *(address(self.scores), address(self.places), address(self.held)),
            )
        )
        lost = self.held > self.room
        held = np.where(lost, 0, self.held)
        query = np.repeat(np.arange(len(held)), held)
        at = np.arange(len(query)) - np.repeat(np.cumsum(held) - held, held)
        return query, self.places[query, at].astype(np.int64), np.flatnonzero(lost)


def exact_dots(
    A: np.ndarray, B: np.ndarray, left: np.ndarray, right: np.ndarray, *, apart: bool
) -> np.ndarray:
    """Give the inner product of row `left[i]` of A and `right[i]` of B, or with `apart` their squared distance."""
    made = np.empty(len(left))
    name = "vecwise_dots_single" if A.dtype == np.float32 else "vecwise_dots_double"
    checked(
        getattr(library(), name)(
            *(address(A), address(B), A.shape[1], address(left), address(right)),
            *(len(left), len(A), len(B), apart, address(made)),
        )
    )
    return made


def dots_with_all(query: np.ndarray, rows: np.ndarray, *, apart: bool) -> np.ndarray:
    """Give what `exact_dots` gives for one query, `(dim,)`, and every row, to the same bits."""
    made = np.empty(len(rows))
    name = "vecwise_dots_single_all" if rows.dtype == np.float32 else "vecwise_dots_double_all"
    checked(getattr(library(), name)(address(query), address(rows), *rows.shape, apart, address(made)))
    return made


def best_of(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the k best of float64 scores and their places, ties by place, without those that are NaN."""
    best, places = np.empty(k), np.empty(k, np.int64)
    held = checked(library().vecwise_best(address(scores), len(scores), k, address(best), address(places)))
    return best[:held], places[:held]


def as_bytes(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give float32 rows as int8 `(rows, 4 n)`, the scale of each, what each lost in length, and 128 times its sum."""
    count, dim = values.shape
    rows = np.zeros((count, -(-dim // 4) * 4), np.int8)
    scales, lost, surplus = np.empty(count, np.float32), np.empty(count), np.empty(count, np.int32)
    checked(
        library().vecwise_as_bytes(
            *(address(values), count, dim, rows.shape[1]),
            *(address(rows), address(scales), address(lost), address(surplus)),
        )
    )
    return rows, scales, lost, surplus
