"""CSV logs of other trackers: which column counts steps, which names the runs, and what each run logged.

This module must not know the journal. wandb's histories, its panels and its table of runs, Neptune's table of runs,
Trackio's logs, and any log with a step column are read by their column names alone.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from math import isfinite, isnan
from pathlib import Path
from typing import Any, Final

from vecwise.errors import BadRow, EmptyInput, Inapplicable, WrongEncoding, some

MOST_ROWS: Final = 5_000_000
MOST_COLUMNS: Final = 20_000
_STEPS: Final = ("_step", "step", "Step", "global_step", "trainer/global_step", "epoch")
_NAMES: Final = ("run_name", "run", "Name", "sys/name", "name", "run_id", "sys/id", "Id", "ID")
_TIMES: Final = ("_timestamp", "timestamp", "Created", "sys/creation_time", "Creation Time")
_LASTED: Final = ("_runtime", "Runtime", "sys/running_time")
_STATES: Final = ("State", "sys/state")
_STATUS: Final = {"crashed": "failed", "failed": "failed", "killed": "killed", "preempted": "killed"}
_PARAM: Final = re.compile(r"(?:parameters|params|config|hparams|hyperparameters)[/.]")
# wandb's panels name a column by the run and the metric, and two more by the ends of what was sampled.
_PANEL: Final = re.compile(r"(?P<run>.+) - (?P<metric>.+?)(?P<end>__MIN|__MAX|__STEP)?")
_ENDS: Final = ("__MIN", "__MAX", "__STEP")


@dataclass(slots=True)
class LoggedRun:
    """One run of a log: its numbers, its curves where there are steps, and its texts. `mark` tells it from others."""

    name: str
    mark: str
    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    points: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    began: float | None = None  # seconds of 1970
    seconds: float | None = None
    status: str = "done"


def read_log(path: Path) -> list[LoggedRun]:
    """Give the runs of a CSV or TSV file.

    Raises `Inapplicable` where no column counts steps or names runs, `EmptyInput`, `BadRow` naming the line,
    `WrongEncoding`, `OSError`.
    """
    header, rows = _rows(path)
    panel = [_PANEL.fullmatch(name) for name in header[1:]]
    # The first column is whatever the panel counts by: steps, epochs, seconds since the start.
    if panel and all(panel) and (header[0] in _STEPS or any(found and found["end"] for found in panel)):
        return _panel(path, header, rows, panel)
    header, rows = _spread(*_without_ends(header, rows))
    place = {name: at for at, name in reversed(list(enumerate(header)))}
    name = next((place[word] for word in _NAMES if word in place), None)
    step = next((place[word] for word in _STEPS if word in place), None)
    if name is None and step is None:
        raise Inapplicable(
            f"{path} has columns {some(header)}, and none that counts steps ({some(_STEPS, 10)}) or names runs "
            f"({some(_NAMES, 10)}). Rename one."
        )
    twin = place.get("run_id") if step is not None else None  # two runs may have one name
    groups: dict[tuple[str, str], list[list[str]]] = {}
    for row in rows:
        word = path.stem if name is None else row[name] or "unnamed"
        groups.setdefault((word, "" if twin is None else row[twin]), []).append(row)
    single = name is not None and all(len(found) == 1 for found in groups.values())
    if name is not None and step is None:  # a row is a run, even where two have one name
        return [_run(str(row[name]), header, [row], name, None) for found in groups.values() for row in found]
    return [_run(word, header, found, name, None if single else step) for (word, _), found in groups.items()]


def _without_ends(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Leave out the ends of what a panel of one run sampled: `loss__MIN` and `loss__MAX` beside `loss`."""
    ends = {name + end for name in header for end in _ENDS}
    kept = [at for at, name in enumerate(header) if name not in ends]
    if len(kept) == len(header):
        return header, rows
    return [header[at] for at in kept], [[row[at] for at in kept] for row in rows]


