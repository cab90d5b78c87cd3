"""Vectors kept in a folder: each save is a new generation that replaces the old one whole or not at all.

This module must not know encoders: what they need to be built again is passed through as plain data.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from vecwise.errors import Damaged, FileMissing, UnknownFormat, VecwiseError
from vecwise.kernels.arrow import numbers
from vecwise.row_ids import as_ids
from vecwise.space import Space
from vecwise.store import cache, generations, kinds, parts
from vecwise.store import manifest as manifests
from vecwise.store.durable import make_folder, write_text
from vecwise.store.growing import Growing
from vecwise.store.journal import FOLDER as UNFINISHED
from vecwise.store.manifest import Manifest, Part
from vecwise.store.named_files import read_arrays, write_arrays
from vecwise.store.named_files import verify as verify_file
from vecwise.store.os_errors import missing, os_errors, shown
from vecwise.store.states import pack, unpack
from vecwise.vectors import Vectors

Answer = TypeVar("Answer")

_ATTEMPTS: Final = 10  # a reader that meets a new generation starts again this often


def save(
    X: Vectors,
    path: str | os.PathLike[str],
    *,
    encoder: dict[str, Any] | None = None,
    identity: str | None = None,
) -> None:
    """Save vectors, their ids, rows and space into a folder; `encoder` is JSON data and arrays that `load` gives back.

    The folder holds Parquet parts of about 64 MB and a manifest with their hashes. When `save` returns, all
    of it is on the disk; whenever it fails or is killed, the folder still holds what it held before.
    float64 vectors are kept as float64.

    Raises `Unreadable` when the folder cannot be written, holds something else, or is being saved into by
    another process; `DuplicateName` for row columns that begin with `vecwise_`; `NotSavable` for
    columns that Parquet has no type for and for encoder data that is no JSON.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(Vectors([[3.0, 4.0]], ids=["a"]), folder + "/points", encoder={"kind": "none"})
    ...     X, encoder = load(folder + "/points")
    ...     X.values, encoder
    (array([[3., 4.]]), {'kind': 'none'})
    """
    write([X], path, encoder=encoder, identity=identity)


def write(
    chunks: Iterable[Vectors],
    path: str | os.PathLike[str],
    *,
    encoder: dict[str, Any] | None = None,
    identity: str | None = None,
) -> int:
    """Save chunks of vectors, at least one, under each other as `save` saves one; gives the number of rows.

    Every chunk is written before the next is asked for, so that memory holds one. They must be of one space and
    their rows of one schema (`SpaceMismatch`, `WrongType`); a claim is kept that all of them make.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     one = Vectors([[3.0, 4.0]])
    ...     write([one, Vectors(2 * one, ids=[1], space=one.space)], folder + "/points")
    ...     load(folder + "/points")[0].ids
    2
    array([0, 1])
    """
    chunks = iter(chunks)
    first = next(chunks)
    count = len(first)
    with writing(first, path, encoder=encoder, identity=identity) as add:
        for X in chunks:
            add(X)
            count += len(X)
    return count


@contextmanager
def writing(
    first: Vectors,
    path: str | os.PathLike[str],
    *,
    encoder: dict[str, Any] | None = None,
    identity: str | None = None,
) -> Iterator[Callable[[Vectors], None]]:
    """Save as `write` does what is added chunk by chunk; when the block ends the folder holds all of it.

    Where the block raises, the folder holds what it held before.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     one = Vectors([[3.0, 4.0]])
    ...     with writing(one, folder + "/points") as add:
    ...         add(Vectors(2 * one, ids=[1], space=one.space))
    ...     load(folder + "/points")[0].ids
    array([0, 1])
    """
    folder = Path(path)
    growing = Growing(first)
    rows = growing.take(first)
    plain, arrays = pack(encoder)  # refuses the encoder before anything is written
    with os_errors(folder, "save into"):
        refuse_strangers(folder)
    make_folder(folder)
    with generations.locked(folder), os_errors(folder, "save into"):
        generation = generations.last_generation(folder, _committed) + 1
        try:
            made = list(_write_parts(first, rows, folder, generation, 0))

            def add(X: Vectors) -> None:
                made.extend(_write_parts(X, growing.take(X), folder, generation, len(made)))

            yield add
            file = write_arrays(arrays, folder, generation)
            text = manifests.to_text(growing.manifest(generation, made, plain, file, identity))
            write_text(folder / manifests.NAME, text)
        except BaseException:
            generations.remove_uncommitted(folder, generation, _committed)
            raise
        with suppress(
            VecwiseError, OSError
        ):  # the vectors are saved; the next save removes what is left over
            _sweep(folder)


def _write_parts(X: Vectors, rows: Any, folder: Path, generation: int, number: int) -> Iterator[Part]:
    size = parts.rows_per_part(X, rows)
    starts = range(0, max(1, len(X)), size)  # no rows still have columns: they make one empty part
    for index, start in enumerate(starts, number):
        name = f"part-{generation}-{index}.parquet"
        yield parts.write_part(X, rows, start, min(len(X), start + size), folder / name)


def load(path: str | os.PathLike[str], *, verify: bool = True) -> tuple[Vectors, dict[str, Any] | None]:
    """Open saved vectors, and give the encoder data that was saved with them.

    The numbers are mapped read-only from a cache inside the folder, which is made on first use; ids and
    rows are loaded. `verify` compares every byte with its hash, at about a second per gigabyte; lengths
    and page checksums are compared always. Opening executes nothing.

    Raises `FileMissing` without the folder, `UnknownFormat` for a folder that is no dataset or one of a newer
    vecwise, `Damaged` naming the file that is missing or not what was written, `Unreadable`.

    >>> load("no_such_folder")
    Traceback (most recent call last):
    vecwise.errors.FileMissing: There is no folder `no_such_folder`.
    """
    folder = Path(path)
    return _settled(folder, lambda manifest: (_loaded(folder, manifest, verify), _encoder(folder, manifest)))


def load_unchecked(path: str | os.PathLike[str]) -> tuple[Any, np.ndarray, Any, Space]:
    """Give the values, ids, rows and space of saved vectors as they lie, without looking at a single number.

    For who looks at them all anyway: neither hashes are compared nor NaN refused. Raises what `load` raises.
    """
    folder = Path(path)
    return _settled(folder, lambda manifest: _pieces(folder, manifest, verify=False))


def _settled(folder: Path, work: Callable[[Manifest], Answer]) -> Answer:
    manifest = _read_manifest(folder)
    for _ in range(_ATTEMPTS):
        try:
            return work(manifest)
        except (Damaged, FileMissing):  # perhaps a save in another process removed what it replaced
            before, manifest = manifest, _read_manifest(folder)
            if manifest == before:
                raise
    return work(manifest)


def is_dataset(path: str | os.PathLike[str]) -> bool:
    """Tell whether a folder holds saved vectors, whole or damaged, and not other files such as images."""
    folder = Path(path)
    if not os.path.isdir(folder):
        return False
    with os_errors(folder, "list"):
        names = os.listdir(folder)
    if manifests.NAME in names:
        return True
    return not kinds.held(folder) and any(generations.generation_of(name) is not None for name in names)


def identity_of(path: str | os.PathLike[str]) -> str | None:
    """Give the identity of the encoder whose untouched output a folder holds; raises what `load` raises."""
    return _read_manifest(Path(path)).identity


def _encoder(folder: Path, manifest: Manifest) -> dict[str, Any] | None:
    made: dict[str, Any] | None = unpack(manifest.encoder, read_arrays(folder, manifest.arrays))
    return made


def _loaded(folder: Path, manifest: Manifest, verify: bool) -> Vectors:
    values, ids, rows, space = _pieces(folder, manifest, verify=verify)
    with _damage(folder):
        return Vectors(values, ids=ids, rows=rows, space=space)


def _pieces(folder: Path, manifest: Manifest, *, verify: bool) -> tuple[Any, np.ndarray, Any, Space]:
    import pyarrow as pa

    if verify:
        for part in manifest.parts:
            verify_file(folder, part)
    table = pa.concat_tables([parts.read_rows(folder, part, manifest) for part in manifest.parts])
    values = cache.values(folder, manifest, lambda: _chunks(folder, manifest), verify=verify)
    column = table.column(parts.ID)
    rows = None if manifest.columns is None else table.select(manifest.columns).unify_dictionaries()
    with _damage(folder):  # whole numbers, the usual ids, need not become Python's one by one
        whole = column.type == pa.int64() and not column.null_count
        ids = as_ids(numbers(column, np.int64, 0) if whole else column, len(column))
    return values, ids, rows, manifest.space


@contextmanager
def _damage(folder: Path) -> Iterator[None]:
    try:
        yield
    except VecwiseError as error:
        raise Damaged(f"{shown(folder)} holds what no vectors can be: {error}") from error


def _chunks(folder: Path, manifest: Manifest) -> Iterator[cache.Chunk]:
    for part in manifest.parts:
        yield from parts.read_values(folder, part, manifest)


def _read_manifest(folder: Path) -> Manifest:
    path = folder / manifests.NAME
    if not os.path.lexists(folder):
        raise missing(folder, "folder")
    if not folder.is_dir():
        raise UnknownFormat(
            f"{shown(folder)} is a file; saved vectors are a folder. To read rows from it: vw.read(path)."
        )
    with os_errors(path, "read"):
        try:
            text = path.read_bytes()
        except FileNotFoundError as error:
            other = kinds.held(folder)
            if not other and any(generations.generation_of(name) is not None for name in os.listdir(folder)):
                raise Damaged(
                    f"{shown(path)} is missing: the first save into this folder did not end."
                ) from error
            other = other or f"There is no `{manifests.NAME}`."
            raise UnknownFormat(f"{shown(folder)} holds no saved vectors. {other}") from error
    return manifests.parse(text, path)


# ---- who may write, and what is left behind ----


def refuse_strangers(folder: Path) -> None:
    """Raise `Unreadable` unless the folder is absent, empty or one of ours: no save removes another's files."""
    if folder.is_dir():
        with suppress(VecwiseError):
            _read_manifest(folder)
            return
    generations.refuse_strangers(folder, manifests.NAME, (cache.FOLDER, UNFINISHED))


def _committed(folder: Path) -> int:
    return _read_manifest(folder).generation


def _sweep(folder: Path) -> None:
    """Remove what the committed generation does not use."""
    manifest = _read_manifest(folder)
    generations.sweep(folder, {file.name for file in manifest.files})
    key = cache.key_of(manifest)
    with suppress(OSError):
        for name in os.listdir(folder / cache.FOLDER):
            if cache.FILE_NAME.fullmatch(name) and not name.startswith(key):
                generations.remove(folder / cache.FOLDER / name)
