"""Frozen word vectors and weights: the map that gives a text the average of its words.

This module must not know how weights are found, nor how word vectors are learned or read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple, Self

import numpy as np

from vecwise.encoders.base import short_repr
from vecwise.encoders.corpus import CorpusReading, Tokens, tokens_of
from vecwise.encoders.tokenizers import must_be_savable, tokenizer_identity
from vecwise.engines.local import cores, serial, threads
from vecwise.kernels.averages import without_directions, word_averages
from vecwise.kernels.cutting import normal
from vecwise.kernels.subwords import Subwords
from vecwise.space import Space, mint_frame
from vecwise.store.rows import as_table
from vecwise.vectors import Vectors

_AVERAGED: Final = 16_384  # rows a thread
_NAMES: Final = {"plain": "plain", "sif": "SIF", "usif": "uSIF"}


def keys_of(words: Iterable[str], lowercase: bool) -> list[str]:
    """Words as the tokens of texts are spelled: NFC-normalized, and lower-cased if they are."""
    return [normal(word).lower() if lowercase else normal(word) for word in words]


def places_of(keys: Sequence[str], words: Sequence[str]) -> dict[str, int]:
    """The row of every key: of several words that become one, the one that is it already, else the first."""
    places: dict[str, int] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, place)
    places.update(
        (word, place) for place, (word, key) in enumerate(zip(words, keys, strict=True)) if word == key
    )
    return places


class Coverage(NamedTuple):
    """How much of some texts is known: rows, rows without a known word (they become zero), words, known words."""

    rows: int
    zero_rows: int
    words: int
    known_words: int


class Contribution(NamedTuple):
    """What one word of a text adds to its vector: how often it stands there, its weight, and its share, `(dim,)`."""

    word: str
    times: int
    weight: float
    vector: np.ndarray


@dataclass(frozen=True, eq=False)
class AverageMap:
    """Frozen word vectors and weights: texts to averages, less what all texts share."""

    __repr__ = short_repr

    target: Space
    words: tuple[str, ...]
    matrix: np.ndarray = field(repr=False)
    subwords: Subwords | None
    weights: np.ndarray = field(repr=False)
    rare: float
    directions: np.ndarray = field(repr=False)
    shares: np.ndarray
    method: str
    reading: CorpusReading

    @classmethod
    def of(
        cls,
        words: tuple[str, ...],
        matrix: np.ndarray,
        subwords: Subwords | None,
        weights: np.ndarray,
        rare: float,
        directions: np.ndarray,
        shares: np.ndarray,
        method: str,
        reading: CorpusReading,
    ) -> Self:
        """Mint the space: the axes are the words, their vectors and weights, what is taken out, and the cut."""
        cut = tokenizer_identity(reading.tokenizer)
        digest = hashlib.sha256(json.dumps([words, cut, reading.lowercase, method, rare]).encode())
        for array in (matrix, weights, directions, shares):
            digest.update(np.ascontiguousarray(array).data)
        if subwords is not None:
            digest.update(json.dumps([subwords.shortest, subwords.longest]).encode())
            digest.update(np.ascontiguousarray(subwords.matrix).data)
        dim = int(matrix.shape[1])
        names = tuple(f"average_{i}" for i in range(dim))
        name = f"AverageEncoder: {_NAMES[method]}"
        space = Space(dim, mint_frame("average", digest.digest()), names, name=name)
        return cls(space, words, matrix, subwords, weights, rare, directions, shares, method, reading)

    @cached_property
    def _place(self) -> dict[str, int]:
        return places_of(keys_of(self.words, self.reading.lowercase), self.words)

    @cached_property
    def _table(self) -> np.ndarray:
        return without_directions(self.matrix, self.weights, self.directions, self.shares)

    def __getstate__(self) -> dict[str, Any]:  # what is derived is derived again
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def __call__(self, table: Any, /) -> Vectors:
        """Encode the text of every row."""
        tokens = tokens_of(self.reading, table)
        values = self.average(tokens, np.empty((table.num_rows, self.target.dim), np.float32))
        return Vectors(values, rows=table, space=self.target, encoder=self)

    def average(self, tokens: Tokens, out: np.ndarray) -> np.ndarray:
        """Average the words of texts that are cut already, into `out`, float32 `(rows, dim)`."""
        rows, numbers, starts = self._known(tokens)
        cuts = [(first, min(first + _AVERAGED, len(out))) for first in range(0, len(out), _AVERAGED)]

        def fill(cut: tuple[int, int]) -> None:
            part = starts[cut[0] : cut[1] + 1]
            out[slice(*cut)] = word_averages(rows, numbers[part[0] : part[-1]], part - part[0])

        engine = threads() if len(cuts) > 1 and cores() > 1 else serial
        for _ in engine(fill, cuts):
            pass
        return out

    def _known(self, tokens: Tokens) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The final vectors of the distinct known words, and the texts in their numbers."""
        places = np.array([self._place.get(word, -1) for word in tokens.words], np.int64)
        known = places >= 0
        numbers = np.where(known, np.cumsum(known) - 1, -1)
        rows = self._table[places[known]]
        if self.subwords is not None and not known.all():
            rows, numbers = self._spelled(tokens.words, known, rows, numbers)
        moved = numbers.astype(np.int32)[tokens.numbers]
        kept = moved >= 0
        if kept.all():
            return rows, moved, tokens.starts
        starts = np.concatenate([[0], np.cumsum(kept)])[tokens.starts]
        return rows, moved[kept], starts

    def _spelled(
        self, words: list[str], known: np.ndarray, rows: np.ndarray, numbers: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Add the words that are known by their n-grams alone; they count as never seen."""
        assert self.subwords is not None  # noqa: S101  for the type checker
        unknown = np.flatnonzero(~known)
        made, found = self.subwords.means([words[i] for i in unknown])
        weights = np.full(int(found.sum()), self.rare)
        more = without_directions(made[found], weights, self.directions, self.shares)
        numbers[unknown[found]] = len(rows) + np.arange(len(more))
        return np.concatenate([rows, more]), numbers

    def coverage(self, table: Any) -> Coverage:
        """Count the rows and words that are known."""
        tokens = tokens_of(self.reading, table)
        _, numbers, starts = self._known(tokens)
        zero = int(np.count_nonzero(np.diff(starts) == 0))
        return Coverage(len(starts) - 1, zero, len(tokens.numbers), len(numbers))

    def contributions(self, text: str) -> list[Contribution]:
        """Give what each known word of a text adds to its vector, in order of first appearance."""
        tokens = tokens_of(self.reading, as_table({self.reading.column or "text": [text]}))
        rows, numbers, _ = self._known(tokens)
        first, times = np.unique(numbers, return_counts=True)
        spelled = {int(n): tokens.words[w] for n, w in zip(numbers, self._word_numbers(tokens), strict=True)}
        made = []
        for number, count in zip(first.tolist(), times.tolist(), strict=True):
            word = spelled[number]
            place = self._place.get(word)
            weight = self.rare if place is None else float(self.weights[place])
            vector = rows[number].astype(np.float64) * count / len(numbers)
            made.append(Contribution(word, count, weight, vector))
        return sorted(made, key=lambda one: tokens.words.index(one.word))

    def _word_numbers(self, tokens: Tokens) -> np.ndarray:
        known = np.array([word in self._place for word in tokens.words], bool)
        if self.subwords is not None and not known.all():
            unknown = np.flatnonzero(~known)
            known[unknown] = self.subwords.means([tokens.words[i] for i in unknown])[1]
        return tokens.numbers[known[tokens.numbers]] if len(tokens.numbers) else tokens.numbers

    def state(self) -> dict[str, Any]:
        """Plain data and arrays; raises `NotSavable` for a tokenizer that is a Python function."""
        must_be_savable(self.reading.tokenizer)
        pieces = None
        if self.subwords is not None:
            pieces = {name: getattr(self.subwords, name) for name in ("matrix", "shortest", "longest")}
        reading = {
            name: getattr(self.reading, name) for name in ("tokenizer", "lowercase", "column", "missing")
        }
        arrays = {name: getattr(self, name) for name in ("matrix", "weights", "directions", "shares")}
        plain = {"words": list(self.words), "rare": self.rare, "method": self.method}
        return {**plain, **arrays, "subwords": pieces, "reading": reading}

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map from its state."""
        matrix = np.asarray(state["matrix"], np.float32)
        weights, directions, shares = (
            np.asarray(state[name], np.float64) for name in ("weights", "directions", "shares")
        )
        pieces = state["subwords"]
        subwords = None
        if pieces is not None:
            vectors = np.asarray(pieces["matrix"], np.float32)
            subwords = Subwords(vectors, pieces["shortest"], pieces["longest"])
        return cls.of(
            tuple(state["words"]), matrix, subwords, weights, float(state["rare"]),
            directions.reshape(-1, matrix.shape[1]), shares, state["method"], CorpusReading(**state["reading"]),
        )  # fmt: skip
