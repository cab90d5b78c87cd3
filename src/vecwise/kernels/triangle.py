"""Products of a matrix with itself, of which only one triangle is computed, while other threads go on.

This module must not know any vecwise type. SciPy's own wrappers of these routines hold the interpreter, so that two
threads take turns; the addresses that it gives to Cython are called instead, which is what they are for.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np

_ROUTINES: Final = {
    np.dtype(np.float32): ("ssyrk", ctypes.c_float),
    np.dtype(np.float64): ("dsyrk", ctypes.c_double),
}


def load() -> None:
    """Load SciPy's BLAS, where it is not loaded yet."""
    for dtype in _ROUTINES:
        _routine(dtype)


def add_product(rows: np.ndarray, upper: np.ndarray, keep: float, *, times: float = 1.0) -> None:
    """Set the upper triangle of `upper` to `keep` times itself plus `times` rowsᵀ · rows; the lower one stays zero.

    `rows` `(n, dim)` is C-ordered, `upper` `(dim, dim)` Fortran-ordered, both float32 or both float64. What
    `upper` held is not read where `keep` is 0.
    """
    assert rows.flags.c_contiguous and upper.flags.f_contiguous  # noqa: S101, PT018  BLAS reads bare addresses
    assert rows.dtype == upper.dtype and upper.shape == (rows.shape[1],) * 2  # noqa: S101, PT018
    call = _routine(rows.dtype)
    if call is None:
        product = np.triu(rows.T @ rows) * rows.dtype.type(times)
        upper[...] = product if keep == 0 else upper * rows.dtype.type(keep) + product
    elif len(rows):
        call(rows, upper, keep, times)


@cache
def _routine(dtype: np.dtype[Any]) -> Callable[[np.ndarray, np.ndarray, float, float], None] | None:
    """The routine of SciPy's BLAS, or None where its arguments are not those that are known here."""
    from scipy.linalg import cython_blas

    name, number = _ROUTINES[dtype]
    capsule = getattr(cython_blas, "__pyx_capi__", {}).get(name)
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
    if capsule is None:
        return None
    signature = api.PyCapsule_GetName(capsule)
    kinds = [part.split()[0] for part in signature.partition(b"(")[2].split(b",")]
    if len(kinds) != 10 or [*kinds[:4], kinds[6], kinds[9]] != [b"char"] * 2 + [b"int"] * 4:
        return None
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 10)(api.PyCapsule_GetPointer(capsule, signature))

    def syrk(rows: np.ndarray, upper: np.ndarray, keep: float, times: float) -> None:
        count, dim = (ctypes.c_int(size) for size in rows.shape)
        alpha, beta = number(times), number(keep)
        cells, made = rows.ctypes.data, upper.ctypes.data
        at = ctypes.byref
        call(_char(b"U"), _char(b"N"), at(dim), at(count), at(alpha), cells, at(dim), at(beta), made, at(dim))

    return syrk


def _char(letter: bytes) -> Any:
    return ctypes.byref(ctypes.c_char(letter))
