"""A few rows as a small table, in plain text and in HTML that is safe for any cell.

This module must not know vectors: it is given words and gives words.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from itertools import starmap


def clip(text: object, width: int) -> str:
    """Shorten to `width` characters on one line, with an ellipsis where text was cut.

    >>> clip("a long sentence", 8)
    'a long …'
    """
    line = " ".join(str(text).split())
    return line if len(line) <= width else line[: width - 1] + "…"


def count(amount: int, thing: str) -> str:
    """Write an amount with its noun, whose last word takes the plural.

    >>> count(1, "row"), count(21613, "row"), count(2, "zero query"), count(2, "day")
    ('1 row', '21,613 rows', '2 zero queries', '2 days')
    """
    if amount == 1:
        return f"1 {thing}"
    many = f"{thing[:-1]}ies" if thing.endswith("y") and thing[-2:-1] not in "aeiou" else f"{thing}s"
    return f"{amount:,} {many}"


def verb(amount: int, many: str) -> str:
    """Give the verb that agrees with an amount.

    >>> verb(1, "have"), verb(2, "have"), verb(1, "repeat")
    ('has', 'have', 'repeats')
    """
    return {"are": "is", "have": "has"}.get(many, f"{many}s") if amount == 1 else many


def free_name(name: str, taken: Sequence[str]) -> str:
    """Give a column's name, and where it is taken say that it is a column's.

    >>> free_name("price", ["id"]), free_name("id", ["id"])
    ('price', 'id (column)')
    """
    while name in taken:
        name = f"{name} (column)"
    return name


def grid(header: Sequence[str], cells: Sequence[Sequence[str]], widest: int = 24) -> list[str]:
    """Lay cells out in right-aligned columns, the first one left-aligned."""
    rows = [[clip(c, widest) for c in row] for row in [header, *cells]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *starmap(str.rjust, zip(row[1:], widths[1:], strict=True))]
        ).rstrip()
        for row in rows
    ]


def picture_html(png: bytes, height: int = 56) -> str:
    """A PNG file inside a page, so many CSS pixels high; small pictures show their pixels as squares.

    >>> picture_html(b"png", 8)
    '<img alt="" style="height:8px;image-rendering:pixelated" src="data:image/png;base64,cG5n">'
    """
    data = base64.b64encode(png).decode()
    style = f"height:{height}px;image-rendering:pixelated"
    return f'<img alt="" style="{style}" src="data:image/png;base64,{data}">'


def preview_text(headline: str, header: list[str], cells: list[list[str]], more: int) -> str:
    """The headline, the first rows, and how many more there are."""
    lines = [headline, *("  " + line for line in grid(header, cells))]
    return "\n".join([*lines, f"  … {count(more, 'more row')}"] if more else lines)


def preview_html(
    headline: str,
    header: list[str],
    cells: list[list[str]],
    more: int,
    pictures: Sequence[bytes] = (),
    width: int = 24,
) -> str:
    """The same as a table for a notebook; every cell is escaped and cut to `width` characters.

    `pictures` are PNG files, one a row, or none.
    """
    head = "".join(f"<th>{html.escape(clip(h, width))}</th>" for h in header)
    shown = [f"<td>{picture_html(png)}</td>" for png in pictures] or [""] * len(cells)
    body = "".join(
        f"<tr>{picture}" + "".join(f"<td>{html.escape(clip(c, width))}</td>" for c in row) + "</tr>"
        for picture, row in zip(shown, cells, strict=True)
    )
    head = "<th></th>" + head if pictures else head
    tail = f"<p>… {count(more, 'more row')}</p>" if more else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<p><b>{html.escape(headline)}</b></p>{table}{tail}"
