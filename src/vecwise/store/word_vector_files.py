"""Files of word vectors: GloVe, word2vec and fastText, as text or binary, told apart by their content.

This module must not know what the vectors are used for; nothing in a file is run, and no size in it is believed
before it was held against the length of the file. A file is read into memory as a whole.
"""

from __future__ import annotations

import mmap
import os
import re
import stat
from collections import Counter
from collections.abc import Sequence
from typing import BinaryIO, Final, NamedTuple

import numpy as np

from vecwise.errors import (
    Damaged,
    DuplicateName,
    EmptyInput,
    NonFinite,
    UnknownFormat,
    Unreadable,
    WrongEncoding,
    some,
)
from vecwise.kernels.subwords import Subwords, with_subwords
from vecwise.store.fasttext_files import FASTTEXT_MARK, read_fasttext
from vecwise.store.os_errors import os_errors, shown
from vecwise.store.word_vector_text import read_text
from vecwise.table_text import count as counted

_HEADER: Final = re.compile(rb"\s*(\d{1,12})[ \t]+(\d{1,9})[ \t\r]*$")
_FIRST: Final = 1 << 16  # bytes to tell a format by


class WordVectors(NamedTuple):
    """Words, a float32 matrix with a row each, and the pieces of words that stand in for unknown ones, if any."""

    words: Sequence[str]
    matrix: np.ndarray
    subwords: Subwords | None = None


def read_word_vectors(path: str | os.PathLike[str], /) -> WordVectors:
    """Give the word vectors of a file, whatever it is called: its content tells the format.

    Read are GloVe text (a word and its numbers a line), word2vec and fastText text (the same after a line with the
    number of words and of dimensions), word2vec binary, and fastText's own binary models, whose subwords give
    unknown words a vector; words are UTF-8 and hold no space. A text of 341,479 words × 100 takes about two seconds.

    Raises `FileMissing`, `Unreadable`, `EmptyInput`, `BadRow` with the line for a line that does not fit the others,
    `Damaged` for a header that claims more or less than the file holds, `UnknownFormat` for other binary
    files, `WrongEncoding`, `NonFinite` and `DuplicateName` with the words.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "glove.txt")
    ...     _ = path.write_text("sea 1 0.5\\nsky 0 2\\n")
    ...     read_word_vectors(path).matrix
    array([[1. , 0.5],
           [0. , 2. ]], dtype=float32)
    """
    name = shown(path)
    with os_errors(path, "read"), open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(
                f"{name} is no regular file, and word vectors are read from one. Save them first."
            )
        if not status.st_size:
            raise EmptyInput(f"{name} is empty.")
        made = _read(file, name, status.st_size)
    return checked(made, name)


def checked(made: WordVectors, name: str) -> WordVectors:
    """Refuse words given twice and numbers that are none."""
    if len(set(made.words)) < len(made.words):
        twice = [word for word, times in Counter(made.words).items() if times > 1]
        raise DuplicateName(
            f"{name} holds {counted(len(twice), 'word')} more than once: {some(twice)}. Keep one of each."
        )
    total = float(made.matrix.sum(dtype=np.float64))
    if not np.isfinite(total):  # float32 cannot overflow a sum in float64
        bad = np.flatnonzero(~np.isfinite(made.matrix).all(axis=1))
        words = some(made.words[row] for row in bad.tolist())
        raise NonFinite(
            f"{name} holds NaN or infinity for {counted(len(bad), 'word')}: {words}. Leave those words out."
        )
    return made


def _read(file: BinaryIO, name: str, size: int) -> WordVectors:
    head = file.read(_FIRST)
    file.seek(0)
    if head[:4] == FASTTEXT_MARK:
        words, own, subwords = read_fasttext(file, name, size)
        return WordVectors(words, own if subwords is None else with_subwords(words, own, subwords), subwords)
    first, _, rest = head.partition(b"\n")
    header = _HEADER.match(first)
    if header is None and b"\0" in first:
        raise UnknownFormat(
            f"{name} is binary and neither a word2vec file nor a fastText model of 2016 or later. "
            "Save the vectors as text or in word2vec's binary format."
        )
    if header is None:
        return WordVectors(*read_text(file, name, None, 0))
    count, dim = int(header[1]), int(header[2])
    if not count or not dim:
        raise EmptyInput(
            f"{name} says that it holds {count:,} words of {dim:,} dimensions: there is nothing to read."
        )
    if _is_text(rest, dim):
        if count * (2 * dim + 1) > size:
            raise _claims(name, count, dim, size - len(first) - 1)
        return WordVectors(*read_text(file, name, dim, len(first) + 1, count))
    return WordVectors(*_binary(file, name, size, len(first) + 1, count, dim))


def _claims(name: str, count: int, dim: int, there: int) -> Damaged:
    return Damaged(
        f"{name} is damaged or cut off: it claims {count:,} words of {dim:,} dimensions, and {there:,} bytes follow."
    )


def _is_text(rest: bytes, dim: int) -> bool:
    """Whether the line after the header, or what is there of it, is words and numbers."""
    line, ended, _ = rest.partition(b"\n")
    fields = line.split(b" ") if b"\t" not in line else line.split(b"\t")
    numbers = [field for field in fields[1 : dim + 1] if field.strip()]
    numbers = numbers if ended else numbers[:-1]
    try:
        return bool([float(number) for number in numbers])
    except ValueError:
        return False


def _binary(
    file: BinaryIO, name: str, size: int, start: int, count: int, dim: int
) -> tuple[list[str], np.ndarray]:
    """word2vec's binary: a word, a space, its numbers as little-endian float32, and perhaps a line feed."""
    width = 4 * dim
    if (
        count * (width + 2) > size - start + 1
    ):  # a word has a letter and a space; the last line feed may be missing
        raise _claims(name, count, dim, size - start)
    matrix = np.empty((count, dim), np.float32)
    words: list[bytes] = []
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        view = memoryview(raw)
        place = start
        try:
            for row in range(count):
                stop = raw.find(b" ", place, place + 65_536)
                if stop < 0 or stop + 1 + width > size:
                    raise Damaged(
                        f"{name} is damaged or cut off: it claims {count:,} words of {dim:,} dimensions and ends, or "
                        f"makes no sense, after {row:,}."
                    )
                words.append(raw[place:stop].lstrip(b"\n"))
                place = stop + 1 + width
                matrix[row] = np.frombuffer(view[stop + 1 : place], "<f4")
            rest = raw[place : place + 1_000].strip(b"\n")
        finally:
            view.release()
    if rest:
        raise Damaged(f"{name} is damaged: {size - place:,} bytes follow the {count:,} words that it claims.")
    return decoded(words, name), matrix


def decoded(words: Sequence[bytes], name: str) -> list[str]:
    """Words as text; raises `WrongEncoding`, `Damaged` for a word without letters."""
    try:
        texts = b"\n".join(words).decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        row = b"\n".join(words)[: error.start].count(b"\n")
        raise WrongEncoding(
            f"Word {row + 1:,} of {name}, {words[row][:40]!r}, is not UTF-8. Convert the file's words to UTF-8."
        ) from error
    if len(texts) != len(words) or "" in texts:
        raise Damaged(f"{name} is damaged: a word is empty or holds a line feed.")
    return texts
