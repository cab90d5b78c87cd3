"""Files of trained models: found, hashed once a process, and read within bounds.

This module must not know what the numbers in them mean. Nothing is downloaded, unpickled or run.
"""

from __future__ import annotations

import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged, FileMissing, UnknownFormat, UnknownName, some
from vecwise.store.os_errors import missing, os_errors, shown
from vecwise.store.vector_files import read_vectors

CONFIG_BYTES: Final = 1 << 20  # the largest configuration that is read
TOKENIZER_BYTES: Final = 1 << 28  # tokenizers of 250,000 pieces take 17 MB
NUMBERS: Final = ("F64", "F32", "F16", "I8")  # safetensors' names of what NumPy can compute with


def model_path(path: str | os.PathLike[str]) -> Path:
    """Give the absolute path of a model's file or folder.

    Raises `FileMissing`, also for a name on a model hub: nothing is downloaded.

    >>> model_path("sentence-transformers/some-model")
    Traceback (most recent call last):
    vecwise.errors.FileMissing: There is no model `sentence-transformers/some-model`, and no folder \
`sentence-transformers`. A model is a file or folder on this machine; nothing is downloaded.
    """
    with os_errors(path, "read"):
        where = Path(path).expanduser().absolute()
        if where.exists():
            return where
    said = str(missing(path, "model"))
    raise FileMissing(f"{said} A model is a file or folder on this machine; nothing is downloaded.")


def digest(path: Path) -> str:
    """Give the SHA-256 of a file; it is read again only when its size, time or inode has changed.

    Raises `FileMissing`, `Unreadable`.
    """
    found = stamp(path)
    with os_errors(path, "read"):
        return _digest(path, *found)


def stamp(path: str | os.PathLike[str]) -> tuple[int, int, int]:
    """Give size, time in nanoseconds and inode of a file: it has changed when they have.

    Raises `FileMissing`, `Unreadable`.
    """
    with os_errors(path, "read"):
        found = os.stat(path)
    return found.st_size, found.st_mtime_ns, found.st_ino


@lru_cache(maxsize=256)
def _digest(path: Path, size: int, time: int, inode: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def json_of(path: Path, kind: type = dict, most: int = CONFIG_BYTES) -> Any:
    """Read a JSON file that holds a `kind` (dict or list); raises `FileMissing`, `Damaged`."""
    data = bytes_of(path, most)
    try:
        made = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{shown(path)} is not JSON: {error}. Copy the model again.") from error
    if not isinstance(made, kind):
        raise Damaged(f"{shown(path)} holds a {type(made).__name__}, and a {kind.__name__} was expected.")
    return made


def bytes_of(path: Path, most: int = TOKENIZER_BYTES) -> bytes:
    """Read a whole file; raises `FileMissing`, and `Damaged` for one of more than `most` bytes."""
    with os_errors(path, "read"):
        size = path.stat().st_size
        if size > most:
            raise Damaged(f"{shown(path)} has {size:,} bytes; such a file has at most {most:,}.")
        return path.read_bytes()


def arrays_of(path: Path, names: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Read the arrays of a safetensors file: those named that exist, or all.

    Raises `Damaged`, and `UnknownFormat` for numbers that NumPy has no type for.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with os_errors(path, "read"), safe_open(str(path), framework="numpy") as file:
            wanted = [name for name in file.keys() if not names or name in names]  # noqa: SIM118  not a dict
            kinds = {name: file.get_slice(name).get_dtype() for name in wanted}
            odd = sorted({kind for kind in kinds.values() if kind not in (*NUMBERS, "I64", "I32", "U8")})
            if odd:
                raise UnknownFormat(
                    f"{shown(path)} holds numbers of type {some(odd)}; {some(NUMBERS)} are read. "
                    "Save the arrays as float32 or float16."
                )
            return {name: file.get_tensor(name) for name in wanted}
    except SafetensorError as error:
        raise Damaged(
            f"{shown(path)} is no whole safetensors file: {error}. Copy the model again."
        ) from error


def matrix_of(path: Path, names: tuple[str, ...]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Read a matrix of numbers from `.npy` or `.safetensors`, and the other arrays that lie beside it.

    In a safetensors file the matrix has one of the names, or is the only array. Raises `UnknownFormat`,
    `UnknownName`, `Damaged`.
    """
    if path.suffix == ".npy":
        return _matrix(read_vectors(path)[0], path), {}
    if path.suffix != ".safetensors":
        raise UnknownFormat(f"{shown(path)} is neither a `.safetensors` nor a `.npy` file.")
    arrays = arrays_of(path)
    name = next((name for name in names if name in arrays), "")
    if not name and len(arrays) == 1:
        name = next(iter(arrays))
    if not name:
        raise UnknownName(f"{shown(path)} has no array {some(names)}; it holds {some(arrays)}.")
    return _matrix(arrays.pop(name), path), arrays


def _matrix(array: np.ndarray, path: Path) -> np.ndarray:
    if array.ndim != 2 or not array.size or array.dtype.kind not in "fi":
        raise Damaged(
            f"{shown(path)} holds an array of shape {array.shape} and type {array.dtype}; a matrix with a "
            "row of numbers for every token was expected."
        )
    return array
