"""The slider over stages in a real browser, offline: dots move, numbers change, keys work, nothing hostile runs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import vecwise as vw
from test_report_browser import HOSTILE, Opened, browser, chromium  # noqa: F401  fixtures
from vecwise.stage_pictures import compare_report, laid, trace_report

pytestmark = pytest.mark.browser
WHERE = (
    "Array.from(document.getElementById('map')._fullData[0].x).slice(0, 3).map((v) => Math.round(1e4 * v))"
)


def a_trace(words: list[str]):
    from sklearn.neural_network import MLPClassifier

    rows = len(words)
    X = vw.Vectors(np.random.default_rng(0).standard_normal((rows, 5)), rows=pa.table({"text": words}))
    kinds = np.arange(rows) % 2
    model = MLPClassifier((4, 3), max_iter=900, tol=1, random_state=0).fit(X.values, kinds)
    found = vw.trace(model, X)
    labels = ["odd" if kind else "even" for kind in kinds]
    said = found.summary(labels)
    return found, trace_report(found, said, name="rows.csv", target="kind", labels=labels)


def test_the_slider_moves_the_rows_from_layer_to_layer(browser, tmp_path) -> None:  # noqa: F811
    found, report = a_trace([f"row number {n}" for n in range(12)])
    opened = Opened(browser, tmp_path, report)
    page = opened.page
    assert opened.text("#map-title") == "12 rows at “input”"
    assert opened.text("#stage-name") == "input (1 of 4)"
    assert "neighbours agree" in opened.text("#stage-numbers")
    assert page.locator("#stage-back").is_disabled()
    expected = [
        np.round(1e4 * points[:3, 0]).astype(int).tolist() for points in laid(dict(found), np.arange(12))
    ]

    def at(place: int) -> None:
        opened.until(f"JSON.stringify({WHERE}) === JSON.stringify({expected[place]})")

    at(0)
    page.locator("#stage").focus()
    page.keyboard.press("ArrowRight")
    at(1)
    assert opened.text("#map-title") == "12 rows at “hidden 1”"
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    at(2)
    page.click("#stage-on")
    at(3)
    assert page.locator("#stage-on").is_disabled()
    page.locator("#map").focus()
    page.keyboard.press("ArrowLeft")
    at(2)
    page.fill("#search", "row number 7")
    page.press("#search", "Enter")
    opened.until("document.getElementById('card-state').textContent === 'kept'")
    page.click("#stage-back")
    opened.until("document.getElementById('stage-name').textContent === 'hidden 1 (2 of 4)'")
    assert opened.text("#card-state") == "kept"  # the same row goes along
    pixels, colors = opened.vivid("#map")
    assert pixels > 100
    assert colors >= 2
    opened.behaved()


def test_hostile_words_and_names_stand_literally(browser, tmp_path) -> None:  # noqa: F811
    words = [text.encode("utf-8", "replace").decode() for text in HOSTILE]
    X = vw.Vectors(np.random.default_rng(0).standard_normal((len(words), 4)), rows=pa.table({"text": words}))
    found = vw.compare(X, np.asarray(X.values)[:, ::-1] * 2, k=3)
    opened = Opened(browser, tmp_path, compare_report(found, name=words[3], names=(words[0], words[3])))
    assert opened.text("#stage-name").startswith("</script>")
    opened.page.click("#stage-on")
    opened.until("document.getElementById('stage-name').textContent.startsWith('<img')")
    opened.behaved()


def test_a_page_without_stages_has_no_slider(browser, tmp_path) -> None:  # noqa: F811
    from test_report_browser import a_report

    opened = Opened(browser, tmp_path, a_report(5))
    assert not opened.page.locator("#stages").is_visible()
    opened.behaved()
