"""Vectors as immutable Parquet files, and back: the record that any plain tool can read.

This module must not know generations, caches or which files belong together.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged, DuplicateName, NotSavable, some
from vecwise.kernels.arrow_types import plain
from vecwise.store.columnar import arrow_errors
from vecwise.store.durable import replacing
from vecwise.store.manifest import Manifest, Part
from vecwise.store.named_files import opened
from vecwise.store.rows import refuse_duplicates
from vecwise.vectors import Vectors

RESERVED: Final = "vecwise_"
ID, VECTOR, INDICES, VALUES = (RESERVED + name for name in ("id", "vector", "indices", "values"))
PART_BYTES: Final = 64 * 2**20
GROUP_ROWS: Final = 8_192
_PAGE_BYTES: Final = 8 * 2**20  # at this size page checksums cost nothing that can be measured


def check_columns(rows: Any) -> Any:
    """Give the rows with plain Arrow types; raises `DuplicateName` for names that are taken."""
    if rows is None:
        return None
    refuse_duplicates(rows.column_names, "The rows")
    taken = [name for name in rows.column_names if name.startswith(RESERVED)]
    if taken:
        raise DuplicateName(
            f"Names that begin with `{RESERVED}` are the dataset's own. Rename the column {some(taken)}."
        )
    return plain(rows)


def rows_per_part(X: Vectors, rows: Any, *, part_bytes: int = PART_BYTES) -> int:
    """Give how many rows make a part of about `part_bytes`: whole row groups where there are several."""
    numbers = (X.values.data.nbytes + X.values.indices.nbytes) if X.is_sparse else X.values.nbytes
    total = numbers + (0 if rows is None else rows.nbytes)
    fitting = max(1, int(part_bytes * len(X) / max(1, total)))
    return fitting if fitting < GROUP_ROWS else fitting // GROUP_ROWS * GROUP_ROWS


def write_part(X: Vectors, rows: Any, start: int, stop: int, path: Path) -> Part:
    """Write the rows from `start` to `stop` as one durable file; raises `NotSavable`, `Unreadable`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = _table(X, rows, start, stop)
    leaves = _leaves(table.schema)
    numbers = [leaf for leaf in leaves if leaf.split(".")[0] in (VECTOR, INDICES, VALUES)]
    others = [leaf for leaf in leaves if leaf not in numbers]
    with replacing(path) as out:
        with pq.ParquetWriter(
            pa.PythonFile(out, mode="w"),
            table.schema,
            compression={leaf: "none" if leaf in numbers else "zstd" for leaf in leaves},
            use_dictionary=[leaf for leaf in others if leaf != ID],
            write_statistics=others,
            write_page_checksum=True,
            data_page_size=_PAGE_BYTES,
        ) as writer:
            writer.write_table(table, row_group_size=GROUP_ROWS)
        values = X.values[start:stop].nnz if X.is_sparse else (stop - start) * X.shape[1]
        return Part(path.name, stop - start, int(values), out.size, out.sha256)


def _table(X: Vectors, rows: Any, start: int, stop: int) -> Any:
    import pyarrow as pa

    fields, columns = [pa.field(ID, _id_type(X.ids), nullable=False)], [_id_array(X.ids[start:stop])]
    for name, column in _number_columns(X.values[start:stop]).items():
        fields.append(pa.field(name, column.type, nullable=False))
        columns.append(column)
    if rows is not None:
        fields += list(rows.schema)
        columns += rows.slice(start, stop - start).columns
    metadata = None if rows is None else rows.schema.metadata
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=metadata))


def _id_type(ids: np.ndarray) -> Any:
    import pyarrow as pa

    return pa.string() if ids.dtype == object else pa.int64()


def _id_array(ids: np.ndarray) -> Any:
    import pyarrow as pa

    try:
        return pa.array(ids, _id_type(ids))
    except UnicodeEncodeError as error:
        raise NotSavable(
            f"An id holds half of a surrogate pair, which is no text: {error.object!r:.60}."
        ) from error


