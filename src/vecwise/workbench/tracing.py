"""A kept model looked at from inside, on the rows of a file.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from vecwise.encoders.base import Encoder
from vecwise.errors import FileMissing, Inapplicable, unknown
from vecwise.loading import load, names_of, read_rows_by, vectors_already
from vecwise.models.chained import ChainModel, open_model
from vecwise.models.skops_files import estimator_of
from vecwise.models.stages import stages_of
from vecwise.models.trace import BATCH, trace
from vecwise.store import datasets, encoder_folders
from vecwise.store.os_errors import os_errors
from vecwise.storing import open_encoder
from vecwise.telling.answer import Answer
from vecwise.telling.traced import traced
from vecwise.tracking.registry import names_a_model, resolve_model
from vecwise.vectors import Vectors
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name

_WEIGHTS: Final = (".pt", ".pth", ".bin", ".ckpt", ".safetensors", ".onnx", ".h5")


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


def model_at(path: str) -> Any:
    """Open a kept model: a folder, a .skops file, a saved encoder, or `models:/NAME@alias`."""
    place = Path(resolve_model(path) if names_a_model(path) else path)
    if place.suffix.lower() in _WEIGHTS:
        raise Inapplicable(
            f"{place} holds weights without the code that computes with them, so it cannot be run from here. "
            "Trace a torch model from Python: vw.trace(model, rows)."
        )
    if place.is_file():
        with os_errors(place, "read"):
            return estimator_of(place.read_bytes(), str(place))
    if not place.is_dir():
        raise FileMissing(f"There is no model at {place}.")
    if encoder_folders.is_encoder_folder(place) or datasets.is_dataset(place):
        return open_encoder(place)
    return open_model(place)


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
    """Bare numbers of a file take the axes of the model."""
    bare = X.space.kind == "own" and isinstance(opened, ChainModel) and opened.space.kind == "own"
    if bare and X.space.dim == opened.space.dim:
        return Vectors(X.values, X.ids, X.rows, opened.space)
    if isinstance(opened, Encoder) or (stages_of(opened).rows and not isinstance(opened, ChainModel)):
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
