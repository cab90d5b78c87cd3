"""Fitted counting: maps from texts to counts of known words or of hashed columns, or to their TF-IDF weights.

This module must not know how a vocabulary was learned, nor where texts come from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np

from vecwise.encoders.base import short_repr
from vecwise.encoders.reading import Reading
from vecwise.kernels import wordlists
from vecwise.kernels.bags import weigh_to_unit_rows
from vecwise.kernels.murmur import murmur3_32
from vecwise.kernels.tokens import Tokens
from vecwise.space import Space, mint_frame
from vecwise.vectors import Vectors

_FEW: Final = 8  # as many times more known words than words read make a dictionary the quicker way


@dataclass(frozen=True, eq=False)
class WordMap:
    """A frozen vocabulary: texts to sparse counts, or to TF-IDF weights when document frequencies are known."""

    __repr__ = short_repr

    target: Space
    known: Any  # the words as they are found in texts, an Arrow binary array
    reading: Reading
    rows_with: np.ndarray | None
    rows: int
    as_named: bool  # whether texts hold the words as the columns are named: a given "The" is found as "the"

    @classmethod
    def of(
        cls,
        known: Any,
        reading: Reading,
        rows_with: np.ndarray | None,
        rows: int,
        names: Sequence[str] | None = None,
        made: Sequence[str] | None = None,
    ) -> Self:
        """Mint the space of these distinct words: the axes are the words, how they are cut, and their weights.

        `names` are the words as they were given, if they differ; `made` the words as strings, if there are any yet.
        """
        words = tuple(names or made or wordlists.to_words(known))
        kind = "count" if rows_with is None else "tfidf"
        offsets, text = wordlists.parts(known)
        cut = [reading.identity, rows if rows_with is not None else None]
        frequencies = b"" if rows_with is None else np.asarray(rows_with, np.int64).tobytes()
        named = b"" if names is None else json.dumps(words).encode()
        meaning = [json.dumps(cut).encode(), offsets.tobytes(), text.tobytes(), frequencies, named]
        sizes = json.dumps([len(part) for part in meaning]).encode()
        name = "CountEncoder" if kind == "count" else "TfidfEncoder"
        frame = mint_frame(kind, b"|".join([sizes, *meaning]))
        space = Space(len(words), frame, None, frozenset({"non-negative"}), name)
        object.__setattr__(
            space, "features", words
        )  # distinct by making: a check of half a million takes 0.1 s
        return cls(space, known, reading, rows_with, rows, names is None)

    @property
    def words(self) -> tuple[str, ...]:
        """The words, in the order of their columns."""
        return self.target.feature_names()

    @cached_property
    def _place(self) -> dict[str, int]:
        return {word: i for i, word in enumerate(wordlists.to_words(self.known))}

    def columns(self, words: Any) -> np.ndarray:
        """The column of each of these words, -1 for one that is not known; int32."""
        if "_place" in self.__dict__ or len(words) * _FEW < len(self.known):
            places = [self._place.get(word, -1) for word in wordlists.to_words(words)]
            return np.array(places, dtype=np.int32)
        return wordlists.lookup(words, self.known)

    def __call__(self, table: Any, /) -> Vectors:
        """Count the words of every row."""
        tokens = self.reading.tokens(table)
        counts = self.reading.counts(tokens, self.columns(tokens.words), len(self.known))
        return self.weigh(table, counts)

    def weigh(self, table: Any, counts: Any) -> Vectors:
        """Weigh counts of this vocabulary, in place, and make vectors of them."""
        return _vectors(self, table, counts, self.rows_with, self.rows)

    def state(self) -> dict[str, Any]:
        """Plain data and arrays; raises `NotSavable` for a tokenizer that is a Python function."""
        known = None if self.as_named else wordlists.to_words(self.known)
        state = {"words": list(self.words), "known": known, "reading": self.reading.state()}
        return {**state, "rows_with": self.rows_with, "rows": self.rows}

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map from its plain data."""
        words = state["words"]
        names = None if state["known"] is None else words
        known = wordlists.from_words(words if names is None else state["known"])
        rows_with = None if state["rows_with"] is None else np.asarray(state["rows_with"], np.int64)
        return cls.of(known, Reading.from_state(state["reading"]), rows_with, state["rows"], names)

    def __getstate__(self) -> dict[str, Any]:  # without the dictionary, which is made again on use
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, eq=False)
class HashedMap:
    """Counts in hashed columns, which need no vocabulary: texts to sparse counts or TF-IDF weights.

    The column of a word is the absolute value of its MurmurHash3 modulo the number of columns, and its sign
    the sign of the hash where signs alternate, so that words that share a column cancel on average (Weinberger
    et al. 2009, doi:10.1145/1553374.1553516); both as scikit-learn's `HashingVectorizer` does it.
    """

    target: Space
    reading: Reading
    signed: bool
    rows_with: np.ndarray | None
    rows: int

    @classmethod
    def of(cls, dim: int, reading: Reading, signed: bool, rows_with: np.ndarray | None, rows: int) -> Self:
        """Mint the space of these columns."""
        kind = "count" if rows_with is None else "tfidf"
        frequencies = b"" if rows_with is None else np.asarray(rows_with, np.int64).tobytes()
        cut = json.dumps([dim, signed, reading.identity, rows if rows_with is not None else None])
        frame = mint_frame(f"hashed-{kind}", cut.encode() + b"|" + frequencies)
        claims = frozenset() if signed and not reading.binary else frozenset({"non-negative"})
        name = "CountEncoder" if kind == "count" else "TfidfEncoder"
        return cls(Space(dim, frame, claims=claims, name=name), reading, signed, rows_with, rows)

    def __call__(self, table: Any, /) -> Vectors:
        """Count the words of every row into their columns."""
        return self.weigh(table, self.count(table))

    def count(self, table: Any) -> Any:
        """The counts alone; a sum of signs may be zero and stands in the matrix all the same."""
        tokens = self.reading.tokens(table)
        columns, negative = hashed_columns(tokens, self.target.dim)
        return self.reading.counts(tokens, columns, self.target.dim, negative if self.signed else None)

    def weigh(self, table: Any, counts: Any) -> Vectors:
        """Weigh counts of these columns, in place, and make vectors of them."""
        counts.eliminate_zeros()
        return _vectors(self, table, counts, self.rows_with, self.rows)

    def state(self) -> dict[str, Any]:
        """Plain data and arrays; raises `NotSavable` for a tokenizer that is a Python function."""
        state = {"dim": self.target.dim, "reading": self.reading.state(), "signed": self.signed}
        return {**state, "rows_with": self.rows_with, "rows": self.rows}

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map from its plain data."""
        rows_with = None if state["rows_with"] is None else np.asarray(state["rows_with"], np.int64)
        reading = Reading.from_state(state["reading"])
        return cls.of(state["dim"], reading, state["signed"], rows_with, state["rows"])

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def hashed_columns(tokens: Tokens, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """The column of every distinct word, and whether its hash is negative."""
    hashes = murmur3_32(wordlists.to_words(tokens.words)).astype(np.int64)
    return (np.abs(hashes) % dim).astype(np.int32), hashes < 0


def _vectors(fitted: Any, table: Any, counts: Any, rows_with: np.ndarray | None, rows: int) -> Vectors:
    space = fitted.target
    if rows_with is not None:
        # Smoothed inverse document frequency, as scikit-learn defines it: one more row holds every word.
        weigh_to_unit_rows(counts, np.log((rows + 1) / (rows_with.astype(np.float64) + 1)) + 1)
        if np.diff(counts.indptr).all():  # a row without a known word stays zero and is not unit
            space = space.with_claims(space.claims | {"unit"})
    return Vectors._trusted(counts, np.arange(counts.shape[0]), table, space, fitted)
