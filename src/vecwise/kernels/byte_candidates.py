"""Rows that may reach a score that is known already: chosen by products in eight bits, where the processor has them.

This module must not know any vecwise type. Why no row is lost says `quantized.py`; here rows are only made bytes of,
and scores bounds of products.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from vecwise.kernels.candidates import is_tame
from vecwise.kernels.native_screen import multiplies_bytes
from vecwise.kernels.pair_scores import APART, TURNED, Sides
from vecwise.kernels.quantized import DIMENSIONS, Bytes, bytes_of, reaching_in_bytes

_TILE_BYTES: Final = 1 << 20  # of rows, which stay in a core's cache
_ROUNDING: Final = 1e-6  # of a length: more than a bound of a score can be off


def reaching_floor(sides: Sides, metric: str, floor: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Pairs of a query and a row, in no order, among which are all of at least the query's score in `floor`.

    None where eight bits cannot tell, or are not multiplied any faster.
    """
    count, dim = sides.rows.shape
    if dim not in DIMENSIONS or not multiplies_bytes() or not np.isfinite(floor).all():
        return None
    own, lengths = sides.query_lengths, sides.row_lengths
    if not (is_tame(own) and is_tame(lengths)):
        return None
    of_query, of_row = _bounds(metric, floor, own, lengths)
    asked = _bytes(sides.queries, own, metric)
    reach = _reach(own, metric)
    right = asked.as_columns()
    size = max(64, _TILE_BYTES // dim)
    found = []
    for start in range(0, count, size):
        part = slice(start, start + size)
        left = _bytes(sides.rows[part], lengths[part], metric)
        both = _reach(lengths[part], metric), reach
        pairs = reaching_in_bytes(left, right, both, (of_row[part], of_query), None)
        if pairs is None:
            return None
        found.append((pairs[1], pairs[0] + start))
    query, place = (np.concatenate(side).astype(np.int64) for side in zip(*found, strict=True))
    inside = (query < len(own)) & (place < count)  # rows that fill a panel reach nothing
    return query[inside], place[inside]


def _reach(lengths: np.ndarray, metric: str) -> np.ndarray:
    """The lengths of what is multiplied: for cosines, rows of length 1."""
    return (lengths > 0).astype(np.float64) if metric in TURNED else lengths


def _bytes(values: np.ndarray, lengths: np.ndarray, metric: str) -> Bytes:
    made = bytes_of(values, lengths)
    if metric not in TURNED:
        return made
    divisor = np.where(lengths > 0, lengths, 1.0)
    return replace(made, scales=(made.scales / divisor).astype(np.float32), lost=made.lost / divisor)


def _bounds(
    metric: str, floor: np.ndarray, own: np.ndarray, lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A number a query and a number a row, whose sum a product reaches where the score reaches the floor."""
    if metric in APART:  # |q - x|² = |q|² + |x|² - 2 q·x
        square = -floor if metric == "sqeuclidean" else np.square(floor)
        longest = float(own.max(initial=0.0) + lengths.max(initial=0.0))
        return (own**2 - square - _ROUNDING * longest**2) / 2, lengths**2 / 2
    if metric == "angular":
        floor = np.cos(np.pi * np.clip(-floor, 0.0, 1.0))
    slack = 1.0 if metric in TURNED else own * lengths.max(initial=0.0)
    return floor - _ROUNDING * slack, np.zeros(len(lengths))