def _spread(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Make columns of the numbers in Trackio's own table, which keeps those of a step as one JSON text."""
    if not {"run_name", "step", "metrics"} <= set(header):
        return header, rows
    at = header.index("metrics")
    logged = [_logged(row[at]) for row in rows]
    if any(found is None for found in logged):
        return header, rows
    seen = dict.fromkeys(name for found in logged for name in found or {})
    names = [name for name in seen if name not in header][:MOST_COLUMNS]
    kept = [
        place for place, name in enumerate(header) if place != at and name != "id"
    ]  # `id` counts its rows
    return [header[place] for place in kept] + names, [
        [row[place] for place in kept] + [(found or {}).get(name, "") for name in names]
        for row, found in zip(rows, logged, strict=True)
    ]


def _logged(cell: str) -> dict[str, str] | None:
    """What was logged at one step, as cells; None where it is no JSON object. Pictures and tables are left out."""
    try:
        found = json.loads(cell or "{}")
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    plain = {name: value for name, value in found.items() if isinstance(value, (str, int, float))}
    return {name: value if isinstance(value, str) else repr(value) for name, value in plain.items()}


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    delimiter = "\t" if path.suffix.lower() in (".tsv", ".tab") else ","
    with open(path, encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            header = next(lines, [])
            rows = [*islice(_sound(lines, len(header), path), MOST_ROWS)]
        except csv.Error as error:
            raise BadRow(f"{path}, line {lines.line_num}: {error}.") from error
        except UnicodeDecodeError as error:
            raise WrongEncoding(f"{path} is not UTF-8: {error.reason} at byte {error.start}.") from error
    if not header or not rows:
        raise EmptyInput(f"{path} holds no runs: it needs a line of column names, and rows below.")
    if len(header) > MOST_COLUMNS:
        raise Inapplicable(f"{path} has {len(header):,} columns; at most {MOST_COLUMNS:,} are read.")
    return header, rows


def _sound(lines: Any, width: int, path: Path) -> Iterator[list[str]]:
    for row in lines:
        if row and len(row) != width:
            raise BadRow(f"{path}, line {lines.line_num}: {len(row)} fields; the header has {width}.")
        if row:
            yield row


def _run(
    name: str, header: Sequence[str], rows: list[list[str]], named: int | None, step: int | None
) -> LoggedRun:
    made = LoggedRun(name, mark_of([header, *rows]))
    steps = None if step is None else [_number(row[step]) for row in rows]
    for at, column in enumerate(header):
        if at in (named, step):
            continue
        cells = [row[at] for row in rows]
        if not _about(made, column, cells):
            _column(made, column, cells, steps)
    return made


def mark_of(content: Iterable[Any]) -> str:
    """Give a hash of plain data: the same content is the same run, wherever it lies."""
    digest = hashlib.sha256()
    for part in content:
        digest.update(json.dumps(part, ensure_ascii=True).encode("ascii") + b"\n")
    return digest.hexdigest()


def _about(made: LoggedRun, column: str, cells: list[str]) -> bool:
    """Whether a column tells of the run itself: when, how long, how it ended."""
    told = [cell for cell in cells if cell.strip()]
    if column in _TIMES:
        moments = [moment for moment in map(_moment, told) if moment is not None]
        if moments:
            made.began = min(moments)
            if len(moments) > 1 and made.seconds is None:
                made.seconds = max(moments) - made.began
        return True
    if column in _LASTED:
        lasted = [value for value in map(_number, told) if value is not None and isfinite(value)]
        made.seconds = max(lasted, default=made.seconds)
        return True
    if column in _STATES:
        made.status = _STATUS.get(told[-1].strip().lower(), "done") if told else "done"
        return True
    return False


def _column(made: LoggedRun, column: str, cells: list[str], steps: Sequence[float | None] | None) -> None:
    values = [_number(cell) for cell in cells]
    told = [cell for cell in cells if cell.strip()]
    if not told:
        return
    if any(value is None and cell.strip() for value, cell in zip(values, cells, strict=True)):
        made.params[column] = told[-1].strip()
        return
    kept = [value for value in values if value is not None and isfinite(value)]
    if not kept:
        return
    if _PARAM.match(column):
        made.params[column] = int(kept[-1]) if kept[-1] == int(kept[-1]) else kept[-1]
        return
    made.metrics[column] = kept[-1]
    if steps is not None:
        made.points[column] = [
            (int(step), value)
            for step, value in zip(steps, values, strict=True)
            if step is not None and isfinite(step) and value is not None and isfinite(value)
        ]


def _panel(
    path: Path, header: Sequence[str], rows: list[list[str]], panel: Sequence[re.Match[str] | None]
) -> list[LoggedRun]:
    """Columns `run - metric`: one run for each name."""
    made: dict[str, LoggedRun] = {}
    counted = [_number(row[0]) for row in rows]
    if any(step is not None and isfinite(step) and step != int(step) for step in counted):
        counted = [float(row) for row in range(len(rows))]  # seconds and parts of an epoch are no steps
    own = {
        found["run"]: [_number(row[at]) for row in rows]
        for at, found in enumerate(panel, start=1)
        if found and found["metric"] == "_step" and not found["end"]
    }
    for at, found in enumerate(panel, start=1):
        if found is None or found["end"] or found["metric"] == "_step":
            continue
        cells = [row[at] for row in rows]
        steps = own.get(found["run"], counted)
        run = made.setdefault(found["run"], LoggedRun(found["run"], ""))
        run.mark = mark_of([run.mark, header[at], [row[0] for row in rows], cells])
        _column(run, found["metric"], cells, steps)
    if not made:
        raise EmptyInput(f"{path} holds no values.")
    return list(made.values())


def _number(cell: str) -> float | None:
    """The number of a cell; None for an empty one and for words. `1_000` is a word."""
    text = cell.strip()
    if "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _moment(cell: str) -> float | None:
    """Seconds since 1970: of seconds, of milliseconds, or of ISO 8601, which is UTC where it does not say."""
    value = _number(cell)
    if value is not None:
        value = value / 1000 if abs(value) > 1e11 else value
        return None if isnan(value) or not 0 < value < 1e11 else value
    try:
        found = datetime.fromisoformat(cell.strip())
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
