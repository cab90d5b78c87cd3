"""A table of answers as a CSV or Parquet file, whole or not at all.

This module must not know what the rows mean.
"""

from __future__ import annotations

import os
from typing import Any

from vecwise.store.durable import replacing


def write_csv(table: Any, path: str | os.PathLike[str]) -> None:
    """Write an Arrow table of plain cells as CSV; missing cells are empty.

    The old file stays until the new one is whole. Raises `Unreadable` or `FileMissing` with the
    reason.
    """
    from pyarrow.csv import WriteOptions
    from pyarrow.csv import write_csv as write

    with replacing(path) as out:
        write(table, out, WriteOptions(quoting_style="needed"))


def write_parquet(table: Any, path: str | os.PathLike[str]) -> None:
    """Write an Arrow table as Parquet with checksums of its pages, as `write_csv` writes it."""
    import pyarrow.parquet as pq

    with replacing(path) as out:
        pq.write_table(table, out, write_page_checksum=True)
