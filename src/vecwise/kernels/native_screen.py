"""The compiled kernel of products in eight bits: its functions on NumPy arrays.

This module must not know any vecwise type. Where the library or the processor's instruction is missing, callers take
products in float32.
"""

from __future__ import annotations

from ctypes import c_int64, c_void_p
from typing import Final

import numpy as np

from vecwise.kernels.native import address, bound

PANEL: Final = 64  # columns that lie side by side
LEAST_ROWS: Final = 6
_NO_ROOM: Final = -2
_SIGNATURES: Final = {
    "vecwise_multiplies_bytes": (),
    "vecwise_reaching_bytes": (
        *(c_void_p, c_int64, c_void_p, c_int64, c_int64),  # rows, panels, their sizes
        *(c_void_p, c_void_p, c_void_p, c_void_p, c_void_p),  # scales, surplus, bounds
        *(c_int64, c_int64, c_void_p, c_void_p, c_int64),
    ),
}

library = bound(_SIGNATURES)


def multiplies_bytes() -> bool:
    """Tell whether the library is there and the processor has the instruction."""
    return library() is not None and bool(library().vecwise_multiplies_bytes())


def reaching_bytes(
    rows: np.ndarray,
    panels: np.ndarray,
    scales: tuple[np.ndarray, np.ndarray],
    surplus: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    above: int | None,
    room: int,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Give the places of products of at least the sum of both bounds, in no order; None if there are more than `room`.

    `rows` are int8 `(rows, 4 n)`, at least six; `panels` uint8 `(columns / 64, n, 64, 4)`, 128 too large, which adds
    `surplus` (int32) to a row's products. Scales and bounds are float32, one a row and one a column.
    """
    quads = rows.shape[1] // 4
    columns = len(panels) * PANEL
    assert panels.shape[1:] == (quads, PANEL, 4)  # noqa: S101  the library believes it
    assert len(scales[1]) == len(bounds[1]) == columns  # noqa: S101
    left, right = np.empty((2, room), np.int32)
    made = library().vecwise_reaching_bytes(
        *(address(rows), len(rows), address(panels), columns, quads),
        *(address(scales[0]), address(scales[1]), address(surplus), address(bounds[0]), address(bounds[1])),
        *(above is not None, above or 0, address(left), address(right), room),
    )
    if made == _NO_ROOM:
        return None
    if made < 0:
        raise ValueError("The compiled kernel was given sizes that do not fit.")
    return left[:made].copy(), right[:made].copy()
