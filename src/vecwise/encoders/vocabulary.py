"""Learning what to count: the folds that read texts and finish into a vocabulary, or into hashed columns.

This module must not know where texts come from nor how chunks are run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.encoders.reading import Reading
from vecwise.encoders.word_maps import HashedMap, WordMap
from vecwise.errors import EmptyVocabulary
from vecwise.kernels import wordlists
from vecwise.kernels.bags import rearrange, rows_with
from vecwise.kernels.tokens import Tokens
from vecwise.table_text import count as counted
from vecwise.vectors import Vectors

_MANY: Final = 20_000  # words that are worth a thread


@dataclass(frozen=True, slots=True)
class Limits:
    """Which of the words seen become dimensions."""

    min_df: float = 1
    max_df: float = 1.0
    max_features: int | None = None

    @property
    def trivial(self) -> bool:
        """Whether every word stays: a whole 1 is a number of rows, 1.0 is all of them."""
        least = isinstance(self.min_df, int) and self.min_df == 1
        return least and isinstance(self.max_df, float) and self.max_df == 1.0 and self.max_features is None

    def keep(self, seen: Seen) -> np.ndarray:
        """The places of the words within the limits, in their order; a share counts of all rows."""
        least, most = (_rows_of(df, seen.rows) for df in (self.min_df, self.max_df))
        places = np.flatnonzero((seen.documents >= least) & (seen.documents <= most))
        if self.max_features is None or len(places) <= self.max_features:
            return places
        # Ties by the word itself, so that the cut of the rows into parts cannot matter.
        rank = np.argsort(wordlists.sorted_order(wordlists.take(seen.words, places)))
        frequent = np.lexsort((rank, -seen.occurrences[places]))
        return np.sort(places[frequent[: self.max_features]])


def _rows_of(limit: float, rows: int) -> float:
    return limit * rows if isinstance(limit, float) else limit


class Seen(NamedTuple):
    """What the vocabulary fold has read: rows, the words, and for each the rows with it and its occurrences."""

    rows: int
    words: Any  # an Arrow binary array, oldest first
    documents: np.ndarray
    occurrences: np.ndarray


def _nothing(rows: int = 0) -> Seen:
    return Seen(rows, wordlists.from_words([]), np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True)
class Vocabulary:
    """The fitting fold: words in order of first appearance, with their document frequency."""

    reading: Reading
    given: tuple[str, ...] | None
    order: str
    weighting: str
    limits: Limits = field(default_factory=Limits)

    def zero(self) -> Seen:
        """No rows and no words."""
        return _nothing()

    def step(self, state: Seen, table: Any, /) -> Seen:
        """Count the words of one more table."""
        if self.given is not None and self.weighting == "count":
            return self.merge(state, _nothing(table.num_rows))
        return self.merge(state, self.read(table)[0])

    def read(self, table: Any) -> tuple[Seen, Any]:
        """What a table says of every word, and its counts, both in the order of the vocabulary to be."""
        return self.counted(table, self.reading.tokens(table, self.order == "sorted"))

    def counted(self, table: Any, tokens: Tokens) -> tuple[Seen, Any]:
        """The same of a table whose texts have been cut."""
        words, width = tokens.words, len(tokens.words)
        counts = self.reading.counts(tokens, np.arange(width, dtype=np.int32), width)
        documents = times = np.ones(width, np.int64)  # where no limit and no weight asks for more
        if self.weighting == "tfidf" or not self.limits.trivial:
            documents = rows_with(counts)
        if self.limits.max_features is not None:
            times = np.bincount(counts.indices, weights=counts.data, minlength=width).astype(np.int64)
        return Seen(table.num_rows, words, documents, times), counts

    def merge(self, left: Seen, right: Seen, /) -> Seen:
        """Words of the earlier rows first, then the new ones of the later rows."""
        if not left.rows or not right.rows:
            return left if left.rows else right
        words, (_, places) = wordlists.merged([left.words, right.words])
        sums = []
        for old, new in ((left.documents, right.documents), (left.occurrences, right.occurrences)):
            total = np.zeros(len(words), np.int64)
            total[: len(old)] = old
            total[places] += new
            sums.append(total)
        return Seen(left.rows + right.rows, words, *sums)

    def done(self, state: Seen, /) -> WordMap:
        """Freeze the words; raises `EmptyVocabulary` when there are none."""
        return self.frozen(state)[0]

    def frozen(self, state: Seen, read: Sequence[str] | None = None) -> tuple[WordMap, np.ndarray | None]:
        """The map, and the place of each of its words among the words read (None where that needs no answer).

        `read` are the words of the state as Python strings, if they have been made.
        """
        if self.given is not None:
            return self._given(state), None
        places = self.limits.keep(state)
        if not len(places):
            why = (
                "the limits of `min_df` and `max_df` leave none"
                if len(state.documents)
                else "every row is empty"
            )
            raise EmptyVocabulary(f"No word is left to count in {counted(state.rows, 'row')}: {why}.")
        known = state.words if len(places) == len(state.words) else wordlists.take(state.words, places)
        if self.order == "sorted" and not wordlists.in_order(known):
            order = wordlists.sorted_order(known)
            known, places = wordlists.take(known, order), places[order]
        rows_with = state.documents[places] if self.weighting == "tfidf" else None
        made = read if known is state.words else None
        return WordMap.of(known, self.reading, rows_with, state.rows, made=made), places

    def _early(self, words: Any, rows: int) -> Callable[[Seen], tuple[WordMap, np.ndarray | None]]:
        """What `frozen` will do once the rows are counted, and as much of it as can be done before."""
        if self.weighting == "tfidf":
            read = tuple(wordlists.to_words(words))
            return lambda seen: self.frozen(seen, read)
        ones = np.ones(len(words), np.int64)
        made = self.frozen(Seen(rows, words, ones, ones))
        return lambda _: made

    def _given(self, state: Seen) -> WordMap:
        words = self.given or ()
        keys = list(map(self.reading.rule.prepare, words))
        known = wordlists.from_words(keys)
        rows_with = None
        if self.weighting == "tfidf":
            places = wordlists.lookup(state.words, known)
            rows_with = np.zeros(len(words), np.int64)
            rows_with[places[places >= 0]] = state.documents[places >= 0]
        names = None if keys == list(words) else words
        return WordMap.of(known, self.reading, rows_with, state.rows, names)

    def fit_encode(self, table: Any) -> tuple[Seen, WordMap, Vectors]:
        """Learn from a table and encode it, cutting its texts once."""
        tokens = self.reading.tokens(table, self.order == "sorted")
        if self.given is None and self.limits.trivial and len(tokens.words) > _MANY:
            with ThreadPoolExecutor(1) as pool:  # one core makes Python strings while the others count rows
                early = pool.submit(self._early, tokens.words, table.num_rows)
                seen, counts = self.counted(table, tokens)
                made, places = early.result()(seen)
        else:
            seen, counts = self.counted(table, tokens)
            made, places = self.frozen(seen)
        del tokens  # their numbers take as much memory as the counts' columns
        if places is None:
            columns = made.columns(seen.words)
        else:
            columns = np.full(len(seen.words), -1, np.int32)
            columns[places] = np.arange(len(places), dtype=np.int32)
        return seen, made, made.weigh(table, rearrange(counts, columns, made.target.dim))


class Hashed(NamedTuple):
    """What the hashing fold has read: rows, and for each column the rows with it."""

    rows: int
    documents: np.ndarray


@dataclass(frozen=True)
class HashedColumns:
    """The fitting fold of hashed columns: nothing but document frequencies, for TF-IDF."""

    reading: Reading
    dim: int
    signed: bool
    weighting: str

    def zero(self) -> Hashed:
        """No rows."""
        return Hashed(0, np.zeros(self.dim if self.weighting == "tfidf" else 0, np.int64))

    def step(self, state: Hashed, table: Any, /) -> Hashed:
        """Count the rows that hold each column."""
        if self.weighting == "count":
            return Hashed(state.rows + table.num_rows, state.documents)
        return self.merge(state, self.read(table)[0])

    def read(self, table: Any) -> tuple[Hashed, Any]:
        """What a table says of every column, and its counts."""
        counts = HashedMap.of(self.dim, self.reading, self.signed, None, 0).count(table)
        # A column whose signs add up to zero in a row is in the row all the same.
        return Hashed(table.num_rows, rows_with(counts)), counts

    def merge(self, left: Hashed, right: Hashed, /) -> Hashed:
        """Add up."""
        return Hashed(left.rows + right.rows, left.documents + right.documents)

    def done(self, state: Hashed, /) -> HashedMap:
        """Freeze the frequencies."""
        rows_with = state.documents if self.weighting == "tfidf" else None
        rows = state.rows if self.weighting == "tfidf" else 0
        return HashedMap.of(self.dim, self.reading, self.signed, rows_with, rows)

    def fit_encode(self, table: Any) -> tuple[Hashed, HashedMap, Vectors]:
        """Learn from a table and encode it, cutting its texts once."""
        if self.weighting == "count":
            seen = self.step(self.zero(), table)
            made = self.done(seen)
            return seen, made, made(table)
        seen, counts = self.read(table)
        made = self.done(seen)
        return seen, made, made.weigh(table, counts)
