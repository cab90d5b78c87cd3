"""The vectors of a dataset as mapped `.npy` files: derived from the parts, hashed, made again when in doubt.

This module must not know rows or ids; losing the cache loses nothing.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged, FileMissing, Unreadable
from vecwise.store.durable import Writer, make_folder, replacing, write_text
from vecwise.store.manifest import Manifest
from vecwise.store.os_errors import shown

FOLDER: Final = "_cache"
FILE_NAME: Final = re.compile(r"[0-9a-f]{32}\.(json|npy|(data|indices|indptr)\.npy)|\.vecwise-.*\.tmp")
_LAYOUT: Final = 1  # counted up whenever the same parts would give other files

Chunk = dict[str, np.ndarray]


@dataclass(frozen=True, slots=True)
class _File:
    """One array of the cache: what the file must begin with and how long it must be."""

    suffix: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def header(self) -> bytes:
        out = io.BytesIO()
        form = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": self.shape,
        }
        np.lib.format.write_array_header_1_0(out, form)
        return out.getvalue()

    @property
    def size(self) -> int:
        count = 1
        for length in self.shape:
            count *= length
        return len(self.header) + count * self.dtype.itemsize


def key_of(manifest: Manifest) -> str:
    """Give the name of the cache of these parts: their hashes and the form of the numbers, nothing else."""
    form = [
        _LAYOUT,
        manifest.dtype,
        manifest.sparse,
        manifest.space.dim,
        *(part.sha256 for part in manifest.parts),
    ]
    return hashlib.sha256(json.dumps(form).encode()).hexdigest()[:32]


def values(folder: Path, manifest: Manifest, chunks: Callable[[], Iterable[Chunk]], *, verify: bool) -> Any:
    """Give the matrix of a dataset, mapped read-only; `chunks` reads the parts, in order, without a cache.

    `verify` compares every cached byte with its hash; lengths and headers are compared always. A cache that
    is absent or wrong is written anew. Where it cannot be (a read-only folder, a full disk) the matrix is
    read into memory. A dense matrix streams through memory by parts.
    """
    files, base = _files(manifest), folder / FOLDER
    key = key_of(manifest)
    arrays = _mapped(base, key, files, verify)
    if arrays is None:
        try:
            _write(base, key, files, _laid_out(chunks(), manifest))
            arrays = _mapped(base, key, files, verify=False)
        except (Unreadable, FileMissing):
            arrays = None
    if arrays is None:
        arrays = _in_memory(files, _laid_out(chunks(), manifest))
    return _matrix(arrays, manifest, folder)


def _files(manifest: Manifest) -> dict[str, _File]:
    number = np.dtype(manifest.dtype)
    rows, dim = manifest.rows, manifest.space.dim
    if not manifest.sparse:
        return {"values": _File(".npy", number, (rows, dim))}
    count = sum(part.values for part in manifest.parts)
    place = np.dtype(
        np.int32 if max(count, dim) < 2**31 else np.int64
    )  # SciPy copies arrays of two index types
    return {
        "data": _File(".data.npy", number, (count,)),
        "indices": _File(".indices.npy", place, (count,)),
        "indptr": _File(".indptr.npy", place, (rows + 1,)),
    }


def _laid_out(chunks: Iterable[Chunk], manifest: Manifest) -> Iterator[Chunk]:
    """Turn the row lengths of sparse parts into CSR row starts that count on from part to part."""
    if not manifest.sparse:
        yield from chunks
        return
    start = 0
    yield {"indptr": np.zeros(1, np.int64)}
    for chunk in chunks:
        ends = start + np.cumsum(chunk["lengths"], dtype=np.int64)
        yield {"data": chunk["data"], "indices": chunk["indices"], "indptr": ends}
        start = int(ends[-1]) if len(ends) else start


def _mapped(base: Path, key: str, files: dict[str, _File], verify: bool) -> Chunk | None:
    try:
        hashes = json.loads((base / f"{key}.json").read_bytes()) if verify else {}
        return {
            name: _map(base / (key + file.suffix), file, hashes.get(name), verify)
            for name, file in files.items()
        }
    except (OSError, ValueError, AttributeError, RecursionError):
        return None


def _map(path: Path, file: _File, expected: Any, verify: bool) -> np.ndarray:
    """Map one array, once its file proved long enough: to touch a page past the end kills the process."""
    with open(path, "rb") as raw:
        header = file.header
        if path.stat().st_size != file.size or raw.read(len(header)) != header:
            raise ValueError("another array")
        raw.seek(0)
        if verify and hashlib.file_digest(raw, "sha256").hexdigest() != expected:
            raise ValueError("changed")
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _write(base: Path, key: str, files: dict[str, _File], chunks: Iterable[Chunk]) -> None:
    make_folder(base)
    with ExitStack() as stack:
        out: dict[str, Writer] = {}
        for name, file in files.items():
            out[name] = stack.enter_context(replacing(base / (key + file.suffix)))
            out[name].write(file.header)
        for chunk in chunks:
            for name, array in chunk.items():
                out[name].write(np.ascontiguousarray(array, files[name].dtype))
    write_text(
        base / f"{key}.json",
        json.dumps({name: writer.sha256 for name, writer in out.items()}, indent=1) + "\n",
    )


def _in_memory(files: dict[str, _File], chunks: Iterable[Chunk]) -> Chunk:
    arrays = {name: np.empty(file.shape, file.dtype) for name, file in files.items()}
    filled = dict.fromkeys(files, 0)
    for chunk in chunks:
        for name, array in chunk.items():
            arrays[name][filled[name] : filled[name] + len(array)] = array
            filled[name] += len(array)
    return arrays


def _matrix(arrays: Chunk, manifest: Manifest, folder: Path) -> Any:
    if not manifest.sparse:
        return arrays["values"]
    from scipy.sparse import csr_array

    shape = (manifest.rows, manifest.space.dim)
    try:
        matrix = csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
        matrix.check_format(full_check=True)  # SciPy's kernels follow every index without looking
    except ValueError as error:
        raise Damaged(f"{shown(folder)} is damaged: its indices lead out of the matrix ({error}).") from error
    return matrix
