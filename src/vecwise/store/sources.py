"""Files, and standard input, as Arrow tables: who reads which format, whole or in pieces.

This module must not know encoders or what becomes of the rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from vecwise.errors import EmptyInput, Inapplicable, OutOfRange, unknown
from vecwise.store import columnar, pieces
from vecwise.store.csv_files import read_csv
from vecwise.store.csv_pieces import Unsure, csv_in_pieces, head_of, whole
from vecwise.store.formats import DELIMITERS, delimiter_of, format_of, opened, pictures
from vecwise.store.idx_files import idx_from_stream
from vecwise.store.image_columns import IMAGE
from vecwise.store.json_lines import read_json_lines
from vecwise.store.memory import enough_memory
from vecwise.store.rows import refuse_duplicates
from vecwise.store.text_files import Reject, as_utf8, read_text_lines
from vecwise.store.tolerant import read_csv_but, tell

if TYPE_CHECKING:
    import pyarrow as pa


def read(
    path: str | os.PathLike[str] | BinaryIO,
    /,
    *,
    format: str | None = None,
    encoding: str = "utf-8",
    as_text: Sequence[str] = (),
    bad_rows: str = "error",
    rejects: str | os.PathLike[str] | None = None,
) -> pa.Table:
    r"""Read rows from a file into an Arrow table.

    A folder is read as the images in it: columns `path`, `label` (the folder each lies in, if they lie in
    folders) and `image`, its bytes; a `.png`, `.jpg`, `.gif`, `.webp`, `.bmp` or `.tif` file is one such row. An IDX
    file (`train-images-idx3-ubyte`, packed by gzip or not) gives `image`, a list of pixels, and `label` from the
    file of labels beside it.

    The suffix says the format of other files: `.csv`, `.tsv`, `.jsonl` (`.ndjson`), `.parquet`, `.arrow` (`.feather`,
    `.ipc`) or `.txt`, one row a line; `format` overrides it. Files of vectors hold no rows and are refused:
    `vw.encode(path)` takes them, among them a CSV or TSV whose first line is numbers instead of column
    names, unless `format` says that those are names. Standard input (`"-"`), pipes and open binary
    files are told by their first bytes. `encoding` is for text formats; a byte order mark is obeyed.
    `as_text` names CSV columns to keep as text whatever they hold, such as codes with leading zeros.

    A CSV column gets the narrowest type that fits all of its cells. `NA`, `NaN`, `null` and their like are
    missing in numbers, dates and truth values; in text only an empty cell is. A column in which at least
    19 of 20 cells are numbers, but not all, is refused: a text column would hide the mistake. A `.csv` whose
    column names are parted by `;`, `|` or tabs, and by no comma, is read so; with `;`, a column of numbers
    such as `1,72` or `1.234,56` has decimal commas.

    A row that cannot be read stops the reading. With `bad_rows="skip"` it is left out instead, and a
    `RowsSkipped` warning gives the count and the line numbers: rows with too many or too few fields, with a
    broken quote, with a cell over 16 MiB or one that is no number in a column of numbers, lines that are no
    JSON object or do not fit the others. `rejects` is a file for them, written as JSON Lines of `line`,
    `reason` and `text`.

    Raises `FileMissing`, `Unreadable`, `UnknownFormat`, `EmptyInput`, `BadRow` with the line,
    `WrongEncoding` with the offset and the encoding to try, `DuplicateName`, `UnknownName`, `Damaged`,
    `TooLarge` for more than 20,000 columns and for more than memory holds. The whole file is read into
    memory; `batches` reads what is larger.

    >>> import io
    >>> read(io.BytesIO(b"rooms,kind\n3,flat\n4,house\n")).to_pydict()
    {'rooms': [3, 4], 'kind': ['flat', 'house']}
    """
    as_text = [as_text] if isinstance(as_text, str) else list(as_text)
    left_out = _left_out(bad_rows, rejects)
    read_pictures = pictures(path, format)
    if read_pictures is not None:
        _refuse_idle("images", as_text, left_out)
        return read_pictures(path)
    with opened(path) as (source, name, suffix):
        chosen = format_of(source, name, suffix, format)
        _refuse_idle(chosen, as_text, left_out)
        with enough_memory(name):
            table = _READERS[chosen](source, name, encoding, as_text, left_out)
    refuse_duplicates(table.column_names, name)
    if not table.num_rows or not table.num_columns:
        raise EmptyInput(f"{name} has no rows.")
    if left_out is not None:
        tell(left_out, name, rejects)
    return table


def batches(
    path: str | os.PathLike[str] | BinaryIO,
    /,
    rows: int = 8192,
    *,
    format: str | None = None,
    encoding: str = "utf-8",
    as_text: Sequence[str] = (),
) -> Iterator[pa.Table]:
    r"""Read a file in tables of `rows` rows each, the last one smaller; put together they are what `read` gives.

    Files are read in pieces: memory holds a few batches, a row group's compressed pages or a record batch of
    the file, whatever the file's size; standard input, pipes and images are held whole. The types are those of the
    whole file: JSON Lines are read twice for that, CSV and TSV three times and more, and a CSV or TSV that
    `read` would refuse is read whole to say why. Other files that are refused late have given batches before.

    Raises what `read` raises, and `OutOfRange` for `rows` below 1.

    >>> import io
    >>> [table.num_rows for table in batches(io.BytesIO(b"one\ntwo\nthree\n"), 2)]
    [2, 1]
    """
    if rows < 1:
        raise OutOfRange(f"A batch holds at least one row, not {rows}.")
    as_text = [as_text] if isinstance(as_text, str) else list(as_text)
    read_pictures = pictures(path, format)
    if read_pictures is not None:
        _refuse_idle("images", as_text, None)
        yield from pieces.resized(iter([read_pictures(path)]), rows)
        return
    with opened(path) as (source, name, suffix):
        chosen = format_of(source, name, suffix, format)
        _refuse_idle(chosen, as_text, None)
        if chosen in DELIMITERS:
            parts = _delimited_parts(source, name, encoding, chosen, as_text)
        elif chosen in pieces.READERS:
            parts = pieces.READERS[chosen](source, name, encoding, rows)
        else:
            parts = iter([_READERS[chosen](source, name, encoding, as_text, None)])
        any_rows = False
        with enough_memory(name):
            for table in pieces.resized(parts, rows):
                any_rows = True
                refuse_duplicates(table.column_names, name)
                yield table
    if not any_rows:
        raise EmptyInput(f"{name} has no rows.")


def _delimited_parts(
    source: BinaryIO, name: str, encoding: str, chosen: str, as_text: Sequence[str]
) -> Iterator[Any]:
    def again() -> Iterator[bytes]:
        return pieces.utf8_pieces(pieces.once_more(source), name, encoding)

    delimiter = delimiter_of(head_of(again())) if chosen == "csv" else DELIMITERS[chosen]
    try:
        yield from csv_in_pieces(again, name, delimiter=delimiter, as_text=as_text)
    except Unsure as reason:
        yield whole(again, name, reason, lambda utf8: _delimited(utf8, name, delimiter, as_text, None))


def _left_out(bad_rows: str, rejects: Any) -> list[Reject] | None:
    if bad_rows not in ("error", "skip"):
        raise unknown("way to treat bad rows", str(bad_rows), ("error", "skip"))
    if bad_rows == "skip":
        return []
    if rejects is not None:
        raise Inapplicable('`rejects` is for rows that are left out: `--bad-rows skip` (bad_rows="skip").')
    return None


def _refuse_idle(chosen: str, as_text: Sequence[str], left_out: list[Reject] | None) -> None:
    """Refuse options that would have no effect on this format."""
    if as_text and chosen not in DELIMITERS:
        raise OutOfRange(
            f"`as_text` is for CSV and TSV; this is read as {chosen}, which says its types itself."
        )
    if left_out is not None and chosen not in (*DELIMITERS, "jsonl", "txt"):
        raise OutOfRange(
            f"`bad_rows` is for text formats; this is read as {chosen}, which is whole or damaged."
        )


def _csv(source: BinaryIO, name: str, encoding: str, as_text: Sequence[str], left_out: Any) -> Any:
    utf8 = as_utf8(source.read(), name, encoding)
    return _delimited(utf8, name, delimiter_of(utf8), as_text, left_out)


def _tsv(source: BinaryIO, name: str, encoding: str, as_text: Sequence[str], left_out: Any) -> Any:
    return _delimited(as_utf8(source.read(), name, encoding), name, "\t", as_text, left_out)


def _delimited(utf8: bytes, name: str, delimiter: str, as_text: Sequence[str], left_out: Any) -> Any:
    if left_out is None:
        return read_csv(utf8, name, delimiter=delimiter, as_text=as_text)
    table, found = read_csv_but(utf8, name, delimiter=delimiter, as_text=as_text)
    left_out += found
    return table


def _image(source: BinaryIO, name: str, *_: Any) -> Any:
    import pyarrow as pa

    return pa.table({IMAGE: pa.array([source.read()], pa.large_binary())})


_READERS: Final[Mapping[str, Callable[[BinaryIO, str, str, Sequence[str], Any], Any]]] = {
    "csv": _csv,
    "tsv": _tsv,
    "jsonl": lambda source, name, encoding, _, left_out: read_json_lines(
        as_utf8(source.read(), name, encoding), name, left_out
    ),
    "txt": lambda source, name, encoding, _, left_out: read_text_lines(
        as_utf8(source.read(), name, encoding), name, left_out
    ),
    "parquet": lambda source, name, *_: columnar.read_parquet(source, name),
    "arrow": lambda source, name, *_: columnar.read_arrow(source, name),
    "idx": lambda source, name, *_: idx_from_stream(source, name),
    "images": _image,
}
