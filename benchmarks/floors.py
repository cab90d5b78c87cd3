"""What the machine itself can do, measured in the same run: reading memory, matrix products. Floors come from it."""

from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from benchmarks.timing import cores, seconds

MEASURED = 7


@cache
def read_bandwidth() -> float:
    """Bytes a second that all cores read together from 400 MB of memory, by summing them as whole numbers."""
    cells = np.ones(50_000_000, np.int64)
    parts = np.array_split(cells, cores())
    with ThreadPoolExecutor(cores()) as pool:
        took = [seconds(lambda: list(pool.map(np.add.reduce, parts))) for _ in range(MEASURED + 1)][1:]
    return float(cells.nbytes / statistics.median(took))


@cache
def product_rate(dtype: type = np.float32) -> float:
    """Multiplications with an addition, a second, of a square matrix product by BLAS on all cores."""
    side = 3_000
    left = np.random.default_rng(0).standard_normal((side, side)).astype(dtype)
    right = left.T.copy()
    took = [seconds(lambda: left @ right) for _ in range(MEASURED + 1)][1:]
    return side**3 / statistics.median(took)


def reading(size: float) -> float:
    """Seconds to read so many bytes of memory once."""
    return size / read_bandwidth()


def product(rows: float, columns: float, dim: float, dtype: type = np.float32) -> float:
    """Seconds of a matrix product of this size."""
    return rows * columns * dim / product_rate(dtype)
