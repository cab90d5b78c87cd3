"""Counting words: `CountEncoder` and `TfidfEncoder`, their fold (the vocabulary) and their map.

This module must not know where texts come from nor how chunks are run.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from vecwise.encoders.base import Encoder, Remember, choice
from vecwise.encoders.texts import MISSING, normal, texts_of, tokenizer_of
from vecwise.errors import DuplicateName, EmptyVocabulary, NotSavable, OutOfRange, WrongType, some
from vecwise.kernels.arrays import dense
from vecwise.kernels.bags import bags, rearrange
from vecwise.kernels.norms import scale_rows
from vecwise.runner import Progress
from vecwise.space import Space, mint_frame
from vecwise.store.sources import read
from vecwise.vectors import Vectors, as_vectors


@dataclass(frozen=True)
class Reading:
    """How texts are cut into words: one value shared by the fold and the map."""

    tokenizer: str | Callable[[str], list[str]]
    lowercase: bool
    column: str | None
    missing: str
    ngrams: tuple[int, int] = (1, 1)
    stop_words: tuple[str, ...] = ()
    binary: bool = False

    @cached_property
    def cut(self) -> Callable[[str], list[str]]:
        """Text to tokens."""
        return tokenizer_of(self.tokenizer, self.lowercase, self.ngrams, frozenset(self.stop_words))

    def bags(self, table: Any) -> tuple[list[str], Any]:
        """The distinct tokens of an Arrow table's texts and how often each row holds them."""
        words, counts = bags([self.cut(text) for text in texts_of(table, self.column, self.missing)])
        if self.binary:
            counts.data[:] = 1.0
        return words, counts

    def __getstate__(self) -> dict[str, Any]:  # the cached function is a closure, which no process can send
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Limits:
    """Which of the words seen become dimensions."""

    min_df: float = 1
    max_df: float = 1.0
    max_features: int | None = None

    def keep(self, seen: Seen) -> list[str]:
        """The words within the limits, in their order; a share counts of all rows."""
        least, most = (_rows_of(df, seen.rows) for df in (self.min_df, self.max_df))
        words = [word for word, rows in seen.documents.items() if least <= rows <= most]
        if self.max_features is None or len(words) <= self.max_features:
            return words
        # Ties by the word itself, so that the cut of the rows into parts cannot matter.
        frequent = sorted(words, key=lambda word: (-seen.occurrences[word], word))
        chosen = set(frequent[: self.max_features])
        return [word for word in words if word in chosen]


def _rows_of(limit: float, rows: int) -> float:
    return limit * rows if isinstance(limit, float) else limit


class Seen(NamedTuple):
    """What the vocabulary fold has read: rows, and per word, oldest first, the rows with it and its occurrences."""

    rows: int
    documents: dict[str, int]
    occurrences: dict[str, int]


@dataclass(frozen=True)
class Vocabulary:
    """The fitting fold: words in order of first appearance, with their document frequency."""

    reading: Reading
    given: tuple[str, ...] | None
    order: str
    weighting: str
    limits: Limits = field(default_factory=Limits)

    def zero(self) -> Seen:
        """No rows, and the given words, if any."""
        return Seen(0, {}, {})

    def step(self, state: Seen, table: Any, /) -> Seen:
        """Count the words of one more table."""
        if self.given is not None and self.weighting == "count":
            return self.merge(state, Seen(table.num_rows, {}, {}))
        return self.merge(state, self.seen(*self.reading.bags(table)))

    def seen(self, words: list[str], counts: Any) -> Seen:
        """What these counts say of every word."""
        rows_with = np.bincount(counts.indices, minlength=len(words)).tolist()
        times = (
            np.bincount(counts.indices, weights=counts.data, minlength=len(words)).astype(np.int64).tolist()
        )
        documents = dict(zip(words, rows_with, strict=True))
        return Seen(counts.shape[0], documents, dict(zip(words, times, strict=True)))

    def merge(self, left: Seen, right: Seen, /) -> Seen:
        """Words of the earlier rows first, then the new ones of the later rows."""
        if not left.rows or not right.rows:
            return left if left.rows else right
        return Seen(left.rows + right.rows, *(_sum(a, b) for a, b in zip(left[1:], right[1:], strict=True)))

    def done(self, state: Seen, /) -> WordMap:
        """Freeze the words; raises `EmptyVocabulary` when there are none."""
        words = tuple(self.limits.keep(state)) if self.given is None else self.given
        if not words:
            why = (
                "the limits of `min_df` and `max_df` leave none" if state.documents else "every row is empty"
            )
            raise EmptyVocabulary(f"No word is left to count in {state.rows:,} rows: {why}.")
        if self.order == "sorted" and self.given is None:
            words = tuple(sorted(words))
        rows_with = None
        if self.weighting == "tfidf":
            rows_with = tuple(state.documents.get(key, 0) for key in _keys(words, self.reading.lowercase))
        return WordMap.of(words, self.reading, rows_with, state.rows)


