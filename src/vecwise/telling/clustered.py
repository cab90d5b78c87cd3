"""The clusters of a file, in words and as data.

This module must not know the command line, nor compute anything.
"""

from __future__ import annotations

from typing import Any

from vecwise.draw.words import count, number, share
from vecwise.encoders.guess import Plan
from vecwise.explore import shown_columns
from vecwise.structure.found import Clusters
from vecwise.table_text import clip
from vecwise.telling.answer import Answer
from vecwise.telling.words import NAME, cut, short, space_data, told, wrapped

MOST_TOLD = 40  # clusters listed on the terminal; the JSON lists all
OUTLIERS = 5
MOST_NAMED = 40  # characters of a cluster's name in the table; the JSON has all


def clustered(name: str, found: Clusters, plan: Plan | None, written: list[str]) -> Answer:
    """Tell the clusters, largest first, with the row nearest to each center, and the rows that fit least."""
    X = found.vectors
    shown = shown_columns(X, plan)
    groups, outliers = found.representatives(), found.outliers(OUTLIERS)
    noise = int((found.labels < 0).sum())
    rows = len(found.labels)
    representatives = _rows(X, groups, shown)
    data: dict[str, Any] = {
        "name": name,
        "rows": rows,
        "method": found.method,
        "measure": found.measure,
        "k": found.k,
        "k_reason": found.k_reason,
        "inertia": found.inertia,
        "iterations": found.iterations,
        "in_none": noise,
        "clusters": [
            {"cluster": c, "name": found.names[c], "size": size, "share": size / rows, "representative": near}
            for c, (size, near) in enumerate(zip(found.sizes.tolist(), representatives, strict=True))
        ],
        "outliers": _rows(X, outliers, shown),
        "written": written,
        "space": space_data(X.space),
    }
    by = ", by Euclidean distance of rows at length 1" if found.measure == "cosine" else ""
    rest = f"; {count(noise, 'row')} in none" if noise else ""
    head = f"{clip(name, 40)}: {count(found.k, 'cluster')} of {count(rows, 'row')}, by {found.measure}"
    sections = [
        (head, [*wrapped(found.k_reason + rest), *_table(found, data["clusters"])]),
        (f"Farthest from their centers{by}", [_line(row) for row in data["outliers"]]),
        *([("Written", written)] if written else []),
    ]
    return Answer(sections, data)


def _table(found: Clusters, groups: Any) -> list[str]:
    cells = [
        (_whole_parts(g["name"]), f"{g['size']:,}", share(g["share"]), g["representative"]["row"])
        for g in groups[:MOST_TOLD]
    ]
    if not cells:
        return []
    head = ("name", "rows", "share", "the row nearest to the center")
    widths = [max(len(line[i]) for line in [head, *cells]) for i in range(3)]
    lines = [
        cut(f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d}".rstrip())
        for a, b, c, d in [head, *cells]
    ]
    more = found.k - len(cells)
    return [*lines, f"… {count(more, 'more cluster')}"] if more > 0 else lines


def _whole_parts(name: str) -> str:
    """As many parts of a name as fit, none of them cut but a first one that is too long by itself."""
    if len(name) <= MOST_NAMED:
        return name
    while len(name) + 3 > MOST_NAMED and ", " in name:
        name = name.rpartition(", ")[0]
    return f"{clip(name, MOST_NAMED - 3)}, …"


def _rows(X: Any, picked: Any, shown: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"id": name, "row": told(X, place, shown) or f"row {name}", "distance": distance}
        for name, place, distance in zip(
            picked.ids.tolist(), picked.places.tolist(), picked.distances.tolist(), strict=True
        )
    ]


def _line(row: dict[str, Any]) -> str:
    return cut(f"{number(row['distance'], 4):>9}  {short(row['id'], NAME)}  {row['row']}")
