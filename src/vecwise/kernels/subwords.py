"""fastText's rule for the pieces of a word: its character n-grams, hashed into buckets.

This module must not know files nor any vecwise type. Source: Bojanowski et al. 2017, doi:10.1162/tacl_a_00051.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

_OFFSET: Final = np.uint32(2166136261)  # FNV-1a, 32 bits
_PRIME: Final = np.uint32(16777619)
_BLOCK: Final = 20_000
END: Final = "</s>"  # the reference's end of a line, which is no word and has no n-grams


@dataclass(frozen=True, eq=False)
class Subwords:
    """The vectors of all buckets, float32 `(buckets, dim)`, and the lengths of the n-grams in characters."""

    matrix: np.ndarray
    shortest: int
    longest: int

    def grams(self, words: Sequence[str]) -> Any:
        """How often each word has an n-gram of each bucket, CSR float32 `(words, buckets)`."""
        from scipy.sparse import coo_array

        owners, buckets = gram_buckets(words, self.shortest, self.longest, len(self.matrix))
        shape = (len(words), len(self.matrix))
        return coo_array((np.ones(len(owners), np.float32), (owners, buckets)), shape=shape).tocsr()

    def means(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The mean of each word's n-grams, float32, and which words have any."""
        grams = self.grams(words)
        grams.sort_indices()
        count = np.diff(grams.indptr)
        times = np.asarray(grams.sum(axis=1), dtype=np.float32).reshape(-1)
        made = (grams @ self.matrix) / np.maximum(1, times)[:, None]
        return made.astype(np.float32), count > 0


def with_subwords(words: Sequence[str], own: np.ndarray, subwords: Subwords) -> np.ndarray:
    """Give the vectors of known words: the mean of a word's own vector and of those of its n-grams."""
    made = np.empty(own.shape, np.float32)
    for start in range(0, len(words), _BLOCK):
        part = slice(start, start + _BLOCK)
        grams = subwords.grams(["" if word == END else word for word in words[part]])
        times = 1 + np.asarray(grams.sum(axis=1), dtype=np.float32).reshape(-1)
        made[part] = (grams @ subwords.matrix + own[part]) / times[:, None]
    return made


def gram_buckets(
    words: Sequence[str], shortest: int, longest: int, buckets: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give the n-grams of all words as (number of the word, bucket), for words of any script.

    A word is framed by `<` and `>`; an n-gram starts and ends between two characters, and the frame alone is
    none. All n-grams grow together, one byte a step, so the work is on whole arrays.
    """
    raw = [f"<{word}>".encode() for word in words]
    lengths = np.fromiter(map(len, raw), np.int64, len(raw))
    cells = np.frombuffer(b"".join(raw), np.uint8)
    ends = np.cumsum(lengths)
    begins_character = (cells & 0xC0) != 0x80
    at = np.flatnonzero(begins_character)  # where the n-grams start
    owner = np.searchsorted(ends, at, side="right")
    owners: list[np.ndarray] = []
    found: list[np.ndarray] = []
    first, last = ends[owner] - lengths[owner], ends[owner]
    sign = cells.astype(np.int8).astype(np.uint32)  # the reference hashes signed characters
    marks = np.full(len(at), _OFFSET)
    size, place = np.zeros(len(at), np.int64), at.copy()
    start = at
    while len(place):
        marks = (marks ^ sign[place]) * _PRIME
        size = size + begins_character[place]
        place = place + 1
        inside = place < last
        whole = ~inside | begins_character[np.minimum(place, len(cells) - 1)]
        frame = (size == 1) & ((start == first) | ~inside)
        told = whole & (size >= shortest) & (size <= longest) & ~frame
        owners.append(owner[told])
        found.append(marks[told] % np.uint32(buckets))
        # an n-gram of full length goes on only through the rest of its last character
        grows = inside & ~(whole & (size >= longest))
        marks, size, place, start = marks[grows], size[grows], place[grows], start[grows]
        owner, first, last = owner[grows], first[grows], last[grows]
    none = np.zeros(0, np.int64)
    return np.concatenate([none, *owners]), np.concatenate([none, *found]).astype(np.int64)
