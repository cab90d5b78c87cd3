"""Anything that holds rows, as an Arrow table: lists, dicts, arrays, and the frames of other libraries.

This module must not know files, and imports no frame library: it recognises their objects.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from vecwise.errors import (
    DuplicateName,
    EmptyInput,
    WrongShape,
    WrongType,
    some,
)
from vecwise.kernels.arrow import strings
from vecwise.kernels.arrow_types import plain
from vecwise.store.cells import are_numbers, column_of, of_numbers, repaired, tidy
from vecwise.store.image_columns import image_table

TEXT: Final = "text"  # the column of rows that are bare strings
_TURNED_ROWS: Final = 256
_CHUNK: Final = 1 << 16  # texts of a list in one Arrow chunk; joining them all would take their size again
_ACCEPTED = (
    "Rows are a list of texts, a table (Arrow, pandas, Polars), a dict of columns, a list of dicts, "
    "a two-dimensional array of numbers, an array of images, or a column of texts"
)


def as_table(rows: Any) -> Any:
    r"""Give rows as a `pyarrow.Table`; tables are passed through without a copy.

        Texts (a list, an array, a Series) become the column `text`, or are named as their series is. The columns
    from vecwise.kernels.arrow_types import plain
    from vecwise.store.image_columns import image_table

        Raises `WrongType` for anything else and for a column of mixed types, `WrongShape` for columns of
        different lengths, `DuplicateName` for two columns of one name, `EmptyInput` for an empty list.

        >>> as_table(["the sea", None]).to_pydict()
        {'text': ['the sea', None]}
        >>> as_table([{"rooms": 3}, {"rooms": 4, "kind": "flat"}]).to_pydict()
        {'rooms': [3, 4], 'kind': [None, 'flat']}
    """
    import pyarrow as pa

    if isinstance(rows, pa.RecordBatch):
        rows = pa.Table.from_batches([rows])
    if not isinstance(rows, pa.Table):
        rows = _made(rows)
    refuse_duplicates(rows.column_names, "The table")
    return plain(rows)


def refuse_duplicates(names: Sequence[str], what: str) -> None:
    """Raise `DuplicateName`, listing them, when columns share a name."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DuplicateName(
            f"{what} has more than one column of the name {some(twice)}. Give each column its own."
        )


def _made(rows: Any) -> Any:
    import pyarrow as pa

    if isinstance(rows, (pa.Array, pa.ChunkedArray)):
        return _texts_table(rows, TEXT)
    if _is_pandas(rows):
        return _from_pandas(rows)
    if hasattr(rows, "__arrow_c_stream__"):
        return _from_stream(rows)
    if isinstance(rows, np.ndarray) or hasattr(rows, "__array__"):
        return _from_array(np.asarray(rows))
    if isinstance(rows, Mapping):
        return _from_columns(dict(zip(_names(rows, "The dict"), rows.values(), strict=True)))
    if isinstance(rows, (list, tuple)):
        return _from_list(rows)
    hint = " To read a file: vw.read(path)." if isinstance(rows, str) or hasattr(rows, "__fspath__") else ""
    if type(rows).__module__.startswith("scipy.sparse"):
        hint = " A sparse matrix is no rows, it is vectors: vw.Vectors(matrix)."
    raise WrongType(f"Cannot take rows from {type(rows).__name__}. {_ACCEPTED}.{hint}")


def _texts_table(cells: Any, name: str) -> Any:
    """A single column counts as rows only when it holds texts: bare numbers may be rows or one row."""
    import pyarrow as pa
    from pyarrow import types

    cells = pa.chunked_array([cells]) if isinstance(cells, pa.Array) else cells
    kind = cells.type.value_type if types.is_dictionary(cells.type) else cells.type
    if not (
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or types.is_null(kind)
    ):
        raise WrongType(f"A column of {cells.type} is not rows of text. {_ACCEPTED}.")
    return pa.table({name: cells.cast(pa.string()) if types.is_null(kind) else cells})


def _from_list(rows: Sequence[Any]) -> Any:
    import pyarrow as pa

    if not rows:
        raise EmptyInput("The list of rows is empty. Give at least one row.")
    if set(map(type, rows)) <= {str, type(None)} or all(isinstance(row, str) or row is None for row in rows):
        return pa.Table.from_arrays([_texts(rows)], names=[TEXT])
    if isinstance(rows[0], str) and any(isinstance(row, float) and np.isnan(row) for row in rows):
        # among texts, NaN is how pandas writes a missing one
        return _from_list([None if isinstance(row, float) and np.isnan(row) else row for row in rows])
    if all(isinstance(row, np.ndarray) and row.ndim in (2, 3) for row in rows):
        return _from_images(rows)
    if all(isinstance(row, Mapping) for row in rows):
        return _from_columns(from_records(rows))
    wanted = Mapping if isinstance(rows[0], Mapping) else (str, type(None))
    place, row = next((i, row) for i, row in enumerate(rows) if not isinstance(row, wanted))
    if isinstance(row, (int, float, np.number, list, tuple, np.ndarray)):
        raise WrongType(
            f"Row {place} is {type(row).__name__}, not a text or a dict. Numbers are vectors: vw.Vectors(…)."
        )
    raise WrongType(f"Row {place} is {type(row).__name__}. {_ACCEPTED}.")


