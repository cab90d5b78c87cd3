"""The operating system's refusals in words: which path, what was tried, why it did not work, what to do.

This module must not know any file format.
"""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vecwise.errors import FileMissing, Unreadable, VecwiseError, some

_REASONS = {
    errno.EACCES: "permission denied",
    errno.EPERM: "the system does not permit it",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your disk quota is used up",
    errno.EFBIG: "the file would be larger than this disk allows",
    errno.EROFS: "the file system is read-only",
    errno.EISDIR: "it is a folder, and a file was expected",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EIO: "the disk reports an error",
    errno.EMFILE: "too many files are open",
    errno.ELOOP: "its links lead in a circle",
}


def shown(path: str | os.PathLike[str]) -> str:
    r"""Give a path for a message: file names need not be valid text, messages must be, on one line.

    >>> shown("houses.csv"), shown("a\nb.csv")
    ('`houses.csv`', '`a\ufffdb.csv`')
    """
    text = os.fsencode(path).decode("utf-8", "replace")
    return "`" + "".join(c if c.isprintable() else "\ufffd" for c in text) + "`"


@contextmanager
def os_errors(path: str | os.PathLike[str], verb: str) -> Iterator[None]:
    """Raise `FileMissing` or `Unreadable` for any `OSError` inside; `verb` completes "Cannot … the path".

    >>> with os_errors("no_such_file.csv", "read"):
    ...     open("no_such_file.csv")
    Traceback (most recent call last):
    vecwise.errors.FileMissing: There is no file `no_such_file.csv`.
    """
    try:
        yield
    except VecwiseError:
        raise
    except OSError as error:
        raise refusal(path, verb, error) from error
    except ValueError as error:
        if "null byte" not in str(error):
            raise
        raise FileMissing(f"Cannot {verb} {shown(path)}: no file name holds a NUL.") from error


def refusal(path: str | os.PathLike[str], verb: str, error: OSError) -> VecwiseError:
    """Word one `OSError`."""
    if error.errno == errno.ENOENT and verb == "read":
        return missing(path)
    if error.errno == errno.ENOENT:
        return FileMissing(f"Cannot {verb} {shown(path)}: there is no folder {shown(Path(path).parent)}.")
    reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
    return Unreadable(f"Cannot {verb} {shown(path)}: {reason}.")


def missing(path: str | os.PathLike[str], kind: str = "file") -> FileMissing:
    """Word a `FileMissing`, with the names nearby that look like the one that was asked for."""
    where = Path(path)
    if not where.parent.is_dir():
        return FileMissing(f"There is no {kind} {shown(path)}, and no folder {shown(where.parent)}.")
    try:
        names = [os.fsencode(name).decode("utf-8", "replace") for name in os.listdir(where.parent)]
    except OSError:
        names = []
    near = difflib.get_close_matches(where.name, names, n=3)
    hint = f" Did you mean {some(near)}?" if near else ""
    return FileMissing(f"There is no {kind} {shown(path)}.{hint}")
