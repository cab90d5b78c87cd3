"""Files larger than memory: read piece by piece, each piece cut where a row ends.

This module must not know where the bytes came from; a file's rows do not depend on where its pieces are cut.
"""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Final

from vecwise.errors import BadRow, EmptyInput, MixedColumn, WrongEncoding
from vecwise.kernels.arrow_types import plain
from vecwise.store.cells import column_of
from vecwise.store.columnar import arrow_errors, open_arrow, open_parquet
from vecwise.store.json_lines import misfit, objects
from vecwise.store.text_files import (
    LONGEST_CELL,
    encoding_of,
    read_text_lines,
    refuse_unmarked,
    split_lines,
    too_long,
    validate,
    wrong_encoding,
)

PIECE: Final = 2**20  # bytes; the rows of one piece are in memory several times over


def resized(tables: Iterator[Any], rows: int) -> Iterator[Any]:
    """Cut and join tables so that each has `rows` rows, the last one fewer.

    >>> import pyarrow as pa
    >>> parts = iter([pa.table({"a": [1, 2, 3]}), pa.table({"a": [4]}), pa.table({"a": [5]})])
    >>> [table["a"].to_pylist() for table in resized(parts, 2)]
    [[1, 2], [3, 4], [5]]
    """
    import pyarrow as pa

    waiting: list[Any] = []
    count = 0
    for table in tables:
        start = 0
        while count + table.num_rows - start >= rows:
            taken = rows - count
            yield pa.concat_tables([*waiting, table.slice(start, taken)])
            waiting, count, start = [], 0, start + taken
        if start < table.num_rows:
            waiting.append(table.slice(start))
            count += table.num_rows - start
    if waiting:
        yield pa.concat_tables(waiting)


class OwnPlace:
    """A place of one's own in an open file: Arrow may still be reading ahead at the one before."""

    def __init__(self, file: Any) -> None:
        self.descriptor, self.at = os.dup(file.fileno()), 0

    def __del__(self) -> None:
        os.close(self.descriptor)

    def seek(self, place: int) -> None:
        """Go to this byte."""
        self.at = place

    def tell(self) -> int:
        """The number of the next byte."""
        return self.at

    def read(self, size: int) -> bytes:
        """Read on from here."""
        made = os.pread(self.descriptor, size, self.at)
        self.at += len(made)
        return made


def once_more(source: BinaryIO) -> Any:
    """Give the same bytes to be read from the start, independently of whoever still reads them."""
    return io.BytesIO(source.getvalue()) if isinstance(source, io.BytesIO) else OwnPlace(source)


# ---- text ----


def lines_in_pieces(source: BinaryIO, name: str, encoding: str) -> Iterator[tuple[bytes, int]]:
    """Give the text as UTF-8 in pieces that end where a line ends, each with the number of its first line."""
    held, line = b"", 1
    for piece in utf8_pieces(source, name, encoding):
        held += piece
        end = max(held.rfind(b"\n"), held.rfind(b"\r", 0, len(held) - 1)) + 1  # a CR may await its LF
        if end:
            yield held[:end], line
            line += _count(held[:end])
            held = held[end:]
        if len(held) > LONGEST_CELL:
            raise too_long(name, line)
    if held:
        yield held, line


def _count(whole_lines: bytes) -> int:
    return whole_lines.count(b"\n") + whole_lines.count(b"\r") - whole_lines.count(b"\r\n")


def utf8_pieces(source: Any, name: str, encoding: str) -> Iterator[bytes]:
    """Give the file from its start as valid UTF-8 without a byte order mark, cut anywhere between two characters."""
    source.seek(0)
    head = source.read(2000)
    encoding = encoding_of(head, encoding)
    source.seek(len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else 0)
    if encoding not in ("utf-8", "utf-8-sig"):
        yield from _decoded(source, name, encoding)
        return
    refuse_unmarked(head, name)
    held, offset, lines = b"", source.tell(), 0
    while piece := source.read(PIECE):
        held += piece
        end = _whole_characters(held)
        validate(held[:end], name, offset, lines)
        yield held[:end]
        offset, lines, held = offset + end, lines + held.count(b"\n", 0, end), held[end:]
    validate(held, name, offset, lines)
    yield held


def _whole_characters(raw: bytes) -> int:
    """Where the last character that may continue in the next piece begins."""
    for back in range(1, min(4, len(raw)) + 1):
        if raw[-back] >= 0xC0:  # the first byte of a character of several
            return len(raw) - back
        if raw[-back] < 0x80:
            break
    return len(raw)


