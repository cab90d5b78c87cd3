"""The report in a real browser, offline: it draws, it turns, it answers, and nothing hostile in its data can run."""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from conftest import FIVE
from vecwise.draw.report import Neighborhood, Report, Table, report_html
from vecwise.kernels.png import png_bytes

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SOFTWARE_GL = ["--enable-unsafe-swiftshader"]  # WebGL on machines without a graphics card
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => window.violations.push(e.violatedDirective + " " + e.blockedURI));
"""
DRAWN = "document.documentElement.dataset.drawn === 'yes'"
HOSTILE = [
    "</script><script>window.pwned=1</script>",
    "</SCRIPT ><script >window.pwned=1</script >",
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "<img src='x' onerror='alert(1)'>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "<svg onload=window.pwned=1>",
    "<svg><script>window.pwned=1</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<object data='javascript:alert(1)'>",
    "<embed src='javascript:alert(1)'>",
    "<base href='https://example.com/'>",
    "<meta http-equiv=refresh content='0;url=https://example.com/'>",
    "<link rel=stylesheet href='https://example.com/x.css'>",
    "<style>@import 'https://example.com/x.css';</style>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<a href='javascript:window.pwned=1'>click</a>",
    '<a href="https://example.com/">link</a>',
    '<a href="javascript:alert(1)" target="_top">top</a>',
    "javascript:window.pwned=1",
    "data:text/html,<script>alert(1)</script>",
    "<b>bold</b><i>it</i><br>next<sup>2</sup><span style='color:red'>red</span>",
    "&lt;b&gt; &amp;lt; &#60;script&#62; &nbsp;",
    "%{text} %{x} %{customdata[0]} %{meta.a}",
    "<extra>%{fullData.name}</extra>",
    "$\\href{javascript:alert(1)}{x}$",
    "\u2028window.pwned=1\u2029",
    "\u202eright to left\u202c \u200f\u05d0\u05d1\u2066",
    "]]><script>alert(1)</script><![CDATA[",
    "<!--",
    "<!--<script>",
    "--><script>window.pwned=1</script>",
    "${window.pwned=1} `${alert(1)}`",
    "{{constructor.constructor('window.pwned=1')()}}",
    "{{data}}",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "nul \x00 bell \x07 escape \x1b[31m",
    "lone \ud83d surrogate",
    "'; DROP TABLE rows; --",
    "x" * 5000,
    "",
]


def is_missing() -> str | None:
    """Why there is no browser to test with, or None."""
    if CHROMIUM is None:
        return "No chromium. Install it: apt-get install chromium"
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "No playwright. Install it: pip install playwright"
    return None


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    missing = is_missing()
    if missing and os.environ.get("VECWISE_REQUIRE_BROWSER") == "1":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield lambda *arguments: started.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments]
        )


@pytest.fixture(scope="module")
def browser(chromium) -> Iterator[Any]:
    launched = chromium(*SOFTWARE_GL)
    yield launched
    launched.close()


class Opened:
    """A report, or a page that is given, open in a browser without a network, and what it tried to do there."""

    def __init__(self, browser: Any, path: Any, report: Report | str, **screen: Any) -> None:
        self.path = path / "report.html"
        page = report if isinstance(report, str) else report_html(report)
        self.path.write_text(page, encoding="utf-8")
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.dialogs: list[str] = []
        self.context = browser.new_context(**({"viewport": {"width": 900, "height": 640}} | screen))
        self.context.set_offline(True)
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.context.add_init_script(WATCH)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.goto(self.path.as_uri())
        self.until(DRAWN)
        if not isinstance(report, str):
            self.page.locator("#map").scroll_into_view_if_needed()
        self.settle()

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def until(self, expression: str, seconds: float = 40) -> None:
        """Ask until it is so. Playwright's own waiting evaluates strings in the page, which our policy forbids."""
        end = time.monotonic() + seconds
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, f"never came true: {expression}"
            time.sleep(0.03)

    def settle(self) -> None:
        """Wait until two frames have been drawn: WebGL draws in the next one."""
        self.page.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
        )

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def camera(self) -> dict[str, float]:
        return self.page.evaluate("document.getElementById('map')._fullLayout.scene._scene.getCamera().eye")

    def camera_moved(self, eye: dict[str, float]) -> dict[str, float]:
        """Wait until the camera stands elsewhere, and say where."""
        self.until(
            f"document.getElementById('map')._fullLayout.scene._scene.getCamera().eye.x !== {eye['x']!r}"
        )
        self.settle()
        return self.camera()

    def vivid(self, selector: str) -> tuple[int, int]:
        """How many pixels of a screenshot are neither white nor grey nor black, and in how many colours.

        Axes and their words are grey: only dots are vivid. The picture is counted on a page of its own.
        """
        picture = base64.b64encode(self.page.locator(selector).screenshot()).decode()
        counter = self.context.new_page()
        pixels, colors = counter.evaluate(
            """async (data) => {
              const image = new Image();
              image.src = "data:image/png;base64," + data;
              await image.decode();
              const canvas = document.createElement("canvas");
              [canvas.width, canvas.height] = [image.width, image.height];
              const context = canvas.getContext("2d");
              context.drawImage(image, 0, 0);
              const bytes = context.getImageData(0, 0, image.width, image.height).data;
              const vivid = [];
              for (let i = 0; i < bytes.length; i += 4) {
                const color = [bytes[i], bytes[i + 1], bytes[i + 2]];
                if (Math.max(...color) - Math.min(...color) > 60) vivid.push(color.join());
              }
              return [vivid.length, new Set(vivid).size];
            }""",
            picture,
        )
        counter.close()
        return pixels, colors

    def labels(self) -> list[tuple[str, float, float]]:
        """The labels in the picture and where their dots are on the screen."""
        return self.page.evaluate(
            """[...document.querySelectorAll("#map .annotation-text-g text")].map((label) => {
              const box = label.getBoundingClientRect();
              return [label.textContent, box.x + box.width / 2, box.y + box.height / 2 + 16];
            })"""
        )

    def behaved(self) -> None:
        """Nothing was asked of the network, nothing failed, nothing ran, nothing was refused."""
        outside = [url for url in self.requests if not url.startswith(("data:", "blob:"))]
        assert outside == [self.path.as_uri()]
        assert self.errors == []
        assert self.dialogs == []
        assert self.page.evaluate("window.pwned") is None
        assert self.page.evaluate("window.violations") == []


