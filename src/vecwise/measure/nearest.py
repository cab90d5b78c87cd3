"""Exact nearest neighbours: a fold over the corpus that keeps the best k for every query.

This module must not know files, encoders or pictures; encoding raw queries is the job of their own encoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.errors import EmptyInput, NoEncoder, NonFinite, NonFiniteQuery, OutOfRange, unknown
from vecwise.kernels.arrow import whole_numbers
from vecwise.kernels.searching import FAST, NOTHING, best_rows
from vecwise.kernels.similarity import PAIRS, SIMILARITIES
from vecwise.kernels.topk import best
from vecwise.runner import Engine, chunk_rows, chunks, fold
from vecwise.store.rows import as_table
from vecwise.vectors import Vectors, as_vectors

CHUNK_SCORES: Final = 1 << 20  # scores held at a time: 8 MB of float64
SEARCHED_ROWS: Final = 1 << 13
SEARCHED_BYTES: Final = 1 << 26
FIRST_ROWS: Final = 1 << 11


@dataclass(frozen=True, slots=True, eq=False)
class Neighbors:
    """The nearest rows of every query, best first: `ids`, `places` and `scores`, all `(queries, k)`.

    `scores` are similarities for `"cosine"` and `"dot"`, distances otherwise; NaN ("no value") comes last.
    `rows[i]` is an Arrow table of the rows found for query `i`, or `None` if the vectors came without rows.
    """

    ids: np.ndarray
    places: np.ndarray
    scores: np.ndarray
    metric: str
    corpus: Vectors

    @property
    def rows(self) -> list[Any] | None:
        """The rows that were found, one Arrow table a query."""
        if self.corpus.rows is None:
            return None
        return [self.corpus.rows.take(whole_numbers(places)) for places in self.places]

    def __repr__(self) -> str:
        return f"Neighbors of {self.ids.shape[0]:,} queries, {self.ids.shape[1]:,} each, by {self.metric}"


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

    def zero(self) -> Best:
        """Nothing found."""
        nothing = (len(self.queries), 0)
        return Best(0, np.zeros(nothing), np.zeros(nothing, dtype=np.int64))

    def step(self, state: Best, chunk: Vectors, /) -> Best:
        """Search one more chunk."""
        self.queries.space.must_match(chunk.space, "search")
        found = best_rows(self.queries.values, chunk.values, self.k, self.metric, self.floor)
        if self.metric != "cosine" and not np.isfinite(found.scores[found.places < NOTHING]).all():
            raise NonFinite(
                f"A {self.metric} of these vectors is too large for float64. Scale them down: X / 1e100."
            )
        return self.merge(state, Best(len(chunk), *found))

    def merge(self, left: Best, right: Best, /) -> Best:
        """Keep the best of both; the right rows are counted on from the left ones."""
        moved = np.where(right.places < NOTHING, right.places + left.rows, NOTHING)
        scores = np.concatenate([left.scores, right.scores], axis=1)
        places = np.concatenate([left.places, moved], axis=1)
        return Best(left.rows + right.rows, *best(scores, places, self.k))

    def done(self, state: Best, /) -> tuple[np.ndarray, np.ndarray]:
        """Scores as the metric names them, and places."""
        return (state.scores if self.metric in SIMILARITIES else -state.scores), state.places


def nearest(
    X: Any, queries: Any, /, *, k: int = 10, metric: str = "cosine", engine: Engine | None = None
) -> Neighbors:
    """Give the k nearest rows of X for every query, exactly.

    `queries` are `Vectors` of X's space, an array, or raw rows (a text, a list of texts, a table) that the
    encoder of X can read. `metric` is `"cosine"`, `"dot"`, `"euclidean"`, `"manhattan"` or `"chebyshev"`.
    With fewer than k rows all are given. Ties go to the earlier row; rows without a score (the cosine of a
    zero vector) come last. Cost: queries · rows · dim operations, and
    some 20 MB beside the answer.

    Raises `SpaceMismatch`, `NonFinite` when a score overflows, `NonFiniteQuery`, `OutOfRange` for k below 1,
    `UnknownName` for another metric, `EmptyInput` for no queries, `NoEncoder` for raw queries to vectors
    without an encoder.

    >>> import vecwise as vw
    >>> X = vw.Vectors([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], ids=["east", "north", "between"])
    >>> found = vw.nearest(X, [[2.0, 1.9]], k=2)
    >>> found.ids.tolist(), found.scores.round(3).tolist()
    ([['between', 'east']], [[1.0, 0.725]])
    """
    corpus = as_vectors(X)
    if metric not in PAIRS:
        raise unknown("metric", str(metric), tuple(PAIRS))
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise OutOfRange(f"`k` is the number of neighbours, a whole number of at least 1, not {k!r}.")
    asked = as_queries(corpus, queries)
    corpus.space.must_match(asked.space, "search")
    job = Nearest(asked, int(k), metric, _floor(corpus, asked, int(k), metric))
    scores, places = fold(job, chunks(corpus, _chunk(corpus, asked, metric)), engine=engine)
    return Neighbors(corpus.ids[places], places, scores, metric, corpus)


def _chunk(corpus: Vectors, asked: Vectors, metric: str) -> int:
    """Rows of a chunk: many where a product chooses, so that few scores pass, and all may still be at work."""
    if metric in FAST or corpus.is_sparse:
        return max(
            64, min(SEARCHED_ROWS, SEARCHED_BYTES // (corpus.shape[1] * 8 if not corpus.is_sparse else 64))
        )
    return max(1, min(CHUNK_SCORES // max(1, len(asked)), chunk_rows(corpus)))


def _floor(corpus: Vectors, asked: Vectors, k: int, metric: str) -> np.ndarray | None:
    """What the k-th best of the first rows reaches: no row below it can be among the k best of all."""
    if len(corpus) < 4 * FIRST_ROWS or k > FIRST_ROWS // 4 or metric not in FAST or corpus.is_sparse:
        return None
    if asked.is_sparse:
        return None
    scores = best_rows(asked.values, corpus.values[:FIRST_ROWS], k, metric).scores[:, -1]
    return np.where(np.isnan(scores), -np.inf, scores)


def as_queries(corpus: Vectors, queries: Any) -> Vectors:
    """Make vectors of the corpus's space from vectors, an array, or raw rows."""
    if isinstance(queries, Vectors):
        asked = queries
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