def _sum(left: dict[str, int], right: dict[str, int]) -> dict[str, int]:
    joined = dict(left)
    for word, count in right.items():
        joined[word] = joined.get(word, 0) + count
    return joined


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
        cut = [
            _cut_identity(reading.tokenizer),
            reading.lowercase,
            reading.ngrams,
            reading.stop_words,
            reading.binary,
        ]
        meaning = [words, cut, rows_with, rows if rows_with is not None else None]
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
        return self.weigh(table, *self.reading.bags(table))

    def weigh(self, table: Any, words: list[str], counts: Any) -> Vectors:
        """Bring counts of any words to this vocabulary, and weigh them."""
        columns = np.array([self._place.get(word, -1) for word in words], dtype=np.int32)
        counts = rearrange(counts, columns, len(self.words))
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
        lists: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in state["reading"].items()
        }
        return cls.of(tuple(state["words"]), Reading(**lists), rows_with, state["rows"])


class CountEncoder(Encoder):
    """Count words: one dimension per word, sparse, mostly zero.

    With `vocabulary` (a list, or a mapping of word to column) the words and their order are fixed and
    nothing needs fitting; words outside it are ignored. Without it, fitting keeps the words in order of
    first appearance (`order="sorted"`: alphabetical) that at least `min_df` and at most `max_df` rows hold
    (a whole number of rows, or a share of them), and of these the `max_features` most frequent.

    `tokenizer` is `"whitespace"`, `"word"` (two or more word characters, scikit-learn's rule),
    `"characters"`, `"characters-in-words"` or a function from text to a list. `ngrams` are the shortest and
    the longest run of neighbouring words (or characters) that counts as one. `stop_words` (a list, or the
    path of a text file with one a line) are left out first. `binary` counts each word once a row. Text is
    NFC-normalized and lower-cased first. `column` names the text column of a table; `missing` is `"error"`
    or `"empty"`.

    Raises `EmptyVocabulary`, `DuplicateName` for a word given twice, `MissingValue`, `OutOfRange`.

    >>> from vecwise import CountEncoder
    >>> encoder = CountEncoder(vocabulary=["the", "children", "sea"])
    >>> encoder.transform(["The children played in the grass"]).toarray()
    array([[2., 1., 0.]])
    """

    reads = "text"
    _weighting = "count"

    def __init__(
        self,
        vocabulary: Sequence[str] | None = None,
        *,
        tokenizer: str | Callable[[str], list[str]] = "whitespace",
        lowercase: bool = True,
        order: str = "first",
        ngrams: tuple[int, int] = (1, 1),
        min_df: float = 1,
        max_df: float = 1.0,
        max_features: int | None = None,
        stop_words: Sequence[str] | str | Path | None = None,
        binary: bool = False,
        column: str | None = None,
        missing: str = "error",
    ) -> None:
        self.vocabulary = vocabulary
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.order = order
        self.ngrams = ngrams
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features
        self.stop_words = stop_words
        self.binary = binary
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
        stop = tuple(_keys(_stop_words(self.stop_words), self.lowercase))
        ngrams = _ngrams(self.ngrams)
        reading = Reading(
            self.tokenizer, self.lowercase, self.column, missing, ngrams, stop, bool(self.binary)
        )
        reading.cut  # noqa: B018  an unknown tokenizer is refused here, not at the first row
        return Vocabulary(reading, given, order, self._weighting, self._limits())

    def _limits(self) -> Limits:
        for name in ("min_df", "max_df"):
            limit = getattr(self, name)
            if (isinstance(limit, float) and not 0 <= limit <= 1) or (isinstance(limit, int) and limit < 1):
                raise OutOfRange(
                    f"`{name}` is a number of rows from 1, or a share from 0.0 to 1.0, not {limit!r}."
                )
        if self.max_features is not None and self.max_features < 1:
            raise OutOfRange(f"`max_features` keeps at least one word, not {self.max_features}.")
        return Limits(self.min_df, self.max_df, self.max_features)

    def fit_encode(
        self, table: Any, /, *, progress: Progress | None = None, remember: Remember | None = None
    ) -> Vectors:
        """Fit on an Arrow table and give its vectors; the texts are cut into words once."""
        fold = self._fold()
        words, counts = fold.reading.bags(table)
        self._seen, self._opened = fold.seen(words, counts), False
        self._map = fold.done(self._seen)
        if progress:
            progress(table.num_rows, table.num_rows)
        return self._map.weigh(table, words, counts)

    def inverse_transform(self, X: Any) -> list[dict[str, float]]:
        """Give every row's words with their weights, the heaviest first (of equals, the earlier dimension)."""
        counts = as_vectors(X).values if not isinstance(X, Vectors) else X.values
        names = self.space.feature_names()
        rows = (np.asarray(dense(counts[[i]])).reshape(-1) for i in range(counts.shape[0]))
        order = ((row, np.argsort(-row, kind="stable")[: np.count_nonzero(row)]) for row in rows)
        return [{names[i]: float(row[i]) for i in best} for row, best in order]


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


def _stop_words(given: Any) -> Sequence[str]:
    """The words of a list, or of a file with one a line."""
    if given is None:
        return ()
    if isinstance(given, (str, Path)):
        return [word.strip() for word in read(given, format="txt").column(0).to_pylist() if word.strip()]
    return list(given)


def _ngrams(given: Any) -> tuple[int, int]:
    low, high = given
    if not 1 <= low <= high:
        raise OutOfRange(f"`ngrams` are the shortest and the longest run, such as (1, 2), not {given!r}.")
    return int(low), int(high)


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
