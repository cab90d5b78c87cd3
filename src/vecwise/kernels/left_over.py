"""What rows have beside a few axes: how far each is from its own picture on them.

This module must not know any vecwise type.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import dense
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.norms import row_norms

_BLOCK_BYTES: Final = 1 << 20  # of float64 rows: half of a core's cache


def left_over(values: Any, mean: np.ndarray, axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give how long each row is beside the axes, and how long it is at all, both about the mean, `(rows,)`.

    The first is the length of a difference, which no cancellation of two squares can spoil.
    """
    beside, lengths = np.zeros(values.shape[0]), np.zeros(values.shape[0])
    with np.errstate(over="ignore", invalid="ignore"), one_blas_thread:
        for part, centered in _centered(values, mean):
            lengths[part] = row_norms(centered, 2)
            beside[part] = row_norms(centered - (centered @ axes.T) @ axes, 2)
    return beside, lengths


def _centered(values: Any, mean: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    size = max(16, _BLOCK_BYTES // (8 * values.shape[1]))
    for start in range(0, values.shape[0], size):
        part = slice(start, min(start + size, values.shape[0]))
        yield part, dense(values[part]) - mean
