"""IDX files, in which collections of digits are kept: every size in them is checked before it is believed.

This module must not know encoders; it gives Arrow tables.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import struct
import zlib
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from vecwise.errors import Damaged, EmptyInput, TooLarge, WrongShape
from vecwise.store.image_columns import image_table
from vecwise.store.os_errors import os_errors, shown
from vecwise.store.rows import as_table
from vecwise.table_text import count

_NAMES = re.compile(r"([-.]idx\d?(-ubyte)?|-ubyte)(\.gz)?$", re.IGNORECASE)
_TYPES: Final = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_DIMENSIONS: Final = 4
_LONGEST_HEADER: Final = 4 + 4 * _MOST_DIMENSIONS
_GZIP: Final = b"\x1f\x8b"
_HONEST_RATIO: Final = 200  # real pictures shrink some tenfold; deflate can reach a thousandfold
_SMALL: Final = 1 << 28  # bytes that are unpacked whatever the ratio


def is_idx_name(path: str | os.PathLike[str]) -> bool:
    """Tell by its name whether a path is an IDX file.

    >>> is_idx_name("train-images-idx3-ubyte.gz"), is_idx_name("digits.idx"), is_idx_name("a.csv.gz")
    (True, True, False)
    """
    return _NAMES.search(os.fsdecode(path)) is not None


def is_idx_head(head: bytes) -> bool:
    """Tell by its first bytes whether a file is an IDX file."""
    return len(head) > 4 and head[:2] == b"\0\0" and head[2] in _TYPES and 1 <= head[3] <= _MOST_DIMENSIONS


def read_idx(path: str | os.PathLike[str], /) -> Any:
    """Read an IDX file, packed by gzip or not, as an Arrow table.

    Three dimensions are grey images and four are colour ones: column `image`. If `…labels-idx1…` lies
    beside `…images-idx3…`, its labels are the column `label`. One dimension alone is a column `label`, two
    are columns `x0`, `x1`, …. The file is mapped, not loaded; a packed one is unpacked into memory.

    Raises `FileMissing`, `Unreadable`, `Damaged` for a wrong magic number and for a size that the header
    does not bear out, `TooLarge` for an archive that unpacks to more than 200 times its size, `WrongShape`
    for another number of labels than of images.
    """
    with os_errors(path, "read"), open(path, "rb") as file:
        table = _table(_array(file, shown(path)))
    labels = _labels_beside(path) if "image" in table.column_names else None
    if labels is None:
        return table
    column = read_idx(labels).column(0)
    if len(column) != table.num_rows:
        raise WrongShape(
            f"{shown(labels)} has {count(len(column), 'label')} for the {count(table.num_rows, 'image')} of "
            f"{shown(path)}. Put the labels that belong to them beside them, or none."
        )
    return table.append_column("label", column)


def idx_from_stream(source: BinaryIO, name: str) -> Any:
    """Read an open IDX file as an Arrow table; no labels are looked for."""
    return _table(_array(source, name))


def _labels_beside(path: str | os.PathLike[str]) -> Path | None:
    """The labels of `train-images-idx3-ubyte` lie in `train-labels-idx1-ubyte`, packed or not."""
    images = Path(path)
    name = re.sub(r"images(.?)idx3", r"labels\1idx1", images.name, flags=re.IGNORECASE)
    if name == images.name:
        return None
    bare = name.removesuffix(".gz")
    beside = [images.with_name(other) for other in (name, bare, bare + ".gz")]
    return next((other for other in beside if other.is_file()), None)


def _table(array: np.ndarray) -> Any:
    import pyarrow as pa

    if array.ndim >= 3:
        return image_table(array)
    if array.ndim == 2:
        return as_table(array)
    cells = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    kind = pa.from_numpy_dtype(cells.dtype)
    return pa.table({"label": pa.Array.from_buffers(kind, len(cells), [None, pa.py_buffer(cells)])})


def _array(file: BinaryIO, name: str) -> np.ndarray:
    packed = file.read(2) == _GZIP
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if packed:
        return _unpacked(file, name, size)
    dtype, shape, start = _header(file.read(_LONGEST_HEADER), name)
    claimed = prod(shape) * dtype.itemsize
    if claimed != size - start:
        raise _other_size(name, shape, claimed, f"{size - start:,} follow")
    _refuse_empty(shape, name)
    if isinstance(file, io.BytesIO):
        return np.frombuffer(file.getbuffer(), dtype, offset=start).reshape(shape)
    return np.memmap(file, dtype, "r", offset=start, shape=shape)


def _unpacked(file: BinaryIO, name: str, size: int) -> np.ndarray:
    try:
        with gzip.GzipFile(fileobj=file) as inner:
            head = inner.read(_LONGEST_HEADER)
            dtype, shape, start = _header(head, name)
            claimed = prod(shape) * dtype.itemsize
            if claimed > max(_SMALL, _HONEST_RATIO * size):
                raise TooLarge(
                    f"{name} claims to unpack from {size:,} to {claimed:,} bytes, more than {_HONEST_RATIO} "
                    "times its size. If that is right, unpack it first: gunzip."
                )
            # One byte more than claimed would show; a stream without end is never read to its end.
            raw = head[start:] + inner.read(max(0, claimed + 1 - len(head) + start))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Damaged(f"{name} is damaged: {error}. Get it again.") from error
    if len(raw) != claimed:
        there = "more follow" if len(raw) > claimed else f"{len(raw):,} follow"
        raise _other_size(name, shape, claimed, there)
    _refuse_empty(shape, name)
    return np.frombuffer(raw, dtype).reshape(shape)


def _header(head: bytes, name: str) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    if not head:
        raise EmptyInput(f"{name} is empty.")
    if not is_idx_head(head):
        raise Damaged(
            f"{name} is no IDX file: it begins with {head[:4].hex(' ')}, and two zero bytes, a type and 1 to "
            f"{_MOST_DIMENSIONS} dimensions were expected."
        )
    start = 4 + 4 * head[3]
    if len(head) < start:
        raise Damaged(f"{name} is damaged: it ends inside its header. Get it again.")
    shape = struct.unpack(f">{head[3]}I", head[4:start])
    return np.dtype(_TYPES[head[2]]), shape, start


def _other_size(name: str, shape: tuple[int, ...], claimed: int, there: str) -> Damaged:
    sides = " × ".join(f"{side:,}" for side in shape)
    return Damaged(
        f"{name} is damaged: its header claims {sides} numbers, {claimed:,} bytes, and {there}. Get it again."
    )


def _refuse_empty(shape: tuple[int, ...], name: str) -> None:
    if not prod(shape):
        raise EmptyInput(f"{name} has no rows.")
