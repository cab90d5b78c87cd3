"""Parquet and Arrow files as tables: verified before they are believed, and never executed.

This module must not know names of files beyond what a message says, nor what the columns mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from vecwise.errors import Damaged, VecwiseError
from vecwise.kernels.arrow_types import plain
from vecwise.store.memory import refuse_beyond
from vecwise.store.text_files import refuse_width

PARQUET_MARK: Final = b"PAR1"
ARROW_MARK: Final = b"ARROW1"
STREAM_MARK: Final = (
    b"\xff\xff\xff\xff"  # an Arrow stream has no magic word; its first message has this length mark
)


@contextmanager
def arrow_errors(name: str, kind: str) -> Iterator[None]:
    """Raise `Damaged` for whatever Arrow says about the content; the system's own refusals pass through."""
    import pyarrow as pa

    try:
        yield
    except (VecwiseError, MemoryError):
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        reason = str(error).strip().split("\n")[0][:200]
        raise Damaged(f"{name} is damaged or is no {kind} file: {reason or type(error).__name__}") from error


def read_parquet(source: BinaryIO, name: str) -> Any:
    """Give the table of a Parquet file; page checksums are verified where the file has them."""
    with arrow_errors(name, "Parquet"):
        file = open_parquet(source, name)
        refuse_beyond(_least_bytes(file), name)
        return plain(file.read())


def _least_bytes(file: Any) -> int:
    """What the rows take at the least: a run of equal cells is a few bytes in the file, whatever its length."""
    import pyarrow as pa

    width = 0
    for field in file.schema_arrow:
        try:
            width += max(1, field.type.bit_width // 8)
        except (ValueError, pa.ArrowException):  # texts and lists: their offsets at least
            width += 4
    return int(file.metadata.num_rows * width)


def open_parquet(source: BinaryIO, name: str) -> Any:
    """Open a Parquet file, of which only the footer is read yet; raises `TooLarge` for too many columns."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(source, page_checksum_verification=True)
    refuse_width(len(file.schema_arrow), name)
    return file


def read_arrow(source: BinaryIO, name: str) -> Any:
    """Give the table of an Arrow (Feather 2) file or stream, after every offset in it was checked."""
    import pyarrow as pa

    with arrow_errors(name, "Arrow"):
        reader = open_arrow(pa.BufferReader(pa.py_buffer(source.read())), name)
        table = pa.Table.from_batches(reader, reader.schema)
        table.validate(full=True)
        return plain(table)


def open_arrow(source: Any, name: str) -> Any:
    """Open an Arrow file or stream as an iterable of record batches; raises `TooLarge` for too many columns."""
    import pyarrow as pa

    is_file = source.read(len(ARROW_MARK)) == ARROW_MARK
    source.seek(0)
    reader = _Batches(pa.ipc.open_file(source)) if is_file else pa.ipc.open_stream(source)
    refuse_width(len(reader.schema), name)
    return reader


class _Batches:
    """The record batches of an Arrow file, one after the other, as a stream's are."""

    def __init__(self, file: Any) -> None:
        self.file, self.schema = file, file.schema

    def __iter__(self) -> Iterator[Any]:
        return (self.file.get_batch(i) for i in range(self.file.num_record_batches))
