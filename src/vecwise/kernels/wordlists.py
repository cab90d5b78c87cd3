"""Lists of words as Arrow binary arrays: made from strings, turned back, joined, sorted, looked up.

This module must not know any vecwise type, nor how words were cut. Words are UTF-8; a lone surrogate, which only
a word list given by hand can hold, is written as Python's `surrogatepass` writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from vecwise.kernels import native_counts


def from_words(words: Iterable[str]) -> Any:
    """Give strings as an Arrow large-binary array."""
    words = list(words)
    whole = "\n".join(words).encode("utf-8", "surrogatepass")
    if whole.isascii():
        lengths = np.fromiter(map(len, words), np.int64, len(words))
    else:
        raw = [word.encode("utf-8", "surrogatepass") for word in words]
        lengths = np.fromiter(map(len, raw), np.int64, len(raw))
    if whole.count(b"\n") == max(0, len(words) - 1):
        return from_bytes(np.frombuffer(whole.replace(b"\n", b""), np.uint8), lengths)
    parts = (word.encode("utf-8", "surrogatepass") for word in words)
    return from_bytes(np.frombuffer(b"".join(parts), np.uint8), lengths)


def from_bytes(text: np.ndarray, lengths: np.ndarray) -> Any:
    """Give words that lie one behind the other in a byte array."""
    return from_offsets(text, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))


def from_offsets(text: np.ndarray, offsets: np.ndarray) -> Any:
    """The same, by the int64 offsets of the words."""
    import pyarrow as pa

    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(text)]
    return pa.Array.from_buffers(pa.large_binary(), len(offsets) - 1, buffers)


def cut_out(text: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> Any:
    """Copy spans, which do not overlap and come in order, out of a byte array."""
    import pyarrow as pa

    # An array of word, gap, word, gap, … over the same memory; every second entry is taken.
    offsets = np.zeros(2 * len(starts) + 1, np.int64)
    offsets[0:-1:2], offsets[1::2] = starts, starts + lengths
    offsets[-1] = offsets[-2] if len(starts) else 0
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text))]
    return take(
        pa.Array.from_buffers(pa.large_binary(), 2 * len(starts), buffers), np.arange(0, 2 * len(starts), 2)
    )


def take(words: Any, places: np.ndarray) -> Any:
    """Give the words at these places."""
    return words.take(numbers_array(places))


def numbers_array(values: np.ndarray) -> Any:
    """Give a NumPy array of int32, int64 or uint64 as Arrow, over the same memory."""
    import pyarrow as pa

    values = np.ascontiguousarray(values)
    kind = {"int32": pa.int32(), "int64": pa.int64(), "uint64": pa.uint64()}[values.dtype.name]
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def numbered(values: Any) -> tuple[np.ndarray, Any]:
    """Number the distinct values of an Arrow array in order of first appearance: int32 numbers, the values."""
    import pyarrow as pa

    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    made = values.dictionary_encode()
    return np.frombuffer(made.indices.buffers()[1], np.int32)[: len(values)], made.dictionary


def first_places(numbers: np.ndarray) -> np.ndarray:
    """Give the place where each number, given out by first appearance, stands first."""
    if not len(numbers):
        return np.zeros(0, np.int64)
    highest = np.maximum.accumulate(numbers)
    return np.flatnonzero(np.concatenate([np.ones(1, bool), highest[1:] != highest[:-1]]))


def parts(words: Any) -> tuple[np.ndarray, np.ndarray]:
    """Give the offsets of a large-binary array, from 0, and its bytes, padded by 16 zeros."""
    text, offsets = laid_out(words)
    return offsets, np.concatenate([text, np.zeros(16, np.uint8)])


def laid_out(words: Any) -> tuple[np.ndarray, np.ndarray]:
    """Give the bytes of a large-binary array, over the same memory, and its offsets in them."""
    if not len(words):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    offsets = np.frombuffer(words.buffers()[1], np.int64)[words.offset : words.offset + len(words) + 1]
    data = words.buffers()[2]
    text = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return text[offsets[0] : offsets[-1]], offsets - offsets[0] if offsets[0] else offsets


def to_words(words: Any) -> list[str]:
    """Give Python strings."""
    if not len(words):
        return []
    if native_counts.library() is not None:
        lines = native_counts.lines(*laid_out(words))
        if lines is not None:
            return str(lines.data, "utf-8", "surrogatepass").split("\n")
    offsets, text = parts(words)
    raw = text[:-16].tobytes()
    if b"\n" not in raw:
        import pyarrow as pa
        import pyarrow.compute as pc

        row = pa.LargeListArray.from_arrays(pa.array([0, len(words)], pa.int64()), words)
        joined = pc.binary_join(row, pa.scalar(b"\n", pa.large_binary()))[0].as_buffer().to_pybytes()
        return str(joined, "utf-8", "surrogatepass").split("\n")
    ends = offsets.tolist()
    return [raw[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(ends)]


def merged(lists: Sequence[Any]) -> tuple[Any, list[np.ndarray]]:
    """Join word lists in order: the distinct words by first appearance, and for each list its numbers there."""
    import pyarrow as pa

    if len(lists) == 1:
        return lists[0], [np.arange(len(lists[0]), dtype=np.int32)]
    if native_counts.library() is not None:
        with native_counts.WordTable() as table:
            places = [table.add(*laid_out(part)) for part in lists]
            return from_offsets(*table.words()), places
    numbers, words = numbered(pa.concat_arrays(list(lists)))
    ends = np.cumsum([0, *map(len, lists)])
    return words, [numbers[a:b] for a, b in pairwise(ends)]


def joined_in_order(first: Any, second: Any) -> tuple[Any, list[np.ndarray]]:
    """The same of two lists that are in order, by the compiled kernel; the words are in order again."""
    made, places = native_counts.joined_in_order(laid_out(first), laid_out(second))
    return from_offsets(*made), places


def arranged(words: Any) -> tuple[Any, np.ndarray]:
    """Give the words in order of their code points, and the place of each of the old ones there (int32)."""
    order = sorted_order(words)
    places = np.empty(len(order), np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    if native_counts.library() is None:
        return take(words, order), places
    return from_offsets(*native_counts.arranged(*laid_out(words), order)), places


def sorted_order(words: Any) -> np.ndarray:
    """Give the places of the words in order of their code points, which is the order of their UTF-8 bytes."""
    if native_counts.library() is not None:
        return native_counts.sorted_order(*laid_out(words))
    import pyarrow.compute as pc

    return np.frombuffer(pc.sort_indices(words).buffers()[1], np.uint64)[: len(words)].astype(np.int64)


def in_order(words: Any) -> bool:
    """Tell whether distinct words stand in the order of their code points."""
    if native_counts.library() is not None:
        return native_counts.in_order(*laid_out(words))
    return bool((np.diff(sorted_order(words)) > 0).all())


def lookup(words: Any, known: Any) -> np.ndarray:
    """Give for every word its place among the known ones, -1 if it is not there; int32."""
    import pyarrow as pa

    numbers, distinct = numbered(pa.concat_arrays([known, words]))
    assert len(distinct) >= len(known)  # noqa: S101  known words are distinct, so their numbers are their places
    found = numbers[len(known) :]
    return np.where(found < len(known), found, np.int32(-1))
