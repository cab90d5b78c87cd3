"""Delimited text as an Arrow table: which cells are missing, and which type a column gets.

This module must not know where the bytes came from; what is wrong with a bad file, `csv_faults` finds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vecwise.errors import BadCells, BadRow, EmptyInput, unknown
from vecwise.store.csv_faults import find_fault, line_of_row
from vecwise.store.rows import refuse_duplicates
from vecwise.store.text_files import LONGEST_CELL, refuse_width, too_long
from vecwise.table_text import clip

#: A cell of one of these is missing in a column of numbers, dates or truth values.
MISSING: Final = (
    *("", "NA", "N/A", "n/a", "NaN", "nan", "-NaN", "-nan"),
    *("NULL", "Null", "null", "None", "<NA>", "#N/A", "#NA"),
)
MOSTLY: Final = 0.95  # the share of numbers from which a cell that is none is a mistake, not a text
NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$|^\s*[+-]?(?i:inf|infinity)\s*$"
COMMA_NUMBER = r"^\s*[+-]?(\d{1,3}(\.\d{3})+,\d+|\d+,?\d*|,\d+)([eE][+-]?\d+)?\s*$"  # 1,72 and 1.234,56
WHOLE = r"^\s*[+-]?\d+\s*$"
_BLOCK = 16 * 2**20
_LARGEST_BLOCK = 2**31 - 1


def read_csv(utf8: bytes, name: str, *, delimiter: str, as_text: Sequence[str] = ()) -> Any:
    r"""Read delimited text whose first line names the columns; the type of a column fits all of its cells.

    The types tried are, in order: whole numbers, truth values, dates, times, timestamps, fractions, text.
    Outside text the spellings of `MISSING` are null; in text only the empty cell is, quoted or not.
    A column of numbers with a few cells that are none (at least 19 of 20 are) is refused, wherever they
    stand. Where `;` is the delimiter, the comma is the decimal one: `1,72` and `1.234,56` are numbers, and
    a column of such follows the same rule. Whole numbers beyond 64 bits stay text, since fractions would
    round them. `as_text` names columns to read as text whatever they hold. Blank lines are skipped. One
    pass at the speed of Arrow; only a file that is refused is read again, slowly, to find the line.

    Raises `EmptyInput`, `BadRow` with the line, `DuplicateName`, `UnknownName` (`as_text`), `TooLarge` for
    more than 20,000 columns.

    >>> read_csv(b"a,b\n1,x\nNA,\n", "`rows.csv`", delimiter=",").to_pydict()
    {'a': [1, None], 'b': ['x', None]}
    """
    import pyarrow as pa

    if not utf8.strip():
        raise EmptyInput(f"{name} is empty: there is not even a line of column names.")
    refuse_width(width_of(utf8, delimiter), name)
    if _has_long_line(utf8):  # Arrow ends the process when memory runs out in one of its threads
        fault = find_fault(utf8, name, delimiter)
        if fault:
            raise fault
    try:
        table = _parse(utf8, delimiter, dict.fromkeys(as_text, pa.string()))
    except pa.ArrowInvalid as error:
        raise find_fault(utf8, name, delimiter) or BadRow(f"{name} cannot be read: {error}") from error
    if not _quotes_pair(utf8, delimiter):
        fault = find_fault(utf8, name, delimiter)
        if fault:
            raise fault
    refuse_duplicates(table.column_names, name)
    if not table.num_rows:
        raise EmptyInput(f"{name} has a line of column names and no row below it.")
    for column in as_text:
        if column not in table.column_names:
            raise unknown("column", column, table.column_names)
    return _settle(table, utf8, name, delimiter, as_text)


def _has_long_line(utf8: bytes) -> bool:
    """Tell whether a line is longer than a cell may be; looks for one line end in every 16 MiB."""
    start = 0
    while len(utf8) - start > LONGEST_CELL:
        stop = start + LONGEST_CELL + 1
        end = max(utf8.rfind(b"\n", start, stop), utf8.rfind(b"\r", start, stop))
        if end < 0:
            return True
        start = end + 1
    return False


def width_of(utf8: bytes, delimiter: str) -> int:
    """Give the number of column names; quoted delimiters are not counted."""
    text = utf8.lstrip(b"\r\n")
    ends = (text.find(mark, 0, LONGEST_CELL) for mark in (b"\n", b"\r"))
    header = text[: min((end for end in ends if end >= 0), default=LONGEST_CELL)]
    if b'"' in header:
        header = re.sub(rb'"[^"]*"', b"", header)
    return header.count(delimiter.encode()) + 1


def _parse(utf8: bytes, delimiter: str, types: dict[str, Any]) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    parse = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    convert = csv.ConvertOptions(column_types=types, null_values=list(MISSING))
    for block in (_BLOCK, min(len(utf8) + 1, _LARGEST_BLOCK)):  # a row longer than a block needs a larger one
        try:
            read = csv.ReadOptions(block_size=block)
            return csv.read_csv(
                pa.BufferReader(utf8), read_options=read, parse_options=parse, convert_options=convert
            )
        except pa.ArrowInvalid as error:
            if "straddl" not in str(error):
                raise
            failure = error
    raise failure


def _quotes_pair(utf8: bytes, delimiter: str) -> bool:
    """Tell whether quotes open at the start of a cell and close at its end, so that no row swallowed another.

    Counted over the whole file, every quote with an even number opens or follows a closing one, which it
    doubles, and every other one closes or is followed by its double.
    """
    data = np.frombuffer(utf8, np.uint8)
    places = np.flatnonzero(data == ord('"'))
    if not len(places):
        return True
    edges = np.frombuffer(('\r\n"' + delimiter).encode(), np.uint8)
    before = data[places[0::2] - 1]
    after = data[np.minimum(places[1::2] + 1, len(data) - 1)]
    starts = np.isin(before, edges) | (places[0::2] == 0)
    ends = np.isin(after, edges) | (places[1::2] == len(data) - 1)
    return bool(len(places) % 2 == 0 and starts.all() and ends.all())


def _settle(table: Any, utf8: bytes, name: str, delimiter: str, as_text: Sequence[str]) -> Any:
    """Apply what Arrow's inference has not: empty texts, almost-numbers, and whole numbers beyond 64 bits."""
    import pyarrow as pa

    columns = {}
    for field, cells in zip(table.schema, table.columns, strict=True):
        columns[field.name] = cells
        if field.type == pa.float64() and beyond_64_bits(cells):
            columns[field.name] = _whole_texts(field.name, utf8, delimiter) or cells
        if field.type == pa.string():
            made = None
            if field.name not in as_text:
                made = _with_decimal_commas(cells, field.name, utf8, name) if delimiter == ";" else None
                if made is None:
                    _refuse_almost(NUMBER, cells, field.name, utf8, name, delimiter)
            if len(utf8) > LONGEST_CELL:
                _refuse_long(cells, utf8, name, delimiter)
            columns[field.name] = without_empty(cells) if made is None else made
    return pa.table(columns)


