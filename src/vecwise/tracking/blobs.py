"""What many runs share, kept once by its hash: environments, diffs, curves.

This module must not know what a blob means to a run.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

from vecwise.store.durable import make_folder, write_bytes
from vecwise.tracking.journal import home

FOLDER: Final = "blobs"
_NAME: Final = re.compile(r"[0-9a-f]{64}")


def write_blob(data: Any, folder: Path | None = None) -> str:
    """Keep plain data and give the name to find it by; the same data are kept once."""
    raw = json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    name = hashlib.sha256(raw).hexdigest()
    path = (folder or home()) / FOLDER / f"{name}.json"
    if not path.exists():
        make_folder(path.parent)
        write_bytes(path, raw)
    return name


def read_blob(name: str, folder: Path | None = None) -> Any:
    """Give the data of this name; None where it is gone or is not what was kept."""
    if not _NAME.fullmatch(name):
        return None
    try:
        raw = ((folder or home()) / FOLDER / f"{name}.json").read_bytes()
        return json.loads(raw) if hashlib.sha256(raw).hexdigest() == name else None
    except (OSError, ValueError, RecursionError):
        return None
