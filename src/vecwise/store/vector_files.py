"""Files of vectors as arrays, NumPy's `.npy` and `.npz` here: every size in them is checked before it is believed.

This module must not know spaces, rows or encoders; it never loads Python objects.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import PurePath
from typing import Any, BinaryIO, Final

import numpy as np

from vecwise.errors import (
    Damaged,
    EmptyInput,
    TooLarge,
    Unreadable,
    VecwiseError,
    WrongShape,
    WrongType,
    some,
    unknown,
)
from vecwise.store.memory import enough_memory, refuse_beyond
from vecwise.store.number_tables import is_number_table, metadata_beside, read_number_table
from vecwise.store.os_errors import os_errors, shown
from vecwise.store.safetensors_files import read_safetensors

SUFFIXES: Final = (".npy", ".npz", ".safetensors")
MARK: Final = b"\x93NUMPY"
_PARTS: Final = ("data", "indices", "indptr", "shape", "format")  # of a sparse matrix, as SciPy names them
_LARGEST_DIM: Final = 2**31 - 1
_BEST_DEFLATE: Final = 1032  # deflate cannot shrink further: a member that claims more is no honest one
_NO_NUMPY: Final = (
    *(ValueError, TypeError, SyntaxError, EOFError, OverflowError, KeyError, RecursionError),
    *(RuntimeError, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)


def is_vector_file(path: Any) -> bool:
    """Tell whether a path is a file of vectors: by its name, a `.tsv` or `.csv` by its first lines.

    A table of numbers without a line of column names is one. Raises `UnknownFormat` where the first line
    could be either.

    >>> is_vector_file("emb.NPY"), is_vector_file("emb.safetensors"), is_vector_file("-")
    (True, True, False)
    """
    if not isinstance(path, (str, os.PathLike)):
        return False
    return PurePath(path).suffix.lower() in SUFFIXES or is_number_table(path)


def kind_of_file(path: str | os.PathLike[str], /) -> tuple[str, frozenset[str]]:
    """Give the words for a file of vectors, and which of the options `ids` and `vectors` can mean something in it.

    >>> kind_of_file("emb.npy")
    ('a NumPy file of vectors', frozenset())
    """
    suffix = PurePath(path).suffix.lower()
    if suffix == ".npy":
        return "a NumPy file of vectors", frozenset()
    if suffix == ".npz":
        return "a NumPy file of vectors", frozenset({"vectors"})
    if suffix == ".safetensors":
        return "a safetensors file of vectors", frozenset({"vectors"})
    return "a table of bare numbers, which are vectors", frozenset(
        {"ids"} if metadata_beside(path) is not None else ()
    )


def read_vectors(path: str | os.PathLike[str], /, array: str | None = None) -> tuple[Any, Any]:
    """Give the matrix of shape `(rows, dim)` of a file of vectors, and the table of its rows or `None`.

    `.npy` and `.safetensors` files are mapped, not loaded: numbers are read when they are looked at; BF16,
    for which NumPy has no type, is widened to float32 in memory. A `.npz` file holds one array, or the parts
    of a SciPy CSR matrix (`scipy.sparse.save_npz`), and is loaded; the member's checksum is verified. A
    `.tsv` or `.csv` of bare numbers is read into float64; only it has rows, the labels that the TensorBoard
    projector keeps in a `metadata.tsv` beside it. `array` names the array of a `.npz` or `.safetensors` file
    that holds several.

    Raises `FileMissing`, `Unreadable`, `Damaged` when the header claims more or less than the file holds,
    `WrongType` for Python objects and other things that are no numbers, `WrongShape`, `EmptyInput` for no
    rows, `BadRow`, `UnknownName`, `TooLarge` for sparse dimensions beyond 2^31.

    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(folder + "/emb.npy", np.eye(2, 3))
    ...     np.asarray(read_vectors(folder + "/emb.npy")[0])
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    name, suffix = shown(path), PurePath(path).suffix.lower()
    if suffix not in SUFFIXES:
        return read_number_table(path)
    with os_errors(path, "read"), open(path, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"{name} is no regular file, and vectors are read from one. Save them first.")
        with _damage(name):
            if suffix == ".npz":
                return _archive(file, name, status.st_size, array), None
            if suffix == ".safetensors":
                return _matrix(read_safetensors(file, name, status.st_size, array), name), None
            return _matrix(_mapped(file, name, status.st_size), name), None


