"""Counting words: the estimators `CountEncoder` and `TfidfEncoder` and their options.

This module must not know where texts come from, how chunks are run, nor how words are found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from vecwise.encoders.base import Encoder, Remember, choice
from vecwise.encoders.reading import Reading
from vecwise.encoders.texts import MISSING
from vecwise.encoders.vocabulary import HashedColumns, Limits, Vocabulary
from vecwise.errors import (
    DuplicateName,
    EmptyVocabulary,
    FileMissing,
    Inapplicable,
    OutOfRange,
    WrongType,
    some,
    unknown,
)
from vecwise.kernels.arrays import is_sparse
from vecwise.kernels.cutting import FORMS, TOKENIZERS, normal
from vecwise.runner import Progress, apply
from vecwise.store.sources import read
from vecwise.vectors import Vectors, as_vectors


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
    first brought to the form `normalize_text` (`"NFC"`, so that é is one letter however it was typed;
    `"NFKC"`, so that ﬁ is fi too; `"none"`), then lower-cased as `str.lower` does (`lowercase=False`: not;
    `"casefold"`: so that ß and SS are one). `column` names the text column of a table; `missing` is `"error"`
    or `"empty"`.

    `hashing` is a number of columns, such as `2**18`: a word's column is then its hash (MurmurHash3), no
    vocabulary is kept and counting needs no fitting; with `alternate_sign` half of the words count -1, so
    that words that share a column cancel on average. Columns have no names then.

    The matrix is scikit-learn's, apart from what `docs/counting.md` lists. `partial_fit` with more texts lets
    the vocabulary grow; with `order="first"` the columns that were there keep their places. Memory: the texts
    pass in parts; 4 bytes a token and the result stay.

    Raises `EmptyVocabulary`, `DuplicateName` for a word given twice, `MissingValue`, `OutOfRange`,
    `Inapplicable` for an option that hashing leaves without effect.

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
        lowercase: bool | str = True,
        normalize_text: str = "NFC",
        order: str = "first",
        ngrams: tuple[int, int] = (1, 1),
        min_df: float = 1,
        max_df: float = 1.0,
        max_features: int | None = None,
        stop_words: Sequence[str] | str | Path | None = None,
        binary: bool = False,
        hashing: int | None = None,
        alternate_sign: bool = True,
        column: str | None = None,
        missing: str = "error",
    ) -> None:
        self.vocabulary = vocabulary
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.normalize_text = normalize_text
        self.order = order
        self.ngrams = ngrams
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features
        self.stop_words = stop_words
        self.binary = binary
        self.hashing = hashing
        self.alternate_sign = alternate_sign
        self.column = column
        self.missing = missing

    @property
    def needs_rows(self) -> bool:  # type: ignore[override]
        """A fixed vocabulary or hashing leaves nothing to learn, except for TF-IDF's weights."""
        return self._weighting == "tfidf" or (self.vocabulary is None and self.hashing is None)

    def _fold(self) -> Any:
        order = choice("order", self.order, ("first", "sorted"))
        reading, limits = self._reading(), self._limits()
        if self.hashing is None:
            return Vocabulary(reading, self._given_words(), order, self._weighting, limits)
        if not isinstance(self.hashing, int) or not 1 <= self.hashing < 2**31:
            raise OutOfRange(f"`hashing` is a number of columns from 1 to 2^31 - 1, not {self.hashing!r}.")
        if self.vocabulary is not None or not limits.trivial:
            raise Inapplicable(
                "`hashing` keeps no words, so `vocabulary`, `min_df`, `max_df` and `max_features` have no effect. "
                "Leave them out, or leave out `hashing`."
            )
        return HashedColumns(reading, self.hashing, bool(self.alternate_sign), self._weighting)

    def _reading(self) -> Reading:
        if not callable(self.tokenizer) and self.tokenizer not in TOKENIZERS:
            raise unknown("tokenizer", str(self.tokenizer), TOKENIZERS)
        if self.lowercase != "casefold" and not isinstance(self.lowercase, (bool, np.bool_)):
            raise unknown("case", str(self.lowercase), ("True", "False", "casefold"))
        case = "casefold" if self.lowercase == "casefold" else bool(self.lowercase)
        form = choice("form of text", self.normalize_text, FORMS)
        missing = choice("policy for missing texts", self.missing, MISSING)
        bare = Reading(self.tokenizer, case, self.column, missing, normalize_text=form)
        stop = tuple(map(bare.rule.prepare, _stop_words(self.stop_words)))
        ngrams, binary = _ngrams(self.ngrams), bool(self.binary)
        return Reading(self.tokenizer, case, self.column, missing, ngrams, stop, binary, form)

    def _given_words(self) -> tuple[str, ...] | None:
        if self.vocabulary is None:
            return None
        given = tuple(normal(word, self.normalize_text) for word in _ordered(self.vocabulary))
        if not given:
            raise EmptyVocabulary(
                "`vocabulary` holds no word. Give at least one, or leave it out to learn it."
            )
        keys = list(map(self._reading().rule.prepare, given))
        if len(set(keys)) < len(keys):
            twice = [word for word, times in Counter(keys).items() if times > 1]
            raise DuplicateName(f"`vocabulary` holds a word twice: {some(twice)}.")
        return given

    def _limits(self) -> Limits:
        for name in ("min_df", "max_df", "max_features"):
            limit = getattr(self, name)
            whole = isinstance(limit, (int, np.integer)) and not isinstance(limit, bool)
            if not whole and not (limit is None if name == "max_features" else isinstance(limit, float)):
                raise WrongType(f"`{name}` is a number, not {limit!r}.")
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
        self._seen, self._map, made = self._fold().fit_encode(table)
        self._opened = False
        if progress:
            progress(table.num_rows, table.num_rows)
        return made

    def encode(
        self, table: Any, /, *, progress: Progress | None = None, remember: Remember | None = None
    ) -> Vectors:
        """Give the vectors of an Arrow table; no chunk is smaller than a thirty-second of it, nor than 1,024 rows."""
        size = max(1024, table.num_rows // 32)
        made = apply(self.map_, table, size=size, progress=progress)
        return Vectors._trusted(made.values, np.arange(len(made)), made.rows, made.space, self.map_)

    def inverse_transform(self, X: Any) -> list[dict[str, float]]:
        """Give every row's words with their weights, the heaviest first (of equals, the earlier dimension).

        Raises `Inapplicable` for hashed columns, which keep no words.
        """
        if self.hashing is not None:
            raise Inapplicable("Hashed columns keep no words. Leave out `hashing` to get a row's words back.")
        values = (X if isinstance(X, Vectors) else as_vectors(X)).values
        names = self.space.feature_names()
        made = []
        for i in range(values.shape[0]):
            columns, cells = _filled(values, i)
            best = np.argsort(-cells, kind="stable")
            made.append({names[columns[j]]: float(cells[j]) for j in best})
        return made


def _filled(values: Any, row: int) -> tuple[np.ndarray, np.ndarray]:
    """The columns of a row that are not zero, and what they hold."""
    if is_sparse(values):
        span = slice(values.indptr[row], values.indptr[row + 1])
        return values.indices[span], values.data[span]
    columns = np.flatnonzero(values[row])
    return columns, values[row][columns]


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
        if not Path(given).exists():
            raise FileMissing(
                f"`stop_words` is a list of words, or the path of a file with one a line; there is no file `{given}`. "
                "No list of any language comes along."
            )
        return [word.strip() for word in read(given, format="txt").column(0).to_pylist() if word.strip()]
    words = list(given)
    if not all(isinstance(word, str) for word in words):
        raise WrongType(
            f"`stop_words` are words, and hold {some(w for w in words if not isinstance(w, str))}."
        )
    return words


def _ngrams(given: Any) -> tuple[int, int]:
    pair = list(given) if isinstance(given, (list, tuple)) else []
    whole = [isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in pair]
    if len(pair) != 2 or not all(whole) or not 1 <= pair[0] <= pair[1]:
        raise OutOfRange(f"`ngrams` are the shortest and the longest run, such as (1, 2), not {given!r}.")
    low, high = pair
    return int(low), int(high)


def _ordered(vocabulary: Any) -> Sequence[str]:
    """The words in their order: a list as it is, a mapping of word to column by its columns."""
    if isinstance(vocabulary, Mapping):
        return sorted(vocabulary, key=vocabulary.__getitem__)
    if isinstance(vocabulary, (str, Set)):
        raise WrongType(
            f"`vocabulary` is a {type(vocabulary).__name__}, which gives words no order. Give a list."
        )
    return list(vocabulary)
