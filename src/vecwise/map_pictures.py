"""A layout as a page: the map of a file, with how far it can be believed, handed to the report.

This module must not know how a page is drawn, which is `draw`, nor how a layout was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vecwise import __version__
from vecwise.draw import words
from vecwise.draw.figures import LABELLED
from vecwise.draw.report import Report, report_html
from vecwise.encoders.guess import Plan
from vecwise.explore import readable, shown_columns
from vecwise.kernels.arrow import whole_numbers
from vecwise.pictures import MOST_PICTURES, MOST_POINTS, cells_of_rows, named_like_a_label
from vecwise.store.durable import write_text
from vecwise.structure.layout import Layout
from vecwise.structure.layout_methods import NAMES
from vecwise.vectors import Vectors

KEPT: Final = "neighbours kept"
TRUST: Final = "trustworthiness"


def write_map(path: str, made: Layout, X: Vectors, **told: Any) -> None:
    """Write the page durably: the old file stays whole until the new one is."""
    write_text(path, report_html(map_report(made, X, **told)))


def map_report(
    made: Layout,
    X: Vectors,
    *,
    name: str,
    rows: int,
    measure: str,
    color: str | None,
    plan: Plan | None,
    command: str,
    notes: Sequence[str] = (),
) -> Report:
    """Gather what the page shows of a layout of X: above 25,000 rows a seeded sample, the measured rows first."""
    keep = drawn_rows(made, MOST_PICTURES if X.picture_of(0) is not None else MOST_POINTS)
    points = np.zeros((len(keep), 3), np.float32)
    points[:, : made.dim] = made.coordinates[keep]
    drawn = [X.picture_of(row) for row in keep.tolist()]
    columns = cells_of_rows(X, keep)
    scores = {KEPT: made.faithfulness.rows_neighbors_kept, TRUST: made.faithfulness.rows_trustworthiness}
    for score, values in scores.items():
        columns[_free(score, columns)] = [None if np.isnan(v) else v for v in values[keep].tolist()]
    straight = made.components is not None
    features = X.space.features is not None
    return Report(
        title=name,
        headline=headline(made),
        facts=_facts(made, X, rows, measure, notes),
        points=points,
        axes=[*made.axes, ""][:3],
        loadings=made.components.loadings(6) if made.components is not None and features else [],
        ids=X.ids[keep].tolist(),
        columns=columns,
        color=color or _color(X, columns),
        total=rows,
        norms={},
        tables=[],
        neighborhoods=[],
        measure=measure,
        pictures=[picture for picture in drawn if picture is not None],
        made=" · ".join(part for part in (f"vecwise {__version__}", X.space.name, command) if part),
        labels=_labels(X, plan, keep) if len(keep) <= LABELLED else (),
        axis="component" if straight else "axis",
        plane=not points[:, 2].any(),
    )


def headline(made: Layout) -> str:
    """The finding: how the rows were laid out, and how far to believe it."""
    how = "as they are" if made.method == "as is" else f"by {NAMES[made.method]}"
    return f"{words.count(len(made.ids), 'row')} {how} in {made.dim} dimensions: {made.faithfulness.words}"


def drawn_rows(made: Layout, most: int) -> np.ndarray:
    """The rows of a page, in order: all that have a place, or so many, chosen by the seed, the measured ones first."""
    placed = np.isfinite(made.coordinates[:, 0])
    keep = np.flatnonzero(placed)
    if len(keep) <= most:
        return keep
    shuffled = np.random.default_rng(made.seed).permutation(keep)
    measured = np.isfinite(made.faithfulness.rows_neighbors_kept[shuffled])
    return np.sort(shuffled[np.argsort(~measured, kind="stable")[:most]])


def _labels(X: Vectors, plan: Plan | None, keep: np.ndarray) -> list[str]:
    """The ids of a few rows, and the rows in words where they have some."""
    ids, shown = X.ids[keep].tolist(), shown_columns(X, plan)
    if X.rows is None or not shown:
        return [str(name) for name in ids]
    cells = X.rows.select(shown).take(whole_numbers(keep)).to_pylist()
    told = (words.row(row, shown, 60).strip("“”") for row in cells)
    return [f"{name} {row}" for name, row in zip(ids, told, strict=True)]


def _free(name: str, taken: dict[str, Any]) -> str:
    while name in taken:
        name += " in the picture"
    return name


def _color(X: Vectors, columns: dict[str, list[Any]]) -> str | None:
    """The column to colour by at first: one named like a label, else how faithful each row is, if most rows know."""
    named = named_like_a_label([] if X.rows is None else readable(X.rows.schema))
    if named is not None:
        return named
    score = next(name for name in reversed(columns) if name.startswith(KEPT))
    known = sum(value is not None for value in columns[score])
    return score if 2 * known > len(columns[score]) else None


def _facts(made: Layout, X: Vectors, rows: int, measure: str, notes: Sequence[str]) -> list[tuple[str, str]]:
    found = made.faithfulness
    sampled = "" if rows == len(X) else f", of which {len(X):,} were sampled"
    on = "" if found.measured == made.placed else f" Measured on {words.count(found.measured, 'row')}."
    told = [
        ("Rows", words.count(rows, "row") + sampled),
        ("Vectors", f"{len(X):,} × {X.shape[1]:,} by {X.space.name or 'your own'}"),
        ("Picture", "; ".join(made.words) + "."),
        ("Faithfulness", f"{found.words[0].upper()}{found.words[1:]}.{on}"),
        ("Measure", f"Near means: by {measure}."),
    ]
    if found.measured:
        trust = f"{found.trustworthiness:.3f} of 1: what only looks near costs by its true rank."
        told.insert(4, ("Trustworthiness", trust))
    return told + ([("To look at", " ".join(notes))] if notes else [])
