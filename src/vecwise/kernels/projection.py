"""Rows on a few axes, each row by itself: the same bits alone and in any batch.

This module must not know any vecwise type. A matrix product of BLAS may sum a row in another order when other rows
stand beside it; here every row is summed in the same order, at about the speed of reading it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.mapped import slabs
from vecwise.kernels.spans import on_spans

_BLOCK_CELLS: Final = 1 << 17  # a megabyte of float64, which stays in a core's cache
_FEW: Final = 8  # axes; above, a product by BLAS is several times as fast


def by_slabs(values: Any, width: int, work: Callable[[Any], np.ndarray]) -> np.ndarray:
    """Give what `work` makes of every row, float64 of shape `(rows, width)`; of a mapped file a slab at a time."""
    if is_sparse(values):
        return work(values)
    made = np.empty((values.shape[0], width))
    done = 0
    for slab in slabs(values):
        made[done : done + slab.shape[0]] = work(slab)
        done += slab.shape[0]
    return made


def projected(values: Any, mean: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Give `(row - mean) · axis` for every row and axis in float64, shape `(rows, k)`.

    Up to 8 axes a row's numbers have the same bits in any batch; on more of them BLAS may round them differently.
    Dense rows are centered first, so an offset costs no digits; a sparse row, whose offset is small by nature, is
    summed over its filled cells alone. Bound: dim units in the last place of the sum of magnitudes.

    >>> projected(np.array([[3.0, 1.0], [1.0, 1.0]]), np.array([1.0, 1.0]), np.array([[1.0, 0.0]]))
    array([[2.],
           [0.]])
    """
    axes = np.ascontiguousarray(axes, np.float64)
    mean = np.ascontiguousarray(mean, np.float64)
    if is_sparse(values):
        offset = np.einsum("d,kd->k", mean, axes)
        made = dense(values.astype(np.float64) @ np.ascontiguousarray(axes.T)) - offset
        return np.ascontiguousarray(made)
    made = np.empty((values.shape[0], len(axes)))

    def project(span: slice) -> None:
        size = max(1, _BLOCK_CELLS // values.shape[1])
        scratch = np.empty((size, values.shape[1]))
        for start in range(span.start, span.stop, size):
            stop = min(start + size, span.stop)
            block = scratch[: stop - start]
            np.subtract(values[start:stop], mean, out=block)
            made[start:stop] = np.einsum("rd,kd->rk", block, axes) if len(axes) <= _FEW else block @ axes.T

    with one_blas_thread:
        on_spans(project, values.shape[0], values.shape[1] * values.dtype.itemsize)
    return made
