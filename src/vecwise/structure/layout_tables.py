"""A layout as a table keyed by row id, and as a figure.

This module must not know how a layout was made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vecwise.draw.figures import scatter_figure, to_plotly
from vecwise.draw.words import cell
from vecwise.errors import DuplicateName, WrongShape, some, unknown
from vecwise.kernels.arrow import whole_numbers
from vecwise.vectors import Vectors

if TYPE_CHECKING:
    import pyarrow as pa

MOST_DRAWN: Final = 25_000  # more points than this slow a browser's hover down
SCORES: Final = ("neighbors_kept", "trustworthiness")


def layout_table(made: Any, labels: dict[str, Any]) -> pa.Table:
    """Give `id`, the coordinates, the scores of each row (null where there is none), and `labels`."""
    import pyarrow as pa

    columns = {"id": pa.array(made.ids, pa.string() if made.ids.dtype == object else pa.int64())}
    for name, axis in zip("xyz", made.coordinates.T, strict=False):
        columns[name] = pa.array(axis, pa.float32(), from_pandas=True)
    scores = made.faithfulness.rows_neighbors_kept, made.faithfulness.rows_trustworthiness
    for name, values in zip(SCORES, scores, strict=True):
        columns[name] = pa.array(values, pa.float64(), from_pandas=True)
    taken = [name for name in labels if name in columns]
    if taken:
        raise DuplicateName(
            f"The table has columns of these names already: {some(taken)}. Rename the labels."
        )
    for name, values in labels.items():
        columns[name] = values if isinstance(values, pa.ChunkedArray) else pa.array(values)
        if len(columns[name]) != len(made.ids):
            raise WrongShape(f"`{name}` has {len(columns[name]):,} values for {len(made.ids):,} rows.")
    return pa.table(columns)


def layout_figure(made: Any, color: Any) -> Any:
    """Draw the points that have a place; see `Layout.plot`."""
    name, values = _colors(made, color)
    keep = np.flatnonzero(np.isfinite(made.coordinates[:, 0]))
    if len(keep) > MOST_DRAWN:
        keep = np.sort(np.random.default_rng(made.seed).choice(keep, MOST_DRAWN, replace=False))
    chosen = None if values is None else [values[i] for i in keep.tolist()]
    drawn = "" if len(keep) == made.placed else f"; a sample of {len(keep):,} is drawn"
    figure = scatter_figure(
        made.coordinates[keep],
        made.axes,
        text=_hover(made.vectors, keep),
        color_name=name,
        color_values=chosen,
        title=f"{made.words[0]}: {made.faithfulness.words}{drawn}",
    )
    return to_plotly(figure)


def _colors(made: Any, color: Any) -> tuple[str | None, Any]:
    if color is None:
        return None, None
    if not isinstance(color, str):
        values = list(color)
        if len(values) != len(made.ids):
            raise WrongShape(f"`color` has {len(values):,} values for {len(made.ids):,} rows.")
        return "color", values
    if color in SCORES:
        scores = getattr(made.faithfulness, f"rows_{color}")
        return color.replace("_", " "), [None if np.isnan(v) else v for v in scores.tolist()]
    rows = made.vectors.rows
    names = [] if rows is None else rows.column_names
    if color not in names:
        raise unknown("column", color, [*names, *SCORES])
    return color, rows.column(color).to_pylist()


def _hover(X: Vectors, keep: np.ndarray) -> list[str]:
    """What is read on hover: the row's id, and its cells where it has some."""
    names = [str(i) for i in X.ids[keep].tolist()]
    if X.rows is None:
        return names
    rows = X.rows.select(X.rows.column_names[:4]).take(whole_numbers(keep)).to_pylist()
    return [
        f"{name}: {', '.join(cell(value) for value in row.values())}"
        for name, row in zip(names, rows, strict=True)
    ]
