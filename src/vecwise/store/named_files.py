"""Files that a manifest names: opened only if they are as long as they were, and checked against their hash.

This module must not know what a file holds, except that the arrays of an encoder are one safetensors file.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self, cast

from vecwise.errors import Damaged
from vecwise.store.durable import replacing
from vecwise.store.os_errors import os_errors, shown


class Named(Protocol):
    """What a manifest says of any file."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def bytes(self) -> int: ...  # noqa: D102
    @property
    def sha256(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class File:
    """One immutable file: its name, and what its bytes must be."""

    name: str
    bytes: int
    sha256: str

    @classmethod
    def from_data(cls, data: dict[str, Any] | None) -> Self | None:
        """Read it from the JSON data of a manifest; `None` stays `None`."""
        return None if data is None else cls(str(data["name"]), int(data["bytes"]), str(data["sha256"]))


@contextmanager
def opened(folder: Path, file: Named) -> Iterator[tuple[BinaryIO, str]]:
    """Give the open file and its name for messages; raises `Damaged` when it is missing or has another length."""
    path = folder / file.name
    if not path.exists():
        raise Damaged(f"{shown(path)} is missing: the manifest names it. Restore the folder from a copy.")
    with os_errors(path, "read"), open(path, "rb") as source:
        size = os.fstat(source.fileno()).st_size
        if size != file.bytes:
            raise Damaged(
                f"{shown(path)} is damaged: it has {size:,} bytes, and {file.bytes:,} were written."
            )
        yield source, shown(path)


def verify(folder: Path, file: Named) -> None:
    """Raise `Damaged` unless the file is byte for byte what was written."""
    with opened(folder, file) as (source, name):
        if hashlib.file_digest(cast(io.BufferedReader, source), "sha256").hexdigest() != file.sha256:
            raise Damaged(
                f"{name} is damaged: its content has changed since it was written. Restore it from a copy."
            )


def write_arrays(raw: bytes, folder: Path, generation: int, kind: str = "encoder") -> File | None:
    """Put the arrays of an encoder or a layout into the folder, durably; nothing is written when there are none."""
    if not raw:
        return None
    name = f"{kind}-{generation}.safetensors"
    with replacing(folder / name) as out:
        out.write(raw)
    return File(name, out.size, out.sha256)


def read_arrays(folder: Path, file: File | None) -> bytes:
    """Give the bytes that `write_arrays` wrote; raises `Damaged` when they are others now."""
    if file is None:
        return b""
    with opened(folder, file) as (source, name):
        raw = source.read()
    if hashlib.sha256(raw).hexdigest() != file.sha256:
        raise Damaged(f"{name} is damaged: its content has changed since it was written.")
    return raw
