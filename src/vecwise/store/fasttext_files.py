"""fastText's binary models: words, their own vectors, and the vectors of their character n-grams.

This module must not know what the vectors are used for; every size is held against the file before it is believed.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

import numpy as np

from vecwise.errors import Damaged, WrongEncoding, WrongType
from vecwise.kernels.subwords import Subwords

FASTTEXT_MARK: Final = (793712314).to_bytes(4, "little")
_SETTINGS: Final = struct.Struct("<13i d")  # version and twelve settings, then the sampling threshold
_COUNTS: Final = struct.Struct("<3i 2q")


def read_fasttext(file: BinaryIO, name: str, size: int) -> tuple[list[str], np.ndarray, Subwords | None]:
    """Give the words, the own vector of each, and the subwords if the model was trained with them.

    Raises `Damaged` for sizes that do not fit the file, `WrongType` for quantized models and for versions before 11,
    `WrongEncoding` for words that are not UTF-8.
    """
    reader = _Reader(file, name, size)
    reader.take(4)
    version, dim, *_, kind, buckets, shortest, longest, _, _ = reader.unpack(_SETTINGS)
    if version not in (11, 12):
        raise WrongType(f"{name} is a fastText model of version {version}; versions 11 and 12 are read.")
    if version == 11 and kind == 3:  # old supervised models hold no n-grams whatever they say
        longest = 0
    entries, word_count, labels, _, pruned = reader.unpack(_COUNTS)
    if not 0 <= word_count <= entries or labels != entries - word_count or dim < 1 or buckets < 0:
        raise reader.damage(f"it claims {word_count:,} words among {entries:,} entries of {dim:,} dimensions")
    words = reader.words(entries)[:word_count]
    if reader.take(1) != b"\0" or pruned > 0:
        raise WrongType(
            f"{name} is a quantized fastText model, which is not read. Use the model it was made from."
        )
    rows, columns = reader.unpack(struct.Struct("<2q"))
    if columns != dim or rows not in (word_count, word_count + buckets) or not word_count:
        raise reader.damage(
            f"it claims a matrix of {rows:,} × {columns:,} for {word_count:,} words and {buckets:,} buckets"
        )
    matrix = reader.matrix(rows, columns)
    pieces = longest > 0 and rows > word_count and 0 <= shortest <= longest
    subwords = Subwords(matrix[word_count:], shortest, longest) if pieces else None
    return words, matrix[:word_count], subwords


class _Reader:
    """A file whose every read is checked against what is left of it."""

    def __init__(self, file: BinaryIO, name: str, size: int) -> None:
        self.file, self.name, self.size = file, name, size

    def damage(self, reason: str) -> Damaged:
        return Damaged(f"{self.name} is no whole fastText model: {reason}, and it has {self.size:,} bytes.")

    def left(self) -> int:
        return self.size - self.file.tell()

    def take(self, count: int) -> bytes:
        raw = self.file.read(count) if count <= self.left() else b""
        if len(raw) < count:
            raise self.damage(f"{count:,} bytes were expected at byte {self.file.tell():,}")
        return raw

    def unpack(self, form: struct.Struct) -> tuple[int, ...]:
        return form.unpack(self.take(form.size))

    def words(self, entries: int) -> list[str]:
        """Each entry is a word, a zero byte, its count (8 bytes) and its kind (1 byte)."""
        if entries * 10 > self.left():
            raise self.damage(f"it claims {entries:,} words")
        start = self.file.tell()
        found: list[bytes] = []
        rest = b""
        while len(found) < entries:
            block = self.file.read(1 << 22)
            rest, place = rest + block, 0
            while len(found) < entries:
                stop = rest.find(b"\0", place)
                if stop < 0 or stop + 10 > len(rest):
                    break
                found.append(rest[place:stop])
                place = stop + 10
            rest = rest[place:]
            if not block and len(found) < entries:
                raise self.damage(f"it claims {entries:,} words and ends after {len(found):,}")
        self.file.seek(start + sum(map(len, found)) + 10 * entries)
        return [self.decoded(word) for word in found]

    def decoded(self, word: bytes) -> str:
        try:
            return word.decode("utf-8")
        except UnicodeDecodeError as error:
            raise WrongEncoding(f"The word {word[:40]!r} of {self.name} is not UTF-8.") from error

    def matrix(self, rows: int, columns: int) -> np.ndarray:
        wanted = 4 * rows * columns
        if wanted > self.left():
            raise self.damage(f"its matrix needs {wanted:,} bytes")
        made = np.fromfile(self.file, "<f4", rows * columns)
        if len(made) < rows * columns:
            raise self.damage(f"its matrix of {rows:,} × {columns:,} is cut off")
        return made.reshape(rows, columns).astype(np.float32, copy=False)
