"""The k best rows of one block for every query, exactly: a product in float32 chooses, float64 decides.

This module must not know any vecwise type. A product of float32 is off by at most `gamma` times the lengths of both
rows, whatever order it is summed in (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1); rows
that could be among the k best within that are measured again in float64, and only those scores are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.kernels.arrays import is_sparse
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.native_select import Candidates, best_of, dots_with_all, exact_dots, library, postings
from vecwise.kernels.norms import row_norms
from vecwise.kernels.similarity import PAIRS, SIMILARITIES
from vecwise.kernels.topk import best

FAST: Final = ("cosine", "dot", "euclidean", "sqeuclidean")
_TILE: Final = 1 << 19  # scores of a tile: two megabytes of float32, which stay in a core's cache
_SAFE: Final = (1e-12, 1e12)  # lengths whose float32 products neither overflow nor vanish
_UNIT: Final = 2.0**-24  # half a unit in the last place of float32
NOTHING: Final = 1 << 62  # the place of a row that was left out
_FEW: Final = 8  # queries: measuring every row reads memory once, and so does a product
_ROOM: Final = 8  # places for candidates, times k
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
        sides = _sides(np.ascontiguousarray(queries), np.ascontiguousarray(rows))
        query, place = _reaching(sides, metric, least)
        scores = _exact(sides, query, place, metric)
    else:
        table = np.concatenate([np.zeros((0, rows.shape[0])), *_scored(queries, rows, metric)])
        query, place = np.nonzero(table >= least)
        scores = table[query, place]
    keep = scores >= least
    return query[keep], place[keep], scores[keep]


def _reaching(sides: _Sides, metric: str, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that may reach a score, by a product where lengths allow one, else all pairs."""
    if not (_is_tame(sides.query_lengths) and _is_tame(sides.row_lengths)):
        every = np.indices((len(sides.queries), len(sides.rows)))
        return every[0].ravel(), every[1].ravel()
    product = _product(sides, metric, np.full(len(sides.queries), least))
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
                scores = _clipped(scores / own[one] / lengths, rows.shape[1])
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


class _Sides(NamedTuple):
    """Queries and rows of one type and their lengths in float64."""

    queries: np.ndarray
    rows: np.ndarray
    query_lengths: np.ndarray
    row_lengths: np.ndarray


