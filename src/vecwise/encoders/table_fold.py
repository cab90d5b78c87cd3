"""The fitting fold of a table: the product of its columns' folds, and which column gets which.

This module must not know how a column is fitted, nor how options are given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from vecwise.encoders.column_folds import CategoryFold, ColumnFold, HashFold, NumberFold, TextFold
from vecwise.encoders.columns import BOOLEAN, CATEGORY, DATE, NUMBER, TEXT, kind_of
from vecwise.encoders.options import PerColumn
from vecwise.encoders.table_columns import Cells
from vecwise.encoders.table_map import TableMap
from vecwise.errors import Inapplicable, NothingToEncode, UnknownName, WrongType, some, unknown
from vecwise.verbs import Fold

_SCALED: Final = (NUMBER, DATE)  # by one scale for all; true/false only where it is named

Seen = dict[str, tuple[str, Any]]  # of every column: its kind, and the state of its fold


@dataclass(frozen=True)
class TableFold:
    """The fitting fold: which columns, and for each what its own fold has read."""

    columns: tuple[str, ...] | None
    categorical: tuple[str, ...]
    options: dict[str, PerColumn]
    text: dict[str, Fold[Any, Any, Any]]
    _folds: dict[tuple[str, str], ColumnFold] = field(default_factory=dict, compare=False, repr=False)

    def zero(self) -> Seen:
        """No column seen."""
        return {}

    def step(self, state: Seen, table: Any, /) -> Seen:
        """Read one more table; every table must have the same columns."""
        return self.merge(state, self.read(Cells(table)))

    def read(self, cells: Cells) -> Seen:
        """Read a table whose labels will be needed again."""
        kinds = {name: self._kind(cells.table, name) for name in self._names(cells.table)}
        return {name: (kind, self._fold(name, kind).read(cells)) for name, kind in kinds.items()}

    def merge(self, left: Seen, right: Seen, /) -> Seen:
        """Join column by column."""
        if not left or not right:
            return left or right
        if left.keys() != right.keys():
            raise UnknownName(
                f"Two parts have other columns: {some(left.keys() ^ right.keys())} are in one only."
            )
        return {name: self._join(name, left[name], right[name]) for name in left}

    def done(self, state: Seen, /) -> TableMap:
        """Freeze; raises `NothingToEncode` without a column, and what a column's fold raises."""
        if not state:
            raise NothingToEncode("There is no column to encode: the encoder has seen no table.")
        folds = {name: self._fold(name, kind) for name, (kind, _) in state.items()}
        return TableMap.of(tuple([folds[name].done(seen) for name, (_, seen) in state.items()]))

    def _join(self, name: str, left: tuple[str, Any], right: tuple[str, Any]) -> tuple[str, Any]:
        if left[0] != right[0]:
            raise WrongType(f"Column `{name}` is a {left[0]} in one part and a {right[0]} in another.")
        return left[0], self._fold(name, left[0]).merge(left[1], right[1])

    def _names(self, table: Any) -> list[str]:
        known = table.column_names
        chosen = self.columns
        if chosen is None:
            chosen = tuple([f.name for f in table.schema if kind_of(f.type)])
            if not chosen:
                raise NothingToEncode(
                    f"No column holds numbers, dates or categories; there are {some(known, 12)}."
                )
        for option, name in self._named():
            if name not in known:
                raise unknown("column", name, known)
            if name not in chosen:
                raise unknown(f"encoded column (`{option}` names some of `columns`)", name, chosen)
        return list(chosen)

    def _named(self) -> Iterator[tuple[str, str]]:
        """Every column that an option names."""
        lists: dict[str, Any] = {"columns": self.columns or (), "categorical": self.categorical}
        lists |= {"text": self.text, **{option: rule.given for option, rule in self.options.items()}}
        return ((option, name) for option, names in lists.items() for name in names)

    def _kind(self, table: Any, name: str) -> str:
        if name in self.text:
            return TEXT
        found = kind_of(table.schema.field(name).type)
        if found is None:
            raise WrongType(
                f"Column `{name}` holds {table.schema.field(name).type}, which has no numbers to encode."
            )
        labelled = name in self.categorical or name in self.options["categories"].given
        return CATEGORY if labelled else found

    def _fold(self, name: str, kind: str) -> ColumnFold:
        if (name, kind) not in self._folds:
            self._folds[name, kind] = self._made(name, kind)
        return self._folds[name, kind]

    def _made(self, name: str, kind: str) -> ColumnFold:
        rule = {option: rule.of(name) for option, rule in self.options.items()}
        basics = (name, rule["missing"], rule["weights"])
        self._refuse_idle(name, kind, rule)
        if kind == TEXT:
            return TextFold(*basics, self.text[name])
        if kind != CATEGORY:
            scaled = kind in _SCALED or name in self.options["scale"].given
            return NumberFold(*basics, kind, rule["scale"] if scaled else None)
        if rule["categories"] == "hashing":
            return HashFold(*basics, rule["hash_dim"])
        return CategoryFold(*basics, rule["categories"], rule["order"], rule["unknown"])

    def _refuse_idle(self, name: str, kind: str, rule: dict[str, Any]) -> None:
        """Refuse an option that names a column on which it would have no effect."""
        hashed = kind == CATEGORY and rule["categories"] == "hashing"
        wanted = {
            "scale": kind in (NUMBER, DATE, BOOLEAN),
            "order": kind == CATEGORY and not hashed,
            "unknown": kind == CATEGORY and not hashed,
            "hash_dim": hashed,
            "categories": kind == CATEGORY,
        }
        for option, applies in wanted.items():
            if name in self.options[option].given and not applies:
                encoded = "hashed categories" if hashed else kind
                raise Inapplicable(
                    f"`{option}` names column `{name}`, which is encoded as {encoded}, where it has no effect. Leave "
                    "it out there."
                )
