"""Scores of single pairs of rows in float64, to bits that depend on the two rows alone.

This module must not know any vecwise type. A search compares only such scores, so that no cut of the rows can matter.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vecwise.kernels.native_select import dots_with_all, exact_dots, library
from vecwise.kernels.norms import row_norms
from vecwise.kernels.similarity import PAIRS


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
    query, place = np.ascontiguousarray(query, np.int64), np.ascontiguousarray(place, np.int64)
    alone = len(query) == len(sides.rows) and library() is not None and (query == query[0]).all()
    if alone:
        made = dots_with_all(sides.queries[query[0]], sides.rows, apart=apart)
    else:
        made = pair_products(sides.queries, sides.rows, query, place, apart=apart)
    if metric == "cosine":
        left, right = sides.query_lengths[query], sides.row_lengths[place]
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            made = made / left / right
        wild = (
            ~((left > 1e-100) & (left < 1e100) & (right > 1e-100) & (right < 1e100))
            & (left > 0)
            & (right > 0)
        )
        if wild.any():
            made[wild] = _one_by_one(sides, query[wild], place[wild], metric)
        made[(left == 0) | (right == 0)] = np.nan
        return clipped(made, sides.rows.shape[1])
    if apart:
        lost = ~((made > 1e-280) & (made < 1e280)) & (made != 0)
        tiny = made == 0
        made = -made if metric == "sqeuclidean" else -np.sqrt(made)
        again = lost | (tiny & (query >= 0) & _differ(sides, query, place, tiny))
        if again.any():
            made[again] = -_one_by_one(sides, query[again], place[again], metric)
    return made


def _differ(sides: Sides, query: np.ndarray, place: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Which of the pairs at distance zero are not equal: their squares vanished."""
    found = np.zeros(len(query), bool)
    at = np.flatnonzero(where)
    found[at] = [not np.array_equal(sides.queries[query[i]], sides.rows[place[i]]) for i in at]
    return found


def _one_by_one(sides: Sides, query: np.ndarray, place: np.ndarray, metric: str) -> np.ndarray:
    compare = PAIRS[metric]
    return np.array(
        [compare(sides.queries[[q]], sides.rows[[p]])[0, 0] for q, p in zip(query, place, strict=True)]
    )


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
    if library() is not None:
        return exact_dots(A, B, left, right, apart=apart)
    made = np.empty(len(left))
    size = max(1, (1 << 18) // A.shape[1])
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
