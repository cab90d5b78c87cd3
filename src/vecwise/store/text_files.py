"""Bytes of a text file as text: byte order marks, encodings, line ends, and files of one text a line.

This module must not know what the lines mean.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Any, Final

from vecwise.errors import BadRow, EmptyInput, TooLarge, WrongEncoding, unknown

LONGEST_CELL: Final = 16 * 2**20  # bytes; a longer one is almost always a quote that was never closed
MOST_COLUMNS: Final = 20_000
_MARKS = (  # the longer ones first: the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_COMMON = ("utf-8", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "shift_jis", "koi8-r")


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was left out: the line it begins in, counted from 1, why, and its text as it stood."""

    line: int
    reason: str
    text: str


def reject(error: BadRow, rejects: list[Reject] | None, line: int, text: str) -> None:
    """Note a row that is left out, or raise the error where there is no list: bad rows are not skipped then."""
    if rejects is None:
        raise error
    words = str(error).partition(", line ")[2]
    rejects.append(Reject(line, words.partition(": ")[2] or words.partition(" ")[2] or str(error), text))


def as_utf8(raw: bytes, name: str, encoding: str) -> bytes:
    """Give the file as valid UTF-8 without a byte order mark; a mark decides where UTF-8 is only the default.

    Raises `WrongEncoding` with the offset of the first bad byte, `UnknownName` for an unknown encoding.

    >>> as_utf8("café".encode("latin-1"), "`menu.txt`", "latin-1").decode()
    'café'
    """
    encoding = encoding_of(raw, encoding)
    if encoding == "utf-8":
        _check_utf8(raw, name)
        return raw
    if encoding == "utf-8-sig":
        _check_utf8(raw, name)
        return raw[len(codecs.BOM_UTF8) :]
    try:
        return raw.decode(encoding).removeprefix("\ufeff").encode("utf-8", "replace")
    except UnicodeDecodeError as error:
        raise wrong_encoding(raw, name, encoding, error.start) from error
    except (LookupError, UnicodeError) as error:  # a codec that is not of text, or without an offset
        raise WrongEncoding(f"{name} cannot be read as `{encoding}`: {error}.") from error


def encoding_of(head: bytes, encoding: str) -> str:
    """Give the encoding that was asked for, or the one of the byte order mark where UTF-8 is only the default."""
    try:
        is_default = codecs.lookup(encoding).name == "utf-8"
    except LookupError as error:
        raise unknown("encoding", encoding, _COMMON) from error
    if not is_default:
        return encoding
    return next((marked for mark, marked in _MARKS if head.startswith(mark)), "utf-8")


def _check_utf8(raw: bytes, name: str) -> None:
    refuse_unmarked(raw[:2000], name)
    validate(raw, name)


def refuse_unmarked(head: bytes, name: str) -> None:
    """Raise `WrongEncoding` for what begins like UTF-16 without a byte order mark."""
    if len(head) > 2 and head.count(0) > len(head) // 3:
        guess = "utf-16-le" if len(head) > 2 and head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
        raise WrongEncoding(f"{name} looks like UTF-16 without a byte order mark. {_remedy(guess)}")


def validate(raw: bytes, name: str, offset: int = 0, lines: int = 0) -> None:
    """Raise `WrongEncoding` unless this is UTF-8; `offset` bytes and `lines` lines of the file came before it.

    Arrow checks gigabytes a second in place; Python, which copies, is asked for the offset only.
    """
    import pyarrow as pa

    length = len(raw).to_bytes(8, "little")
    whole = pa.LargeStringArray.from_buffers(1, pa.py_buffer(bytes(8) + length), pa.py_buffer(raw))
    try:
        whole.validate(full=True)
    except pa.ArrowInvalid as invalid:
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise wrong_encoding(raw, name, "utf-8", error.start, offset, lines) from invalid


def wrong_encoding(
    raw: bytes, name: str, encoding: str, place: int, offset: int = 0, lines: int = 0
) -> WrongEncoding:
    """Word the refusal of the byte at this place, before which `offset` more bytes and `lines` lines came."""
    line = raw.count(b"\n", 0, place) + 1 + lines
    guess = "utf-8" if encoding != "utf-8" and _decodes(raw, "utf-8") else _western(raw)
    return WrongEncoding(
        f"{name} is not {encoding.upper()}: byte 0x{raw[place]:02x} at offset {offset + place:,} "
        f"(line {line:,}). "
        f"It may be {guess}. {_remedy(guess)}"
    )


def _remedy(encoding: str) -> str:
    return f'Read it with `--encoding {encoding}` (in Python: `encoding="{encoding}"`).'


def _western(raw: bytes) -> str:
    """Windows puts quotes and dashes where Latin-1 has control characters, which no text holds."""
    return "cp1252" if re.search(rb"[\x80-\x9f]", raw) and _decodes(raw, "cp1252") else "latin-1"


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def split_lines(text: str) -> list[str]:
    r"""Cut at LF, CRLF or CR, and nowhere else; the end of the last line begins no new one.

    >>> split_lines("a\r\n\nb\x0b\u2028\n")
    ['a', '', 'b\x0b\u2028']
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def read_text_lines(utf8: bytes, name: str, rejects: list[Reject] | None = None) -> Any:
    """Give one row a line, blank lines too, in the column `text`; raises `EmptyInput`.

    A line over 16 MiB raises `BadRow`, or is left out and noted in `rejects`.
    """
    import pyarrow as pa

    lines = split_lines(utf8.decode("utf-8"))
    if not lines:
        raise EmptyInput(f"{name} is empty: there is no line to read.")
    if len(utf8) > LONGEST_CELL:
        long = [
            i
            for i, line in enumerate(lines)
            if len(line) > LONGEST_CELL // 4 and len(line.encode()) > LONGEST_CELL
        ]
        for place in long:
            reject(too_long(name, place + 1), rejects, place + 1, lines[place])
        lines = [line for i, line in enumerate(lines) if i not in set(long)] if long else lines
    return pa.table({"text": pa.array(lines, pa.string())})


def too_long(name: str, line: int) -> BadRow:
    """Word the refusal of a cell over the limit."""
    return BadRow(
        f"{name}, line {line:,}: a cell is longer than {LONGEST_CELL // 2**20} MiB. Is a quote not closed?"
    )


def refuse_width(columns: int, name: str) -> None:
    """Raise `TooLarge` for more columns than a table of rows has: such are vectors, or a wrong delimiter."""
    if columns > MOST_COLUMNS:
        raise TooLarge(
            f"{name} has {columns:,} columns; up to {MOST_COLUMNS:,} are read. If they are the numbers of "
            "vectors, save these as `.npy`, or as one column of lists."
        )
