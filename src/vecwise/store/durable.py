"""Files that are either old or new, never half-written: temporary file, fsync, rename, fsync of the folder.

This module must not know what is written; every file that vecwise writes goes through it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vecwise.errors import Unreadable
from vecwise.store.os_errors import os_errors, shown

TEMPORARY: Final = ".vecwise-*.tmp"  # what a killed process may leave behind
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@dataclass(slots=True)
class Calls:
    """The system calls of a durable write: the one seam at which tests make the N-th call fail."""

    open: Callable[..., int] = os.open
    write: Callable[[int, memoryview], int] = os.write
    fsync: Callable[[int], None] = os.fsync
    close: Callable[[int], None] = os.close
    replace: Callable[[Path, Path], None] = os.replace


CALLS: Final = Calls()


class Writer:
    """A binary file being written, that counts and hashes what it is given."""

    closed = False

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: Any) -> int:
        """Write all of the bytes; the system may take them in several pieces."""
        view = memoryview(data).cast("B") if len(data) else memoryview(b"")
        self._digest.update(view)
        left = view
        while left:
            taken = CALLS.write(self._descriptor, left)
            if taken <= 0:
                raise OSError(errno.EIO, "nothing was written")
            left = left[taken:]
        self.size += len(view)
        return len(view)

    def tell(self) -> int:
        """The number of bytes written."""
        return self.size

    def flush(self) -> None:
        """Nothing is buffered here; pyarrow asks."""

    def close(self) -> None:
        """The file is closed by `replacing`, after its fsync; pyarrow asks."""

    @property
    def sha256(self) -> str:
        """The hash of the bytes written, as hexadecimal digits."""
        return self._digest.hexdigest()


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Writer]:
    """Give a `Writer`; when the block ends, the file stands under its name, whole and on the disk.

    When anything fails, what stood there before still does and the temporary file is removed. A new
    file's mode follows the umask; a link is followed. Raises `Unreadable` or `FileMissing` with the reason.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(folder + "/words.txt") as out:
    ...         taken = out.write(b"sea")
    ...     Path(folder, "words.txt").read_text()
    'sea'
    """
    with os_errors(path, "write"):
        target = _target(path)
        temporary = target.with_name(f".vecwise-{secrets.token_hex(8)}.tmp")
        descriptor = CALLS.open(temporary, _CREATE, 0o666)
        try:
            try:
                yield Writer(descriptor)
                CALLS.fsync(descriptor)
            finally:
                CALLS.close(descriptor)
            CALLS.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        sync_folder(target.parent)


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Put these bytes into a file, durably; raises `Unreadable` or `FileMissing` with the reason."""
    with replacing(path) as out:
        out.write(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Put this text into a file as UTF-8, durably; raises `Unreadable` or `FileMissing` with the reason.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_text(folder + "/words.txt", "sea")
    ...     Path(folder, "words.txt").read_text()
    'sea'
    """
    write_bytes(path, text.encode("utf-8", "replace"))


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder, and those above it, that survive a power cut; one that exists is left as it is."""
    folder = Path(path)
    with os_errors(path, "make the folder"):
        if folder.is_dir():
            return
        if folder.parent != folder:
            make_folder(folder.parent)
        os.makedirs(folder, exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk: without it a rename may be lost although its file is not."""
    if os.name != "posix":  # elsewhere folders cannot be opened
        return
    descriptor = CALLS.open(folder, os.O_RDONLY)
    try:
        CALLS.fsync(descriptor)
    finally:
        CALLS.close(descriptor)


def _target(path: str | os.PathLike[str]) -> Path:
    """The file to replace: behind a link, and never a device, which a rename would destroy."""
    target = Path(os.path.realpath(path))
    with suppress(FileNotFoundError):
        mode = os.stat(target).st_mode
        if stat.S_ISDIR(mode):
            raise OSError(errno.EISDIR, "is a folder")
        if not stat.S_ISREG(mode):
            raise Unreadable(
                f"Cannot write {shown(path)}: it is a device or a pipe, and a file was expected."
            )
    return target
