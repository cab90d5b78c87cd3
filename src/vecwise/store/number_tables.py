"""Tables of bare numbers without a line of column names, such as the TensorBoard projector's, and what lies beside.

This module must not know spaces or encoders; whether a line holds column names or numbers is decided here alone.
"""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecwise.errors import BadRow, EmptyInput, UnknownFormat, WrongShape
from vecwise.store.os_errors import os_errors, shown
from vecwise.store.rows import refuse_duplicates
from vecwise.store.text_files import LONGEST_CELL, as_utf8, split_lines, too_long
from vecwise.table_text import clip
from vecwise.table_text import count as counted

SUFFIXES: Final = {".tsv": "\t", ".tab": "\t", ".csv": ","}
_HEAD: Final = 65_536  # bytes that decide
_LINES: Final = 20
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*|\s*[+-]?(?i:nan|inf|infinity)\s*")
_WHOLE = re.compile(r"\s*\d+\s*")
_WORDS = re.compile(r"(?i)(^|.*[-_. ])(vectors?|vecs?|tensors?|embeddings?|emb)$")
_YEARS: Final = range(1800, 2201)


def is_number_table(path: Any) -> bool:
    """Tell by its first lines whether a `.tsv` or `.csv` file begins with numbers instead of column names.

    A first line that counts 0, 1, 2, …, or rises through years, is one of column names if fractions stand
    below it; a table of whole numbers below such a line is ambiguous and raises `UnknownFormat`, unless the
    projector's labels lie beside it. A CSV of a single column is never one.
    """
    if not isinstance(path, (str, os.PathLike)) or Path(path).suffix.lower() not in SUFFIXES:
        return False
    delimiter = SUFFIXES[Path(path).suffix.lower()]
    try:
        with open(path, "rb") as file:
            if not os.path.isfile(path):  # a pipe's bytes can be read but once
                return False
            head = file.read(_HEAD)
    except (OSError, ValueError):  # who reads it will say why
        return False
    return starts_with_numbers(head, delimiter, shown(path), sure=metadata_beside(path) is not None)


def starts_with_numbers(head: bytes, delimiter: str, name: str, *, sure: bool = False) -> bool:
    """Tell the same of the first bytes of a file; `sure` when a name vouches for numbers."""
    marked = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = head.decode("utf-16" if marked else "utf-8-sig", "replace")
    lines = [line for line in split_lines(text)[: _LINES + 1] if line.strip()]
    if not lines:
        return False
    first = lines[0].split(delimiter)
    if len(lines) == 1 and len(head) >= _HEAD and len(first) > 1:  # the last cell is cut
        first.pop()
    if not all(map(_NUMBER.fullmatch, first)) or (delimiter == "," and len(first) < 2):
        return False
    if sure or not _could_be_names(first):
        return True
    below = [cell for line in lines[1:_LINES] for cell in line.split(delimiter)]
    if any(_NUMBER.fullmatch(cell) and not _WHOLE.fullmatch(cell) for cell in below):
        return False
    if not below:
        return True
    raise UnknownFormat(
        f"{name} begins with the line `{clip(' '.join(first), 40)}`: column names or numbers? For names, say "
        "so: `--format tsv` or `--format csv`. For numbers, write one with a point: `0.0`."
    )


def _could_be_names(cells: list[str]) -> bool:
    if len(cells) < 2 or not all(map(_WHOLE.fullmatch, cells)) or max(map(len, cells)) > 9:
        return False
    whole = [int(cell) for cell in cells]
    rising = all(a < b for a, b in itertools.pairwise(whole))
    return whole == list(range(len(whole))) or (rising and whole[0] in _YEARS and whole[-1] in _YEARS)


def read_number_table(path: str | os.PathLike[str], /) -> tuple[np.ndarray, Any]:
    """Give the matrix of such a file, float64, and the table of labels beside it or `None`.

    Beside `vectors.tsv` lies `metadata.tsv`, beside `words_tensor.tsv` `words_metadata.tsv`: one column
    without a line of names (it becomes `label`), or several below one. Raises `EmptyInput`, `BadRow` with
    the line, `WrongShape` when there are more or fewer labels than vectors.
    """
    name = shown(path)
    with os_errors(path, "read"), open(path, "rb") as file:
        utf8 = as_utf8(file.read(), name, "utf-8")
    values = _numbers(utf8, name, SUFFIXES[Path(path).suffix.lower()])
    beside = metadata_beside(path)
    return values, None if beside is None else _labels(beside, len(values))


