"""Arrays and columns as small JSON: numbers travel as base64 in the narrowest type that keeps them exactly.

This module must not know the page that reads them, only its data format.
"""

from __future__ import annotations

import base64
from typing import Any, Final

import numpy as np

from vecwise.draw.columns import Column, span

_WHOLE: Final = ("i1", "i2", "i4")


def pack_array(values: np.ndarray) -> dict[str, str]:
    """Give `{"type", "data"}`: little-endian base64 in the narrowest type that keeps every value.

    >>> pack_array(np.array([1.0, 2.0, 300.0]))
    {'type': 'i2', 'data': 'AQACACwB'}
    """
    kind = _narrowest(values)
    return {"type": kind, "data": base64.b64encode(values.astype(f"<{kind}").tobytes()).decode()}


def pack_column(column: Column, finding: str) -> dict[str, Any]:
    """Give what the page needs to write, search and colour one column."""
    packed: dict[str, Any] = {"name": column.name, "kind": column.kind, "finding": finding}
    if column.kind == "number":
        assert column.numbers is not None  # noqa: S101 - that is what the kind means
        packed["numbers"] = pack_array(column.numbers)
    else:
        assert column.codes is not None  # noqa: S101 - that is what the kind means
        packed |= {"words": column.words, "codes": pack_array(column.codes)}
    if column.kind == "date":
        packed["numbers"] = pack_array(column.numbers)  # type: ignore[arg-type]
    if column.kind != "text":
        stretch = span(column)
        packed |= {"low": stretch.low, "high": stretch.high, "ends": stretch.words}
    else:
        packed["top"] = column.frequent()
    return packed


def _narrowest(values: np.ndarray) -> str:
    if values.dtype == np.float32:
        return "f4"
    if not len(values):
        return "i1"
    if (
        np.isfinite(values).all()
        and (values == np.trunc(values)).all()
        and not np.signbit(values[values == 0]).any()
    ):
        low, high = values.min(), values.max()
        for kind in _WHOLE:
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return kind
    with np.errstate(over="ignore"):
        return "f4" if np.array_equal(values.astype("f4").astype("f8"), values, equal_nan=True) else "f8"
