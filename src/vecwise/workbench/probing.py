"""What can be learned from a file's rows, told and drawn.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vecwise.encoders.guess import Plan, plan
from vecwise.errors import Inapplicable, unknown
from vecwise.given_vectors import names_of, vectors_at
from vecwise.loading import is_saved, load, read_rows_by, vectors_already
from vecwise.models.sources import Ready, Source, open_to_new, source_of, without_target
from vecwise.telling.answer import Answer
from vecwise.telling.probed import told_probe
from vecwise.vectors import Vectors
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name

_ENCODING = ("encoder", "columns", "text", "missing", "vectors", "settings")


@tracked("probe")
def probe_of(
    path: str,
    *,
    target: str,
    model: str = "auto",
    task: str = "auto",
    folds: int = 5,
    group: str | None = None,
    order: str | None = None,
    html: str | None = None,
    csv: str | None = None,
    folder: str | None = None,
    seed: int = 0,
    progress: Any = None,
    command: str = "",
    **options: Any,
) -> Answer:
    """Cross-validate models that predict the column `target` of a PATH from its other columns.

    `csv` gets what was said of every row, `html` a page with the rows on their map, `folder` the best model.
    """
    from vecwise.models.probe import probed

    refuse_overwriting(path, html, csv, folder)
    source, rows, made = _rows(path, (target, group, order), {"seed": seed, **options})
    names = model if model == "auto" else [name.strip() for name in model.split(",") if name.strip()]
    found = probed(
        source, rows, target, model=names, task=task, folds=folds, groups=group, order=order, seed=seed,
        progress=progress,
    )  # fmt: skip
    if folder is not None:
        found.chain().save(folder)
    if csv is not None:
        _write_predictions(found, csv)
    if html is not None:
        from vecwise.probe_pictures import write_probe

        write_probe(html, found, name=display_name(path), command=command)
    return told_probe(display_name(path), found, made, {"html": html, "csv": csv, "model": folder})


def _rows(
    path: str, beside: tuple[str | None, ...], options: dict[str, Any]
) -> tuple[Source, Any, Plan | None]:
    """Where vectors come from, and the table that names of columns are names in: the target is never encoded."""
    named = [name for name in beside if name is not None]
    checked = {key: value for key, value in options.items() if key not in ("seed", "sample")}
    if (path.startswith("runs:/") or is_saved(options.get("encoder"))
            or vectors_already(path, sample=options.get("sample"), **checked)):  # fmt: skip
        X = load(path, **options).vectors
        _has_columns(X, named)
        without_target(X, named[0])
        return Ready(X), X.rows, None
    if options.get("passages") is not None:
        raise Inapplicable(
            "`--passages` makes rows of its own, which have no target of their own. Leave it out."
        )
    table, own, _ = read_rows_by(options, path)
    for name in named:
        if name not in table.column_names:
            raise unknown("column", name, table.column_names)
    ids = options.get("ids")
    chosen = plan(
        table,
        leave_out=_reasons(beside, ids),
        **{key: options[key] for key in _ENCODING if key in options},
    )
    names = own if ids is None else names_of(table, ids)
    if chosen.encoder is None:
        return Ready(vectors_at(table, str(chosen.vectors), names)), table, chosen
    open_to = chosen.encoder if "unknown" in (options.get("settings") or {}) else open_to_new(chosen.encoder)
    return source_of(open_to, table, names), table, chosen


def _reasons(beside: tuple[str | None, ...], ids: str | None) -> dict[str, str]:
    """The columns that are not encoded, and why."""
    named = zip(
        (*beside, ids), ("the target", "groups the rows", "orders the rows", "gives the row ids"), strict=True
    )
    return {name: why for name, why in reversed(list(named)) if name is not None}


def _has_columns(X: Vectors, names: list[str]) -> None:
    if X.rows is None:
        raise Inapplicable(
            f"There is no column `{names[0]}`: these vectors carry no rows. Give a table, or vectors saved with their "
            "rows."
        )
    known = X.rows.column_names
    for name in names:
        if name not in known:
            raise unknown("column", name, known)


def _write_predictions(found: Any, target: str) -> None:
    import pyarrow as pa

    from vecwise.store.row_files import write_rows

    places, truth, said = found.predictions()
    order = np.argsort(places, kind="stable").tolist()
    ids = found.source.all().ids[places[order]].tolist()
    table = pa.table(
        {"id": ids, found.target.name: [truth[i] for i in order], "predicted": [said[i] for i in order]}
    )
    write_rows(table, target)
