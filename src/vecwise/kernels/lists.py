"""Arrow lists of numbers as one matrix: every offset, gap and piece is honoured, so that no row ever shifts.

This module must not know where the lists came from beyond what a message calls them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vecwise.errors import MissingValue, NonFinite, OutOfRange, WrongShape, some
from vecwise.kernels.arrays import EXACT, nonfinite_rows
from vecwise.kernels.arrow import numbers, present
from vecwise.table_text import count as counted

_SMALL: Final = ("halffloat", "float")  # what float32 holds


def holds_numbers(arrow_type: Any) -> bool:
    """Tell whether this is an Arrow type of lists of numbers, of any of Arrow's five kinds of lists.

    >>> import pyarrow as pa
    >>> holds_numbers(pa.list_view(pa.int8())), holds_numbers(pa.list_(pa.string()))
    (True, False)
    """
    from pyarrow import types

    listed = (
        types.is_list(arrow_type)
        or types.is_large_list(arrow_type)
        or types.is_fixed_size_list(arrow_type)
        or types.is_list_view(arrow_type)
        or types.is_large_list_view(arrow_type)
    )
    return bool(listed and is_number(arrow_type.value_type))


def is_number(arrow_type: Any) -> bool:
    """Tell whether this is an Arrow type of whole numbers, fractions or decimals."""
    from pyarrow import types

    return bool(types.is_integer(arrow_type) or types.is_floating(arrow_type) or types.is_decimal(arrow_type))


def matrix_of(lists: Any, what: str, ids: Sequence[Any] | None = None) -> np.ndarray:
    """Give lists of numbers, or of texts that are numbers, as a matrix of shape `(rows, dim)`.

    A view of Arrow's memory where the lists are one piece of float32 or float64; a copy otherwise. `what`
    begins the messages, `ids` are what they call the rows. Raises `MissingValue`, `WrongShape`, `NonFinite`
    and `OutOfRange` with the rows.

    >>> import pyarrow as pa
    >>> matrix_of(pa.chunked_array([[[1, 2]], [[3, 4]]]), "Column `v`").tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    gaps = np.flatnonzero(~present(lists))
    if len(gaps):
        raise MissingValue(
            f"{what} holds no vector in {rows_named(gaps, ids, len(lists))}. Fill or leave out those rows."
        )
    dim = _common_length(lists, what, ids)
    parts = [cells_of(chunk.flatten(), what) for chunk in lists.chunks if len(chunk)]
    mask, values = [np.concatenate([p[i] for p in parts]) if len(parts) > 1 else parts[0][i] for i in (0, 1)]
    holes = np.unique(np.flatnonzero(~mask) // dim)
    if len(holes):
        where = rows_named(holes, ids, len(lists))
        raise MissingValue(f"{what} has gaps inside the vectors of {where}. Fill those numbers.")
    matrix = values.reshape(-1, dim)
    bad = nonfinite_rows(matrix)
    if len(bad):
        where = rows_named(bad, ids, len(lists))
        raise NonFinite(f"{what} holds NaN or infinity in {where}. Repair or leave out those rows.")
    return matrix


def _common_length(lists: Any, what: str, ids: Any) -> int:
    """The one length of all lists; the rows of another length than most are named."""
    lengths = lengths_of_lists(lists)
    if not len(lengths):
        raise WrongShape(f"{what} has no rows.")
    found, counts = np.unique(lengths, return_counts=True)
    dim = int(found[counts.argmax()])
    odd = np.flatnonzero(lengths != dim)
    if len(odd):
        where = rows_named(odd, ids, len(lengths))
        raise WrongShape(
            f"{what} holds vectors of different lengths: {counted(lengths[odd[0]], 'number')} instead of "
            f"{dim:,} in {where}. Repair or leave out those rows."
        )
    if not dim:
        raise WrongShape(f"{what} holds empty lists, and vectors have at least one number.")
    return dim


def lengths_of_lists(lists: Any) -> np.ndarray:
    """Give how many numbers each list holds; a missing list holds 0."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return numbers(pc.cast(pc.list_value_length(lists), pa.int64()), np.int64, 0)


def cells_of(values: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Give which numbers are there, and all of them as float32 or float64.

    float16 becomes float32, everything else but float32 float64; whole numbers that float64 would round
    raise `OutOfRange`.

    >>> import pyarrow as pa
    >>> cells_of(pa.array([1, None]), "Column `n`")
    (array([ True, False]), array([1., 0.]))
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_float16(values.type):
        return present(values), numbers(values, np.float16, 0).astype(np.float32)
    if types.is_float32(values.type):
        return present(values), numbers(values, np.float32, 0)
    if types.is_integer(values.type) and values.type.bit_width == 64:
        ends = pc.min_max(values).as_py()
        if max(abs(ends["min"] or 0), abs(ends["max"] or 0)) > EXACT:
            raise OutOfRange(
                f"{what} holds whole numbers beyond 2^53, which float64 would round. "
                "Scale them down, or save them as fractions."
            )
    if types.is_string(values.type) or types.is_large_string(values.type):
        values = pc.utf8_trim_whitespace(values)
    return present(values), numbers(pc.cast(values, pa.float64(), safe=False), np.float64, 0)


def float_type(arrow_types: Sequence[Any]) -> np.dtype[Any]:
    """Give float32 where it holds all of these types exactly, float64 otherwise."""
    small = all(str(arrow_type) in _SMALL for arrow_type in arrow_types)
    return np.dtype(np.float32 if small else np.float64)


def rows_named(places: np.ndarray, ids: Sequence[Any] | None, count: int) -> str:
    """Word which rows are meant: by their ids, or counted from 0."""
    plural = "s" if len(places) > 1 else ""
    if isinstance(ids, (list, tuple, np.ndarray)) and len(ids) == count:
        return f"row{plural} {some([ids[i] for i in places.tolist()])}"
    return f"row{plural} {some(places.tolist())} (counted from 0)"
