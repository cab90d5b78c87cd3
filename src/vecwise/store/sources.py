"""Files, and standard input, as Arrow tables: which format a source has and who reads it.

This module must not know encoders or what becomes of the rows.
"""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from vecwise.errors import EmptyInput, OutOfRange, UnknownFormat, WrongType
from vecwise.store import columnar
from vecwise.store.csv_files import read_csv
from vecwise.store.idx_files import idx_from_stream, is_idx_head, is_idx_name, read_idx
from vecwise.store.image_columns import IMAGE, is_image_bytes
from vecwise.store.image_files import is_image_name, read_image_file, read_image_folder
from vecwise.store.json_lines import read_json_lines
from vecwise.store.os_errors import os_errors, shown
from vecwise.store.rows import refuse_duplicates
from vecwise.store.text_files import as_utf8, read_text_lines, split_lines
from vecwise.store.vector_files import MARK, SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

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
_SNIFFED_BYTES: Final = 65_536
_SNIFFED_LINES: Final = 20


def read(
    path: str | os.PathLike[str] | BinaryIO,
    /,
    *,
    format: str | None = None,
    encoding: str = "utf-8",
    as_text: Sequence[str] = (),
) -> pa.Table:
    r"""Read rows from a file into an Arrow table.

    A folder is read as the images in it: columns `path`, `label` (the folder each lies in, if they lie in
    folders) and `image`, its bytes; a `.png`, `.jpg`, `.gif`, `.webp`, `.bmp` or `.tif` file is one such row. An IDX
    file (`train-images-idx3-ubyte`, packed by gzip or not) gives `image`, a list of pixels, and `label` from the
    file of labels beside it.

    The suffix says the format of other files: `.csv`, `.tsv`, `.jsonl` (`.ndjson`), `.parquet`, `.arrow` (`.feather`,
    `.ipc`) or `.txt`, one row a line; `format` overrides it. Standard input (`"-"`), pipes and open binary
    files are told by their first bytes. `encoding` is for text formats; a byte order mark is obeyed.
    `as_text` names CSV columns to keep as text whatever they hold, such as codes with leading zeros.

    A CSV column gets the narrowest type that fits all of its cells. `NA`, `NaN`, `null` and their like are
    missing in numbers, dates and truth values; in text only an empty cell is. A column in which at least
    19 of 20 cells are numbers, but not all, is refused: a text column would hide the mistake. A `.csv` whose
    column names are parted by `;`, `|` or tabs, and by no comma, is read so; with `;`, a column of numbers
    such as `1,72` or `1.234,56` has decimal commas.

    Raises `FileMissing`, `Unreadable`, `UnknownFormat`, `EmptyInput`, `BadRow` with the line,
    `WrongEncoding` with the offset and the encoding to try, `DuplicateName`, `UnknownName`, `Damaged`.
    The whole file is read into memory.

    >>> import io
    >>> read(io.BytesIO(b"rooms,kind\n3,flat\n4,house\n")).to_pydict()
    {'rooms': [3, 4], 'kind': ['flat', 'house']}
    """
    as_text = [as_text] if isinstance(as_text, str) else list(as_text)
    pictures = _pictures(path, format)
    if pictures is not None:
        _refuse_as_text(as_text, "as images")
        return pictures(path)
    with _opened(path) as (source, name, suffix):
        chosen = _format(source, name, suffix, format)
        if chosen not in ("csv", "tsv"):
            _refuse_as_text(as_text, chosen)
        table = _READERS[chosen](source, name, encoding, as_text)
    refuse_duplicates(table.column_names, name)
    if not table.num_rows or not table.num_columns:
        raise EmptyInput(f"{name} has no rows.")
    return table


def _refuse_as_text(as_text: Sequence[str], chosen: str) -> None:
    if as_text:
        raise OutOfRange(
            f"`as_text` is for CSV and TSV; this is read as {chosen}, which says its types itself."
        )


def _pictures(path: Any, wanted: str | None) -> Callable[[Any], Any] | None:
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
def _opened(path: Any) -> Iterator[tuple[BinaryIO, str, str | None]]:
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


def _format(source: BinaryIO, name: str, suffix: str | None, wanted: str | None) -> str:
    if wanted is not None:
        chosen = _SUFFIXES.get(f".{wanted.lower().removeprefix('.')}")
        if chosen is None and wanted.lower().removeprefix(".") in PICTURES:
            return wanted.lower().removeprefix(".")
        if chosen is None:
            raise UnknownFormat(f"There is no format `{wanted}`. There are: {', '.join(FORMATS + PICTURES)}.")
        return chosen
    if suffix is None:
        return _sniff(source)
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    if suffix in SUFFIXES:
        raise UnknownFormat(f"{name} holds vectors, not rows. Take them by `vw.encode(path)`.")
    ending = f"The ending `{suffix}` of {name} is not known" if suffix else f"{name} has no ending"
    raise UnknownFormat(
        f'{ending}. Known are {", ".join(_SUFFIXES)}. Say what it is: `--format csv` (format="csv").'
    )


def _sniff(source: BinaryIO) -> str:
    head = source.read(_SNIFFED_BYTES)
    source.seek(0)
    if head.startswith(columnar.PARQUET_MARK):
        return "parquet"
    if head.startswith((columnar.ARROW_MARK, columnar.STREAM_MARK)):
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


def _csv(source: BinaryIO, name: str, encoding: str, as_text: Sequence[str]) -> Any:
    utf8 = as_utf8(source.read(), name, encoding)
    return read_csv(utf8, name, delimiter=_delimiter(utf8), as_text=as_text)


def _delimiter(utf8: bytes) -> str:
    """The comma, unless the column names, quotes left out, have none and are parted by something else."""
    lines = re.split(rb"[\r\n]+", utf8.lstrip(b"\r\n")[:100_000], maxsplit=2)
    header, below = (re.sub(rb'"[^"]*"', b"", line) for line in (lines[0], lines[1] if lines[1:] else b""))
    if b"," in header:
        return ","
    if b";" in header:
        return ";"
    found = [mark for mark in (b"|", b"\t") if mark in header and header.count(mark) == below.count(mark)]
    return found[0].decode() if found else ","


def _tsv(source: BinaryIO, name: str, encoding: str, as_text: Sequence[str]) -> Any:
    return read_csv(as_utf8(source.read(), name, encoding), name, delimiter="\t", as_text=as_text)


def _image(source: BinaryIO, name: str, *_: Any) -> Any:
    import pyarrow as pa

    return pa.table({IMAGE: pa.array([source.read()], pa.large_binary())})


_READERS: Final[Mapping[str, Callable[[BinaryIO, str, str, Sequence[str]], Any]]] = {
    "csv": _csv,
    "tsv": _tsv,
    "jsonl": lambda source, name, encoding, _: read_json_lines(as_utf8(source.read(), name, encoding), name),
    "txt": lambda source, name, encoding, _: read_text_lines(as_utf8(source.read(), name, encoding), name),
    "parquet": lambda source, name, *_: columnar.read_parquet(source, name),
    "arrow": lambda source, name, *_: columnar.read_arrow(source, name),
    "idx": lambda source, name, *_: idx_from_stream(source, name),
    "images": _image,
}
