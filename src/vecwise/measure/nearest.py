"""Exact nearest neighbours: a fold over the corpus that keeps the best k for every query.

This module must not know files, encoders or pictures; encoding raw queries is the job of their own encoder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.errors import EmptyInput, EmptyQuery, NoEncoder, NonFinite, NonFiniteQuery, whole_number
from vecwise.kernels.pair_scores import TURNED
from vecwise.kernels.searching import FAST, FEW, NOTHING, best_rows, rows_within
from vecwise.kernels.similarity import PAIRS, SIMILARITIES
from vecwise.kernels.topk import best
from vecwise.measure.bounds import in_range, unknown_metric
from vecwise.measure.filters import allowed_rows
from vecwise.measure.neighbors import Neighbors
from vecwise.measure.similarity import power
from vecwise.measure.views import AUTO, view
from vecwise.runner import Engine, chunk_rows, chunks, fold
from vecwise.store.rows import as_table
from vecwise.vectors import Vectors, as_vectors

CHUNK_SCORES: Final = 1 << 20  # scores held at a time: 8 MB of float64
SEARCHED_ROWS: Final = 1 << 13
SEARCHED_BYTES: Final = 1 << 26
FIRST_ROWS: Final = 1 << 13  # that are searched before the others
STAGE: Final = 4  # chunks of the first stage, and how many times as many each has after the second
LEAST_ROWS: Final = 1 << 10  # of a chunk, where there are so few that all workers would not have one


class Best(NamedTuple):
    """What the fold keeps: rows read so far, and the best scores and places of each query."""

    rows: int
    scores: np.ndarray
    places: np.ndarray


@dataclass(frozen=True, slots=True)
class Nearest:
    """Exact search as a fold: chunks of the corpus in, the best k of each query out.

    Ties go to the earlier row; the answer is the same for any cut into chunks and any engine.
    """

    queries: Vectors
    k: int
    metric: str

    floor: np.ndarray | None = None  # scores that at least k rows of the corpus reach, a query each
    p: float = 2.0

    def zero(self) -> Best:
        """Nothing found."""
        nothing = (len(self.queries), 0)
        return Best(0, np.zeros(nothing), np.zeros(nothing, dtype=np.int64))

    def step(self, state: Best, chunk: Vectors, /) -> Best:
        """Search one more chunk."""
        self.queries.space.must_match(chunk.space, "search")
        found = best_rows(self.queries.values, chunk.values, self.k, self.metric, self.floor, self.p)
        return self.merge(state, Best(len(chunk), *found))

    def merge(self, left: Best, right: Best, /) -> Best:
        """Keep the best of both; the right rows are counted on from the left ones."""
        moved = np.where(right.places < NOTHING, right.places + left.rows, NOTHING)
        scores = np.concatenate([left.scores, right.scores], axis=1)
        places = np.concatenate([left.places, moved], axis=1)
        return Best(left.rows + right.rows, *best(scores, places, self.k))

    def done(self, state: Best, /) -> tuple[np.ndarray, np.ndarray]:
        """Scores as the metric names them, and places; raises `NonFinite` where one of them overflowed."""
        if self.metric not in TURNED and not np.isfinite(state.scores[state.places < NOTHING]).all():
            raise NonFinite(
                f"A {self.metric} of these vectors is too large for float64. Scale them down: X / 1e100."
            )
        return (state.scores if self.metric in SIMILARITIES else -state.scores), state.places


@dataclass(frozen=True, slots=True)
class Within:
    """All rows within a radius of each query, as a fold: a state is rows read, queries, places and scores."""

    queries: Vectors
    metric: str
    least: float
    p: float = 2.0

    def zero(self) -> tuple[Any, ...]:
        """Nothing found."""
        none = np.zeros(0, np.int64)
        return (0, none, none, np.zeros(0))

    def step(self, state: tuple[Any, ...], chunk: Vectors, /) -> tuple[Any, ...]:
        """Search one more chunk."""
        self.queries.space.must_match(chunk.space, "search")
        found = rows_within(self.queries.values, chunk.values, self.metric, self.least, self.p)
        return self.merge(state, (len(chunk), *found))

    def merge(self, left: tuple[Any, ...], right: tuple[Any, ...], /) -> tuple[Any, ...]:
        """One after the other; the right rows are counted on from the left ones."""
        moved = right[2] + left[0]
        query = np.concatenate([left[1], right[1]])
        return (
            left[0] + right[0],
            query,
            np.concatenate([left[2], moved]),
            np.concatenate([left[3], right[3]]),
        )

    def done(self, state: tuple[Any, ...], /) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Scores as the metric names them and places, a query each, best first."""
        _, query, place, score = state
        order = np.lexsort((place, -score, query))
        ends = np.searchsorted(query[order], np.arange(1, len(self.queries)))
        sign = 1.0 if self.metric in SIMILARITIES else -1.0
        return np.split(sign * score[order], ends), np.split(place[order], ends)


