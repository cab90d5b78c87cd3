"""The compiled survey of rows: one pass that tells of rows and dimensions what health needs.

This module must not know any vecwise type. Where the library was not compiled on installing, or
`VECWISE_NATIVE=0` is set, `survey.py` takes its way through NumPy.
"""

from __future__ import annotations

from ctypes import c_int, c_int64, c_void_p
from typing import Final

import numpy as np

from vecwise.kernels.native import address, bound

LANES: Final = 16  # cells that are read at a time; `native_health.c` says the same
_SIGNATURES: Final = {
    "vecwise_survey": (c_void_p, c_int, c_int64, c_int64, *(c_void_p,) * 8),
}

library = bound(_SIGNATURES)


def survey_rows(
    values: np.ndarray, center: np.ndarray, weights: np.ndarray
) -> tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Read a C-ordered float32 or float64 matrix once; `center` and `weights` have its dimensions.

    Gives how many cells are not zero, `(3, rows)` norms and distances, `(rows, 2)` digests, which rows hold NaN or
    infinity, `(5, dim)` sums of the others, and `(dim,)` digests of dimensions.
    """
    rows, dim = values.shape
    told, digests, bad = np.empty((3, rows)), np.empty((rows, 2), np.uint64), np.empty(rows, bool)
    sums, hashes = np.zeros((3, dim)), np.zeros(dim, np.uint32)
    edges = np.repeat(np.array([[np.inf], [-np.inf]], values.dtype), dim, axis=1)
    padding = -dim % LANES
    around = [np.concatenate([row, np.zeros(padding)]) for row in (center, weights)]
    filled = library().vecwise_survey(
        *(address(values), values.dtype.itemsize == 8, rows, dim, address(around[0]), address(around[1])),
        *(address(told), address(digests), address(bad), address(sums), address(edges), address(hashes)),
    )
    return filled, told, digests, bad, np.concatenate([sums, edges]), hashes
