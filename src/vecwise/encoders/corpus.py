"""What a corpus says of its words, read by parts: how often each stands there, beside which, and a sample of rows.

This module must not know what is learned from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.encoders.texts import texts_column
from vecwise.errors import TooLarge
from vecwise.kernels.cooccurrence import near_counts, renumbered_pairs
from vecwise.kernels.cutting import Rule
from vecwise.kernels.row_samples import (
    RowSample,
    merge_samples,
    no_rows,
    renumbered,
    sample_rows,
    word_digests,
)
from vecwise.kernels.tokens import token_ids

SAMPLE_ROWS: Final = 65_536
SAMPLE_TOKENS: Final = 1 << 22
MOST_PAIRS: Final = 100_000_000  # of different words near each other; they take about 1.6 GB


@dataclass(frozen=True)
class CorpusReading:
    """Which column holds the texts, and how they are cut into words."""

    tokenizer: str | Callable[[str], list[str]]
    lowercase: bool
    column: str | None
    missing: str


class Tokens(NamedTuple):
    """Texts cut into words: the distinct words, the number of every token's word, and where rows start."""

    words: list[str]
    numbers: np.ndarray  # int32
    starts: np.ndarray  # int64, one more than rows


class Corpus(NamedTuple):
    """The state of reading: sums and counts of whole numbers, the same for any cut of the rows into parts."""

    rows: int
    texts: int  # rows with at least one word
    words: dict[str, int]
    counts: np.ndarray
    sample: RowSample
    pairs: Any = None

    @property
    def tokens(self) -> int:
        """All words, every time they stand there."""
        return int(self.counts.sum())


def tokens_of(reading: CorpusReading, table: Any) -> Tokens:
    """Cut the texts of an Arrow table into words; raises `MissingValue` for a missing text if it is an error."""
    column = texts_column(table, reading.column, reading.missing)
    return Tokens(*token_ids(column, Rule(reading.tokenizer, reading.lowercase)))


def no_corpus() -> Corpus:
    """Give the state that has read nothing."""
    return Corpus(0, 0, {}, np.zeros(0, np.int64), no_rows())


def corpus_of(tokens: Tokens, *, sampled: bool, window: int) -> Corpus:
    """Give what these rows say; `window` 0 leaves out who stands beside whom."""
    width = len(tokens.words)
    counts = np.bincount(tokens.numbers, minlength=width)
    sample, pairs = no_rows(), None
    if sampled:
        digests = word_digests(tokens.words)
        sample = sample_rows(digests, tokens.numbers, tokens.starts, rows=SAMPLE_ROWS, most=SAMPLE_TOKENS)
    if window and width:
        pairs = near_counts(tokens.numbers, tokens.starts, width, window)
    words = {word: number for number, word in enumerate(tokens.words)}
    texts = int(np.count_nonzero(np.diff(tokens.starts)))
    return Corpus(len(tokens.starts) - 1, texts, words, counts, sample, pairs)


def merge_corpora(left: Corpus, right: Corpus) -> Corpus:
    """Join two states; raises `TooLarge` when more pairs of words stand together than memory should hold."""
    if not left.words or not right.words:
        full, other = (left, right) if left.words else (right, left)
        return full._replace(rows=full.rows + other.rows)
    words = dict(left.words)
    numbers = np.array([words.setdefault(word, len(words)) for word in right.words], np.int64)
    counts = np.zeros(len(words), np.int64)
    counts[: len(left.counts)] = left.counts
    counts[numbers] += right.counts
    theirs = renumbered(right.sample, numbers)
    sample = merge_samples(left.sample, theirs, rows=SAMPLE_ROWS, most=SAMPLE_TOKENS)
    pairs = None
    if left.pairs is not None:
        pairs = _sum(left.pairs, renumbered_pairs(right.pairs, numbers, len(words)), len(words))
    return Corpus(left.rows + right.rows, left.texts + right.texts, words, counts, sample, pairs)


def _sum(left: Any, right: Any, width: int) -> Any:
    from scipy.sparse import csr_array

    starts = np.append(left.indptr, np.full(width - left.shape[0], left.indptr[-1], left.indptr.dtype))
    pairs = csr_array((left.data, left.indices, starts), shape=(width, width)) + right
    if pairs.nnz > MOST_PAIRS:
        raise TooLarge(
            f"More than {MOST_PAIRS:,} different pairs of words stand near each other, too many to hold in "
            "memory. Choose a smaller `window`, learn from a part of the rows, or give word vectors: `vectors=`."
        )
    return pairs


def counts_by_word(state: Corpus) -> dict[str, int]:
    """How often each word stands in the corpus."""
    return dict(zip(state.words, state.counts.tolist(), strict=True))
