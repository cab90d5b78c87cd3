"""Runs as a page: what stands in its data, what is left out and said, and what a browser makes of it, offline."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_report_browser import HOSTILE, Opened, browser, chromium  # noqa: F401  fixtures
from vecwise import workbench
from vecwise.draw.run_figures import chart_figure
from vecwise.draw.runs_page import POINTS, Curve, PageColumn, RunsPage, page_data, runs_html
from vecwise.errors import WrongShape
from vecwise.models.keeping import track
from vecwise.telling.run_columns import columns_of
from vecwise.telling.runs_page import MOST_RUNS, page_of
from vecwise.tracking.records import Run
from vecwise.tracking.running import run as recorded


def page(runs: list[Run], **given: object) -> RunsPage:
    return page_of(runs, total=len(runs), place="here", blob=lambda name: None, **given)  # type: ignore[arg-type]


def trials(many: int, metrics: int = 2) -> list[Run]:
    """Seeded runs of which the last metric is the best in the third."""
    random = np.random.default_rng(0)
    return [
        Run(
            f"{n:010x}",
            kind="train" if n % 2 else "encode",
            name=f"trial {n}",
            began=f"2026-01-01T00:00:{n % 60:02d}.000Z",
            status="failed" if n % 7 == 3 else "done",
            params={"rate": 10.0 ** -(n % 5), "depth": n % 4, "kind of tree": "oak" if n % 3 else "elm"},
            metrics={f"m{k}": float(random.normal()) for k in range(metrics)},
            curves={"loss": [(step, 1 / (1 + step + n)) for step in range(20)]} if n < 30 else {},
        )
        for n in range(many)
    ]


# ---- the data of the page ----


def numbers(packed: dict[str, str]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(packed["data"]), "<" + packed["type"])


def test_columns_keep_every_number_exactly() -> None:
    runs = trials(40)
    data = page_data(page(runs))
    columns = {column["name"]: column for column in data["columns"]}
    assert numbers(columns["m1"]["numbers"]).tolist() == [run.metrics["m1"] for run in runs]
    assert [columns["run"]["words"][code] for code in numbers(columns["run"]["codes"])] == [
        r.id for r in runs
    ]
    assert data["facts"][1] == ("Kinds", "encode 20, train 20")
    assert json.loads(json.dumps(data, allow_nan=False))["total"] == 40


def test_a_metric_that_a_run_lacks_is_no_number() -> None:
    data = page_data(page([Run("a", metrics={"r2": 0.5}), Run("b")]))
    (column,) = [column for column in data["columns"] if column["name"] == "r2"]
    assert numbers(column["numbers"])[0] == 0.5
    assert np.isnan(numbers(column["numbers"])[1])


def test_what_a_page_cannot_carry_is_left_out_and_said() -> None:
    runs = [Run(f"{n:04x}", metrics={f"m{n}": 1.0, "all": float(n)}) for n in range(500)]
    found = columns_of(runs, ["m499"])
    assert found.left["metric"] > 0
    assert [c.name for c in found.columns if c.group == "metric"][:2] == ["m499", "all"]
    told = page(runs)
    assert any("metrics that fewest runs have" in note for note in told.notes)
    many = page([Run(f"{n:05x}") for n in range(MOST_RUNS + 5)])
    assert len(many.details) == MOST_RUNS
    assert f"The first {MOST_RUNS:,} of {MOST_RUNS + 5:,} runs" in many.notes[0]


def test_the_best_run_is_the_headline_and_its_metric_colours() -> None:
    told = page(trials(8), sort="m1")
    assert told.headline.startswith("The best m1 of 8 runs is ")
    assert told.columns[told.axes[-1]].name == "m1"
    assert page([]).headline == "No run is like that"


def test_metrics_of_every_kind_of_run_stand_in_the_table() -> None:
    runs = [Run("a", metrics={"f1": 0.1, "auc": 0.2}), Run("b", metrics={"f1": 0.3, "auc": 0.4})]
    runs += [Run("c", metrics={"r2": 0.5}), Run("d", metrics={"r2": 0.6})]
    found = columns_of(runs)
    assert [found.columns[at].name for at in found.shown][6:] == ["f1", "r2", "auc"]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=2_000))
def test_a_thinned_curve_keeps_its_ends_and_its_peaks(values) -> None:
    steps = np.arange(len(values), dtype=float)
    curve = Curve(0, "loss", steps[::-1].copy(), np.array(values)[::-1].copy())  # in any order
    kept = page_data(RunsPage("", "", [], [], [], [], [], [[]], curves=[curve]))["curves"]["list"][0]
    x, y = numbers(kept[2]), numbers(kept[3]).astype(float)
    assert len(x) <= POINTS
    assert (np.diff(x) > 0).all()
    assert y.tolist() == [values[int(step)] for step in x]
    assert {values[0], values[-1], min(values), max(values)} <= set(y.tolist())


def test_columns_of_another_length_are_refused() -> None:
    with pytest.raises(WrongShape, match="2 cells for 1 runs"):
        page_data(RunsPage("", "", [], [], [PageColumn("run", "run", ["a", "b"])], [], [], [[]]))


NONE = [None, 5, "x", [], {}, {"labels": ["a"]}, {"labels": ["a"], "counts": [[1, 2]]}, [{"x": [1]}],
        {"labels": ["a"], "counts": [["x"]]}, {"labels": 1, "counts": 2}, {"features": [], "weights": []},
        {"actual": [1], "predicted": [float("nan")]}, [{"class": "a", "x": [1, 2], "y": [1]}],
        {"labels": ["a", "b"], "sizes": [1]}, {"features": ["a"], "weights": [10**400]}]  # fmt: skip


@pytest.mark.parametrize("data", NONE)
def test_data_that_is_no_chart_is_not_drawn(data) -> None:
    names = ["confusion matrix", "ROC curve", "precision-recall curve", "residuals", "feature importance"]
    for name in [*names, "cluster sizes", "something else", "__class__"]:
        assert chart_figure(name, data) is None


def test_the_area_under_a_curve_is_its_title() -> None:
    title, figure = chart_figure("ROC curve", [{"class": "<b>", "x": [0, 0, 1], "y": [0, 0.5, 1]}])
    assert title == "ROC curve: the area below is 0.75"
    assert figure["data"][0]["name"] == "&lt;b&gt;"
    title, figure = chart_figure("confusion matrix", {"labels": ["a", "b"], "counts": [[3, 1], [0, 4]]})
    assert title == "88% of the rows were told right"
    assert figure["data"][0]["z"] == [[0.75, 0.25], [0.0, 1.0]]  # shares of each true class


def test_the_same_runs_give_the_same_page() -> None:
    assert runs_html(page(trials(5))) == runs_html(page(trials(5)))


# ---- in a browser ----


@pytest.mark.browser
def test_runs_are_sorted_filtered_turned_and_read(browser, tmp_path) -> None:  # noqa: F811
    runs = trials(120)
    opened = Opened(browser, tmp_path, runs_html(page(runs)))
    view = opened.page
    assert view.title() == "runs – vecwise"
    assert view.locator("#body tr").count() == 50
    assert opened.text("#place") == "1 to 50 of 120 runs"
    view.click("#next")
    view.click("#next")
    assert opened.text("#place") == "101 to 120 of 120 runs"
    assert view.locator("#next").is_disabled()

    view.locator("#head button", has_text="m1").click()  # a metric begins with the greatest
    best = sorted(runs, key=lambda run: -run.metrics["m1"])
    names = [row.inner_text() for row in view.locator("#body tr td:first-child").all()]
    assert names == [run.id for run in best[:50]]
    assert view.locator("#head th[aria-sort]").get_attribute("aria-sort") == "descending"
    view.locator("#head button", has_text="m1").click()
    assert view.locator("#body td").first.inner_text() == best[-1].id

    view.fill("#search", "m1>0 status=failed TRIAL")
    opened.until("document.getElementById('found').textContent !== ''")
    failed = [run for run in runs if run.metrics["m1"] > 0 and run.status == "failed"]
    assert opened.text("#found") == f"{len(failed)} runs of 120"
    assert view.locator("#body td.bad").count() == len(failed)
    assert view.locator("#lines path").count() in (len(failed), len(failed) + 1)  # and the one that is kept
    view.locator("#body tr").first.click()
    chosen = min(failed, key=lambda run: run.metrics["m1"])
    assert opened.text("#run-title") == f"Run {chosen.id} {chosen.name}"
    assert view.locator("#lines path.kept").count() == 1
    view.click("#clear")
    assert opened.text("#found") == ""
    opened.behaved()


@pytest.mark.browser
def test_a_stretch_of_an_axis_keeps_the_runs_in_it(browser, tmp_path) -> None:  # noqa: F811
    runs = trials(60)
    opened = Opened(browser, tmp_path, runs_html(page(runs)))
    view = opened.page
    names = view.evaluate(
        "[...document.querySelectorAll('#lines text.name')].map((t) => t.firstChild.textContent)"
    )
    assert names == ["rate (log)", "depth", "kind of tree", "m1", "m0"]
    grip = view.locator("#lines .grip").nth(1)
    grip.scroll_into_view_if_needed()
    box = grip.bounding_box()
    middle = box["x"] + box["width"] / 2
    view.mouse.move(middle, box["y"] + 4)
    view.mouse.down()
    view.mouse.move(middle, box["y"] + 0.5 * box["height"], steps=3)
    view.mouse.up()
    deep = [run for run in runs if run.params["depth"] >= 2]
    assert opened.text("#found") == f"{len(deep)} runs of 60"
    grip = view.locator("#lines .grip").nth(1)
    grip.click()
    assert opened.text("#found") == ""
    view.locator("#choose-axes").evaluate("(box) => { box.parentElement.open = true; }")
    view.locator("#choose-axes label", has_text="depth").click()
    assert view.locator("#lines .grip").count() == 4
    curves = "document.getElementById('curves').data.length"
    opened.until(f"document.getElementById('curves').data && {curves} === 16")
    assert "The first 16 of 30 runs" in opened.text("#curves-note")
    opened.behaved()


@pytest.mark.browser
def test_what_track_kept_is_drawn(browser, tmp_path, monkeypatch) -> None:  # noqa: F811
    from sklearn.cluster import KMeans
    from sklearn.datasets import load_diabetes, load_iris
    from sklearn.linear_model import LogisticRegression, Ridge

    monkeypatch.setenv("VECWISE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VECWISE_TRACK", "1")
    flowers, kinds = load_iris(return_X_y=True)
    track(LogisticRegression(max_iter=500).fit(flowers, kinds), flowers, kinds, name="flowers")
    people, sugar = load_diabetes(return_X_y=True)
    track(Ridge().fit(people, sugar), people, sugar, name="sugar")
    track(KMeans(3, n_init=1, random_state=0).fit(flowers), flowers, name="heaps")
    workbench.list_runs(html=str(tmp_path / "page.html"))
    opened = Opened(browser, tmp_path, (tmp_path / "page.html").read_text(encoding="utf-8"))
    view = opened.page
    expected = {"heaps": 1, "sugar": 2, "flowers": 4}
    for name, charts in expected.items():
        view.locator("#body tr", has_text=name).click()
        opened.until(f"document.querySelectorAll('#run-charts .js-plotly-plot').length === {charts}")
        assert view.locator("#run-charts figure").count() == charts
        assert view.locator("#run-charts svg.main-svg").count() >= charts
    assert "97% of the rows were told right" in opened.text("#run-charts")
    assert "accuracy" in opened.text("#run-pairs")
    ink = "document.querySelector('#run-charts .js-plotly-plot')._fullLayout.font.color"
    light = view.evaluate(ink)
    view.emulate_media(color_scheme="dark")
    opened.until(f"{ink} !== '{light}'")
    opened.behaved()


@pytest.mark.browser
def test_10000_runs_stay_usable_on_a_phone(browser, tmp_path) -> None:  # noqa: F811
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
    opened = Opened(browser, tmp_path, runs_html(page(trials(10_000, 20))), **phone)
    view = opened.page
    assert view.evaluate("document.documentElement.scrollWidth") == 390
    assert view.locator("#body tr").count() == 50
    assert view.locator("#lines path").count() == 400
    assert "the first 400 of 10,000" in opened.text("#lines-note")
    view.fill("#search", "trial 9999")
    opened.until("document.getElementById('found').textContent === '1 run of 10,000'")
    opened.behaved()


@pytest.mark.browser
def test_hostile_names_are_shown_and_never_run(browser, tmp_path) -> None:  # noqa: F811
    runs = [
        Run(
            text or "empty", kind=text, name=text, status=text, command=[text], folder=text, error=text, source=text,
            params={text: HOSTILE[-at] for at, text in enumerate(HOSTILE)} | {"__proto__": text},
            metrics={text: float(place + at) for at, text in enumerate(HOSTILE)},
            curves={text: [(1, 0.5), (2, float(place))]}, tags={text: text},
            data=[{"path": text, "hash": text}], code={"commit": text, "branch": text},
            results=[{"kind": kind, "blob": text} for kind in
                     ("confusion matrix", "ROC curve", "feature importance", "cluster sizes")],
        )
        for place, text in enumerate(HOSTILE)
    ]  # fmt: skip
    charts = {
        "labels": HOSTILE[:20], "counts": np.arange(400).reshape(20, 20).tolist(), "sizes": list(range(20)),
        "features": HOSTILE[:20], "weights": list(range(20)),
    }  # fmt: skip
    made = page_of(runs, total=len(runs), place=HOSTILE[0], blob=lambda name: charts, where=HOSTILE[:3])
    opened = Opened(browser, tmp_path, runs_html(made))
    view = opened.page
    for at in (0, 3, 21, 26, len(HOSTILE) - 3):
        view.locator("#body tr").nth(at).click()
        opened.until("document.querySelectorAll('#run-charts .js-plotly-plot').length === 3")
        view.select_option("#metric", value=str(at))
        opened.settle()
    assert view.locator("#run-title").evaluate("(e) => e.textContent").startswith("Run ")
    assert view.locator("#body td").nth(2).inner_text() == HOSTILE[0]
    for label in ("#choose-columns", "#choose-axes"):
        view.locator(label).evaluate("(box) => box.querySelectorAll('input').forEach((tick) => tick.click())")
    opened.settle()
    for words in (HOSTILE[3], "__proto__=1", "constructor>0", HOSTILE[36]):
        view.fill("#search", words)
        opened.settle()
    injected = "svg a, main a, img, iframe, object, embed, base, link:not([rel=icon]), video, math, animate, main style"
    assert view.locator(injected).count() == 0
    assert view.locator("script").count() == 3
    handlers = "[...document.querySelectorAll('*')].some((e) => [...e.attributes].some((a) => a.name.startsWith('on')))"
    assert view.evaluate(handlers) is False
    opened.behaved()


def test_the_command_writes_a_page_of_the_runs_that_fit(tmp_path, monkeypatch) -> None:
    from click.testing import CliRunner

    from vecwise.cli import app

    monkeypatch.setenv("VECWISE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VECWISE_TRACK", "1")
    for rate in (0.1, 0.2, 0.3):
        with recorded("try", params={"rate": rate}) as made:
            made.log(r2=rate)
    path = tmp_path / "page.html"
    told = CliRunner().invoke(app, ["runs", "--where", "rate > 0.1", "--sort", "r2", "--html", str(path)])
    assert told.exit_code == 0
    assert f"as a page: {path}" in told.output
    found = re.search(r'id="vecwise-data">(.*?)</script>', path.read_text(encoding="utf-8")).group(1)
    data = json.loads(found)
    assert data["total"] == 2
    assert data["headline"].startswith("The best r2 of 2 runs is 0.3")
    assert data["notes"] == ["2 of 3 runs."]
    assert data["columns"][data["axes"][-1]]["name"] == "r2"
