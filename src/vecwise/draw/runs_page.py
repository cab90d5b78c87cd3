"""The page of many runs: columns to sort by, lines to compare, curves, and the charts of each.

This module must not know how runs are recorded: everything in it is given as numbers and words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from vecwise.draw.columns import Column, read_column
from vecwise.draw.pack import pack_array
from vecwise.draw.page import page_html
from vecwise.draw.run_figures import chart_figure
from vecwise.draw.theme import PALETTES, VIRIDIS, template
from vecwise.errors import WrongShape

POINTS: Final = 400  # of a curve: more than a screen shows


@dataclass(frozen=True, slots=True)
class PageColumn:
    """One column of the table, a cell for each run: `group` is "run", "metric", "parameter" or "tag"."""

    group: str
    name: str
    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric of one run by its steps; `row` is the place of the run."""

    row: int
    name: str
    steps: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class RunsPage:
    """Everything the page says. The first column names the runs, and there are columns "run", "kind" and "name".

    `shown` and `axes` are places of columns: those of the table, and those of the parallel coordinates. `details`
    are label and text, a list for each run; `charts` what `track` kept, by the place of the run; `left` says of a
    run what the page leaves out; `notes` say it of the page.
    """

    title: str
    headline: str
    facts: list[tuple[str, str]]
    notes: list[str]
    columns: list[PageColumn]
    shown: list[int]
    axes: list[int]
    details: list[list[tuple[str, str]]]
    charts: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    curves: Sequence[Curve] = ()
    curves_note: str = ""
    left: Mapping[int, str] = field(default_factory=dict)
    made: str = ""


def runs_html(page: RunsPage) -> str:
    """Give a self-contained HTML page: it opens offline, and nothing in its data can run.

    The same runs give the same page. Raises `WrongShape` where columns and runs differ in number, `MissingPackage`
    without plotly.

    >>> columns = [PageColumn("run", name, ["a1b2"]) for name in ("run", "kind", "name")]
    >>> page = RunsPage("runs", "One run", [], [], columns, [0, 1], [], [[("began", "today")]])
    >>> runs_html(page).startswith("<!doctype html>")
    True
    """
    return page_html(page_data(page), "runs")


def page_data(page: RunsPage) -> dict[str, Any]:
    """Give the data of the page, ready for JSON: numbers packed, charts as figures."""
    total = len(page.details)
    for column in page.columns:
        if len(column.values) != total:
            raise WrongShape(f"Column `{column.name}` has {len(column.values):,} cells for {total:,} runs.")
    charts = {row: _charts(kept) for row, kept in page.charts.items()}
    names = list(dict.fromkeys(curve.name for curve in page.curves))
    place = {name: number for number, name in enumerate(names)}
    return {
        "title": page.title,
        "headline": page.headline,
        "facts": page.facts,
        "notes": page.notes,
        "total": total,
        "columns": [_packed(column) for column in page.columns],
        "shown": page.shown,
        "axes": page.axes,
        "details": page.details,
        "left": {str(row): text for row, text in page.left.items()},
        "charts": {"rows": list(charts), "of": list(charts.values())},
        "curves": {
            "names": names,
            "list": [[curve.row, place[curve.name], *_thinned(curve)] for curve in page.curves],
            "note": page.curves_note,
        },
        "look": {
            "templates": {mode: template(mode) for mode in ("light", "dark")},
            "categories": {mode: PALETTES[mode].categories for mode in ("light", "dark")},
            "rest": {mode: PALETTES[mode].rest for mode in ("light", "dark")},
            "viridis": VIRIDIS,
        },
        "made": page.made,
    }


def _packed(column: PageColumn) -> dict[str, Any]:
    read: Column = read_column(column.name, column.values)
    packed: dict[str, Any] = {"name": read.name, "kind": read.kind, "group": column.group}
    if read.numbers is not None:
        packed["numbers"] = pack_array(read.numbers)
    if read.codes is not None:
        packed |= {"words": read.words, "codes": pack_array(read.codes)}
    return packed


def _charts(kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    drawn = (chart_figure(name, data) for name, data in kept.items())
    return [{"title": title, "figure": figure} for title, figure in filter(None, drawn)]


def _thinned(curve: Curve) -> tuple[dict[str, str], dict[str, str]]:
    """At most 400 points: in each stretch of steps the least and the greatest, so that no peak is lost."""
    order = np.argsort(curve.steps, kind="stable")
    steps, values = curve.steps[order].astype(np.float64), curve.values[order].astype(np.float64)
    if len(steps) > POINTS:
        parts = np.array_split(np.arange(1, len(steps) - 1), POINTS // 2 - 1)
        peaks = {int(part[find(values[part])]) for part in parts for find in (np.argmin, np.argmax)}
        keep = np.array(sorted({0, len(steps) - 1, *peaks}))
        steps, values = steps[keep], values[keep]
    return pack_array(steps), pack_array(values)
