"""What kind of column this is, and its cells as float64: the part of a table encoder that reads Arrow.

This module must not know fitting, policies or vectors.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.encoders.texts import is_text
from vecwise.errors import NAME_COLUMNS, OutOfRange
from vecwise.kernels.arrow import numbers, present

NUMBER: Final = "number"
BOOLEAN: Final = "boolean"
DATE: Final = "date"
CATEGORY: Final = "category"
TEXT: Final = "text"
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
    if column.type in (pa.int64(), pa.uint64()):
        values = whole_of(column, name).astype(np.float64)
        if column.null_count:
            values[~present(column)] = np.nan
        return values
    return _floats(column)


def whole_of(column: Any, name: str) -> np.ndarray:
    """Give a column of 64-bit whole numbers as it is stored, 0 for a missing cell; raises `OutOfRange`."""
    cells = numbers(column, column.type.to_pandas_dtype(), 0)
    if len(cells) and max(int(cells.max()), -int(cells.min())) > EXACT:
        raise OutOfRange(
            f"Column `{name}` holds whole numbers beyond 2^53, which float64 would round. Leave it out "
            f'by {NAME_COLUMNS}, name the rows by it, --ids {name} (in Python: `ids="{name}"`), or read it as text, '
            f'--as-text {name} (in Python: `as_text=["{name}"]`).'
        )
    return cells


def _floats(column: Any) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    return numbers(pc.cast(column, pa.float64(), safe=False), np.float64, np.nan)


class Coded(NamedTuple):
    """A column as numbers of labels: `codes` `(rows,)` int32, -1 for a missing cell, into an Arrow string array.

    `gaps` counts the missing cells.
    """

    codes: np.ndarray
    labels: Any
    gaps: int

    def counts(self) -> np.ndarray:
        """How often each label occurs."""
        return np.bincount(self.codes + 1, minlength=len(self.labels) + 1)[1:]


def coded(column: Any) -> Coded:
    """Give the labels of a column, each once, in order of first appearance, and the number of each cell's.

    A label is what Arrow writes for the cell: text as it is, `98178` for a whole number and for 98178.0, `true`,
    `2014-10-13`. NaN is a missing cell, and -0.0 is 0.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    distinct, codes = _distinct(column)
    if column.type == pa.string():
        return Coded(codes, distinct, _gaps(codes))
    if pa.types.is_floating(distinct.type):
        cells = pc.cast(distinct, pa.float32()) if distinct.type == pa.float16() else distinct
        zeros = pc.equal(cells, pa.scalar(0, cells.type))
        cells = pc.if_else(zeros, pa.scalar(0, cells.type), cells)
        distinct = pc.if_else(pc.is_nan(cells), pa.scalar(None, cells.type), cells)
    merged = pc.dictionary_encode(pc.cast(distinct, pa.string()))  # two cells may be written alike
    if len(merged.dictionary) < len(distinct):
        codes = np.append(numbers(merged.indices, np.int32, -1), np.int32(-1))[codes]  # the last is for gaps
    return Coded(codes, merged.dictionary, _gaps(codes))


def _gaps(codes: np.ndarray) -> int:
    return int(np.count_nonzero(codes < 0))


def _distinct(column: Any) -> tuple[Any, np.ndarray]:
    """The distinct cells in order of first appearance, and each cell's number among them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kept = None
    if pa.types.is_dictionary(column.type):  # made of codes already: their own order and unused labels go
        if isinstance(column, pa.ChunkedArray):
            column = column.unify_dictionaries()
            kept = column.chunk(0).dictionary if column.num_chunks else pa.array([], column.type.value_type)
            column = pa.chunked_array([chunk.indices for chunk in column.chunks], column.type.index_type)
        else:
            column, kept = column.indices, column.dictionary
    found = pc.dictionary_encode(column)
    chunks = found.chunks if isinstance(found, pa.ChunkedArray) else [found]
    distinct = chunks[0].dictionary if chunks else pa.array([], column.type)  # one for all chunks
    codes = [numbers(chunk.indices, np.int32, -1) for chunk in chunks]
    joined = codes[0] if len(codes) == 1 else np.concatenate([np.zeros(0, np.int32), *codes])
    return distinct if kept is None else kept.take(distinct), joined


def counts_of(column: Any) -> dict[str, int]:
    """Give how often each label of a column occurs; missing cells are left out."""
    found = coded(column)
    return dict(zip(found.labels.to_pylist(), found.counts().tolist(), strict=True))