def nearest(
    X: Any,
    queries: Any,
    /,
    *,
    k: int | None = None,
    radius: float | None = None,
    metric: str = AUTO,
    p: float | None = None,
    where: Any = None,
    exclude: Any = None,
    engine: Engine | None = None,
) -> Neighbors:
    """Give the k nearest rows of X for every query (10 without `k`), or all within a radius, exactly.

    `queries` are `Vectors` of X's space, an array, or raw rows (a text, a list of texts, a table) that the encoder of X
    can read. `metric` is `"cosine"`, `"dot"`, `"euclidean"`, `"manhattan"`, `"chebyshev"` or another of
    `vw.distances` (`p` is the power of `"minkowski"`). Without one, rows are compared as the commands compare them:
    by cosine where rows have length 1, are sparse or have no named columns; by Euclidean distance on standardized
    columns, queries too, where these have different units; by Euclidean distance for other columns. `measure` says
    it in words, and docs/outputs.md why. `radius` is the largest distance, or the least similarity; with `k` as well,
    at most k are given. `where` searches among some rows only, `exclude` leaves some out: a mask, places or ids, as
    `X[...]` takes them, or a condition on the columns of the rows, `"price < 300000"` or `pc.field("price") < 300_000`.
    Both apply inside the search: k rows that pass are found whenever there are k.

    `k` above the number of rows gives them all, without a word: see `lengths`. Ties go to the earlier row; rows
    without a score (the cosine of a zero vector) come last, and a query of zeros gives no row one: its scores are
    NaN, and the answer says so. A product in float32 only chooses candidates, with a proven bound; scores are
    float64, and depend on the two rows alone. Cost: queries · rows · dim operations, and some 20 MB a worker beside
    the answer.

    Raises `SpaceMismatch`, `NonFinite` when a score overflows, `NonFiniteQuery`, `OutOfRange` for k below 1 and for
    a radius that no score can have, `UnknownName` for another metric or column, `BadCondition`, `Inapplicable` for
    `p` beside another metric, `EmptyInput` for no queries and `EmptyQuery` for a blank text, `NoEncoder` for raw
    queries to vectors without an encoder.

    >>> import vecwise as vw
    >>> X = vw.Vectors([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], ids=["east", "north", "between"])
    >>> found = vw.nearest(X, [[2.0, 1.9]], k=2)
    >>> found.ids.tolist(), found.scores.round(3).tolist()
    ([['between', 'east']], [[1.0, 0.725]])
    >>> vw.nearest(X, [[2.0, 1.9]], radius=0.7, exclude=["between"]).ids[0].tolist()
    ['east']
    """
    corpus = as_vectors(X)
    if metric not in (None, AUTO, *PAIRS):
        raise unknown_metric(metric, tuple(PAIRS))
    many = 10 if k is None else whole_number("k", k, "the number of neighbours")
    asked = as_queries(corpus, queries)
    corpus.space.must_match(asked.space, "search")
    allowed = allowed_rows(corpus, where, exclude)
    by = view(corpus, metric, engine=engine)
    metric, asked, power_ = by.metric, by.of(asked), power(by.metric, p)
    parts = _parts(by.vectors, asked, metric, allowed)
    if radius is None:
        scores, places = _searched(Nearest(asked, many, metric, p=power_), parts, engine)
        if allowed is not None:
            places = np.flatnonzero(allowed)[places]
        return Neighbors(corpus.ids[places], places, scores, metric, corpus, by.words)
    reach = in_range("radius", metric, radius)
    job = Within(asked, metric, reach if metric in SIMILARITIES else -reach, power_)
    listed, found = fold(job, parts, engine=engine)
    own = np.arange(len(corpus)) if allowed is None else np.flatnonzero(allowed)
    ragged = [own[some[:k]] for some in found]
    ids, kept = [corpus.ids[some] for some in ragged], [some[:k] for some in listed]
    return Neighbors(ids, ragged, kept, metric, corpus, by.words)


