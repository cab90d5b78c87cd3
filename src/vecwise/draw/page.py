"""One HTML file out of data, our script, our style and plotly.js: nothing is loaded, nothing hostile can run.

This module must not know what the data means.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.util
import json
from importlib import resources
from pathlib import Path
from typing import Any, Final

from vecwise.draw.theme import css
from vecwise.errors import Damaged, missing_package

# The only inline scripts that may run are those whose hashes stand here; plotly needs no `eval` for what we
# draw. Styles need 'unsafe-inline' because plotly writes <style> elements and style attributes while it
# draws; with no image or font to be loaded from anywhere, a style cannot carry anything out.
_POLICY: Final = (
    "default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
    "connect-src 'none'; base-uri 'none'; form-action 'none'"
)
_SCRIPTS: Final = {
    "report": ("page.js", "charts.js", "data.js", "paint.js", "card.js", "map.js", "stages.js", "report.js"),
    "runs": (
        "page.js",
        "charts.js",
        "runs_rows.js",
        "runs_table.js",
        "runs_lines.js",
        "runs_one.js",
        "runs.js",
    ),
}
_STYLES: Final = {"report": ("report.css",), "runs": ("report.css", "runs.css")}


def page_html(data: Any, page: str = "report") -> str:
    """Give a page, "report" or "runs", around its data: one string, about 5 MB of it plotly.js.

    The same data gives the same page. Raises `MissingPackage` when plotly is not installed.
    """
    ours, library = _script(page), _plotly()
    policy = _POLICY.format(hashes=f"{_digest(ours)} {library[1]}")
    parts = {
        "page": page,
        "body": _asset(f"{page}.html"),
        "policy": policy,
        "style": "\n".join([css(), *map(_asset, _STYLES[page])]),
        "data": json_in_html(data),
        "script": ours,
        "plotly": library[0],
    }
    pieces = _asset("page.html").split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, rest = piece.split("}}", 1)
        filled += [parts[name], rest]
    return "".join(filled)


def json_in_html(data: Any) -> str:
    r"""Write JSON that can stand inside a script element: plain ASCII without `<`, `>` and `&`.

    >>> json_in_html(["</script>", "&amp;", "\u2028"])
    '["\\u003c/script\\u003e","\\u0026amp;","\\u2028"]'
    """
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@functools.cache
def _script(page: str) -> str:
    body = "\n".join(map(_asset, _SCRIPTS[page]))
    return _closed(f'(() => {{\n"use strict";\n{body}\n}})();')


@functools.cache
def _plotly() -> tuple[str, str]:
    """The text of plotly.js as plotly's package ships it, and its hash; finding it imports nothing."""
    found = importlib.util.find_spec("plotly")
    if found is None or not found.submodule_search_locations:
        raise missing_package("plotly", "The report", "plotly")
    path = Path(found.submodule_search_locations[0]) / "package_data" / "plotly.min.js"
    try:
        text = _closed(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Damaged(
            f"plotly is installed without `{path.name}`. Install it anew: pip install -I plotly"
        ) from error
    return text, _digest(text)


@functools.cache
def _asset(name: str) -> str:
    return (resources.files("vecwise.draw") / "assets" / name).read_text(encoding="utf-8")


def _closed(script: str) -> str:
    """Let nothing inside a script end its element; in JavaScript strings `<\\/` is `</`."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _digest(script: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'"
