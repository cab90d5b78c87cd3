"""The compiled kernel of pairs: its functions on NumPy arrays and CSR matrices.

This module must not know any vecwise type. Where the library was not compiled on installing, or `VECWISE_NATIVE=0` is
set, callers take their way through NumPy, which gives distances of the same bits.
"""

from __future__ import annotations

from ctypes import c_double, c_int64, c_void_p
from typing import Any, Final

import numpy as np

from vecwise.kernels.native import address, bound, checked

KINDS: Final = {"manhattan": 0, "sqeuclidean": 1, "euclidean": 2, "chebyshev": 3, "hamming": 4, "dot": 5}
_MATRIX: Final = (c_void_p, c_int64)
_CSR: Final = (c_void_p, c_void_p, c_void_p, c_int64)
_SIGNATURES: Final = {
    "vecwise_distances": (*_MATRIX, *_MATRIX, c_int64, c_int64, c_void_p, c_int64),
    "vecwise_sparse": (*_CSR, *_CSR, c_int64, c_void_p, c_void_p, c_void_p, c_int64),
    "vecwise_clip": (c_void_p, c_int64, c_int64, c_int64, c_double),
    "vecwise_reaching_sparse": (
        *(*_CSR, *_CSR, c_void_p, c_void_p, c_int64, c_int64),
        *(c_void_p, c_void_p, c_void_p, c_int64),
    ),
    "vecwise_reaching": (
        *(c_void_p, c_int64, c_int64, c_int64, c_void_p, c_void_p, c_int64, c_int64),
        *(c_void_p, c_void_p, c_int64),
    ),
}

library = bound(_SIGNATURES)


def _rows_apart(out: np.ndarray) -> int:
    """How many cells lie between the rows of a table whose rows have their cells side by side."""
    assert out.dtype == np.float64  # noqa: S101  the library writes float64
    assert out.shape[1] < 2 or out.strides[1] == 8  # noqa: S101
    return max(out.shape[1], out.strides[0] // 8) if len(out) > 1 else out.shape[1]


def distances(a: np.ndarray, b: np.ndarray, kind: str, out: np.ndarray) -> None:
    """Write the distances of all rows of float64 matrices; `"hamming"` counts the dimensions that differ."""
    checked(
        library().vecwise_distances(
            *(address(a), len(a), address(b), len(b), a.shape[1], KINDS[kind]),
            *(out.ctypes.data, _rows_apart(out)),
        )
    )


def sparse(a: Any, b: Any, kind: str, out: np.ndarray) -> None:
    """Write the scores of all pairs of rows of canonical CSR matrices."""
    x, y = _parts(a), _parts(b)
    checked(
        library().vecwise_sparse(*x[0], *y[0], KINDS[kind], None, None, out.ctypes.data, _rows_apart(out))
    )


def sparse_listed(a: Any, b: Any, left: np.ndarray, right: np.ndarray, kind: str) -> np.ndarray:
    """Give the scores of listed pairs of rows of canonical CSR matrices."""
    out = np.empty(len(left))
    if not len(left):
        return out
    if min(left.min(), right.min()) < 0 or left.max() >= a.shape[0] or right.max() >= b.shape[0]:
        raise ValueError("The compiled kernel was given sizes or places that do not fit.")
    left, right = np.ascontiguousarray(left, np.int32), np.ascontiguousarray(right, np.int32)
    x, y = _parts(a), _parts(b)
    checked(
        library().vecwise_sparse(
            *(*x[0][:3], len(left), *y[0]),
            KINDS[kind],
            address(left),
            address(right),
            address(out),
            len(left),
        )
    )
    return out


def _parts(values: Any) -> tuple[tuple[int, int, int, int], list[np.ndarray]]:
    """The addresses of a CSR matrix as the library reads it, and the arrays that must outlive the call."""
    arrays: list[np.ndarray] = [
        np.ascontiguousarray(values.data, np.float64),
        np.ascontiguousarray(values.indices, np.int32),
        np.ascontiguousarray(values.indptr, np.int64),
    ]
    return (address(arrays[0]), address(arrays[1]), address(arrays[2]), int(values.shape[0])), arrays


def clip(scores: np.ndarray, rounding: float) -> None:
    """Bring cosines into [-1, 1] in place, and those within `rounding` of an end onto it."""
    library().vecwise_clip(scores.ctypes.data, *scores.shape, _rows_apart(scores), rounding)


def reaching(
    scores: np.ndarray, of_row: np.ndarray, of_column: np.ndarray, above: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Give the places of float32 scores of at least `of_row[i] + of_column[j]`, row by row.

    With `above`, only columns beyond the row's number plus it.
    """
    left, right = np.empty((2, scores.size), np.int32)  # pages that nothing is written to take no memory
    made = checked(
        library().vecwise_reaching(
            *(address(scores), *scores.shape, scores.shape[1], address(of_row), address(of_column)),
            *(above is not None, above or 0, address(left), address(right), scores.size),
        )
    )
    return left[:made].copy(), right[:made].copy()


def reaching_sparse(
    rows: Any, turned: Any, of_row: np.ndarray, of_column: np.ndarray, above: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Give the places of products of CSR rows with the columns of `turned` that reach the sum of their bounds."""
    x, y = _parts(rows), _parts(turned)
    shape = (rows.shape[0], turned.shape[1])
    if rows.shape[1] != turned.shape[0] or (len(of_row), len(of_column)) != shape:
        raise ValueError("The compiled kernel was given sizes or places that do not fit.")
    left, right = np.empty(
        (2, shape[0] * shape[1]), np.int32
    )  # pages that nothing is written to take no memory
    of_row, of_column, sums = (
        np.ascontiguousarray(of_row),
        np.ascontiguousarray(of_column),
        np.empty(shape[1]),
    )
    made = checked(
        library().vecwise_reaching_sparse(
            *(*x[0], *y[0][:3], shape[1], address(of_row), address(of_column)),
            *(above is not None, above or 0, address(sums), address(left), address(right), len(left)),
        )
    )
    return left[:made].copy(), right[:made].copy()
