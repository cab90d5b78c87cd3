"""The compiled kernel of scatters: sums of columns, and what a block adds to a triangle.

This module must not know any vecwise type. Where the library was not compiled on installing, or `VECWISE_NATIVE=0` is
set, NumPy gives the same sums to the bit; a triangle is then a product by BLAS, within the same bound.
"""

from __future__ import annotations

from ctypes import c_int64, c_void_p
from typing import Final

import numpy as np

from vecwise.kernels.native import address, bound, on_a_line

_SIGNATURES: Final = {
    "vecwise_column_sums": (c_void_p, c_int64, c_int64, c_void_p),
    "vecwise_add_upper": (c_void_p, c_int64, c_void_p),
}
_ADD_TRIANGLE: Final = {
    "vecwise_add_triangle": (c_void_p, c_int64, c_int64, c_void_p, c_void_p, c_int64, c_void_p)
}
_PANEL: Final = 16  # columns that lie side by side once they are packed
library = bound(_SIGNATURES | _ADD_TRIANGLE, dict.fromkeys(_SIGNATURES))


def column_sums(block: np.ndarray) -> np.ndarray:
    """Give the sums of columns `(dim,)` in float64, added row after row."""
    native = library()
    if native is None or block.dtype != np.float32 or not block.flags.c_contiguous:
        return np.asarray(np.add.reduce(block, axis=0, dtype=np.float64))
    sums = np.zeros(block.shape[1])
    native.vecwise_column_sums(address(block), *block.shape, address(sums))
    return sums


def add_upper(product: np.ndarray, total: np.ndarray) -> None:
    """Add a float32 triangle to a float64 one, in place; both `(dim, dim)` in Fortran order, zero below."""
    native = library()
    if native is None:
        total += product
        return
    assert product.dtype == np.float32 and total.dtype == np.float64  # noqa: S101, PT018  it reads no other
    assert product.shape == total.shape == (len(total),) * 2  # noqa: S101
    native.vecwise_add_upper(address(product.T), len(total), address(total.T))


def room_for(rows: int, dim: int) -> np.ndarray:
    """Give what `add_centered` needs to work in, for blocks of up to so many rows."""
    return on_a_line(((rows + 1) * -(-dim // _PANEL) * _PANEL,), np.float32)


def add_centered(block: np.ndarray, shift: np.ndarray, room: np.ndarray, total: np.ndarray) -> bool:
    """Add the triangle of the products of a float32 block, less a shift `(dim,)`, to a float64 one in Fortran order.

    Each cell is one sum in float32 over the rows, in their order. False, and nothing is done, where the library
    is not there or the processor has no registers for it.
    """
    native = library()
    if native is None or not block.flags.c_contiguous or not block.flags.aligned:
        return False
    assert block.dtype == shift.dtype == room.dtype == np.float32 and total.dtype == np.float64  # noqa: S101, PT018
    assert shift.shape == block.shape[1:] and total.shape == shift.shape * 2 and total.flags.f_contiguous  # noqa: S101, PT018
    where = (address(shift), address(room), room.size, address(total.T))
    return int(native.vecwise_add_triangle(address(block), *block.shape, *where)) == 1
