"""Scores of single pairs of rows in float64, to bits that depend on the two rows alone.

This module must not know any vecwise type. A search compares only such scores, so that no cut of the rows can matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.kernels.arrays import dense
from vecwise.kernels.native_select import dots_with_all, exact_dots, library
from vecwise.kernels.norms import row_norms, scale_rows, unit_rows

APART: Final = ("euclidean", "sqeuclidean")
TURNED: Final = ("cosine", "angular")  # no length matters, and a zero row has no value
_PARALLEL: Final = 0.9  # a cosine beyond which an angle is taken from the difference of the unit rows
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
    """Scores in float64 that depend on the two rows alone, larger is better."""
    if metric in APART:
        return -apart_by(sides.queries, sides.rows, query, place, squared=metric == "sqeuclidean")
    made = pair_products(sides.queries, sides.rows, query, place, apart=False)
    return made if metric == "dot" else turned(made, sides, query, place, metric)


def turned(made: np.ndarray, sides: Any, query: np.ndarray, place: np.ndarray, metric: str) -> np.ndarray:
    """Give cosines, or angles as negative distances, from the products of pairs; `sides` may be sparse."""
    left, right = sides.query_lengths[query], sides.row_lengths[place]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        made = made / left / right
    wild = np.flatnonzero((left > 0) & (right > 0) & ~(_is_safe(left) & _is_safe(right)))
    for part in some_pairs(len(wild), sides.rows.shape[1]):
        at = wild[part]
        made[at] = _cosines_of_wild(sides, query[at], place[at])
    made[(left == 0) | (right == 0)] = np.nan
    made = clipped(made, sides.rows.shape[1])
    return made if metric == "cosine" else -_angles(made, sides, query, place)


def _angles(cosines: np.ndarray, sides: Any, query: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Cosines as angles in half turns. Near 0 and 1 a cosine has lost half of an angle's digits, and the difference of
    the unit rows has not: it is twice the sine of half the angle."""
    with np.errstate(invalid="ignore"):
        near = np.flatnonzero(np.abs(cosines) > _PARALLEL)
        angles = np.arccos(cosines) / np.pi
    for part in some_pairs(len(near), sides.rows.shape[1]):
        at = near[part]
        a, b = (
            unit_rows(dense(rows[which]), 2)[0]
            for rows, which in ((sides.queries, query[at]), (sides.rows, place[at]))
        )
        sign = np.sign(cosines[at])
        apart = np.sqrt(in_eights(np.square(a - sign[:, None] * b)))
        turns = 2 * np.arcsin(np.minimum(apart / 2, 1.0)) / np.pi
        angles[at] = np.where(sign > 0, turns, 1 - turns)
    return angles


def some_pairs(count: int, dim: int) -> Iterator[slice]:
    """Slices of pairs whose cells take two megabytes."""
    size = max(1, _GATHERED // dim)
    for start in range(0, count, size):
        yield slice(start, start + size)


def _are_all_rows(query: np.ndarray, place: np.ndarray, rows: int) -> bool:
    return len(query) == rows and bool((query == query[0]).all() and (place == np.arange(rows)).all())


def _is_safe(lengths: np.ndarray) -> np.ndarray:
    return (lengths > _SAFE[0]) & (lengths < _SAFE[1])


def _cosines_of_wild(sides: Any, query: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Cosines of rows whose products could overflow or vanish: of the rows at length 1."""
    own, asked = np.unique(query, return_inverse=True)
    others, found = np.unique(place, return_inverse=True)
    a, b = (scale_rows(dense(x), 2) for x in (sides.queries[own], sides.rows[others]))
    made = pair_products(a, b, asked.astype(np.int64), found.astype(np.int64), apart=False)
    return made / row_norms(a, 2)[asked] / row_norms(b, 2)[found]


def apart_by(
    A: np.ndarray, B: np.ndarray, left: np.ndarray, right: np.ndarray, *, squared: bool = False
) -> np.ndarray:
    """Give the Euclidean distance of row `left[i]` of A and `right[i]` of B, right for every finite row."""
    return lengths_of(pair_products(A, B, left, right, apart=True), A, B, left, right, squared=squared)


def lengths_of(
    made: np.ndarray, A: Any, B: Any, left: np.ndarray, right: np.ndarray, *, squared: bool
) -> np.ndarray:
    """Give distances from the squares of pairs, those taken again that vanished or overflowed."""
    extreme = np.flatnonzero(
        ~((made > 1e-280) & (made < 1e280))
    )  # zero, or squares that vanished or overflowed
    made = made if squared else np.sqrt(made)
    with np.errstate(over="ignore", under="ignore"):
        for part in some_pairs(len(extreme), B.shape[1]):
            at = extreme[part]
            again = row_norms(dense(A[left[at]]) - dense(B[right[at]]), 2)
            made[at] = again * again if squared else again
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
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for part in some_pairs(len(left), A.shape[1]):
            a, b = A[left[part]].astype(np.float64), B[right[part]].astype(np.float64)
            terms = np.square(a - b) if apart else a * b
            made[part] = in_eights(terms)
    return made


def in_eights(terms: np.ndarray) -> np.ndarray:
    """Add up rows: eight sums side by side, one term after the other, which the compiled kernels keep too."""
    pairs, dim = terms.shape
    whole = dim - dim % 8
    eights = np.ascontiguousarray(terms)[:, :whole].reshape(pairs, whole // 8, 8)
    sums = np.einsum("nml->nl", eights)  # along an axis that is not the last, it adds in order
    sums[:, : dim - whole] += terms[:, whole:]
    s = [sums[:, j] for j in range(8)]
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))
