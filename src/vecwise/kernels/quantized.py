"""Rows in eight bits with a proven error: what a product of two of them says of the product of the rows.

This module must not know any vecwise type. For x = s q + e and y = t r + f, the product x.y is s t q.r + e.y + s q.f,
so it is within |e| |y| + (|x| + |e|) |f| of s t q.r (Cauchy and Schwarz), and |e| and |f| are measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from vecwise.kernels import native_screen
from vecwise.kernels.native_screen import LEAST_ROWS, PANEL
from vecwise.kernels.native_select import as_bytes
from vecwise.kernels.spans import in_spans

DIMENSIONS: Final = range(
    32, 1 << 16
)  # fewer are multiplied as fast in float32; more could overflow 32-bit sums
FEW: Final = 32  # where more than one in so many pairs remains, eight bits are too coarse
_SPAN: Final = 1024
_ROUNDING: Final = 1e-6  # of a length: more than rounding to float32 is off by


@dataclass(frozen=True, slots=True)
class Bytes:
    """Rows as signed bytes, `(rows, 4 n)`, the scale of each, what they lost in length, and 128 times their sums."""

    rows: np.ndarray
    scales: np.ndarray
    lost: np.ndarray
    surplus: np.ndarray
    panels: np.ndarray | None = None

    def __getitem__(self, part: slice | np.ndarray) -> Bytes:
        return Bytes(self.rows[part], self.scales[part], self.lost[part], self.surplus[part])

    def as_columns(self) -> Bytes:
        """Give the same rows, laid out as the right side of products."""
        count, width = self.rows.shape
        padded = np.zeros((-(-count // PANEL) * PANEL, width), np.uint8)
        np.add(self.rows, 128, out=padded[:count], dtype=np.int16, casting="unsafe")
        panels = padded.reshape(-1, PANEL, width // 4, 4).transpose(0, 2, 1, 3)
        return replace(self, panels=np.ascontiguousarray(panels))


def quantized(values: np.ndarray, lengths: np.ndarray) -> Bytes | None:
    """Give float32 rows of these lengths as bytes; None where they are not multiplied any faster."""
    count, dim = values.shape
    if values.dtype != np.float32 or dim not in DIMENSIONS or not native_screen.multiplies_bytes():
        return None
    rows = np.empty((count, -(-dim // 4) * 4), np.int8)
    scales, lost, surplus = np.empty(count, np.float32), np.empty(count), np.empty(count, np.int32)

    def fill(span: slice) -> None:
        made = bytes_of(values[span], lengths[span])
        rows[span], scales[span], lost[span], surplus[span] = made.rows, made.scales, made.lost, made.surplus

    in_spans(fill, count, _SPAN)
    return Bytes(rows, scales, lost, surplus)


def bytes_of(values: np.ndarray, lengths: np.ndarray) -> Bytes:
    """Give float32 rows of about these lengths as bytes, in one thread; needs the compiled library.

    `lost` is raised by a millionth of the length, which is more than making float32 of a row takes.
    """
    rows, scales, lost, surplus = as_bytes(np.ascontiguousarray(values, np.float32))
    return Bytes(rows, scales, 1.001 * lost + _ROUNDING * lengths, surplus)


def reaching_in_bytes(
    left: Bytes,
    right: Bytes,
    lengths: tuple[np.ndarray, np.ndarray],
    bounds: tuple[np.ndarray, np.ndarray],
    above: int | None,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Give the places of all pairs whose product may reach the sum of their bounds, in no order, and of some others.

    `lengths` are those of both sides' rows, `bounds` a number for every row and for every column. None where eight
    bits are too coarse to tell many pairs apart.
    """
    count = len(left.rows)
    if right.panels is None:
        right = right.as_columns()
    assert right.panels is not None  # noqa: S101  made above
    wide = PANEL * len(right.panels)
    longest = float((lengths[0] + left.lost).max(initial=0))
    other = float(lengths[1].max(initial=0))
    rounding = 2.0**-20 * (longest * (other + right.lost.max(initial=0)) + np.abs(bounds[1]).max(initial=0))
    of_row = bounds[0] - left.lost * other - rounding - 2.0**-20 * np.abs(bounds[0])
    of_column = bounds[1] - longest * right.lost
    rows = max(count, LEAST_ROWS)
    found = native_screen.reaching_bytes(
        _padded(left.rows, rows),
        right.panels,
        (_padded(left.scales, rows), _padded(right.scales, wide)),
        _padded(left.surplus, rows),
        (_padded(lowered(of_row), rows, np.inf), _padded(lowered(of_column), wide, np.inf)),
        above,
        max(1024, count * len(right.rows) // FEW),
    )
    return found


def lowered(bounds: np.ndarray) -> np.ndarray:
    """Give bounds as float32, each a little smaller."""
    with np.errstate(over="ignore"):
        return np.nextafter(bounds.astype(np.float32), np.float32(-np.inf))


def _padded(array: np.ndarray, size: int, filler: float = 0) -> np.ndarray:
    if len(array) == size:
        return np.ascontiguousarray(array)
    made = np.full((size, *array.shape[1:]), filler, array.dtype)
    made[: len(array)] = array
    return made
