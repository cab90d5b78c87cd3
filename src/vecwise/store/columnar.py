"""Parquet and Arrow files as tables: verified before they are believed, and never executed.

This module must not know names of files beyond what a message says, nor what the columns mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from vecwise.errors import Damaged, VecwiseError
from vecwise.store.arrow_types import plain

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
    except VecwiseError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        reason = str(error).strip().split("\n")[0][:200]
        raise Damaged(f"{name} is damaged or is no {kind} file: {reason or type(error).__name__}") from error


def read_parquet(source: BinaryIO, name: str) -> Any:
    """Give the table of a Parquet file; page checksums are verified where the file has them."""
    import pyarrow.parquet as pq

    with arrow_errors(name, "Parquet"):
        return plain(pq.ParquetFile(source, page_checksum_verification=True).read())


def read_arrow(source: BinaryIO, name: str) -> Any:
    """Give the table of an Arrow (Feather 2) file or stream, after every offset in it was checked."""
    import pyarrow as pa

    with arrow_errors(name, "Arrow"):
        raw = pa.py_buffer(source.read())
        is_file = raw.slice(0, len(ARROW_MARK)).to_pybytes() == ARROW_MARK
        reader = pa.ipc.open_file(raw) if is_file else pa.ipc.open_stream(raw)
        table = reader.read_all()
        table.validate(full=True)
        return plain(table)
