"""Rows of a table as vectors: `TableEncoder`, its fold (what the columns hold) and its map.

This module must not know how a column is chosen, which is `guess`, nor how Arrow stores one, which is `columns`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

import numpy as np

from vecwise.draw.words import count
from vecwise.encoders.base import Encoder, choice
from vecwise.encoders.columns import CATEGORY, DATE, counts_of, kind_of, numbers_of, places_of
from vecwise.errors import (
    DuplicateName,
    MissingValue,
    NonFinite,
    NothingToEncode,
    TooLarge,
    UnknownName,
    WrongType,
    some,
    unknown,
)
from vecwise.space import Space, mint_frame
from vecwise.vectors import Vectors

MISSING: Final = ("error", "mean", "median")
UNKNOWN: Final = ("error", "zeros")
MOST_CATEGORIES: Final = 1_000  # more one-hot columns than this are a text or an id in disguise


class ColumnSeen(NamedTuple):
    """What the fold knows of one column: its kind, and what a policy or a category list will need."""

    kind: str
    cells: int
    total: float
    values: tuple[np.ndarray, ...]
    labels: dict[str, int]


@dataclass(frozen=True, slots=True)
class Column:
    """One fitted column: where it comes from, how it is read, and what fills a gap."""

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    fill: float | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the dimensions it becomes."""
        return tuple(f"{self.name}={c}" for c in self.categories) if self.kind == CATEGORY else (self.name,)


@dataclass(frozen=True)
class TableFold:
    """The fitting fold: kinds, sums for the fills, and the labels of categories."""

    columns: tuple[str, ...] | None
    categorical: tuple[str, ...]
    missing: str
    unknown: str

    def zero(self) -> dict[str, ColumnSeen]:
        """No column seen."""
        return {}

    def step(self, state: dict[str, ColumnSeen], table: Any, /) -> dict[str, ColumnSeen]:
        """Read one more table; every table must have the same columns."""
        return self.merge(state, {name: self._read(table, name) for name in self._names(table)})

    def merge(self, left: dict[str, ColumnSeen], right: dict[str, ColumnSeen], /) -> dict[str, ColumnSeen]:
        """Join column by column."""
        if not left or not right:
            return left or right
        if left.keys() != right.keys():
            raise UnknownName(
                f"Two parts have other columns: {some(left.keys() ^ right.keys())} are in one only."
            )
        return {name: self._join(name, left[name], right[name]) for name in left}

    def done(self, state: dict[str, ColumnSeen], /) -> TableMap:
        """Freeze; raises `NothingToEncode` without a column, `TooLarge` for a column of too many categories."""
        if not state:
            raise NothingToEncode("There is no column to encode: the encoder has seen no table.")
        return TableMap.of(tuple(self._freeze(n, s) for n, s in state.items()), self.missing, self.unknown)

    def _names(self, table: Any) -> list[str]:
        known = table.column_names
        for name in (*(self.columns or ()), *self.categorical):
            if name not in known:
                raise unknown("column", name, known)
        if self.columns is None:
            named = [f.name for f in table.schema if kind_of(f.type)]
            if not named:
                raise NothingToEncode(
                    f"No column holds numbers, dates or categories; there are {some(known, 12)}."
                )
            return named
        for name in self.categorical:
            if name not in self.columns:
                raise unknown("encoded column (`categorical` names some of `columns`)", name, self.columns)
        return list(self.columns)

    def _kind(self, table: Any, name: str) -> str:
        kind = CATEGORY if name in self.categorical else kind_of(table.schema.field(name).type)
        if kind is None:
            raise WrongType(
                f"Column `{name}` holds {table.schema.field(name).type}, which has no numbers to encode."
            )
        return kind

    def _read(self, table: Any, name: str) -> ColumnSeen:
        kind, cells = self._kind(table, name), table.column(name)
        if kind == CATEGORY:
            return ColumnSeen(kind, len(cells), 0.0, (), counts_of(cells))
        if self.missing == "error":  # nothing to learn: a gap will be refused, not filled
            return ColumnSeen(kind, len(cells), 0.0, (), {})
        values = numbers_of(cells, kind, name)
        values = values[np.isfinite(values)]
        kept = (values,) if self.missing == "median" else ()
        return ColumnSeen(kind, len(values), float(values.sum()), kept, {})

    @staticmethod
    def _join(name: str, left: ColumnSeen, right: ColumnSeen) -> ColumnSeen:
        if left.kind != right.kind:
            raise WrongType(f"Column `{name}` is a {left.kind} in one part and a {right.kind} in another.")
        labels = dict(left.labels)
        for label, times in right.labels.items():
            labels[label] = labels.get(label, 0) + times
        cells, total = left.cells + right.cells, left.total + right.total
        return ColumnSeen(left.kind, cells, total, left.values + right.values, labels)

    def _freeze(self, name: str, seen: ColumnSeen) -> Column:
        if seen.kind == CATEGORY:
            if len(seen.labels) > MOST_CATEGORIES:
                raise TooLarge(
                    f"Column `{name}` has {len(seen.labels):,} different values; up to {MOST_CATEGORIES:,} become "
                    "dimensions. Leave it out (--columns), or read it as text (--text)."
                )
            if not seen.labels:
                raise NothingToEncode(f"Column `{name}` is empty. Leave it out (--columns).")
            return Column(name, seen.kind, tuple(sorted(seen.labels)))
        if self.missing == "error":
            return Column(name, seen.kind)
        if not seen.cells:
            raise NothingToEncode(
                f"Column `{name}` is empty, so it has no {self.missing}. Leave it out (--columns)."
            )
        fill = (
            seen.total / seen.cells
            if self.missing == "mean"
            else float(np.median(np.concatenate(seen.values)))
        )
        return Column(name, seen.kind, fill=fill)


