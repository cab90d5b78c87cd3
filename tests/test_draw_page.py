"""The page as text: one file, a strict policy, and data that cannot leave its element."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import importlib.util
import json
import re
import subprocess
import sys
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vecwise.draw.page as page_module
from vecwise.draw.page import _SCRIPTS, json_in_html, page_html
from vecwise.draw.theme import PALETTES, css, dot, template
from vecwise.errors import Damaged, MissingPackage


class Elements(html.parser.HTMLParser):
    """The elements of a page and what its scripts hold, as a parser that follows the standard sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts[-1] += data


def test_every_script_that_may_run_has_its_hash_in_the_policy() -> None:
    elements = Elements(page_html({"x": 1}))
    policy = next(
        a["content"] for tag, a in elements.tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    kinds = [attrs.get("type") for tag, attrs in elements.tags if tag == "script"]
    assert kinds == ["application/json", None, None]
    hashes = [
        "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'"
        for script in elements.scripts[1:]
    ]
    assert re.search("script-src ([^;]*);", policy).group(1).split() == hashes
    for part in ("default-src 'none'", "connect-src 'none'", "base-uri 'none'", "form-action 'none'"):
        assert part in policy
    assert "unsafe-eval" not in policy
    assert policy.count("unsafe-inline") == 1
    assert "style-src 'unsafe-inline'" in policy


def test_the_page_asks_for_nothing_and_has_no_handlers() -> None:
    elements = Elements(page_html({}))
    for tag, attrs in elements.tags:
        assert tag not in {"iframe", "img", "object", "embed", "base", "form"}
        assert not [name for name in attrs if name.startswith("on") or name == "src" or name == "style"]
        assert tag != "link" or attrs["href"] == "data:,"


@pytest.mark.parametrize("name", sorted({name for names in _SCRIPTS.values() for name in names}))
def test_our_scripts_write_text_and_never_html(name) -> None:
    script = (resources.files("vecwise.draw") / "assets" / name).read_text(encoding="utf-8")
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
    ):
        assert word not in script
    assert "http" not in script
    assert "createContextualFragment" not in script


@pytest.mark.parametrize("page", _SCRIPTS)
def test_no_function_of_a_page_is_declared_twice(page) -> None:
    names = re.findall(r"^function (\w+)", page_module._script(page), re.MULTILINE)
    assert len(names) == len(set(names)) > 20


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
    )
)
def test_data_stays_in_its_element_and_comes_back(data: Any) -> None:
    written = json_in_html(data)
    assert written.isascii()
    assert not set(written) & set("<>&")
    assert json.loads(written) == data


def test_numbers_that_json_does_not_know_are_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_in_html(float("nan"))


def test_a_script_cannot_be_ended_from_inside() -> None:
    scripts = Elements(page_html({"text": "</script><!--<script>"})).scripts
    assert len(scripts) > 1
    for script in scripts:
        assert "</script" not in script.lower()
        assert "<!--" not in script


def test_the_same_data_gives_the_same_page() -> None:
    assert page_html({"a": [1, "b"]}) == page_html({"a": [1, "b"]})


def test_braces_in_the_data_are_data() -> None:
    assert '"{{script}}"' in page_html({"x": "{{script}}"})


def test_the_page_is_made_without_importing_plotly() -> None:
    code = (
        "import sys; from vecwise.draw.page import page_html; page_html({}); print('plotly' in sys.modules)"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "False"


def test_without_plotly_the_error_names_the_line_that_installs_it(monkeypatch) -> None:
    page_module._plotly.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match="pip install plotly"):
        page_html({})


def test_half_a_plotly_is_told(monkeypatch, tmp_path) -> None:
    page_module._plotly.cache_clear()
    empty = importlib.util.spec_from_file_location(
        "plotly", tmp_path / "x.py", submodule_search_locations=[str(tmp_path)]
    )
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: empty)
    with pytest.raises(Damaged, match=r"plotly\.min\.js"):
        page_html({})


def test_both_themes_name_every_colour_once_and_paper_is_light() -> None:
    light, dark = css().split("@media")
    for name in ("page", "surface", "ink", "muted", "line", "accent", "rest"):
        assert f"--{name}:{getattr(PALETTES['light'], name)};" in light
        assert f"--{name}:{getattr(PALETTES['dark'], name)};" in dark
    assert dark.lstrip().startswith("screen and (prefers-color-scheme: dark)")


def luminance(color: str) -> float:
    """Relative luminance of WCAG 2.1."""
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_words_have_the_contrast_that_wcag_asks_for(mode) -> None:
    colors = PALETTES[mode]
    for ink in (colors.ink, colors.muted, colors.accent):
        for ground in (colors.page, colors.surface):
            light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_dots_shrink_and_fade_as_they_grow_many() -> None:
    sizes, alphas = zip(*[dot(n) for n in (1, 10, 100, 1000, 10_000, 25_000)], strict=True)
    assert list(sizes) == sorted(sizes, reverse=True)
    assert list(alphas) == sorted(alphas, reverse=True)
    assert sizes[-1] > 1
    assert alphas[-1] > 0.3


def test_the_templates_are_plotlys_own_kind() -> None:
    import plotly.graph_objects as go

    for mode in ("light", "dark"):
        assert go.layout.Template(template(mode)).layout.font.color == PALETTES[mode].ink
