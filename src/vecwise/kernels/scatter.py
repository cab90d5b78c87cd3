"""The centered scatter of very many rows: one triangle, block by block, in float64 or by products in float32.

This module must not know any vecwise type. Every block is centered by itself; Chan's rule joins them all at once.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import dense
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.moments import Moments, settled
from vecwise.kernels.native_scatter import add_upper, column_sums
from vecwise.kernels.triangle import add_product, load

DOUBLE_BLOCK: Final = 512  # rows; the block and its centered copy stay in a core's cache
SINGLE_BLOCK: Final = 256  # rows; half of them halve the bound, and cost a tenth of the time
SINGLE_LOSS: Final = (SINGLE_BLOCK + 4) * 2.0**-24  # of the scatter about the shifts, at most: 1.6e-5


def block_moments(values: Any, *, single: bool) -> Moments:
    """Give the moments of many rows, `(rows, dim)`; with `single` the products are taken in float32.

    A block of 256 float32 rows is shifted by its mean, rounded to float32, so that each difference is off by
    at most 2^-24 of itself and a product of two by twice that. A sum of 256 products in float32 is off by at
    most 256 · 2^-24 of the sum of their magnitudes, in whatever order BLAS adds; blocks add up in float64.
    The error of the scatter therefore has a spectral norm of at most `SINGLE_LOSS` times the trace of the
    scatter about the shifts, which is returned as `doubt`. (Measured: 3e-10 of the trace for 8,192 rows of
    noise, since roundings cancel.) A block whose squares leave the range of float32 is taken in float64.
    """
    load()  # before BLAS is held to one thread, or the one that is loaded would not be
    rows, dim = values.shape
    upper = np.zeros((dim, dim), order="F")
    products = np.zeros((dim, dim), np.float32, order="F") if single else None
    size = SINGLE_BLOCK if single else DOUBLE_BLOCK
    scratch = np.empty((min(rows, size), dim), np.float32 if single else np.float64)
    counts, means, offsets, doubt = [], [], [], 0.0
    with np.errstate(over="ignore", under="ignore", invalid="ignore"), one_blas_thread:
        for start in range(0, rows, size):
            block = dense(values[start : start + size], np.float32 if single else np.float64)
            mean = settled(column_sums(block) / len(block), block)
            counts.append(len(block))
            means.append(mean)
            if products is not None:
                shift = mean.astype(np.float32)
                add_product(np.subtract(block, shift, out=scratch[: len(block)]), products, 0.0)
                traced = float(np.trace(products, dtype=np.float64))
                if len(block) * dim * 2.0**-100 < traced < np.inf:
                    add_upper(products, upper)
                    offsets.append(np.sqrt(len(block)) * (mean - shift))
                    doubt += SINGLE_LOSS * traced
                    continue
            centered = block - mean if single else np.subtract(block, mean, out=scratch[: len(block)])
            add_product(centered, upper, 1.0)
        return _joined(upper, np.array(counts), np.array(means), np.array(offsets), doubt)


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
