"""The charts that are kept of a fitted estimator, as plotly figures without a colour of their own.

This module must not know estimators. Its data come from files: what does not fit is not drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import numpy as np

from vecwise.draw.figures import Figure, loadings_figure
from vecwise.draw.markup import shown
from vecwise.draw.words import number, share

Chart = tuple[str, Figure]
_MOST: Final = 60  # classes, clusters or features of a chart
_MOST_POINTS: Final = 5_000


def chart_figure(name: str, data: Any) -> Chart | None:
    """Give a chart that `track` kept: a title that says what it shows, and the figure; None for any other data.

    >>> chart_figure("cluster sizes", {"labels": ["0", "1"], "sizes": [3, 9]})[0]
    '2 clusters of 3 to 9 rows'
    >>> chart_figure("cluster sizes", {"labels": 5}) is None
    True
    """
    draw = _DRAW.get(name)
    with suppress(KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
        return None if draw is None else draw(data)
    return None


def _confusion(data: Any) -> Chart:
    labels = [str(label) for label in data["labels"]][:_MOST]
    table = _numbers(data["counts"], 2)
    if table.shape != (len(labels), len(labels)) or not len(labels):
        raise ValueError
    right = data.get("right")  # where rare classes are told as one, the diagonal counts some that are wrong
    right = float(np.trace(table) / max(table.sum(), 1) if right is None else right)
    few = len(labels) <= 15
    cells: dict[str, Any] = {
        "type": "heatmap",
        "z": (table / np.maximum(table.sum(axis=1, keepdims=True), 1)).tolist(),
        "zmin": 0,
        "zmax": 1,
        "hovertext": [
            [
                f"{shown(truth, 60)}, said to be {shown(said, 60)}: {number(float(table[i, j]))}"
                for j, said in enumerate(labels)
            ]
            for i, truth in enumerate(labels)
        ],
        "hoverinfo": "text",
        "xgap": 1,
        "ygap": 1,
        "showscale": not few,
        "colorbar": {"title": {"text": "share of the truth"}, "tickformat": ".0%"},
    }
    if few:
        cells |= {"text": [[number(float(v)) for v in line] for line in table], "texttemplate": "%{text}"}
    ticks = {"tickvals": list(range(len(labels))), "ticktext": [shown(label, 16) for label in labels]}
    axis = {"showgrid": False, "zeroline": False, "automargin": True, "fixedrange": True, **ticks}
    layout = _layout("what was said", "the truth", 130 + (34 if few else 14) * len(labels))
    layout["xaxis"] |= axis
    layout["yaxis"] |= axis | {"autorange": "reversed"}
    return f"{share(right)} of the rows were told right", {"data": [cells], "layout": layout}


def _roc(data: Any) -> Chart:
    curves = _curves(data)
    area = _mean([float(np.trapezoid(y, x)) for _, x, y in curves])
    chance = {"type": "line", "x0": 0, "x1": 1, "y0": 0, "y1": 1}
    layout = _layout("false alarms", "found", 300) | {"shapes": [chance]}
    return f"ROC curve: the area below is {number(area, 3)}", _lines(curves, layout)


def _precision(data: Any) -> Chart:
    curves = _curves(data)
    layout = _layout("share of them found (recall)", "share of the found that is right", 300)
    return "Precision against recall", _lines(curves, layout)


def _curves(data: Any) -> list[tuple[str, np.ndarray, np.ndarray]]:
    curves = []
    for item in list(data)[:_MOST]:
        x, y = _numbers(item["x"], 1), _numbers(item["y"], 1)
        if len(x) != len(y) or not len(x):
            raise ValueError
        curves.append((str(item["class"]), x, y))
    if not curves:
        raise ValueError
    return curves


def _lines(curves: list[tuple[str, np.ndarray, np.ndarray]], layout: dict[str, Any]) -> Figure:
    drawn = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": x.tolist(),
            "y": y.tolist(),
            "name": shown(name, 30),
            "hovertemplate": "%{x:.3g}, %{y:.3g}<extra>%{fullData.name}</extra>",
        }
        for name, x, y in curves
    ]
    for axis in ("xaxis", "yaxis"):
        layout[axis] |= {"range": [-0.02, 1.02], "fixedrange": True}
    return {"data": drawn, "layout": layout | {"showlegend": len(drawn) > 1}}


def _learning(data: Any) -> Chart:
    curves = _curves(data["curves"])
    best = int(data["best"])
    figure = _lines(curves, _layout("epoch", "perplexity of a piece", 300))
    top = float(np.quantile(np.concatenate([y for _, _, y in curves]), 0.9))
    low = min(float(y.min()) for _, _, y in curves)
    figure["layout"]["xaxis"] |= {"range": [0, float(max(x.max() for _, x, _ in curves)) + 1]}
    figure["layout"]["yaxis"] |= {"range": [low - 0.1 * (top - low), top + 0.2 * (top - low)]}
    mark = {"type": "line", "x0": best, "x1": best, "yref": "paper", "y0": 0, "y1": 1}
    figure["layout"]["shapes"] = [mark]
    return f"Lines that were not learned from are told best after epoch {best}", figure


def _residuals(data: Any) -> Chart:
    actual, said = _numbers(data["actual"], 1), _numbers(data["predicted"], 1)
    if len(actual) != len(said) or not len(actual):
        raise ValueError
    ends = [float(min(actual.min(), said.min())), float(max(actual.max(), said.max()))]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": actual.tolist(),
        "y": said.tolist(),
        "marker": {"size": 5, "opacity": 0.6 if len(actual) < 300 else 0.35},
        "hovertemplate": "truly %{x:.5g}, predicted %{y:.5g}<extra></extra>",
    }
    even = {"type": "line", "x0": ends[0], "x1": ends[1], "y0": ends[0], "y1": ends[1]}
    layout = _layout("truth", "predicted", 320) | {"shapes": [even], "showlegend": False}
    near = number(float(np.median(np.abs(actual - said))), 3)
    return f"Half of the rows were predicted to within {near}", {"data": [dots], "layout": layout}


def _importance(data: Any) -> Chart:
    pairs = list(zip(map(str, data["features"]), _numbers(data["weights"], 1).tolist(), strict=True))[:_MOST]
    if not pairs:
        raise ValueError
    return f"What weighs most: {pairs[0][0][:60]}", loadings_figure(pairs)


def _sizes(data: Any) -> Chart:
    labels, sizes = [str(label) for label in data["labels"]], _numbers(data["sizes"], 1)
    if len(labels) != len(sizes) or not labels:
        raise ValueError
    order = np.argsort(-sizes, kind="stable")[:_MOST]
    names = ["noise" if labels[i] == "-1" else labels[i] for i in order]
    bars = {
        "type": "bar",
        "x": list(range(len(order))),
        "y": sizes[order].tolist(),
        "hovertext": [
            f"{shown(name, 60)}: {number(float(sizes[i]))} rows" for name, i in zip(names, order, strict=True)
        ],
        "hoverinfo": "text",
    }
    layout = _layout("cluster", "rows", 260)
    layout["xaxis"] |= {
        "tickvals": bars["x"],
        "ticktext": [shown(name, 12) for name in names],
        "fixedrange": True,
    }
    told = f"{len(labels)} clusters of {number(float(sizes.min()))} to {number(float(sizes.max()))} rows"
    return told, {"data": [bars], "layout": layout}


def _numbers(values: Any, dims: int) -> np.ndarray:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != dims or array.size > _MOST_POINTS or not np.isfinite(array).all():
        raise ValueError
    return array


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _layout(x: str, y: str, height: int) -> dict[str, Any]:
    return {
        "xaxis": {"title": {"text": x}},
        "yaxis": {"title": {"text": y}},
        "margin": {"l": 60, "r": 12, "t": 10, "b": 46},
        "height": height,
    }


_DRAW: Final[dict[str, Callable[[Any], Chart]]] = {
    "confusion matrix": _confusion,
    "ROC curve": _roc,
    "precision-recall curve": _precision,
    "learning curve": _learning,
    "residuals": _residuals,
    "feature importance": _importance,
    "cluster sizes": _sizes,
}