def _parts(corpus: Vectors, asked: Vectors, metric: str, allowed: np.ndarray | None) -> Iterator[Vectors]:
    """Chunks of the rows to search among: the first ones short, where they are searched before the others."""
    short = 0
    if _in_stages(asked, metric) and len(corpus) > 4 * FIRST_ROWS:
        short = FIRST_ROWS
    size = _chunk(len(corpus) - short, corpus, asked, metric)
    parts: Iterator[Vectors] = chunks(corpus[short:] if short else corpus, size)
    if short:
        parts = chain(chunks(corpus[:short], short // STAGE), parts)
    start = 0
    for chunk in parts:
        keep = allowed if allowed is None else allowed[start : start + len(chunk)]
        start += len(chunk)
        yield chunk if keep is None or keep.all() else chunk[keep]


def _in_stages(asked: Vectors, metric: str) -> bool:
    return metric in FAST and len(asked) > FEW


def _chunk(rows: int, corpus: Vectors, asked: Vectors, metric: str) -> int:
    """Rows of a chunk: many where a product chooses, and so many chunks that two or four workers end together."""
    if metric not in FAST:
        return max(1, min(CHUNK_SCORES // max(1, len(asked)), chunk_rows(corpus)))
    size = 2 * SEARCHED_ROWS if corpus.is_sparse else SEARCHED_BYTES // (corpus.shape[1] * 8)
    size = max(64, size if corpus.is_sparse else min(SEARCHED_ROWS, size))
    count = max(1, round(rows / size / 4)) * 4
    return max(min(LEAST_ROWS, size), -(-rows // count))


@dataclass(frozen=True, slots=True)
class _Unfinished:
    """A search whose answer is its state."""

    job: Nearest

    def zero(self) -> Best:
        return self.job.zero()

    def step(self, state: Best, chunk: Vectors, /) -> Best:
        return self.job.step(state, chunk)

    def merge(self, left: Best, right: Best, /) -> Best:
        return self.job.merge(left, right)

    def done(self, state: Best, /) -> Best:
        return state


def _searched(job: Nearest, parts: Iterator[Vectors], engine: Engine | None) -> tuple[np.ndarray, np.ndarray]:
    """Scores and places of the best k, in stages of more and more chunks.

    What the rows of one stage reach is a floor for the next, which then finds few candidates. k rows that stand
    before them reach it, so no row that it keeps out is among the best.
    """
    if not _in_stages(job.queries, job.metric):
        return fold(job, parts, engine=engine)
    found, count = job.zero(), STAGE
    for first in parts:
        floor = None
        if found.scores.shape[1] == job.k:
            floor = np.where(np.isnan(found.scores[:, -1]), -np.inf, found.scores[:, -1])
        stage = chain([first], islice(parts, count - 1))
        more = fold(_Unfinished(replace(job, floor=floor)), stage, engine=engine)
        count = STAGE if not found.rows else STAGE * count
        found = job.merge(found, more)
    return job.done(found)


def as_queries(corpus: Vectors, queries: Any) -> Vectors:
    """Make vectors of the corpus's space from vectors, an array, or raw rows."""
    if isinstance(queries, Vectors):
        asked = queries
    elif isinstance(queries, str) and not queries.strip():
        raise EmptyQuery("The query is blank, and a text without a word has no vector. Give some words.")
    elif isinstance(queries, str) or _is_raw(queries):
        if corpus.encoder is None:
            raise NoEncoder(
                "These vectors do not carry the encoder that made them, so raw queries cannot be encoded. "
                "Encode the query with that encoder, or pass its numbers."
            )
        asked = corpus.encoder(as_table([queries] if isinstance(queries, str) else queries))
    else:
        try:
            asked = as_vectors(queries, like=corpus)
        except NonFinite as error:
            raise NonFiniteQuery(f"A query holds NaN or infinity, so nothing is near it. {error}") from error
    if not len(asked):
        raise EmptyInput("There is no query. Give at least one row.")
    return asked


def _is_raw(queries: Any) -> bool:
    """Texts and tables are raw rows; numbers are not."""
    if isinstance(queries, np.ndarray):
        return queries.dtype.kind in "OUST"
    if isinstance(queries, (list, tuple)):
        return bool(queries) and isinstance(queries[0], (str, dict))
    return (
        isinstance(queries, dict)
        or hasattr(queries, "__arrow_c_stream__")
        or hasattr(queries, "column_names")
    )
