"""The map of a file: a page to look at, and a table keyed by row id.

This module must not know how its answers are printed.
"""

from __future__ import annotations

import warnings
from typing import Any, Final

from vecwise.draw.words import count
from vecwise.errors import unknown
from vecwise.loading import load
from vecwise.structure.layout import Layout
from vecwise.telling.answer import Answer
from vecwise.tracking.recorder import current
from vecwise.tracking.resolving import kept_layout, names_a_run
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name

FEW: Final = 50  # rows, below which bending space gains next to nothing
MOST_KEPT: Final = 2_000_000  # rows of a layout that a run keeps: 24 MB of coordinates
_USUAL: Final = {"method": "pca", "dim": 3, "metric": "auto", "neighbors": 15}


@tracked("map")
def map_of(
    path: str,
    *,
    html: str | None = None,
    csv: str | None = None,
    parquet: str | None = None,
    method: str | None = None,
    dim: int | None = None,
    metric: str | None = None,
    neighbors: int | None = None,
    color: str | None = None,
    sample: int | None = None,
    seed: int = 0,
    command: str = "",
    **options: Any,
) -> Answer:
    """Lay the rows of a PATH out, write the page and the tables that have a path, and tell how faithful it is.

    `runs:/ID` is the map that a run kept, point for point, unless an option asks for another one.
    """
    from vecwise.map_pictures import write_map
    from vecwise.structure.layout import layout, open_layout
    from vecwise.structure.layout_methods import LIMITS
    from vecwise.telling.mapped import mapped

    refuse_overwriting(path, html, csv, parquet)
    given = {"method": method, "dim": dim, "metric": metric, "neighbors": neighbors}
    kept, how = _kept(path, {**given, "sample": sample, "seed": seed or None}, options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = load(path, sample=sample, seed=seed, **options)
    X, name = made.vectors, display_name(path)
    if color is not None and (X.rows is None or color not in X.rows.column_names):
        raise unknown("column", color, [] if X.rows is None else X.rows.column_names)
    how.pop("seed", None)
    _made_by(how)
    drawn = layout(X, seed=seed, **how) if kept is None else open_layout(kept, X)
    _keep(drawn)
    labels = {} if color is None or X.rows is None else {_label(color): X.rows.column(color)}
    notes = tuple(dict.fromkeys(str(warning.message) for warning in caught))
    if how["method"] in LIMITS and len(X) < FEW:
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


def _kept(path: str, given: dict[str, Any], options: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The folder of the layout that a run kept, if what is given asks for no other, and how rows are laid out."""
    asked = {name: value for name, value in given.items() if value is not None}
    how = {**_USUAL, **{name: value for name, value in asked.items() if name in _USUAL}}
    found = kept_layout(path) if names_a_run(path) else None
    if found is None:
        return None, how
    was = {**_USUAL, **found.options}
    asked |= {name: value for name, value in options.items() if name in ("encoder", "columns", "text", "ids")}
    if any(value not in (None, (), []) and value != was.get(name) for name, value in asked.items()):
        return None, how
    return found.path, {**{name: was[name] for name in _USUAL}, "seed": was.get("seed", 0)}


def _made_by(how: dict[str, Any]) -> None:
    run = current()
    if run is not None:
        run.param(**how)


def _keep(drawn: Layout) -> None:
    """The layout goes with the run, so that `runs:/ID` is this very map."""
    run = current()
    if run is not None and len(drawn.ids) <= MOST_KEPT:
        run.keep("layout", drawn.save)


def _label(color: str) -> str:
    taken = ("id", "x", "y", "z", "neighbors_kept", "trustworthiness")
    return f"{color} (column)" if color in taken else color
