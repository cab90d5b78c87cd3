"""Between Arrow and NumPy, by their buffers.

This module must not know any vecwise type. Arrow's own conversions look whether they were handed a pandas
object, and import pandas (0.4 s) to find out; these do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

_PIECE: Final = 2048  # texts


def numbers(column: Any, dtype: Any, gap: float) -> np.ndarray:
    """Give a fixed-width Arrow column of this type as an array; a missing cell becomes `gap`."""
    chunks = column.chunks if hasattr(column, "chunks") else [column]
    parts = [_numbers(chunk, np.dtype(dtype), gap) for chunk in chunks]
    return parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, dtype), *parts])


def _numbers(array: Any, dtype: np.dtype[Any], gap: float) -> np.ndarray:
    if not len(array):
        return np.zeros(0, dtype)
    span = slice(array.offset, array.offset + len(array))
    cells = np.frombuffer(array.buffers()[1], dtype)[span]
    return np.where(present(array), cells, dtype.type(gap)) if array.null_count else cells


def present(column: Any) -> np.ndarray:
    """Give a mask: which cells of an Arrow column hold a value."""
    if hasattr(column, "chunks"):
        return np.concatenate([np.zeros(0, bool), *(present(chunk) for chunk in column.chunks)])
    if not column.null_count or column.buffers()[0] is None:
        return np.full(len(column), column.null_count == 0)
    bits = np.unpackbits(np.frombuffer(column.buffers()[0], np.uint8), bitorder="little")
    return bits[column.offset : column.offset + len(column)].astype(bool)


def whole_numbers(values: np.ndarray) -> Any:
    """Give an Arrow int64 array over the same memory."""
    import pyarrow as pa

    cells = np.ascontiguousarray(values, dtype=np.int64)
    return pa.Array.from_buffers(pa.int64(), len(cells), [None, pa.py_buffer(cells)])


def strings(texts: Sequence[str | None]) -> Any:
    """Give an Arrow string array; `None` is a missing cell. Texts must encode as UTF-8."""
    import pyarrow as pa

    gaps, present_texts = None, texts
    if None in texts:
        gaps = pa.py_buffer(np.packbits([text is not None for text in texts], bitorder="little"))
        present_texts = ["" if text is None else text for text in texts]
    ends, pieces = np.zeros(len(texts) + 1, np.int64), []
    # In pieces that a core's cache holds, so that one text beyond ASCII widens its neighbours and not all texts.
    for start in range(0, len(texts), _PIECE):
        part = present_texts[start : start + _PIECE]
        whole = "".join(part)  # type: ignore[arg-type]
        pieces.append(whole.encode())
        encoded = part if len(pieces[-1]) == len(whole) else [text.encode() for text in part]  # type: ignore[union-attr]
        ends[start + 1 : start + 1 + len(part)] = np.fromiter(map(len, encoded), np.int64, len(part))  # type: ignore[arg-type]
    raw = b"".join(pieces)
    np.cumsum(ends, out=ends)
    kind, width = (pa.string(), np.int32) if ends[-1] < 2**31 else (pa.large_string(), np.int64)
    return pa.Array.from_buffers(
        kind, len(texts), [gaps, pa.py_buffer(ends.astype(width)), pa.py_buffer(raw)]
    )
