"""Counting words: `CountEncoder` and `TfidfEncoder`, their fold (the vocabulary) and their map.

This module must not know where texts come from nor how chunks are run.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple, Self

import numpy as np

from vecwise.encoders.base import Encoder, choice
from vecwise.encoders.texts import MISSING, normal, texts_of, tokenizer_of
from vecwise.errors import DuplicateName, EmptyVocabulary, NotSavable, WrongType, some
from vecwise.kernels.norms import scale_rows
from vecwise.space import Space, mint_frame
from vecwise.vectors import Vectors


@dataclass(frozen=True)
class Reading:
    """How texts are cut into words: one value shared by the fold and the map."""

    tokenizer: str | Callable[[str], list[str]]
    lowercase: bool
    column: str | None
    missing: str

    @cached_property
    def cut(self) -> Callable[[str], list[str]]:
        """Text to tokens."""
        return tokenizer_of(self.tokenizer, self.lowercase)

    def documents(self, table: Any) -> list[list[str]]:
        """The tokens of every row."""
        return [self.cut(text) for text in texts_of(table, self.column, self.missing)]

    def __getstate__(self) -> dict[str, Any]:  # the cached function is a closure, which no process can send
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class Seen(NamedTuple):
    """What the vocabulary fold has read: rows, and in how many of them each word occurs, oldest word first."""

    rows: int
    documents: dict[str, int]


@dataclass(frozen=True)
class Vocabulary:
    """The fitting fold: words in order of first appearance with their document frequency."""

    reading: Reading
    given: tuple[str, ...] | None
    order: str
    weighting: str

    def zero(self) -> Seen:
        """No rows, and the given words, if any."""
        return Seen(0, {})

    def step(self, state: Seen, table: Any, /) -> Seen:
        """Count each word once a row."""
        found: dict[str, int] = {}
        if self.given is None or self.weighting == "tfidf":
            documents = self.reading.documents(table)
            found = dict(
                Counter(chain.from_iterable(map(dict.fromkeys, documents)))
            )  # once a row, oldest first
        return self.merge(state, Seen(table.num_rows, found))

    def merge(self, left: Seen, right: Seen, /) -> Seen:
        """Words of the earlier rows first, then the new ones of the later rows."""
        joined = dict(left.documents)
        for word, count in right.documents.items():
            joined[word] = joined.get(word, 0) + count
        return Seen(left.rows + right.rows, joined)

    def done(self, state: Seen, /) -> WordMap:
        """Freeze the words; raises `EmptyVocabulary` when there are none."""
        words = tuple(state.documents) if self.given is None else self.given
        if not words:
            raise EmptyVocabulary(f"No word is left to count in {state.rows:,} rows: every row is empty.")
        if self.order == "sorted" and self.given is None:
            words = tuple(sorted(words))
        rows_with = None
        if self.weighting == "tfidf":
            rows_with = tuple(state.documents.get(key, 0) for key in _keys(words, self.reading.lowercase))
        return WordMap.of(words, self.reading, rows_with, state.rows)


@dataclass(frozen=True)
class WordMap:
    """A frozen vocabulary: texts to sparse counts, or to TF-IDF weights when document frequencies are known."""

    target: Space
    words: tuple[str, ...]
    reading: Reading
    rows_with: tuple[int, ...] | None
    rows: int

    @classmethod
    def of(
        cls, words: tuple[str, ...], reading: Reading, rows_with: tuple[int, ...] | None, rows: int
    ) -> Self:
        """Mint the space of these words: the axes are the words, how they are cut, and their weights."""
        kind = "count" if rows_with is None else "tfidf"
        meaning = [
            words,
            _cut_identity(reading.tokenizer),
            reading.lowercase,
            rows_with,
            rows if rows_with is not None else None,
        ]
        name = "CountEncoder" if kind == "count" else "TfidfEncoder"
        claims = frozenset({"non-negative"})
        return cls(
            Space(len(words), mint_frame(kind, meaning), words, claims, name), words, reading, rows_with, rows
        )

    @cached_property
    def _place(self) -> dict[str, int]:
        return {key: i for i, key in enumerate(_keys(self.words, self.reading.lowercase))}

    @cached_property
    def _weights(self) -> np.ndarray | None:
        if self.rows_with is None:
            return None
        # Smoothed inverse document frequency, as scikit-learn defines it: one more row holds every word.
        return np.log((1 + self.rows) / (1 + np.array(self.rows_with, dtype=np.float64))) + 1

    def __call__(self, table: Any, /) -> Vectors:
        """Count the words of every row."""
        from scipy.sparse import csr_array

        place = self._place
        documents = self.reading.documents(table)
        ends = np.cumsum([0, *map(len, documents)])
        found = [place.get(token, -1) for tokens in documents for token in tokens]
        columns = np.array(found, dtype=np.int64)
        known = columns >= 0
        starts = np.concatenate([[0], np.cumsum(known)])[ends]  # where each row starts among the known words
        counts = csr_array(
            (np.ones(starts[-1]), columns[known], starts), shape=(len(documents), len(self.words))
        )
        counts.sum_duplicates()
        space = self.target
        if self._weights is not None:
            counts.data *= self._weights[counts.indices]
            counts = scale_rows(counts, 2)
            if np.diff(counts.indptr).all():  # a row without a known word stays zero and is not unit
                space = space.with_claims(space.claims | {"unit"})
        return Vectors(counts, rows=table, space=space, encoder=self)

    def state(self) -> dict[str, Any]:
        """Plain data; raises `NotSavable` for a tokenizer that is a Python function."""
        if not isinstance(self.reading.tokenizer, str):
            raise NotSavable(
                f"The tokenizer {_callable_name(self.reading.tokenizer)} is a Python function, which a file "
                'cannot hold safely. Use tokenizer="whitespace" or "word", or save the vectors without it.'
            )
        reading = {name: getattr(self.reading, name) for name in Reading.__dataclass_fields__}
        return {"words": list(self.words), "reading": reading, "rows_with": self.rows_with, "rows": self.rows}

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map from its plain data."""
        rows_with = None if state["rows_with"] is None else tuple(state["rows_with"])
        return cls.of(tuple(state["words"]), Reading(**state["reading"]), rows_with, state["rows"])


