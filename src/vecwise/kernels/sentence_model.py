"""The Universal Sentence Encoder (multilingual, v3): token ids in, one unit vector a sentence out.

This module must not know text, tokenizers, nor any vecwise type beyond errors.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np

from vecwise.errors import OutOfRange, WrongShape, WrongType
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.sentence_layers import FEATURES, Layers
from vecwise.kernels.sentence_span import Line, Scratch, Segment, Words
from vecwise.kernels.sentence_weights import TokenTable, damage_named, read_weights, weights_paths
from vecwise.kernels.spans import workers

__all__ = ["SentenceModel", "weights_paths"]

_SEGMENT = 512  # positions worked on at a time (even): the scratch then stays in a core's cache
_LOOKUP = 256  # tokens looked up at a time
_SENTENCES = 256  # sentences that go through the dense layers at a time
_SPAN = 1 << 17  # tokens whose distinct ones are looked up together
_DISTINCT = 8192  # unless these are more than this, at 15 kB each

Result = TypeVar("Result")


class SentenceModel:
    """The forward pass of the Universal Sentence Encoder; weights load when first needed.

    `weights` is the path of `weights.npz` (see `weights_paths`). Call the model with the token ids of
    sentences, begin and end marks included: it gives float32 rows of length one, shape `(sentences, 512)`.
    A sentence has the same vector alone and in any batch to 1e-6, and many threads may call at once.
    Raises `WrongShape` for a sentence without tokens, `OutOfRange` for an id that is none, `WrongType`
    for anything but whole numbers, and as the weights load `FileMissing` and `Damaged`.

    The cost is 0.9 million operations a token, 2.1 million and 15 kB a distinct token, 3.4 million a
    distinct sentence: one call with many sentences is cheaper than many calls.

    Source: Yang et al. 2019, "Multilingual Universal Sentence Encoder for Semantic Retrieval",
    arXiv:1907.04307.

    >>> model = SentenceModel(weights_paths()[0])
    >>> vectors = model([[1, 2250, 2], [1, 2250, 57, 2]])
    >>> vectors.shape, round(float(np.linalg.norm(vectors[1])), 4)
    ((2, 512), 1.0)
    """

    dim: ClassVar[int] = 512

    def __init__(self, weights: Path) -> None:
        self._path = Path(weights)
        self._lock = threading.Lock()
        self._loaded: tuple[TokenTable, Layers] | None = None

    def __reduce__(self) -> tuple[type[SentenceModel], tuple[Path]]:
        return SentenceModel, (self._path,)

    def __call__(self, tokens: Sequence[Sequence[int]], /) -> np.ndarray:
        """Give the vectors of these sentences, each a sequence of token ids."""
        flat, lengths, places = _distinct(tokens)
        sums, layers = self._sums(flat, lengths)
        vectors = np.empty((len(lengths), self.dim), np.float32)

        def finish(start: int) -> None:
            part = slice(start, start + _SENTENCES)
            vectors[part] = layers.sentence_vectors(sums[part], lengths[part])

        with one_blas_thread:
            _each(finish, range(0, len(lengths), _SENTENCES))
        return vectors if places is None else vectors[places]

    def stages(self, tokens: Sequence[Sequence[int]], /) -> dict[str, np.ndarray]:
        """Give what every stage of the model makes of these sentences, `(sentences, width)` by name, in order."""
        flat, lengths, places = _distinct(tokens)
        sums, layers = self._sums(flat, lengths)
        with one_blas_thread:
            made = layers.stages(sums, lengths)
        return made if places is None else {name: values[places] for name, values in made.items()}

    def _sums(self, flat: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, Layers]:
        table, layers = self.load()
        sums = np.zeros((len(lengths), FEATURES), np.float32)
        with one_blas_thread:
            for part, ids, words in _spans(flat, lengths):
                _add_sums(table, layers, ids, Line(words, lengths[part], len(ids)), sums[part])
        return sums, layers

    def load(self) -> tuple[TokenTable, Layers]:
        """Load the weights now, for instance in a thread while the tokenizer loads, and give them.

        Raises `FileMissing` and `Damaged`.
        """
        with self._lock:
            if self._loaded is None:
                table, arrays = read_weights(self._path)
                with damage_named(self._path):  # another file of this kind may lack what the layers need
                    self._loaded = table, Layers(arrays)
            return self._loaded


def _distinct(tokens: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray, list[int] | None]:
    """The token ids of the different sentences, their lengths, and which each sentence is (None: all differ)."""
    try:
        sentences = [tuple(sentence) for sentence in tokens]
        numbers = {sentence: number for number, sentence in enumerate(dict.fromkeys(sentences))}
        flat = np.frombuffer(array("q", chain.from_iterable(numbers)), np.int64)
    except TypeError as error:
        raise WrongType(f"Expected lists of token ids, one a sentence: {error}.") from error
    except OverflowError as error:
        raise OutOfRange(f"A token id is none of the model's: {error}.") from error
    if () in numbers:
        where = sentences.index(())
        raise WrongShape(f"Sentence {where} has no tokens; give at least its begin and end marks.")
    lengths = np.array([len(sentence) for sentence in numbers], np.int64)
    same = len(numbers) == len(sentences)
    return flat, lengths, None if same else [numbers[sentence] for sentence in sentences]


def _spans(flat: np.ndarray, lengths: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    # Give spans of sentences, each with its distinct token ids and, for every token, which of them it is.
    ends = np.cumsum(lengths)
    cuts = np.flatnonzero(np.diff(ends // _SPAN)) + 1
    waiting = [(start, stop) for start, stop in pairwise([0, *cuts.tolist(), len(lengths)]) if start < stop]
    while waiting:
        start, stop = waiting.pop()
        ids, words = np.unique(flat[ends[start] - lengths[start] : ends[stop - 1]], return_inverse=True)
        middle = (start + stop) // 2
        if len(ids) > _DISTINCT and start < middle:
            waiting += [(start, middle), (middle, stop)]
        else:
            yield slice(start, stop), ids, words


def _add_sums(table: TokenTable, layers: Layers, ids: np.ndarray, line: Line, sums: np.ndarray) -> None:
    words = Words(layers, len(ids))
    free: list[Scratch] = []  # appending and popping are atomic, so that workers may share it

    def look_up(start: int) -> None:
        words.put(start, table(ids[start : start + _LOOKUP]))

    def add_up(start: int) -> tuple[int, np.ndarray]:
        try:
            scratch = free.pop()
        except IndexError:
            scratch = Scratch(min(line.size, _SEGMENT))
        result = Segment(words, line, scratch, start, min(start + _SEGMENT, line.size)).sums(layers)
        free.append(scratch)
        return result

    table.fill(ids)
    _each(look_up, range(0, len(ids), _LOOKUP))
    for first, part in _each(add_up, range(0, line.size, _SEGMENT)):  # in order: a sentence may span segments
        sums[first : first + len(part)] += part


def _each(work: Callable[[int], Result], starts: range) -> list[Result]:
    if len(starts) < 2 or workers() < 2:
        return [work(start) for start in starts]
    with ThreadPoolExecutor(min(workers(), len(starts))) as pool:
        return list(pool.map(work, starts))
