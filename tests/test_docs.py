"""The documentation's own code, executed: docstrings of every module, and the Python of README and docs."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

import vecwise

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = ["vecwise", *(m.name for m in pkgutil.walk_packages(vecwise.__path__, "vecwise."))]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_say_the_truth(name) -> None:
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.failed == 0


def test_there_are_examples_to_execute() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    examples = sum(len(t.examples) for name in MODULES for t in finder.find(importlib.import_module(name)))
    assert examples > 50


check_it_runs = exec  # what the page asserts is asserted, and no error leaves it


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_python_of_a_page_runs(page, monkeypatch, tmp_path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    for name in ("VECWISE_TRACK", "VECWISE_RUNS"):  # a page may set them; afterwards they are what they were
        monkeypatch.setenv(name, os.environ.get(name, str(tmp_path / "runs")))
    names: dict[str, object] = {}
    for block in blocks:
        check_it_runs(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_pictures_stand_alone_and_are_described(page) -> None:
    for words, target in re.findall(r"!\[([^\]]*)\]\(([^)]+\.svg)\)", page.read_text(encoding="utf-8")):
        assert len(words) > 20, target
        picture = (page.parent / target).read_text(encoding="utf-8")
        assert fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
        outside = re.findall(r"<script|(?:href|src)=['\"](?!data:)|url\(", picture)
        assert not outside
        assert len(picture) < 200_000


def test_the_page_of_encoders_has_a_line_for_each() -> None:
    from vecwise.encoders.registry import ENCODERS

    text = (ROOT / "docs" / "encoders.md").read_text(encoding="utf-8")
    table = text[text.index("<!-- measured -->") : text.index("<!-- end -->")]
    measured = set(re.findall(r"^\| `([a-z]+)` ", table, re.MULTILINE))
    assert set(ENCODERS) <= measured
    assert "Python 3" in table  # the machine and the versions stand beside the figures
