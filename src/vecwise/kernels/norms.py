"""Norms of rows, right for every finite row: huge, tiny, subnormal and zero ones.

This module must not know any vecwise type; values are a dense or CSR matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from vecwise.kernels.arrays import is_sparse
from vecwise.kernels.spans import on_spans

# Between these bounds of a row's length, squares neither overflow nor vanish in float64, so the plain sum
# of squares is right; outside, the row is scaled by its largest magnitude first.
_SAFE = (1e-140, 1e140)
_SAFE_SINGLE = (1e-30, 1e30)  # and between these, a length is a normal float32
_BLOCK_CELLS = 1 << 16  # half a megabyte of float64, which stays in a core's cache


def row_norms(values: Any, order: float) -> np.ndarray:
    """Give the L1, L2 or L-infinity norm of every row as float64, shape `(rows,)`."""
    if is_sparse(values):
        return _sparse_norms(values, order)
    if order == np.inf:
        return _largest(values)
    if order == 1:
        return np.abs(values).sum(axis=1, dtype=np.float64)
    norms = np.empty(values.shape[0])

    def measure(span: slice) -> None:
        for block, double in _blocks(values, span):
            norms[block] = _lengths(double)

    on_spans(measure, *_size(values))
    return norms


def _size(values: np.ndarray) -> tuple[int, int]:
    return values.shape[0], values.shape[1] * values.dtype.itemsize


def _blocks(values: np.ndarray, span: slice) -> Iterator[tuple[slice, np.ndarray]]:
    """Give the rows of a span block by block, as float64: no copy where they are, else in one block's memory."""
    size = max(1, _BLOCK_CELLS // values.shape[1])
    scratch = None if values.dtype == np.float64 else np.empty((size, values.shape[1]))
    for start in range(span.start, span.stop, size):
        block = slice(start, min(start + size, span.stop))
        if scratch is None:
            yield block, values[block]
        else:
            double = scratch[: block.stop - start]
            np.copyto(double, values[block])
            yield block, double


def _lengths(double: np.ndarray) -> np.ndarray:
    """The Euclidean lengths of float64 rows, extreme ones included."""
    with np.errstate(over="ignore", under="ignore"):
        norms = np.sqrt(np.einsum("ij,ij->i", double, double))
        unsafe = _outside(norms, _SAFE)
    if unsafe.any():
        norms[unsafe] = _scaled_norms(double[unsafe])
    return norms


def _outside(lengths: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    return ~((lengths > bounds[0]) & (lengths < bounds[1]))


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
    """Divide every row by its norm and give it in the values' own type; zero rows stay zero.

    Lengths add up in float64. Rows whose length is extreme are first divided by their largest magnitude,
    rounded to a power of two so that this division is exact: rows of 1e30 and of 1e-30 come out with norm 1,
    and a row scaled by a power of two comes out with the same bits.
    """
    return unit_rows(values, order)[0]


def unit_rows(values: Any, order: float) -> tuple[Any, np.ndarray]:
    """Give what `scale_rows` gives, and a mask: which rows have a length."""
    if is_sparse(values):
        return _sparse_unit_rows(values, order)
    scaled = np.empty_like(values, subok=False)
    some = np.empty(values.shape[0], bool)

    def scale(span: slice) -> None:
        for block, double in _blocks(values, span):
            some[block] = _divide(values[block], double, order, scaled[block])

    on_spans(scale, *_size(values))
    return scaled, some


def _divide(values: np.ndarray, double: np.ndarray, order: float, out: np.ndarray) -> np.ndarray:
    """Write one block's unit rows; `double` holds the same numbers as `values`."""
    with np.errstate(over="ignore", under="ignore"):
        norms = np.sqrt(np.einsum("ij,ij->i", double, double)) if order == 2 else row_norms(double, order)
        extreme = _outside(norms, _SAFE if values.dtype == np.float64 else _SAFE_SINGLE)
        # A float32 length and a float32 division each round once: 2 units in the last place, in half the time.
        np.divide(values, np.where(extreme, 1.0, norms).astype(values.dtype)[:, None], out=out)
    if not extreme.any():
        return ~extreme
    largest = _largest(double[extreme])
    exact = _times_power_of_two(double[extreme], -np.frexp(largest)[1][:, None])
    norms = row_norms(exact, order)
    out[extreme] = exact / np.where(norms > 0, norms, 1.0)[:, None]
    some = ~extreme
    some[extreme] = largest > 0
    return some


def _sparse_unit_rows(values: Any, order: float) -> tuple[Any, np.ndarray]:
    from scipy.sparse import csr_array

    lengths = np.diff(values.indptr)
    exponent = np.repeat(np.frexp(row_norms(values, np.inf))[1], lengths)
    data = _times_power_of_two(values.data.astype(np.float64), -exponent)
    scaled = csr_array((data, values.indices, values.indptr), shape=values.shape)
    norms = np.repeat(row_norms(scaled, order), lengths)
    parts = ((data / norms).astype(values.dtype), values.indices, values.indptr)
    return csr_array(parts, shape=values.shape), lengths > 0


def _times_power_of_two(values: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Scale exactly; the power itself must be representable for the quick way, or `ldexp` does it slowly."""
    if (np.abs(exponent) < 1000).all():
        return values * np.ldexp(1.0, exponent)
    return np.ldexp(values, exponent)
