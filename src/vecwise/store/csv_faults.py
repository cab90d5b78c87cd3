"""What is wrong with delimited text that cannot be read, in which lines, and the text without them.

This module must not know Arrow: it reads slowly and exactly, and only what was refused.
"""

from __future__ import annotations

import csv
import io
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that does not fit: the lines it spans, counted from 1, and why."""

    first: int
    last: int
    reason: str


def find_all(utf8: bytes, name: str, delimiter: str) -> list[Fault]:
    r"""Give every ragged row, broken quote and cell over the limit; after a broken quote the next line counts again.

    Raises `BadRow` when the line of column names is itself one: no row could be read without it.

    >>> [(f.first, f.reason) for f in find_all(b'a,b\n1\n2,"x\n3,4\n', "`rows.csv`", ",")]
    [(2, '1 field, and 2 were expected, as there are column names'), (3, 'a quote opens here and is never closed')]
    """
    lines = cut(utf8.decode("utf-8"))
    found: list[Fault] = []
    width = at = 0
    with _limited(LONGEST_CELL):
        while at < len(lines):
            start = base = at
            reader = csv.reader((lines[i] for i in range(base, len(lines))), delimiter=delimiter, strict=True)
            try:
                for record in reader:
                    if record and width and len(record) != width:
                        reason = _fields(len(record), width)
                        found.append(Fault(start + 1, base + reader.line_num, reason))
                    width = width or len(record)
                    start = base + reader.line_num
            except csv.Error as error:
                last, fault = _broken(lines, name, delimiter, start, str(error))
                if not width:
                    raise fault from error
                found.append(Fault(start + 1, last, _reason(fault, name)))
                at = last
                continue
            break
    return found


def _broken(lines: list[str], name: str, delimiter: str, start: int, words: str) -> tuple[int, VecwiseError]:
    """The last line of a record with a broken quote, after which reading goes on, and the error."""
    if "unexpected end" in words:
        before, opened = _opened("".join(lines[start:]), delimiter)
        last = start + 1 + _breaks(before)
        return last, _never_closed(name, last, opened)
    return start + 1, _quote_fault(name, start + 1, start + 1, words)


def _reason(fault: VecwiseError, name: str) -> str:
    return str(fault).removeprefix(name).partition(": ")[2].split(": ")[0]


def cut(text: str) -> list[str]:
    r"""Cut at LF, CRLF or CR, and keep them; joined, the lines are the text again.

    >>> cut("a\r\nb\rc")
    ['a\r\n', 'b\r', 'c']
    """
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z", text)


def without(utf8: bytes, faults: Sequence[Fault]) -> bytes:
    r"""Give the text with the lines of these rows blank, so that all other lines keep their numbers.

    >>> without(b"a,b\n1\n3,4\n", [Fault(2, 2, "")])
    b'a,b\n\n3,4\n'
    """
    lines = cut(utf8.decode("utf-8"))
    for fault in faults:
        for place in range(fault.first - 1, fault.last):
            lines[place] = lines[place][len(lines[place].rstrip("\r\n")) :]
    return "".join(lines).encode()


def line_of_row(utf8: bytes, delimiter: str, row: int) -> int:
    """Give the line in which the row of this number, counted from 0 below the column names, begins.

    >>> line_of_row(b'a\\n"x\\ny"\\n\\nz\\n', ",", 1)
    5
    """
    return lines_of_rows(utf8, delimiter, [row])[0][0]


def lines_of_rows(utf8: bytes, delimiter: str, rows: Sequence[int]) -> list[tuple[int, int]]:
    """Give the first and last line of each of these rows, which rise."""
    spans: list[tuple[int, int]] = []
    with _records(utf8, delimiter, limit=len(utf8)) as (reader, _):
        start, row = 1, -1
        for record in reader:
            if record:
                if len(spans) < len(rows) and rows[len(spans)] == row:
                    spans.append((start, reader.line_num))
                    if len(spans) == len(rows):
                        break
                row += 1
            start = reader.line_num + 1
    return spans


def _breaks(cell: str) -> int:
    return len(re.findall(r"\r\n|\r|\n", cell))


@contextmanager
def _records(utf8: bytes, delimiter: str, limit: int = LONGEST_CELL) -> Iterator[tuple[Any, str]]:
    text = utf8.decode("utf-8")
    with _limited(limit):
        yield csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), text


@contextmanager
def _limited(limit: int) -> Iterator[None]:
    with _LIMIT_LOCK:
        before = csv.field_size_limit(limit)
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _ragged(name: str, line: int, found: int, width: int, shown: str) -> BadRow:
    return BadRow(f"{name}, line {line:,}: {_fields(found, width)}: {clip(shown, 60)}")


def _fields(found: int, width: int) -> str:
    fields = f"{found} field{'s' if found != 1 else ''}"
    return f"{fields}, and {width} were expected, as there are column names"


def _quote_fault(name: str, start: int, end: int, reason: str) -> VecwiseError:
    if "field larger" in reason:
        return too_long(name, start)
    where = f"{name}, lines {start:,} to {end:,}" if end > start else f"{name}, line {start:,}"
    return BadRow(f"{where}: text follows a closing quote. A quote inside a quoted cell is written twice.")


def _unclosed(text: str, name: str, delimiter: str, start: int) -> BadRow:
    ends = [m.end() for m in re.finditer(r"\r\n|\r|\n", text)]
    record = text[ends[start - 2] if start > 1 else 0 :]
    before, opened = _opened(record, delimiter)
    return _never_closed(name, start + _breaks(before), opened)


def _opened(record: str, delimiter: str) -> tuple[str, str]:
    """Part an unfinished record before its last quote that opens a cell and finds no partner: that is the one."""
    cell = re.compile(rf'(?:^|(?<=[{re.escape(delimiter)}\r\n]))"(?:[^"]|"")*("|\Z)')
    place = next((m.start() for m in cell.finditer(record) if not m.group(1)), 0)
    return record[:place], record[place:]


def _never_closed(name: str, line: int, opened: str) -> BadRow:
    return BadRow(f"{name}, line {line:,}: a quote opens here and is never closed: {clip(opened, 60)}")
