"""What identifies a file or a folder of data: the hash of its content, its size, and where it was.

This module must not know what the data hold; rows and columns are told by whoever read them.
"""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_WHOLE: Final = 1 << 30  # bytes: of larger files, pieces spread over the whole are hashed
_PIECES: Final = 256
_PIECE: Final = 1 << 20
_MANIFESTS: Final = (
    "_manifest.json",
    "_encoder.json",
    "_layout.json",
)  # each holds the hash of every file beside it
_MOST_FILES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The identity of data on disk. `hash` begins with its kind:

    `sha256:` the bytes of a file; `sampled:` its size and 256 pieces, above a gigabyte; `manifest:` a saved
    folder, whose manifest holds the hash of every file; `listing:` names, sizes and times of another folder.
    """

    path: str
    name: str
    hash: str
    bytes: int

    def to_data(self) -> dict[str, Any]:
        """Give plain data."""
        return {"path": self.path, "name": self.name, "hash": self.hash, "bytes": self.bytes}


def fingerprint(path: str | os.PathLike[str]) -> Fingerprint | None:
    """Give the fingerprint of a file or folder, or None for what is neither (standard input, a pipe, nothing).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     taken = Path(folder, "a.csv").write_text("sea")
    ...     fingerprint(Path(folder, "a.csv")).hash[:13]
    'sha256:4a69f1'
    """
    place = Path(path)
    with suppress(OSError, ValueError, KeyError, TypeError):
        if place.is_file():
            return Fingerprint(str(place.resolve()), place.name, *_of_file(place))
        if place.is_dir():
            return Fingerprint(str(place.resolve()), place.resolve().name, *_of_folder(place))
    return None


def _of_file(path: Path) -> tuple[str, int]:
    size = path.stat().st_size
    with open(path, "rb") as file:
        if size <= _WHOLE:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}", size
        digest = hashlib.sha256(str(size).encode())
        for piece in range(_PIECES):
            file.seek((size - _PIECE) * piece // (_PIECES - 1))
            digest.update(file.read(_PIECE))
    return f"sampled:{digest.hexdigest()}", size


def _of_folder(path: Path) -> tuple[str, int]:
    for manifest in (path / name for name in _MANIFESTS):
        if manifest.is_file():
            told = json.loads(manifest.read_bytes())
            return f"manifest:{_of_manifest(told)}", _size(told)
    listed: list[tuple[str, int, int]] = []
    for base, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            found = os.stat(os.path.join(base, name), follow_symlinks=False)
            listed.append((os.path.relpath(os.path.join(base, name), path), found.st_size, found.st_mtime_ns))
            if len(listed) > _MOST_FILES:
                break
    text = "\n".join(f"{name}\0{size}\0{time}" for name, size, time in listed)
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
    return f"listing:{digest}", sum(size for _, size, _ in listed)


def _of_manifest(told: Any) -> str:
    """The same content has the same hash, whichever generation of the folder it is and however parts are called."""
    if isinstance(told, dict):
        parts = [{"rows": part["rows"], "sha256": part["sha256"]} for part in told.get("parts", [])]
        arrays = told.get("arrays") and told["arrays"]["sha256"]
        told = {**told, "parts": parts, "arrays": arrays, "generation": None, "sha256": None}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _size(manifest: Any) -> int:
    parts = manifest.get("parts", []) if isinstance(manifest, dict) else []
    return sum(part.get("bytes", 0) for part in parts if isinstance(part, dict))


class FingerprintQuestion:
    """Hashes a file in a thread of its own while the work goes on."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="fingerprint")
        self._future: Future[Fingerprint | None] = self._pool.submit(fingerprint, path)

    def answer(self) -> Fingerprint | None:
        """Wait for the hash."""
        try:
            return self._future.result()
        finally:
            self._pool.shutdown(wait=False)
