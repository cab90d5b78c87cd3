"""Pairs of rows that somebody judged: read from tables and lists, and how well vectors agree with the judgement.

This module must not know encoders, estimators or files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.draw.words import count
from vecwise.errors import (
    EmptyInput,
    MissingValue,
    OutOfRange,
    UnknownName,
    WrongShape,
    WrongType,
    some,
    unknown,
)
from vecwise.kernels.arrays import dense
from vecwise.kernels.arrow import numbers
from vecwise.measure.views import View
from vecwise.store.rows import as_table

SIDES: Final = ("a", "b")
_CELLS: Final = 1 << 22  # similarities held at a time


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPairs:
    """Places of the rows of every pair, `(pairs,)` each, and how similar they were judged (`None`: all are similar)."""

    left: np.ndarray
    right: np.ndarray
    scores: np.ndarray | None = None
    selves: int = 0  # pairs of a row with itself that were left out

    def __len__(self) -> int:
        return len(self.left)


def pair_names(given: Any, /) -> tuple[list[Any], list[Any], np.ndarray | None]:
    """Give the names on both sides, and the scores if there are some.

    `given` is a table with the columns a, b and, if it has one, score, or a list of twos or threes. Raises
    `EmptyInput`, `WrongShape`, `UnknownName` for a missing column, `OutOfRange` for scores that are empty or all alike.

    >>> pair_names([("sea", "ocean"), ("sky", "air")])
    (['sea', 'sky'], ['ocean', 'air'], None)
    """
    import pyarrow as pa

    if isinstance(given, np.ndarray):
        given = given.tolist()
    if isinstance(given, (list, tuple)) and not (given and isinstance(given[0], Mapping)):
        widths = {len(pair) if isinstance(pair, (list, tuple)) else 0 for pair in given}
        if not given:
            raise EmptyInput("There are no pairs.")
        if len(widths) > 1 or not widths <= {2, 3}:
            raise WrongShape("`pairs` is a list of twos (a, b), or of threes (a, b, score), all alike.")
        sides = list(zip(*given, strict=True))
        if len(sides) == 2:
            return list(sides[0]), list(sides[1]), None
        scored = pa.array(sides[2], from_pandas=True)
        return list(sides[0]), list(sides[1]), _scores(scored)
    table = as_table(given)
    for name in SIDES:
        if name not in table.column_names:
            raise unknown("column of pairs", name, table.column_names)
    if not table.num_rows:
        raise EmptyInput("There are no pairs.")
    a, b = (table.column(name).to_pylist() for name in SIDES)
    empty = [i for i, sides in enumerate(zip(a, b, strict=True)) if None in sides]
    if empty:
        raise MissingValue(
            f"{count(len(empty), 'pair')} with an empty side, the first is pair {empty[0]:,} (counted from 0): "
            "leave it out, or say what it is."
        )
    return a, b, _scores(table.column("score")) if "score" in table.column_names else None


def _scores(column: Any) -> np.ndarray:
    import pyarrow as pa

    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise WrongType(f"`score` of pairs is a number, how similar they were judged, not {column.type}.")
    made = numbers(column.cast(pa.float64()), np.float64, np.nan)
    if not np.isfinite(made).all():
        raise OutOfRange(f"{int((~np.isfinite(made)).sum()):,} of the pairs have no finite score.")
    if (made == made[0]).all():
        raise OutOfRange(
            f"All pairs have the same score, {made[0]:g}: leave the scores out if all are similar."
        )
    return made


def pairs_by_name(given: Any, ids: Any, rows: Any = None, /) -> JudgedPairs:
    """Find the rows of pairs by their ids, or by their text in a column of `rows`; the first of rows with one text.

    Raises `UnknownName` for names that are neither, and what `pair_names` raises.

    >>> pairs_by_name([("x", "z")], ["x", "y", "z"]).right.tolist()
    [2]
    """
    a, b, scores = pair_names(given)
    wanted = list(dict.fromkeys([*a, *b]))
    place = {str(name): i for i, name in enumerate(np.asarray(ids).tolist())}
    lost, kind = [name for name in wanted if str(name) not in place], "ids"
    if lost and rows is not None and all(isinstance(name, str) for name in wanted):
        texts = _places_of_texts(rows, wanted)
        unknown_texts = [name for name in wanted if name not in texts]
        if len(unknown_texts) < len(lost):
            place, lost, kind = texts, unknown_texts, "texts"
    if lost:
        are = f"is not among the {kind}" if len(lost) == 1 else f"are not among the {kind}"
        raise UnknownName(
            f"{count(len(lost), 'name')} in the pairs {are} of rows: {some(lost)}. The {kind} are such as "
            f"{some(list(place)[:3])}."
        )
    sides = [np.array([place[str(name)] for name in side], np.int64) for side in (a, b)]
    return without_selves(sides[0], sides[1], scores)


def _places_of_texts(rows: Any, wanted: list[str]) -> dict[str, int]:
    """The first row of every text, in the column of texts that holds most of those wanted."""
    import pyarrow as pa

    best: dict[str, int] = {}
    known = 0
    for name, kind in zip(rows.column_names, rows.schema.types, strict=True):
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            cells = rows.column(name).to_pylist()
            places = {text: i for i, text in reversed(list(enumerate(cells))) if text is not None}
            found = sum(text in places for text in wanted)
            if found > known:
                best, known = places, found
    return best


def without_selves(left: np.ndarray, right: np.ndarray, scores: np.ndarray | None) -> JudgedPairs:
    """Leave out pairs of a row with itself; raises `EmptyInput` when no other is left."""
    keep = left != right
    if not keep.any():
        raise EmptyInput("All pairs are of a row with itself: there is nothing to judge by.")
    selves = int((~keep).sum())
    return JudgedPairs(left[keep], right[keep], None if scores is None else scores[keep], selves)


def similarities(X: View, pairs: JudgedPairs) -> np.ndarray:
    """How similar the rows of each pair are: the cosine, or the negative Euclidean distance, `(pairs,)`."""
    found = np.empty(len(pairs))
    points = _points(X)
    for start in range(0, len(found), 4096):
        part = slice(start, start + 4096)
        left, right = (_dense(points[side[part]]) for side in (pairs.left, pairs.right))
        if X.metric == "cosine":
            found[part] = (left * right).sum(axis=1)
        else:
            found[part] = -np.sqrt(((left - right) ** 2).sum(axis=1))
    return found


def reciprocal_ranks(X: View, pairs: JudgedPairs) -> np.ndarray:
    """One over the rank of each row's partner among all rows, the mean of both ways, `(pairs,)`."""
    return np.asarray((1 / partner_ranks(X, pairs)).mean(axis=0))


