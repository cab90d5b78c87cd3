"""A leaderboard of encoders in words and as data.

This module must not know the command line, nor compute anything but what it says.
"""

from __future__ import annotations

from typing import Any

from vecwise.draw.words import count
from vecwise.models.leaderboard import METRICS, Choice, cells_of, header_of, one_as_data
from vecwise.table_text import clip, grid
from vecwise.telling.answer import Answer
from vecwise.telling.words import wrapped


def told_choice(name: str, found: Choice, written: dict[str, str | None]) -> Answer:
    """Tell which encoder to take, the leaderboard, and which encoders failed; the status is 1 when none is to take."""
    files = {kind: path for kind, path in written.items() if path is not None}
    data: dict[str, Any] = {
        "name": name,
        "rows": found.rows,
        "metric": found.metric,
        "how": found.how,
        "recommended": found.recommended,
        "tied": list(found.tied),
        "words": found.words,
        "baseline": None if found.baseline is None else found.baseline.mean,
        "encoders": [one_as_data(one) for one in (*found.ranked, *found.failed)],
        "written": list(files.values()),
        "metrics": _metrics(found),
    }
    board = grid(header_of(found), cells_of(found)) if found.ranked else []
    head = f"{clip(name, 40)}: encoders on {count(found.rows, 'row')}"
    sections = [
        (head, [*wrapped(found.words), "", *board]),
        ("How they were judged", _how(found)),
        (
            "Could not be tried",
            [line for one in found.failed for line in wrapped(f"{clip(one.name, 60)}: {one.failure}")],
        ),
        *([("Written", list(files.values()))] if files else []),
    ]
    status = 1 if found.recommended is None else 0
    return Answer([section for section in sections if section[1]], data, status, files)


def _how(found: Choice) -> list[str]:
    lines = wrapped(f"{METRICS[found.metric]}: {found.how}")
    if found.baseline is not None:
        lines += wrapped(f"saying the same of every row reaches {found.baseline.mean:.3f}")
        lines.append("± is the standard deviation over the folds, which are the same for all")
    elif found.ranked and found.ranked[0].quality is not None:
        lines.append("± is the standard error, from drawing rows again (bootstrap)")
    if found.ranked:
        lines.append("rows/s: fitting and encoding all rows once, on this machine; on disk: with its weights")
    return lines


def _metrics(found: Choice) -> dict[str, float]:
    if found.recommended is None:
        return {}
    quality = found[found.recommended].quality
    return {} if quality is None else {found.metric: quality.mean, "spread": quality.spread}