def a_report(rows: int, **changes: Any) -> Report:
    """A report over seeded rows with a number, a category, a truth, a date and a text each."""
    random = np.random.default_rng(rows)
    points = (random.normal(size=(rows, 3)) * [3, 2, 1]).astype(np.float32)
    price = np.round(1000 * (points[:, 0] + 10)).astype(int)
    few = rows <= 50
    table = np.clip(points @ points.T / 12, -1, 1) if few else np.zeros((0, 0))
    labels = [f"house {row} of {rows}" for row in range(rows)]
    given = {
        "title": "houses.csv",
        "headline": "Houses differ first by size",
        "facts": [("Rows", f"{rows:,} rows")],
        "points": points,
        "axes": [
            f"component {place}, {share}% of the variance" for place, share in ((1, 64), (2, 28), (3, 8))
        ],
        "loadings": [[("price", 0.9), ("lat", -0.4)], [("lat", 0.8)], []],
        "ids": [f"h{row}" for row in range(rows)],
        "columns": {
            "price": price.tolist(),
            "kind": [["flat", "barn", "loft"][row % 3] for row in range(rows)],
            "waterfront": [row % 7 == 0 for row in range(rows)],
            "sold": [f"2014-{1 + row % 12:02d}-01" for row in range(rows)],
            "note": [None if row % 5 == 4 else f"note {row}" for row in range(rows)],
        },
        "color": "price",
        "total": rows,
        "norms": {"L1": np.abs(points).sum(1), "L2": np.linalg.norm(points.astype(float), axis=1)},
        "tables": [Table("cosine", labels, table), Table("inner product", labels, 12 * table)] if few else [],
        "neighborhoods": [Neighborhood(labels[0], [(0.5, labels[-1]), (None, "a row without a score")])],
        "measure": "cosine",
        "made": "vecwise 0.1.0",
    }
    return Report(**(given | changes))  # type: ignore[arg-type]


