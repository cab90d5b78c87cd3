"""Facts as pictures: what `explore` found, handed to the report; vectors, handed to plotly.

This module must not know how a picture is drawn, which is `draw`.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vecwise import __version__
from vecwise.draw import words
from vecwise.draw.figures import scatter_figure, to_plotly
from vecwise.draw.report import Neighborhood, Report, Table, report_html
from vecwise.errors import EmptyInput, OutOfRange, unknown
from vecwise.explore import Facts, oddities, readable, score_words
from vecwise.kernels.arrays import dense
from vecwise.kernels.arrow import whole_numbers
from vecwise.measure.components import Components, pca
from vecwise.measure.similarity import cosine, dot
from vecwise.store.durable import write_text
from vecwise.table_text import count
from vecwise.vectors import Vectors

MOST_POINTS: Final = 25_000  # more points than this slow a browser's hover down
MOST_PICTURES: Final = 10_000  # images shown with their pictures, at about half a kilobyte each
MOST_TABLE_ROWS: Final = 50
TELLING_NAMES: Final = (
    "label",
    "class",
    "target",
    "category",
    "species",
    "genre",
    "topic",
    "group",
    "type",
    "price",
    "y",
)


def on_three_axes(fitted: Components, X: Vectors) -> tuple[np.ndarray, list[str]]:
    """Place rows on up to three components, `(rows, 3)` float32, the missing ones zero; gives the names of the axes."""
    drawn = dense(fitted(X).values)
    points = np.zeros((len(X), 3), np.float32)
    points[:, : drawn.shape[1]] = drawn
    return points, [f"component {i + 1}" for i in range(drawn.shape[1])] + [""] * (3 - drawn.shape[1])


def write_report(
    path: str, facts: Facts, *, name: str, rows: int, color: str | None, command: str, seed: int
) -> None:
    """Write the report durably: the old file stays whole until the new one is."""
    write_text(
        path, report_html(report_of(facts, name=name, rows=rows, color=color, command=command, seed=seed))
    )


def report_of(facts: Facts, *, name: str, rows: int, color: str | None, command: str, seed: int) -> Report:
    """Gather what the report shows; above 25,000 rows the points are a seeded sample."""
    X = facts.vectors
    most = MOST_PICTURES if X.picture_of(0) is not None else MOST_POINTS
    keep = np.arange(len(X))
    if len(X) > most:
        keep = np.sort(np.random.default_rng(seed).choice(len(X), most, replace=False))
    drawn = [X.picture_of(row) for row in keep.tolist()]
    return Report(
        title=name,
        headline=_headline(facts),
        facts=_facts(facts, rows),
        points=facts.points[keep],
        axes=_axes(facts),
        loadings=[] if facts.components is None or X.space.features is None else facts.components.loadings(6),
        ids=X.ids[keep].tolist(),
        columns=cells_of_rows(X, keep),
        color=color or _color(facts),
        total=rows,
        norms={"L1": facts.health.l1, "L2": facts.health.l2},
        tables=_tables(facts),
        neighborhoods=_neighborhoods(facts),
        measure=facts.view.words,
        pictures=[picture for picture in drawn if picture is not None],
        made=" · ".join(part for part in (f"vecwise {__version__}", X.space.name, command) if part),
    )


def plot_vectors(X: Vectors, *, color: str | None, dim: int) -> Any:
    """Draw vectors as a plotly Figure; see `vecwise.plot`."""
    if dim not in (2, 3):
        raise OutOfRange(f"A picture has 2 or 3 dimensions, not {dim}.")
    names = [] if X.rows is None else X.rows.column_names
    if color is not None and color not in names:
        raise unknown("column", color, names)
    if not len(X):
        raise EmptyInput("There are no rows to draw.")
    points, axes = _projected(X, dim)
    values = None if color is None else cells_of(X.rows.column(color))  # type: ignore[union-attr]
    text = [f"{i}" for i in X.ids.tolist()]
    title = f"{count(len(X), 'vector')} of {X.space.name or 'your own'}"
    return to_plotly(
        scatter_figure(points, axes, text=text, color_name=color, color_values=values, title=title)
    )


def _projected(X: Vectors, dim: int) -> tuple[np.ndarray, list[str]]:
    if X.space.dim == dim:  # what has as many dimensions as the picture is shown as it is
        return dense(X.values), list(X.space.feature_names())
    fitted = pca(X, k=dim)
    made = dense(fitted(X).values)
    points = np.zeros((len(X), dim))
    points[:, : made.shape[1]] = made
    return points, _axis_words(fitted.explained_variance_ratio, dim)


def _axis_words(ratio: np.ndarray, dim: int) -> list[str]:
    kept = [*ratio.tolist(), *([0.0] * dim)][:dim]
    return [f"component {i}, {words.share(part)} of the variance" for i, part in enumerate(kept, start=1)]


def _axes(facts: Facts) -> list[str]:
    ratio = np.zeros(0) if facts.components is None else facts.components.explained_variance_ratio
    return _axis_words(ratio, 3)


def _headline(facts: Facts) -> str:
    """The finding: of texts, the two that are closest; of a table, how much of it a picture can show."""
    X = facts.vectors
    start = f"{words.count(len(X), 'row')}, {words.count(X.shape[1], 'dimension')}"
    if facts.view.metric == "cosine" and facts.closest is not None:
        ids = X.ids[[facts.closest.left, facts.closest.right]].tolist()
        score = score_words(facts.view.metric, facts.closest.score)
        return f"{start}; rows {ids[0]} and {ids[1]} are closest: {score}"
    if facts.components is None:
        return start
    return f"{start}; {_kept(facts.components, 'component')}"


def _kept(fitted: Components, thing: str, of: str = "") -> str:
    """How much of the variance the components show: "3 components keep 50% of the variance"."""
    ratio = fitted.explained_variance_ratio
    if not ratio.sum():
        return "all rows are equal: there is no variance"
    keep = "keeps" if len(ratio) == 1 else "keep"
    return f"{words.count(len(ratio), thing)} {keep} {words.share(float(ratio.sum()))} of the variance{of}"


def _facts(facts: Facts, rows: int) -> list[tuple[str, str]]:
    X, found = facts.vectors, facts.health
    kind = "sparse" if found.sparse else "dense"
    told = [
        (
            "Rows",
            words.count(rows, "row") + ("" if rows == len(X) else f", of which {len(X):,} were sampled"),
        ),
        ("Vectors", f"{len(X):,} × {X.shape[1]:,} {kind} {found.dtype}, {words.share(found.density)} filled"),
        ("Encoder", X.space.name or "your own vectors"),
    ]
    for name in ("l1", "l2"):
        low, middle, high = (words.number(v) for v in found.norms[name])
        told.append((f"{name.upper()} norm", f"from {low} to {high}, median {middle}"))
    told.append(("Measure", f"{found.advice[0].upper()}{found.advice[1:]}."))
    if facts.components is not None:
        of = " of the standardized columns" if found.mixed_units else ""
        kept = _kept(facts.components, "component", of)
        told.append(("Components", f"{kept[0].upper()}{kept[1:]}."))
    told.append(("To look at", " ".join([oddities(found), *facts.notes])))
    for label, pair in (("Closest pair", facts.closest), ("Farthest pair", facts.farthest)):
        if pair is not None:
            both = f"{facts.row(pair.left, 80)} and {facts.row(pair.right, 80)}"
            told.append((label, f"{score_words(facts.view.metric, pair.score)}: {both}"))
    return told


def cells_of_rows(X: Vectors, keep: np.ndarray) -> dict[str, list[Any]]:
    """Give the columns of these rows that a page shows, as plain cells."""
    if X.rows is None:
        return {}
    rows = X.rows if len(keep) == len(X) else X.rows.take(whole_numbers(keep))
    return {name: cells_of(rows.column(name)) for name in readable(rows.schema)}


def cells_of(column: Any) -> list[Any]:
    """Cells that JSON can hold: dates as ISO text, anything unusual as text."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_date(column.type):
        column = pc.cast(column, pa.string())
    if types.is_decimal(column.type):
        column = pc.cast(column, pa.float64())
    cells: list[Any] = column.to_pylist()
    if types.is_integer(column.type) or types.is_floating(column.type) or types.is_boolean(column.type):
        return cells
    return [c if c is None or isinstance(c, str) else _text(c) for c in cells]


