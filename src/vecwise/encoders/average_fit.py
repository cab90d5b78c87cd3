"""Fitting averages of word vectors: the fold over a corpus, which finishes into weights and common directions.

This module must not know where word vectors come from, nor what users may ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.encoders.average_map import AverageMap, keys_of, places_of
from vecwise.encoders.corpus import (
    Corpus,
    CorpusReading,
    Tokens,
    corpus_of,
    counts_by_word,
    merge_corpora,
    no_corpus,
    tokens_of,
)
from vecwise.errors import EmptyVocabulary
from vecwise.kernels.averages import (
    common_directions,
    second_moment,
    sif_weights,
    usif_a,
    usif_weights,
)
from vecwise.kernels.cooccurrence import positive_information, renumbered_pairs, word_factors
from vecwise.kernels.row_samples import bags_of
from vecwise.runner import chunks
from vecwise.store.word_vector_files import WordVectors
from vecwise.table_text import count

PART_ROWS: Final = 65_536  # read at a time, whatever the size of the table


@dataclass(frozen=True)
class Learning:
    """How word vectors are learned from a corpus."""

    dim: int
    window: int
    smoothing: float
    min_count: int

    def __call__(self, state: Corpus) -> WordVectors:
        """Learn from all that was read; raises `EmptyVocabulary` when no two words ever stand together."""
        counts = counts_by_word(state)
        kept = [word for word, times in counts.items() if times >= self.min_count]
        kept.sort(key=lambda word: (-counts[word], word))  # an order that no cut of the rows can change
        if not kept:
            why = (
                f"no word stands there `min_count`={self.min_count} times" if counts else "every row is empty"
            )
            raise EmptyVocabulary(f"No word is left to learn from in {count(state.rows, 'row')}: {why}.")
        order = {word: number for number, word in enumerate(kept)}
        numbers = np.array([order.get(word, -1) for word in counts], np.int64)
        pairs = renumbered_pairs(state.pairs, numbers, len(kept))
        matrix = word_factors(positive_information(pairs, self.smoothing), self.dim)
        if not matrix.shape[1]:
            raise EmptyVocabulary(
                f"Nothing can be learned from {count(state.rows, 'row')}: no two of their words stand together more "
                "than chance would have it. Give more or longer rows, or word vectors: `vectors=`."
            )
        return WordVectors(tuple(kept), matrix)


@dataclass(frozen=True)
class Averaging:
    """The fitting fold: word counts, a sample of rows, and neighbours where word vectors are to be learned."""

    reading: CorpusReading
    source: WordVectors | Learning
    method: str
    a: float
    components: int
    frequencies: Mapping[str, float] | None

    def zero(self) -> Corpus:
        """Nothing read."""
        return no_corpus()

    def step(self, state: Corpus, table: Any, /) -> Corpus:
        """Read one more table, in parts of bounded size."""
        for part in chunks(table, PART_ROWS):
            state = merge_corpora(state, self.read(tokens_of(self.reading, part)))
        return state

    def read(self, tokens: Tokens) -> Corpus:
        """What these texts say."""
        window = self.source.window if isinstance(self.source, Learning) else 0
        return corpus_of(tokens, sampled=self.components > 0, window=window)

    def merge(self, left: Corpus, right: Corpus, /) -> Corpus:
        """Add up."""
        return merge_corpora(left, right)

    def done(self, state: Corpus, /) -> AverageMap:
        """Learn the word vectors if they are not given, then the weights and what all rows share."""
        known = self.source(state) if isinstance(self.source, Learning) else _with_corpus(self.source, state)
        keys = keys_of(known.words, self.reading.lowercase)
        weights, rare = self._weights(state, keys)
        directions, shares = self._directions(state, known, keys, weights)
        return AverageMap.of(
            tuple(known.words), known.matrix, known.subwords, weights, rare, directions, shares,
            self.method, self.reading,
        )  # fmt: skip

    def _weights(self, state: Corpus, keys: list[str]) -> tuple[np.ndarray, float]:
        """The weight of every word, and that of a word which was never seen."""
        if self.method == "plain":
            return np.ones(len(keys)), 1.0
        chances = self._probabilities(state)
        found = np.array([*(chances.get(key, 0.0) for key in keys), 0.0])
        if self.method == "sif":
            made = sif_weights(found, self.a)
        else:
            everyone = np.array(list(chances.values()))
            length = state.tokens / state.texts if state.texts else 1.0
            made = usif_weights(found, usif_a(everyone, length) if len(everyone) else float("inf"))
        return made[:-1], float(made[-1])

    def _probabilities(self, state: Corpus) -> dict[str, float]:
        if self.frequencies is not None:
            return dict(self.frequencies)
        total = max(1, state.tokens)
        return {word: times / total for word, times in counts_by_word(state).items()}

    def _directions(
        self, state: Corpus, known: WordVectors, keys: list[str], weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        dim = known.matrix.shape[1]
        if not self.components or not len(state.sample.digests):
            return np.zeros((0, dim)), np.zeros(0)
        places = places_of(keys, known.words)
        columns = np.array([places.get(word, -1) for word in state.words], np.int64)
        counts = bags_of(state.sample, columns, len(keys))
        moment = second_moment(counts, state.sample.times, weights, known.matrix)
        directions, shares = common_directions(moment, self.components + 1)
        # What all rows share is taken out only where it leaves something: one row is all its own direction.
        most = max(0, min(self.components, len(directions) - (self.method == "sif" or len(directions) == 1)))
        directions, shares = directions[:most], shares[:most]
        return directions, np.ones(most) if self.method == "sif" or not most else shares / shares.sum()


def _with_corpus(known: WordVectors, state: Corpus) -> WordVectors:
    """Add the words of the corpus that only their subwords know: they have frequencies, and come again."""
    if known.subwords is None:
        return known
    there = set(known.words)
    new = sorted(word for word in state.words if word not in there)
    if not new:
        return known
    vectors, found = known.subwords.means(new)
    words = [word for word, has in zip(new, found.tolist(), strict=True) if has]
    return WordVectors([*known.words, *words], np.concatenate([known.matrix, vectors[found]]), known.subwords)
