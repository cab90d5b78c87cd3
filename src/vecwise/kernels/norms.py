"""Norms of rows, right for every finite row: huge, tiny, subnormal and zero ones.

This module must not know any vecwise type; values are a dense or CSR matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vecwise.kernels.arrays import is_sparse

# Between these bounds of the largest magnitude, squares neither overflow nor vanish in float64, so the
# plain sum of squares is right; outside, the row is scaled by its largest magnitude first.
_SAFE = (1e-140, 1e140)
_BLOCK_CELLS = 1 << 16


def row_norms(values: Any, order: float) -> np.ndarray:
    """Give the L1, L2 or L-infinity norm of every row as float64, shape `(rows,)`."""
    if is_sparse(values):
        return _sparse_norms(values, order)
    if order == np.inf:
        return _largest(values)
    if order == 1:
        return np.abs(values).sum(axis=1, dtype=np.float64)
    with np.errstate(over="ignore", under="ignore"):
        norms = np.sqrt(np.einsum("ij,ij->i", values, values, dtype=np.float64))
        unsafe = ~((norms > _SAFE[0]) & (norms < _SAFE[1]))
    if values.dtype != np.float32 and unsafe.any():  # float32 squares cannot leave float64's range
        norms[unsafe] = _scaled_norms(values[unsafe])
    return norms


def _scaled_norms(values: np.ndarray) -> np.ndarray:
    largest = _largest(values)
    scale = np.where(largest > 0, largest, 1.0)
    with np.errstate(under="ignore"):
        return scale * np.sqrt(np.square(values / scale[:, None]).sum(axis=1))


def _largest(values: np.ndarray) -> np.ndarray:
    if not values.shape[0]:
        return np.zeros(0)
    return np.maximum(values.max(axis=1), -values.min(axis=1)).astype(np.float64)


def _sparse_norms(values: Any, order: float) -> np.ndarray:
    cells = np.abs(values.data.astype(np.float64))
    starts, filled = values.indptr[:-1], np.diff(values.indptr) > 0
    norms = np.zeros(values.shape[0])
    if not len(cells):
        return norms
    largest = np.zeros(values.shape[0])
    largest[filled] = np.maximum.reduceat(cells, starts[filled])
    if order == np.inf:
        return largest
    if order == 1:
        norms[filled] = np.add.reduceat(cells, starts[filled])
        return norms
    with np.errstate(under="ignore"):
        squares = np.square(cells / np.repeat(largest, np.diff(values.indptr)))
    norms[filled] = largest[filled] * np.sqrt(np.add.reduceat(squares, starts[filled]))
    return norms


def scale_rows(values: Any, order: float) -> Any:
    """Divide every row by its norm, in float64, and give it in the values' own type; zero rows stay zero.

    Rows whose largest magnitude is extreme are first divided by it, rounded to a power of two so that this
    division is exact: rows of 1e30 and of 1e-30 come out with norm 1, and a row scaled by a power of two
    comes out with the same bits.
    """
    if is_sparse(values):
        from scipy.sparse import csr_array

        lengths = np.diff(values.indptr)
        exponent = np.repeat(np.frexp(row_norms(values, np.inf))[1], lengths)
        data = _times_power_of_two(values.data.astype(np.float64), -exponent)
        scaled = csr_array((data, values.indices, values.indptr), shape=values.shape)
        norms = np.repeat(row_norms(scaled, order), lengths)
        parts = ((data / norms).astype(values.dtype), values.indices, values.indptr)
        return csr_array(parts, shape=values.shape)
    scaled = np.empty_like(values, subok=False)
    size = max(1, _BLOCK_CELLS // values.shape[1])
    for start in range(0, len(values), size):  # a block at a time, so that float64 copies stay in the cache
        block = slice(start, start + size)
        scaled[block] = _unit_block(values[block], order)
    return scaled


def _unit_block(values: np.ndarray, order: float) -> np.ndarray:
    block = values.astype(np.float64)
    largest = _largest(block)
    extreme = (largest > 0) & ~((largest > _SAFE[0]) & (largest < _SAFE[1]))
    if extreme.any():
        block[extreme] = _times_power_of_two(block[extreme], -np.frexp(largest[extreme])[1][:, None])
    norms = row_norms(block, order)
    return np.divide(block, np.where(norms > 0, norms, 1.0)[:, None], out=block)


def _times_power_of_two(values: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Scale exactly; the power itself must be representable for the quick way, or `ldexp` does it slowly."""
    if (np.abs(exponent) < 1000).all():
        return values * np.ldexp(1.0, exponent)
    return np.ldexp(values, exponent)
