"""Indexes: rows prepared once, so that the nearest to a query are found sooner; one face over three methods.

This module must not know how a method finds its candidates, nor pictures or commands. Whatever the method, scores are
those of `vw.nearest`.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged, Inapplicable, whole_number
from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.mapped import is_mapped
from vecwise.kernels.norms import row_norms
from vecwise.kernels.scan import METRICS
from vecwise.measure.bounds import unknown_metric
from vecwise.measure.filters import allowed_rows
from vecwise.measure.nearest import as_queries, nearest
from vecwise.measure.neighbors import Neighbors
from vecwise.measure.views import AUTO, View, standardized_view, view
from vecwise.store.os_errors import shown
from vecwise.store.state_folders import StateFolder
from vecwise.structure.finders import Finder, points_of, scan
from vecwise.structure.graphs import Graph, graph, opened, settings_of
from vecwise.structure.identities import identity, same_vectors
from vecwise.structure.recall import EXACT, Recall, recall
from vecwise.structure.rescoring import Answer, best_of_candidates
from vecwise.vectors import Vectors, as_vectors

SAMPLE: Final = 200  # rows taken as queries, for the recall
RECALL_K: Final = 10
INDEXES: Final = StateFolder("index", "make it again: vw.index(X)")


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Vectors prepared for search; `vw.index` makes one.

    `vectors` are the rows as they were then, `view` what they are compared by (`measure` in words), `recall` is the
    share of the true neighbours that are found: 1 for the exact method, measured for the others.
    """

    vectors: Vectors
    view: View
    method: str
    seed: int
    settings: dict[str, Any]
    finder: Finder
    recall: Recall = EXACT

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def metric(self) -> str:
        """The metric that rows are compared by."""
        return self.view.metric

    @property
    def measure(self) -> str:
        """What rows are compared by, in words."""
        return self.view.words

    @property
    def nbytes(self) -> int:
        """The bytes that the index holds beside its vectors."""
        return self.finder.nbytes

    def nearest(
        self,
        queries: Any,
        /,
        *,
        k: int | None = None,
        radius: float | None = None,
        where: Any = None,
        exclude: Any = None,
    ) -> Neighbors:
        """Give the k nearest rows for every query (10 without `k`), as `vw.nearest` does and with its scores.

        `radius`, for the exact method alone, gives all rows within it, as in `vw.nearest` and no sooner than there.

        `where` leaves only some rows, `exclude` leaves some out, as in `vw.nearest`: a mask, places, ids or an Arrow
        expression over the columns. With fewer than k rows left, all are given. The exact method gives the answer of
        `vw.nearest`, to the bit. The others give rows that `recall` says are mostly the same, with the same scores; k
        are given whenever there are k: where a graph finds fewer, and for a filter that leaves few rows, all allowed
        rows are scored. Several queries at once are quicker than one after the other.

        Raises what `vw.nearest` raises, and `Inapplicable` for a radius of another method.

        >>> import vecwise as vw
        >>> search = vw.index([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        >>> search.nearest([2.0, 1.9], k=2).ids.tolist()
        [[2, 0]]
        >>> search.nearest([2.0, 1.9], k=2, exclude=[2]).ids.tolist()
        [[0, 1]]
        """
        many = 10 if k is None else whole_number("k", k, "the number of neighbours")
        asked = as_queries(self.vectors, queries)
        self.vectors.space.must_match(asked.space, "search")
        asked = self.view.of(asked)
        if radius is not None:
            return self._within(asked, radius, k, where, exclude)
        found = self._answer(asked, many, allowed_rows(self.vectors, where, exclude))
        ids = self.vectors.ids[found.places]
        return Neighbors(ids, found.places, found.scores, self.metric, self.vectors, self.measure)

    def _within(self, asked: Vectors, radius: float, k: int | None, where: Any, exclude: Any) -> Neighbors:
        if self.method != "exact":
            raise Inapplicable(
                f'A graph ("{self.method}") finds the k nearest, and cannot tell that a radius holds no more. Use '
                'method="exact", or vw.nearest(X, queries, radius=...).'
            )
        rows = self.view.vectors
        found = nearest(rows, asked, k=k, radius=radius, metric=self.metric, where=where, exclude=exclude)
        return replace(found, corpus=self.vectors, measure=self.measure)

    def measured(self, queries: Any = None, /, *, k: int = RECALL_K) -> Recall:
        """Give the recall at k for queries like those that will be asked, counted against the exact answer.

        Without `queries` up to 200 rows drawn by `seed` are asked for their nearest *other* rows. Queries that lie
        apart from the rows find less: measure with real ones where there are some.

        Raises what `nearest` raises.
        """
        if queries is not None:
            asked = as_queries(self.vectors, queries)
            self.vectors.space.must_match(asked.space, "search")
            truth = nearest(self.view.vectors, self.view.of(asked), k=k, metric=self.metric)
            return recall(_pair(self.nearest(asked, k=k)), _pair(truth), self.metric)
        rows = (
            np.flatnonzero(row_norms(self.view.vectors.values, 2))
            if self.metric == "cosine"
            else np.arange(len(self))
        )
        if len(rows) < 2:
            return EXACT
        k = min(k, len(rows) - 1)
        sample = np.sort(np.random.default_rng(self.seed).permutation(rows)[:SAMPLE])
        asked = self.vectors[sample]
        truth = nearest(self.view.vectors, self.view.of(asked), k=k + 1, metric=self.metric)
        found = self.nearest(asked, k=k + 1)
        return recall(_others(found, sample), _others(truth, sample), self.metric)

    def save(self, path: str | os.PathLike[str], /) -> None:
        """Save the index, without its vectors, into a folder of its own or into that of its saved vectors.

        There it lies in `_index`; `vw.open_index` opens it from either.

        The exact method saves nothing but its name: its codes are made in a second. Raises `Unreadable` for a folder
        that holds something else.
        """
        data = self.finder.kind.to_bytes() if isinstance(self.finder, Graph) else b""
        state = {name: getattr(self, name) for name in ("method", "metric", "seed", "settings")}
        state["standardized"] = self.view.prepare is not None
        vectors, graph_ = identity(self.vectors), np.frombuffer(data, np.uint8)
        whole = {**state, "recall": asdict(self.recall), "vectors": vectors, "graph": graph_}
        INDEXES.save(whole, INDEXES.beside(path))

    def __repr__(self) -> str:
        rows, dim = self.vectors.shape
        size = f"{self.nbytes / 1e6:,.1f} MB"
        return f"Index of {rows:,} × {dim:,} by {self.measure}, {self.method}, {size}: {self.recall!r}"

    def _answer(self, asked: Vectors, k: int, allowed: np.ndarray | None) -> Answer:
        found = self.finder.candidates(asked.values, k, allowed)
        every = None if allowed is None else np.flatnonzero(allowed)
        known = [query for query, rows in enumerate(found) if rows is not None]
        if not known:
            return self._scored(asked, k, every)
        width = min(k, len(self) if every is None else len(every))
        shape = (len(asked), width)
        made = Answer(np.empty(shape), np.empty(shape, np.int64))
        own = [rows for rows in found if rows is not None]
        queries = dense(asked.values, asked.dtype)[known]
        made.scores[known], made.places[known] = best_of_candidates(
            queries, self.view.vectors.values, own, width, self.metric
        )
        rest = [query for query, rows in enumerate(found) if rows is None]
        if rest:
            made.scores[rest], made.places[rest] = self._scored(asked[rest], k, every)
        return made

    def _scored(self, asked: Vectors, k: int, rows: np.ndarray | None) -> Answer:
        """The exact answer among all rows, or some."""
        return _pair(nearest(self.view.vectors, asked, k=k, metric=self.metric, where=rows))