def _decoded(source: Any, name: str, encoding: str) -> Iterator[bytes]:
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError as error:  # a codec without pieces
        raise WrongEncoding(f"{name} cannot be read in pieces as `{encoding}`.") from error
    offset = lines = 0
    first = True
    while True:
        piece = source.read(PIECE)
        waiting = decoder.getstate()[0]
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            raw = waiting + piece
            before = offset - len(waiting)
            counted = lines - waiting.count(b"\n")
            raise wrong_encoding(raw, name, encoding, error.start, before, counted) from error
        except UnicodeError as error:
            raise WrongEncoding(f"{name} cannot be read as `{encoding}`: {error}.") from error
        text, first = text.removeprefix("\ufeff") if first else text, first and not text
        offset, lines = offset + len(piece), lines + piece.count(b"\n")
        yield text.encode("utf-8", "replace")
        if not piece:
            return


def _text(source: BinaryIO, name: str, encoding: str, rows: int) -> Iterator[Any]:
    empty = True
    for utf8, line in lines_in_pieces(source, name, encoding):
        empty = False
        try:
            yield read_text_lines(utf8, name)
        except BadRow as error:
            raise _first_too_long(utf8, name, line) from error
    if empty:
        raise EmptyInput(f"{name} is empty: there is no line to read.")


def _first_too_long(utf8: bytes, name: str, line: int) -> BadRow:
    lengths = (len(text.encode()) for text in split_lines(utf8.decode()))
    return too_long(name, line + next(i for i, length in enumerate(lengths) if length > LONGEST_CELL))


# ---- JSON Lines ----


def _json(source: BinaryIO, name: str, encoding: str, rows: int) -> Iterator[Any]:
    """Two passes: the first finds the type of every column, the second reads with it."""
    import pyarrow as pa

    types: dict[str, Any] = {}
    for numbers, records in _records(source, name, encoding):
        for key in dict.fromkeys(key for record in records for key in record):
            types[key] = _joined(types.get(key, pa.null()), key, records, numbers, name)
    if not types:
        raise EmptyInput(f"{name} holds no JSON object with a value.")
    for numbers, records in _records(source, name, encoding):
        yield pa.table({key: _column(key, records, numbers, name, kind) for key, kind in types.items()})


def _records(source: BinaryIO, name: str, encoding: str) -> Iterator[tuple[list[int], list[dict[str, Any]]]]:
    for utf8, line in lines_in_pieces(source, name, encoding):
        numbers, records = objects(split_lines(utf8.decode()), name, start=line)
        if records:
            yield numbers, records


def _joined(before: Any, key: str, records: Any, numbers: list[int], name: str) -> Any:
    """The type that holds a column's cells so far and those of another piece."""
    import pyarrow as pa

    found = _column(key, records, numbers, name).type
    try:
        schemas = [pa.schema([(key, kind)]) for kind in (before, found)]
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        _column(key, records, numbers, name, before)  # finds the line
        raise BadRow(f"{name}: column `{key}` holds {before}, and later {found}.") from error


def _column(key: str, records: Any, numbers: list[int], name: str, kind: Any = None) -> Any:
    try:
        return column_of(key, [record.get(key) for record in records], kind)
    except MixedColumn as mixed:
        raise misfit(mixed, name, numbers[mixed.row]) from mixed


# ---- Parquet and Arrow ----


def _parquet(source: BinaryIO, name: str, encoding: str, rows: int) -> Iterator[Any]:
    import pyarrow as pa

    with arrow_errors(name, "Parquet"):
        file = open_parquet(source, name)
        for group in range(file.num_row_groups):  # all at once, Arrow reads ahead
            for batch in file.iter_batches(batch_size=rows, row_groups=[group]):
                yield plain(pa.Table.from_batches([batch]))


def _arrow(source: BinaryIO, name: str, encoding: str, rows: int) -> Iterator[Any]:
    import pyarrow as pa

    with arrow_errors(name, "Arrow"):
        reader = open_arrow(source, name)
        for batch in reader:
            batch.validate(full=True)
            yield plain(pa.Table.from_batches([batch]))


READERS: Final[Mapping[str, Callable[[BinaryIO, str, str, int], Iterator[Any]]]] = {
    "txt": _text,
    "jsonl": _json,
    "parquet": _parquet,
    "arrow": _arrow,
}
