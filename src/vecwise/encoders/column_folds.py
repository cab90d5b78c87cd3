"""How each column of a table is fitted: a fold over its cells that finishes into a fitted column.

This module must not know which columns are chosen, nor how options are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from vecwise.encoders.columns import CATEGORY, kind_of, numbers_of
from vecwise.encoders.scales import NumbersSeen, fill_of, numbers_seen, scale_of
from vecwise.encoders.table_columns import (
    Cells,
    Column,
    HashedColumn,
    NumberColumn,
    OneHotColumn,
    OrdinalColumn,
    TextColumn,
    text_table,
)
from vecwise.errors import NAME_COLUMNS, NothingToEncode, TooLarge, UnknownName, some
from vecwise.kernels.arrow import numbers, present
from vecwise.verbs import Fold

ENCODINGS: Final = ("one-hot", "ordinal", "hashing")
ORDERS: Final = ("sorted", "frequency", "first")
MOST_CATEGORIES: Final = 1_000_000  # more one-hot columns than this are an id in disguise


class ColumnFold(Protocol):
    """A fold over one column: what it reads of a stretch, how stretches join, and the fitted column."""

    def read(self, cells: Cells) -> Any:
        """Read the column's cells of one stretch of rows."""
        ...

    def merge(self, left: Any, right: Any) -> Any:
        """Join two stretches, the earlier one first."""
        ...

    def done(self, state: Any) -> Column:
        """Freeze."""
        ...


@dataclass(frozen=True)
class Shared:
    """What every column is told: its name, the policy for gaps, and its weight."""

    name: str
    missing: str
    weight: float

    def basics(self, gaps: int) -> tuple[str, str, float, bool]:
        """The first fields of a fitted column."""
        return self.name, self.missing, self.weight, self.missing == "indicator" and gaps > 0


@dataclass(frozen=True)
class NumberFold(Shared):
    """Learns the fill and the scale of numbers, days and truth values; neither asked for, nothing is read."""

    kind: str
    scale: str | None

    @property
    def _fill(self) -> str | None:
        return {"mean": "mean", "median": "median", "indicator": "mean"}.get(self.missing)

    def read(self, cells: Cells) -> NumbersSeen:
        """What the fill and the scale need. Raises `OutOfRange` for whole numbers beyond 2^53."""
        if self._fill is None and self.scale is None:
            return NumbersSeen(cells.table.num_rows)
        return numbers_seen(numbers_of(cells.column(self.name), self.kind, self.name), self._fill, self.scale)

    def merge(self, left: NumbersSeen, right: NumbersSeen) -> NumbersSeen:
        """Join two stretches."""
        return left.merged(right)

    def done(self, state: NumbersSeen) -> NumberColumn:
        """Freeze. Raises `NothingToEncode` for an empty column that was to be filled or scaled, `OutOfRange`."""
        made = NumberColumn(*self.basics(state.gaps), self.kind)
        if self._fill is None and self.scale is None:
            return made
        if not state.cells:
            raise NothingToEncode(
                f"Column `{self.name}` is empty, so it has no {self._fill or 'spread'}. Leave it "
                f"out by {NAME_COLUMNS}."
            )
        fill = None if self._fill is None else fill_of(state, self._fill)
        center, width = (0.0, 1.0) if self.scale is None else scale_of(state, self.scale, self.name)
        return NumberColumn(*self.basics(state.gaps), self.kind, fill, self.scale, center, width)


class LabelsSeen(NamedTuple):
    """The labels so far in order of first appearance, how often each occurred (if the order asks), and
    whether all were numbers.
    """

    gaps: int
    numeric: bool
    labels: Any
    counts: np.ndarray


