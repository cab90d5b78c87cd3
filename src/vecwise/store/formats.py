"""Which format a source has: by its name, by what is said, or by its first bytes.

This module must not know how any format is read.
"""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any, BinaryIO, Final

from vecwise.errors import UnknownFormat, WrongType
from vecwise.store.columnar import ARROW_MARK, PARQUET_MARK, STREAM_MARK
from vecwise.store.idx_files import is_idx_head, is_idx_name, read_idx
from vecwise.store.image_columns import is_image_bytes
from vecwise.store.image_files import is_image_name, read_image_file, read_image_folder
from vecwise.store.number_tables import starts_with_numbers
from vecwise.store.os_errors import os_errors, shown
from vecwise.store.text_files import split_lines
from vecwise.store.vector_files import MARK, SUFFIXES

FORMATS: Final = ("csv", "tsv", "jsonl", "parquet", "arrow", "txt")
PICTURES: Final = ("idx", "images")  # formats of images, which are read by their path
_SUFFIXES: Final = {
    **{f".{name}": name for name in FORMATS},
    **{
        ".ndjson": "jsonl",
        ".feather": "arrow",
        ".ipc": "arrow",
        ".pq": "parquet",
        ".tab": "tsv",
        ".text": "txt",
    },
}
DELIMITERS: Final = {"csv": ",", "tsv": "\t"}
_SNIFFED_BYTES: Final = 65_536
_SNIFFED_LINES: Final = 20


def pictures(path: Any, wanted: str | None) -> Callable[[Any], Any] | None:
    """Who reads the images at this path; `None` for what is no path, or a path of anything else."""
    if not isinstance(path, (str, os.PathLike)) or os.fspath(path) == "-":
        return None
    named = None if wanted is None else wanted.lower().removeprefix(".")
    if named == "idx" or (named is None and (is_idx_name(path) or _is_idx_file(path))):
        return read_idx
    if named == "images" or (named is None and os.path.isdir(path)):
        return read_image_folder if os.path.isdir(path) else read_image_file
    return read_image_file if named is None and is_image_name(path) else None


def _is_idx_file(path: Any) -> bool:
    """Look into a file whose ending says nothing; what cannot be opened is refused later, in words."""
    if PurePath(path).suffix.lower() in (*_SUFFIXES, *SUFFIXES) or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            return is_idx_head(file.read(8))
    except OSError:
        return False


@contextmanager
def opened(path: Any) -> Iterator[tuple[BinaryIO, str, str | None]]:
    """Give a seekable binary file, its name for messages, and its suffix; no suffix: look at the bytes."""
    if hasattr(path, "read"):
        yield io.BytesIO(_bytes_of(path)), shown(str(getattr(path, "name", "the open file"))), None
    elif not isinstance(path, (str, os.PathLike)):
        raise WrongType(f"`path` is {type(path).__name__}, not a path, `-` or an open binary file.")
    elif os.fspath(path) == "-":
        yield io.BytesIO(_bytes_of(sys.stdin.buffer)), "Standard input", None
    else:
        with os_errors(path, "read"), open(path, "rb") as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                yield file, shown(path), PurePath(path).suffix.lower()
            else:
                yield io.BytesIO(file.read()), shown(path), None


def _bytes_of(file: Any) -> bytes:
    raw = file.read()
    if not isinstance(raw, bytes):
        raise WrongType("`path` is a file open as text. Open it as binary: open(path, 'rb').")
    return raw


def format_of(source: BinaryIO, name: str, suffix: str | None, wanted: str | None) -> str:
    """Give the format's name; raises `UnknownFormat` for one that is not known, and for files of vectors."""
    if wanted is not None:
        chosen = _SUFFIXES.get(f".{wanted.lower().removeprefix('.')}")
        if chosen is None and wanted.lower().removeprefix(".") in PICTURES:
            return wanted.lower().removeprefix(".")
        if chosen is None:
            raise UnknownFormat(f"There is no format `{wanted}`. There are: {', '.join(FORMATS + PICTURES)}.")
        return chosen
    chosen = _sniff(source) if suffix is None else _SUFFIXES.get(suffix)
    if chosen in DELIMITERS:
        _refuse_numbers(source, name, chosen, suffix)
    if chosen is not None:
        return chosen
    if suffix in SUFFIXES:
        raise UnknownFormat(f"{name} holds vectors, not rows. Take them by `vw.encode(path)`.")
    ending = f"The ending `{suffix}` of {name} is not known" if suffix else f"{name} has no ending"
    raise UnknownFormat(
        f'{ending}. Known are {", ".join(_SUFFIXES)}. Say what it is: `--format csv` (format="csv").'
    )


def _refuse_numbers(source: BinaryIO, name: str, chosen: str, suffix: str | None) -> None:
    """A first line of numbers would be lost as column names."""
    head = source.read(_SNIFFED_BYTES)
    source.seek(0)
    if starts_with_numbers(head, DELIMITERS[chosen], name):
        take = (
            "Take them by `vw.encode(path)`" if suffix else f"Save them as `.{chosen}`, for `vw.encode(path)`"
        )
        raise UnknownFormat(
            f"{name} begins with numbers instead of column names: it holds vectors, not rows. {take}; "
            f'or say that those are names: `--format {chosen}` (format="{chosen}").'
        )


def _sniff(source: BinaryIO) -> str:
    head = source.read(_SNIFFED_BYTES)
    source.seek(0)
    if head.startswith(PARQUET_MARK):
        return "parquet"
    if head.startswith((ARROW_MARK, STREAM_MARK)):
        return "arrow"
    if head.startswith(MARK):
        raise UnknownFormat(
            "These bytes are a NumPy file of vectors, which is mapped. Save it as `.npy` first."
        )
    if is_idx_head(head):
        return "idx"
    if is_image_bytes(head):
        return "images"
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")
    if text.lstrip().startswith("{"):
        return "jsonl"
    lines = [line for line in split_lines(text)[:_SNIFFED_LINES] if line]
    if len(head) == _SNIFFED_BYTES:  # the last line may be cut
        lines = lines[:-1] or lines
    for kind, delimiter in (("tsv", "\t"), ("csv", ","), ("csv", ";")):
        if len(lines) > 1 and delimiter in lines[0] and all(delimiter in line for line in lines):
            return kind
    return "txt"


def delimiter_of(utf8: bytes) -> str:
    """The comma, unless the column names, quotes left out, have none and are parted by something else."""
    lines = re.split(rb"[\r\n]+", utf8.lstrip(b"\r\n")[:100_000], maxsplit=2)
    header, below = (re.sub(rb'"[^"]*"', b"", line) for line in (lines[0], lines[1] if lines[1:] else b""))
    if b"," in header:
        return ","
    if b";" in header:
        return ";"
    found = [mark for mark in (b"|", b"\t") if mark in header and header.count(mark) == below.count(mark)]
    return found[0].decode() if found else ","
