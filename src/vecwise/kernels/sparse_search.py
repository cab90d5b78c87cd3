"""Sparse rows that may be among the best of sparse queries, and the scores that decide between them.

This module must not know any vecwise type. Only cells whose column both sides have are multiplied: in float32 to
choose, where a sum of n products is off by at most n + 8 roundings of the lengths, and in float64 to decide. Rows that
share no column with a query have the product 0 exactly; of these, the first k are candidates, whatever it is k of.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.kernels.arrays import dense
from vecwise.kernels.candidates import Product, is_tame, least_of, selector
from vecwise.kernels.native_postings import Cells, Postings, library, sparse_dots, sparse_squares
from vecwise.kernels.norm_lanes import LANES
from vecwise.kernels.norms import row_norms
from vecwise.kernels.pair_scores import APART, TURNED, lengths_of, some_pairs, turned

_SAFE: Final = (1e-280, 1e280)  # sums of squares that neither overflowed nor lost what matters
_UNIT: Final = 2.0**-24  # half a unit in the last place of float32
_GROUP_SCORES: Final = 1 << 19  # scores held at a time
_SEPARATE: Final = 8  # sums that products are added to, by the column's number


class SparseSides(NamedTuple):
    """Queries and rows as CSR arrays, as cells, and their lengths in float64."""

    queries: Any
    rows: Any
    asked: Cells
    cells: Cells
    query_lengths: np.ndarray
    row_lengths: np.ndarray


def sparse_sides(queries: Any, rows: Any) -> SparseSides:
    """Give both sides with their lengths."""
    asked, cells = Cells.of(queries), Cells.of(rows)
    return SparseSides(queries, rows, asked, cells, _lengths(queries, asked), _lengths(rows, cells))


def _lengths(rows: Any, cells: Cells) -> np.ndarray:
    """Euclidean lengths, to the bits that `row_norms` gives of the dense rows: cells add up by their column."""
    with np.errstate(over="ignore", under="ignore"):
        if library() is not None:
            squares = sparse_squares(cells)
        else:
            lane = np.repeat(np.arange(cells.rows), np.diff(cells.starts)) * LANES + cells.columns % LANES
            lanes = np.bincount(lane, np.square(cells.data), cells.rows * LANES).reshape(-1, LANES)
            for half in (8, 4, 2, 1):
                lanes = lanes[:, :half] + lanes[:, half : 2 * half]
            squares = lanes[:, 0]
        made = np.sqrt(squares)
    extreme = np.flatnonzero(~((squares > _SAFE[0]) & (squares < _SAFE[1])) & (np.diff(cells.starts) > 0))
    for part in some_pairs(len(extreme), rows.shape[1]):
        made[extreme[part]] = row_norms(dense(rows[extreme[part]]), 2)
    return made


def sparse_candidates(
    sides: SparseSides, k: int, metric: str, floor: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of a query and a row that may be among its k best, and the queries for which there were too many."""
    product = _product_of(sides, metric, floor)
    if product is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.arange(len(sides.query_lengths))
    live = np.flatnonzero(sides.row_lengths > 0) if metric in TURNED else np.arange(len(sides.row_lengths))
    if not len(live):
        return (np.zeros(0, np.int64),) * 3
    rows = sides.rows if len(live) == len(sides.row_lengths) else sides.rows[live]
    lengths = sides.row_lengths[live]
    if metric not in TURNED:
        lengths = np.full(len(live), lengths.max() or 1.0 if metric == "dot" else 1.0)
    multiply = _products(Cells.of(rows), lengths, sides.asked, rows.shape[1])
    bare = min(k, len(live)) if metric not in APART else 0
    size = max(1, _GROUP_SCORES // len(live))
    parts = []
    for start in range(0, len(product.slack), size):
        stop = min(start + size, len(product.slack))
        scores, query, place = multiply(start, stop, product.asked, bare)
        part = slice(start, stop)
        some = product._replace(slack=product.slack[part], least=product.least[part])
        chosen = selector(min(k, len(live)), some)
        chosen.look(scores, 0, None, product.shift)
        more, places, lost = chosen.found()
        parts.append((np.append(query, more) + start, np.append(place, places), lost + start))
    query, place, lost = (np.concatenate(side) for side in zip(*parts, strict=True))
    keep = ~np.isin(query, lost)
    return query[keep], live[place[keep]], lost


def sparse_reaching(sides: SparseSides, metric: str, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a query and a row that may reach a score, by query and place."""
    product = _product_of(sides, metric, None)
    count = sides.queries.shape[0], sides.rows.shape[0]
    if product is None or metric not in TURNED:
        return every_pair(*count)
    lengths = np.where(sides.row_lengths > 0, sides.row_lengths, 1.0)
    multiply = _products(sides.cells, lengths, sides.asked, sides.rows.shape[1])
    made = multiply(0, count[0], product.asked, 1)[0]
    if metric == "angular":
        least = np.cos(np.pi * np.clip(-least, 0.0, 1.0))
    query, place = np.nonzero((made >= least - product.slack[:, None]) | (np.isnan(made) & (least <= 0)))
    return query, place


def every_pair(queries: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs, by query and row."""
    return np.repeat(np.arange(queries), rows), np.tile(np.arange(rows), queries)


def _product_of(sides: SparseSides, metric: str, floor: np.ndarray | None) -> Product | None:
    """What the products are made of; none where float32 cannot hold what they add up to."""
    own, longest = sides.query_lengths, float(sides.row_lengths.max(initial=0.0))
    filled = np.diff(sides.asked.starts)
    shared = np.minimum(filled, np.diff(sides.cells.starts).max(initial=0))
    slack = 2 * 1.01 * (shared + 8) * _UNIT
    shift, divisor = None, np.where(own > 0, own, 1.0)
    if metric in APART:  # the nearest row has the largest 2 q·x - |x|²
        if not (is_tame(own) and is_tame(sides.row_lengths)):
            return None
        shift = -np.square(sides.row_lengths).astype(np.float32)
        slack *= 2 * own * longest + longest**2 + own**2
        divisor = np.full(len(own), 0.5)
    asked = (sides.asked.data / np.repeat(divisor, filled)).astype(np.float32)
    unit = np.where(own > 0, own, 1.0) * (longest or 1.0) if metric == "dot" else 1.0
    slack = (1.001 * slack).astype(np.float32)
    return Product(asked, None, shift, slack, least_of(floor, metric, own, unit) - slack)


def _products(rows: Cells, lengths: np.ndarray, asked: Cells, width: int) -> Any:
    """Give what multiplies the queries from one number to another: products, and the first rows that share nothing."""
    if library() is not None:
        postings = Postings(rows, lengths, asked, width)

        def compiled(start: int, stop: int, data: np.ndarray, k: int) -> tuple[np.ndarray, ...]:
            made = np.empty((stop - start, rows.rows), np.float32)
            # The slots of all queries lie one behind the other, so offsets count from the first of them.
            query, place = postings.products(asked.starts[start : stop + 1], data, k, made)
            return made, query, place

        return compiled
    from scipy.sparse import csr_array

    scaled = rows.data / np.repeat(lengths, np.diff(rows.starts))
    columns = csr_array((scaled, rows.columns, rows.starts), shape=(rows.rows, width)).T
    # SciPy leaves out sums that are zero, and products that cancel are not those of rows that share nothing.
    there = csr_array(
        (np.ones(len(rows.data), np.float32), rows.columns, rows.starts), shape=(rows.rows, width)
    ).T

    def plain(start: int, stop: int, data: np.ndarray, k: int) -> tuple[np.ndarray, ...]:
        part = slice(asked.starts[start], asked.starts[stop])
        offsets = asked.starts[start : stop + 1] - asked.starts[start]
        some = csr_array(
            (data[part].astype(np.float64), asked.columns[part], offsets), shape=(stop - start, width)
        )
        found = (some @ columns).tocsr()
        made = np.zeros((stop - start, rows.rows), np.float32)
        if k:
            shared = (
                csr_array((np.ones(len(some.data), np.float32), some.indices, some.indptr), shape=some.shape)
                @ there
            )
            made[~(shared.toarray() > 0)] = np.nan
        made[np.repeat(np.arange(stop - start), np.diff(found.indptr)), found.indices] = found.data
        firsts = [np.flatnonzero(np.isnan(line))[:k] for line in made]
        query = np.repeat(np.arange(stop - start), list(map(len, firsts)))
        return made, query, np.concatenate(firsts)

    return plain


def sparse_scores(sides: SparseSides, query: np.ndarray, place: np.ndarray, metric: str) -> np.ndarray:
    """Scores in float64 that depend on the two rows alone, to the bits of `exact_scores` of the same rows."""
    apart = metric in APART
    query, place = np.ascontiguousarray(query, np.int64), np.ascontiguousarray(place, np.int64)
    dots = sparse_dots if library() is not None else _plain_dots
    with np.errstate(over="ignore", invalid="ignore"):
        made = dots(sides.asked, sides.cells, query, place, apart=apart)
    if apart:
        return -lengths_of(made, sides.queries, sides.rows, query, place, squared=metric == "sqeuclidean")
    return made if metric == "dot" else turned(made, sides, query, place, metric)


def _plain_dots(a: Cells, b: Cells, left: np.ndarray, right: np.ndarray, *, apart: bool) -> np.ndarray:
    """What `sparse_dots` gives, in the same order of adding: by column within each of eight sums."""
    made = np.empty(len(left))
    size = max(1, (1 << 20) // (1 + int(np.diff(a.starts).max(initial=0) + np.diff(b.starts).max(initial=0))))
    for start in range(0, len(left), size):
        part = slice(start, start + size)
        sides = [_cells_of(a, left[part], 1.0), _cells_of(b, right[part], -1.0 if apart else 1.0)]
        pair, column, value, side = (np.concatenate(both) for both in zip(*sides, strict=True))
        order = np.lexsort((side, column, pair))
        pair, column, value = pair[order], column[order], value[order]
        first = np.r_[True, (pair[1:] != pair[:-1]) | (column[1:] != column[:-1])][: len(pair)]
        starts = np.flatnonzero(first)
        both = np.diff(np.append(starts, len(pair))) == 2
        one, other = value[starts], np.where(both, value[np.minimum(starts + 1, len(value) - 1)], 0.0)
        terms = np.square(one + other) if apart else np.where(both, one * other, 0.0)
        where = pair[starts] * _SEPARATE + column[starts] % _SEPARATE
        s = np.bincount(where, terms, (len(left[part])) * _SEPARATE).reshape(-1, _SEPARATE).T
        made[part] = ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]))
    return made


def _cells_of(cells: Cells, rows: np.ndarray, sign: float) -> tuple[np.ndarray, ...]:
    """The cells of these rows one behind the other: which of the rows, columns, values, and the sign as a mark."""
    lengths = np.diff(cells.starts)[rows]
    pair = np.repeat(np.arange(len(rows)), lengths)
    before = np.repeat(np.cumsum(lengths) - lengths - cells.starts[rows], lengths)
    at = np.arange(len(pair)) - before
    return pair, cells.columns[at], sign * cells.data[at], np.full(len(pair), sign < 0)
