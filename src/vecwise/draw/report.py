"""The report of one file: what it holds, and how that becomes the data of a page.

This module must not know vectors, encoders or files: everything in it is given as numbers and words.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.draw.columns import read_column
from vecwise.draw.figures import CIRCLES, LABELLED, Figure, heatmap_figure, histogram_figure, loadings_figure
from vecwise.draw.findings import along, closest, loading, score, several, spread_of
from vecwise.draw.frames import (
    Frame,
    flat_layout,
    near_frame,
    outside,
    plane_layout,
    space_layout,
    whole_frame,
)
from vecwise.draw.markup import shown
from vecwise.draw.pack import pack_array, pack_column
from vecwise.draw.page import page_html
from vecwise.draw.theme import PALETTES, VIRIDIS, dot, template
from vecwise.errors import EmptyInput, NonFinite, WrongShape, unknown

FLAT_POINTS: Final = 3000  # what SVG draws smoothly where there is no WebGL
TABLE_ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class Table:
    """A labelled square table, drawn as a heat map: `values` has shape (n, n), NaN = no value."""

    name: str
    labels: list[str]
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class Neighborhood:
    """A row in words and the rows nearest to it: (score, row in words), best first; None = no score."""

    query: str
    answers: list[tuple[float | None, str]]


@dataclass(frozen=True, slots=True)
class Stage:
    """The same rows at another place: a title, numbers that are shown with it, and points `(n, 3)`."""

    title: str
    numbers: list[tuple[str, str]]
    points: np.ndarray


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the page says, in numbers and words.

    `points` (n, 3) are the coordinates of the rows shown, `ids` and every list of `columns` stand in
    their order; `total` is the number of rows of the file, of which the points may be a sample.
    `axes` name the three coordinates; `loadings` has, per component, the features that load most on it.
    `norms` holds an array (rows,) per order, of all rows; `tables` at most 50 rows each. `pictures` are PNG
    files, one for each point, where the rows are images. `axis` is what a coordinate is called, and `plane` says
    that the third ones are all zero, so that the picture is one of two dimensions. `labels` stand beside the dots of a
    few rows; without them those of a table do, or the ids. `charts` are titles and figures of a model.
    `stages` are several places of the same rows, between which a slider moves the dots; `points` are the first of them.
    """

    title: str
    headline: str
    facts: list[tuple[str, str]]
    points: np.ndarray
    axes: list[str]
    loadings: list[list[tuple[str, float]]]
    ids: list[int | str]
    columns: dict[str, list[Any]]
    color: str | None
    total: int
    norms: dict[str, np.ndarray]
    tables: list[Table]
    neighborhoods: list[Neighborhood]
    measure: str
    made: str
    pictures: Sequence[bytes] = ()
    axis: str = "component"
    plane: bool = False
    labels: Sequence[str] = ()
    charts: Sequence[tuple[str, Figure]] = ()
    stages: Sequence[Stage] = ()


def report_html(report: Report) -> str:
    """Give a self-contained HTML page: it opens offline, and nothing in its data can run.

    The same report gives the same page. The page is plotly.js (4.8 MB) and about 16 bytes per coordinate
    triple, 3 to 11 per number and the text of the rows. 20,000 rows of 20 columns take about 0.2 s.
    Raises `EmptyInput` without rows, `WrongShape` where lengths differ, `NonFinite` for a point that is
    nowhere, `UnknownName` for a colour that is no column, `MissingPackage` without plotly.

    >>> report = Report(
    ...     title="houses.csv", headline="Two houses", facts=[], points=np.eye(2, 3, dtype=np.float32),
    ...     axes=["component 1", "component 2", "component 3"], loadings=[], ids=[0, 1],
    ...     columns={"price": [1, 2]}, color="price", total=2, norms={}, tables=[], neighborhoods=[],
    ...     measure="cosine", made="by hand")
    >>> report_html(report).startswith("<!doctype html>")
    True
    """
    _check(report)
    return page_html(page_data(report))


def page_data(report: Report) -> dict[str, Any]:
    """Give the data of the page, ready for JSON: words as they are, numbers packed, charts as figures."""
    points = np.ascontiguousarray(report.points, dtype=np.float32)
    columns = [read_column(str(name), values) for name, values in report.columns.items()]
    return {
        "title": report.title,
        "headline": report.headline,
        "facts": report.facts,
        "total": report.total,
        "ids": pack_column(read_column("id", report.ids), ""),
        "columns": [
            pack_column(column, "" if report.stages else along(points, column, report.axis))
            for column in columns
        ],
        "color": None if report.color is None else list(report.columns).index(report.color),
        "map": _map(report, points),
        "look": {
            "templates": {"light": template("light"), "dark": template("dark")},
            "categories": {mode: PALETTES[mode].categories for mode in ("light", "dark")},
            "rest": {mode: PALETTES[mode].rest for mode in ("light", "dark")},
            "accent": {mode: PALETTES[mode].accent for mode in ("light", "dark")},
            "ink": {mode: PALETTES[mode].ink for mode in ("light", "dark")},
            "viridis": VIRIDIS,
        },
        "charts": [_chart(title, figure) for title, figure in report.charts],
        "loadings": [
            _chart(loading(place, pairs), loadings_figure(pairs)) | {"note": axis}
            for place, (pairs, axis) in enumerate(zip(report.loadings, report.axes, strict=False))
            if pairs
        ],
        "norms": [
            _chart(spread_of(name, values), histogram_figure(values, name=f"{name} norm"))
            for name, values in report.norms.items()
        ],
        "tables": [_table(table) for table in report.tables],
        "neighborhoods": [
            {"query": near.query, "answers": [[score(value), words] for value, words in near.answers]}
            for near in report.neighborhoods
        ],
        "measure": report.measure,
        "made": report.made,
        "pictures": [base64.b64encode(picture).decode() for picture in report.pictures],
    }


