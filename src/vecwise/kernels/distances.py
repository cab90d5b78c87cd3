"""Distances of two blocks of rows as the lengths of differences, in float64; never from a product.

This module must not know any vecwise type. The compiled kernel and NumPy give the same bits: eight sums side by side,
whose relative error is below `(dim / 8 + 3)` units in the last place of the sum of magnitudes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from vecwise.kernels import native_pairs
from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.norms import row_norms
from vecwise.kernels.pair_scores import apart_by, in_eights

DIFFERENCES: Final = ("euclidean", "sqeuclidean", "manhattan", "chebyshev", "minkowski", "hamming")
_BLOCK_CELLS: Final = 1 << 15  # a block of differences stays in the cache
_SAFE: Final = (2.0**-900, 2.0**900)  # sums of squares that neither overflowed nor lost what vanished
_DENSE_CELLS: Final = 1 << 22  # cells of sparse rows filled in at a time: 32 MB


def write_distances(a: Any, b: Any, metric: str, p: float, out: np.ndarray) -> None:
    """Write the distances of all rows of `a` to all rows of `b`, dense float64 or CSR; infinite where they overflow.

    `p` is for `"minkowski"`; `"hamming"` is the share of the dimensions that differ.
    """
    metric = (
        {1.0: "manhattan", 2.0: "euclidean", np.inf: "chebyshev"}.get(p, metric)
        if metric == "minkowski"
        else metric
    )
    if not out.size:
        return
    compiled = metric in native_pairs.KINDS and _is_compiled(a)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if compiled and is_sparse(a) and is_sparse(b):
            native_pairs.sparse(a, b, metric, out)
        else:
            for rows, left in _filled_in(a):
                for columns, right in _filled_in(b):
                    part = out[rows, columns]
                    if compiled:
                        native_pairs.distances(left, right, metric, part)
                    else:
                        _subtracted(left, right, metric, p, part)
    if compiled and metric == "hamming":
        out /= a.shape[1]


def listed_distances(a: Any, b: Any, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Give Euclidean distances of row `left[i]` of `a` and row `right[i]` of `b`, right for every finite row."""
    if not is_sparse(a) and not is_sparse(b):
        return apart_by(np.ascontiguousarray(a), np.ascontiguousarray(b), left, right)
    if _is_compiled(a) and is_sparse(a) and is_sparse(b):
        return native_pairs.sparse_listed(a, b, left, right, "euclidean")
    made = np.empty(len(left))
    size = max(1, _DENSE_CELLS // (8 * a.shape[1]))
    for start in range(0, len(left), size):
        part = slice(start, start + size)
        with np.errstate(over="ignore"):
            made[part] = row_norms(dense(a[left[part]]) - dense(b[right[part]]), 2)
    return made


def _is_compiled(a: Any) -> bool:
    return native_pairs.library() is not None and a.shape[1] < 2**31  # columns are 32-bit numbers there


def _filled_in(values: Any) -> Iterator[tuple[slice, np.ndarray]]:
    """The rows as float64, a bounded part of sparse ones at a time."""
    if not is_sparse(values):
        yield slice(None), values
        return
    size = max(1, _DENSE_CELLS // values.shape[1])
    for start in range(0, values.shape[0], size):
        yield slice(start, min(start + size, values.shape[0])), dense(values[start : start + size])


def _subtracted(a: np.ndarray, b: np.ndarray, metric: str, p: float, out: np.ndarray) -> None:
    size = max(1, _BLOCK_CELLS // a.shape[1])
    for start in range(0, len(b), size):
        block = b[start : start + size]
        for i, row in enumerate(a):
            out[i, start : start + size] = _lengths(block - row, metric, p)


def _lengths(differences: np.ndarray, metric: str, p: float) -> np.ndarray:
    if metric == "manhattan":
        return in_eights(np.abs(differences))
    if metric == "sqeuclidean":
        return in_eights(differences * differences)
    if metric == "euclidean":
        return _euclidean(differences)
    if metric == "hamming":
        return np.asarray(np.count_nonzero(differences, axis=1) / differences.shape[1])
    if metric == "chebyshev":
        return row_norms(differences, np.inf)
    largest = row_norms(
        differences, np.inf
    )  # powers of shares of it neither overflow nor matter where they vanish
    shares = np.abs(differences) / np.where(largest > 0, largest, 1.0)[:, None]
    return np.asarray(largest * np.power(np.power(shares, p).sum(axis=1), 1 / p))


def _euclidean(differences: np.ndarray) -> np.ndarray:
    squares = in_eights(differences * differences)
    made = np.sqrt(squares)
    wild = np.flatnonzero(~((squares > _SAFE[0]) & (squares < _SAFE[1])))
    if len(wild):
        largest = row_norms(differences[wild], np.inf)
        scales = np.where((largest > 0) & (largest < np.inf), largest, np.inf)[:, None]
        lengths = largest * np.sqrt(in_eights(np.square(differences[wild] / scales)))
        made[wild] = np.where(scales[:, 0] < np.inf, lengths, largest)
    return made
