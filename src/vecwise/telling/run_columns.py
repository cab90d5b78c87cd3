"""The columns of a page of runs: which metrics, parameters and tags stand there, and which are shown first.

This module must not know the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from vecwise.draw.runs_page import PageColumn
from vecwise.table_text import clip
from vecwise.tracking.comparing import flat
from vecwise.tracking.records import Run

MOST_CELLS: Final = 1_000_000  # of a page: at 8 bytes a number, about ten megabytes
MOST_COLUMNS: Final = 400
MOST_TAGS: Final = 20
MOST_WORDS: Final = 16  # different words up to which a column is an axis; `runs_lines.js` draws as many
_LONGEST: Final = 300  # characters of a cell
MOST_SHOWN: Final = 5  # metrics in the table at first
MOST_PARAMS: Final = 3
MOST_AXES: Final = 4  # parameters, beside three metrics

OWN: Final = ("run", "began (UTC)", "kind", "name", "status", "seconds")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns, the places of those that the table and the axes begin with, and how many were left out."""

    columns: list[PageColumn]
    shown: list[int]
    axes: list[int]
    left: dict[str, int]


def columns_of(runs: Sequence[Run], asked: Sequence[str] = ()) -> Columns:
    """Choose columns: what was asked for first, then what most runs have, as many as a page can carry."""
    kept: dict[str, list[Mapping[str, Any]]] = {
        "metric": [dict(run.metrics) for run in runs],
        "parameter": [_words(flat(run.params)) for run in runs],
        "tag": [dict(run.tags) for run in runs],
    }
    room = min(MOST_COLUMNS, max(40, MOST_CELLS // max(1, len(runs))))
    columns, left = _own(runs), {}
    for group, most in (("tag", MOST_TAGS), ("parameter", room // 3), ("metric", room - room // 3)):
        names = _by_use(kept[group], asked)
        left[group] = max(0, len(names) - most)
        columns += [PageColumn(group, n, [cells.get(n) for cells in kept[group]]) for n in names[:most]]
    order = {"run": 0, "metric": 1, "parameter": 2, "tag": 3}
    columns.sort(key=lambda column: order[column.group])
    return Columns(columns, _first(columns, asked), _lines(columns, asked), left)


def _own(runs: Sequence[Run]) -> list[PageColumn]:
    cells = [
        [
            run.id,
            run.began[:19].replace("T", " "),
            run.kind,
            clip(run.name, _LONGEST),
            run.status,
            run.seconds,
        ]
        for run in runs
    ]
    return [PageColumn("run", name, [line[at] for line in cells]) for at, name in enumerate(OWN)]


def _words(params: dict[str, Any]) -> dict[str, Any]:
    """Numbers as they are, anything else in words; what is empty is no value."""
    return {
        name: value if isinstance(value, (bool, int, float)) else clip(_listed(value), _LONGEST)
        for name, value in params.items()
        if value is not None
    }


def _listed(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _by_use(kept: list[Mapping[str, Any]], asked: Sequence[str]) -> list[str]:
    uses = Counter(name for cells in kept for name in cells)
    return sorted(uses, key=lambda name: (name not in asked, -uses[name]))  # ties as they were met


def _first(columns: list[PageColumn], asked: Sequence[str]) -> list[int]:
    """Places of the table's first columns; of metrics one of each kind of run before a second."""
    own = [at for at, column in enumerate(columns) if column.group == "run"]
    wanted = [at for at, column in enumerate(columns) if column.group != "run" and column.name in asked]
    metrics = _in_turn(columns, [at for at in _telling(columns, "metric") if at not in wanted])
    params = [at for at in _telling(columns, "parameter") if at not in wanted]
    return own + wanted + metrics[: max(0, MOST_SHOWN - len(wanted))] + params[:MOST_PARAMS]


def _in_turn(columns: list[PageColumn], places: list[int]) -> list[int]:
    """The first of every set of columns that the same runs have, then the second of each."""
    turn: Counter[bytes] = Counter()
    ranks = {}
    for at in places:
        having = bytes(value is not None for value in columns[at].values)
        ranks[at] = turn[having]
        turn[having] += 1
    return sorted(places, key=ranks.__getitem__)


def _lines(columns: list[PageColumn], asked: Sequence[str]) -> list[int]:
    """Places of the first axes: parameters, then metrics; the last one, which colours, is what was asked for first."""
    metrics = [at for at in _telling(columns, "metric") if _is_axis(columns[at])]
    metrics.sort(key=lambda at: columns[at].name not in asked)
    main = columns[metrics[0]].values if metrics else [1] * len(columns[0].values)
    having = [row for row, value in enumerate(main) if value is not None]
    params = [at for at in _telling(columns, "parameter", having) if _is_axis(columns[at])]
    beside = (at for at in metrics[1:] if len(_different(columns[at], having)) > 1)
    return params[:MOST_AXES] + [*metrics[:1], *islice(beside, 2)][::-1]


def _telling(columns: list[PageColumn], group: str, rows: Sequence[int] | None = None) -> list[int]:
    """Columns of a group in which the runs (or those of these rows) differ."""
    return [
        at for at, column in enumerate(columns) if column.group == group and len(_different(column, rows)) > 1
    ]


def _different(column: PageColumn, rows: Sequence[int] | None = None) -> set[Any]:
    values = column.values if rows is None else [column.values[row] for row in rows]
    return {value for value in values if value is not None}


def _is_axis(column: PageColumn) -> bool:
    words = _different(column)
    return all(isinstance(value, (int, float)) for value in words) or len(words) <= MOST_WORDS