def _map(report: Report, points: np.ndarray) -> dict[str, Any]:
    sample = np.arange(len(points))
    if len(points) > FLAT_POINTS:
        sample = np.sort(np.random.default_rng(0).choice(len(points), FLAT_POINTS, replace=False))
    every = np.concatenate([points, *(stage.points for stage in report.stages)]).astype(np.float32)
    near, whole = near_frame(every), whole_frame(every)
    flat = _drawing(flat_layout, report.axes, near, whole, len(sample))
    return {
        "points": [pack_array(axis) for axis in points.T],
        "axes": report.axes[:2] if report.plane else report.axes,
        "on": f"{'two' if report.plane else 'three'} {several(report.axis)}",
        "first": f"{several(report.axis)} 1 and 2",
        "plane": report.plane,
        "space": _drawing(
            plane_layout if report.plane else space_layout, report.axes, near, whole, len(points)
        ),
        "flat": flat | {"size": round(1.4 * flat["size"] + 0.6, 1), "rows": pack_array(sample)},
        "far": np.unique(outside(every, near) % len(points)).tolist(),
        "stages": [_stage(stage) for stage in report.stages],
        "labels": _labels(report) if len(points) <= LABELLED else None,
    }


def _stage(stage: Stage) -> dict[str, Any]:
    points = np.ascontiguousarray(stage.points, dtype=np.float32)
    return {"title": stage.title, "numbers": stage.numbers, "points": [pack_array(axis) for axis in points.T]}


def _drawing(
    lay_out: Callable[[Frame, Sequence[str]], Figure], axes: list[str], near: Frame, whole: Frame, dots: int
) -> dict[str, Any]:
    size, alpha = dot(dots)
    frames = {"near": lay_out(near, axes), "whole": lay_out(whole, axes)}
    return frames | {"size": size, "alpha": alpha, "symbol": "circle" if dots <= CIRCLES else "square"}


def _labels(report: Report) -> dict[str, list[str]]:
    """What stands beside the dots of a few rows, for a wide and for a narrow picture."""
    known = [report.labels, *(table.labels for table in report.tables)]
    fitting = [labels for labels in known if len(labels) == len(report.ids)]
    written = fitting[0] if fitting else report.ids
    return {
        name: [shown(label, width) for label in written] for name, width in (("wide", 28), ("narrow", 15))
    }


def _chart(title: str, figure: Figure) -> dict[str, Any]:
    return {"title": title, "figure": figure}


def _table(table: Table) -> dict[str, Any]:
    figure = heatmap_figure(table.values, table.labels, name=table.name)
    scores = [[score(float(value)) for value in line] for line in np.asarray(table.values, dtype=np.float64)]
    cell, margin = (48, 270) if len(table.labels) <= LABELLED else (17, 270)
    width = cell * len(table.labels) + margin
    chart = _chart(closest(table.name, table.labels, table.values), figure)
    return chart | {"name": table.name, "labels": table.labels, "scores": scores, "width": width}


def _check(report: Report) -> None:
    """Refuse what cannot be drawn, naming what was given."""
    rows = len(report.ids)
    if not rows:
        raise EmptyInput("A report needs at least one row; `ids` is empty.")
    if report.points.shape != (rows, 3) or len(report.axes) != 3:
        raise WrongShape(
            f"`points` has shape {report.points.shape} and `axes` {len(report.axes)} names; expected "
            f"({rows}, 3) and 3. Fill missing components with zeros."
        )
    if not np.isfinite(report.points).all():
        bad = int(np.flatnonzero(~np.isfinite(report.points).all(axis=1))[0])
        raise NonFinite(
            f"The point of row `{report.ids[bad]}` is {report.points[bad].tolist()}: it is nowhere to draw."
        )
    for stage in report.stages:
        if stage.points.shape != (rows, 3) or not np.isfinite(stage.points).all():
            raise WrongShape(
                f"Stage `{stage.title}` has points of shape {stage.points.shape}; expected ({rows}, 3), all finite."
            )
    if len(report.pictures) not in (0, rows):
        raise WrongShape(f"There are {len(report.pictures):,} pictures for {rows:,} rows; one each, or none.")
    for name, values in report.columns.items():
        if len(values) != rows:
            raise WrongShape(f"Column `{name}` has {len(values):,} cells for {rows:,} rows.")
    if report.color is not None and report.color not in report.columns:
        raise unknown("column", report.color, list(map(str, report.columns)))
    for table in report.tables:
        side = len(table.labels)
        if table.values.shape != (side, side) or side > TABLE_ROWS:
            raise WrongShape(
                f"Table `{table.name}` has shape {table.values.shape} for {side} labels; "
                f"expected a square of at most {TABLE_ROWS} rows."
            )