def without_empty(cells: Any) -> Any:
    """Give texts with the empty ones missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    empty = pc.equal(cells, "")
    return pc.if_else(empty, pa.scalar(None, cells.type), cells) if pc.any(empty).as_py() else cells


def _whole_texts(column: str, utf8: bytes, delimiter: str) -> Any:
    """The column as text if all of its cells are whole numbers, which fractions would round; else None."""
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = _parse(utf8, delimiter, {column: pa.string()}).column(column)
    filled = cells.filter(pc.invert(pc.is_in(cells, pa.array(MISSING))))
    return without_empty(cells) if pc.all(pc.match_substring_regex(filled, WHOLE)).as_py() else None


def beyond_64_bits(cells: Any) -> bool:
    """Tell whether a column of fractions reaches past what 64-bit whole numbers hold."""
    import pyarrow.compute as pc

    ends = pc.min_max(cells).as_py()
    return ends["max"] is not None and 2.0**63 <= max(ends["max"], -ends["min"]) < float("inf")


def _with_decimal_commas(cells: Any, column: str, utf8: bytes, name: str) -> Any:
    """The column as numbers if it is one of decimal commas, or None; raises `BadRow` if it almost is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = pc.match_substring_regex(cells, COMMA_NUMBER)
    if not pc.any(pc.and_(numbers, pc.match_substring(cells, ","))).as_py():
        return None
    _refuse_almost(COMMA_NUMBER, cells, column, utf8, name, ";")
    gaps = pc.is_in(cells, pa.array(MISSING))
    return comma_numbers(cells) if pc.all(pc.or_(gaps, numbers)).as_py() else None


def comma_numbers(cells: Any) -> Any:
    """Give texts that are numbers with decimal commas, or missing, as fractions."""
    import pyarrow as pa
    import pyarrow.compute as pc

    gaps = pc.is_in(cells, pa.array(MISSING))
    texts = pc.utf8_ltrim(pc.utf8_trim_whitespace(cells), "+")
    texts = pc.replace_substring(pc.replace_substring(texts, ".", ""), ",", ".")
    return pc.cast(pc.if_else(gaps, pa.scalar(None, pa.string()), texts), pa.float64())


def _refuse_almost(pattern: str, cells: Any, column: str, utf8: bytes, name: str, delimiter: str) -> None:
    """Raise `BadRow` for the first cell that does not fit a pattern of numbers which most cells fit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = pc.match_substring_regex(cells, pattern)
    if not pc.any(numbers).as_py():
        return
    filled = pc.invert(pc.is_in(cells, pa.array(MISSING)))
    share = pc.sum(numbers).as_py() / pc.sum(filled).as_py()
    if share < MOSTLY:
        return
    rows = pc.indices_nonzero(pc.and_(filled, pc.invert(numbers))).to_pylist()
    if not rows:
        return
    where = f"{name}, line {line_of_row(utf8, delimiter, rows[0]):,}: column `{column}`"
    raise BadCells(
        f"{where} holds `{clip(cells[rows[0]].as_py(), 40)}`, which is no number, and "
        f"{min(share, 0.999):.1%} of its cells are numbers. Correct the cell or leave it empty, or read the "
        f'column as text: `--as-text {column}` (in Python: `as_text=["{column}"]`).',
        rows,
        [f"column `{column}` holds `{clip(cells[row].as_py(), 40)}`, which is no number" for row in rows],
    )


def _refuse_long(cells: Any, utf8: bytes, name: str, delimiter: str) -> None:
    import pyarrow.compute as pc

    long = pc.greater(pc.binary_length(cells), LONGEST_CELL)
    row = pc.index(long, True).as_py()
    if row >= 0:
        raise too_long(name, line_of_row(utf8, delimiter, row))