def partner_ranks(X: View, pairs: JudgedPairs, pool: np.ndarray | None = None) -> np.ndarray:
    """The rank of each row's partner among all rows (or those of `pool`), `(2, pairs)`: of the right, of the left.

    Other partners of the same row are left out of the ranking; of equal similarities a row stands in their middle.
    """
    partners: dict[int, set[int]] = {}
    for a, b in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True):
        partners.setdefault(a, set()).add(b)
        partners.setdefault(b, set()).add(a)
    kept = np.arange(len(X.vectors)) if pool is None else np.unique(pool)
    at = np.full(len(X.vectors), -1)
    at[kept] = np.arange(len(kept))
    asked = np.concatenate([pairs.left, pairs.right])
    wanted = np.concatenate([pairs.right, pairs.left])
    ranks = np.empty(len(asked))
    for rows, near in similarity_blocks(X, asked, kept):
        for line, place in zip(near, range(rows.start, rows.start + len(near)), strict=True):
            query, partner = int(asked[place]), int(wanted[place])
            own = line[at[partner]]
            out = at[[query, *(partners[query] - {partner})]]
            line[out[out >= 0]] = -np.inf
            ranks[place] = 1 + (line > own).sum() + ((line == own).sum() - 1) / 2
    return ranks.reshape(2, -1)


def similarity_blocks(X: View, asked: np.ndarray, among: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """How near the rows `among` are to those asked, block by block: the larger, the nearer, in a row's own scale."""
    points = _points(X)
    pool = points[among]
    squared = None if X.metric == "cosine" else _squares(pool)
    step = max(1, _CELLS // max(1, len(among)))
    for start in range(0, len(asked), step):
        part = slice(start, start + step)
        near = _dense(points[asked[part]] @ pool.T)
        yield part, near if squared is None else 2 * near - squared


def _points(X: View) -> Any:
    """The rows in float64, of length 1 for cosine (zeros stay)."""
    values = X.vectors.values
    points = values.astype(np.float64) if X.vectors.is_sparse else dense(values)
    if X.metric != "cosine":
        return points
    lengths = np.sqrt(_squares(points))
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    if X.vectors.is_sparse:
        from scipy.sparse import diags_array

        return (diags_array(scale) @ points).tocsr()
    return points * scale[:, None]


def _squares(points: Any) -> np.ndarray:
    if hasattr(points, "multiply"):
        return np.asarray(points.multiply(points).sum(axis=1)).ravel()
    return np.asarray((points * points).sum(axis=1))


def _dense(points: Any) -> np.ndarray:
    return np.asarray(points.toarray() if hasattr(points, "toarray") else points)