def _numbers(utf8: bytes, name: str, delimiter: str) -> np.ndarray:
    import pyarrow as pa
    from pyarrow import csv

    width = _first_line(utf8).count(delimiter) + 1
    types = {f"f{i}": pa.float64() for i in range(width)}
    parse = csv.ParseOptions(delimiter=delimiter, quote_char=False)
    read = csv.ReadOptions(column_names=list(types), block_size=min(len(utf8) + 1, 2**28))
    convert = csv.ConvertOptions(column_types=types, null_values=[])
    try:
        table = csv.read_csv(
            pa.BufferReader(utf8), read_options=read, parse_options=parse, convert_options=convert
        )
    except pa.ArrowInvalid as error:
        raise _fault(utf8, name, delimiter, width) or BadRow(f"{name} cannot be read: {error}") from error
    values = np.empty((table.num_rows, width))
    for place, column in enumerate(table.columns):
        values[:, place] = np.concatenate(
            [np.frombuffer(c.buffers()[1])[c.offset : c.offset + len(c)] for c in column.chunks]
        )
    if not len(values):
        raise EmptyInput(f"{name} has no rows.")
    return values


def _first_line(utf8: bytes) -> str:
    head = utf8.lstrip(b"\r\n")
    ends = [
        place for place in (head.find(b"\n", 0, LONGEST_CELL), head.find(b"\r", 0, LONGEST_CELL)) if place > 0
    ]
    return head[: min(ends, default=len(head))].decode()


def _fault(utf8: bytes, name: str, delimiter: str, width: int) -> BadRow | None:
    for number, line in enumerate(split_lines(utf8.decode()), 1):
        cells = line.split(delimiter)
        where = f"{name}, line {number:,}"
        if len(line) > LONGEST_CELL:
            return too_long(name, number)
        if line and len(cells) != width:
            return BadRow(
                f"{where}: {counted(len(cells), 'number')}, and {width:,} were expected: {clip(line, 60)}"
            )
        for place, cell in enumerate(cells if line else ()):
            try:
                float(cell)
            except ValueError:
                return BadRow(f"{where}: `{clip(cell, 40)}` in column {place + 1:,} is no number.")
    return None


# ---- the labels beside ----


def metadata_beside(path: str | os.PathLike[str]) -> Path | None:
    """Give the projector's file of labels that belongs to a file of vectors, if there is one.

    >>> metadata_beside("no/such/vectors.tsv") is None
    True
    """
    path = Path(path)
    found = _WORDS.fullmatch(path.stem)
    if found is None:
        return None
    for word in ("metadata", "meta", "labels"):
        beside = path.with_name(f"{found.group(1)}{word}{path.suffix}")
        if beside.is_file():
            return beside
    return None


def _labels(path: Path, count: int) -> Any:
    import pyarrow as pa

    name = shown(path)
    with os_errors(path, "read"), open(path, "rb") as file:
        lines = split_lines(as_utf8(file.read(), name, "utf-8").decode())
    header = lines[0].split("\t") if lines else []
    if len(header) < 2:
        if len(lines) != count:
            raise WrongShape(
                f"{name} has {counted(len(lines), 'label')} for {counted(count, 'vector')}. A single column "
                "has no line of names."
            )
        return pa.table({"label": pa.array(lines, pa.string())})
    cells = [line.split("\t") for line in lines[1:]]
    for number, row in enumerate(cells, 2):
        if len(row) != len(header):
            raise BadRow(
                f"{name}, line {number:,}: {counted(len(row), 'cell')}, and {len(header)} were expected."
            )
    if len(cells) != count:
        raise WrongShape(
            f"{name} has {counted(len(cells), 'row')} below its line of names, for {counted(count, 'vector')}. "
            "Every vector needs one."
        )
    refuse_duplicates(header, name)
    return pa.table({key: _typed([row[i] for row in cells]) for i, key in enumerate(header)})


def _typed(cells: list[str]) -> Any:
    """Whole numbers or fractions where every cell is one, an empty cell being missing; otherwise texts."""
    import pyarrow as pa

    texts = pa.array([cell or None for cell in cells], pa.string())
    if texts.null_count < len(texts):
        for kind in (pa.int64(), pa.float64()):
            try:
                return texts.cast(kind)
            except pa.ArrowInvalid:
                continue
    return texts
