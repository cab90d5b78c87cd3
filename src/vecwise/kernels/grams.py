"""Runs of neighbouring words, made from the words' numbers: no text is touched until the distinct runs are known.

This module must not know any vecwise type, nor how texts were cut.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vecwise.kernels import wordlists


def runs(
    words: Any, ids: np.ndarray, rows: np.ndarray, ngrams: tuple[int, int]
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Give the distinct runs, the number of every run and the offsets of the rows.

    In a row all runs of the shortest length come first, then the next length; runs are numbered by first
    appearance in that order, as `kernels.cutting.word_grams` lists them.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    low, high = ngrams
    lengths = np.diff(rows)
    counts = [np.maximum(lengths - n + 1, 0) for n in range(low, high + 1)]
    ends = np.concatenate([[0], np.cumsum(sum(counts))]).astype(np.int64)
    made = np.zeros(ends[-1], np.uint64)
    before = ends[:-1].copy()
    current, number, total = ids, words, 0
    lists = []
    for n in range(1, high + 1):
        if n > 1:
            left, right = _neighbours(rows, lengths, n)
            code = (current[left].astype(np.uint64) << np.uint64(32)) | ids[right].astype(np.uint64)
            current, pairs = wordlists.numbered(wordlists.numbers_array(code))
            pairs = np.frombuffer(pairs.buffers()[1], np.uint64)[: len(pairs)]
            first = wordlists.take(number, (pairs >> np.uint64(32)).astype(np.int64))
            second = wordlists.take(words, (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64))
            number = pc.binary_join_element_wise(first, second, pa.scalar(b" ", pa.large_binary()))
        if n >= low:
            count = counts[n - low]
            where = np.repeat(before - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
            made[where + np.arange(len(where))] = current.astype(np.uint64) + np.uint64(total)
            before += count
            lists.append(number)
            total += len(number)
    numbers, order = wordlists.numbered(wordlists.numbers_array(made))
    order = np.frombuffer(order.buffers()[1], np.uint64)[: len(order)].astype(np.int64)
    return wordlists.take(pa.concat_arrays(lists), order), numbers, ends


def _neighbours(rows: np.ndarray, lengths: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the runs of n-1 words, in the list of these, and of the word that follows each in its row."""
    counts = np.maximum(lengths - n + 1, 0)
    inside = np.arange(counts.sum()) - np.repeat(np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    shorter = np.maximum(lengths - n + 2, 0)
    starts = np.concatenate([[0], np.cumsum(shorter)[:-1]])
    return np.repeat(starts, counts) + inside, np.repeat(rows[:-1], counts) + inside + n - 1
