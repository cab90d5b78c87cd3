"""The compiled kernel of scatters: sums of columns and of triangles, in one pass each.

This module must not know any vecwise type. Where the library was not compiled on installing, or `VECWISE_NATIVE=0` is
set, NumPy gives the same bits.
"""

from __future__ import annotations

from ctypes import c_int64, c_void_p
from typing import Final

import numpy as np

from vecwise.kernels.native import address, bound

_SIGNATURES: Final = {
    "vecwise_column_sums": (c_void_p, c_int64, c_int64, c_void_p),
    "vecwise_add_upper": (c_void_p, c_int64, c_void_p),
}
library = bound(_SIGNATURES, dict.fromkeys(_SIGNATURES))


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
