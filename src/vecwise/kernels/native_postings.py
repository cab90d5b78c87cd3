"""The compiled kernel of searching sparse rows: its functions on CSR cells.

This module must not know any vecwise type. Without the library, `sparse_search.py` takes its way through NumPy and
SciPy, and gets the same bits.
"""

from __future__ import annotations

from ctypes import c_int, c_int64, c_void_p
from typing import Any, Final, NamedTuple, Self

import numpy as np

from vecwise.kernels.native import address, bound, checked

_CELLS: Final = (c_void_p, c_void_p, c_void_p, c_int64, c_int64)
_SIGNATURES: Final = {
    "vecwise_by_columns": (
        *_CELLS,
        c_void_p,
        c_void_p,
        c_int64,
        c_int64,
        *(c_void_p,) * 3,
        c_int64,
        c_void_p,
        c_void_p,
    ),
    "vecwise_sparse_products": (
        *(*_CELLS, c_void_p, c_int64, *(c_void_p,) * 4),
        *(c_int64, c_int64, c_void_p, c_void_p, c_void_p),
    ),
    "vecwise_sparse_squares": (*_CELLS, c_void_p),
    "vecwise_sparse_dots": (*_CELLS, *_CELLS, c_void_p, c_void_p, c_int64, c_int, c_void_p),
}

COMMON: Final = 16  # as `native_postings.c` says

library = bound(_SIGNATURES)


class Cells(NamedTuple):
    """Sparse rows as three arrays: where each row's cells begin (int64), their columns (int32), their values."""

    starts: np.ndarray
    columns: np.ndarray
    data: np.ndarray

    @classmethod
    def of(cls, rows: Any) -> Self:
        """Give the cells of a canonical CSR array, values in float64; no copy where they are that."""
        return cls(
            np.ascontiguousarray(rows.indptr, np.int64),
            np.ascontiguousarray(rows.indices, np.int32),
            np.ascontiguousarray(rows.data, np.float64),
        )

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.starts) - 1

    def listed(self) -> tuple[int, int, int, int, int]:
        """Give the arguments of the library."""
        return address(self.starts), address(self.columns), address(self.data), self.rows, len(self.columns)


class Postings:
    """The cells of sparse rows by column, of the columns that queries have; `lengths` divides the rows."""

    def __init__(self, rows: Cells, lengths: np.ndarray, asked: Cells, width: int) -> None:
        marked = np.zeros(width, bool)
        marked[asked.columns] = True
        terms = np.flatnonzero(marked)
        slots = np.full(width, -1, np.int32)
        slots[terms] = np.arange(len(terms))
        self._rows, self._slots = rows.rows, slots[asked.columns]
        self._ends = np.empty(len(terms), np.int64)
        self._places = np.empty(len(rows.columns), np.int32)
        self._weights = np.empty(len(rows.columns), np.float32)
        self._common = np.empty(len(terms), np.int32)
        most = min(len(terms), COMMON * len(rows.columns) // max(1, rows.rows))
        self._dense = np.empty((most, rows.rows), np.float32)  # memory that nothing is written to is none
        checked(
            library().vecwise_by_columns(
                *(*rows.listed(), address(lengths), address(slots), width, len(terms)),
                *(address(self._ends), address(self._places), address(self._weights)),
                *(len(self._dense), address(self._common), address(self._dense)),
            )
        )

    def products(
        self, starts: np.ndarray, data: np.ndarray, k: int, out: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Write the products of the queries that begin at `starts`, whose cells hold `data` (float32).

        With a `k`, rows that share no column with a query are NaN: give the first k of them as pairs of a query and
        a place.
        """
        count = len(starts) - 1
        bare, counts = np.empty((count, k), np.int64), np.zeros(count, np.int64)
        checked(
            library().vecwise_sparse_products(
                *(address(starts), address(self._slots), address(data), count, len(data)),
                *(address(self._ends), len(self._ends), address(self._places), address(self._weights)),
                *(address(self._common), address(self._dense)),
                *(self._rows, k, address(out), address(bare), address(counts)),
            )
        )
        there = np.arange(k) < counts[:, None]
        return np.nonzero(there)[0], bare[there]


def sparse_squares(rows: Cells) -> np.ndarray:
    """Give the inner product of each row with itself, added up as in the norms of dense rows."""
    made = np.empty(rows.rows)
    checked(library().vecwise_sparse_squares(*rows.listed(), address(made)))
    return made


def sparse_dots(a: Cells, b: Cells, left: np.ndarray, right: np.ndarray, *, apart: bool) -> np.ndarray:
    """Give the inner product of row `left[i]` of a and `right[i]` of b, or with `apart` their squared distance."""
    made = np.empty(len(left))
    checked(
        library().vecwise_sparse_dots(
            *(*a.listed(), *b.listed(), address(left), address(right), len(left), apart, address(made))
        )
    )
    return made
