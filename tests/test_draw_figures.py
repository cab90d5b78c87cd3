"""Figures: what plotly accepts, in frames that hold the points, with words that show literally."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vecwise.draw.figures import (
    CIRCLES,
    heatmap_figure,
    histogram_figure,
    loadings_figure,
    scatter_figure,
    to_plotly,
)
from vecwise.draw.frames import near_frame, outside, space_layout, whole_frame
from vecwise.draw.markup import shown, shown_in_space
from vecwise.draw.theme import PALETTES

AXES = [
    "component 1, 50% of the variance",
    "component 2, 30% of the variance",
    "component 3, 20% of the variance",
]


def points(rows: int, dim: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, dim)).astype(np.float32)


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize(
    "values", [None, list(range(30)), [None, 1.5] * 15, ["a", "b", None] * 10, [True, False] * 15]
)
def test_plotly_accepts_every_scatter(dim, values) -> None:
    figure = scatter_figure(
        points(30, dim),
        AXES,
        text=[f"row {n}" for n in range(30)],
        color_name="c",
        color_values=values,
        title="A title",
    )
    made = to_plotly(figure)
    assert sum(len(trace.x) for trace in made.data) == 30
    assert made.layout.title.text == "A title"
    assert all("row" in text for trace in made.data for text in trace.hovertext)


def test_categories_get_a_trace_each_and_the_rest_is_grey() -> None:
    values = [f"w{min(n, 10)}" for n in range(40)]
    traces = scatter_figure(points(40), AXES, color_name="c", color_values=values)["data"]
    assert [trace["name"] for trace in traces] == ["w10", *(f"w{n}" for n in range(7)), "others"]
    assert traces[-1]["marker"]["color"] == PALETTES["light"].rest
    assert len({trace["marker"]["color"] for trace in traces}) == 9


def test_missing_numbers_are_grey_and_the_scale_ignores_far_ones() -> None:
    painted, missing = scatter_figure(points(202), AXES, color_values=[None, *range(200), 1e9])["data"]
    assert len(painted["x"]) == 201
    assert painted["marker"]["cmax"] < 200
    assert missing["name"] == "no value"


def test_many_points_are_squares_and_fainter() -> None:
    few = scatter_figure(points(10), AXES)["data"][0]["marker"]
    many = scatter_figure(points(CIRCLES + 1), AXES)["data"][0]["marker"]
    assert "symbol" not in few
    assert many["symbol"] == "square"
    assert many["size"] < few["size"]
    assert many["opacity"] < few["opacity"]


@pytest.mark.parametrize(
    "cloud", [points(1), points(2), points(50), np.zeros((4, 3)), points(9) * [1e6, 1, 0]]
)
def test_a_frame_holds_all_points_and_one_unit_is_equally_long_on_every_axis(cloud) -> None:
    frame = whole_frame(cloud)
    assert not len(outside(cloud, frame))
    assert (frame[1] > frame[0]).all()
    scene = space_layout(frame, AXES)["scene"]
    for name, length in zip("xyz", frame[1] - frame[0], strict=True):
        longest = (frame[1] - frame[0]).max()
        assert scene["aspectratio"][name] / scene["aspectratio"]["x"] == pytest.approx(
            length / (frame[1] - frame[0])[0]
        )
        assert length >= 0.39 * longest


def test_the_near_frame_leaves_out_a_few_far_rows_and_only_those() -> None:
    cloud = points(5000)
    assert not len(outside(cloud, near_frame(cloud)))
    cloud[[7, 4000]] = [[80, 0, 0], [0, -90, 5]]
    assert outside(cloud, near_frame(cloud)).tolist() == [7, 4000]
    few = points(100)
    few[3] = [80, 0, 0]
    assert not len(outside(few, near_frame(few)))  # among few rows a far one is a finding


def test_loadings_are_signed_bars_with_their_numbers() -> None:
    figure = loadings_figure([("grade", 0.4), ("lat", -0.3)], title="Component 1")
    bars = to_plotly(figure).data[0]
    assert list(bars.text) == ["0.40", "−0.30"]
    assert figure["layout"]["xaxis"]["range"][0] < -0.3
    assert figure["layout"]["yaxis"]["ticktext"] == ["grade", "lat"]
    assert to_plotly(loadings_figure([])).data[0].x == ()


def test_a_histogram_counts_every_row_once_and_says_what_it_leaves_out() -> None:
    values = np.random.default_rng(0).gamma(3, size=500)
    assert sum(histogram_figure(values, name="L2 norm")["data"][0]["y"]) == 500
    far = np.concatenate([np.random.default_rng(0).uniform(1, 2, 5000), [900.0] * 7])
    figure = histogram_figure(far, name="L2 norm")
    left_out = 5007 - sum(figure["data"][0]["y"])
    assert left_out >= 7
    assert f"({left_out} rows beyond 2 not drawn)" in figure["layout"]["xaxis"]["title"]["text"]


@pytest.mark.parametrize(
    "values", [[], [3.0], [1.0, 1.0 + 1e-9], [0.0, 0.0], [np.nan, 1, 2], [-5.0, 5.0], [1e300, -1e300]]
)
def test_any_numbers_are_a_histogram(values) -> None:
    figure = histogram_figure(np.array(values), name="L1 norm", title="Norms")
    made = to_plotly(figure)
    assert sum(made.data[0].y) == np.isfinite(values).sum()
    assert np.isfinite(made.data[0].width or ()).all()


def test_signed_tables_are_centred_on_zero_and_others_are_not() -> None:
    labels = ["a", "b"]
    cosine = heatmap_figure(np.array([[1, 0.5], [0.5, 1]]), labels, name="cosine")["data"][0]
    assert (cosine["zmin"], cosine["zmax"]) == (-1, 1)
    signed = heatmap_figure(np.array([[4.0, -1], [-1, 3]]), labels, name="inner product")["data"][0]
    assert (signed["zmin"], signed["zmax"]) == (-4, 4)
    positive = heatmap_figure(np.array([[4.0, 1], [1, 3]]), labels, name="inner product")["data"][0]
    assert (positive["zmin"], positive["zmax"]) == (1, 4)


@pytest.mark.parametrize("rows", [1, 15, 16, 50])
def test_tables_of_any_size_with_numbers_in_small_ones(rows) -> None:
    values = np.full((rows, rows), np.nan)
    values[0, 0] = 1
    figure = heatmap_figure(values, [f"row {n}" for n in range(rows)], name="cosine", title="A title")
    cells = to_plotly(figure).data[0]
    assert (cells.texttemplate is not None) == (rows <= 15)
    assert cells.z[0][0] == 1
    assert rows == 1 or figure["data"][0]["z"][0][1] is None
    json.dumps(figure, allow_nan=False)


def test_words_reach_plotly_as_they_are_read() -> None:
    hostile = '<a href="x">&amp;</a>'
    assert shown(hostile) == '&lt;a href="x"&gt;&amp;amp;&lt;/a&gt;'
    assert shown_in_space("<b>x</b>").replace("\u2060", "") == "<b>x</b>"
    assert "<b" not in shown_in_space("<b>x</b>")
    figure = heatmap_figure(np.eye(2), [hostile, "%{z}"], name="<b>%{z}</b>", title=hostile)
    drawn = json.dumps([figure["layout"], figure["data"][0]["hovertemplate"]])
    assert "<a" not in drawn
    assert "<b>" not in drawn
    assert figure["data"][0]["hovertemplate"].count("%") == 3  # plotly's own three, and none of the name's
    scatter = scatter_figure(
        points(2), [hostile] * 3, text=[hostile] * 2, color_name=hostile, color_values=[hostile, "b"]
    )
    drawn = json.dumps([scatter["layout"], [(t["name"], t["hovertext"]) for t in scatter["data"]]])
    assert "<a" not in drawn
