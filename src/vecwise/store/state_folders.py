"""Plain data with arrays in it, kept in a folder by itself: one JSON file that carries its hash, and one of arrays.

This module must not know what the data means: a kind of folder says how it is called and what to do when it is lost.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vecwise.errors import Damaged, UnknownFormat, VecwiseError
from vecwise.store import generations, kinds
from vecwise.store.datasets import is_dataset
from vecwise.store.durable import make_folder, write_text
from vecwise.store.manifest import digest
from vecwise.store.named_files import File, read_arrays, write_arrays
from vecwise.store.os_errors import missing, os_errors, shown
from vecwise.store.states import pack, unpack


@dataclass(frozen=True, slots=True)
class StateFolder:
    """A kind of folder: `kind` is "encoder" or "layout", `again` says how to make a lost one anew."""

    kind: str
    again: str
    version: int = 1

    @property
    def name(self) -> str:
        """The name of the JSON file."""
        return f"_{self.kind}.json"

    def save(self, data: dict[str, Any], path: str | os.PathLike[str]) -> None:
        """Save data, JSON with arrays anywhere in it, into a folder of its own.

        When it returns, the files are on the disk; whenever it fails, the folder holds what it held before.
        Raises `NotSavable` for what is neither JSON nor arrays, `Unreadable` for a folder that holds something else.
        """
        folder = Path(path)
        plain, raw = pack(data)
        try:
            self._content(folder)
        except VecwiseError:  # none of ours is there
            generations.refuse_strangers(folder, self.name)
        make_folder(folder)
        with generations.locked(folder), os_errors(folder, "save into"):
            generation = generations.last_generation(folder, self._committed) + 1
            try:
                file = write_arrays(raw, folder, generation, self.kind)
                write_text(folder / self.name, self._text(plain, generation, file))
            except BaseException:
                generations.remove_uncommitted(folder, generation, self._committed)
                raise
            with suppress(VecwiseError, OSError):  # it is saved; what is left over, the next save removes
                generations.sweep(folder, {self.name} if file is None else {self.name, file.name})

    def holds(self, path: str | os.PathLike[str]) -> bool:
        """Tell whether a folder is one of this kind."""
        return (Path(path) / self.name).is_file()

    def beside(self, path: str | os.PathLike[str]) -> Path:
        """Give the folder that a path means: itself or, of a folder of saved vectors, the one of this kind in it."""
        return Path(path) / f"_{self.kind}" if is_dataset(path) and not self.holds(path) else Path(path)

    def load(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """Give the data that was saved; nothing is executed.

        Raises `FileMissing` without the folder, `UnknownFormat` for a folder of another kind or of a newer vecwise,
        `Damaged` for files that are not what was written.
        """
        folder = Path(path)
        content = self._content(folder)
        made: dict[str, Any] = unpack(content[self.kind], read_arrays(folder, self._file(content, folder)))
        return made

    def _text(self, plain: Any, generation: int, file: File | None) -> str:
        content = {
            "format": f"vecwise {self.kind}",
            "version": self.version,
            "generation": generation,
            "arrays": None if file is None else asdict(file),
            self.kind: plain,
        }
        return json.dumps({**content, "sha256": digest(content)}, indent=1) + "\n"

    def _content(self, folder: Path) -> dict[str, Any]:
        if not os.path.lexists(folder):
            raise missing(folder, "folder")
        path = folder / self.name
        if not path.is_file():
            other = kinds.held(folder) or f"There is no `{self.name}`."
            raise UnknownFormat(f"{shown(folder)} holds no saved {self.kind}. {other}")
        with os_errors(path, "read"):
            text = path.read_bytes()
        try:
            content: dict[str, Any] = json.loads(text)
            claimed = content.pop("sha256")
            known = content["format"] == f"vecwise {self.kind}"
        except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
            raise self._damaged(path) from error
        if known and isinstance(content.get("version"), int) and content["version"] > self.version:
            raise UnknownFormat(
                f"{shown(folder)} was saved in format {content['version']} by a newer vecwise; this one reads up to "
                f"{self.version}. Upgrade: pip install --upgrade vecwise"
            )
        if not known or claimed != digest(content):
            raise self._damaged(path)
        return content

    def _file(self, content: dict[str, Any], folder: Path) -> File | None:
        try:
            file = File.from_data(content["arrays"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(folder / self.name) from error
        if file is not None and generations.generation_of(file.name) is None:  # never lead out of the folder
            raise self._damaged(folder / self.name)
        return file

    def _committed(self, folder: Path) -> int:
        return int(self._content(folder)["generation"])

    def _damaged(self, path: Path) -> Damaged:
        return Damaged(
            f"{shown(path)} is damaged or cut off. Restore the folder from a copy, or {self.again}."
        )
