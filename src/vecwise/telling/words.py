"""Lines that several answers are made of: names cut to fit, rows in words, tables, and how rows were compared.

This module must not know any command.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from vecwise.draw.words import count, number, row
from vecwise.kernels.arrays import dense
from vecwise.table_text import clip, grid

if TYPE_CHECKING:
    from vecwise.encoders.guess import Plan
    from vecwise.measure.health import Range
    from vecwise.measure.views import View
    from vecwise.space import Space

MOST_COLUMNS = 40  # columns listed on the terminal; the JSON lists all
WIDTH = 98  # characters of a line, which is printed two to the right
COORDINATES = 4  # of a vector that came without a row
NAME = 28  # characters of an id or a column's name on the terminal; the JSON has them whole


def plan_lines(plan: Plan | None) -> list[str]:
    """Give a line a column: its type, its use, and why."""
    if plan is None:
        return ["vectors already: nothing to encode"]
    used = {"encode": "encoded", "text": "encoded", "vectors": "the vectors", "skip": "left out"}
    cells = [[c.name, c.type, used[c.use], c.why] for c in plan.columns[:MOST_COLUMNS]]
    widths = [max(len(short(row[i])) for row in cells) for i in range(3)]
    lines = []
    for line in cells:
        start = "  ".join(short(line[i]).ljust(widths[i]) for i in range(3))
        lines += wrapped(f"{start}  {clip(line[3], 120)}", " " * (len(start) + 2))
    more = len(plan.columns) - len(cells)
    return [*lines, f"… {count(more, 'more column')}"] if more > 0 else lines


def wrapped(line: str, indent: str = "  ") -> list[str]:
    """A line as lines that fit the screen; those after the first are indented."""
    fitted = textwrap.TextWrapper(
        WIDTH,
        subsequent_indent=indent,
        replace_whitespace=False,
        drop_whitespace=True,
        break_on_hyphens=False,
    )
    return fitted.wrap(line)


def short(name: object, width: int = NAME) -> str:
    """A name cut in its middle: long names often differ in their last characters alone."""
    line = clip(name, 10_000)
    tail = width // 3
    return line if len(line) <= width else f"{line[: width - 1 - tail]}…{line[-tail:]}"


def fitting(start: str, parts: list[str]) -> str:
    """The line with as many parts as fit the screen: those that are left out matter least."""
    line = start + parts[0]
    for part in parts[1:]:
        if len(line) + 2 + len(part) > WIDTH:
            break
        line += f", {part}"
    return line


def cut(line: str) -> str:
    """A laid-out line cut to the screen; its spaces stay, which `clip` would join."""
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def told(X: Any, place: int, shown: tuple[str, ...]) -> str:
    """Give a row in words, by the columns shown; of vectors that came without rows the first coordinates."""
    if X.rows is not None:
        return row(X.rows.slice(place, 1).to_pylist()[0], shown, 78)
    first = dense(X.values[place : place + 1][:, :COORDINATES])[0].tolist()
    more = ["…"] if X.shape[1] > COORDINATES else []
    return f"({', '.join([*map(number, first), *more])})"


def measure_data(view: View) -> dict[str, str]:
    """Give how rows were compared, as data."""
    return {"metric": view.metric, "words": view.words}


def range_words(values: Range) -> str:
    """Give a range in words: "from 1 to 3, median 2"."""
    return f"from {number(values.min)} to {number(values.max)}, median {number(values.median)}"


def in_blocks(header: list[str], cells: list[list[str]], width: int = WIDTH) -> list[str]:
    """A table in blocks of columns that fit the screen, each with the row names again."""
    named = max(len(row[0]) for row in cells)
    wide = 2 + max(len(cell) for row in [header, *cells] for cell in row[1:])
    take = max(1, (width - named) // wide)
    lines: list[str] = []
    for start in range(1, len(header), take):
        part = [[row[0], *row[start : start + take]] for row in [header, *cells]]
        lines += [*([""] if lines else []), *grid(part[0], part[1:])]
    return lines


def column_data(c: Any) -> dict[str, Any]:
    """Give a column of a plan as data."""
    return {"name": c.name, "type": c.type, "encoded": c.use != "skip", "use": c.use, "why": c.why}


def own_name(X: Any) -> str | None:
    """What a user's own vectors are called, such as "column `embedding`"; `None` for those of an encoder."""
    return clip(X.space.name, 60) or None if X.space.frame.startswith("own-") else None


def encoder_name(X: Any) -> str:
    """What made the vectors: their space's name without its details."""
    return clip(X.space.name.split(":")[0], 40) or "your own vectors"


def space_data(space: Space) -> dict[str, Any]:
    """A space as JSON data; the names of very many features are left out."""
    named = None if space.features is None or space.dim > 1000 else list(space.features)
    claims = sorted(space.claims)
    return {"name": space.name, "dim": space.dim, "frame": space.frame, "claims": claims, "features": named}