@contextmanager
def _damage(name: str) -> Iterator[None]:
    """Raise `Damaged` for whatever NumPy and the archive's reader say about the content."""
    try:
        yield
    except VecwiseError:
        raise
    except (*_NO_NUMPY, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # the system's own refusal
            raise
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise Damaged(f"{name} is damaged or is no file of vectors: {reason}.") from error


def _header(file: BinaryIO, name: str, size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read shape, order and type, and hold them against the bytes that follow."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise WrongType(f"{name} is a NumPy file of version {version}, which plain numbers are not saved in.")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(file)
    if dtype.hasobject:
        raise WrongType(
            f"{name} holds Python objects, which are never loaded. Save plain numbers: "
            "np.save(path, array.astype(np.float32))"
        )
    if not dtype.itemsize:  # any number of such cells fits into no bytes
        raise WrongType(f"{name} holds {dtype}, and vectors are of plain numbers.")
    claimed, there = prod(shape) * dtype.itemsize, size - file.tell()
    if any(length < 0 for length in shape) or claimed != there:
        raise Damaged(
            f"{name} is damaged: its header claims {shape} numbers of {dtype.itemsize} bytes, "
            f"{claimed:,} bytes in all, and {there:,} follow."
        )
    return shape, by_columns, dtype


def _mapped(file: BinaryIO, name: str, size: int) -> np.ndarray:
    shape, by_columns, dtype = _header(file, name, size)
    if not prod(shape):  # no bytes, which cannot be mapped
        return np.zeros(shape, dtype)
    order: Any = "F" if by_columns else "C"
    array = np.memmap(file, dtype, "r", offset=file.tell(), shape=shape, order=order)
    return array if array.flags.aligned else np.array(array)


def _matrix(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype.kind not in "biuf":
        raise WrongType(f"{name} holds {array.dtype}, and vectors are of plain numbers.")
    if array.ndim != 2 or not array.shape[1]:
        raise WrongShape(
            f"{name} holds an array of shape {array.shape}, and vectors have the shape (rows, dim). "
            "Reshape it and save it again."
        )
    if not len(array):
        raise EmptyInput(f"{name} has no rows.")
    return array


# ---- archives ----


def _archive(file: BinaryIO, name: str, size: int, wanted: str | None) -> Any:
    with zipfile.ZipFile(file) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        if len(members) < len(archive.infolist()):
            raise Damaged(f"{name} is damaged: it holds two arrays of one name.")
        if wanted is not None:
            if wanted not in members:
                raise unknown("array", wanted, list(members))
            return _matrix(_member(archive, members, wanted, name, size), name)
        if {"data", "indices", "indptr"} <= set(members):
            return _sparse({part: _member(archive, members, part, name, size) for part in _PARTS}, name)
        if len(members) != 1:
            raise WrongType(
                f"{name} holds {len(members)} arrays ({some(members)}). "
                "Name the one of vectors: `--vectors NAME` (in Python: `vectors=`)."
            )
        return _matrix(_member(archive, members, next(iter(members)), name, size), name)


def _member(archive: zipfile.ZipFile, members: dict[str, Any], part: str, name: str, size: int) -> np.ndarray:
    if part not in members:
        raise Damaged(f"{name} lacks the array `{part}`, which scipy.sparse.save_npz writes. Save it again.")
    info = members[part]
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise WrongType(f"{name} is packed in a way that NumPy does not write. Save it again: np.savez.")
    if info.compress_size > size or info.file_size > _BEST_DEFLATE * info.compress_size + 64:
        raise Damaged(
            f"{name} is damaged: it claims {info.file_size:,} bytes in {info.compress_size:,} of {size:,}."
        )
    refuse_beyond(info.file_size, name)
    with enough_memory(name):
        raw = archive.read(info)
    file = io.BytesIO(raw)
    shape, by_columns, dtype = _header(file, name, len(raw))
    if not prod(shape):
        return np.zeros(shape, dtype)
    cells = np.frombuffer(raw, dtype, offset=file.tell())
    cells = cells if cells.flags.aligned else np.array(cells)
    return cells.reshape(shape, order="F" if by_columns else "C")


def _sparse(parts: dict[str, np.ndarray], name: str) -> Any:
    from scipy.sparse import csr_array

    kind = parts["format"].tobytes().rstrip(b"\0").replace(b"\0", b"").decode("ascii", "replace")
    if kind != "csr":
        raise WrongType(
            f"{name} is a sparse matrix of the format {kind[:20]!r}. Save matrix.tocsr() instead."
        )
    shape, data, indices, indptr = (parts[part] for part in ("shape", "data", "indices", "indptr"))
    whole = all(part.dtype.kind in "iu" and part.ndim == 1 for part in (shape, indices, indptr))
    if not whole or len(shape) != 2 or data.ndim != 1:
        raise Damaged(f"{name} is damaged: its parts are not those of a CSR matrix.")
    rows, dim = map(int, shape)
    if dim > _LARGEST_DIM:
        raise TooLarge(f"{name} claims {dim:,} dimensions; up to {_LARGEST_DIM:,} are read.")
    if not _fits(rows, dim, data, indices, indptr):
        raise Damaged(f"{name} is damaged: its indices do not lie in a matrix of {rows:,} × {dim:,}.")
    if data.dtype.kind not in "biuf":
        raise WrongType(f"{name} holds {data.dtype}, and vectors are of plain numbers.")
    if not rows:
        raise EmptyInput(f"{name} has no rows.")
    used = int(indptr[-1])  # SciPy may have left room behind it
    matrix = csr_array((_native(data[:used]), _native(indices[:used]), _native(indptr)), shape=(rows, dim))
    return matrix


def _native(array: np.ndarray) -> np.ndarray:
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _fits(rows: int, dim: int, data: np.ndarray, indices: np.ndarray, indptr: np.ndarray) -> bool:
    if dim < 1 or len(indptr) != rows + 1 or indptr[0] != 0 or (indptr[1:] < indptr[:-1]).any():
        return False
    used = indices[: int(indptr[-1])]
    inside = not len(used) or (used.min() >= 0 and used.max() < dim)
    return bool(inside and int(indptr[-1]) <= min(len(data), len(indices)))
