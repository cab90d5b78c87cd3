"""An encoder learned from labels or pairs of a file's rows: saved, told and drawn.

This module must not know how its answers are printed.
"""

from __future__ import annotations

from typing import Any, Final

from vecwise.encoders.fitted import FittedEncoder
from vecwise.errors import Inapplicable, unknown
from vecwise.loading import is_saved, load, vectors_already
from vecwise.models.fit_encoder import taught
from vecwise.models.sources import without_target
from vecwise.storing import save
from vecwise.telling.answer import Answer
from vecwise.telling.learned import told_learned
from vecwise.vectors import Vectors
from vecwise.verbs import chain
from vecwise.workbench.outputs import refuse_overwriting
from vecwise.workbench.tracked import tracked
from vecwise.workbench.views import display_name

_CHECKED: Final = ("seed", "sample", "progress")


@tracked("fit-encoder")
def fit_encoder_of(
    path: str,
    *,
    folder: str,
    labels: str | None = None,
    pairs: str | None = None,
    kind: str = "linear",
    dim: int | None = None,
    held_out: float = 0.2,
    html: str | None = None,
    seed: int = 0,
    progress: Any = None,
    learning: Any = None,
    command: str = "",
    **options: Any,
) -> Answer:
    """Learn from the column `labels` or a file of `pairs`; `folder` gets the encoder of new rows, helpful or not.

    `html` gets a page of the rows before and after. The status is 1 where held-out rows are not clearly found better.
    """
    from vecwise.store.sources import read

    refuse_overwriting(path, folder, html)
    if (labels is None) == (pairs is None):
        raise Inapplicable("An encoder is learned from --labels or from --pairs: give one of them.")
    given = None if pairs is None else read(pairs)
    if pairs is not None:
        refuse_overwriting(pairs, folder, html)
    X = _vectors(path, labels, {"seed": seed, "progress": progress, **options})
    found, lessons = taught(
        X, labels=labels, pairs=given, kind=kind, dim=dim, held_out=held_out, seed=seed, progress=learning
    )
    save(FittedEncoder.of(found if X.encoder is None else chain(X.encoder, found)), folder)
    if html is not None:
        from vecwise.stage_pictures import learned_report, write_page

        page = learned_report(
            found, X, lessons.held_rows, name=display_name(path), command=command, seed=seed
        )
        write_page(html, page)
    return told_learned(display_name(path), found, X, {"encoder": folder, "html": html})


def _vectors(path: str, labels: str | None, options: dict[str, Any]) -> Vectors:
    """The vectors of rows, the labels left out of them."""
    checked = {name: value for name, value in options.items() if name not in _CHECKED}
    ready = (
        path.startswith("runs:/")
        or is_saved(options.get("encoder"))
        or vectors_already(path, sample=options.get("sample"), **checked)
    )
    if labels is not None and not ready:
        options = {**options, "leave_out": (labels,)}
    X = load(path, **options).vectors
    if labels is not None:
        if X.rows is None:
            raise Inapplicable(
                f"There is no column `{labels}`: these vectors carry no rows. Give a table, or vectors saved with "
                "their rows."
            )
        if labels not in X.rows.column_names:
            raise unknown("column", labels, X.rows.column_names)
        without_target(X, labels)
    return X
