"""Layouts kept beside their vectors: saved as plain data, and opened only with the vectors they are of.

This module must not know how a layout was made.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged, SpaceMismatch
from vecwise.measure.components import Components
from vecwise.store.os_errors import shown
from vecwise.store.state_folders import StateFolder
from vecwise.structure.faithfulness import Faithfulness
from vecwise.structure.identities import first_difference, identity
from vecwise.structure.placing import Anchors
from vecwise.vectors import Vectors

LAYOUTS: Final = StateFolder("layout", "lay the rows out again")


def save(made: Any, path: str | os.PathLike[str]) -> None:
    """Save a `Layout` into a folder of its own, or into the folder of its saved vectors, where it lies in `_layout`.

    A seed gives the same bytes again. Raises `Unreadable` for a folder that holds something else.
    """
    LAYOUTS.save(_state(made), LAYOUTS.beside(path))


def load(path: str | os.PathLike[str], X: Vectors) -> dict[str, Any]:
    """Give what the `Layout` of these vectors is built from; raises what `vw.open_layout` raises."""
    folder = LAYOUTS.beside(path)
    state = LAYOUTS.load(folder)
    try:
        found = _restored(state, X, folder)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise Damaged(
            f"{shown(folder)} holds an incomplete layout: {error!r}. Lay the rows out again."
        ) from error
    return found


def _state(made: Any) -> dict[str, Any]:
    faithful = made.faithfulness
    measured = np.flatnonzero(np.isfinite(faithful.rows_neighbors_kept))
    scores: dict[str, Any] = {"k": faithful.k, "rows": measured}
    for name in ("rows_trustworthiness", "rows_neighbors_kept"):
        scores[name] = getattr(faithful, name)[measured]
    return {
        "vectors": identity(made.vectors),
        **{name: getattr(made, name) for name in ("method", "metric", "seed", "neighbors", "sampled")},
        "coordinates": made.coordinates,
        "faithfulness": scores,
        "components": None if made.components is None else made.components.state(),
        "anchored": made.anchored,
    }


def _restored(state: dict[str, Any], X: Vectors, folder: Path) -> dict[str, Any]:
    other = first_difference(state["vectors"], X)
    if other is not None:
        raise SpaceMismatch(
            f"The layout in {shown(folder)} is of other vectors: the {other} differ. Give the vectors that were "
            "laid out, or lay these out anew: vw.layout(X)."
        )
    points, rows, anchors = state["coordinates"], state["anchored"], None
    if rows is not None:
        some = X if len(rows) == len(X) else X[rows]
        anchors = Anchors(some, points[rows], state["metric"], state["neighbors"])
    return {
        **{name: state[name] for name in ("method", "metric", "seed", "neighbors", "sampled")},
        "vectors": X,
        "coordinates": points,
        "components": None if state["components"] is None else Components.from_state(state["components"]),
        "faithfulness": _faithfulness(state["faithfulness"], len(X)),
        "anchors": anchors,
        "anchored": rows,
    }


def _faithfulness(state: dict[str, Any], count: int) -> Faithfulness:
    trust, kept, measured = np.full(count, np.nan), np.full(count, np.nan), state["rows"]
    trust[measured], kept[measured] = state["rows_trustworthiness"], state["rows_neighbors_kept"]
    return Faithfulness.of(state["k"], trust, kept, measured)