def test_five_sentences_are_drawn_turned_read_and_recolored(browser, tmp_path) -> None:
    columns = {"text": FIVE, "size": [1, 2, 3, 4, 5]}
    tables = [Table("cosine", FIVE, a_report(5).tables[0].values), Table("inner product", FIVE, np.eye(5))]
    opened = Opened(
        browser, tmp_path, a_report(5, ids=list(range(5)), columns=columns, color="text", tables=tables)
    )
    page = opened.page
    assert page.title() == "houses.csv – vecwise"
    assert opened.text("h1") == "Houses differ first by size"
    assert page.locator("#map canvas").count() >= 1
    pixels, colors = opened.vivid("#map")
    assert pixels > 5 * 50  # five dots of 10 pixels across
    assert colors >= 5
    assert page.locator("#legend button").count() == 5

    eye, before = opened.camera(), page.locator("#map").screenshot()
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 140, box["y"] + 80, steps=3)
    page.mouse.up()
    turned = opened.camera_moved(eye)
    assert page.locator("#map").screenshot() != before
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    turned = opened.camera_moved(turned)

    for label, x, y in opened.labels()[:2]:
        row = next(place for place, text in enumerate(FIVE) if text.startswith(label.rstrip("…")))
        page.mouse.move(x, y)
        opened.until(f"document.getElementById('card-title').textContent === 'Row {row}'")
        assert FIVE[row] in opened.text("#card-cells")
    turned = opened.camera()
    page.mouse.click(x, y)
    opened.until("document.getElementById('card-state').textContent === 'kept'")
    assert page.evaluate("document.getElementById('map').data.length") == 2  # the dots, and a ring around one
    assert opened.camera() == pytest.approx(turned)  # drawing the ring does not turn the picture back
    page.keyboard.press("Escape")
    assert opened.text("#card-state") == ""

    page.click("#reset")
    assert opened.camera_moved(turned) == pytest.approx(eye)

    page.select_option("#color", label="size")
    opened.settle()
    assert opened.text("#legend .ends").split() == ["1", "3", "5"]
    assert page.locator("#legend button").count() == 0
    painted = page.evaluate("document.getElementById('map').data[0].marker.color")
    assert painted[0] == "rgb(68,1,84)"  # the ends of viridis
    assert painted[4] == "rgb(253,231,37)"
    check_charts(opened)
    opened.behaved()


def check_charts(opened: Opened) -> None:
    """The page of the five sentences has its bars, its histograms, its tables and its neighbours."""
    page = opened.page
    titles = [title.inner_text() for title in page.locator("figcaption h3").all()]
    assert titles[0] == "Component 1 rises with price and falls with lat"
    assert any(title.startswith("L2 norms run from") for title in titles)
    assert sum("are closest: cosine" in title for title in titles) == 1
    opened.until("document.querySelectorAll('figure .js-plotly-plot').length === 6")
    assert page.locator("#tables .heatmaplayer").count() == 2
    assert page.locator("#tables figure").first.locator(".heatmap-label").count() == 25
    assert "a row without a score" in opened.text("#near")
    assert "no value" in opened.text("#near")
    cells = page.locator("#tables .nsewdrag").first
    cells.scroll_into_view_if_needed()
    box = cells.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"] / 5, box["y"] + 1.5 * box["height"] / 5)
    opened.until("!document.getElementById('tip').hidden")
    tip = opened.text("#tip").splitlines()
    assert tip[:2] == [FIVE[1], FIVE[0]]
    assert tip[2].startswith("cosine ")