@dataclass(frozen=True)
class CategoryFold(Shared):
    """Learns the categories of a column and their order, for one dimension each or for their places."""

    encoding: str
    order: str | tuple[str, ...]
    unknown: str

    def read(self, cells: Cells) -> LabelsSeen:
        """The labels of one stretch; those that a dictionary lists and no row uses are none."""
        found = cells.coded(self.name)
        numeric = kind_of(cells.column(self.name).type) != CATEGORY
        counted = self.order == "frequency"
        counts = found.counts() if counted else np.zeros(len(found.labels), np.int64)
        return LabelsSeen(found.gaps, numeric, found.labels, counts)

    def merge(self, left: LabelsSeen, right: LabelsSeen) -> LabelsSeen:
        """Labels of the earlier rows first."""
        import pyarrow as pa
        import pyarrow.compute as pc

        joined = pc.dictionary_encode(pa.concat_arrays([left.labels, right.labels]))
        weights = np.concatenate([left.counts, right.counts])
        counts = np.zeros(len(joined.dictionary), np.int64)
        np.add.at(counts, numbers(joined.indices, np.int32, -1), weights)
        return LabelsSeen(left.gaps + right.gaps, left.numeric and right.numeric, joined.dictionary, counts)

    def done(self, state: LabelsSeen) -> Column:
        """Freeze. Raises `NothingToEncode`, `TooLarge`, and `UnknownName` for labels outside a given order."""
        categories = self._ordered(state)
        if not categories:
            raise NothingToEncode(f"Column `{self.name}` is empty. Leave it out by {NAME_COLUMNS}.")
        if self.encoding == "ordinal":
            return OrdinalColumn(*self.basics(state.gaps), categories, self.unknown)
        if len(categories) > MOST_CATEGORIES:
            raise TooLarge(
                f"Column `{self.name}` has {len(categories):,} different values; up to {MOST_CATEGORIES:,} become "
                f'dimensions. Hash them, categories={{"{self.name}": "hashing"}}, or leave the column out by '
                f"{NAME_COLUMNS}."
            )
        return OneHotColumn(*self.basics(state.gaps), categories, self.unknown)

    def _ordered(self, state: LabelsSeen) -> tuple[str, ...]:
        labels = state.labels.to_pylist()
        if not isinstance(self.order, str):
            new = set(labels) - set(self.order)
            if new and self.unknown == "error":
                raise UnknownName(
                    f"Column `{self.name}` holds {some(sorted(new))}, which its `order` does not list. Add them, or "
                    'encode them as zeros: unknown="zeros".'
                )
            return self.order
        if self.order == "first":
            return tuple(labels)
        key = _size if state.numeric else str
        if self.order == "sorted":
            return tuple(sorted(labels, key=key))
        times = dict(zip(labels, state.counts.tolist(), strict=True))
        return tuple(sorted(labels, key=lambda label: (-times[label], key(label))))


def _size(label: str) -> Any:
    """Numbers as labels are ordered by size; true and false, and dates, as they are written."""
    for read in (int, float):
        try:
            return 0, read(label), ""
        except ValueError:
            continue
    return 1, 0, label


@dataclass(frozen=True)
class HashFold(Shared):
    """Learns nothing but whether there were gaps."""

    dim: int

    def read(self, cells: Cells) -> int:
        """How many cells are missing, if anyone asks."""
        return cells.coded(self.name).gaps if self.missing == "indicator" else 0

    def merge(self, left: int, right: int) -> int:
        """Add up."""
        return left + right

    def done(self, state: int) -> HashedColumn:
        """Freeze."""
        return HashedColumn(*self.basics(state), self.dim)


@dataclass(frozen=True)
class TextFold(Shared):
    """Lets the fold of another encoder read the column."""

    inner: Fold[Any, Any, Any]

    def read(self, cells: Cells) -> tuple[int, Any]:
        """The gaps, and what the inner fold reads. Raises `WrongType`, and what the inner encoder raises."""
        column = cells.column(self.name)
        table = text_table(self.name, column, self.missing)
        return int((~present(column)).sum()), self.inner.step(self.inner.zero(), table)

    def merge(self, left: tuple[int, Any], right: tuple[int, Any]) -> tuple[int, Any]:
        """Join inside."""
        return left[0] + right[0], self.inner.merge(left[1], right[1])

    def done(self, state: tuple[int, Any]) -> TextColumn:
        """Freeze the inner map, and see on no row at all whether it gives sparse vectors."""
        import pyarrow as pa

        inner = self.inner.done(state[1])
        nothing = inner(pa.table({self.name: pa.array([], pa.string())}))
        return TextColumn(*self.basics(state[0]), inner, bool(nothing.is_sparse))
