"""The compiled kernel of k-means: its functions on NumPy arrays.

This module must not know any vecwise type. Where the library is missing, callers take their way through NumPy.
"""

from __future__ import annotations

from ctypes import c_float, c_int64, c_void_p
from typing import Final

import numpy as np

from vecwise.kernels.native import address, bound

LANES: Final = 16  # numbers that the kernel adds up side by side
STRIP: Final = 64  # centers that are looked at together
_ADD: Final = (*(c_void_p,) * 3, *(c_int64,) * 3, *(c_void_p,) * 2)
_MEASURE: Final = (*(c_void_p,) * 4, *(c_int64,) * 3, c_void_p)
_SIGNATURES: Final = {
    "vecwise_has_fused": (),
    "vecwise_nearest_centers": (
        *(*(c_void_p,) * 3, *(c_int64,) * 3, *(c_float,) * 2, *(c_void_p,) * 2),
        *(c_void_p, c_int64, c_void_p, c_void_p),
    ),
    "vecwise_longest_row": (c_void_p, c_int64, c_int64),
    "vecwise_best_centers": (c_void_p, c_void_p, c_int64, c_int64, c_float, c_void_p, c_void_p),
    "vecwise_add_rows_single": _ADD,
    "vecwise_add_rows_double": _ADD,
    "vecwise_measure_rows_single": _MEASURE,
    "vecwise_measure_rows_double": _MEASURE,
}
_KINDS: Final = {np.dtype(np.float32): "single", np.dtype(np.float64): "double"}

library = bound(_SIGNATURES, {"vecwise_longest_row": c_float})


def _checked(answer: int) -> int:
    if answer < 0:
        raise ValueError("A label is none of the centers' numbers.")
    return answer


def has_fused() -> bool:
    """Tell whether `nearest_centers` can be called: the library is there, and the processor is wide enough."""
    made = library()
    return made is not None and bool(made.vecwise_has_fused())


def nearest_centers(
    values: np.ndarray, packed: np.ndarray, halves: np.ndarray, slope: float, least: float, labels: np.ndarray
) -> np.ndarray:
    """Write the center nearest to each float32 row into `labels` (int32); give the rows whose lead over all others is
    at most `slope` times their length plus `least`, and whose label says nothing.

    `packed` holds centers in strips, `(strips, dim, 64)` float32, `halves` half their squared lengths.
    """
    doubtful = np.empty(len(values), np.int64)
    made = library().vecwise_nearest_centers(
        *(address(values), address(packed), address(halves), *values.shape, len(packed)),
        *(slope, least, address(labels), address(doubtful), None, 0, None, None),
    )
    return doubtful[: _checked(made)]


def assign_rows(
    values: np.ndarray,
    packed: np.ndarray,
    halves: np.ndarray,
    slope: float,
    least: float,
    exact: np.ndarray,
    labels: np.ndarray,
    sums: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Do the same, measure by the centers in float64 (`exact`) what is not sure, and add rows up as `add_rows` does."""
    made = library().vecwise_nearest_centers(
        *(address(values), address(packed), address(halves), *values.shape, len(packed)),
        *(slope, least, address(labels), None, address(exact), len(exact), address(sums), address(counts)),
    )
    _checked(made)


def longest_row(values: np.ndarray) -> float:
    """Give the largest squared length of float32 rows, in single precision."""
    return float(library().vecwise_longest_row(address(values), *values.shape))


def best_centers(
    scores: np.ndarray, halves: np.ndarray, slack: float, labels: np.ndarray, doubtful: np.ndarray
) -> np.ndarray:
    """Write the best column of each row of `scores - halves` into `labels` (int32); give the rows whose lead is at
    most `slack`, and whose label says nothing. `doubtful` (int64) has a place for each row."""
    made = library().vecwise_best_centers(
        *(address(scores), address(halves), *scores.shape, slack, address(labels), address(doubtful))
    )
    return doubtful[: _checked(made)]


def add_rows(
    values: np.ndarray, shift: np.ndarray, labels: np.ndarray, sums: np.ndarray, counts: np.ndarray
) -> None:
    """Add each row, less the shift, to the sum of its label in `sums` (float64), and count it in `counts` (int64)."""
    function = getattr(library(), f"vecwise_add_rows_{_KINDS[values.dtype]}")
    _checked(
        function(
            *(address(values), address(shift), address(labels), *values.shape, len(sums)),
            *(address(sums), address(counts)),
        )
    )


def measure_rows(
    values: np.ndarray, shift: np.ndarray, centers: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Give the squared distance of each row, less the shift, to the center of its label, as float64."""
    squares = np.empty(len(values))
    function = getattr(library(), f"vecwise_measure_rows_{_KINDS[values.dtype]}")
    _checked(
        function(
            *(address(values), address(shift), address(centers), address(labels)),
            *(*values.shape, len(centers), address(squares)),
        )
    )
    return squares
