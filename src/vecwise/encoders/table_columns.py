"""Fitted columns of a table: how each kind writes its block of dimensions, and what the dimensions are called.

This module must not know how a column was fitted, nor what stands beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Final, Self

import numpy as np

from vecwise.draw.words import count
from vecwise.encoders.columns import CATEGORY, DATE, TEXT, Coded, coded, kind_of, numbers_of, whole_of
from vecwise.encoders.registry import from_data, to_data
from vecwise.encoders.texts import is_text
from vecwise.errors import MissingValue, NonFinite, OutOfRange, UnknownName, WrongType, some, unknown
from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.arrow import numbers, present, strings
from vecwise.kernels.murmur import murmur3_32
from vecwise.kernels.pieces import Picks, Stripe, side_by_side

NOWHERE: Final = -1.0  # an ordinal for a missing or an unknown category


class Cells:
    """An Arrow table whose columns of labels are read once, though both fitting and encoding need them."""

    def __init__(self, table: Any) -> None:
        self.table = table
        self._places = {name: place for place, name in enumerate(table.column_names)}
        self._coded: dict[str, Coded] = {}

    def column(self, name: str) -> Any:
        """The cells of a column. Raises `UnknownName`."""
        if name not in self._places:
            raise unknown("column", name, self.table.column_names)
        return self.table.column(self._places[name])

    def coded(self, name: str) -> Coded:
        """The cells of a column as numbers of labels. Raises `UnknownName`, `WrongType`."""
        if name not in self._coded:
            cells = self.column(name)
            if kind_of(cells.type) is None:
                raise WrongType(f"Column `{name}` holds {cells.type}, which gives no categories.")
            self._coded[name] = coded(cells)
        return self._coded[name]


@dataclass(frozen=True)
class Column(ABC):
    """What all fitted columns share: the source, what a gap becomes, and the weight of the block.

    With `gap_column` the block ends with a dimension that is 1 where the cell is missing.
    """

    name: str
    missing: str
    weight: float
    gap_column: bool

    kind: ClassVar[str]

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the dimensions it becomes."""
        return (*self.own_features, *([f"{self.name} is missing"] if self.gap_column else []))

    @property
    @abstractmethod
    def own_features(self) -> tuple[str, ...]:
        """The names without that of the gaps."""

    @property
    def wide(self) -> int:
        """How many of its dimensions are mostly zero."""
        return 0

    @abstractmethod
    def pieces(self, cells: Cells, at: int) -> list[Stripe | Picks]:
        """Give the block, which stands from dimension `at`. Raises what its cells deserve."""

    def sparse(self, cells: Cells) -> Any:
        """Give the block as CSR."""
        from scipy.sparse import csr_array

        return csr_array(side_by_side(cells.table.num_rows, len(self.features), self.pieces(cells, 0)))

    def _gaps(self, gaps: np.ndarray, at: int) -> list[Stripe | Picks]:
        return [Stripe(at, gaps if self.weight == 1 else gaps * self.weight)] if self.gap_column else []

    def data(self) -> dict[str, Any]:
        """Plain data."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in named.items()}

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """Build the same column from its plain data."""
        fitted: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in data.items()}
        return cls(**fitted)

    def meaning(self) -> Any:
        """What gives the axes their meaning: everything but what fills a gap."""
        kept = {
            name: value for name, value in self.data().items() if name not in ("missing", "fill", "unknown")
        }
        return [type(self).__name__, kept]

    def _refuse_gaps(self, gaps: np.ndarray) -> None:
        if self.missing == "error" and gaps.any():
            rows = np.flatnonzero(gaps)
            raise MissingValue(
                f"Column `{self.name}` has no value in {count(len(rows), 'row')}: {some(rows)} (counted from 0). "
                'Choose what goes there, --missing mean or --missing median (in Python: `missing="mean"`), or leave '
                f"the column out by --columns (in Python: `columns=`)."
            )


@dataclass(frozen=True)
class NumberColumn(Column):
    """Numbers, days or truth values: one dimension, `(cell - center) / width`."""

    kind: str  # type: ignore[misc]  # a number, a date or true/false
    fill: float | None = None
    scale: str | None = None
    center: float = 0.0
    width: float = 1.0

    @property
    def own_features(self) -> tuple[str, ...]:
        """The column's own name."""
        return (self.name,)

    def pieces(self, cells: Cells, at: int) -> list[Stripe | Picks]:
        """Give the numbers, filled, scaled and weighted. Raises `MissingValue`, `NonFinite`, `OutOfRange`."""
        column = cells.column(self.name)
        kind = self._kind(column.type)
        if self._as_stored and str(column.type) == "int64" and not column.null_count:
            return [Stripe(at, whole_of(column, self.name))]
        values = numbers_of(column, kind, self.name)
        with np.errstate(over="ignore", invalid="ignore"):  # what is infinite is refused below, in words
            total = values.sum()
        if np.isfinite(total):  # one sum answers for almost all columns
            return [Stripe(at, self._scaled(values))]  # and the dimension of the gaps stays zero
        gaps = np.isnan(values)
        if self.fill is not None:
            values = values.copy()
            values[np.flatnonzero(gaps)] = self.fill  # by places, in half the time of `np.where`
        self._refuse_infinite(values)
        self._refuse_gaps(gaps)
        return [Stripe(at, self._scaled(values)), *self._gaps(gaps, at + 1)]

    @property
    def _as_stored(self) -> bool:
        return self.scale is None and self.weight == 1

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        if self._as_stored:
            return values
        with np.errstate(over="ignore", invalid="ignore"):
            if self.scale is not None:
                values = values - self.center
                values /= self.width
            if self.weight != 1:
                values = values * self.weight
            total = values.sum()
        if np.isfinite(total):
            return values
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise OutOfRange(
                f"Column `{self.name}` leaves float64 when it is scaled or weighted, in {count(len(bad), 'row')}: "
                f"{some(bad)} (counted from 0). Repair those cells, or choose another scale or weight."
            )
        return values

    def _kind(self, arrow_type: Any) -> str:
        kind = kind_of(arrow_type)
        if kind == CATEGORY or kind is None:
            raise WrongType(f"Column `{self.name}` was a {self.kind} when fitted and holds {arrow_type} now.")
        if (kind == DATE) != (self.kind == DATE):  # days and numbers are no match for each other
            raise WrongType(f"Column `{self.name}` was a {self.kind} when fitted and is a {kind} now.")
        return kind

    def _refuse_infinite(self, values: np.ndarray) -> None:
        bad = np.flatnonzero(np.isinf(values))
        if len(bad):
            raise NonFinite(
                f"Column `{self.name}` is infinite in {count(len(bad), 'row')}: {some(bad)} (counted from 0). "
                "No policy fills infinity: repair those cells, empty them and choose --missing mean or median "
                f'(in Python: `missing="mean"`), or leave the column out by --columns (in Python: `columns=`).'
            )


