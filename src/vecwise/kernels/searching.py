"""The k best rows of one block for every query, exactly: a product in float32 chooses, float64 decides.

This module must not know any vecwise type. What chooses is in `candidates.py`, what decides in `pair_scores.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.kernels.arrays import is_sparse
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.candidates import is_tame, product_of, selector
from vecwise.kernels.native_select import best_of, library, postings
from vecwise.kernels.norms import row_norms
from vecwise.kernels.pair_scores import Sides, alike, clipped, exact_scores, sides_of
from vecwise.kernels.similarity import PAIRS, SIMILARITIES
from vecwise.kernels.topk import best

FAST: Final = ("cosine", "dot", "euclidean", "sqeuclidean")
_TILE: Final = 1 << 19  # scores of a tile: two megabytes of float32, which stay in a core's cache
NOTHING: Final = 1 << 62  # the place of a row that was left out
_FEW: Final = 8  # queries: measuring every row reads memory once, and so does a product
_SCORES: Final = 1 << 20  # scores held at a time by the way that measures every pair


class Found(NamedTuple):
    """Scores and places of every query, `(queries, k)`, best first; NaN is "no value" and comes last."""

    scores: np.ndarray
    places: np.ndarray


def best_rows(queries: Any, rows: Any, k: int, metric: str, floor: np.ndarray | None = None) -> Found:
    """Give the `min(k, rows)` best rows of a block for every query; similarities as they are, distances negative.

    Ties go to the earlier row. The result does not depend on which other queries and rows are in the block. With
    a `floor`, a score a query, rows below it may be left out: the place is then `NOTHING`.
    """
    k = min(k, rows.shape[0])
    if not k:
        nothing = (queries.shape[0], 0)
        return Found(np.zeros(nothing), np.zeros(nothing, np.int64))
    sparse = is_sparse(rows), is_sparse(queries)
    if metric in FAST and not any(sparse):
        return _chosen(np.ascontiguousarray(queries), np.ascontiguousarray(rows), k, metric, floor)
    if all(sparse) and metric in SIMILARITIES and library() is not None:
        return _by_postings(queries, rows, k, metric)
    return _every(queries, rows, k, metric)


def rows_within(
    queries: Any, rows: Any, metric: str, least: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give all rows whose score is at least `least` (of distances, the negative): queries, places and scores.

    Scores are those of `best_rows`, to the bit, ordered by query and place.
    """
    sparse = is_sparse(rows), is_sparse(queries)
    if metric in FAST and not any(sparse) and rows.shape[0]:
        sides = sides_of(np.ascontiguousarray(queries), np.ascontiguousarray(rows))
        query, place = _reaching(sides, metric, least)
        scores = exact_scores(sides, query, place, metric)
    else:
        table = np.concatenate([np.zeros((0, rows.shape[0])), *_scored(queries, rows, metric)])
        query, place = np.nonzero(table >= least)
        scores = table[query, place]
    keep = scores >= least
    return query[keep], place[keep], scores[keep]


