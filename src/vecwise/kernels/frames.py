"""Frames and columns of other libraries as a matrix, with the names, ids and rows that they carry.

This module must not know any vecwise type beyond errors; it imports no frame library, and recognises their objects.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from vecwise.errors import DuplicateName, MissingValue, WrongShape, WrongType, some
from vecwise.kernels.arrays import refuse_rounding
from vecwise.kernels.arrow_types import plain
from vecwise.kernels.lists import cells_of, float_type, holds_numbers, is_number, matrix_of, rows_named


@dataclass(frozen=True, slots=True)
class Held:
    """What a frame holds: numbers, the names of its columns, the ids of its rows, and its other columns."""

    values: Any
    features: tuple[str, ...] | None = None
    ids: Any = None
    rows: Any = None


def held(values: Any, *, with_ids: bool = True) -> Held | None:
    """Take the numbers out of a frame or column of pandas, Polars or Arrow; `None` for anything else.

    A frame whose cells are numbers gives a row each, its column names as features and, in pandas, its
    index as ids (unless it only counts from 0). A frame with one column of lists gives the vectors of that
    column, and the others as rows. A column (Series, Array, ChunkedArray) of lists gives a row each, one of
    numbers a single row. Frames are copied, their cells being stored by columns; a column of lists of
    float32 or float64 in one piece is viewed.

    Raises `WrongType` naming columns that are no numbers, `MissingValue`, `DuplicateName` for an index
    that names two rows alike, and the errors of `matrix_of`.

    >>> import pyarrow as pa
    >>> found = held(pa.table({"a": [1, 2], "b": [0.5, 4]}))
    >>> found.features, found.values.tolist()
    (('a', 'b'), [[1.0, 0.5], [2.0, 4.0]])
    """
    if isinstance(values, (np.ndarray, list, tuple)):
        return None
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(values, (pandas.DataFrame, pandas.Series)):
        return _of_pandas(values, with_ids)
    if hasattr(values, "__arrow_c_stream__") or hasattr(values, "__arrow_c_array__"):
        return _of_arrow(values)
    return None


def _of_arrow(values: Any) -> Held:
    import pyarrow as pa

    if isinstance(values, pa.Array):
        return _of_column(pa.chunked_array([values]))
    if isinstance(values, pa.ChunkedArray):
        return _of_column(values)
    if not hasattr(values, "__arrow_c_stream__"):
        return _of_arrow(pa.array(values))
    try:
        table = pa.table(values)
    except pa.ArrowInvalid:  # a column of another library
        return _of_column(pa.chunked_array(values))
    return _of_table(table)


def _of_column(column: Any) -> Held:
    import pyarrow as pa

    column = plain(pa.table({"column": column})).column(0)
    if holds_numbers(column.type):
        return Held(matrix_of(column, "The column"))
    if not _one_number(column.type):
        raise WrongType(f"A column of {column.type} holds neither numbers nor lists of numbers.")
    return Held(_cells(column, "The column").reshape(1, -1))


def _of_table(table: Any, ids: Any = None) -> Held:
    table = plain(table)
    lists = [field.name for field in table.schema if holds_numbers(field.type)]
    if len(lists) > 1:
        raise WrongType(
            f"The frame has {len(lists)} columns of vectors: {some(lists)}. Give one of them, or "
            f'encode the frame: vw.encode(frame, vectors="{lists[0]}").'
        )
    if lists:
        beside = table.drop_columns(lists)
        values = matrix_of(table.column(lists[0]), f"Column `{lists[0]}`", ids)
        return Held(values, None, ids, beside if beside.num_columns else None)
    others = [f"`{field.name}` ({field.type})" for field in table.schema if not _one_number(field.type)]
    if others:
        raise WrongType(
            f"Not all columns hold numbers: {', '.join(others[:5])}. Leave them out, or let an encoder turn "
            "rows into vectors: vw.encode(frame)."
        )
    if not table.num_columns:
        raise WrongShape("The frame has no columns, and vectors have at least one dimension.")
    values = np.empty((table.num_rows, table.num_columns), float_type(table.schema.types))
    for place, (name, column) in enumerate(zip(table.column_names, table.columns, strict=True)):
        values[:, place] = _cells(column, f"Column `{name}`", ids)
    return Held(values, tuple(table.column_names), ids)


def _one_number(arrow_type: Any) -> bool:
    from pyarrow import types

    return bool(is_number(arrow_type) or types.is_boolean(arrow_type))


def _cells(column: Any, what: str, ids: Any = None) -> np.ndarray:
    there, cells = cells_of(column, what)
    gaps = np.flatnonzero(~there)
    if len(gaps):
        where = rows_named(gaps, ids, len(column))
        raise MissingValue(f"{what} is empty in {where}. Fill those cells or leave out those rows.")
    return cells


# ---- pandas ----


def _of_pandas(frame: Any, with_ids: bool) -> Held:
    import pyarrow as pa

    ids = _index(frame.index) if with_ids else None
    if frame.ndim == 1:
        if isinstance(frame.dtype, np.dtype) and frame.dtype.kind != "O":
            return Held(frame.to_numpy())
        found = _of_column(pa.chunked_array([_to_arrow(frame, "The Series")]))
        return Held(found.values, None, ids if len(found.values) == len(frame) else None)
    names = [_name(name) for name in frame.columns]
    dtypes = list(frame.dtypes)
    if dtypes and all(isinstance(dtype, np.dtype) and dtype.kind in "biuf" for dtype in dtypes):
        return Held(_numpy_cells(frame, names), _features(frame.columns, names), ids)
    sparse = [type(dtype).__name__ == "SparseDtype" for dtype in dtypes]
    if dtypes and all(sparse) and all(dtype.fill_value == 0 for dtype in dtypes):
        return Held(frame.sparse.to_coo(), _features(frame.columns, names), ids)
    columns = []
    for place, name in enumerate(names):
        column = frame.iloc[:, place]
        columns.append(_to_arrow(column.sparse.to_dense() if sparse[place] else column, f"Column `{name}`"))
    found = _of_table(pa.Table.from_arrays(columns, names), ids)
    features = found.features and _features(frame.columns, names)
    return Held(found.values, features, ids, found.rows)


def _numpy_cells(frame: Any, names: list[str]) -> np.ndarray:
    dtypes = set(frame.dtypes)
    if len(dtypes) == 1:
        return frame.to_numpy()
    for place, name in enumerate(names):
        refuse_rounding(frame.iloc[:, place].to_numpy(), f"Column `{name}`")
    small = all(dtype.kind == "f" and dtype.itemsize <= 4 for dtype in dtypes)
    return frame.to_numpy(np.float32 if small else np.float64)


def _to_arrow(column: Any, what: str) -> Any:
    import pyarrow as pa

    try:
        made = pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())[:120]
        raise WrongType(
            f"{what} ({column.dtype}) holds neither numbers nor lists of numbers: {reason}."
        ) from error
    return made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made


def _features(columns: Any, names: list[str]) -> tuple[str, ...] | None:
    """A frame made of a bare array numbers its columns from 0: that is no name."""
    return None if _counts(columns) else tuple(names)


def _index(index: Any) -> Any:
    """The index as ids: whole numbers stay, everything else is written out; `None` if it only counts from 0."""
    if _counts(index):
        return None
    if not index.is_unique:
        twice = [_name(name) for name in index[index.duplicated()].unique()]
        raise DuplicateName(
            f"The index of the frame names rows more than once: {some(twice)}. "
            "Count them instead: `ids=range(len(frame))`."
        )
    if index.nlevels == 1 and index.hasnans:
        raise MissingValue(
            "The index of the frame has a gap, so it cannot name the rows. Give `ids=range(len(frame))`."
        )
    if isinstance(index.dtype, np.dtype) and index.dtype.kind in "iu":
        return index.to_numpy()
    return [_name(name) for name in index]


def _counts(index: Any) -> bool:
    return type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1


def _name(name: Any) -> str:
    return ", ".join(map(str, name)) if isinstance(name, tuple) else str(name)
