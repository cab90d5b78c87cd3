"""Which encoder serves a file's rows best, told.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from typing import Any

from vecwise.errors import Inapplicable, unknown
from vecwise.loading import is_saved, read_rows_by, vectors_already
from vecwise.models.candidates import Reading
from vecwise.storing import open_encoder
from vecwise.telling.answer import Answer
from vecwise.telling.chosen import told_choice
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name

_NO_USE = {
    "settings": "--set",
    "passages": "--passages",
    "vectors": "--vectors",
    "encoder": "--encoder",
}


@tracked("choose")
def choose_of(
    path: str,
    *,
    target: str | None = None,
    pairs: str | None = None,
    encoders: str = "auto",
    folds: int = 5,
    group: str | None = None,
    order: str | None = None,
    csv: str | None = None,
    seed: int = 0,
    progress: Any = None,
    **options: Any,
) -> Answer:
    """Compare encoders on the rows of a PATH by a column, by a file of judged pairs, or by their agreement.

    `csv` gets the leaderboard.
    """
    from vecwise.models.choose import Question, chosen
    from vecwise.store.sources import read

    refuse_overwriting(path, csv)
    for name, option in _NO_USE.items():
        if options.get(name) not in (None, {}, "auto"):
            raise Inapplicable(
                f"`{option}` would have no effect: several encoders are tried. Name them by --encoders."
            )
    if vectors_already(path, sample=options.get("sample")):
        raise Inapplicable(
            f"`{path}` holds vectors, which are encoded already: there is no encoder to choose."
        )
    table, own, _ = read_rows_by({**options, "seed": seed}, path)
    for column in (target, group, order, options.get("ids")):
        if column is not None and column not in table.column_names:
            raise unknown("column", column, table.column_names)
    judged = None if pairs is None else read(pairs)
    ids = options.get("ids") or own
    asked = Question(_encoders(encoders), target, judged, folds, group, order, ids, seed)
    reading = Reading(options.get("columns"), options.get("text"), options.get("missing"))
    found = chosen(table, asked, reading, progress, path=path)
    if csv is not None:
        _write(found, csv)
    return told_choice(display_name(path), found, {"csv": csv})


def _encoders(names: str) -> Any:
    """The candidates that are named, a saved encoder by its folder."""
    if names == "auto":
        return names
    listed = [name.strip() for name in names.split(",") if name.strip()]
    return {name: open_encoder(name) if is_saved(name) else name for name in listed}


def _write(found: Any, target: str) -> None:
    import pyarrow as pa

    from vecwise.models.leaderboard import one_as_data
    from vecwise.store.row_files import write_rows

    write_rows(pa.Table.from_pylist([one_as_data(one) for one in (*found.ranked, *found.failed)]), target)