def _reaching(sides: Sides, metric: str, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that may reach a score, by a product where lengths allow one, else all pairs."""
    if not (is_tame(sides.query_lengths) and is_tame(sides.row_lengths)):
        every = np.indices((len(sides.queries), len(sides.rows)))
        return every[0].ravel(), every[1].ravel()
    product = product_of(sides, metric, np.full(len(sides.queries), least))
    found = []
    width = max(64, min(4096, _TILE // max(1, len(product.asked))))
    with one_blas_thread, np.errstate(invalid="ignore"):
        for first in range(0, len(sides.rows), width):
            part = slice(first, first + width)
            made = product.asked @ np.ascontiguousarray(sides.rows[part], np.float32).T
            made = made if product.scale is None else made * product.scale[part]
            made = made if product.shift is None else made + product.shift[part]
            query, place = np.nonzero(made >= product.least[:, None])
            found.append((query, place + first))
    query, place = (np.concatenate(side) for side in zip(*found, strict=True))
    order = np.lexsort((place, query))
    return query[order], place[order]


# ---- every pair measured ----


def _every(queries: Any, rows: Any, k: int, metric: str) -> Found:
    places = np.arange(rows.shape[0])
    parts = [best(scores, places, k) for scores in _scored(queries, rows, metric)]
    return Found(*(np.concatenate(side) for side in zip(*parts, strict=True)))


def _scored(queries: Any, rows: Any, metric: str) -> Iterator[np.ndarray]:
    """Scores of all pairs, some queries at a time."""
    size = max(1, _SCORES // max(1, rows.shape[0]))
    for start in range(0, queries.shape[0], size):
        scores = PAIRS[metric](queries[start : start + size], rows)
        yield scores if metric in SIMILARITIES else np.negative(scores, out=scores)


# ---- sparse rows by their columns ----


def _by_postings(queries: Any, rows: Any, k: int, metric: str) -> Found:
    """Only the cells that both have are multiplied: the columns of a query lead to the rows that share them."""
    columns = rows.tocsc()
    columns.sort_indices()
    starts, places = columns.indptr.astype(np.int64), columns.indices.astype(np.int32)
    count = rows.shape[0]
    lengths = row_norms(rows, 2) if metric == "cosine" else None
    own = row_norms(queries, 2) if metric == "cosine" else None
    found = Found(np.full((queries.shape[0], k), np.nan), np.full((queries.shape[0], k), NOTHING))
    terms, weights = queries.indices.astype(np.int32), queries.data.astype(np.float64)
    for one in range(queries.shape[0]):
        part = slice(queries.indptr[one], queries.indptr[one + 1])
        scores = postings(starts, places, columns.data, count, terms[part], weights[part])
        if lengths is not None and own is not None:
            with np.errstate(invalid="ignore", divide="ignore"):
                scores = clipped(scores / own[one] / lengths, rows.shape[1])
        best_scores, best_places = best_of(scores, k)
        found.scores[one, : len(best_scores)], found.places[one, : len(best_places)] = (
            best_scores,
            best_places,
        )
        if len(best_places) < k:
            without = np.flatnonzero(np.isnan(scores))[: k - len(best_places)]
            found.places[one, len(best_places) : len(best_places) + len(without)] = without
    return found


# ---- candidates from a product, then exact scores ----


def _chosen(queries: np.ndarray, rows: np.ndarray, k: int, metric: str, floor: np.ndarray | None) -> Found:
    queries, rows = alike(queries, rows)
    few = len(queries) <= _FEW
    if (
        few and metric != "cosine"
    ):  # no length is asked for, and to measure them would read the rows once more
        nothing = np.zeros(0)
        sides = Sides(queries, rows, nothing, nothing)
    else:
        sides = sides_of(queries, rows)
    query = place = np.zeros(0, np.int64)
    lost = np.arange(len(queries))
    if not few and len(rows) > k and is_tame(sides.query_lengths) and is_tame(sides.row_lengths):
        query, place, lost = _candidates(sides, k, metric, floor)
    found = _decided(sides, query, place, k, metric)
    for one in lost.tolist():
        found.scores[one], found.places[one] = _measured(sides, one, k, metric)
    return found


def _measured(sides: Sides, one: int, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The k best rows of one query, each row measured."""
    count = len(sides.rows)
    scores = exact_scores(sides, np.full(count, one), np.arange(count), metric)
    best_scores, places = best(scores[None], np.arange(count), k) if library() is None else best_of(scores, k)
    missing = k - places.shape[-1]
    without = np.flatnonzero(np.isnan(scores))[:missing]
    return np.append(best_scores, np.full(missing, np.nan)), np.append(places, without)


def _candidates(
    sides: Sides, k: int, metric: str, floor: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of a query and a row that may be among its k best, and the queries for which there were too many."""
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


def _decided(sides: Sides, query: np.ndarray, place: np.ndarray, k: int, metric: str) -> Found:
    """The best k of the candidates by their exact scores, and rows without a score where there are too few."""
    count = len(sides.queries)
    scores = exact_scores(sides, query, place, metric)
    bare = np.isnan(scores)
    query, place, scores = query[~bare], place[~bare], scores[~bare]
    order = np.lexsort((place, -scores, query))
    query, place, scores = query[order], place[order], scores[order]
    starts = np.searchsorted(query, np.arange(count))
    rank = np.arange(len(query)) - starts[query]
    keep = rank < k
    best_scores, places = np.full((count, k), np.nan), np.full((count, k), NOTHING)
    best_scores[query[keep], rank[keep]] = scores[keep]
    places[query[keep], rank[keep]] = place[keep]
    _fill_in(places, sides, metric)
    return Found(best_scores, places)


def _fill_in(places: np.ndarray, sides: Sides, metric: str) -> None:
    """Rows that have no value stand behind those that have one, in their order."""
    if metric != "cosine":
        return
    zero = np.flatnonzero(sides.row_lengths == 0)
    for one in np.flatnonzero(places[:, -1] == NOTHING):
        free = np.flatnonzero(places[one] == NOTHING)
        without = np.arange(len(sides.rows)) if sides.query_lengths[one] == 0 else zero
        take = min(len(free), len(without))
        places[one, free[:take]] = without[:take]
