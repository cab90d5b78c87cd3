"""The compiled kernel of counting: its functions on NumPy arrays.

This module must not know any vecwise type, nor Arrow. Where the library was not compiled on installing, or
`VECWISE_NATIVE=0` is set, callers take their way through NumPy and get the same bits.
"""

from __future__ import annotations

import os
from ctypes import c_int, c_int64, c_uint64, c_void_p
from typing import Final, Self

import numpy as np

from vecwise.kernels.native import address, bound

HASH_MASK = 2**64 - 1  # tests shorten hashes, so that words collide
_SIGNATURES: Final = {
    "vecwise_table_new": (c_uint64, c_uint64),
    "vecwise_table_free": (c_void_p,),
    "vecwise_beyond_ascii": (c_void_p, c_int64, c_void_p, c_int, c_int64, c_void_p),
    "vecwise_table_cut": (
        *(c_void_p, c_void_p, c_void_p, c_int, c_int64),  # the table, texts
        *(c_void_p, c_void_p, c_void_p, c_int64),  # rows in place of some
        *(c_int, c_int, c_void_p, c_int64, c_void_p),  # the rule, the answers
    ),
    "vecwise_table_add": (c_void_p, c_void_p, c_void_p, c_int64, c_void_p),
    "vecwise_table_words": (c_void_p,),
    "vecwise_table_bytes": (c_void_p,),
    "vecwise_table_copy": (c_void_p, c_void_p, c_void_p),
    "vecwise_count": (
        *(c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_int64),
        *(c_void_p, c_void_p, c_void_p),
    ),
    "vecwise_cells": (c_void_p, c_int64, c_void_p, c_int64),
    "vecwise_weigh": (c_void_p, c_void_p, c_void_p, c_int64, c_void_p),
    "vecwise_sort": (c_void_p, c_void_p, c_int64, c_void_p),
    "vecwise_in_order": (c_void_p, c_void_p, c_int64),
    "vecwise_lines": (c_void_p, c_void_p, c_int64, c_void_p),
    "vecwise_arrange": (c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_void_p),
    "vecwise_merge": (*(c_void_p, c_void_p, c_int64) * 2, *(c_void_p,) * 4),
}
_ANSWERS: Final = {
    "vecwise_table_new": c_void_p,
    **dict.fromkeys(("vecwise_table_free", "vecwise_table_copy", "vecwise_weigh", "vecwise_arrange")),
}

library = bound(_SIGNATURES, _ANSWERS)


def _checked(answer: int) -> int:
    if answer == -1:
        raise MemoryError("There is not enough memory to number or count these words.")
    if answer < 0:
        raise ValueError(
            "A text column holds offsets beyond its text, or more than 2,147,483,647 different words."
        )
    return answer


def most_words(offsets: np.ndarray, other: list[bytes]) -> int:
    """Give a bound on the words of rows: each takes a byte, and another to part it from the next in its row."""
    size = int(offsets[-1]) - int(offsets[0]) + sum(map(len, other))
    return (size + len(offsets) + len(other)) // 2 + 1


