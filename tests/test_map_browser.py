"""The page of a map in a real browser, offline: two and three dimensions, cards, colours, and hostile words."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import vecwise as vw
from test_report_browser import HOSTILE, Opened, browser, chromium  # noqa: F401  fixtures
from vecwise.map_pictures import KEPT, map_report

pytestmark = pytest.mark.browser


def a_map(X: vw.Vectors, **options):
    made = vw.layout(X, **options)
    return map_report(
        made, X, name="rows.csv", rows=len(X), measure="cosine", color=None, command="", plan=None
    )


def vectors(rows: int, words: list[str]) -> vw.Vectors:
    values = np.random.default_rng(0).standard_normal((rows, 6))
    return vw.Vectors(values, rows=pa.table({"text": words}))


def test_a_plane_is_drawn_read_and_coloured_by_faithfulness(browser, tmp_path) -> None:  # noqa: F811
    X = vectors(12, [f"row number {n}" for n in range(12)])
    opened = Opened(browser, tmp_path, a_map(X, dim=2))
    page = opened.page
    assert opened.text("h1").startswith("12 rows by PCA in 2 dimensions: ")
    assert "are still neighbours in the picture" in opened.text("h1")
    assert opened.text("#map-title").startswith(f"“{KEPT}”")
    pixels, colors = opened.vivid("#map")
    assert pixels > 12 * 50
    assert colors >= 3
    label, x, y = opened.labels()[3]
    assert label == "3 row number 3"
    page.mouse.move(x, y)
    opened.until("document.getElementById('card-title').textContent === 'Row 3'")
    assert "row number 3" in opened.text("#card-cells")
    assert KEPT in opened.text("#card-cells")
    eye = opened.camera()
    assert (eye["x"], eye["y"]) == (0, 0)
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    opened.until(f"document.getElementById('map')._fullLayout.scene._scene.getCamera().eye.z < {eye['z']!r}")
    assert opened.camera()["x"] == pytest.approx(0)  # nearer, and not turned
    opened.behaved()


def test_hostile_words_stand_in_a_map_literally(browser, tmp_path) -> None:  # noqa: F811
    words = [text.encode("utf-8", "replace").decode() for text in HOSTILE]
    opened = Opened(browser, tmp_path, a_map(vectors(len(words), words)))
    for place in (0, 3, 7):
        opened.page.fill("#search", words[place])
        opened.page.press("#search", "Enter")
        opened.until("document.getElementById('card-state').textContent === 'kept'")
        shown = opened.text("#card-cells")
        assert words[place] in shown
        opened.page.keyboard.press("Escape")
    opened.behaved()
