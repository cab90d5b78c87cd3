"""Word vectors of one's own, from wherever they are: a file, a dict, words with a matrix, or a model in memory.

This module must not know how vectors of words become vectors of texts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, Final

import numpy as np

from vecwise.errors import BadRow, Damaged, EmptyVocabulary, FileMissing, WrongShape, WrongType, some
from vecwise.store.model_files import stamp
from vecwise.store.os_errors import os_errors, shown
from vecwise.store.vector_files import is_vector_file, read_vectors
from vecwise.store.word_vector_files import WordVectors, checked, read_word_vectors
from vecwise.table_text import count, verb

_VOCABULARIES: Final = (".txt", ".json", ".vocab")
_ACCEPTED: Final = (
    "Word vectors are a path, a dict of word to vector, or (words, matrix), where both may be paths too"
)


def word_vectors_of(given: Any) -> WordVectors:
    """Give word vectors as words and a float32 matrix.

    `given` is the path of a file of word vectors; the path of a matrix (`.npy`, or a `.safetensors` file with one
    matrix) with its words beside it (the same name with `.txt`, one word a line, or `.json`, a list or a
    mapping of word to row); a pair `(words, matrix)`, each given or a path; a mapping of word to vector; or a model
    that holds `index_to_key` and `vectors`, as gensim's do. float64 numbers are rounded to float32.

    Raises `WrongType`, `WrongShape`, `EmptyVocabulary`, `DuplicateName`, `NonFinite`, and what files raise.

    >>> word_vectors_of({"sea": [1, 0], "sky": [0, 2]}).matrix
    array([[1., 0.],
           [0., 2.]], dtype=float32)
    """
    if isinstance(given, WordVectors):
        return given
    if isinstance(given, (str, os.PathLike)):
        return _from_path(given)
    if isinstance(given, Mapping):
        return _paired(list(given), list(given.values()))
    if hasattr(given, "index_to_key") and hasattr(given, "vectors"):
        return _paired(list(given.index_to_key), given.vectors)
    if isinstance(given, (tuple, list)) and len(given) == 2:
        words, matrix = given
        words = _words_in(words) if isinstance(words, (str, os.PathLike)) else list(words)
        return _paired(words, _matrix_in(matrix) if isinstance(matrix, (str, os.PathLike)) else matrix)
    raise WrongType(f"`vectors` is {type(given).__name__}. {_ACCEPTED}.")


def stamps_of(given: Any) -> tuple[Any, ...] | None:
    """Give what tells whether the files that word vectors come from have changed; `None` for objects in memory.

    Raises `FileMissing`, `Unreadable`.
    """
    paths = [given] if isinstance(given, (str, os.PathLike)) else given
    if not isinstance(paths, (tuple, list)) or len(paths) > 2:
        return None
    if not all(isinstance(path, (str, os.PathLike)) for path in paths):
        return None
    if paths is not given and _is_matrix(given):
        paths = [given, *(beside for beside in _beside(given) if beside.exists())]
    return tuple((os.fspath(path), *stamp(path)) for path in paths)


def _beside(path: str | os.PathLike[str]) -> list[Path]:
    """Where the words of a matrix may be."""
    return [Path(PurePath(path).with_suffix(suffix)) for suffix in _VOCABULARIES]


def _from_path(path: str | os.PathLike[str]) -> WordVectors:
    if not _is_matrix(path):
        return read_word_vectors(path)
    beside = _beside(path)
    found = next((other for other in beside if other.exists()), None)
    if found is None:
        raise FileMissing(
            f"{shown(path)} holds a matrix and no words. Put them beside it, one a line, as {shown(beside[0])}, "
            "or give them: vectors=(words, path)."
        )
    return _paired(_words_in(found), _matrix_in(path))


def _is_matrix(path: str | os.PathLike[str]) -> bool:
    return is_vector_file(path) or PurePath(path).suffix.lower() == ".safetensors"


def _matrix_in(path: str | os.PathLike[str]) -> Any:
    if is_vector_file(path):
        return read_vectors(path)[0]
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with os_errors(path, "read"):
        raw = Path(path).read_bytes()
    try:
        matrices = {name: array for name, array in load(raw).items() if array.ndim == 2}
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{shown(path)} is no whole safetensors file of numbers: {error}.") from error
    if len(matrices) != 1:
        raise WrongShape(
            f"{shown(path)} holds {len(matrices)} matrices ({some(matrices)}); one was expected."
        )
    return next(iter(matrices.values()))


def _words_in(path: str | os.PathLike[str]) -> list[str]:
    """The words of a text file, one a line, or of a JSON list or mapping of word to row."""
    with os_errors(path, "read"):
        raw = Path(path).read_bytes()
    try:
        text = raw.decode("utf-8-sig")
        if PurePath(path).suffix.lower() != ".json":
            return text.removesuffix("\n").replace("\r\n", "\n").split("\n")
        made = json.loads(text)
    except ValueError as error:
        raise BadRow(f"{shown(path)} is not the words of a matrix: {str(error)[:100]}.") from error
    if isinstance(made, dict):
        rows = list(made.values())
        if not all(type(row) is int for row in rows) or sorted(rows) != list(range(len(rows))):
            raise BadRow(f"{shown(path)} should number its words from 0 to {len(rows) - 1:,}, each once.")
        return sorted(made, key=made.__getitem__)
    if not isinstance(made, list) or not all(isinstance(word, str) for word in made):
        raise BadRow(f"{shown(path)} should be a list of words, or a mapping of word to row number.")
    return made


def _paired(words: Sequence[Any], matrix: Any) -> WordVectors:
    odd = [word for word in words if not isinstance(word, str)]
    if odd:
        raise WrongType(f"Words are strings, and among them is {some(map(repr, odd[:1]))}.")
    if not words:
        raise EmptyVocabulary("`vectors` holds no word. Give at least one, or leave it out to learn vectors.")
    try:
        with np.errstate(over="ignore"):  # what leaves float32 becomes infinite, and is refused with its word
            numbers = np.array(matrix, dtype=np.float32)
    except (ValueError, TypeError) as error:
        raise WrongShape(f"The vectors of words are lists of numbers, all of one length: {error}.") from error
    if numbers.ndim != 2 or numbers.shape[0] != len(words) or not numbers.shape[1]:
        raise WrongShape(
            f"{count(len(words), 'word')} {verb(len(words), 'need')} a matrix of as many rows and at least one column, "
            f"not {numbers.shape}."
        )
    numbers.flags.writeable = False
    return checked(WordVectors(tuple(words), numbers), "`vectors`")
