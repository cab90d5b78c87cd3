"""Pairs that count, in sets of any size: those that reach a bound, or the best of each row.

This module must not know files, encoders or pictures; the arithmetic is in `kernels.tiles`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.engines.local import cores, serial, threads
from vecwise.errors import Inapplicable, TooLarge, whole_number
from vecwise.kernels.arrays import is_sparse
from vecwise.kernels.norms import row_norms
from vecwise.kernels.screening import Side
from vecwise.kernels.similarity import PAIRS, SIMILARITIES
from vecwise.kernels.tiles import Found, reached, ready
from vecwise.measure.bounds import checked_bound, unknown_metric
from vecwise.measure.edges import Edges
from vecwise.measure.nearest import nearest
from vecwise.measure.similarity import both, power, refuse_overflow
from vecwise.measure.views import AUTO, View, view
from vecwise.runner import Engine, Progress
from vecwise.vectors import Vectors

MOST_EDGES: Final = 10_000_000  # 240 MB
ROWS: Final = (
    1024  # of a part, and columns of a tile: functions of nothing, so that the answer is the same everywhere
)
SPARSE_COLUMNS: Final = 8192
SURE: Final = 4  # times as many pairs as may be held: a sample that shows so many is enough to refuse
HUBS: Final = 32  # rows of a sample that may be near to all others
FEW_PARTS: Final = (
    8  # with fewer blocks of rows than this, columns are parted too, so that all cores have work
)


def pairs(
    X: Any,
    Y: Any = None,
    /,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    k: int | None = None,
    metric: str = AUTO,
    p: float | None = None,
    most: int = MOST_EDGES,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Edges:
    """Give only the pairs that count, in sets of any size: those that reach a bound, or the best k of each row.

    `X` and `Y` are `Vectors` or arrays, dense or sparse. Of X with itself each pair comes once, the earlier row on the
    left, and none of a row with itself. Exactly one of `at_least` (a similarity: `"cosine"` or `"dot"`), `at_most` (a
    distance: see `vw.distances`; `p` is the power of `"minkowski"`) and `k` is given. Without a `metric`, `at_least` is
    a cosine, `at_most` a Euclidean distance, and `k` goes by what rows of X are compared by in `vw.nearest`, all of
    them of standardized columns where X's have different units; `measure` says so in words. With `k` every row of X
    stands on the left with its k best others, best first, as `vw.nearest` finds them. Rows without a score (the cosine
    of a zero vector) are in no pair, and counted.

    No pair is lost and no score approximate: products in float32, lowered by their proven error, only choose
    candidates, which are scored again in float64, each by its two rows alone. A score is within `(dim + 16)` · 2.3e-16
    (of a product: times both lengths; of a distance: of itself), and is what the bound is compared with. The answer
    is the same, bit for bit, for any engine and any number of workers.

    Cost: half of rows · rows · dim products for X with itself, on all cores; memory for a float32 copy of the
    rows, 24 bytes an edge and some 50 MB. `progress(done, total)` counts rows.

    Raises `TooLarge` above `most` edges, with an estimate of how many there are, `OutOfRange` for a bound that no
    score can have, `Inapplicable` for a bound of the other kind, `UnknownName`, `SpaceMismatch`, `NonFinite`.

    >>> import vecwise as vw
    >>> X = vw.Vectors([[1.0, 0.0], [0.6, 0.8], [0.8, 0.6]], ids=["a", "b", "c"])
    >>> vw.pairs(X, at_least=0.8).to_arrow().to_pylist()
    [{'left': 'a', 'right': 'c', 'score': 0.8}, {'left': 'b', 'right': 'c', 'score': 0.96}]
    >>> vw.pairs(X, k=1).right.tolist()
    ['c', 'c', 'b']
    """
    if metric not in (None, AUTO, *PAIRS):
        raise unknown_metric(metric, tuple(PAIRS))
    whole_number("most", most, "the number of edges to hold at most")
    left, right = both(X, Y, "compare")
    if k is not None:
        if at_least is not None or at_most is not None or p is not None:
            raise Inapplicable("`k` gives the best of each row. Leave out `at_least`, `at_most` and `p`.")
        return _best_of_each(left, right, k, view(left, metric, engine=engine), most, engine)
    by = view(left, metric, at_least=at_least, at_most=at_most, engine=engine)
    bound = checked_bound(by.metric, at_least, at_most)
    job, other = _job(*_viewed(by, left, right), by.metric, power(by.metric, p), bound, most)
    _refuse_many(job, other)
    engine = engine or (threads() if len(job.parts()) > 1 and cores() > 1 else serial)
    found = _gathered(job, engine, progress)
    refuse_overflow(found.scores, "dot" if by.metric == "dot" else "cosine")
    places = np.stack([found.left, found.right], axis=1)
    return Edges(
        left.ids[found.left],
        right.ids[found.right],
        found.scores,
        places,
        by.metric,
        _pairs_of(len(left), len(right), job.same),
        _unscored(job),
        by.words,
    )


class Part(NamedTuple):
    """What one call of an engine looks at: rows of the left side, and tiles of the right one."""

    rows: slice
    tiles: slice


@dataclass(frozen=True, slots=True)
class Search:
    """All pairs within a bound, part by part."""

    left: Side
    tiles: tuple[tuple[int, Side], ...]
    metric: str
    p: float
    bound: float
    same: bool
    most: int

    def parts(self) -> list[Part]:
        """Blocks of rows, each with all tiles; few blocks with some of the tiles each."""
        blocks = [slice(s, min(s + ROWS, len(self.left))) for s in range(0, len(self.left), ROWS)]
        group = max(1, len(self.tiles) if len(blocks) >= FEW_PARTS else -(-len(self.tiles) // FEW_PARTS))
        return [Part(b, slice(t, t + group)) for b in blocks for t in range(0, len(self.tiles), group)]

    def __call__(self, part: Part) -> tuple[Found, int]:
        """Give the edges of a part, in order, and how many pairs were compared; it stops above `most` edges."""
        rows, offset = self.left[part.rows], part.rows.start
        pieces, total, compared = [], 0, 0
        for start, tile in self.tiles[part.tiles]:
            if self.same and start + len(tile) <= offset:
                continue
            above = offset - start if self.same and start < part.rows.stop else None
            found = reached(rows, tile, self.metric, self.p, self.bound, above)
            pieces.append(
                Found(
                    found.left.astype(np.int64) + offset, found.right.astype(np.int64) + start, found.scores
                )
            )
            total, compared = total + len(found.scores), compared + len(rows) * len(tile)
            if total > self.most:
                break
        return _in_order(pieces), compared


def _viewed(by: View, left: Vectors, right: Vectors) -> tuple[Vectors, Vectors]:
    """Both sides as they are compared; one object if they are one."""
    return by.vectors, by.vectors if right is left else by.of(right)


def _job(
    left: Vectors, right: Vectors, metric: str, p: float, bound: float, most: int
) -> tuple[Search, Side]:
    """The search, and its right side before it was cut into tiles."""
    same = left is right
    a, b = ready(left.values, right.values, metric)
    size = SPARSE_COLUMNS if is_sparse(b.values) else ROWS
    tiles = tuple((start, b[start : start + size].as_columns()) for start in range(0, len(b), size))
    return Search(a, tiles, metric, p, bound, same, most), b


def _refuse_many(job: Search, other: Side) -> None:
    """Refuse what a seeded sample of 1,024 rows of each side shows to be far too many, before anything is held.

    Only what is certain: without the 32 rows of each side that are in most pairs (a row may be near to all others),
    four times as many pairs as may be held, and a thousand found.
    """
    every = _pairs_of(len(job.left), len(other), job.same)
    if every <= SURE * job.most:
        return
    rows = _drawn(len(job.left))
    columns = rows if job.same else _drawn(len(other))
    left = job.left[rows]
    right = left if job.same else other[columns]
    found = reached(left, right.as_columns(), job.metric, job.p, job.bound, 0 if job.same else None)
    compared = _pairs_of(len(rows), len(columns), job.same)
    usual = len(found.scores)
    for side, count in ((found.left, len(rows)), (found.right, len(columns))):
        usual -= int(np.sort(np.bincount(side, minlength=count))[-HUBS:].sum())
    if usual >= 1000 and usual / compared * every > SURE * job.most:
        raise _too_many(
            job, len(found.scores), compared, f"{len(found.scores):,} in a sample of {compared:,}"
        )


def _drawn(rows: int) -> np.ndarray:
    return np.sort(np.random.default_rng(0).choice(rows, min(rows, ROWS), replace=False))


def _gathered(job: Search, engine: Engine, progress: Progress | None) -> Found:
    parts = job.parts()
    pieces, total, compared = [], 0, 0
    for number, (found, looked_at) in enumerate(engine(job, parts), start=1):
        pieces.append(found)
        total, compared = total + len(found.scores), compared + looked_at
        if total > job.most:
            raise _too_many(job, total, compared)
        if progress:
            progress(parts[number - 1].rows.stop, len(job.left))
    return _in_order(pieces)


def _in_order(pieces: list[Found]) -> Found:
    """Pieces as one, by left and then by right row; those that are in order already are only joined."""
    if not pieces:
        return Found(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    left, right, scores = (np.concatenate(column) for column in zip(*pieces, strict=True))
    steps = np.diff(left)
    if ((steps > 0) | ((steps == 0) & (np.diff(right) > 0))).all():
        return Found(left, right, scores)
    order = np.lexsort((right, left))
    return Found(left[order], right[order], scores[order])


def _too_many(job: Search, total: int, compared: int, seen: str = "") -> TooLarge:
    every = _pairs_of(len(job.left), sum(len(tile) for _, tile in job.tiles), job.same)
    share = min(1.0, compared / max(1, every))
    closer = "a higher `at_least`" if job.metric in SIMILARITIES else "a lower `at_most`"
    where = seen or f"{total:,} among the first {share:.0%} of all"
    return TooLarge(
        f"There are more than {job.most:,} such pairs: {where}, so about "
        f"{total / share:,.0f} in all. Ask for {closer}, for the best of each row (`k=10`), or, if you have the memory "
        f"(24 bytes a pair), for more: `most={2 * int(total / share):_}`."
    )


def _pairs_of(rows: int, columns: int, same: bool) -> int:
    return rows * (rows - 1) // 2 if same else rows * columns


def _unscored(job: Search) -> int:
    """Rows whose angle to anything has no value."""
    if job.metric not in ("cosine", "angular"):
        return 0
    others = [] if job.same else [tile for _, tile in job.tiles]
    return sum(int((side.reach == 0).sum()) for side in (job.left, *others))


def _best_of_each(left: Vectors, right: Vectors, k: int, by: View, most: int, engine: Engine | None) -> Edges:
    whole_number("k", k, "the number of pairs of each row")
    same = left is right
    kept = min(int(k), len(right) - same)
    if len(left) * kept > most:
        raise TooLarge(
            f"The best {kept:,} of each of {len(left):,} rows are {len(left) * kept:,} pairs, more than {most:,}. Ask "
            f"for fewer, or, if you have the memory (24 bytes a pair), for more: `most={len(left) * kept:_}`."
        )
    left, right = _viewed(by, left, right)
    find = partial(nearest, right, k=kept + same, metric=by.metric, engine=engine)
    blocks = [find(left[start : start + ROWS]) for start in range(0, len(left) if kept > 0 else 0, ROWS)]
    starts = np.concatenate([[0], np.cumsum([len(found.places) for found in blocks], dtype=np.int64)])
    pieces = [_without_self(found.places, found.scores, start if same else None, kept)
              for found, start in zip(blocks, starts.tolist(), strict=False)]  # fmt: skip
    rows = np.repeat(np.arange(len(left) if kept > 0 else 0), max(kept, 0))
    others = np.concatenate([places.reshape(-1) for places, _ in pieces]) if pieces else rows
    scores = np.concatenate([scores.reshape(-1) for _, scores in pieces]) if pieces else np.zeros(0)
    keep = ~np.isnan(scores)
    rows, others, scores = rows[keep], others[keep], scores[keep]
    unscored = _zero_rows(left, right) if by.metric in ("cosine", "angular") else 0
    places = np.stack([rows, others], axis=1)
    compared = len(left) * (len(right) - same)
    return Edges(left.ids[rows], right.ids[others], scores, places, by.metric, compared, unscored, by.words)


def _without_self(
    places: np.ndarray, scores: np.ndarray, first: int | None, kept: int
) -> tuple[np.ndarray, np.ndarray]:
    """Leave out each row itself, or the last of its neighbours where more than k others are as near."""
    if first is None:
        return places, scores
    own = places == np.arange(first, first + len(places))[:, None]
    own[~own.any(axis=1), -1] = True
    return places[~own].reshape(-1, kept), scores[~own].reshape(-1, kept)


def _zero_rows(left: Vectors, right: Vectors) -> int:
    sides = (left,) if right is left else (left, right)
    return sum(int((row_norms(X.values, np.inf) == 0).sum()) for X in sides)
