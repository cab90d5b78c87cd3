"""A kept model looked at from inside, on the rows of a file.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from typing import Any

from vecwise.encoders.base import Encoder
from vecwise.errors import Inapplicable, unknown
from vecwise.given_vectors import names_of
from vecwise.loading import load, read_rows_by, vectors_already
from vecwise.models.chained import ChainModel, taken_by
from vecwise.models.stages import stages_of
from vecwise.models.trace import BATCH, trace
from vecwise.telling.answer import Answer
from vecwise.telling.traced import traced
from vecwise.vectors import Vectors
from vecwise.verbs import with_axes_of
from vecwise.workbench.opening import model_at
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name


@tracked("trace")
def trace_of(
    model: str,
    path: str,
    *,
    target: str | None = None,
    layers: str | None = None,
    k: int = 10,
    html: str | None = None,
    folder: str | None = None,
    batch: int = BATCH,
    ids: str | None = None,
    seed: int = 0,
    progress: Any = None,
    command: str = "",
    **options: Any,
) -> Answer:
    """Tell what the layers of a kept MODEL make of the rows of a PATH; `target` names the column of their labels.

    `html` gets a page whose slider goes from layer to layer, `folder` the vectors of every layer.
    """
    refuse_overwriting(path, html, folder)
    opened = model_at(model)
    rows, labels, names = _rows(opened, path, target, ids, {"seed": seed, **options})
    wanted = None if layers is None else [name.strip() for name in layers.split(",") if name.strip()]
    found = trace(opened, rows, layers=wanted, batch=batch, into=folder, ids=names, progress=progress)
    said = found.summary(labels, k=k, seed=seed, name=target or "")
    if html is not None:
        from vecwise.stage_pictures import trace_report, write_page

        page = trace_report(
            found,
            said,
            name=display_name(path),
            target=target,
            labels=_cells(labels),
            command=command,
            seed=seed,
        )
        write_page(html, page)
    return traced(display_name(path), found, said, {"html": html, "vectors": folder})


def _rows(opened: Any, path: str, target: str | None, ids: str | None, options: dict[str, Any]) -> Any:
    """What the model reads of a file, the labels, and the names of the rows."""
    checked = {k: v for k, v in options.items() if k not in ("seed", "sample")}
    if path.startswith("runs:/") or vectors_already(path, ids=ids, **checked):
        X = load(path, ids=ids, **options).vectors
        return _own(opened, X), _column(X.rows, target), X.ids
    table, own, _ = read_rows_by(options, path)
    names = names_of(table, ids) if ids is not None else own
    labels = _column(table, target)
    if stages_of(opened).rows:
        return _as_learned(opened, table, options.get("text")), labels, names
    X = load(path, ids=ids, **options | _without(table, target, options)).vectors
    return X, labels, X.ids


def _as_learned(opened: Any, table: Any, text: str | None) -> Any:
    """The table whose column `text` stands where an encoder of texts learned to look."""
    wanted = getattr(getattr(opened, "map_", None), "column", None)
    if text is None or wanted in (None, text):
        return table
    return table.select([n for n in table.column_names if n != wanted]).append_column(
        wanted, _column(table, text)
    )


def _without(table: Any, target: str | None, options: dict[str, Any]) -> dict[str, Any]:
    """Every column but the target, unless some are named."""
    if target is None or any(options.get(name) for name in ("columns", "text", "vectors")):
        return {}
    return {"columns": [name for name in table.column_names if name != target]}


def _own(opened: Any, X: Vectors) -> Any:
    """Vectors for a model of vectors, and for one of rows the rows that came with them.

    Bare numbers of a file take the axes of the model.
    """
    takes = stages_of(opened)
    if takes.vectors:
        return with_axes_of(taken_by(opened.map_ if isinstance(opened, Encoder) else opened), X)
    if takes.rows and not isinstance(opened, ChainModel):
        if X.rows is None:
            raise Inapplicable(
                "These vectors carry no rows, and the model reads rows: give it a file of rows."
            )
        return X.rows
    return X


def _column(table: Any, name: str | None) -> Any:
    if name is None:
        return None
    known = [] if table is None else table.column_names
    if name not in known:
        raise unknown("column", name, known)
    return table.column(name)


def _cells(labels: Any) -> list[Any] | None:
    from vecwise.pictures import cells_of

    return None if labels is None else cells_of(labels)
