"""Lines of a word and its numbers as words and a matrix, read by Arrow, with every fault found by its line.

This module must not know what the vectors are used for, nor any binary format.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from vecwise.errors import BadRow, Damaged, EmptyInput, VecwiseError, WrongEncoding
from vecwise.table_text import count as counted

_MOST_DIMENSIONS = 100_000


def read_text(
    file: BinaryIO, name: str, dim: int | None, start: int, count: int | None = None
) -> tuple[list[str], np.ndarray]:
    """Read the lines from byte `start`; `dim` and `count` are what a header claims, if there is one."""
    import pyarrow as pa

    file.seek(start)
    line = file.readline()
    mark, columns, trailing = _shape(line, name, dim)
    file.seek(start)
    try:
        words, matrix = _parsed(file, mark, columns, trailing)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise _fault(file, name, start, mark, columns, error) from error
    if count is not None and count != len(words):
        raise Damaged(
            f"{name} is damaged or cut off: its first line claims {counted(count, 'word')}, and {len(words):,} follow."
        )
    if "" in words:
        raise BadRow(f"Line {words.index('') + (2 if start else 1):,} of {name} has numbers and no word.")
    return words, matrix


def _shape(line: bytes, name: str, dim: int | None) -> tuple[bytes, int, bool]:
    """The separator, how many numbers a line has, and whether lines end with one more separator."""
    mark = b"\t" if b"\t" in line else b" "
    bare = line.rstrip(b"\r\n")
    trailing = bare.endswith(mark)
    columns = bare.count(mark) - trailing
    if not columns:
        raise BadRow(
            f"The first line of {name} is {bare[:60]!r}: a word and its numbers, with a space between, were expected."
        )
    if columns > _MOST_DIMENSIONS:
        raise BadRow(
            f"The first line of {name} has {columns:,} numbers; up to {_MOST_DIMENSIONS:,} are read."
        )
    return mark, dim or columns, trailing


def _parsed(file: BinaryIO, mark: bytes, columns: int, trailing: bool) -> tuple[list[str], np.ndarray]:
    import pyarrow as pa
    from pyarrow import csv

    names = ["word", *(f"x{i}" for i in range(columns)), *(["end"] if trailing else [])]
    types = {name: pa.float32() for name in names} | {"word": pa.string(), "end": pa.null()}
    reader = csv.open_csv(
        file,
        read_options=csv.ReadOptions(column_names=names, block_size=max(1 << 22, 64 * columns)),
        parse_options=csv.ParseOptions(
            delimiter=mark.decode(), quote_char=False, escape_char=False, ignore_empty_lines=False
        ),
        convert_options=csv.ConvertOptions(
            column_types=types, null_values=[""] if trailing else [], strings_can_be_null=False
        ),
    )
    words: list[str] = []
    parts = []
    for batch in reader:
        words.extend(batch.column(0).to_pylist())
        part = np.empty((len(batch), columns), np.float32)
        for i in range(columns):
            column = batch.column(i + 1)
            if column.null_count:
                raise pa.ArrowInvalid("a number is missing")
            part[:, i] = column.to_numpy()
        parts.append(part)
    return words, np.concatenate(parts) if parts else np.zeros((0, columns), np.float32)


def _fault(
    file: BinaryIO, name: str, start: int, mark: bytes, columns: int, error: Exception
) -> VecwiseError:
    """Find the first line that does not fit, one by one: only a file that was refused is read this slowly."""
    file.seek(start)
    for number, line in enumerate(file, start=2 if start else 1):
        where = f"Line {number:,} of {name}"
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            return WrongEncoding(f"{where} is not UTF-8: {line[:40]!r}. Convert the file to UTF-8.")
        fields = text.rstrip("\r\n").rstrip(mark.decode()).split(mark.decode())
        if len(fields) != columns + 1:
            return BadRow(
                f"{where} has {counted(len(fields) - 1, 'number')} after its word, and {columns:,} were expected: "
                f"{text[:50].rstrip()!r}. Repair or leave out that line."
            )
        for field in fields[1:]:
            if not _is_number(field):
                return BadRow(f"{where} holds {field[:30]!r} where a number was expected. Repair that line.")
    if file.tell() == start:
        return EmptyInput(f"{name} has a first line and no words.")
    return BadRow(f"{name} has lines that do not fit each other: {str(error)[:120]}.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
