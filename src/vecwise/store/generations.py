"""Folders of ours: one writer at a time, a new generation of files per save, strangers' files never touched.

This module must not know what the files hold: it is told their names and which generation is committed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from vecwise.errors import Unreadable, VecwiseError
from vecwise.store.durable import TEMPORARY
from vecwise.store.os_errors import os_errors, shown

FILE: Final = re.compile(
    r"(?:part-(\d+)-\d+\.parquet|(?:encoder|layout|index|model|generator)-(\d+)\.safetensors)"
)


def generation_of(name: str) -> int | None:
    """Give the generation that a file of ours belongs to; `None` for any other name."""
    match = FILE.fullmatch(name)
    return None if match is None else int(match[1] or match[2])


def refuse_strangers(folder: Path, manifest: str, others: tuple[str, ...] = ()) -> None:
    """Raise `Unreadable` unless a folder without a readable manifest is absent, empty or one of ours."""
    if not os.path.lexists(folder):
        return
    if not folder.is_dir():
        raise Unreadable(f"Cannot save into {shown(folder)}: it is a file, and a folder is needed.")
    with os_errors(folder, "list"):
        names = sorted(os.listdir(folder))
    known = {manifest, *others}
    strangers = [
        n for n in names if n not in known and generation_of(n) is None and not fnmatch(n, TEMPORARY)
    ]
    if all(generation_of(name) is None for name in names):
        strangers += [name for name in names if name == manifest]  # without our files it is another's
    if strangers:
        raise Unreadable(
            f"Cannot save into {shown(folder)}: it holds other files, such as {shown(strangers[0])}. "
            "Choose a new or an empty folder."
        )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One writer at a time: the system drops the lock when its holder dies, so none is ever stale."""
    if os.name != "posix":
        yield
        return
    import fcntl

    with os_errors(folder, "open"):
        descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(descriptor), os.stat(folder)):  # removed by one that just ended
                raise BlockingIOError
        except (BlockingIOError, FileNotFoundError) as error:
            raise Unreadable(
                f"Another process is saving into {shown(folder)}. Try again when it has ended."
            ) from error
        yield
    finally:
        os.close(descriptor)


def last_generation(folder: Path, committed: Callable[[Path], int]) -> int:
    """The highest number any file bears: a new file never takes the name of one that was left behind."""
    found = [number for name in os.listdir(folder) if (number := generation_of(name)) is not None]
    with suppress(VecwiseError):
        found.append(committed(folder))
    return max(found, default=0)


def remove_uncommitted(folder: Path, generation: int, committed: Callable[[Path], int]) -> None:
    """After a failure, remove the new files, unless the manifest that names them already took its place."""
    with suppress(VecwiseError):
        if committed(folder) == generation:
            return
    for name in os.listdir(folder):
        if generation_of(name) == generation:
            remove(folder / name)


def sweep(folder: Path, used: set[str]) -> None:
    """Remove files of ours that the committed generation does not use."""
    for name in os.listdir(folder):
        if name not in used and (generation_of(name) is not None or fnmatch(name, TEMPORARY)):
            remove(folder / name)


def remove(path: Path) -> None:
    """Remove a file that nobody needs; one that cannot be removed is left to the next sweep."""
    with suppress(OSError):
        path.unlink()
