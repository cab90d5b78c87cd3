"""Rows that repeat an earlier one, exactly or nearly: which row went into which, with what score, and what is left.

This module must not know files, encoders or pictures; the arithmetic is in `kernels.tiles`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.draw.words import score as score_words
from vecwise.engines.local import cores, serial, threads
from vecwise.errors import Inapplicable
from vecwise.kernels.equal_rows import first_equal_rows
from vecwise.kernels.norms import row_norms
from vecwise.kernels.screening import Side
from vecwise.kernels.similarity import DISTANCES, SIMILARITIES
from vecwise.kernels.tiles import reached, ready
from vecwise.measure.bounds import checked_bound, unknown_metric
from vecwise.measure.edges import arrow_ids
from vecwise.measure.similarity import power
from vecwise.measure.views import AUTO, View, view
from vecwise.runner import Engine, Progress
from vecwise.table_text import count, preview_html, preview_text, verb
from vecwise.vectors import Vectors, as_vectors

BLOCK: Final = 1024  # rows that are compared at a time with all that were kept before


@dataclass(frozen=True, slots=True, eq=False)
class Duplicates:
    """Which rows are kept, and into which kept row each other one went: `into[i]` stands for `removed[i]`.

    `keep`, `removed` and `into` are row numbers, `ids` the ids of all rows, `scores` how like each removed row is to
    the one that stands for it (NaN, "no value", for equal zero rows by cosine), `equal` whether both are equal to the
    last bit, signs of zeros aside. `bound` is the threshold, `None` where only equal rows were looked for; `measure`
    says in words what rows were compared by.
    """

    ids: np.ndarray
    keep: np.ndarray
    removed: np.ndarray
    into: np.ndarray
    scores: np.ndarray
    equal: np.ndarray
    metric: str
    bound: float | None
    measure: str = ""

    def __len__(self) -> int:
        return len(self.removed)

    @property
    def kept_ids(self) -> np.ndarray:
        """The ids of the rows that are kept."""
        return self.ids[self.keep]

    @property
    def groups(self) -> list[np.ndarray]:
        """The row numbers of every group of at least two rows, the kept one first, in the order of the kept rows."""
        order = np.argsort(self.into, kind="stable")
        starts = np.flatnonzero(np.diff(self.into[order], prepend=-1))
        parts = np.split(self.removed[order], starts[1:]) if len(order) else []
        return [
            np.concatenate([[kept], part]) for kept, part in zip(self.into[order][starts], parts, strict=True)
        ]

    def to_arrow(self) -> Any:
        """Give an Arrow table of the removed rows: `removed`, `into` (ids), `score`, `equal`."""
        import pyarrow as pa

        ids = [arrow_ids(self.ids[places]) for places in (self.removed, self.into)]
        scores = pa.array(self.scores, mask=np.isnan(self.scores))
        return pa.table([*ids, scores, pa.array(self.equal)], names=["removed", "into", "score", "equal"])

    def __repr__(self) -> str:
        return preview_text(self._headline(), *self._preview())

    def _repr_html_(self) -> str:
        return preview_html(self._headline(), *self._preview())

    def _headline(self) -> str:
        how = "equal" if self.bound is None else f"equal or {_bound_words(self)}"
        groups, kept = len(np.unique(self.into)), len(self.keep)
        return (
            f"Duplicates ({how}): {len(self):,} of {count(len(self.ids), 'row')} {verb(len(self), 'repeat')} "
            f"an earlier one, in {count(groups, 'group')}; {kept:,} {verb(kept, 'are')} kept"
        )

    def _preview(self, most: int = 10) -> tuple[list[str], list[list[str]], int]:
        names = (self.ids[places[:most]].tolist() for places in (self.removed, self.into))
        cells = [
            [str(a), str(b), "null" if np.isnan(score) else score_words(score)]
            for a, b, score in zip(*names, self.scores[:most].tolist(), strict=True)
        ]
        return ["removed", "into", "score"], cells, max(0, len(self) - most)


def _bound_words(found: Duplicates) -> str:
    limit = "least" if found.metric in SIMILARITIES else "most"
    return f"{found.measure or found.metric} at {limit} {found.bound:g}"


def duplicates(
    X: Any,
    /,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    metric: str = AUTO,
    p: float | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Duplicates:
    """Find the rows that repeat an earlier one: equal rows, and with a bound near ones too.

    Without a bound two rows are duplicates if all their numbers are equal; `-0.0` equals `0.0`. With `at_least` (a
    cosine) or `at_most` (a distance, Euclidean without a `metric`, see `vw.distances`), both of standardized columns
    where they have different units and no metric is named, rows are taken in order: a row is kept unless it is that
    near to an earlier *kept* row, and goes into the nearest of those, of equally near ones the first. So no two kept
    rows are within the bound, every removed row is within the bound of the row that stands for it, and no chain of
    neighbours drifts away. Equal rows go where the first of them goes. A score of equal rows is that of their metric.

    Scores are those of `vw.pairs`: float64, never approximate. The answer is the same for any engine. Cost: for
    equal rows a digest of each (two different rows share one with a chance of 2^-128); with a bound at most half of
    rows · rows · dim products, fewer the more rows repeat; memory for two copies of the kept rows, never for the
    pairs. `progress(done, total)` counts rows.

    Raises `Inapplicable` for `"dot"`, by which a row need not be near itself, and the errors of `vw.pairs`.

    >>> import vecwise as vw
    >>> X = vw.Vectors([[1, 0], [0, 1], [2, 0], [1, 0], [1, 0.1]], ids=["a", "b", "c", "d", "e"])
    >>> vw.duplicates(X).to_arrow().to_pylist()
    [{'removed': 'd', 'into': 'a', 'score': 1.0, 'equal': True}]
    >>> found = vw.duplicates(X, at_least=0.99)
    >>> found.kept_ids.tolist(), found.groups[0].tolist(), found.scores.round(4).tolist()
    (['a', 'b'], [0, 2, 3, 4], [1.0, 1.0, 0.995])
    """
    made = as_vectors(X)
    if metric == "dot":
        raise Inapplicable(
            "`dot` grows with length, so a row need not be near itself. Use `cosine` or a distance."
        )
    if metric not in (None, AUTO, "cosine", *DISTANCES):
        raise unknown_metric(metric, ("cosine", *DISTANCES))
    by = _view(made, metric, at_least, at_most, engine)
    checked_power = power(by.metric, p)
    bound = None if at_least is None and at_most is None else checked_bound(by.metric, at_least, at_most)
    first = first_equal_rows(made.values)
    distinct = np.flatnonzero(first == np.arange(len(made)))
    into, scores = first.copy(), np.full(len(made), np.nan)
    if bound is not None and len(distinct) > 1:
        search = Near(by.vectors.values[distinct], by.metric, checked_power, bound)
        found = search.run(engine or (threads() if cores() > 1 else serial), progress)
        into[distinct] = distinct[found.into]
        scores[distinct] = found.scores
        into = into[first]
    repeated = np.flatnonzero(first != np.arange(len(made)))
    itself = into[repeated] == first[repeated]
    scores[repeated[~itself]] = scores[first[repeated[~itself]]]
    scores[repeated[itself]] = _own_scores(by.vectors, repeated[itself], by.metric)
    removed = np.flatnonzero(into != np.arange(len(made)))
    keep = np.flatnonzero(into == np.arange(len(made)))
    equal = first[removed] == into[removed]
    return Duplicates(
        made.ids, keep, removed, into[removed], scores[removed], equal, by.metric, bound, by.words
    )


def _view(X: Vectors, metric: str | None, at_least: Any, at_most: Any, engine: Engine | None) -> View:
    if at_least is None and at_most is None and metric in (None, AUTO):
        metric = "cosine"  # equal rows are equal by any measure
    return view(X, metric, at_least=at_least, at_most=at_most, engine=engine)


def dedupe(
    X: Any,
    /,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    metric: str = AUTO,
    p: float | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Vectors:
    """Give the vectors without the rows that repeat an earlier one; options and errors are those of `duplicates`.

    Ids, rows and the space are kept; the order too. Doing it twice removes nothing more.

    >>> import vecwise as vw
    >>> vw.dedupe(vw.Vectors([[1, 0], [0, 1], [1, 0]], ids=["a", "b", "c"])).ids.tolist()
    ['a', 'b']
    """
    made = as_vectors(X)
    found = duplicates(
        made, at_least=at_least, at_most=at_most, metric=metric, p=p, engine=engine, progress=progress
    )
    return made[found.keep]


def _own_scores(X: Vectors, rows: np.ndarray, metric: str) -> np.ndarray:
    """How like equal rows are: 1 or 0, and no value for zero rows where direction counts."""
    made = np.full(len(rows), 1.0 if metric in SIMILARITIES else 0.0)
    if metric in ("cosine", "angular") and len(rows):
        made[row_norms(X.values[rows], np.inf) == 0] = np.nan
    return made


class Matched(NamedTuple):
    """For every row of a block, the best of some kept rows and its score; -1 and NaN where none is near enough."""

    into: np.ndarray
    scores: np.ndarray


class Near:
    """Thins distinct rows block by block: each block is compared with what was kept before, then within itself."""

    def __init__(self, values: Any, metric: str, p: float, bound: float) -> None:
        self.side, _ = ready(values, values, metric)
        self.metric, self.p, self.bound = metric, p, bound
        self.tiles: list[tuple[np.ndarray, Side]] = []  # the places of kept rows, and the rows

    def run(self, engine: Engine, progress: Progress | None) -> Matched:
        """Give the place of the row that stands for each row (its own if it is kept), and the score."""
        total = len(self.side)
        into, scores = np.arange(total), np.full(total, np.nan)
        for start in range(0, total, BLOCK):
            block = slice(start, min(start + BLOCK, total))
            best = _no_match(block.stop - block.start)
            look = partial(self._match, self.side[block])
            for found in engine(look, self.tiles) if len(self.tiles) > 1 else map(look, self.tiles):
                best = self._better(best, found)
            kept = self._thinned(block, best)
            gone = best.into >= 0
            into[block][gone], scores[block][gone] = best.into[gone], best.scores[gone]
            self._keep(kept)
            if progress:
                progress(block.stop, total)
        return Matched(into, scores)

    def _match(self, block: Side, tile: tuple[np.ndarray, Side]) -> Matched:
        """The best of a tile for every row of the block; of equally good ones the first."""
        places, rows = tile
        best = _no_match(len(block))
        found = reached(block, rows, self.metric, self.p, self.bound, None)
        order = np.lexsort((found.right, self._cost(found.scores), found.left))
        left = found.left[order]
        firsts = order[np.flatnonzero(np.diff(left, prepend=-1))]
        best.into[found.left[firsts]] = places[found.right[firsts]]
        best.scores[found.left[firsts]] = found.scores[firsts]
        return best

    def _cost(self, scores: np.ndarray) -> np.ndarray:
        return -scores if self.metric in SIMILARITIES else scores

    def _better(self, earlier: Matched, later: Matched) -> Matched:
        swap = (later.into >= 0) & (
            (earlier.into < 0) | (self._cost(later.scores) < self._cost(earlier.scores))
        )
        return Matched(np.where(swap, later.into, earlier.into), np.where(swap, later.scores, earlier.scores))

    def _thinned(self, block: slice, best: Matched) -> np.ndarray:
        """Decide the rows of a block in order, writing into `best`; give the places of those that are kept."""
        rows = self.side[block]
        found = reached(rows, rows, self.metric, self.p, self.bound, 0)
        order = np.lexsort((found.left, self._cost(found.scores), found.right))
        left, right, scores = found.left[order], found.right[order], found.scores[order]
        kept = best.into < 0
        starts = np.flatnonzero(np.diff(right, prepend=-1))
        for start, stop in zip(starts, np.append(starts[1:], len(right)), strict=False):
            row = right[start]
            alive = np.flatnonzero(kept[left[start:stop]])
            if not len(alive):
                continue
            at = start + alive[0]
            mine = Matched(np.array([left[at] + block.start]), scores[at : at + 1])
            chosen = self._better(Matched(best.into[row : row + 1], best.scores[row : row + 1]), mine)
            best.into[row], best.scores[row] = chosen.into[0], chosen.scores[0]
            kept[row] = False
        return np.flatnonzero(kept) + block.start

    def _keep(self, places: np.ndarray) -> None:
        """Add kept rows to the tiles; the last one grows until it is full."""
        if self.tiles and len(self.tiles[-1][0]) + len(places) <= BLOCK:
            places = np.concatenate([self.tiles.pop()[0], places])
        if len(places):
            self.tiles.append((places, self.side[places].as_columns()))


def _no_match(rows: int) -> Matched:
    return Matched(np.full(rows, -1, np.int64), np.full(rows, np.nan))
