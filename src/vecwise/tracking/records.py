"""Runs as the journal tells them: what began, what was logged, how it ended, or that it was killed.

This module must not know how runs are shown or compared.
"""

from __future__ import annotations

import gc
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from vecwise.errors import UnknownName, unknown
from vecwise.tracking.blobs import read_blob
from vecwise.tracking.journal import home, read
from vecwise.tracking.logged import Logged, numbers_of
from vecwise.tracking.surroundings import process_mark

_SHORTEST: Final = 4  # characters that name a run


@dataclass(slots=True)
class Run:
    """One run. `status` is "done", "found wanting" (checked, exit status 1), "failed", "stopped" (by its user),
    "running", or "killed": it began, did not end, and its process is gone. Times are ISO 8601 in UTC.

    `data` are fingerprints with `rows` and `columns`; `results` are files it wrote, each with its hash.
    """

    id: str
    kind: str = ""
    name: str = ""
    began: str = ""
    ended: str = ""
    status: str = "running"
    command: list[str] = field(default_factory=list)
    folder: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=Logged)
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    data: list[dict[str, Any]] = field(default_factory=list)
    code: dict[str, Any] | None = None
    environment: str = ""
    results: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None
    peak_bytes: int | None = None
    error: str = ""
    source: str = ""  # where it was imported from

    def __post_init__(self) -> None:
        """Take numbers that are given as they are."""
        if not isinstance(self.metrics, Logged):
            self.metrics = Logged(self.metrics)

    def surroundings(self, folder: Path | None = None) -> dict[str, Any]:
        """Give the environment it ran in, as data; empty where it is gone."""
        found = read_blob(self.environment, folder) if self.environment else None
        return found if isinstance(found, dict) else {}

    def to_data(self) -> dict[str, Any]:
        """Give plain data."""
        return {
            **{name: getattr(self, name) for name in self.__dataclass_fields__},
            "metrics": dict(self.metrics),
        }


@dataclass(frozen=True, slots=True)
class Runs:
    """All runs, the oldest first, and how many lines of the journal could not be read."""

    runs: list[Run]
    broken: int = 0
    newer: int = 0

    def find(self, name: str) -> Run:
        """Give the run of this id, or of the only id that begins so; `last` is the newest.

        Raises `UnknownName` for none and for several.
        """
        if name == "last" and self.runs:
            return self.runs[-1]
        fitting = [run for run in self.runs if run.id == name] or [
            run for run in self.runs if len(name) >= _SHORTEST and run.id.startswith(name)
        ]
        if len(fitting) > 1:
            raise UnknownName(
                f"`{name}` is the beginning of {len(fitting)} runs: {', '.join(run.id for run in fitting[:5])}."
            )
        if not fitting:
            raise unknown("run", name, [run.id for run in self.runs[-1000:]])
        return fitting[0]


def all_runs(folder: Path | None = None) -> Runs:
    """Read the journal."""
    with _uncollected():
        found = read(folder or home())
        runs = runs_of(found.events)
    return Runs(runs, found.broken, found.newer)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Hundreds of thousands of objects are made and none is garbage: looking for it takes a fifth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def runs_of(events: Iterable[dict[str, Any]]) -> list[Run]:
    """Put events together; one that ends or logs a run that never began is a run too."""
    runs: dict[str, Run] = {}
    alive: dict[str, dict[str, Any]] = {}
    for event in events:
        run = runs.get(event["run"])
        if run is None:
            run = runs[event["run"]] = Run(event["run"])
        if event["event"] == "begin":
            _begin(run, event)
            alive[run.id] = event
        elif event["event"] == "log":
            _log(run, event)
        elif event["event"] == "end":
            _end(run, event)
            alive.pop(run.id, None)
        elif event["event"] == "forget":
            runs.pop(event["run"], None)
            alive.pop(event["run"], None)
    for name, event in alive.items():
        if not _is_alive(event):
            runs[name].status = "killed"
    return list(runs.values())


def _begin(run: Run, event: dict[str, Any]) -> None:
    for name in ("kind", "name", "folder", "source"):
        setattr(run, name, str(event.get(name, "")))
    run.began = str(event.get("time", ""))
    run.command = [str(word) for word in _listed(event.get("command"))]
    run.params = _dict(event.get("params"))
    run.tags.update(_dict(event.get("tags")))


def _log(run: Run, event: dict[str, Any]) -> None:
    assert isinstance(run.metrics, Logged)  # noqa: S101  see `__post_init__`
    if "line" in event:
        run.metrics.add(line=event["line"])
        return
    step = event.get("step")
    numbers = numbers_of(event.get("metrics"))
    if numbers:
        run.metrics.add(numbers)
    if isinstance(step, int):
        for name, value in numbers.items():
            run.curves.setdefault(name, []).append((step, value))
    for name, points in _dict(event.get("curves")).items():
        run.curves.setdefault(name, []).extend(_points(points))
    run.params.update(_dict(event.get("params")))
    run.tags.update(_dict(event.get("tags")))
    run.results.extend(_records(event.get("results")))
    run.data.extend(_records(event.get("data")))


def _points(value: Any) -> list[tuple[int, float]]:
    """Steps and values, as an imported curve has them."""
    return [
        (pair[0], float(pair[1]))
        for pair in _listed(value)
        if isinstance(pair, list)
        and len(pair) == 2
        and type(pair[0]) is int
        and type(pair[1]) in (int, float)
    ]


def _end(run: Run, event: dict[str, Any]) -> None:
    _log(run, event)
    run.ended = str(event.get("time", ""))
    run.status = str(event.get("status", "done"))
    run.seconds = _number(event.get("seconds"))
    peak = event.get("peak_bytes")
    run.peak_bytes = peak if isinstance(peak, int) else None
    run.code = event["code"] if isinstance(event.get("code"), dict) else None
    run.environment = str(event.get("environment", ""))
    run.error = str(event.get("error", ""))


def _is_alive(event: dict[str, Any]) -> bool:
    """Whether its process still runs: on this machine, under this number, started at that moment."""
    if event.get("host") != platform.node():
        return True  # nobody here can tell
    pid = event.get("pid")
    if not isinstance(pid, int) or pid <= 0:
        return False
    mark = event.get("process")
    if mark:
        return process_mark(pid) == mark
    with suppress(OSError):
        os.kill(pid, 0)
        return True
    return False


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _records(value: Any) -> list[dict[str, Any]]:
    return [item for item in _listed(value) if isinstance(item, dict)]


def _dict(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
