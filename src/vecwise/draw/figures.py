"""Pure functions from numbers to plotly figures, as plain dictionaries without a colour of their own.

This module must not know where numbers come from; plotly itself is loaded by `to_plotly` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vecwise.draw.columns import Column, Span, read_column, span
from vecwise.draw.findings import rounded, score
from vecwise.draw.frames import FEW_FAR, flat_layout, space_layout, whole_frame
from vecwise.draw.markup import shown
from vecwise.draw.theme import PALETTES, VIRIDIS, dot, scale, template
from vecwise.draw.words import count
from vecwise.errors import missing_package

Figure = dict[str, Any]

LABELLED: Final = 15  # rows up to which dots carry labels and cells carry numbers
NAMED: Final = 60  # rows up to which a table's edges name them
CIRCLES: Final = (
    3000  # a circle costs plotly's WebGL ten times the triangles of a square, and at 2 pixels looks the same
)


def scatter_figure(
    points: np.ndarray,
    axes: Sequence[str],
    *,
    text: Sequence[str] | None = None,
    color_name: str | None = None,
    color_values: Sequence[Any] | None = None,
    title: str = "",
) -> Figure:
    """Draw points `(n, 2)` or `(n, 3)` as a scatter; `text` (one per point) is read on hover.

    `color_values` (one per point) of numbers or ISO dates are painted in viridis over the middle 96% of
    their range; anything else as categories: the 8 most frequent in a colour each, the others grey.

    >>> figure = scatter_figure(np.eye(3), ["a", "b", "c"], color_name="size", color_values=[1, 2, 4])
    >>> figure["data"][0]["type"], figure["data"][0]["marker"]["color"].tolist()
    ('scatter3d', [1.0, 2.0, 4.0])
    """
    groups: list[tuple[str, np.ndarray, dict[str, Any]]] = [
        ("", np.arange(len(points)), {"color": _accent()})
    ]
    if color_values is not None:
        column = read_column(color_name or "", color_values)
        groups = _painted(column) if column.numbers is not None else _categories(column)
    size, alpha = dot(len(points))
    drawn = []
    for name, rows, paint in groups:
        trace = _dots(points[rows], size=size, alpha=alpha, paint=paint, crowd=len(points))
        hover = [shown(text[row]) for row in rows] if text is not None else None
        trace |= {"name": shown(name, 40), "showlegend": bool(name), "hovertext": hover, "hoverinfo": "text"}
        drawn.append(trace)
    lay_out = space_layout if points.shape[1] == 3 else flat_layout
    layout = lay_out(whole_frame(points), axes)
    return {"data": drawn, "layout": layout | {"title": {"text": shown(title)}}}


def loadings_figure(pairs: Sequence[tuple[str, float]], *, title: str = "") -> Figure:
    """Draw the features that load most on a component as signed bars, the strongest on top.

    >>> loadings_figure([("grade", 0.4), ("lat", -0.3)])["data"][0]["x"]
    [0.4, -0.3]
    """
    weights = [float(weight) for _, weight in pairs]
    places = list(range(len(pairs)))
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": weights,
        "y": places,
        "text": [score(weight) for weight in weights],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertext": [f"{shown(name)}: {score(weight)}" for name, weight in pairs],
        "hoverinfo": "text",
    }
    low, high = min([0.0, *weights]), max([0.0, *weights])
    air = 0.3 * (high - low) or 1.0  # the number stands outside its bar
    ends = [low - air if low < 0 else 0.0, high + air if high > 0 else 0.0]
    layout = {
        "xaxis": {
            "range": ends,
            "zeroline": True,
            "showticklabels": False,
            "showgrid": False,
            "fixedrange": True,
        },
        "yaxis": _ticks([name for name, _ in pairs], 26) | {"autorange": "reversed", "fixedrange": True},
        "margin": {"l": 8, "r": 8, "t": 8 if not title else 40, "b": 8},
        "height": 26 * max(len(pairs), 1) + (24 if not title else 56),
        "bargap": 0.35,
        "title": {"text": shown(title)},
    }
    return {"data": [bars], "layout": layout}


def histogram_figure(values: np.ndarray, *, name: str, title: str = "") -> Figure:
    """Draw how many rows have which value, with the median marked; values that are not finite are left out.

    Bins follow Freedman and Diaconis (1981), 8 to 50 of them.

    >>> histogram_figure(np.array([1.0, 1.0, 3.0]), name="L2 norm")["data"][0]["y"][0]
    2
    """
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    drawn = _without_tail(finite)
    counts, edges = _bins(drawn)
    left_out = len(finite) - len(drawn)
    beyond = f" ({count(left_out, 'row')} beyond {rounded(float(edges[-1]))} not drawn)" if left_out else ""
    steps = {"nticks": 5} if counts.max(initial=0) > 4 else {"dtick": 1}  # no half rows
    rows = {"title": {"text": "rows"}, "rangemode": "tozero", "fixedrange": True, "tickformat": ",d", **steps}
    label = {"title": {"text": shown(name) + beyond}, "showgrid": False, "fixedrange": True, "nticks": 7}
    layout = {
        "xaxis": label,
        "yaxis": rows,
        "shapes": _middle(finite),
        "margin": {"l": 52, "r": 10, "t": 10 if not title else 40, "b": 44},
        "height": 240,
        "bargap": 0.06,
        "title": {"text": shown(title)},
    }
    return {"data": [_bars(counts, edges)], "layout": layout}


def _bars(counts: np.ndarray, edges: np.ndarray) -> dict[str, Any]:
    return {
        "type": "bar",
        "x": ((edges[:-1] + edges[1:]) / 2).tolist(),
        "y": counts.tolist(),
        "width": np.diff(edges).tolist(),
        "hovertext": [
            f"{count(int(many), 'row')} from {rounded(low)} to {rounded(high)}"
            for many, low, high in zip(counts, edges[:-1], edges[1:], strict=True)
        ],
        "hoverinfo": "text",
    }


def _middle(finite: np.ndarray) -> list[dict[str, Any]]:
    """A line at the median, where there is one."""
    if not len(finite):
        return []
    middle = float(np.median(finite))
    return [{"type": "line", "x0": middle, "x1": middle, "y0": 0, "y1": 1, "yref": "paper"}]


def heatmap_figure(values: np.ndarray, labels: Sequence[str], *, name: str, title: str = "") -> Figure:
    """Draw a labelled square table as a heat map; NaN is an empty cell.

    Signed values, and cosines always, get a diverging map centred on zero; others viridis. Up to 15 rows
    every cell carries its number.

    >>> figure = heatmap_figure(np.array([[1, 0.5], [0.5, 1]]), ["A", "B"], name="cosine")
    >>> figure["data"][0]["text"][0], figure["data"][0]["zmin"]
    (['1.00', '0.50'], -1.0)
    """
    return pairs_figure(values, labels, labels, name=name, title=title)


def pairs_figure(
    values: np.ndarray, lines: Sequence[str], columns: Sequence[str], *, name: str, title: str = ""
) -> Figure:
    """Draw a labelled table of any shape as a heat map, as `heatmap_figure` does.

    >>> pairs_figure(np.array([[1.0, 3.0]]), ["A"], ["B", "C"], name="distance")["data"][0]["x"]
    [0, 1]
    """
    table = np.asarray(values, dtype=np.float64)
    finite = table[np.isfinite(table)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if name == "cosine":
        low, high = -1.0, 1.0
    elif low < 0:
        low, high = -max(-low, high), max(-low, high)
    cells: dict[str, Any] = {
        "type": "heatmap",
        "x": list(range(len(columns))),
        "y": list(range(len(lines))),
        "z": [[float(v) if np.isfinite(v) else None for v in line] for line in table],
        "zmin": low,
        "zmax": high if high > low else low + 1,
        "xgap": 1,
        "ygap": 1,
        "hovertemplate": f"%{{y}}<br>%{{x}}<br>{shown(name).replace('%', '')} %{{z:.3g}}<extra></extra>",
        "hoverongaps": False,
    }
    few = max(len(lines), len(columns)) <= LABELLED
    if few:
        cells["text"] = [[score(float(v)) if np.isfinite(v) else "" for v in line] for line in table]
        cells["texttemplate"] = "%{text}"
        cells |= {"textfont": {"size": 12}, "showscale": False}  # the numbers say it
    else:
        cells["colorbar"] = {"thickness": 10, "outlinewidth": 0, "nticks": 5, "tickfont": {"size": 11}}
    return {"data": [cells], "layout": _table_layout(lines, columns, title)}


def to_plotly(figure: Figure) -> Any:
    """Give a figure as `plotly.graph_objects.Figure`, in the light theme. Raises `MissingPackage`."""
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise missing_package("plotly", "A figure", "plotly") from error
    return go.Figure(data=figure["data"], layout=figure["layout"] | {"template": template("light")})


def _dots(
    points: np.ndarray, *, size: float, alpha: float, paint: dict[str, Any], crowd: int
) -> dict[str, Any]:
    flat = points.shape[1] == 2
    marker = {"size": size + (2 if flat else 0), "opacity": alpha, "line": {"width": 0}, **paint}
    if not flat and crowd > CIRCLES:
        marker["symbol"] = "square"
    coordinates = dict(zip("xyz", points.T, strict=False))
    return {"type": "scatter" if flat else "scatter3d", "mode": "markers", "marker": marker, **coordinates}


def _painted(column: Column) -> list[tuple[str, np.ndarray, dict[str, Any]]]:
    assert column.numbers is not None  # noqa: S101 - the caller chose by it
    known, stretch = np.isfinite(column.numbers), span(column)
    paint = {
        "color": column.numbers[known],
        "colorscale": scale(VIRIDIS),
        "cmin": stretch.low,
        "cmax": stretch.high,
        "showscale": True,
        "colorbar": _colorbar(column.name, stretch),
    }
    painted = [("", np.flatnonzero(known), paint)]
    return painted + ([("no value", np.flatnonzero(~known), {"color": _rest()})] if not known.all() else [])


def _colorbar(name: str, stretch: Span) -> dict[str, Any]:
    return {
        "title": {"text": shown(name, 40)},
        "tickvals": [stretch.low, (stretch.low + stretch.high) / 2, stretch.high],
        "ticktext": list(stretch.words),
        "thickness": 12,
        "outlinewidth": 0,
        "len": 0.6,
    }


def _categories(column: Column) -> list[tuple[str, np.ndarray, dict[str, Any]]]:
    assert column.codes is not None  # noqa: S101 - a column without numbers has words
    top = column.frequent()
    colors = PALETTES["light"].categories
    groups = [
        (column.words[code] or "", np.flatnonzero(column.codes == code), {"color": colors[place]})
        for place, code in enumerate(top)
    ]
    others = np.flatnonzero(~np.isin(column.codes, top))
    return groups + ([("others", others, {"color": _rest()})] if len(others) else [])


def _accent() -> str:
    return PALETTES["light"].accent


def _rest() -> str:
    return PALETTES["light"].rest


def _bins(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not len(values):
        return np.zeros(0, dtype=np.int64), np.zeros(1)
    low, high = float(values.min()), float(values.max())
    if high - low <= 2e-3 * max(abs(high), 1e-300):  # one length, give or take rounding: one honest bar
        middle = float(np.median(values))
        half = 0.05 * abs(middle) or 0.05
        return np.array([len(values)]), np.array([middle - half, middle + half])
    quarters = np.percentile(values, (25, 75))
    width = 2 * float(quarters[1] - quarters[0]) / len(values) ** (1 / 3)
    bins = int(np.clip((high - low) / width if width else 8, min(8, len(values)), 50))
    return np.histogram(values, bins=bins)


def _without_tail(values: np.ndarray) -> np.ndarray:
    """Leave out the largest half percent where it would squeeze all others into a corner."""
    if len(values) < FEW_FAR:
        return values
    end = float(np.percentile(values, 99.5))
    return values[values <= end] if values.max() - values.min() > 2 * (end - values.min()) else values


def _ticks(labels: Sequence[str], width: int) -> dict[str, Any]:
    written = [shown(label, width) for label in labels]
    places = list(range(len(labels)))
    return {"tickvals": places, "ticktext": written, "automargin": True, "ticks": "", "ticklabelstandoff": 4}


def _table_layout(lines: Sequence[str], columns: Sequence[str], title: str) -> dict[str, Any]:
    few = max(len(lines), len(columns)) <= LABELLED
    side: float = 44 if few else 20
    axis: dict[str, Any] = {"showgrid": False, "zeroline": False, "fixedrange": True}
    if max(len(lines), len(columns)) > NAMED:  # names that nobody could read; the cells still tell theirs
        axis["showticklabels"] = False
        side = NAMED * side / len(lines)
    return {
        "xaxis": _ticks(columns, 24 if few else 18)
        | axis
        | {"side": "top", "tickangle": -45 if few else -90, "ticklabeloverflow": "allow"},
        "yaxis": _ticks(lines, 28) | axis | {"autorange": "reversed"},
        # slanted labels lean out over the last column
        "margin": {"l": 8, "r": 96 if few else 8, "t": 8 if not title else 60, "b": 8},
        "height": max(220, int(side * len(lines)) + 130),
        "title": {"text": shown(title)},
    }