def test_search_legend_and_steps_find_rows(browser, tmp_path) -> None:
    opened = Opened(browser, tmp_path, a_report(60, color="kind"))
    page = opened.page
    assert not page.locator("#tables-section").is_visible()  # above 50 rows there are no tables
    page.fill("#search", "NOTE 1")
    opened.until("document.getElementById('found').textContent !== ''")
    found = [row for row in range(60) if row % 5 != 4 and str(row).startswith("1")]
    assert opened.text("#found") == f"{len(found)} rows of 60"
    drawn = page.evaluate("document.getElementById('map').data.map((trace) => trace.x.length)")
    assert drawn == [60 - len(found), len(found)]
    page.press("#search", "Enter")
    assert opened.text("#card-title") == f"Row h{found[0]}"
    page.click("#next")
    assert opened.text("#card-title") == f"Row h{found[1]}"
    assert opened.text("#card-state") == "kept"
    page.click("#release")
    page.fill("#search", "")
    opened.until("document.getElementById('found').textContent === ''")
    names = [button.inner_text().split() for button in page.locator("#legend button").all()]
    assert names == [["flat", "20"], ["barn", "20"], ["loft", "20"]]
    page.click("#legend button:nth-child(2)")
    opened.settle()
    assert page.evaluate("document.getElementById('map').data[0].x.length") == 40
    page.select_option("#color", label="note")
    opened.settle()
    assert "no value" in opened.text("#legend")
    opened.behaved()


def test_one_row_is_a_picture_too(browser, tmp_path) -> None:
    opened = Opened(browser, tmp_path, a_report(1))
    assert opened.text("#map-title") == "One row on three components"
    assert len(opened.labels()) == 1
    assert opened.vivid("#map")[0] > 50
    opened.behaved()


def test_two_rows_on_a_phone_in_the_theme_that_the_reader_prefers(browser, tmp_path) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
    opened = Opened(browser, tmp_path, a_report(2), color_scheme="light", **phone)
    page = opened.page
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert len(opened.labels()) == 2
    assert opened.vivid("#map")[0] > 100
    background = "getComputedStyle(document.body).backgroundColor"
    ink = "document.getElementById('map')._fullLayout.font.color"
    light = page.evaluate(background), page.evaluate(ink)
    page.emulate_media(color_scheme="dark")
    opened.until(f"{ink} !== '{light[1]}'")
    assert page.evaluate(background) != light[0]
    opened.settle()
    _, x, y = opened.labels()[0]
    page.touchscreen.tap(x, y)
    opened.until("document.getElementById('card-state').textContent === 'kept'")
    opened.behaved()


def test_25000_points_are_drawn_and_turned(browser, tmp_path) -> None:
    opened = Opened(browser, tmp_path, a_report(25_000, total=1_000_000))
    page = opened.page
    assert "25,000, a seeded sample of 1,000,000" in opened.text("#map-note")
    pixels, colors = opened.vivid("#map")
    assert pixels > 5000
    assert colors > 1000  # viridis, seen through one another
    eye = opened.camera()
    page.locator("#map").focus()
    page.keyboard.press("ArrowLeft")
    assert opened.camera_moved(eye)["z"] == pytest.approx(eye["z"])  # around, at the same height
    page.select_option("#color", label="waterfront")
    assert opened.text("#legend").split() == ["no", "21,428", "yes", "3,572"]
    opened.behaved()


def test_without_webgl_the_picture_is_flat_and_says_so(chromium, tmp_path) -> None:
    launched = chromium("--disable-3d-apis")
    opened = Opened(launched, tmp_path, a_report(4000))
    page = opened.page
    assert "no WebGL" in opened.text("#map-note")
    assert "3,000, a seeded sample of 4,000" in opened.text("#map-note")
    dots = page.locator("#map .scatterlayer path.point")
    assert dots.count() == 3000
    place = dots.nth(1500).bounding_box()
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    opened.until("document.getElementById('card-title').textContent.startsWith('Row h')")
    opened.behaved()
    launched.close()


