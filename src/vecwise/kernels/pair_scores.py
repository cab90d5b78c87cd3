"""Scores of single pairs of rows in float64, to bits that depend on the two rows alone.

This module must not know any vecwise type. A search compares only such scores, so that no cut of the rows can matter.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from vecwise.kernels.native_select import dots_with_all, exact_dots, library
from vecwise.kernels.norms import row_norms, scale_rows

_SAFE: Final = (1e-100, 1e100)  # lengths whose products neither overflow nor vanish
_GATHERED: Final = 1 << 18  # cells of rows gathered at a time: 2 MB


class Sides(NamedTuple):
    """Queries and rows of one type and their lengths in float64."""

    queries: np.ndarray
    rows: np.ndarray
    query_lengths: np.ndarray
    row_lengths: np.ndarray


def alike(queries: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give both as one type: float64 where they differ."""
    if queries.dtype == rows.dtype:
        return queries, rows
    return queries.astype(np.float64), rows.astype(np.float64)


def sides_of(queries: np.ndarray, rows: np.ndarray) -> Sides:
    """Give queries and rows of one type with their lengths."""
    queries, rows = alike(queries, rows)
    return Sides(queries, rows, row_norms(queries, 2), row_norms(rows, 2))


def exact_scores(sides: Sides, query: np.ndarray, place: np.ndarray, metric: str) -> np.ndarray:
    """Scores in float64 that depend on the two rows alone."""
    apart = metric in ("euclidean", "sqeuclidean")
    if apart:
        squared = metric == "sqeuclidean"
        return -apart_by(sides.queries, sides.rows, query, place, squared=squared)
    made = pair_products(sides.queries, sides.rows, query, place, apart=False)
    if metric == "cosine":
        left, right = sides.query_lengths[query], sides.row_lengths[place]
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            made = made / left / right
        wild = (left > 0) & (right > 0) & ~(_is_safe(left) & _is_safe(right))
        if wild.any():
            made[wild] = _cosines_of_wild(sides, query[wild], place[wild])
        made[(left == 0) | (right == 0)] = np.nan
        return clipped(made, sides.rows.shape[1])
    return made


def _are_all_rows(query: np.ndarray, place: np.ndarray, rows: int) -> bool:
    return len(query) == rows and bool((query == query[0]).all() and (place == np.arange(rows)).all())


def _is_safe(lengths: np.ndarray) -> np.ndarray:
    return (lengths > _SAFE[0]) & (lengths < _SAFE[1])


def _cosines_of_wild(sides: Sides, query: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Cosines of rows whose products could overflow or vanish: of the rows at length 1."""
    own, asked = np.unique(query, return_inverse=True)
    others, found = np.unique(place, return_inverse=True)
    a, b = (scale_rows(x.astype(np.float64), 2) for x in (sides.queries[own], sides.rows[others]))
    made = pair_products(a, b, asked.astype(np.int64), found.astype(np.int64), apart=False)
    return made / row_norms(a, 2)[asked] / row_norms(b, 2)[found]


def apart_by(
    A: np.ndarray, B: np.ndarray, left: np.ndarray, right: np.ndarray, *, squared: bool = False
) -> np.ndarray:
    """Give the Euclidean distance of row `left[i]` of A and `right[i]` of B, right for every finite row."""
    made = pair_products(A, B, left, right, apart=True)
    extreme = np.flatnonzero(
        ~((made > 1e-280) & (made < 1e280))
    )  # zero, or squares that vanished or overflowed
    made = made if squared else np.sqrt(made)
    size = max(1, _GATHERED // B.shape[1])
    with np.errstate(over="ignore", under="ignore"):
        for start in range(0, len(extreme), size):
            part = extreme[start : start + size]
            again = row_norms(A[left[part]].astype(np.float64) - B[right[part]], 2)
            made[part] = again * again if squared else again
    return made


def clipped(made: np.ndarray, dim: int) -> np.ndarray:
    """A cosine within rounding of 1 or -1 is that."""
    rounding = (16 + dim) * np.finfo(np.float64).eps
    np.clip(made, -1.0, 1.0, out=made)
    made[made >= 1 - rounding] = 1.0
    made[made <= rounding - 1] = -1.0
    return made


def pair_products(
    A: np.ndarray, B: np.ndarray, left: np.ndarray, right: np.ndarray, *, apart: bool
) -> np.ndarray:
    """Give inner products (or squared distances) of pairs of rows: eight float64 sums in a fixed order.

    The relative error is below `(dim / 8 + 3)` units in the last place of the sum of magnitudes.
    """
    if A.dtype != B.dtype:
        A, B = A.astype(np.float64), B.astype(np.float64)
    left, right = np.ascontiguousarray(left, np.int64), np.ascontiguousarray(right, np.int64)
    if library() is not None:
        if len(left) and _are_all_rows(left, right, len(B)):
            return dots_with_all(A[left[0]], B, apart=apart)
        return exact_dots(A, B, left, right, apart=apart)
    made = np.empty(len(left))
    size = max(1, _GATHERED // A.shape[1])
    with np.errstate(over="ignore"):
        for start in range(0, len(left), size):
            part = slice(start, start + size)
            a, b = A[left[part]].astype(np.float64), B[right[part]].astype(np.float64)
            terms = np.square(a - b) if apart else a * b
            made[part] = _in_eights(terms)
    return made


def _in_eights(terms: np.ndarray) -> np.ndarray:
    pairs, dim = terms.shape
    padded = np.zeros((pairs, -(-dim // 8) * 8))
    padded[:, :dim] = terms
    sums = np.zeros((pairs, 8))
    for start in range(0, padded.shape[1], 8):
        sums += padded[:, start : start + 8]
    s = [sums[:, j] for j in range(8)]
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))
