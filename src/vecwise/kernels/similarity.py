"""Similarities and distances of all pairs of two blocks of rows, in float64.

This module must not know any vecwise type; values are dense or CSR matrices of one dimension.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.norms import row_norms, scale_rows

SIMILARITIES: Final = ("cosine", "dot")
DISTANCES: Final = ("euclidean", "manhattan", "chebyshev")
_SAFE: Final = (1e-140, 1e140)  # magnitudes whose squares neither overflow nor vanish
_BLOCK_CELLS: Final = 1 << 15
_ROUNDING: Final = 16 * np.finfo(np.float64).eps  # a cosine this near to 1 or -1 is 1 or -1


def dots(A: Any, B: Any) -> np.ndarray:
    """Give inner products, shape `(rows of A, rows of B)`, accumulated in float64."""
    if is_sparse(A) and is_sparse(B):
        return dense(A.astype(np.float64) @ B.astype(np.float64).T)
    if is_sparse(A) or is_sparse(B):
        left, right = (A, dense(B)) if is_sparse(A) else (dense(A), B)
        return dense(left.astype(np.float64) @ right.T)
    return dense(A) @ dense(B).T


def cosines(A: Any, B: Any) -> np.ndarray:
    """Give cosines in [-1, 1]; NaN, which stands for "no value", wherever a row is zero."""
    a, b = _unit(A), _unit(B)
    made = dots(a, b)
    np.clip(made, -1.0, 1.0, out=made)
    made[made >= 1 - _ROUNDING] = 1.0
    made[made <= _ROUNDING - 1] = -1.0
    made[row_norms(A, np.inf) == 0, :] = np.nan
    made[:, row_norms(B, np.inf) == 0] = np.nan
    return made


def distances(A: Any, B: Any, metric: str) -> np.ndarray:
    """Give Euclidean, Manhattan or Chebyshev distances, computed by differences, never from a product."""
    a, b = dense(A), dense(B)
    scale = _scale(a, b)
    made = np.empty((len(a), len(b)))
    size = max(1, _BLOCK_CELLS // a.shape[1])
    for start in range(0, len(b), size):  # a block of differences stays in the cache
        part = b[start : start + size] / scale
        for i, row in enumerate(a):
            made[i, start : start + size] = _LENGTHS[metric](part - row / scale)
    return made * scale


def _scale(a: np.ndarray, b: np.ndarray) -> float:
    """A power of two, so that dividing is exact, that brings extreme numbers into range for squaring."""
    largest = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
    return (
        1.0
        if _SAFE[0] < largest < _SAFE[1] or not largest
        else float(np.ldexp(1.0, int(np.frexp(largest)[1])))
    )


def _euclidean(differences: np.ndarray) -> np.ndarray:
    lengths: np.ndarray = np.sqrt(np.einsum("ij,ij->i", differences, differences))
    return lengths


_LENGTHS: Final[dict[str, Callable[[np.ndarray], np.ndarray]]] = {
    "euclidean": _euclidean,
    "manhattan": lambda differences: np.abs(differences).sum(axis=1),
    "chebyshev": lambda differences: np.abs(differences).max(axis=1),
}


PAIRS: Final[dict[str, Callable[[Any, Any], np.ndarray]]] = {
    "dot": dots,
    "cosine": cosines,
    **{name: partial(distances, metric=name) for name in DISTANCES},
}


def _unit(A: Any) -> Any:
    return scale_rows(A.astype(np.float64), 2)