@dataclass(frozen=True)
class TableMap:
    """Frozen columns: an Arrow table to a dense float64 matrix, column blocks side by side."""

    target: Space
    columns: tuple[Column, ...]
    missing: str
    unknown: str

    @classmethod
    def of(cls, columns: tuple[Column, ...], missing: str, unknown: str) -> Self:
        """Mint the space: the axes are the columns, how each is read, and its categories; never a fill."""
        features = tuple(feature for column in columns for feature in column.features)
        twice = (
            sorted({f for f in features if features.count(f) > 1})
            if len(set(features)) < len(features)
            else []
        )
        if twice:
            raise DuplicateName(f"Two columns would give the same feature names: {some(twice)}. Rename one.")
        frame = mint_frame("table", [[c.name, c.kind, c.categories] for c in columns])
        return cls(Space(len(features), frame, features, name="TableEncoder"), columns, missing, unknown)

    def __call__(self, table: Any, /) -> Vectors:
        """Encode every row, column block by column block."""
        values = np.zeros((table.num_rows, self.target.dim))
        start = 0
        for column in self.columns:
            if column.name not in table.column_names:
                raise unknown("column", column.name, table.column_names)
            block = values[:, start : start + len(column.features)]
            self._write(column, table.column(column.name), block)
            start += len(column.features)
        return Vectors(values, rows=table, space=self.target, encoder=self)

    def _write(self, column: Column, cells: Any, block: np.ndarray) -> None:
        if column.kind == CATEGORY:
            places = places_of(cells, column.categories)
            _refuse_gaps(column.name, places == -1, self.missing)
            self._refuse_unknown(column, cells, places)
            known = np.flatnonzero(places >= 0)
            block[known, places[known]] = 1.0
            return
        values = _as_numbers(column, cells)
        bad = np.flatnonzero(np.isinf(values))
        if len(bad):
            raise NonFinite(
                f"Column `{column.name}` is infinite in {count(len(bad), 'row')}: {some(bad)} (counted from 0). "
                "No policy fills infinity: repair those cells, empty them and choose --missing mean or median, "
                "or leave the column out (--columns)."
            )
        gaps = np.isnan(values)
        _refuse_gaps(column.name, gaps, self.missing)
        block[:, 0] = values if column.fill is None else np.where(gaps, column.fill, values)

    def _refuse_unknown(self, column: Column, cells: Any, places: np.ndarray) -> None:
        new = np.flatnonzero(places == -2)
        if len(new) and self.unknown == "error":
            value = cells[int(new[0])].as_py()
            raise UnknownName(
                f"Column `{column.name}` holds `{value}` in row {new[0]}, which fitting never saw; it knows "
                f'{some(column.categories)}. Fit on all rows, or encode new values as zeros: unknown="zeros".'
            )

    def state(self) -> dict[str, Any]:
        """Plain data."""
        columns = [[c.name, c.kind, list(c.categories), c.fill] for c in self.columns]
        return {"columns": columns, "missing": self.missing, "unknown": self.unknown}

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map from its plain data."""
        columns = tuple(
            Column(name, kind, tuple(labels), fill) for name, kind, labels, fill in state["columns"]
        )
        return cls.of(columns, state["missing"], state["unknown"])


class TableEncoder(Encoder):
    """Rows of a table as vectors: numbers as they are, true/false as 1/0, dates as days, categories one-hot.

    `columns` are the columns to encode, in this order (`None`: every column of an encodable type).
    Text columns become categories in sorted order, named `column=value`; `categorical` names number
    columns to treat so too. Dates count days since 1970-01-01, with the time as a fraction. `missing`
    says what an empty cell or NaN becomes: `"error"`, `"mean"` or `"median"` of its column (an empty
    category is all zeros then). `unknown` says what an unseen category becomes: `"error"` or `"zeros"`.
    Gives float64 of shape `(rows, dim)`.

    Raises `UnknownName` for a column that is not there, `MissingValue` and `NonFinite` with row numbers,
    `NothingToEncode`, `TooLarge` above 1,000 categories in a column.

    >>> from vecwise import TableEncoder
    >>> encoder = TableEncoder(columns=["bedrooms", "sqft_lot"])
    >>> encoder.fit_transform({"bedrooms": [3, 3], "sqft_lot": [5650, 7242]})
    array([[3.000e+00, 5.650e+03],
           [3.000e+00, 7.242e+03]])
    >>> list(encoder.get_feature_names_out())
    ['bedrooms', 'sqft_lot']
    """

    rows_a_chunk = None  # a column is read at once

    def __init__(
        self,
        columns: Sequence[str] | None = None,
        *,
        categorical: Sequence[str] = (),
        missing: str = "error",
        unknown: str = "error",
    ) -> None:
        self.columns = columns
        self.categorical = categorical
        self.missing = missing
        self.unknown = unknown

    def _fold(self) -> TableFold:
        missing = choice("policy for missing values", self.missing, MISSING)
        unseen = choice("policy for unknown categories", self.unknown, UNKNOWN)
        for option in ("columns", "categorical"):
            if isinstance(getattr(self, option), str):
                raise WrongType(f"`{option}` is a list of names, not the text `{getattr(self, option)}`.")
        columns = None if self.columns is None else tuple(self.columns)
        if columns is not None and len(set(columns)) < len(columns):
            raise DuplicateName(f"`columns` names a column twice: {some(columns)}.")
        return TableFold(columns, tuple(self.categorical), missing, unseen)


def _as_numbers(column: Column, cells: Any) -> np.ndarray:
    kind = kind_of(cells.type)
    if kind == CATEGORY or kind is None:
        raise WrongType(f"Column `{column.name}` was a {column.kind} when fitted and holds {cells.type} now.")
    if (kind == DATE) != (column.kind == DATE):  # days and numbers are no match for each other
        raise WrongType(f"Column `{column.name}` was a {column.kind} when fitted and is a {kind} now.")
    return numbers_of(cells, kind, column.name)


def _refuse_gaps(name: str, gaps: np.ndarray, policy: str) -> None:
    if policy == "error" and gaps.any():
        rows = np.flatnonzero(gaps)
        raise MissingValue(
            f"Column `{name}` has no value in {count(len(rows), 'row')}: {some(rows)} (counted from 0). "
            "Choose what goes there (--missing mean or --missing median), or leave the column out (--columns)."
        )
