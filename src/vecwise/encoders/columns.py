"""What kind of column this is, and its cells as float64: the part of a table encoder that reads Arrow.

This module must not know fitting, policies or vectors.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from vecwise.encoders.texts import is_text
from vecwise.errors import OutOfRange
from vecwise.kernels.arrow import numbers, present, strings

NUMBER: Final = "number"
BOOLEAN: Final = "boolean"
DATE: Final = "date"
CATEGORY: Final = "category"
DAY_IN_MICROSECONDS: Final = 86_400_000_000
EXACT: Final = 2**53  # float64 holds every whole number up to here


def kind_of(arrow_type: Any) -> str | None:
    """Give how a column of this Arrow type is encoded; `None` for types that are not numbers in disguise."""
    from pyarrow import types

    if types.is_integer(arrow_type) or types.is_floating(arrow_type) or types.is_decimal(arrow_type):
        return NUMBER
    if types.is_boolean(arrow_type):
        return BOOLEAN
    if types.is_date(arrow_type) or types.is_timestamp(arrow_type):
        return DATE
    return CATEGORY if is_text(arrow_type) else None


def words_of(arrow_type: Any) -> str:
    """Name an Arrow type as people do: whole number, number, true/false, date, text, …"""
    from pyarrow import types

    if types.is_integer(arrow_type):
        return "whole number"
    if is_text(arrow_type):
        return "text"
    names = {NUMBER: "number", BOOLEAN: "true/false", DATE: "date"}
    kind = kind_of(arrow_type)
    return names[kind] if kind else str(arrow_type)


def numbers_of(column: Any, kind: str, name: str) -> np.ndarray:
    """Give a number, boolean or date column as float64; a missing cell is NaN, a date counts days from 1970.

    Raises `OutOfRange` for whole numbers beyond 2^53, which float64 would round.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind == DATE:
        moments = pc.cast(column, pa.timestamp("us"), safe=False)
        return _floats(pc.cast(moments, pa.int64())) / DAY_IN_MICROSECONDS
    if kind == BOOLEAN:
        column = pc.cast(column, pa.int8())
    if pa.types.is_integer(column.type) and column.type.bit_width == 64:
        ends = pc.min_max(column).as_py()
        if max(abs(ends["min"] or 0), abs(ends["max"] or 0)) > EXACT:
            raise OutOfRange(
                f"Column `{name}` holds whole numbers beyond 2^53, which float64 would round. Leave it out "
                f"(--columns), name the rows by it (--ids {name}), or read it as text (--as-text {name})."
            )
    return _floats(column)


def _floats(column: Any) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    return numbers(pc.cast(column, pa.float64(), safe=False), np.float64, np.nan)


def labels_of(column: Any) -> Any:
    """Give a column as Arrow strings: what a category is called."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.cast(column, pa.string())


def counts_of(column: Any) -> dict[str, int]:
    """Give how often each label of a column occurs; missing cells are left out."""
    import pyarrow.compute as pc

    counted = pc.value_counts(labels_of(column)).to_pylist()
    return {entry["values"]: entry["counts"] for entry in counted if entry["values"] is not None}


def places_of(column: Any, categories: tuple[str, ...]) -> np.ndarray:
    """Give the number of each cell's category: -1 for a missing cell, -2 for an unknown one."""
    import pyarrow.compute as pc

    labels = labels_of(column)
    places = numbers(pc.index_in(labels, value_set=strings(categories)), np.int32, -2)
    return np.where(present(labels), places, -1)
