"""Similarities and distances of all pairs of two blocks of rows, in float64.

This module must not know any vecwise type; values are dense or CSR matrices of one dimension.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.norms import row_norms, scale_rows

SIMILARITIES: Final = ("cosine", "dot")
DISTANCES: Final = ("euclidean", "manhattan", "chebyshev")
_ORDERS: Final = {"euclidean": 2.0, "manhattan": 1.0, "chebyshev": np.inf}
_TAME: Final = (1e-100, 1e100)  # lengths whose products neither overflow nor vanish
_BLOCK_CELLS: Final = 1 << 15


def dots(A: Any, B: Any) -> np.ndarray:
    """Give inner products, shape `(rows of A, rows of B)`, accumulated in float64; infinite where they overflow."""
    with np.errstate(over="ignore", invalid="ignore"), one_blas_thread:
        if is_sparse(A) and is_sparse(B):
            return dense(A.astype(np.float64) @ B.astype(np.float64).T)
        if is_sparse(A) or is_sparse(B):
            left, right = (A, dense(B)) if is_sparse(A) else (dense(A), B)
            return dense(left.astype(np.float64) @ right.T)
        return dense(A) @ dense(B).T


def cosines(A: Any, B: Any) -> np.ndarray:
    """Give cosines in [-1, 1]; NaN, which stands for "no value", wherever a row is zero.

    A cosine within rounding of 1 or -1 is that: a row's cosine with itself is exactly 1.
    """
    (a, left), (b, right) = _tamed(A), _tamed(B)
    with np.errstate(invalid="ignore"):  # a zero row gives 0 / 0
        made = dots(a, b) / left[:, None] / right
    rounding = (16 + a.shape[1]) * np.finfo(np.float64).eps
    np.clip(made, -1.0, 1.0, out=made)
    made[made >= 1 - rounding] = 1.0
    made[made <= rounding - 1] = -1.0
    return made


def _tamed(A: Any) -> tuple[Any, np.ndarray]:
    """The rows and their lengths; rows whose products could overflow or vanish are brought to length 1 first."""
    lengths = row_norms(A, 2)
    wild = (lengths > 0) & ~((lengths > _TAME[0]) & (lengths < _TAME[1]))
    if not wild.any():
        return A, lengths
    rows = dense(A).copy()
    rows[wild] = scale_rows(rows[wild], 2)
    return rows, np.where(wild, row_norms(rows, 2), lengths)


def distances(A: Any, B: Any, metric: str) -> np.ndarray:
    """Give distances as the lengths of differences, never from a product; infinite where they overflow."""
    a, b = dense(A), dense(B)
    made = np.empty((len(a), len(b)))
    size = max(1, _BLOCK_CELLS // a.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(b), size):  # a block of differences stays in the cache
            for i, row in enumerate(a):
                made[i, start : start + size] = row_norms(b[start : start + size] - row, _ORDERS[metric])
    return made


PAIRS: Final[dict[str, Callable[[Any, Any], np.ndarray]]] = {
    "dot": dots,
    "cosine": cosines,
    **{name: partial(distances, metric=name) for name in DISTANCES},
}