def index(
    X: Any, /, *, method: str = "exact", metric: str | None = AUTO, seed: int = 0, **settings: Any
) -> Index:
    """Prepare vectors for many searches: an `Index`, whose `nearest` answers sooner than `vw.nearest` does.

    The vectors are copied (unless they lie in a file that is mapped), so that changing the array later changes no
    answer. `metric` is `"cosine"`, `"dot"` or `"euclidean"`; without one it is that of `vw.nearest`: columns of
    different units are standardized, and queries with them.

    - `"exact"`: the answer of `vw.nearest`. A second copy of one byte a coordinate is scanned, whose proven bounds
      leave some tens of rows to score in float64. For up to 16 queries at a time; more are a matrix product over all
      rows. Sparse rows, and all rows without the compiled library, take that way too. Memory: 5 bytes a coordinate
      for float32. No limit of rows.
    - `"usearch"`: a graph (HNSW), approximate; the extra `[index]`. Settings: `connectivity=16`, `expansion_add=128`,
      `expansion_search=128` (higher finds more and is slower), `threads=1`.
    - `"faiss"`: the same of the package `faiss-cpu`, or with `kind="ivf"` inverted lists. Settings: `connectivity=32`,
      `expansion_add=80`, `expansion_search=128`, `threads=1`, `lists` and `probes` (0: chosen by the number of rows).

    Graphs hold float32 points and links beside the vectors (some 4 bytes a coordinate and 150 to 300 a row), take 100
    million rows at most and some 0.2 to 2 ms a row to make. Their recall is measured on up to 200 rows and shown;
    their candidates are scored exactly. One thread makes the same graph each time; with more, usearch's depends on
    timing. `seed` draws the sample, and the levels or the lists of FAISS; usearch draws its levels alike each time.

    Raises `UnknownName` for another method, metric or setting, `MissingPackage`, `Inapplicable` for a graph of sparse
    rows, `TooLarge`, and what `vw.Vectors` raises.

    >>> import numpy as np, vecwise as vw
    >>> X = np.random.default_rng(0).standard_normal((1000, 64)).astype(np.float32)
    >>> search = vw.index(X, metric="dot")
    >>> search.nearest(X[7], k=1).ids.tolist(), search.recall
    ([[7]], recall 1, exact)

    Source of the bounds on one byte a coordinate: Cauchy and Schwarz, see `kernels/scan.py`.
    """
    every = settings_of(method, settings)
    if metric not in (None, AUTO, *METRICS):
        raise unknown_metric(metric, METRICS, "metric of an index")
    vectors = _snapshot(as_vectors(X))
    return _made(vectors, view(vectors, metric), method, seed, every)


