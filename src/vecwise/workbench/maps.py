"""The map of a file: a page to look at, and a table keyed by row id.

This module must not know how its answers are printed.
"""

from __future__ import annotations

import warnings
from typing import Any, Final

from vecwise.draw.words import count
from vecwise.errors import unknown
from vecwise.loading import load
from vecwise.telling.answer import Answer
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name

FEW: Final = 50  # rows, below which bending space gains next to nothing


@tracked("map")
def map_of(
    path: str,
    *,
    html: str | None = None,
    csv: str | None = None,
    parquet: str | None = None,
    method: str = "pca",
    dim: int = 3,
    metric: str = "auto",
    neighbors: int = 15,
    color: str | None = None,
    sample: int | None = None,
    seed: int = 0,
    command: str = "",
    **options: Any,
) -> Answer:
    """Lay the rows of a PATH out, write the page and the tables that have a path, and tell how faithful it is."""
    from vecwise.map_pictures import write_map
    from vecwise.structure.layout import layout
    from vecwise.structure.layout_methods import LIMITS
    from vecwise.telling.mapped import mapped

    refuse_overwriting(path, html, csv, parquet)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = load(path, sample=sample, seed=seed, **options)
    X, name = made.vectors, display_name(path)
    if color is not None and (X.rows is None or color not in X.rows.column_names):
        raise unknown("column", color, [] if X.rows is None else X.rows.column_names)
    drawn = layout(X, dim=dim, method=method, metric=metric, neighbors=neighbors, seed=seed)
    labels = {} if color is None or X.rows is None else {_label(color): X.rows.column(color)}
    notes = tuple(dict.fromkeys(str(warning.message) for warning in caught))
    if method in LIMITS and len(X) < FEW:
        notes += (
            f"Of {count(len(X), 'row')} the components show nearly as much, and at once: --method pca.",
        )
    if csv is not None:
        drawn.to_csv(csv, labels)
    if parquet is not None:
        drawn.to_parquet(parquet, labels)
    if html is not None:
        write_map(html, drawn, X, name=name, rows=made.total, measure=drawn.measure, color=color, plan=made.plan,
                  command=command, notes=notes)  # fmt: skip
    return mapped(
        name, made.total, drawn, drawn.measure, {"html": html, "csv": csv, "parquet": parquet}, notes
    )


def _label(color: str) -> str:
    taken = ("id", "x", "y", "z", "neighbors_kept", "trustworthiness")
    return f"{color} (column)" if color in taken else color