def test_hostile_words_anywhere_are_shown_and_never_run(browser, tmp_path) -> None:
    assert len(HOSTILE) >= 40
    rows = len(HOSTILE)
    plain = a_report(rows)
    report = a_report(
        rows,
        title="".join(HOSTILE[:4]),
        headline=HOSTILE[0] + HOSTILE[5],
        facts=[(text, text) for text in HOSTILE],
        axes=[HOSTILE[26], HOSTILE[21], HOSTILE[28]],
        loadings=[
            [(text, 0.5 - place / 20) for place, text in enumerate(HOSTILE[k : k + 8])] for k in (0, 20, 36)
        ],
        ids=HOSTILE,
        columns={text: HOSTILE[place:] + HOSTILE[:place] for place, text in enumerate(HOSTILE)},
        color="__proto__",
        tables=[
            Table(HOSTILE[28], HOSTILE, plain.tables[0].values),
            Table(HOSTILE[26], HOSTILE, plain.tables[1].values),
        ],
        norms={HOSTILE[0]: np.arange(9.0), HOSTILE[26]: np.ones(9), "__proto__": np.arange(3.0)},
        neighborhoods=[Neighborhood(text, [(0.5, text), (None, text)]) for text in HOSTILE],
        measure=HOSTILE[3],
        made=HOSTILE[0],
    )
    opened = Opened(browser, tmp_path, report)
    page = opened.page
    opened.until("document.querySelectorAll('figure .js-plotly-plot').length === 8")
    assert opened.vivid("#map")[0] > 200
    assert page.locator("h1").evaluate("(e) => e.textContent") == HOSTILE[0] + HOSTILE[5]
    options = page.evaluate(
        "[...document.querySelectorAll('#color option')].map((option) => option.textContent)"
    )
    assert options[1 : 1 + 3] == [text[:80] for text in HOSTILE[:3]]
    for place in (0, 3, 21, 28, HOSTILE.index("constructor")):
        page.select_option("#color", value=str(place))
        opened.settle()
        page.click("#next")
        assert page.locator("#card-cells dt").count() == rows
    page.fill("#search", "onerror")
    page.press("#search", "Enter")
    ticks = page.evaluate(
        "[...document.querySelectorAll('#loadings .ytick text')].map((tick) => tick.textContent)"
    )
    assert ticks[:2] == ["</script><script>window.p…", "</SCRIPT ><script >window…"]
    assert "<a href='javascript:windo…" in ticks
    assert "<b>bold</b><i>it</i><br>n…" in ticks
    injected = "svg a, #map a, main a, img, iframe, object, embed, base, link:not([rel=icon]), video, math, animate, main style"
    assert page.locator(injected).count() == 0
    assert page.locator("script").count() == 3
    handlers = "[...document.querySelectorAll('*')].some((e) => [...e.attributes].some((a) => a.name.startsWith('on')))"
    assert page.evaluate(handlers) is False
    assert page.evaluate(
        "({}).polluted === undefined && Object.prototype.hasOwnProperty.name === 'hasOwnProperty'"
    )
    opened.behaved()


def test_a_dozen_rows_carry_hostile_labels_into_the_picture_literally(browser, tmp_path) -> None:
    chosen = [HOSTILE[place] for place in (0, 3, 7, 21, 22, 26, 27, 28, 32, 33, 36, 44)]
    values = a_report(len(chosen)).tables[0].values
    opened = Opened(
        browser, tmp_path, a_report(len(chosen), ids=chosen, tables=[Table("cosine", chosen, values)])
    )
    shown = [label for label, _, _ in opened.labels()]
    for label, text in zip(shown, chosen, strict=True):
        assert text.startswith(label.rstrip("…").rstrip()) or " ".join(text.split()).startswith(
            label.rstrip("…")
        )
    _, x, y = opened.labels()[1]
    opened.page.mouse.move(x, y)
    opened.until("document.getElementById('card-title').textContent !== 'No row yet'")
    opened.behaved()


def test_rows_that_are_images_show_themselves(browser, tmp_path) -> None:
    squares = [png_bytes(np.full((4, 4), 60 * n, np.uint8)) for n in range(3)]
    opened = Opened(browser, tmp_path, a_report(3, pictures=squares))
    opened.page.locator("#next").click()
    opened.until("document.querySelector('#card-cells img')?.naturalWidth === 4")
    first = opened.page.locator("#card-cells img").get_attribute("src")
    opened.page.locator("#next").click()
    opened.until(f"document.querySelector('#card-cells img').src !== {first!r}")
    assert first == "data:image/png;base64," + base64.b64encode(squares[0]).decode()
    opened.behaved()
