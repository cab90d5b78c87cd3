"""Layouts kept beside their vectors: saved as plain data, and opened only with the vectors they are of.

This module must not know how a layout was made.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np

from vecwise.errors import Damaged
from vecwise.measure.components import Components
from vecwise.measure.views import standardized_view, view
from vecwise.store.os_errors import shown
from vecwise.store.state_folders import StateFolder
from vecwise.structure.faithfulness import Faithfulness
from vecwise.structure.identities import identity, same_vectors
from vecwise.structure.placing import Anchors

LAYOUTS: Final = StateFolder("layout", "lay the rows out again")


def save(made: Any, path: str | os.PathLike[str]) -> None:
    """Save a `Layout` into a folder of its own, or into the folder of its saved vectors, where it lies in `_layout`.

    A seed gives the same bytes again. Raises `Unreadable` for a folder that holds something else.
    """
    LAYOUTS.save(_state(made), LAYOUTS.beside(path))


def load(path: str | os.PathLike[str], X: Any) -> dict[str, Any]:
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
        "standardized": made.prepare is not None,
    }


def _restored(state: dict[str, Any], given: Any, folder: Path) -> dict[str, Any]:
    made = same_vectors(given, state["vectors"], f"The layout in {shown(folder)}", "vw.layout(X)")
    # A layout that was saved before columns were standardized by it has no such entry.
    standardized = state.get("standardized", False)
    by = standardized_view(made, state["metric"]) if standardized else view(made, state["metric"])
    X = by.vectors
    points, rows, anchors = state["coordinates"], state["anchored"], None
    if rows is not None:
        some = X if len(rows) == len(X) else X[rows]
        anchors = Anchors(some, points[rows], state["metric"], state["neighbors"])
    return {
        **{name: state[name] for name in ("method", "metric", "seed", "neighbors", "sampled")},
        "vectors": made,
        "measure": by.words,
        "prepare": by.prepare,
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
