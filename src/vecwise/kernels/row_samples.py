"""A bounded, honest sample of rows of tokens that no cut into parts can change: bottom-k by a digest of the content.

This module must not know any vecwise type, nor what the tokens mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)


class RowSample(NamedTuple):
    """Distinct rows in the order of their digests: how often each was met, and its tokens, row after row."""

    digests: np.ndarray  # uint64, ascending
    times: np.ndarray  # int64
    starts: np.ndarray  # int64, one more than rows
    tokens: np.ndarray  # int32
    below: int = 1 << 64  # the least digest of all rows that were met and did not fit


def no_rows() -> RowSample:
    """Give the sample of nothing."""
    return RowSample(
        np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0, np.int32)
    )


def scramble(numbers: np.ndarray) -> np.ndarray:
    """Spread uint64 numbers evenly: the finalizer of SplitMix64 (Steele et al. 2014, doi:10.1145/2660193.2660195)."""
    mixed = numbers + _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))


def word_digests(words: Sequence[str]) -> np.ndarray:
    """Give a 64-bit digest of every word: a sum over its bytes, each spread together with its place.

    It tells honest words apart (two differ with a chance of 2^-64 to agree); it does not withstand an attack.
    """
    raw = [word.encode("utf-8", "surrogatepass") for word in words]
    lengths = np.fromiter(map(len, raw), np.int64, len(raw))
    starts = np.concatenate([[0], np.cumsum(lengths)])
    cells = np.frombuffer(b"".join(raw), np.uint8).astype(np.uint64)
    places = np.arange(len(cells)) - np.repeat(starts[:-1], lengths)
    spread = scramble(cells | (places.astype(np.uint64) << np.uint64(8)))
    return scramble(_sums(spread, starts) ^ lengths.astype(np.uint64))


def _sums(numbers: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sums of stretches, modulo 2^64."""
    running = np.concatenate([np.zeros(1, np.uint64), np.cumsum(numbers, dtype=np.uint64)])
    return running[starts[1:]] - running[starts[:-1]]


def sample_rows(
    digests: np.ndarray, tokens: np.ndarray, starts: np.ndarray, *, rows: int, most: int
) -> RowSample:
    """Sample rows by the bag of their tokens; `digests` are those of the words that `tokens` number.

    Rows without tokens are left out. At most `rows` rows stay and, one row aside, at most `most` tokens.
    """
    starts = starts.astype(np.int64)
    lengths = np.diff(starts)
    order_free = _sums(digests[tokens], starts)  # equal bags agree in whatever order their words stand
    marks = scramble(order_free + lengths.astype(np.uint64))
    marks, first, times = np.unique(marks[lengths > 0], return_index=True, return_counts=True)
    first = np.flatnonzero(lengths > 0)[first]
    everything = RowSample(marks, times.astype(np.int64), starts, tokens)
    return _limited(everything, first, rows, most)


def merge_samples(left: RowSample, right: RowSample, *, rows: int, most: int) -> RowSample:
    """Join two samples; a row of both is met as often as in both together.

    A row under the final limit was under the limit of every part, so its count is exact, whatever the parts. What
    a part had to drop bounds the whole: a shorter row behind it must not slip in.
    """
    if not len(left.digests) or not len(right.digests):
        return left if len(left.digests) else right
    marks, first, group = np.unique(
        np.concatenate([left.digests, right.digests]), return_index=True, return_inverse=True
    )
    times = np.zeros(len(marks), np.int64)
    np.add.at(times, group, np.concatenate([left.times, right.times]))
    tokens = np.concatenate([left.tokens, right.tokens])
    starts = np.concatenate([left.starts, right.starts[1:] + left.starts[-1]])
    return _limited(RowSample(marks, times, starts, tokens, min(left.below, right.below)), first, rows, most)


def _limited(found: RowSample, places: np.ndarray, rows: int, most: int) -> RowSample:
    """The first rows that fit, never none, so that one endless row is a sample too; `places` says where they lie."""
    marks, below = found.digests, found.below
    if below < 1 << 64:
        places = places[: int(np.searchsorted(marks, np.uint64(below)))]
    fit = int(np.searchsorted(np.cumsum(np.diff(found.starts)[places]), most, side="right"))
    kept = min(len(places), rows, max(1, fit))
    if kept < len(places):
        below = int(marks[kept])
    chosen = places[:kept]
    lengths = np.diff(found.starts)[chosen]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    cells = np.arange(starts[-1]) + np.repeat(found.starts[chosen] - starts[:-1], lengths)
    return RowSample(marks[:kept], found.times[:kept], starts, found.tokens[cells].astype(np.int32), below)


def renumbered(sample: RowSample, numbers: np.ndarray) -> RowSample:
    """Give the same sample with token i called `numbers[i]`."""
    return sample._replace(tokens=numbers[sample.tokens].astype(np.int32))


def bags_of(sample: RowSample, columns: np.ndarray, width: int) -> Any:
    """Give the sample as CSR counts of `width` words, token i in column `columns[i]`; -1 leaves it out."""
    from scipy.sparse import csr_array

    moved = columns[sample.tokens]
    kept = moved >= 0
    starts = np.concatenate([[0], np.cumsum(kept)])[sample.starts]
    shape = (len(sample.digests), width)
    counts = csr_array((np.ones(int(kept.sum())), moved[kept], starts), shape=shape)
    counts.sum_duplicates()  # and sorts: the order of the words no longer tells which row came first
    return counts
