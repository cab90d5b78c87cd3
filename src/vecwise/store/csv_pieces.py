"""Delimited text larger than memory: passes that find the types of the whole file, and one that reads with them.

This module must not know where the bytes came from; what it cannot read, `csv_files` reads or refuses, whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from vecwise.errors import BadRow, Damaged
from vecwise.store.csv_files import (
    COMMA_NUMBER,
    MISSING,
    MOSTLY,
    NUMBER,
    WHOLE,
    beyond_64_bits,
    comma_numbers,
    width_of,
    without_empty,
)
from vecwise.store.text_files import LONGEST_CELL, refuse_width

_BLOCKS: Final = (2**20, 2 * LONGEST_CELL)  # the second for rows longer than the first
_AT: Final = re.compile(r"In CSV column #(\d+):")


class Unsure(Exception):
    """Only the reader of whole files can say what is wrong here, or what is right."""


@dataclass(frozen=True, slots=True)
class _Settings:
    """How one file is parsed: every pass the same, but for the types."""

    pieces: Callable[[], Iterator[bytes]]
    delimiter: str
    block: int


@dataclass(slots=True)
class _Seen:
    """What the cells of one column of texts, or of fractions, were in a pass."""

    filled: int = 0
    numbers: int = 0
    comma: int = 0
    with_comma: int = 0
    whole: int = 0
    beyond: bool = False


@dataclass(slots=True)
class _Quotes:
    """The fold over the bytes that tells whether quotes open and close at the edges of cells only."""

    delimiter: str
    count: int = 0
    last: int = ord("\n")
    open_end: bool = False  # the last byte was a closing quote, and what follows it is not known yet
    fits: bool = True
    edges: Any = field(init=False)

    def __post_init__(self) -> None:
        self.edges = np.frombuffer(('\r\n"' + self.delimiter).encode(), np.uint8)

    def read(self, piece: bytes) -> None:
        data = np.frombuffer(piece, np.uint8)
        if not len(data):
            return
        if self.open_end:
            self.fits &= bool(np.isin(data[0], self.edges))
        places = np.flatnonzero(data == ord('"'))
        opens = places[self.count % 2 :: 2]
        closes = places[1 - self.count % 2 :: 2]
        before = np.where(opens > 0, data[opens - 1], self.last)
        inner = closes[closes + 1 < len(data)]
        self.fits &= bool(np.isin(before, self.edges).all() and np.isin(data[inner + 1], self.edges).all())
        self.count += len(places)
        self.last = int(data[-1])
        self.open_end = len(inner) < len(closes)

    @property
    def paired(self) -> bool:
        return self.fits and self.count % 2 == 0


class _Stream:
    """Pieces of UTF-8 as the binary file that Arrow reads from."""

    closed = False

    def __init__(self, pieces: Iterator[bytes], quotes: _Quotes | None = None) -> None:
        self.pieces, self.quotes, self.held = pieces, quotes, b""

    def read(self, size: int = -1) -> bytes:
        while len(self.held) < size:
            piece = next(self.pieces, None)
            if piece is None:
                break
            if self.quotes is not None:
                self.quotes.read(piece)
            self.held += piece
        made, self.held = self.held[:size], self.held[size:]
        return made

    def close(self) -> None:
        """Whoever opened the file closes it; Arrow asks."""

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False


def csv_in_pieces(
    pieces: Callable[[], Iterator[bytes]], name: str, *, delimiter: str, as_text: Sequence[str] = ()
) -> Iterator[Any]:
    """Give tables that put together are what `read_csv` gives; `pieces` reads the UTF-8 of the file from its start.

    Reads at least three times: for the first guess, for the types, and for the rows; once more for each
    column whose type changes late. Raises `Unsure` before the first table wherever `read_csv` would refuse
    the file, and for rows longer than 32 MiB.
    """
    import pyarrow as pa

    refuse_width(width_of(head_of(pieces()), delimiter), name)
    for block in _BLOCKS:
        how = _Settings(pieces, delimiter, block)
        try:
            types = _types(how, as_text)
            commas, types = _settled(how, types, as_text)
            break
        except pa.ArrowInvalid as error:
            if "straddl" not in str(error) or block == _BLOCKS[-1]:
                raise Unsure(str(error)) from error
    try:
        for table in _tables(how, types):
            yield _finished(table, commas)
    except pa.ArrowInvalid as error:  # it could be read a moment ago
        raise Damaged(f"{name} was changed while it was read: {error}.") from error


def head_of(pieces: Iterator[bytes]) -> bytes:
    """Give the first megabytes, which hold the line of column names."""
    made = b""
    for piece in pieces:
        made += piece
        if len(made) >= 4 * 2**20:
            break
    return made


def _tables(how: _Settings, types: dict[str, Any], quotes: _Quotes | None = None) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import csv

    reader = csv.open_csv(
        pa.PythonFile(_Stream(how.pieces(), quotes), mode="r"),
        read_options=csv.ReadOptions(block_size=how.block),
        parse_options=csv.ParseOptions(delimiter=how.delimiter, newlines_in_values=True),
        convert_options=csv.ConvertOptions(column_types=types, null_values=list(MISSING)),
    )
    names = reader.schema.names
    if len(set(names)) < len(names) or not set(types) <= set(names):
        raise Unsure("two columns of one name, or a name that no column has")
    if not types:
        yield pa.Table.from_batches([], reader.schema)
    for batch in reader:
        yield pa.Table.from_batches([batch])


def _ladder() -> list[Any]:
    """The types in the order in which Arrow tries them: a column gets the first that fits all of its cells."""
    import pyarrow as pa

    times = [pa.timestamp(unit, zone) for unit in ("s", "ns") for zone in (None, "UTC")]
    return [pa.null(), pa.int64(), pa.bool_(), pa.date32(), pa.time32("s"), *times, pa.float64(), pa.string()]


def _types(how: _Settings, as_text: Sequence[str]) -> dict[str, Any]:
    """Guess by the first block, then read on until every cell has converted, loosening one column at a time."""
    import pyarrow as pa

    first = next(_tables(how, {})).schema
    ladder = _ladder()
    types = {f.name: pa.string() if f.name in as_text else f.type for f in first}
    if not all(kind in ladder for kind in types.values()) or not set(as_text) <= set(types):
        raise Unsure("a type that is not one of the usual, or a name that no column has")
    while True:
        try:
            for _ in _tables(how, types):
                pass
            return types
        except pa.ArrowInvalid as error:
            found = _AT.match(str(error))
            name = first.names[int(found.group(1))] if found else None
            if name is None or types[name] == pa.string():
                raise Unsure(str(error)) from error
            types[name] = ladder[ladder.index(types[name]) + 1]


def _settled(
    how: _Settings, types: dict[str, Any], as_text: Sequence[str]
) -> tuple[frozenset[str], dict[str, Any]]:
    """Apply the rules that need all cells of a column: which hold decimal commas, and which stay text after all."""
    import pyarrow as pa

    quotes = _Quotes(how.delimiter)
    asked = [name for name, kind in types.items() if kind in (pa.string(), pa.float64())]
    seen, rows = _look(how, types, asked, quotes)
    if not quotes.paired or not rows:
        raise Unsure("quotes that do not pair, or no row")
    huge = [name for name in asked if seen[name].beyond]
    if huge:
        as_texts, _ = _look(how, {**types, **dict.fromkeys(huge, pa.string())}, huge, None)
        kept = [name for name in huge if as_texts[name].whole == as_texts[name].filled]
        types = {**types, **dict.fromkeys(kept, pa.string())}
    commas = set()
    for name in asked:
        if types[name] != pa.string() or name in as_text or name in huge:
            continue
        one = seen[name]
        if how.delimiter == ";" and one.with_comma:
            _refuse_almost(one.comma, one.filled)
            if one.comma == one.filled:
                commas.add(name)
                continue
        _refuse_almost(one.numbers, one.filled)
    return frozenset(commas), types


def _refuse_almost(numbers: int, filled: int) -> None:
    if numbers and numbers < filled and numbers / filled >= MOSTLY:
        raise Unsure("almost all cells are numbers")


def _look(
    how: _Settings, types: dict[str, Any], names: list[str], quotes: _Quotes | None
) -> tuple[dict[str, _Seen], int]:
    import pyarrow as pa
    import pyarrow.compute as pc

    seen = {name: _Seen() for name in names}
    gaps, rows = pa.array(MISSING), 0
    for table in _tables(how, types, quotes):
        rows += table.num_rows
        for name in names:
            cells, one = table.column(name), seen[name]
            if cells.type == pa.float64():
                one.beyond |= beyond_64_bits(cells)
                continue
            if pc.any(pc.greater(pc.binary_length(cells), LONGEST_CELL)).as_py():
                raise Unsure("a cell over the limit")
            comma = pc.match_substring_regex(cells, COMMA_NUMBER)
            one.filled += _count(pc.invert(pc.is_in(cells, gaps)))
            one.numbers += _count(pc.match_substring_regex(cells, NUMBER))
            one.whole += _count(pc.match_substring_regex(cells, WHOLE))
            one.comma += _count(comma)
            one.with_comma += _count(pc.and_(comma, pc.match_substring(cells, ",")))
    return seen, rows


def _count(mask: Any) -> int:
    import pyarrow.compute as pc

    return int(pc.sum(mask).as_py() or 0)


def _finished(table: Any, commas: frozenset[str]) -> Any:
    import pyarrow as pa

    columns = {}
    for name, cells in zip(table.column_names, table.columns, strict=True):
        columns[name] = cells
        if cells.type == pa.string():
            columns[name] = comma_numbers(cells) if name in commas else without_empty(cells)
    return pa.table(columns)


def whole(
    pieces: Callable[[], Iterator[bytes]], name: str, reason: Unsure, read: Callable[[bytes], Any]
) -> Any:
    """Let the reader of whole files read, or word the refusal; `BadRow` with Arrow's words if memory is short."""
    try:
        return read(b"".join(pieces()))
    except MemoryError as error:
        raise BadRow(f"{name} cannot be read in pieces ({reason}), and does not fit in memory.") from error
