"""Texts as averages of the vectors of their words: `AverageEncoder`, and what its users may choose.

This module must not know how files of word vectors look, nor how a corpus is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np

from vecwise.encoders.average_fit import PART_ROWS, Averaging, Learning
from vecwise.encoders.average_map import AverageMap, Contribution, Coverage, keys_of
from vecwise.encoders.base import Encoder, choice
from vecwise.encoders.corpus import CorpusReading, Tokens, tokens_of
from vecwise.encoders.texts import MISSING
from vecwise.encoders.word_vectors import stamps_of, word_vectors_of
from vecwise.errors import EmptyVocabulary, Inapplicable, OutOfRange, WrongType, whole_number
from vecwise.kernels.cutting import WORDS
from vecwise.runner import Progress, chunks
from vecwise.store.rows import as_table
from vecwise.store.word_vector_files import WordVectors
from vecwise.vectors import Vectors

METHODS: Final = ("plain", "sif", "usif")
COMPONENTS: Final = {"plain": 0, "sif": 1, "usif": 5}


class AverageEncoder(Encoder):
    """Texts as averages of word vectors: one's own, or learned right here from the rows.

    `vectors` are word vectors: a path (GloVe, word2vec or fastText, text or binary; or a `.npy` or
    `.safetensors` matrix with its words beside it), a dict, or `(words, matrix)`; every fit takes them as they
    are when it begins. Without them, vectors of up
    to `dim` numbers are learned from the rows: positive pointwise mutual information of words up to `window`
    places apart in one row (a word d places away counts window + 1 - d), contexts smoothed by the exponent
    `smoothing`, then a truncated singular value decomposition, times the root of the singular values (Levy and
    Goldberg 2014, NeurIPS 27; Levy, Goldberg and Dagan 2015, doi:10.1162/tacl_a_00134). Words met fewer than
    `min_count` times get none.

    `method` is `"sif"` (Arora, Liang and Ma 2017, ICLR: a word weighs `a / (a + p)`, then the first
    uncentered singular vector of all rows is taken out), `"usif"` (Ethayarajh 2018, doi:10.18653/v1/W18-3012:
    `a` follows from the vocabulary and the mean length of the rows, and 5 singular vectors are taken out by
    their share; the scaling of every dimension within each sentence, which the author's code adds, is not
    done) or `"plain"`. p is a word's share of all words in the rows, or is given as
    `frequencies`, a mapping of word to count or to probability. `components` sets how many singular vectors
    are taken out; those of up to 65,536 different rows are exact, those of more come from a sample of that
    many, chosen by content alone. A direction is taken out only where it leaves something: the vector of a
    corpus of one row keeps it.

    The mean is over known words, each as often as it stands there. Words unknown to `vectors` are left out,
    except that fastText's binary models know them by their n-grams. A text without a known word, an empty one
    among them, becomes the zero vector, whose cosine is null; `coverage(rows)` counts them. `tokenizer` is
    `"word"` (two or more word characters), `"whitespace"` or a function; texts are NFC-normalized and, with
    `lowercase`, lower-cased, and so are the words of `vectors`: of several that become one, the one that is
    lower case already, or else the first, stands for all. `column` names the text column of a table; `missing`
    is `"error"` or `"empty"`.

    A row's vector, float32, is the same alone and in any batch, and off by at most 66 · 2^-24 of the mean
    magnitude of its words. Any cut of the rows into parts gives the same bits. Memory to fit: the words, the
    sample, and, where vectors are learned, 12 bytes for each pair of words that stand near each other.

    Raises `EmptyVocabulary`, `OutOfRange`, `MissingValue`, `TooLarge`, and what the files of vectors raise.

    >>> from vecwise import AverageEncoder
    >>> encoder = AverageEncoder({"sea": [1.0, 0.0], "sky": [0.0, 2.0]}, method="plain")
    >>> encoder.transform(["The sea, the sky", "sea and sea"])
    array([[0.5, 1. ],
           [1. , 0. ]], dtype=float32)
    """

    reads = "text"
    _loaded: tuple[Any, Any, WordVectors] | None = None

    def __init__(
        self,
        vectors: Any = None,
        *,
        method: str = "sif",
        a: float = 1e-3,
        components: int | None = None,
        frequencies: Mapping[str, float] | None = None,
        dim: int = 100,
        window: int = 5,
        smoothing: float = 0.75,
        min_count: int = 1,
        tokenizer: str | Callable[[str], list[str]] = "word",
        lowercase: bool = True,
        column: str | None = None,
        missing: str = "error",
    ) -> None:
        self.vectors = vectors
        self.method = method
        self.a = a
        self.components = components
        self.frequencies = frequencies
        self.dim = dim
        self.window = window
        self.smoothing = smoothing
        self.min_count = min_count
        self.tokenizer = tokenizer
        self.lowercase = lowercase
        self.column = column
        self.missing = missing

    @property
    def needs_rows(self) -> bool:  # type: ignore[override]
        """Given vectors leave nothing to learn where neither frequencies nor common directions are wanted."""
        if self.vectors is None:
            return True
        weighed = self.method == "plain" or (self.method == "sif" and self.frequencies is not None)
        return not weighed or bool(self._components())

    def _components(self) -> int:
        wanted = COMPONENTS.get(self.method, 0) if self.components is None else self.components
        return int(wanted)

    def _fold(self) -> Averaging:
        method = choice("method of averaging", self.method, METHODS)
        self._check()
        missing = choice("policy for missing texts", self.missing, MISSING)
        tokenizer = self.tokenizer if callable(self.tokenizer) else choice("tokenizer", self.tokenizer, WORDS)
        reading = CorpusReading(tokenizer, bool(self.lowercase), self.column, missing)
        source: WordVectors | Learning = Learning(self.dim, self.window, self.smoothing, self.min_count)
        if self.vectors is not None:
            source = self._given_vectors()
        frequencies = None if self.frequencies is None else _chances(self.frequencies, self.lowercase)
        return Averaging(reading, source, method, float(self.a), self._components(), frequencies)

    def _check(self) -> None:
        for name in ("dim", "window", "min_count"):
            whole_number(name, getattr(self, name))
        if not 0 < self.a < float("inf"):
            raise OutOfRange(f"`a` is a number above 0, such as 0.001, not {self.a!r}.")
        if not 0 <= self.smoothing <= 1:
            raise OutOfRange(f"`smoothing` is an exponent from 0 to 1, not {self.smoothing!r}.")
        wanted = self.components
        if wanted is not None:
            whole_number("components", wanted, least=0)
        if wanted and self.method == "plain":
            raise Inapplicable(
                'method="plain" takes nothing out. Use "sif" or "usif", or leave out `components`.'
            )

    def _given_vectors(self) -> WordVectors:
        """The word vectors, looked at when a fit begins: files are read anew if they changed, objects always."""
        loaded, begun = self._loaded, self._seen is not None
        if begun and loaded is not None and loaded[0] is self.vectors:
            return loaded[2]
        stamps = stamps_of(self.vectors)
        if loaded is None or stamps is None or stamps != loaded[1]:
            loaded = (self.vectors, stamps, word_vectors_of(self.vectors))
        self._loaded = loaded
        return loaded[2]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_loaded"}

    def fit_encode(self, table: Any, /, *, progress: Progress | None = None, remember: Any = None) -> Vectors:
        """Fit on an Arrow table and give its vectors; the texts are cut into words once, 4 bytes a word."""
        self._seen = None
        fold = self._fold()
        parts = [tokens_of(fold.reading, part) for part in chunks(table, PART_ROWS)]
        state = fold.zero()
        for tokens in parts:
            state = fold.merge(state, fold.read(tokens))
        self._seen, self._opened, self._map = state, False, fold.done(state)
        return self._written(table, iter(parts), progress)

    def encode(self, table: Any, /, *, progress: Progress | None = None, remember: Any = None) -> Vectors:
        """Give the vectors of an Arrow table, read in parts of bounded size and written into one array."""
        reading = self._fitted().reading
        parts = (tokens_of(reading, part) for part in chunks(table, PART_ROWS))
        return self._written(table, parts, progress)

    def _written(self, table: Any, parts: Iterator[Tokens], progress: Progress | None) -> Vectors:
        fitted, count = self._fitted(), table.num_rows
        values = np.empty((count, fitted.target.dim), np.float32)
        start = 0
        for tokens in parts:
            stop = start + len(tokens.starts) - 1
            fitted.average(tokens, values[start:stop])
            start = stop
            if progress:
                progress(start, count)
        return Vectors(values, rows=table, space=fitted.target, encoder=fitted)

    def _fitted(self) -> AverageMap:
        made = self.map_
        if not isinstance(made, AverageMap):
            raise WrongType(f"{type(made).__name__} is no map of averages.")
        return made

    def coverage(self, rows: Any) -> Coverage:
        """Count rows, rows without a known word, words, and known words.

        >>> from vecwise import AverageEncoder
        >>> AverageEncoder({"sea": [1.0]}, method="plain").coverage(["deep sea", "sky"])
        Coverage(rows=2, zero_rows=1, words=3, known_words=1)
        """
        return self._fitted().coverage(as_table(rows))

    def contributions(self, text: str) -> list[Contribution]:
        """Give what each known word adds to a text's vector; their sum is the vector.

        >>> from vecwise import AverageEncoder
        >>> encoder = AverageEncoder({"sea": [1.0], "sky": [4.0]}, method="plain")
        >>> [(one.word, one.times, one.vector.tolist()) for one in encoder.contributions("sea, sea, sky, sea")]
        [('sea', 3, [0.75]), ('sky', 1, [1.0])]
        """
        return self._fitted().contributions(text)


def _chances(given: Mapping[str, float], lowercase: bool) -> dict[str, float]:
    """Probabilities of words from counts or from probabilities, which sum to at most 1."""
    if not isinstance(given, Mapping):
        raise WrongType(
            f"`frequencies` maps words to counts or probabilities; it is a {type(given).__name__}."
        )
    chances: dict[str, float] = {}
    for key, value in zip(keys_of(given, lowercase), given.values(), strict=True):
        if not 0 <= value < float("inf"):
            raise OutOfRange(f"The frequency of `{key[:40]}` is a number from 0, not {value!r}.")
        chances[key] = chances.get(key, 0.0) + float(value)
    total = sum(chances.values())
    if not total:
        raise EmptyVocabulary("`frequencies` holds no word that occurs. Leave it out to count the rows.")
    return chances if total <= 1 + 1e-9 else {key: value / total for key, value in chances.items()}
