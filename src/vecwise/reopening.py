"""Layouts come back: from a folder with the vectors they are of, or as `runs:/ID`, the map of a run.

This module must not know how a layout is made, nor how a run is recorded.
"""

from __future__ import annotations

import os
from typing import Any

from vecwise.errors import Inapplicable, WrongType
from vecwise.loading import load
from vecwise.structure import layout as layouts
from vecwise.structure.layout import Layout
from vecwise.tracking.resolving import kept_layout, names_a_run


def open_layout(path: str | os.PathLike[str], X: Any = None, /) -> Layout:
    """Open a saved layout of these vectors: `path` is its own folder, that of the saved vectors, or `runs:/ID`.

    A run of `vecwise map` keeps its layout and knows its vectors, so `runs:/ID` is enough. The files are held against
    their hashes, and the layout against the frame, the ids and the numbers of the vectors. Raises `FileMissing`,
    `UnknownFormat`, `Damaged`, `SpaceMismatch` for other vectors than those laid out, and for a run `UnknownName` and
    `Inapplicable`, which names the file that was changed.

    >>> import tempfile, vecwise as vw
    >>> X = vw.Vectors([[0, 0, 0, 1], [4, 0, 0, 1], [0, 2, 0, 1], [0, 0, 1, 1]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     vw.save(X, folder + "/points")
    ...     vw.save(vw.layout(X, dim=2), folder + "/points")
    ...     vw.open_layout(folder + "/points", vw.open(folder + "/points")).coordinates.shape
    (4, 2)
    """
    if not names_a_run(path):
        if X is None:
            raise WrongType("`open_layout` takes the vectors too: vw.open_layout(path, vw.open(path))")
        return layouts.open_layout(path, X)
    kept = kept_layout(str(path))
    if kept is None:
        raise Inapplicable(f"{path} kept no layout; a run of `vecwise map` does.")
    made = load(str(path)).vectors if X is None else X
    return layouts.open_layout(kept.path, made)