def _texts(rows: Sequence[str | None]) -> Any:
    import pyarrow as pa

    try:
        chunks = [strings(rows[start : start + _CHUNK]) for start in range(0, len(rows), _CHUNK)]
        kinds = {chunk.type for chunk in chunks}
        return pa.chunked_array(chunks) if len(kinds) == 1 else strings(rows)  # one text alone may be vast
    except UnicodeEncodeError:  # a lone surrogate
        return strings(repaired(rows, "The list of texts"))


def from_records(records: Sequence[Mapping[Any, Any]]) -> dict[str, list[Any]]:
    """Turn dicts into columns, in order of first appearance; an absent key is None.

    >>> from_records([{"a": 1}, {"b": 2}])
    {'a': [1, None], 'b': [None, 2]}
    """
    keys = list(dict.fromkeys(key for record in records for key in record))
    names = _names(keys, "The list of dicts")
    return {name: [record.get(key) for record in records] for name, key in zip(names, keys, strict=True)}


def _names(keys: Iterable[Any], what: str) -> list[str]:
    """Column names are valid text, and keys that differ must not become one column."""
    names = [tidy(str(key)) for key in keys]
    refuse_duplicates(names, what)
    return names


def _from_columns(columns: Mapping[str, Any]) -> Any:
    import pyarrow as pa

    if not columns:
        raise EmptyInput("There is no column. Give a dict of columns, each a list of cells.")
    made = {name: column_of(name, cells) for name, cells in columns.items()}
    lengths = {name: len(cells) for name, cells in made.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"`{name}` {length}" for name, length in list(lengths.items())[:5])
        raise WrongShape(
            f"The columns have different lengths: {listed}. Each row needs a cell in each column."
        )
    return pa.table(made)


def _from_images(rows: Sequence[np.ndarray]) -> Any:
    shapes = [row.shape for row in rows]
    if len(set(shapes)) > 1:
        odd = next(i for i, shape in enumerate(shapes) if shape != shapes[0])
        raise WrongShape(
            f"A list of arrays is a list of images of one size, and image {odd} is {shapes[odd]} where image 0 is "
            f"{shapes[0]}. Give them one size, or save them as files in a folder."
        )
    return _from_array(np.stack(rows))


def _from_array(array: np.ndarray) -> Any:
    if array.ndim == 1 and array.dtype.kind in "OUT":
        return _from_list(array.tolist()) if len(array) else _texts_table(_no_texts(), TEXT)
    if array.ndim in (3, 4) and array.dtype.kind in "biuf":
        return image_table(_batch(array))
    if array.ndim != 2 or array.dtype.kind not in "biufOU":
        raise WrongType(
            f"Cannot take rows from an array of shape {array.shape} and type {array.dtype}. {_ACCEPTED}."
        )
    if not array.shape[1]:
        raise EmptyInput("The array has no columns.")
    return _from_columns({f"x{i}": column for i, column in enumerate(_turned(array))})


def _turned(array: np.ndarray) -> np.ndarray:
    """The columns of a matrix as rows, copied some rows at a time: both sides stay in a core's cache."""
    columns = np.empty(array.shape[::-1], array.dtype.newbyteorder("="))
    for start in range(0, len(array), _TURNED_ROWS):
        columns[:, start : start + _TURNED_ROWS] = array[start : start + _TURNED_ROWS].T
    return columns


def _batch(images: np.ndarray) -> np.ndarray:
    if images.ndim == 3 and images.shape[2] in (3, 4) and images.shape[0] > 0:
        raise WrongShape(
            f"An array of shape {images.shape} looks like a single colour image. One image is a batch of one: "
            "array[None]. Grey images that are so narrow: array[..., None]."
        )
    return images


def _no_texts() -> Any:
    import pyarrow as pa

    return pa.array([], pa.string())


def _from_stream(rows: Any) -> Any:
    """A frame of any library that speaks Arrow's C interface, or its single column."""
    import pyarrow as pa

    try:
        return pa.table(rows)
    except pa.ArrowInvalid:
        return _texts_table(pa.chunked_array(rows), str(getattr(rows, "name", "") or TEXT))


def _is_pandas(rows: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(rows, (pandas.DataFrame, pandas.Series))


def _from_pandas(rows: Any) -> Any:
    if rows.ndim == 1:
        name = TEXT if rows.name is None else str(rows.name)
        return _texts_table(column_of(name, rows), name)
    return _from_frame(rows, _frame_names(rows), ())


def _frame_names(rows: Any) -> list[str]:
    names = _names(rows.columns.tolist(), "The DataFrame")
    if not names:
        raise EmptyInput("The DataFrame has no columns.")
    return names


def _from_frame(rows: Any, names: list[str], only: Collection[str]) -> Any:
    import pyarrow as pa

    wanted = set(only) if only and set(only) <= set(names) else set(names)
    # Building a Series takes longer than reading it; pandas' own array spares that where there is such a method.
    array_at: Callable[[int], Any] = getattr(rows, "_get_column_array", lambda place: None)
    made = {}
    for place, name in enumerate(names):
        if name in wanted:
            stored = array_at(place)
            cells = stored if are_numbers(stored) else rows.iloc[:, place]
            made[name] = of_numbers(cells) if cells is stored else column_of(name, cells)
    return pa.table(made)


def columns_as_table(rows: Any, only: Collection[str]) -> tuple[Any, tuple[str, ...]]:
    """Give rows as `as_table` does, and the names of all their columns.

    Of a pandas frame that has all the columns of `only`, the table holds these alone: the others are not read.
    """
    if _is_pandas(rows) and rows.ndim == 2:
        names = _frame_names(rows)
        return plain(_from_frame(rows, names, only)), tuple(names)
    table = as_table(rows)
    return table, tuple(table.column_names)