def _alike(queries: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if queries.dtype == rows.dtype:
        return queries, rows
    return queries.astype(np.float64), rows.astype(np.float64)


def _sides(queries: np.ndarray, rows: np.ndarray) -> _Sides:
    queries, rows = _alike(queries, rows)
    return _Sides(queries, rows, row_norms(queries, 2), row_norms(rows, 2))


def _chosen(queries: np.ndarray, rows: np.ndarray, k: int, metric: str, floor: np.ndarray | None) -> Found:
    queries, rows = _alike(queries, rows)
    few = len(queries) <= _FEW
    if (
        few and metric != "cosine"
    ):  # no length is asked for, and to measure them would read the rows once more
        nothing = np.zeros(0)
        sides = _Sides(queries, rows, nothing, nothing)
    else:
        sides = _sides(queries, rows)
    query = place = np.zeros(0, np.int64)
    lost = np.arange(len(queries))
    if not few and len(rows) > k and _is_tame(sides.query_lengths) and _is_tame(sides.row_lengths):
        query, place, lost = _candidates(sides, k, metric, floor)
    found = _decided(sides, query, place, k, metric)
    for one in lost.tolist():
        found.scores[one], found.places[one] = _measured(sides, one, k, metric)
    return found


def _measured(sides: _Sides, one: int, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """The k best rows of one query, each row measured."""
    count = len(sides.rows)
    scores = _exact(sides, np.full(count, one), np.arange(count), metric)
    best_scores, places = best(scores[None], np.arange(count), k) if library() is None else best_of(scores, k)
    missing = k - places.shape[-1]
    without = np.flatnonzero(np.isnan(scores))[:missing]
    return np.append(best_scores, np.full(missing, np.nan)), np.append(places, without)


def _is_tame(lengths: np.ndarray) -> bool:
    some = lengths[lengths > 0]
    return bool(not len(some) or (some.min() > _SAFE[0] and some.max() < _SAFE[1]))


def _candidates(
    sides: _Sides, k: int, metric: str, floor: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of a query and a row that may be among its k best, and the queries for which there were too many."""
    product = _product(sides, metric, floor)
    chosen = _selector(k, product)
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


class _Product(NamedTuple):
    """What makes scores in float32: `asked @ rows.T * scale + shift`, each off by at most half the `slack`."""

    asked: np.ndarray
    scale: np.ndarray | None
    shift: np.ndarray | None
    slack: np.ndarray
    least: np.ndarray  # scores below it are none of the best


def _product(sides: _Sides, metric: str, floor: np.ndarray | None) -> _Product:
    # Of the product, of rounding both sides to float32, of scaling and of shifting.
    gamma = 1.01 * (sides.rows.shape[1] + 8) * _UNIT
    longest, own = float(sides.row_lengths.max(initial=0.0)), sides.query_lengths
    scale = shift = None
    if metric == "cosine":
        zero = sides.row_lengths == 0
        asked = sides.queries / np.where(own > 0, own, 1.0)[:, None]
        scale = (1.0 / np.where(zero, np.nan, sides.row_lengths)).astype(np.float32)  # no NaN is a candidate
        slack, least = np.full(len(own), 2 * gamma), floor
    elif metric == "dot":
        asked, slack, least = sides.queries, 2 * gamma * own * longest, floor
    else:  # the nearest row has the largest 2 q·x - |x|², which is |q|² more than minus the squared distance
        asked = 2 * sides.queries
        shift = -np.square(sides.row_lengths).astype(np.float32)
        slack = 2 * gamma * (2 * own * longest + longest**2 + own**2)
        square = None if floor is None else floor if metric == "sqeuclidean" else -np.square(floor)
        least = None if square is None else square + own**2
    slack = slack.astype(np.float32) * np.float32(1.001)
    edge = np.full(len(own), -np.inf, np.float32) if least is None else least.astype(np.float32) - slack
    return _Product(asked.astype(np.float32), scale, shift, slack, np.where(np.isnan(edge), -np.inf, edge))


def _selector(k: int, product: _Product) -> Any:
    if library() is not None:
        return Candidates(k, _ROOM * k + 64, product.slack, product.least)
    return PlainCandidates(k, product.slack, product.least)


class PlainCandidates:
    """The same candidates by NumPy: what reaches the k-th largest score so far, less the slack."""

    def __init__(self, k: int, slack: np.ndarray, least: np.ndarray) -> None:
        self.k, self.slack, self.least = k, slack, least
        self.top = np.full((len(slack), k), -np.inf, np.float32)
        self.pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def look(
        self, tile: np.ndarray, first: int, scale: np.ndarray | None = None, shift: np.ndarray | None = None
    ) -> None:
        """Look at scores `(queries, columns)` of the rows from `first` on: `tile * scale + shift`."""
        scores = tile if scale is None else tile * scale
        scores = scores if shift is None else scores + shift
        known = np.where(np.isnan(scores), -np.inf, scores)
        both = np.concatenate([self.top, known], axis=1)
        self.top = np.partition(both, both.shape[1] - self.k, axis=1)[:, -self.k :]
        query, column = np.nonzero(
            (scores >= (self.top.min(axis=1) - self.slack)[:, None]) & ~np.isnan(scores)
        )
        self.pairs.append((query, column + first, scores[query, column]))

    def _edge(self) -> np.ndarray:
        return np.maximum(self.top.min(axis=1) - self.slack, self.least)

    def found(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give candidates as pairs of a query and a place, by query; none is lost."""
        query, place, score = (np.concatenate(side) for side in zip(*self.pairs, strict=True))
        keep = score >= self._edge()[query]
        order = np.argsort(query[keep], kind="stable")
        return query[keep][order], place[keep][order], np.zeros(0, np.int64)


def _decided(sides: _Sides, query: np.ndarray, place: np.ndarray, k: int, metric: str) -> Found:
    """The best k of the candidates by their exact scores, and rows without a score where there are too few."""
    count = len(sides.queries)
    scores = _exact(sides, query, place, metric)
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


def _fill_in(places: np.ndarray, sides: _Sides, metric: str) -> None:
    """Rows that have no value stand behind those that have one, in their order."""
    if metric != "cosine":
        return
    zero = np.flatnonzero(sides.row_lengths == 0)
    for one in np.flatnonzero(places[:, -1] == NOTHING):
        free = np.flatnonzero(places[one] == NOTHING)
        without = np.arange(len(sides.rows)) if sides.query_lengths[one] == 0 else zero
        take = min(len(free), len(without))
        places[one, free[:take]] = without[:take]


def _exact(sides: _Sides, query: np.ndarray, place: np.ndarray, metric: str) -> np.ndarray:
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
        return _clipped(made, sides.rows.shape[1])
    if apart:
        lost = ~((made > 1e-280) & (made < 1e280)) & (made != 0)
        tiny = made == 0
        made = -made if metric == "sqeuclidean" else -np.sqrt(made)
        again = lost | (tiny & (query >= 0) & _differ(sides, query, place, tiny))
        if again.any():
            made[again] = -_one_by_one(sides, query[again], place[again], metric)
    return made


def _differ(sides: _Sides, query: np.ndarray, place: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Which of the pairs at distance zero are not equal: their squares vanished."""
    found = np.zeros(len(query), bool)
    at = np.flatnonzero(where)
    found[at] = [not np.array_equal(sides.queries[query[i]], sides.rows[place[i]]) for i in at]
    return found


def _one_by_one(sides: _Sides, query: np.ndarray, place: np.ndarray, metric: str) -> np.ndarray:
    compare = PAIRS[metric]
    return np.array(
        [compare(sides.queries[[q]], sides.rows[[p]])[0, 0] for q, p in zip(query, place, strict=True)]
    )


def _clipped(made: np.ndarray, dim: int) -> np.ndarray:
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
