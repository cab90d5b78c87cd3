"""The k best rows of one block for every query, exactly: a product in float32 chooses, float64 decides.

This module must not know any vecwise type. What chooses is in `candidates.py`, what decides in `pair_scores.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.kernels.arrays import is_sparse
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.byte_candidates import reaching_floor
from vecwise.kernels.candidates import is_tame, product_of, selector
from vecwise.kernels.native_select import best_of, library
from vecwise.kernels.norms import row_norms
from vecwise.kernels.pair_scores import TURNED, Sides, alike, exact_scores, sides_of
from vecwise.kernels.similarity import PAIRS, SIMILARITIES
from vecwise.kernels.sparse_search import (
    SparseSides,
    every_pair,
    sparse_candidates,
    sparse_reaching,
    sparse_scores,
    sparse_sides,
)
from vecwise.kernels.topk import best

FAST: Final = ("cosine", "dot", "angular", "euclidean", "sqeuclidean")
_TILE: Final = 1 << 19  # scores of a tile: two megabytes of float32, which stay in a core's cache
NOTHING: Final = 1 << 62  # the place of a row that was left out
FEW: Final = 3  # queries: measuring every row reads memory once, and so does a product
_NEAR_BYTES: Final = 1 << 19  # of rows, which stay in a core's cache
_SCORES: Final = 1 << 20  # scores held at a time by the way that measures every pair


class Found(NamedTuple):
    """Scores and places of every query, `(queries, k)`, best first; NaN is "no value" and comes last."""

    scores: np.ndarray
    places: np.ndarray


def best_rows(
    queries: Any, rows: Any, k: int, metric: str, floor: np.ndarray | None = None, p: float = 2.0
) -> Found:
    """Give the `min(k, rows)` best rows of a block for every query; similarities as they are, distances negative.

    Ties go to the earlier row. The result does not depend on which other queries and rows are in the block. With
    a `floor`, a score a query, rows below it may be left out: the place is then `NOTHING`.
    """
    k = min(k, rows.shape[0])
    if not k:
        nothing = (queries.shape[0], 0)
        return Found(np.zeros(nothing), np.zeros(nothing, np.int64))
    if metric not in FAST:
        return _every(queries, rows, k, metric, p)
    queries = _like(queries, rows)
    if is_sparse(rows):
        sparse = sparse_sides(queries, rows)
        return _found(sparse, *sparse_candidates(sparse, k, metric, floor), k, metric)
    queries, rows = alike(np.ascontiguousarray(queries), np.ascontiguousarray(rows))
    if len(queries) <= FEW:
        return _few(queries, rows, k, metric)
    sides = sides_of(queries, rows)
    if floor is not None:
        pairs = reaching_floor(sides, metric, floor)
        if pairs is not None:
            return _above(sides, *pairs, k, metric, floor)
    return _found(sides, *_candidates(sides, k, metric, floor), k, metric)


def _like(queries: Any, rows: Any) -> Any:
    """Queries as the rows are: sparse, or dense."""
    if is_sparse(queries) == is_sparse(rows):
        return queries
    if is_sparse(queries):
        return np.ascontiguousarray(queries.toarray())
    from scipy.sparse import csr_array

    return csr_array(queries)


def rows_within(
    queries: Any, rows: Any, metric: str, least: float, p: float = 2.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give all rows whose score is at least `least` (of distances, the negative): queries, places and scores.

    Scores are those of `best_rows`, to the bit, ordered by query and place.
    """
    found, size = [], max(1, _SCORES // max(1, rows.shape[0]))
    queries = _like(queries, rows) if metric in FAST else queries
    for start in range(0, queries.shape[0], size):
        query, place, scores = _group_within(queries[start : start + size], rows, metric, least, p)
        keep = scores >= least
        found.append((query[keep] + start, place[keep], scores[keep]))
    query, place, scores = (np.concatenate(side) for side in zip(*found, strict=True))
    return query, place, scores


def _group_within(queries: Any, rows: Any, metric: str, least: float, p: float) -> tuple[np.ndarray, ...]:
    """Pairs of some queries and all rows, by query and place, that may reach a score, and their scores."""
    if metric not in FAST or not rows.shape[0]:
        table = next(_scored(queries, rows, metric, p))
        query, place = np.nonzero(table >= least)
        return query, place, table[query, place]
    if is_sparse(rows):
        sparse = sparse_sides(queries, rows)
        query, place = sparse_reaching(sparse, metric, least)
        return query, place, sparse_scores(sparse, query, place, metric)
    sides = sides_of(np.ascontiguousarray(queries), np.ascontiguousarray(rows))
    query, place = _reaching(sides, metric, least)
    return query, place, exact_scores(sides, query, place, metric)


def _reaching(sides: Sides, metric: str, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that may reach a score, by a product where lengths allow one, else all pairs."""
    if not (is_tame(sides.query_lengths) and is_tame(sides.row_lengths)):
        return every_pair(len(sides.queries), len(sides.rows))
    product = product_of(sides, metric, np.full(len(sides.queries), least))
    with one_blas_thread, np.errstate(invalid="ignore"):
        made = product.asked @ np.ascontiguousarray(sides.rows, np.float32).T
        made = made if product.scale is None else made * product.scale
        made = made if product.shift is None else made + product.shift
        query, place = np.nonzero(made >= product.least[:, None])
    return query, place


# ---- every pair measured ----


def _every(queries: Any, rows: Any, k: int, metric: str, p: float) -> Found:
    places = np.arange(rows.shape[0])
    parts = [best(scores, places, k) for scores in _scored(queries, rows, metric, p)]
    return Found(*(np.concatenate(side) for side in zip(*parts, strict=True)))


def _scored(queries: Any, rows: Any, metric: str, p: float) -> Iterator[np.ndarray]:
    """Scores of all pairs, some queries at a time."""
    size = max(1, _SCORES // max(1, rows.shape[0]))
    for start in range(0, queries.shape[0], size):
        scores = PAIRS[metric](queries[start : start + size], rows, p=p)
        yield scores if metric in SIMILARITIES else np.negative(scores, out=scores)


# ---- candidates from a product, then exact scores ----


def _few(queries: np.ndarray, rows: np.ndarray, k: int, metric: str) -> Found:
    """Every row measured, and read from memory once: a block is still in the cache when it is measured again."""
    lengths = row_norms(queries, 2)
    scores = np.empty((len(queries), len(rows)))
    once = len(queries) == 1 and metric not in TURNED
    size = len(rows) if once else max(1, _NEAR_BYTES // (rows.shape[1] * rows.itemsize))
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        sides = Sides(queries, block, lengths, row_norms(block, 2) if metric in TURNED else lengths[:0])
        place = np.arange(len(block))
        for one in range(len(queries)):
            scores[one, start : start + size] = _scores(sides, np.full(len(block), one), place, metric)
    found = [_best_of_all(line, k) for line in scores]
    return Found(*(np.stack(side) for side in zip(*found, strict=True)))


def _above(
    sides: Sides, query: np.ndarray, place: np.ndarray, k: int, metric: str, floor: np.ndarray
) -> Found:
    """The best k of the pairs that reach the floor; there is no row without a score among the best then."""
    scores = exact_scores(sides, query, place, metric)
    keep = scores >= floor[query]
    return _ranked(len(floor), query[keep], place[keep], scores[keep], k)


def _found(
    sides: Sides | SparseSides, query: np.ndarray, place: np.ndarray, lost: np.ndarray, k: int, metric: str
) -> Found:
    """The best k of the candidates; of all rows for the queries whose candidates were lost."""
    found = _decided(sides, query, place, k, metric)
    for one in lost.tolist():
        found.scores[one], found.places[one] = _measured(sides, one, k, metric)
    return found


def _scores(sides: Sides | SparseSides, query: np.ndarray, place: np.ndarray, metric: str) -> np.ndarray:
    score: Any = sparse_scores if isinstance(sides, SparseSides) else exact_scores
    return np.asarray(score(sides, query, place, metric))


def _measured(sides: Sides | SparseSides, one: int, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The k best rows of one query, each row measured."""
    count = sides.rows.shape[0]
    return _best_of_all(_scores(sides, np.full(count, one), np.arange(count), metric), k)


def _best_of_all(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best of the scores of all rows; those that have none come last, in their order."""
    if library() is None:
        made, places = best(scores[None], np.arange(len(scores)), k)
        return made[0], places[0]
    made, places = best_of(scores, k)
    missing = k - len(places)
    without = np.flatnonzero(np.isnan(scores))[:missing] if missing else places[:0]
    return np.append(made, np.full(missing, np.nan)), np.append(places, without)


def _candidates(
    sides: Sides, k: int, metric: str, floor: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of a query and a row that may be among its k best, and the queries for which there were too many."""
    nothing, tame = np.zeros(0, np.int64), is_tame(sides.query_lengths) and is_tame(sides.row_lengths)
    if len(sides.rows) <= k or not tame:
        return nothing, nothing, np.arange(len(sides.queries))
    product = product_of(sides, metric, floor)
    chosen = selector(k, product)
    width = max(64, min(4096, _TILE // max(1, len(product.asked))))
    tile = np.empty((len(product.asked), width), np.float32)
    with one_blas_thread, np.errstate(invalid="ignore"):
        for first in range(0, len(sides.rows), width):
            part = slice(first, min(first + width, len(sides.rows)))
            columns = np.ascontiguousarray(sides.rows[part], np.float32)
            whole = len(columns) == width
            made = np.matmul(product.asked, columns.T, out=tile if whole else None)
            chosen.look(made, first, *(None if side is None else side[part] for side in product[1:3]))
    return chosen.found()


def _decided(sides: Sides | SparseSides, query: np.ndarray, place: np.ndarray, k: int, metric: str) -> Found:
    """The best k of the candidates by their exact scores, and rows without a score where there are too few."""
    count = sides.queries.shape[0]
    scores = _scores(sides, query, place, metric)
    bare = np.isnan(scores)
    found = _ranked(count, query[~bare], place[~bare], scores[~bare], k)
    _fill_in(found.places, sides, metric)
    return found


def _ranked(count: int, query: np.ndarray, place: np.ndarray, scores: np.ndarray, k: int) -> Found:
    """The best k of each query's pairs, ties by place."""
    order = np.lexsort((place, -scores, query))
    query, place, scores = query[order], place[order], scores[order]
    starts = np.searchsorted(query, np.arange(count))
    rank = np.arange(len(query)) - starts[query]
    keep = rank < k
    best_scores, places = np.full((count, k), np.nan), np.full((count, k), NOTHING)
    best_scores[query[keep], rank[keep]] = scores[keep]
    places[query[keep], rank[keep]] = place[keep]
    return Found(best_scores, places)


def _fill_in(places: np.ndarray, sides: Sides | SparseSides, metric: str) -> None:
    """Rows that have no value stand behind those that have one, in their order."""
    if metric not in TURNED:
        return
    zero = np.flatnonzero(sides.row_lengths == 0)
    for one in np.flatnonzero(places[:, -1] == NOTHING):
        free = np.flatnonzero(places[one] == NOTHING)
        without = np.arange(sides.rows.shape[0]) if sides.query_lengths[one] == 0 else zero
        take = min(len(free), len(without))
        places[one, free[:take]] = without[:take]