def _text(cell: Any) -> str:
    return cell.isoformat(sep=" ") if isinstance(cell, datetime.datetime) else str(cell)


def _color(facts: Facts) -> str | None:
    """The column to colour by at first: one named like a label, else the one that loads most, else the first."""
    rows = facts.vectors.rows
    if rows is None:
        return None
    names = readable(rows.schema)
    named = named_like_a_label(names)
    if named is not None:
        return named
    if facts.components is not None and facts.vectors.space.features is not None:
        for feature, _ in facts.components.loadings(1)[0]:
            if feature in rows.column_names:
                return feature
    others = [name for name in names if name not in facts.shown]
    return others[0] if others else None


def named_like_a_label(names: Sequence[str]) -> str | None:
    """The column that is named as labels and prices usually are, if there is one."""
    known = {name.casefold(): name for name in names}
    return next((known[name] for name in TELLING_NAMES if name in known), None)


def _tables(facts: Facts) -> list[Table]:
    X = facts.vectors
    if not 1 < len(X) <= MOST_TABLE_ROWS:
        return []
    ids = X.ids.tolist()
    labels = [f"{ids[i]} {facts.row(i, 60).strip('“”')}" for i in range(len(X))]
    named = (("inner product", dot(X)), ("cosine", cosine(X)))
    return [Table(name, labels, table.values) for name, table in named]


def _neighborhoods(facts: Facts) -> list[Neighborhood]:
    told = []
    for place, near in facts.neighbors:
        answers = [(None if np.isnan(score) else float(score), facts.row(p)) for p, score in near]
        told.append(Neighborhood(facts.row(place), answers))
    return told