class WordTable:
    """Distinct words by first appearance; used as a context, which frees it."""

    def __init__(self) -> None:
        self._library = library()
        seed = int.from_bytes(os.urandom(8), "little")  # shows in no answer: numbers follow first appearance
        self._table = self._library.vecwise_table_new(seed, HASH_MASK)
        if not self._table:
            raise MemoryError("There is not enough memory to number words.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._library.vecwise_table_free(self._table)
        self._table = None

    def beyond_ascii(self, text: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Give the rows with a byte above 127; raises `ValueError` for offsets that do not fit the text."""
        rows = len(offsets) - 1
        found = np.empty(max(1, rows), np.int64)
        wide = offsets.dtype == np.int64
        answer = self._library.vecwise_beyond_ascii(
            address(text), len(text), address(offsets), wide, rows, address(found)
        )
        return found[: _checked(answer)]

    def cut(
        self,
        text: np.ndarray,
        offsets: np.ndarray,
        changed: np.ndarray,
        other: list[bytes],
        *,
        word_rule: bool,
        lower: bool,
        ids: np.ndarray,
    ) -> tuple[int, np.ndarray]:
        """Number the words of rows that `beyond_ascii` has seen; those it named are `changed` to `other`.

        The numbers go into `ids` (int32), which has `most_words` places; give how many there are, and how many
        up to the end of each row.
        """
        rows, wide = len(offsets) - 1, offsets.dtype == np.int64
        others = np.frombuffer(b"".join(other) or b" ", np.uint8)
        other_ends = np.cumsum([0, *map(len, other)], dtype=np.int64)
        ends = np.empty(rows, np.int64)
        made = self._library.vecwise_table_cut(
            *(self._table, address(text), address(offsets), wide, rows),
            *(address(others), address(other_ends), address(changed), len(changed)),
            *(word_rule, lower, address(ids), len(ids), address(ends)),
        )
        return _checked(made), ends

    def add(self, text: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Number words that lie one behind the other, `offsets` from 0."""
        ids = np.empty(len(offsets) - 1, np.int32)
        _checked(
            self._library.vecwise_table_add(
                self._table, address(text), address(offsets), len(ids), address(ids)
            )
        )
        return ids

    def words(self) -> tuple[np.ndarray, np.ndarray]:
        """Give the bytes of all words and their offsets."""
        text = np.empty(self._library.vecwise_table_bytes(self._table), np.uint8)
        offsets = np.empty(self._library.vecwise_table_words(self._table) + 1, np.int64)
        self._library.vecwise_table_copy(self._table, address(text), address(offsets))
        return text, offsets


def count_rows(
    ids: np.ndarray,
    ends: np.ndarray,
    columns: np.ndarray,
    negative: np.ndarray | None,
    indices: np.ndarray,
    data: np.ndarray,
) -> np.ndarray:
    """Write the cells of rows into `indices` and `data`, as long as `ids`; give how many each row has.

    `ends` are the rows' offsets into `ids` (int64), word i goes to `columns[i]` (int32), -1 leaves it out.
    """
    lengths = np.empty(len(ends) - 1, np.int64)
    signs = None if negative is None else np.ascontiguousarray(negative, np.uint8)
    made = library().vecwise_count(
        *(
            address(ids),
            address(ends),
            len(lengths),
            address(columns),
            None if signs is None else address(signs),
        ),
        *(len(columns), address(indices), address(data), address(lengths)),
    )
    _checked(made)
    return lengths


def cells_of_columns(indices: np.ndarray, width: int) -> np.ndarray:
    """Count the cells (int32 columns) of each of `width` columns."""
    counts = np.zeros(width, np.int64)
    _checked(library().vecwise_cells(address(indices), len(indices), address(counts), width))
    return counts


def weigh_rows(data: np.ndarray, indices: np.ndarray, starts: np.ndarray, weights: np.ndarray) -> None:
    """Multiply by the weights of the columns and bring rows to length 1, in place; `starts` are int32."""
    library().vecwise_weigh(
        address(data), address(indices), address(starts), len(starts) - 1, address(weights)
    )


def sorted_order(text: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Give the places of words in the order of their bytes."""
    order = np.empty(len(offsets) - 1, np.int64)
    _checked(library().vecwise_sort(address(text), address(offsets), len(order), address(order)))
    return order


def arranged(text: np.ndarray, offsets: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give words in another order, a permutation: their bytes and offsets."""
    made, ends = np.empty(len(text), np.uint8), np.empty(len(offsets), np.int64)
    library().vecwise_arrange(
        *(address(text), address(offsets), len(offsets) - 1, address(order), address(made), address(ends))
    )
    return made, ends


def lines(text: np.ndarray, offsets: np.ndarray) -> np.ndarray | None:
    """Give the bytes of words with a line feed between each two, or None if a word holds one itself."""
    made = np.empty(len(text) + len(offsets) - 1, np.uint8)
    found = library().vecwise_lines(address(text), address(offsets), len(offsets) - 1, address(made))
    return made[:-1] if found else None


def joined_in_order(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]
) -> tuple[tuple[np.ndarray, np.ndarray], list[np.ndarray]]:
    """Join two lists of distinct words in order: the words of both in order, and the places of each list's words."""
    counts = [len(offsets) - 1 for _, offsets in (first, second)]
    text, offsets = np.empty(len(first[0]) + len(second[0]), np.uint8), np.empty(sum(counts) + 1, np.int64)
    places = [np.empty(count, np.int32) for count in counts]
    made = _checked(
        library().vecwise_merge(
            *(
                address(first[0]),
                address(first[1]),
                counts[0],
                address(second[0]),
                address(second[1]),
                counts[1],
            ),
            *(address(text), address(offsets), address(places[0]), address(places[1])),
        )
    )
    return (text[: offsets[made]], offsets[: made + 1]), places


def in_order(text: np.ndarray, offsets: np.ndarray) -> bool:
    """Tell whether words stand in the order of their bytes, none twice."""
    return bool(library().vecwise_in_order(address(text), address(offsets), len(offsets) - 1))
