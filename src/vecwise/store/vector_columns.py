"""Columns that hold vectors, as Arrow lists of numbers or as JSON arrays in text: their cells as one matrix.

This module must not know which column is meant, nor spaces or encoders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vecwise.errors import WrongType
from vecwise.kernels.arrow import numbers, present
from vecwise.kernels.lists import holds_numbers, lengths_of_lists, matrix_of, rows_named
from vecwise.table_text import clip

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
    import pyarrow.compute as pc

    if holds_numbers(column.type):
        return lengths_of_lists(column)[present(column)]
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
    return matrix_of(_lists(column, name, ids), f"Column `{name}`", ids)


def _lists(column: Any, name: str, ids: Any) -> Any:
    """The column as Arrow lists, of numbers or of texts that are numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if holds_numbers(column.type):
        return column
    if not _is_text(column.type):
        raise WrongType(f"Column `{name}` holds {clip(column.type, 40)}, and lists of numbers were expected.")
    fits = pc.fill_null(pc.match_substring_regex(column, _ARRAY), True)
    row = pc.index(fits, False).as_py()
    if row >= 0:
        where = rows_named(np.array([row]), ids, len(column))
        raise WrongType(
            f"Column `{name}` holds `{clip(column[row].as_py(), 40)}` in {where}, and an array of numbers such "
            "as `[0.1, 0.2]` was expected."
        )
    made = pc.split_pattern(pc.utf8_trim(column, characters="[] \t\r\n"), pattern=",")
    return made if isinstance(made, pa.ChunkedArray) else pa.chunked_array([made])


def _is_text(arrow_type: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(arrow_type) or types.is_large_string(arrow_type))
