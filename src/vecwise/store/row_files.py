"""Rows out: an Arrow table as CSV, TSV, JSON Lines, Parquet, Arrow or plain text, whole or not at all.

This module must not know what the rows mean, nor where they came from.
"""

from __future__ import annotations

import base64
import datetime
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from pathlib import PurePath
from typing import Any, Final

from vecwise.errors import UnknownFormat, WrongShape, WrongType
from vecwise.store.durable import replacing
from vecwise.store.os_errors import shown
from vecwise.store.rows import refuse_duplicates

_BATCH: Final = 8192  # rows written at a time


def write_rows(table: Any, path: str | os.PathLike[str], ending: str | None = None) -> None:
    r"""Write an Arrow table in the format that the name's ending says; the old file stays until the new one is whole.

    With `ending`, such as `".csv"`, that says the format, whatever the name. Numbers are written with all their digits,
    dates as ISO 8601, missing cells as nothing (JSON Lines: `null`), an empty text in CSV as `""`, as is the missing
    cell of an only column, which would make no line. Raises `UnknownFormat` for an ending that is not `.csv`, `.tsv`,
    `.jsonl`, `.parquet`, `.arrow` or `.txt` (or another spelling of these), `WrongType` for columns that the format
    cannot hold, `WrongShape` for `.txt` and more than one column, `Unreadable` or `FileMissing` where the file cannot
    be written.

    >>> import tempfile, pyarrow as pa
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_rows(pa.table({"name": ["a", "b, c"], "size": [1.5, None]}), folder + "/rows.csv")
    ...     print(Path(folder, "rows.csv").read_text(), end="")
    name,size
    a,1.5
    "b, c",
    """
    write = _WRITERS[ending or row_format(path)]
    refuse_duplicates(table.column_names, f"The table for {shown(path)}")
    with replacing(path) as out:
        write(table, out, shown(path))


def row_format(path: str | os.PathLike[str]) -> str:
    """Give the ending that says how rows are written; raises `UnknownFormat`."""
    ending = PurePath(path).suffix.lower()
    if ending not in _WRITERS:
        known = "`.csv`, `.tsv`, `.jsonl`, `.parquet`, `.arrow` or `.txt`"
        raise UnknownFormat(
            f"{shown(path)} does not say how to write rows. Give a name that ends in {known}."
        )
    return ending


def _delimited(delimiter: str) -> Callable[[Any, Any, str], None]:
    def write(table: Any, out: Any, name: str) -> None:
        from pyarrow import types

        nested = [f.name for f in table.schema if types.is_nested(f.type) or _is_bytes(f.type)]
        if nested:
            raise WrongType(
                f"{name} is a table of plain cells, and column `{nested[0]}` holds "
                f"{table.schema.field(nested[0]).type}. Write `.parquet`, which holds it, or `.jsonl`."
            )
        # Not `csv.writer`, which writes an empty text as it writes nothing, and before 3.13 lets a lone "\r" pass.
        special = re.compile(f'[{delimiter}"\r\n]')
        lone = '""' if table.num_columns == 1 else ""  # an empty line is no row for most readers

        def line(cells: Iterable[Any]) -> str:
            return delimiter.join(lone if cell is None else _field(cell, special) for cell in cells) + "\n"

        out.write(line(table.column_names).encode("utf-8", "replace"))
        for batch in table.to_batches(max_chunksize=_BATCH):
            columns = [_cells(column) for column in batch.columns]
            out.write("".join(map(line, zip(*columns, strict=True))).encode("utf-8", "replace"))

    return write


def _cells(column: Any) -> list[Any]:
    """The cells of a column, float32 as text: Python would write the digits of the float64 beside them."""
    import pyarrow as pa

    return list((column.cast(pa.string()) if column.type == pa.float32() else column).to_pylist())


def _field(cell: Any, special: re.Pattern[str]) -> str:
    """One cell that is there; in quotation marks where it is empty or holds what ends a cell."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    text = str(cell)
    return text if text and not special.search(text) else '"' + text.replace('"', '""') + '"'


def _is_bytes(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind))


def _json_lines(table: Any, out: Any, name: str) -> None:
    for record in _records(table):
        out.write(
            (json.dumps(record, ensure_ascii=False, default=_json_cell) + "\n").encode("utf-8", "replace")
        )


def _records(table: Any) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=_BATCH):
        for record in batch.to_pylist():
            yield {key: _finite(cell) for key, cell in record.items()}


def _finite(cell: Any) -> Any:
    """JSON has neither NaN nor infinity."""
    if isinstance(cell, list):
        return [_finite(inner) for inner in cell]
    if isinstance(cell, dict):
        return {key: _finite(inner) for key, inner in cell.items()}
    return None if isinstance(cell, float) and not isfinite(cell) else cell


def _json_cell(cell: Any) -> str:
    """What JSON has no word for: dates as ISO 8601, bytes as Base64, anything else as text."""
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    return base64.b64encode(cell).decode() if isinstance(cell, bytes) else str(cell)


def _parquet(table: Any, out: Any, name: str) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, out, compression="zstd", write_page_checksum=True)


def _arrow(table: Any, out: Any, name: str) -> None:
    import pyarrow as pa

    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=_BATCH)


def _lines(table: Any, out: Any, name: str) -> None:
    if table.num_columns != 1:
        raise WrongShape(
            f"{name} holds a text a line, and these rows have {table.num_columns} columns. Write `.csv`."
        )
    for batch in table.to_batches(max_chunksize=_BATCH):
        for cell in batch.column(0).to_pylist():
            line = "" if cell is None else str(cell)
            if len(line.splitlines()) > 1:
                raise WrongType(
                    f"{name} holds a text a line, and a text has several lines. Write `.csv` or `.jsonl`."
                )
            out.write((line + "\n").encode("utf-8", "replace"))


_WRITERS: Final[dict[str, Callable[[Any, Any, str], None]]] = {
    **{".csv": _delimited(","), ".tsv": _delimited("\t"), ".tab": _delimited("\t")},
    **{".jsonl": _json_lines, ".ndjson": _json_lines, ".parquet": _parquet, ".pq": _parquet},
    **{".arrow": _arrow, ".feather": _arrow, ".ipc": _arrow, ".txt": _lines, ".text": _lines},
}
