"""One column of cells as an Arrow array, its types checked, and texts made fit for UTF-8.

This module must not know what holds the column, nor files.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np

from vecwise.errors import MixedColumn, TextRepaired, WrongShape, WrongType

_SURROGATE = re.compile("[\ud800-\udfff]")


def column_of(name: str, cells: Any, arrow_type: Any = None) -> Any:
    """Give one column as an Arrow array; raises `MixedColumn` with the row, `WrongType`, `WrongShape`."""
    import pyarrow as pa

    if isinstance(cells, (str, bytes)) or not isinstance(cells, Iterable):
        raise WrongType(
            f"Column `{name}` is {type(cells).__name__}; a column is a list or an array of cells."
        )
    if getattr(cells, "ndim", 1) != 1:
        raise WrongShape(f"Column `{name}` has {getattr(cells, 'ndim', 0)} dimensions; a column has one.")
    if isinstance(cells, (pa.Array, pa.ChunkedArray)):
        return cells
    pandas = "pandas" in type(cells).__module__  # there, NaN among other things is a missing cell
    values = getattr(cells, "values", None) if pandas else None
    if are_numbers(values) and arrow_type is None:
        return of_numbers(values)
    _refuse_truths(name, cells)
    try:
        return pa.array(cells, arrow_type, from_pandas=pandas)
    except _no_column():  # among them the error of a lone surrogate
        tidied = repaired(cells, f"Column `{name}`")
    try:
        return pa.array(tidied, arrow_type, from_pandas=pandas)
    except _no_column() as error:
        raise _misfit(name, tidied, arrow_type, pandas) from error


def _refuse_truths(name: str, cells: Any) -> None:
    """Among fractions, Arrow takes true for 1.0 if a fraction comes first, and refuses both otherwise."""
    if str(getattr(cells, "dtype", "object")) != "object" or not isinstance(cells, Sequence):
        return
    kinds = set(map(type, cells))
    if bool in kinds and kinds & {int, float}:
        first = next(type(cell) for cell in cells if isinstance(cell, (bool, int, float)))
        row = next(
            i
            for i, c in enumerate(cells)
            if isinstance(c, (int, float)) and (type(c) is bool) != (first is bool)
        )
        before = "truth values" if first is bool else "numbers"
        value = cells[row]
        raise MixedColumn(
            f"column `{name}` holds {value!r} ({type(value).__name__}), which does not fit the {before} before it.",
            row,
        )


def _no_column() -> tuple[type[Exception], ...]:
    import pyarrow as pa

    return (pa.ArrowException, OverflowError, TypeError, ValueError)


def _misfit(name: str, cells: list[Any], arrow_type: Any, pandas: bool) -> MixedColumn:
    """Find the first cell that does not fit those before it: halving needs no rule of what fits what."""
    import pyarrow as pa

    fits, breaks = 0, len(cells)
    while breaks - fits > 1:
        middle = (fits + breaks) // 2
        try:
            pa.array(cells[:middle], arrow_type, from_pandas=pandas)
            fits = middle
        except _no_column():
            breaks = middle
    before = pa.array(cells[:fits], arrow_type, from_pandas=pandas).type
    value, kind = repr(cells[fits])[:60], type(cells[fits]).__name__
    fit = "no column can hold" if before == pa.null() else f"does not fit the {before} before it"
    return MixedColumn(f"column `{name}` holds {value} ({kind}), which {fit}.", fits)


def tidy(value: Any) -> Any:
    r"""Replace lone surrogates, which no UTF-8 text can hold, by U+FFFD; inside lists and dicts too.

    >>> tidy({"a": ["\ud800!"]})
    {'a': ['\ufffd!']}
    """
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {tidy(key): tidy(inner) for key, inner in value.items()}
    return [tidy(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def repaired(values: Iterable[Any], what: str) -> list[Any]:
    """Give the values with lone surrogates replaced, and warn with how many held one (`TextRepaired`)."""
    before = list(values)
    after = [tidy(value) for value in before]
    count = sum(map(_is_broken, before))
    if count:
        texts = "1 text holds" if count == 1 else f"{count:,} texts hold"
        warnings.warn(
            TextRepaired(f"{what}: {texts} half a character (a lone surrogate), replaced by U+FFFD.", count),
            stacklevel=2,
        )
    return after


def _is_broken(value: Any) -> bool:
    if isinstance(value, str):
        return _SURROGATE.search(value) is not None
    if isinstance(value, Mapping):
        return any(_is_broken(key) or _is_broken(inner) for key, inner in value.items())
    return isinstance(value, (list, tuple)) and any(map(_is_broken, value))


def are_numbers(values: Any) -> TypeGuard[np.ndarray]:
    """Whether this is an array that Arrow can take as it lies."""
    if not isinstance(values, np.ndarray):
        return False
    return values.dtype.kind in "iufb" and values.dtype.itemsize <= 8 and values.dtype.isnative


def of_numbers(values: np.ndarray) -> Any:
    """A pandas column that NumPy holds: NaN is a missing cell, and without one nothing is copied."""
    import pyarrow as pa

    gaps = values.dtype.kind == "f" and bool(np.isnan(values).any())
    return pa.array(values, from_pandas=gaps)