@dataclass(frozen=True)
class PickingColumn(Column):
    """Categories that pick one dimension a row, or none: what one-hot and hashed columns share."""

    kind = CATEGORY

    @property
    def wide(self) -> int:
        """All but the gaps."""
        return len(self.own_features)

    def picks(self, cells: Cells, at: int) -> Picks:
        """Every row's dimension and what stands there. Raises `MissingValue`, `UnknownName`."""
        found = cells.coded(self.name)
        if found.gaps:
            self._refuse_gaps(found.codes < 0)
        by_label, signs = self._places(found)
        by_label = np.append(by_label, np.int32(self.wide if self.gap_column else -1))
        places = by_label.take(found.codes, mode="wrap")  # a third of the time of `[...]`
        if isinstance(signs, float):
            values: Any = signs * self.weight
        else:
            values = np.append(signs, 1.0)[found.codes] * self.weight
        some_none = by_label[: None if found.gaps else -1].min(initial=0) < 0
        return Picks(at, places, values, bool(some_none))

    @abstractmethod
    def _places(self, found: Coded) -> tuple[np.ndarray, Any]:
        """The dimension of every label, and its sign."""

    def pieces(self, cells: Cells, at: int) -> list[Stripe | Picks]:
        """Give what the rows pick."""
        return [self.picks(cells, at)]

    def sparse(self, cells: Cells) -> Any:
        """Give what the rows pick as CSR."""
        return self.picks(cells, 0).sparse(len(self.features))


@dataclass(frozen=True)
class OneHotColumn(PickingColumn):
    """A dimension for every category, named `column=value`; a missing or unknown one picks none."""

    categories: tuple[str, ...] = ()
    unknown: str = "error"

    @cached_property
    def own_features(self) -> tuple[str, ...]:
        """`column=value`."""
        return tuple([f"{self.name}={category}" for category in self.categories])

    @cached_property
    def _known(self) -> Any:
        return strings(self.categories)

    def _places(self, found: Coded) -> tuple[np.ndarray, float]:
        return _known_places(self, found), 1.0


@dataclass(frozen=True)
class OrdinalColumn(Column):
    """One dimension: the place of the category in its order, from 0; -1 for a missing or an unknown one."""

    kind = CATEGORY
    categories: tuple[str, ...] = ()
    unknown: str = "error"

    @property
    def own_features(self) -> tuple[str, ...]:
        """The column's own name."""
        return (self.name,)

    @cached_property
    def _known(self) -> Any:
        return strings(self.categories)

    def pieces(self, cells: Cells, at: int) -> list[Stripe | Picks]:
        """Give the places. Raises `MissingValue`, `UnknownName`."""
        found = cells.coded(self.name)
        gaps = found.codes < 0
        self._refuse_gaps(gaps)
        places = np.append(_known_places(self, found), NOWHERE)[found.codes]
        return [Stripe(at, places * self.weight), *self._gaps(gaps, at + 1)]


