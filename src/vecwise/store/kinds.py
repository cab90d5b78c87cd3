"""What a folder of ours holds, and what opens it: for whoever was given another kind than expected.

This module must not know what the kinds of folders mean, nor read more than which files there are.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_OPENED_BY: Final = {
    "_layout.json": ("a saved layout", "vw.open_layout(path, X)", "X being the vectors that were laid out"),
    "_index.json": ("a saved index", "vw.open_index(path, X)", "X being the vectors that it was made of"),
    "_encoder.json": ("a saved encoder", "vw.open_encoder(path)", "or `--encoder` on the command line"),
    "_model.json": ("a saved model", "vw.open_model(path)", "or `vecwise predict`"),
    "_generator.json": ("a saved generator", "vw.open_generator(path)", "or `vecwise generate`"),
    "_manifest.json": ("saved vectors", "vw.open(path)", ""),
}


def held(folder: str | os.PathLike[str]) -> str:
    """Say what a folder of ours holds and what opens it; nothing of any other folder.

    >>> held("no_such_folder")
    ''
    """
    for name, (what, call, more) in _OPENED_BY.items():
        if (Path(folder) / name).is_file():
            return f"It holds {what}: {call}{f', {more}' if more else ''}."
    return ""
