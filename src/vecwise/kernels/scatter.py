"""The centered scatter of very many rows: one triangle, block by block, in float64 or by products in float32.

This module must not know any vecwise type. Every block is centered by itself; Chan's rule joins them all at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import dense
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.moments import Moments, settled
from vecwise.kernels.native_scatter import add_centered, add_upper, column_sums, room_for
from vecwise.kernels.triangle import add_product, load

BLOCK: Final = 512  # rows; the block and its centered copy stay in a core's cache
SINGLE_LOSS: Final = (BLOCK + 4) * 2.0**-24  # of the scatter about the shifts, at most: 3.1e-5


def block_moments(values: Any, *, single: bool) -> Moments:
    """Give the moments of many rows, `(rows, dim)`; with `single` the products are taken in float32.

    A block of 512 float32 rows is shifted by its mean, rounded to float32, so that each difference is off by
    at most 2^-24 of itself and a product of two by twice that. A sum of 512 products in float32 is off by at
    most 512 · 2^-24 of the sum of their magnitudes, in whatever order BLAS adds; blocks add up in float64.
    The error of the scatter therefore has a spectral norm of at most `SINGLE_LOSS` times the trace of the
    scatter about the shifts, which is returned as `doubt`. (Measured: 3e-10 of the trace for 8,192 rows of
    noise, since roundings cancel.) Rows whose squares leave the range of float32 are taken in float64.
    """
    load()  # before BLAS is held to one thread, or the one that is loaded would not be
    dtype = np.float32 if single else np.float64
    rows, dim = values.shape
    upper = np.zeros((dim, dim), order="F")
    add = _adder(min(rows, BLOCK), dim, dtype)
    counts, means, offsets = [], [], []
    with np.errstate(over="ignore", under="ignore", invalid="ignore"), one_blas_thread:
        for start in range(0, rows, BLOCK):
            block = dense(values[start : start + BLOCK], dtype)
            mean = settled(column_sums(block) / len(block), block)
            shift = mean.astype(dtype)
            add(block, shift, upper)
            if single:
                offsets.append(np.sqrt(len(block)) * (mean - shift))
            counts.append(len(block))
            means.append(mean)
        traced = float(np.trace(upper))
        if single and not rows * dim * 2.0**-100 < traced < np.inf:
            return block_moments(values, single=False)
        doubt = SINGLE_LOSS * traced if single else 0.0
        return _joined(upper, np.array(counts), np.array(means), np.array(offsets), doubt)


def _adder(rows: int, dim: int, dtype: Any) -> Callable[[np.ndarray, np.ndarray, np.ndarray], None]:
    """What adds the products of a block of up to so many rows, less a shift, to an upper triangle in float64."""
    scratch = np.empty((rows, dim), dtype)  # memory that is not written to costs nothing
    product, room = np.zeros((dim, dim), np.float32, order="F"), room_for(rows, dim)

    def add_double(block: np.ndarray, shift: np.ndarray, upper: np.ndarray) -> None:
        add_product(np.subtract(block, shift, out=scratch[: len(block)]), upper, 1.0)

    def add_single(block: np.ndarray, shift: np.ndarray, upper: np.ndarray) -> None:
        if not add_centered(block, shift, room, upper):
            add_product(np.subtract(block, shift, out=scratch[: len(block)]), product, 0.0)
            add_upper(product, upper)

    return add_single if dtype == np.float32 else add_double


def _joined(
    upper: np.ndarray, counts: np.ndarray, means: np.ndarray, offsets: np.ndarray, doubt: float
) -> Moments:
    """Chan's rule for all blocks at once, less what shifting by a rounded mean added."""
    n = int(counts.sum())
    mean = settled(counts @ means / n, means)
    add_product(np.sqrt(counts)[:, None] * (means - mean), upper, 1.0)
    if len(offsets):
        add_product(offsets, upper, 1.0, times=-1.0)
    scatter = upper + upper.T
    np.fill_diagonal(scatter, upper.diagonal())
    return Moments(n, mean, scatter, doubt)
