"""The rows of several spaces as points, each picture turned to lie on the one before, and these as one figure.

This module must not know models, files or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from vecwise.draw.figures import Figure, scatter_figure
from vecwise.measure.components import pca
from vecwise.measure.views import advised
from vecwise.models.alignment import procrustes
from vecwise.vectors import Vectors

MOST_POINTS: Final = 5_000


def laid(layers: Mapping[str, Vectors], keep: np.ndarray, dim: int = 2) -> list[np.ndarray]:
    """Give the rows of every layer as points `(rows, 3)`, of one size, each turned to lie best on the one before."""
    made: list[np.ndarray] = []
    for X in layers.values():
        points = np.zeros((len(keep), 3))
        shown = comparable(X[keep])
        if len(keep) > 1:
            drawn = np.asarray(pca(shown, k=min(dim, X.space.dim))(shown).values, np.float64)
            points[:, : drawn.shape[1]] = drawn
        size = float(np.abs(points).max(initial=0.0))
        points = points / size if size > 0 else points
        spread = float(np.sqrt((points**2).sum(axis=1).mean()))
        points = points / spread if spread > 0 else points
        if made and spread > 0:
            turn = procrustes(made[-1][:, :dim], points[:, :dim]).rotation
            points[:, :dim] = points[:, :dim] @ turn
        made.append(points.astype(np.float32))
    return made


def comparable(X: Vectors) -> Vectors:
    """Give vectors as they are drawn, without their rows: those of mixed units standardized, as they are compared."""
    X = Vectors(X.values, X.ids, None, X.space)
    if advised(X) != "standardized":
        return X
    from vecwise.measure.standardized import standardize

    return standardize(X)


def sliding_figure(
    layers: Mapping[str, Vectors],
    keep: np.ndarray,
    *,
    color_name: str | None,
    color_values: Sequence[Any] | None,
) -> Figure:
    """Draw the rows `keep` of every layer, with a slider from layer to layer where there are several."""
    names = list(layers)
    ids = next(iter(layers.values())).ids[keep].tolist()
    drawn = [
        scatter_figure(points[:, :2], ["direction 1", "direction 2"], text=[str(i) for i in ids],
                       color_name=color_name, color_values=color_values, title=name)
        for name, points in zip(names, laid(layers, keep), strict=True)
    ]  # fmt: skip
    data = [dict(part, visible=not place) for place, one in enumerate(drawn) for part in one["data"]]
    owner = [place for place, one in enumerate(drawn) for _ in one["data"]]
    ends = np.array([[one["layout"][axis]["range"] for axis in ("xaxis", "yaxis")] for one in drawn])
    layout = dict(drawn[0]["layout"])
    for place, axis in enumerate(("xaxis", "yaxis")):  # one frame for all, so that what moves is the rows
        layout[axis] = layout[axis] | {
            "range": [float(ends[:, place, 0].min()), float(ends[:, place, 1].max())]
        }
    if len(names) > 1:
        steps = [
            {"label": name, "method": "update",
             "args": [{"visible": [one == place for one in owner]}, {"title": drawn[place]["layout"]["title"]}]}
            for place, name in enumerate(names)
        ]  # fmt: skip
        layout["sliders"] = [{"steps": steps, "active": 0, "currentvalue": {"prefix": "layer: "}}]
        layout["margin"] = layout.get("margin", {}) | {"t": 60, "b": 120}
    return {"data": data, "layout": layout}
