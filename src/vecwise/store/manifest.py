"""The manifest of a saved dataset: what the folder holds, as JSON that carries its own hash.

This module must not know how parts are written or read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from vecwise.errors import Damaged, NotSavable, UnknownFormat, VecwiseError
from vecwise.space import Space
from vecwise.store.generations import generation_of
from vecwise.store.named_files import File
from vecwise.store.os_errors import shown

NAME: Final = "_manifest.json"
FORMAT: Final = "vecwise dataset"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One immutable file: its rows, how many values it stores, and what its bytes must be."""

    name: str
    rows: int
    values: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One generation of a dataset; `columns` names the row columns, None for vectors without rows."""

    generation: int
    rows: int
    dtype: str
    sparse: bool
    columns: list[str] | None
    space: Space
    encoder: dict[str, Any] | None
    parts: tuple[Part, ...]
    arrays: File | None = None  # those of the encoder
    identity: str | None = (
        None  # of the encoder whose untouched output these are, for those that remember rows
    )

    @property
    def files(self) -> tuple[Part | File, ...]:
        """Every file of this generation."""
        return (*self.parts, *([] if self.arrays is None else [self.arrays]))


def to_text(manifest: Manifest) -> str:
    """Write a manifest as JSON; raises `NotSavable` when the encoder's data is no JSON.

    >>> from vecwise.space import Space
    >>> part = Part("part-1-0.parquet", rows=3, values=6, bytes=500, sha256="0123")
    >>> made = Manifest(1, 3, "float32", False, None, Space(2, frame="f"), None, (part,))
    >>> parse(to_text(made), Path("_manifest.json")) == made
    True
    """
    content = {
        "format": FORMAT,
        "version": VERSION,
        **{name: getattr(manifest, name) for name in ("generation", "rows", "dtype", "sparse", "columns")},
        "space": manifest.space.to_data(),
        "parts": [asdict(part) for part in manifest.parts],
        "encoder": manifest.encoder,
        "identity": manifest.identity,
        "arrays": None if manifest.arrays is None else asdict(manifest.arrays),
    }
    try:
        content = json.loads(json.dumps(content, allow_nan=False))  # as a reader will see it
    except (TypeError, ValueError, RecursionError) as error:
        raise NotSavable(f"The encoder's data cannot be written as JSON: {error}.") from error
    return json.dumps({**content, "sha256": digest(content)}, indent=1) + "\n"


def digest(content: dict[str, Any]) -> str:
    """Give the hash that a manifest with this content carries: of its canonical JSON."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def parse(text: str | bytes, path: Path) -> Manifest:
    """Read a manifest; raises `Damaged` unless it is what was written, `UnknownFormat` for a newer one."""
    try:
        content = json.loads(text)
        kind, version, claimed = content.pop("format"), content.pop("version"), content.pop("sha256")
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(path, "it is cut off or is no manifest") from error
    if kind == FORMAT and isinstance(version, int) and version > VERSION:
        raise UnknownFormat(
            f"{shown(path.parent)} was saved in format {version} by a newer vecwise; this one reads "
            f"up to {VERSION}. Upgrade: pip install --upgrade vecwise"
        )
    if claimed != digest({"format": kind, "version": version, **content}):
        raise _damaged(path, "its content does not match its own hash")
    try:
        return _built(content)
    except (VecwiseError, TypeError, KeyError, ValueError) as error:
        raise _damaged(path, f"it describes no dataset ({error})") from error


def _built(content: dict[str, Any]) -> Manifest:
    space = content.pop("space")
    parts = tuple(Part(**part) for part in content.pop("parts"))
    arrays = File.from_data(content.pop("arrays", None))
    names = [part.name for part in parts] + ([] if arrays is None else [arrays.name])
    for name in names:
        if generation_of(name) is None:  # a name from a file must never lead out of its folder
            raise ValueError(f"`{name}` is no name of a file of ours")
    if content["dtype"] not in ("float32", "float64"):
        raise ValueError(f"`{content['dtype']}` is no type of vectors")
    if not parts or sum(part.rows for part in parts) != content["rows"]:
        raise ValueError("its parts do not add up to its rows")
    return Manifest(space=Space.from_data(space), parts=parts, arrays=arrays, **content)


def _damaged(path: Path, why: str) -> Damaged:
    return Damaged(
        f"{shown(path)} is damaged: {why}. Restore the folder from a copy, or save the vectors again."
    )
