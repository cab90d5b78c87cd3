"""Image files as rows: one file, or a folder of them, read whole and not decoded.

This module must not know encoders, nor how an image is decoded.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged, EmptyInput, Unreadable, some
from vecwise.kernels.arrow import strings
from vecwise.store.image_columns import IMAGE
from vecwise.store.kinds import held
from vecwise.store.os_errors import os_errors, shown

IMAGE_SUFFIXES: Final = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".bmp", ".dib", ".tif", ".tiff"),
)
_MOST_BYTES: Final = 2**31 - 1  # of one Arrow column with 32-bit offsets


def is_image_name(path: str | os.PathLike[str]) -> bool:
    """Tell by its name whether a path is an image file.

    >>> is_image_name("cat.JPG"), is_image_name("cats.csv")
    (True, False)
    """
    return PurePath(os.fsdecode(path)).suffix.lower() in IMAGE_SUFFIXES


def read_image_folder(folder: str | os.PathLike[str], /) -> Any:
    r"""Read the images of a folder and of the folders in it into an Arrow table, a row each.

    Columns: `path` inside the folder (with `/`; bytes that are no UTF-8 are written as `\xff`), `label`, if
    any image lies in a folder of its own, which is that folder's name (missing for images outside), and
    `image`, the file's bytes. Rows are in the order of the paths' bytes. Files are images by their
    ending; others, hidden files and folders, and links to folders are left out. Nothing is decoded.

    Raises `FileMissing`, `Unreadable`, `EmptyInput` for a folder without images. Reads everything into memory.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (pathlib.Path(folder) / "seven").mkdir()
    ...     _ = (pathlib.Path(folder) / "seven" / "a.png").write_bytes(b"(png)")
    ...     read_image_folder(folder).to_pydict()
    {'path': ['seven/a.png'], 'label': ['seven'], 'image': [b'(png)']}
    """
    import pyarrow as pa

    root = os.fsdecode(folder)
    paths = sorted(_inside(root, ""), key=os.fsencode)
    if not paths:
        raise EmptyInput(_no_images(folder, root))
    columns = {"path": strings([_text(path) for path in paths])}
    labels = [_text(path.split("/")[-2]) if "/" in path else None for path in paths]
    if any(label is not None for label in labels):
        columns["label"] = strings(labels)
    return pa.table({**columns, IMAGE: _contents([os.path.join(root, path) for path in paths])})


def read_image_file(path: str | os.PathLike[str], /) -> Any:
    """Read one image file as a table of one row: `path`, its name, and `image`, its bytes."""
    import pyarrow as pa

    name = _text(os.path.basename(os.fsdecode(path)))
    return pa.table({"path": strings([name]), IMAGE: _contents([os.fsdecode(path)])})


def _text(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _inside(root: str, where: str) -> Iterator[str]:
    """Paths of the images below a folder, relative to it; a folder that links lead to is not entered."""
    here = os.path.join(root, where)
    with os_errors(here, "read"), os.scandir(here) as entries:
        for entry in list(entries):
            if entry.name.startswith("."):
                continue
            inner = where + "/" + entry.name if where else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _inside(root, inner)
            elif is_image_name(entry.name) and not entry.is_dir():
                yield inner


def _no_images(folder: str | os.PathLike[str], root: str) -> str:
    names = sorted(_text(name) for name in os.listdir(root))
    holds = held(folder) or (f"It holds {some(names)}." if names else "It is empty.")
    return f"{shown(folder)} has no images ({', '.join(IMAGE_SUFFIXES[:8])}, …). {holds}"


def _contents(paths: Sequence[str]) -> Any:
    """The bytes of files as one Arrow column, each read once, straight to its place."""
    import pyarrow as pa

    sizes = [_size(path) for path in paths]
    ends = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    room = np.empty(int(ends[-1]), np.uint8)
    for path, start, size in zip(paths, ends.tolist(), sizes, strict=False):
        _read_into(room.data[start : start + size], path)
    small = ends[-1] <= _MOST_BYTES
    kind, offsets = (pa.binary(), np.int32) if small else (pa.large_binary(), np.int64)
    buffers = [None, pa.py_buffer(ends.astype(offsets)), pa.py_buffer(room)]
    return pa.Array.from_buffers(kind, len(paths), buffers)


def _size(path: str) -> int:
    with os_errors(path, "read"):
        status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable(f"Cannot read {shown(path)}: it is no regular file.")
    return status.st_size


def _read_into(room: memoryview, path: str) -> None:
    with os_errors(path, "read"), open(path, "rb", buffering=0) as file:
        got = 0
        while step := file.readinto(room[got:]):
            got += step
        if got < len(room) or file.read(1):
            raise Damaged(f"{shown(path)} changed while it was read. Read it again.")
