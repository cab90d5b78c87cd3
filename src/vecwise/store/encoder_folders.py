"""Fitted encoders kept in a folder by themselves: one JSON file that carries its hash, and one of arrays.

This module must not know encoders: it keeps the data that they are built from again.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from vecwise.errors import Damaged, UnknownFormat, VecwiseError
from vecwise.store import generations
from vecwise.store.durable import make_folder, write_text
from vecwise.store.manifest import digest
from vecwise.store.named_files import File, read_arrays, write_arrays
from vecwise.store.os_errors import missing, os_errors, shown
from vecwise.store.states import pack, unpack

NAME: Final = "_encoder.json"
FORMAT: Final = "vecwise encoder"
VERSION: Final = 1


def save(data: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Save the data of an encoder, JSON with arrays anywhere in it, into a folder of its own.

    When it returns, the files are on the disk; whenever it fails, the folder holds what it held before.
    Raises `NotSavable` for what is neither JSON nor arrays, `Unreadable` for a folder that holds something else.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save({"words": ["sea"]}, folder + "/words")
    ...     load(folder + "/words")
    {'words': ['sea']}
    """
    folder = Path(path)
    plain, raw = pack(data)
    try:
        _content(folder)
    except VecwiseError:  # no encoder of ours is there
        generations.refuse_strangers(folder, NAME)
    make_folder(folder)
    with generations.locked(folder), os_errors(folder, "save into"):
        generation = generations.last_generation(folder, _committed) + 1
        try:
            file = write_arrays(raw, folder, generation)
            write_text(folder / NAME, _text(plain, generation, file))
        except BaseException:
            generations.remove_uncommitted(folder, generation, _committed)
            raise
        with suppress(VecwiseError, OSError):  # it is saved; what is left over, the next save removes
            generations.sweep(folder, {NAME} if file is None else {NAME, file.name})


def _text(plain: Any, generation: int, file: File | None) -> str:
    content = {
        "format": FORMAT,
        "version": VERSION,
        "generation": generation,
        "arrays": None if file is None else asdict(file),
        "encoder": plain,
    }
    return json.dumps({**content, "sha256": digest(content)}, indent=1) + "\n"


def is_encoder_folder(path: str | os.PathLike[str]) -> bool:
    """Tell whether a folder holds an encoder by itself."""
    return (Path(path) / NAME).is_file()


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Give the data that was saved; nothing is executed.

    Raises `FileMissing` without the folder, `UnknownFormat` for a folder that holds no encoder or one of a newer
    vecwise, `Damaged` for files that are not what was written.
    """
    folder = Path(path)
    content = _content(folder)
    file = _file(content, folder)
    made: dict[str, Any] = unpack(content["encoder"], read_arrays(folder, file))
    return made


def _content(folder: Path) -> dict[str, Any]:
    if not os.path.lexists(folder):
        raise missing(folder, "folder")
    path = folder / NAME
    if not path.is_file():
        raise UnknownFormat(f"{shown(folder)} holds no saved encoder: there is no `{NAME}`.")
    with os_errors(path, "read"):
        text = path.read_bytes()
    try:
        content: dict[str, Any] = json.loads(text)
        claimed = content.pop("sha256")
        known = content["format"] == FORMAT
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(path) from error
    if known and isinstance(content.get("version"), int) and content["version"] > VERSION:
        raise UnknownFormat(
            f"{shown(folder)} was saved in format {content['version']} by a newer vecwise; this one reads up to "
            f"{VERSION}. Upgrade: pip install --upgrade vecwise"
        )
    if not known or claimed != digest(content):
        raise _damaged(path)
    return content


def _file(content: dict[str, Any], folder: Path) -> File | None:
    try:
        file = File.from_data(content["arrays"])
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder / NAME) from error
    if file is not None and generations.generation_of(file.name) is None:  # never lead out of the folder
        raise _damaged(folder / NAME)
    return file


def _committed(folder: Path) -> int:
    return int(_content(folder)["generation"])


def _damaged(path: Path) -> Damaged:
    return Damaged(
        f"{shown(path)} is damaged or cut off. Restore the folder from a copy, or fit the encoder again."
    )