def _made(vectors: Vectors, by: View, method: str, seed: int, every: dict[str, Any]) -> Index:
    values, metric = by.vectors.values, by.metric
    if method == "exact":
        return Index(vectors, by, method, seed, every, scan(values, metric))
    if vectors.is_sparse:
        raise Inapplicable(
            f'The method "{method}" takes dense vectors. Use method="exact", or fewer dimensions: '
            "vw.pca(X, k=100).transform(X)."
        )
    made = graph(method, values, points_of(values, metric), _kept(by.vectors, metric), every, seed)
    return _with_recall(Index(vectors, by, method, seed, every, made))


def open_index(path: str | os.PathLike[str], X: Any, /) -> Index:
    """Open the saved index of these vectors: `path` is its own folder, or that of the saved vectors.

    The numbers, ids and axes of X must be those it was made of (of an index of a bare array, X may be that array, which
    has no axes). A graph is read only if its bytes have the hash that was written with them: usearch and FAISS do not
    bear others. Open only folders of people you trust; the hash guards against damage, not against malice.

    Raises `FileMissing`, `UnknownFormat` and `Damaged` for the folder, `SpaceMismatch` for other vectors.

    >>> import tempfile, vecwise as vw
    >>> X = vw.Vectors([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     vw.index(X, metric="dot").save(folder + "/index")
    ...     vw.open_index(folder + "/index", X).nearest([0, 2], k=1).scores.tolist()
    [[2.0]]
    """
    path = INDEXES.beside(path)
    state = INDEXES.load(path)
    try:
        method, metric, seed = state["method"], state["metric"], int(state["seed"])
        settings, saved = settings_of(method, state["settings"]), Recall(**state["recall"])
        data, standardized = state["graph"].tobytes(), state.get("standardized", False)
        told = {name: str(state["vectors"][name]) for name in ("frame", "ids", "numbers")}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Damaged(f"{shown(path)} holds an incomplete index: {error!r}. Make it again.") from error
    vectors = _snapshot(same_vectors(X, told, f"The index in {shown(path)}", "vw.index(X)"))
    by = standardized_view(vectors, metric) if standardized else view(vectors, metric)
    if method == "exact":
        return _made(vectors, by, method, seed, settings)
    kept = _kept(by.vectors, metric)
    made = opened(method, data, points_of(by.vectors.values, metric), len(vectors), kept, settings)
    return Index(vectors, by, method, seed, settings, made, saved)


def _with_recall(made: Index) -> Index:
    return replace(made, recall=made.measured())


def _kept(vectors: Vectors, metric: str) -> np.ndarray | None:
    """The rows a graph can hold: for the cosine those with a length, which others have no score; None for all."""
    if metric != "cosine":
        return None
    some = row_norms(vectors.values, 2) > 0
    return None if some.all() else np.flatnonzero(some)


def _snapshot(X: Vectors) -> Vectors:
    values = X.values
    if is_sparse(values):
        values = values.copy()
    elif not is_mapped(values):
        values = np.array(values, order="C")
    return Vectors._trusted(values, X.ids.copy(), X.rows, X.space, X.encoder, X.note)


def _pair(found: Neighbors) -> Answer:
    return Answer(found.scores, found.places)


def _others(found: Neighbors, own: np.ndarray) -> Answer:
    """Leave each query's own row out, or the last where it was not found."""
    mine = found.places == own[:, None]
    mine[~mine.any(axis=1), -1] = True
    shape = (len(own), found.places.shape[1] - 1)
    return Answer(found.scores[~mine].reshape(shape), found.places[~mine].reshape(shape))