def _known_places(column: OneHotColumn | OrdinalColumn, found: Coded) -> np.ndarray:
    """The place of every label among the fitted categories; -1 for unknown ones, where they are allowed."""
    import pyarrow.compute as pc

    places = numbers(pc.index_in(found.labels, value_set=column._known), np.int32, -1)
    if column.unknown == "error" and len(places) and places.min() < 0:
        new = np.flatnonzero(places < 0)
        row = int(np.flatnonzero(np.isin(found.codes, new))[0])
        raise UnknownName(
            f"Column `{column.name}` holds `{found.labels[int(found.codes[row])].as_py()}` in row {row}, which fitting "
            f"never saw; it knows {some(column.categories)}. Fit on all rows, or encode new values as zeros: "
            'unknown="zeros".'
        )
    return places


@dataclass(frozen=True)
class HashedColumn(PickingColumn):
    """A fixed number of dimensions: the hash of `column=value` picks one, and 1 or -1 to stand there.

    Nothing is learned, so no category is unknown. Weinberger et al. 2009, arXiv:0902.2206.
    """

    dim: int = 1

    @cached_property
    def own_features(self) -> tuple[str, ...]:
        """`column: hash 0`, `column: hash 1`, …"""
        return tuple([f"{self.name}: hash {place}" for place in range(self.dim)])

    def _places(self, found: Coded) -> tuple[np.ndarray, np.ndarray]:
        hashes = murmur3_32([f"{self.name}={label}" for label in found.labels.to_pylist()]).astype(np.int64)
        return (np.abs(hashes) % self.dim).astype(np.int32), np.where(hashes >= 0, 1.0, -1.0)


@dataclass(frozen=True)
class TextColumn(Column):
    """A column of text that another encoder's map encodes; its dimensions are named `column: word`."""

    kind = TEXT
    inner: Any = None
    mostly_zero: bool = False

    @cached_property
    def own_features(self) -> tuple[str, ...]:
        """`column: ` and what the inner space calls its dimension."""
        return tuple([f"{self.name}: {feature}" for feature in self.inner.target.feature_names()])

    @property
    def wide(self) -> int:
        """All, if the inner encoder gives sparse vectors."""
        return len(self.own_features) if self.mostly_zero else 0

    def pieces(self, cells: Cells, at: int) -> list[Stripe | Picks]:
        """Give the inner vectors."""
        values, gaps = self._read(cells)
        return [Stripe(at, dense(values)), *self._gaps(gaps, at + values.shape[1])]

    def sparse(self, cells: Cells) -> Any:
        """Give the inner vectors as CSR."""
        from scipy.sparse import csr_array, hstack

        values, gaps = self._read(cells)
        made = csr_array(values, dtype=np.float64)
        if self.gap_column:
            made = hstack([made, csr_array((gaps * self.weight)[:, None])], format="csr")
        return made

    def _read(self, cells: Cells) -> tuple[Any, np.ndarray]:
        column = cells.column(self.name)
        gaps = ~present(column) if self.gap_column else np.zeros(0, bool)
        values = self.inner(text_table(self.name, column, self.missing)).values
        if self.weight == 1:
            return values, gaps
        with np.errstate(over="ignore"):
            weighted = values * self.weight
        if not np.isfinite(weighted.data if is_sparse(weighted) else weighted).all():
            raise OutOfRange(f"The weight of column `{self.name}` takes its vectors beyond float64.")
        return weighted, gaps

    def data(self) -> dict[str, Any]:
        """Plain data, the inner map's included. Raises `NotSavable`."""
        return {**super().data(), "inner": to_data(self.inner)}

    @classmethod
    def of(cls, data: dict[str, Any]) -> Self:
        """Build the same column from its plain data."""
        return cls(**{**data, "inner": from_data(data["inner"])})

    def meaning(self) -> Any:
        """The inner frame, which is the inner map's meaning; its reading of gaps is no part of it."""
        return [type(self).__name__, self.name, self.weight, self.gap_column, self.inner.target.frame]


def text_table(name: str, column: Any, missing: str) -> Any:
    """Give a column of text as a table of its own; any policy but `"error"` reads gaps as empty texts.

    Raises `WrongType`.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if not is_text(column.type):
        raise WrongType(f"Column `{name}` holds {column.type}, not text.")
    if missing != "error" and column.null_count:
        value_type = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        column = pc.fill_null(pc.cast(column, value_type), "")
    return pa.table({name: column})


KINDS: Final[dict[str, type[Column]]] = {
    "number": NumberColumn,
    "one-hot": OneHotColumn,
    "ordinal": OrdinalColumn,
    "hashing": HashedColumn,
    "text": TextColumn,
}
