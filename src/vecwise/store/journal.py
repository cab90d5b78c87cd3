"""Rows that were encoded before their folder was finished, kept by the hash of their content, so that none is lost.

This module must not know encoders: it is told the frame of the vectors and a digest for every row.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged, SpaceMismatch, Unreadable
from vecwise.store import generations
from vecwise.store.durable import TEMPORARY, make_folder, replacing
from vecwise.store.os_errors import os_errors, shown

FOLDER: Final = "_unfinished"
_NAME: Final = re.compile(r"rows-(\d+)-([0-9a-f]{16})\.safetensors")


class Journal:
    """Vectors by the digest of their row; each batch that is added is on the disk when `add` returns.

    A batch is a safetensors file with its own hash in its name: one that is not what was written is not read,
    and its rows are encoded again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._frame: str | None = None  # of the vectors that are kept, once somebody began
        self.encoder: Any = None  # whoever began, so that its own output is told from what was made of it
        self._sources: list[np.ndarray | Path] = []  # vectors in memory, or the file that holds them
        self._places: dict[bytes, tuple[int, int]] = {}
        self._number = 0
        self.found = 0  # rows that were there already

    @property
    def frame(self) -> str | None:
        """The identity under which vectors are kept, once somebody began."""
        return self._frame

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._places

    def begin(self, frame: str) -> bool:
        """Read what was kept of these vectors, the first time; tells whether it was.

        Raises `SpaceMismatch` when another encoder's work waits here.
        """
        if self._frame == frame:
            return False
        self._frame = frame
        for name in sorted(os.listdir(self._folder)) if self._folder.is_dir() else []:
            match = _NAME.fullmatch(name)
            batch = _read(self._folder / name, match[2]) if match else None
            if match is None or batch is None:
                continue
            self._number = max(self._number, int(match[1]))
            if batch[0] != frame:
                raise SpaceMismatch(
                    f"{shown(self._folder.parent)} holds unfinished vectors of another encoder (frame {batch[0]}; "
                    f"this one has {frame}). Finish them with the command that began them, choose another folder, "
                    f"or remove {shown(self._folder)}."
                )
            self.take(batch[1], self._folder / name)
        return True

    def take(self, digests: Sequence[bytes], values: np.ndarray | Path) -> None:
        """Know these vectors too, without writing them: they are kept elsewhere."""
        source = len(self._sources)
        self._sources.append(values)
        self._places.update((digest, (source, row)) for row, digest in enumerate(digests))

    def add(self, digests: Sequence[bytes], values: np.ndarray) -> None:
        """Keep the vectors of these rows, durably."""
        from safetensors.numpy import save

        arrays = {"digests": np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 16), "values": values}
        raw = save(arrays, metadata={"frame": str(self._frame)})
        self._number += 1
        make_folder(self._folder)
        path = self._folder / f"rows-{self._number}-{_hash(raw)}.safetensors"
        with replacing(path) as out:
            out.write(raw)
        self.take(digests, path)

    def vectors(self, digests: Sequence[bytes], dim: int, dtype: Any) -> np.ndarray:
        """Give the vectors of these rows, all of which must be known, as `(rows, dim)`."""
        places = np.array([self._places[digest] for digest in digests], np.int64).reshape(-1, 2)
        made = np.empty((len(digests), dim), dtype)
        for source in np.unique(places[:, 0]).tolist():
            rows = np.flatnonzero(places[:, 0] == source)
            made[rows] = self._values(source)[places[rows, 1]]
        return made

    def _values(self, source: int) -> np.ndarray:
        held = self._sources[source]
        if isinstance(held, np.ndarray):
            return held
        match = _NAME.fullmatch(held.name)
        batch = None if match is None else _read(held, match[2])
        if batch is None:
            raise Damaged(f"{shown(held)} has changed while it was in use. Run the command again.")
        return batch[2]

    def refuse_unread(self) -> None:
        """Raise `SpaceMismatch` when work waits here that nobody asked for: of another encoder, since none began."""
        if self._frame is None and any(map(_NAME.fullmatch, os.listdir(self._folder))):
            self.begin("none")

    def remove(self) -> None:
        """Remove what was kept, and nothing else: the folder is finished."""
        with suppress(OSError):
            for name in os.listdir(self._folder):
                if _NAME.fullmatch(name) or fnmatch(name, TEMPORARY):
                    generations.remove(self._folder / name)


@contextmanager
def journal(folder: Path) -> Iterator[Journal]:
    """Give the journal of a folder of vectors; one process at a time may have it (`Unreadable`)."""
    inside = folder / FOLDER
    if inside.is_symlink():
        raise Unreadable(
            f"{shown(inside)} is a link, and a folder of this run was expected. Remove the link."
        )
    new = [path for path in (inside, folder) if not path.exists()]
    make_folder(inside)
    try:
        with generations.locked(inside):
            yield Journal(inside)
    finally:
        for empty in dict.fromkeys([inside, *new]):  # they are left where there is something in them
            with suppress(OSError):
                empty.rmdir()


def _read(path: Path, claimed: str) -> tuple[str, list[bytes], np.ndarray] | None:
    """The frame, digests and vectors of a batch; `None` for a file that is not what was written."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with os_errors(path, "read"):
        raw = path.read_bytes()
    if _hash(raw) != claimed:
        return None
    try:
        arrays = load(raw)
        header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
        digests = arrays["digests"].tobytes()
        return (
            str(header["__metadata__"]["frame"]),
            [digests[i : i + 16] for i in range(0, len(digests), 16)],
            arrays["values"],
        )
    except (SafetensorError, ValueError, KeyError):
        return None


def _hash(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]
