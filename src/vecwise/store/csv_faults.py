"""What is wrong with delimited text that cannot be read, and in which line.

This module must not know Arrow: it reads slowly and exactly, and only what was refused.
"""

from __future__ import annotations

import csv
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vecwise.errors import BadRow, EmptyInput, VecwiseError
from vecwise.store.text_files import LONGEST_CELL, too_long
from vecwise.table_text import clip

_LIMIT_LOCK = threading.Lock()  # Python's csv module keeps one limit per process


def find_fault(utf8: bytes, name: str, delimiter: str) -> VecwiseError | None:
    """Give the first fault as an error with its line: ragged rows, quotes, cells over the limit, no row.

    >>> print(find_fault(b"a,b\\n1,2\\n3\\n", "`rows.csv`", ","))
    `rows.csv`, line 3: 1 field, and 2 were expected, as there are column names: 3
    """
    width, start = 0, 1
    rows = 0
    with _records(utf8, delimiter) as (reader, text):
        while True:
            try:
                record = next(reader, None)
            except csv.Error as error:
                if "unexpected end" in str(error):
                    return _unclosed(text, name, delimiter, start)
                return _quote_fault(name, start, reader.line_num, str(error))
            if record is None:
                break
            rows += bool(record)
            width = width or len(record)
            if record and len(record) != width:
                return _ragged(name, start, len(record), width, delimiter.join(record))
            start = reader.line_num + 1
    if rows <= 1:
        return EmptyInput(f"{name} has a line of column names and no row below it.")
    return None


def line_of_row(utf8: bytes, delimiter: str, row: int) -> int:
    """Give the line in which the row of this number, counted from 0 below the column names, begins.

    >>> line_of_row(b'a\\n"x\\ny"\\n\\nz\\n', ",", 1)
    5
    """
    wanted = row + 1
    with _records(utf8, delimiter, limit=len(utf8)) as (reader, _):
        start = 1
        for record in reader:
            if record and wanted == 0:
                return start
            wanted -= bool(record)
            start = reader.line_num + 1
    return start


def _breaks(cell: str) -> int:
    return len(re.findall(r"\r\n|\r|\n", cell))


@contextmanager
def _records(utf8: bytes, delimiter: str, limit: int = LONGEST_CELL) -> Iterator[tuple[Any, str]]:
    text = utf8.decode("utf-8")
    with _LIMIT_LOCK:
        before = csv.field_size_limit(limit)
        try:
            yield csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), text
        finally:
            csv.field_size_limit(before)


def _ragged(name: str, line: int, found: int, width: int, shown: str) -> BadRow:
    fields = f"{found} field{'s' if found != 1 else ''}"
    expected = f"{width} were expected, as there are column names"
    return BadRow(f"{name}, line {line:,}: {fields}, and {expected}: {clip(shown, 60)}")


def _quote_fault(name: str, start: int, end: int, reason: str) -> VecwiseError:
    if "field larger" in reason:
        return too_long(name, start)
    where = f"{name}, lines {start:,} to {end:,}" if end > start else f"{name}, line {start:,}"
    return BadRow(f"{where}: text follows a closing quote. A quote inside a quoted cell is written twice.")


def _unclosed(text: str, name: str, delimiter: str, start: int) -> BadRow:
    """The last quote that opens a cell of the unfinished record and finds no partner is the one."""
    ends = [m.end() for m in re.finditer(r"\r\n|\r|\n", text)]
    record = text[ends[start - 2] if start > 1 else 0 :]
    cell = re.compile(rf'(?:^|(?<=[{re.escape(delimiter)}\r\n]))"(?:[^"]|"")*("|\Z)')
    opened = next((m.start() for m in cell.finditer(record) if not m.group(1)), 0)
    line = start + _breaks(record[:opened])
    return BadRow(
        f"{name}, line {line:,}: a quote opens here and is never closed: {clip(record[opened:], 60)}"
    )