def _number_columns(values: Any) -> dict[str, Any]:
    """The vectors as Arrow columns that share their memory where they can."""
    import pyarrow as pa

    if isinstance(values, np.ndarray):
        cell = pa.from_numpy_dtype(values.dtype)
        kind = pa.list_(pa.field("element", cell, nullable=False), values.shape[1])
        return {VECTOR: pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), type=kind)}
    made = {}
    for name, array in ((INDICES, values.indices), (VALUES, values.data)):
        kind = pa.large_list(pa.field("element", pa.from_numpy_dtype(array.dtype), nullable=False))
        made[name] = pa.LargeListArray.from_arrays(
            pa.array(values.indptr, pa.int64()), pa.array(array), type=kind
        )
    return made


def _leaves(schema: Any) -> list[str]:
    """The Parquet paths of a schema, which name the columns in its options; an empty file tells them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for field in schema:
        try:
            pq.write_table(pa.schema([field]).empty_table(), io.BytesIO())
        except pa.ArrowException as error:
            raise NotSavable(
                f"Column `{field.name}` of type {field.type} cannot be kept in Parquet. Cast it."
            ) from error
    trial = io.BytesIO()
    pq.write_table(schema.empty_table(), trial)
    columns = pq.read_metadata(trial).schema
    return [columns.column(i).path for i in range(len(columns))]


# ---- reading ----


def read_rows(folder: Path, part: Part, manifest: Manifest) -> Any:
    """Give the ids and the row columns of a part as one table, with the types they were saved with."""
    import pyarrow.parquet as pq

    names = [ID, *(manifest.columns or [])]
    with opened(folder, part) as (file, name), arrow_errors(name, "Parquet"):
        parquet = pq.ParquetFile(file, page_checksum_verification=True)
        table = parquet.read(columns=names).select(names)
        _expect(table.num_rows == part.rows, name, "rows")
        return _restored(table, parquet.metadata.metadata)


def _restored(table: Any, metadata: dict[bytes, bytes] | None) -> Any:
    """Parquet knows fewer types than Arrow; the schema written beside the columns says what to restore."""
    import pyarrow as pa

    encoded = (metadata or {}).get(b"ARROW:schema")
    if encoded is None:
        return table
    written = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(encoded)))
    for place, field in enumerate(table.schema):
        target, column = written.field(field.name), table.column(place)
        if target.type == field.type:
            continue
        if pa.types.is_dictionary(target.type):
            column = column.dictionary_encode()
        table = table.set_column(place, target, column.cast(target.type))
    return table


def read_values(folder: Path, part: Part, manifest: Manifest) -> Iterator[dict[str, np.ndarray]]:
    """Give the numbers of a part by row groups: `values` (rows, dim), or `data`, `indices`, `lengths`."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = [VALUES, INDICES] if manifest.sparse else [VECTOR]
    rows = values = 0
    with opened(folder, part) as (file, name), arrow_errors(name, "Parquet"):
        parquet = pq.ParquetFile(file, page_checksum_verification=True)
        for batch in parquet.iter_batches(batch_size=GROUP_ROWS, columns=wanted):
            lists = [batch.column(column) for column in wanted]
            _expect(not any(cells.null_count for cells in lists), name, "vectors")
            # `flatten` keeps to the slice, and there is no null row that it could drop
            numbers = [cells.flatten().to_numpy(zero_copy_only=True) for cells in lists]
            rows, values = rows + batch.num_rows, values + len(numbers[0])
            if manifest.sparse:
                yield {
                    "data": numbers[0],
                    "indices": numbers[1],
                    "lengths": pc.list_value_length(lists[0]).to_numpy(),
                }
            else:
                yield {"values": numbers[0].reshape(batch.num_rows, manifest.space.dim)}
        _expect((rows, values) == (part.rows, part.values), name, "vectors")


def _expect(holds: bool, name: str, what: str) -> None:
    if not holds:
        raise Damaged(f"{name} is damaged: its {what} are not those that the manifest names.")
