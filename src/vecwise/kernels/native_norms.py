"""The compiled kernel of norms: its functions on NumPy arrays.

This module must not know any vecwise type. Where the library was not compiled on installing, or `VECWISE_NATIVE=0` is
set, callers take their way through NumPy and get the same bits.
"""

from __future__ import annotations

from ctypes import c_int, c_int64, c_void_p
from typing import Any, Final

import numpy as np

from vecwise.kernels.native import address, bound

_ROWS: Final = (c_void_p, c_int, c_int64, c_void_p, c_int64, c_int64)  # cells and where rows begin
_SIGNATURES: Final = {
    "vecwise_row_norms": (*_ROWS, c_void_p, c_void_p, c_void_p),
    "vecwise_unit_rows": (*_ROWS, c_int, c_void_p, c_void_p),
    "vecwise_oddities": (c_void_p, c_int, c_int64),
}
_PLACES: Final = {1.0: 0, 2.0: 1, np.inf: 2}  # of a norm among the arguments
_ORDERS: Final = {1.0: 1, 2.0: 2, np.inf: 0}

library = bound(_SIGNATURES)


def _rows(cells: np.ndarray, starts: np.ndarray | None) -> tuple[Any, ...]:
    """Rows of a matrix, or of a CSR matrix's cells that begin at `starts` (int64)."""
    assert cells.dtype in (np.float32, np.float64)  # noqa: S101  the library reads no other
    wide = cells.dtype == np.float64
    if starts is None:
        return address(cells), wide, cells.size, None, cells.shape[0], cells.shape[1]
    return address(cells), wide, cells.size, address(starts), len(starts) - 1, 0


def _checked(answer: int) -> None:
    if answer < 0:
        raise ValueError("A sparse matrix has rows that do not lie within its cells.")


def row_norms(cells: np.ndarray, starts: np.ndarray | None, norms: dict[float, np.ndarray]) -> None:
    """Write the norms of rows in one pass; `norms` holds a float64 array for each order: 1, 2 or infinity."""
    answers: list[int | None] = [None, None, None]
    for order, array in norms.items():
        answers[_PLACES[order]] = address(array)
    _checked(library().vecwise_row_norms(*_rows(cells, starts), *answers))


def unit_rows(
    cells: np.ndarray, starts: np.ndarray | None, order: float, made: np.ndarray, some: np.ndarray
) -> None:
    """Write rows divided by their norm of order 1, 2 or infinity, and whether they have one (bool)."""
    where = (address(made), address(some))
    _checked(library().vecwise_unit_rows(*_rows(cells, starts), _ORDERS[order], *where))


def oddities(cells: np.ndarray) -> tuple[bool, bool]:
    """Give whether a cell is NaN or infinite, and whether one is below zero."""
    found = library().vecwise_oddities(address(cells), cells.dtype == np.float64, cells.size)
    return bool(found & 1), bool(found & 2)