class CountEncoder(Encoder):
    """Count words: one dimension per word, sparse, mostly zero.

    With `vocabulary` (a list, or a mapping of word to column) the words and their order are fixed and
    nothing needs fitting; words outside it are ignored. Without it, fitting keeps the words in order of
    first appearance (`order="sorted"`: alphabetical). `tokenizer` is `"whitespace"`, `"word"` (two or more
    word characters, scikit-learn's rule) or a function from text to a list. Text is NFC-normalized and
    lower-cased first. `column` names the text column of a table; `missing` is `"error"` or `"empty"`.

    Raises `EmptyVocabulary`, `DuplicateName` for a word given twice, `MissingValue`.

    >>> from vecwise import CountEncoder
    >>> encoder = CountEncoder(vocabulary=["the", "children", "sea"])
    >>> encoder.transform(["The children played in the grass"]).toarray()
    array([[2., 1., 0.]])
    """

    _weighting = "count"

    def __init__(
        self,
        vocabulary: Sequence[str] | None = None,
        *,
        tokenizer: str | Callable[[str], list[str]] = "whitespace",
        lowercase: bool = True,
        order: str = "first",
        column: str | None = None,
        missing: str = "error",
    ) -> None:
        self.vocabulary = vocabulary
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.order = order
        self.column = column
        self.missing = missing

    @property
    def needs_rows(self) -> bool:  # type: ignore[override]
        """A fixed vocabulary leaves nothing to learn, except for TF-IDF's weights."""
        return self.vocabulary is None or self._weighting == "tfidf"

    def _fold(self) -> Vocabulary:
        given = None
        if self.vocabulary is not None:
            given = tuple(map(normal, _ordered(self.vocabulary)))
            if not given:
                raise EmptyVocabulary(
                    "`vocabulary` holds no word. Give at least one, or leave it out to learn it."
                )
            keys = _keys(given, self.lowercase)
            if len(set(keys)) < len(keys):
                twice = [word for word in dict.fromkeys(keys) if keys.count(word) > 1]
                raise DuplicateName(f"`vocabulary` holds a word twice: {some(twice)}.")
        order = choice("order", self.order, ("first", "sorted"))
        missing = choice("policy for missing texts", self.missing, MISSING)
        reading = Reading(self.tokenizer, self.lowercase, self.column, missing)
        reading.cut  # noqa: B018  an unknown tokenizer is refused here, not at the first row
        return Vocabulary(reading, given, order, self._weighting)


class TfidfEncoder(CountEncoder):
    """Count words and weigh them: rare words more, every row of length 1; a row without words stays zero.

    The weight of a word is its count times `ln((1 + rows) / (1 + rows with the word)) + 1` (Spärck Jones
    1972, doi:10.1108/eb026526, in scikit-learn's smoothed form), then each row is divided by its L2 norm.
    Options and errors are those of `CountEncoder`.

    >>> from vecwise import TfidfEncoder
    >>> TfidfEncoder().fit_transform(["the sea", "the sky"]).toarray().round(3)
    array([[0.58 , 0.815, 0.   ],
           [0.58 , 0.   , 0.815]])
    """

    _weighting = "tfidf"


def _keys(words: Sequence[str], lowercase: bool) -> list[str]:
    return [normal(word).lower() if lowercase else normal(word) for word in words]


def _ordered(vocabulary: Any) -> Sequence[str]:
    """The words in their order: a list as it is, a mapping of word to column by its columns."""
    if isinstance(vocabulary, Mapping):
        return sorted(vocabulary, key=vocabulary.__getitem__)
    if isinstance(vocabulary, (str, Set)):
        raise WrongType(
            f"`vocabulary` is a {type(vocabulary).__name__}, which gives words no order. Give a list."
        )
    return list(vocabulary)


def _cut_identity(tokenizer: Any) -> str:
    """What tells one way of cutting from another; a nameless function is like no other, not even its twin."""
    if isinstance(tokenizer, str):
        return tokenizer
    name = _callable_name(tokenizer)
    return name if "<" not in name else f"{name}-{uuid.uuid4().hex}"


def _callable_name(function: Any) -> str:
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', repr(function))}"
