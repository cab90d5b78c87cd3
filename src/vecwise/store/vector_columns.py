"""Columns that hold vectors, as Arrow lists of numbers or as JSON arrays in text: their cells as one matrix.

This module must not know which column is meant, nor spaces or encoders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vecwise.errors import MissingValue, NonFinite, OutOfRange, WrongShape, WrongType, some
from vecwise.kernels.arrays import nonfinite_rows
from vecwise.kernels.arrow import numbers, present
from vecwise.table_text import clip

_EXACT: Final = 2**53  # float64 holds every whole number up to here
_ONE: Final = r"(-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?|NaN|-?Infinity)"  # Python's writer of JSON writes NaN
_ARRAY: Final = rf"^\s*\[\s*{_ONE}(\s*,\s*{_ONE})*\s*\]\s*$"


def lengths_of(column: Any) -> np.ndarray | None:
    """Give how many numbers each filled cell holds; `None` for a column that is not one of vectors.

    Vectors are Arrow lists of numbers of any kind, or text in which every filled cell is a JSON array of
    numbers.

    >>> import pyarrow as pa
    >>> lengths_of(pa.chunked_array([["[1, 2]", None, "[0.5, 3e-4]"]])).tolist()
    [2, 2]
    >>> lengths_of(pa.chunked_array([["[1, 2]", "none"]])) is None
    True
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if _lists_numbers(column.type):
        lengths = numbers(pc.cast(pc.list_value_length(column), pa.int64()), np.int64, 0)
        return lengths[present(column)]
    if not _is_text(column.type):
        return None
    filled = column.drop_null()
    if not len(filled) or not filled[0].as_py().lstrip().startswith("["):  # most texts are none at once
        return None
    if not pc.all(pc.match_substring_regex(filled, _ARRAY)).as_py():
        return None
    return numbers(pc.count_substring(filled, ","), np.dtype(_count_type(filled)), 0).astype(np.int64) + 1


def _count_type(texts: Any) -> str:
    from pyarrow import types

    return "i8" if types.is_large_string(texts.type) else "i4"


def vectors_of(column: Any, name: str, *, ids: Sequence[Any] | None = None) -> np.ndarray:
    """Give the cells of a column as a matrix of shape `(rows, dim)`, float32 or float64.

    float32 and float64 are kept, without a copy where the column is one piece; float16 becomes float32 and
    whole numbers float64. `ids` are what errors call the rows, which are counted from 0 otherwise.

    Raises `WrongType` for a column that holds no vectors, `MissingValue` for empty cells and for gaps inside
    lists, `WrongShape` for lists of different lengths, `NonFinite`, and `OutOfRange` for whole numbers beyond
    2^53, each with the rows.

    >>> import pyarrow as pa
    >>> vectors_of(pa.chunked_array([[[1, 2], [3, 4]]]), "embedding")
    array([[1., 2.],
           [3., 4.]])
    """
    lists = _lists(column, name, ids)
    gaps = np.flatnonzero(~present(lists))
    if len(gaps):
        raise MissingValue(
            f"Column `{name}` holds no vector in {_rows(gaps, ids, len(lists))}. Fill or leave out those rows."
        )
    dim = _common_length(lists, name, ids)
    parts = [_cells(chunk.flatten(), name) for chunk in lists.chunks if len(chunk)]
    mask, values = [np.concatenate([p[i] for p in parts]) if len(parts) > 1 else parts[0][i] for i in (0, 1)]
    holes = np.unique(np.flatnonzero(~mask) // dim)
    if len(holes):
        where = _rows(holes, ids, len(lists))
        raise MissingValue(f"Column `{name}` has gaps inside the vectors of {where}. Fill those numbers.")
    matrix = values.reshape(-1, dim)
    bad = nonfinite_rows(matrix)
    if len(bad):
        where = _rows(bad, ids, len(lists))
        raise NonFinite(f"Column `{name}` holds NaN or infinity in {where}. Repair or leave out those rows.")
    return matrix


def _lists(column: Any, name: str, ids: Any) -> Any:
    """The column as Arrow lists, of numbers or of texts that are numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if _lists_numbers(column.type):
        return column
    if not _is_text(column.type):
        raise WrongType(f"Column `{name}` holds {clip(column.type, 40)}, and lists of numbers were expected.")
    fits = pc.fill_null(pc.match_substring_regex(column, _ARRAY), True)
    row = pc.index(fits, False).as_py()
    if row >= 0:
        where = _rows(np.array([row]), ids, len(column))
        raise WrongType(
            f"Column `{name}` holds `{clip(column[row].as_py(), 40)}` in {where}, and an array of numbers such "
            "as `[0.1, 0.2]` was expected."
        )
    made = pc.split_pattern(pc.utf8_trim(column, characters="[] \t\r\n"), pattern=",")
    return made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made])


def _common_length(lists: Any, name: str, ids: Any) -> int:
    """The one length of all lists; the rows of another length than most are named."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = numbers(pc.cast(pc.list_value_length(lists), pa.int64()), np.int64, 0)
    if not len(lengths):
        raise WrongShape(f"Column `{name}` has no rows.")
    found, counts = np.unique(lengths, return_counts=True)
    dim = int(found[counts.argmax()])
    odd = np.flatnonzero(lengths != dim)
    if len(odd):
        where = _rows(odd, ids, len(lengths))
        raise WrongShape(
            f"Column `{name}` holds vectors of different lengths: {lengths[odd[0]]:,} numbers instead of "
            f"{dim:,} in {where}. Repair or leave out those rows."
        )
    if not dim:
        raise WrongShape(f"Column `{name}` holds empty lists, and vectors have at least one number.")
    return dim


def _cells(values: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Which numbers are there, and all of them as float32 or float64."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_float16(values.type):
        return present(values), numbers(values, np.float16, 0).astype(np.float32)
    if types.is_float32(values.type):
        return present(values), numbers(values, np.float32, 0)
    if types.is_integer(values.type) and values.type.bit_width == 64:
        ends = pc.min_max(values).as_py()
        if max(abs(ends["min"] or 0), abs(ends["max"] or 0)) > _EXACT:
            raise OutOfRange(
                f"Column `{name}` holds whole numbers beyond 2^53, which float64 would round. "
                "Scale them down, or save them as fractions."
            )
    if _is_text(values.type):
        values = pc.utf8_trim_whitespace(values)
    return present(values), numbers(pc.cast(values, pa.float64(), safe=False), np.float64, 0)


def _rows(places: np.ndarray, ids: Sequence[Any] | None, count: int) -> str:
    plural = "s" if len(places) > 1 else ""
    if isinstance(ids, (list, tuple, np.ndarray)) and len(ids) == count:
        return f"row{plural} {some([ids[i] for i in places.tolist()])}"
    return f"row{plural} {some(places.tolist())} (counted from 0)"


def _lists_numbers(arrow_type: Any) -> bool:
    from pyarrow import types

    listed = types.is_list(arrow_type) or types.is_large_list(arrow_type)
    if not (listed or types.is_fixed_size_list(arrow_type)):
        return False
    inner = arrow_type.value_type
    return bool(types.is_integer(inner) or types.is_floating(inner) or types.is_decimal(inner))


def _is_text(arrow_type: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(arrow_type) or types.is_large_string(arrow_type))
