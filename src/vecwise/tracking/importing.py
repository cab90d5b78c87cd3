"""Runs of other trackers, put into the journal once each: TensorBoard's event files, and CSV logs.

This module must not know how files are laid out, which their readers do.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any, Final

from vecwise.errors import EmptyInput, FileMissing, Inapplicable, UnknownFormat
from vecwise.tracking.csv_logs import LoggedRun, read_log
from vecwise.tracking.event_files import EventLog, read_events
from vecwise.tracking.journal import append, read
from vecwise.tracking.recorder import now, plain_params
from vecwise.tracking.redaction import clean_text
from vecwise.tracking.surroundings import process_mark

MOST_FILES: Final = 20_000
_ID: Final = 10  # characters, as of any run
_PART: Final = 100_000  # points of a curve on one line of the journal
_EVENTS: Final = "tfevents"


@dataclass(frozen=True, slots=True)
class Imported:
    """The ids of runs that were made, of those that were there already, and what could not be read."""

    made: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        """Say how many."""
        told = f"Imported {len(self.made)} runs; {len(self.known)} were there already"
        return "\n  ".join([told, *self.problems])


def import_runs(path: str | os.PathLike[str], /) -> Imported:
    """Put the runs of another tracker into the journal; what was imported before is not imported again.

    `path` is a folder of TensorBoard's event files (each folder that holds some is a run), one such file, or a CSV
    or TSV: with a step column (`_step`, `step`, `epoch` …) numbers become curves; with a column that names runs
    (`Name`, `run_name`, `sys/id` …) every run is one of its own. Columns of text become parameters. A damaged event
    file gives what stands before the damage, and `problems` says so. A run is known by its content, so moving a file
    changes nothing, and a log that has grown is another run.

    Raises `FileMissing`, `EmptyInput` where there is no run, `UnknownFormat`, `Inapplicable` for a CSV without steps
    and names, `BadRow`, `WrongEncoding`, and `OSError` where the journal cannot be written.

    >>> import os, tempfile, vecwise as vw
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     os.environ["VECWISE_RUNS"] = folder
    ...     taken = Path(folder, "log.csv").write_text("step,loss\\n0,0.5\\n1,0.25\\n")
    ...     once, twice = (vw.import_runs(Path(folder, "log.csv")) for _ in range(2))
    >>> len(once.made), len(twice.made), twice.known == once.made
    (1, 0, True)
    """
    place = Path(path)
    if not place.exists():
        raise FileMissing(f"There is nothing at {place}.")
    found = Imported()
    known = _known()
    for kind, run, source in _runs_at(place, found.problems):
        name = run.mark[:_ID]
        if known.get(name):
            found.known.append(name)
            continue
        if name in known:  # an import that was killed
            append({"event": "forget", "run": name})
        _write(name, kind, run, source)
        known[name] = True
        found.made.append(name)
    if not found.made and not found.known:
        raise EmptyInput(f"{place} holds no runs. {'; '.join(found.problems[:3])}".strip())
    return found


def _known() -> dict[str, bool]:
    """Ids of the journal, and whether each has an end."""
    known: dict[str, bool] = {}
    for event in read().events:
        if event["event"] == "forget":
            known.pop(event["run"], None)
        else:
            known[event["run"]] = known.get(event["run"], False) or event["event"] == "end"
    return known


def _runs_at(place: Path, problems: list[str]) -> Iterator[tuple[str, LoggedRun, Path]]:
    if place.is_dir():
        yield from _folders(place, problems)
    elif _EVENTS in place.name:
        yield from _events(place.parent, [place], place.name, problems)
    elif place.suffix.lower() in (".csv", ".tsv", ".tab"):
        yield from (("csv", run, place) for run in read_log(place))
    else:
        raise UnknownFormat(
            f"{place.name} is no log that is known. Give a folder of event files (events.out.tfevents.…), "
            "one of them, or a .csv or .tsv."
        )


def _folders(place: Path, problems: list[str]) -> Iterator[tuple[str, LoggedRun, Path]]:
    seen = 0
    for base, folders, files in os.walk(place):
        folders.sort()
        events = [Path(base, name) for name in sorted(files) if _EVENTS in name]
        seen += len(events)
        if seen > MOST_FILES:
            raise Inapplicable(
                f"{place} holds over {MOST_FILES:,} event files. Import its folders one by one."
            )
        inside = Path(base).relative_to(place).as_posix()
        yield from _events(Path(base), events, place.resolve().name if inside == "." else inside, problems)


def _events(
    folder: Path, files: list[Path], name: str, problems: list[str]
) -> Iterator[tuple[str, LoggedRun, Path]]:
    """The run of a folder: its event files follow one another."""
    if not files:
        return
    log, digest = EventLog(), hashlib.sha256()
    for file in files:
        read_events(file, log)
        with open(file, "rb") as bytes_of:
            digest.update(hashlib.file_digest(bytes_of, "sha256").digest())
    problems += log.problems
    if not log.points and not log.params and not log.texts:
        problems.append(f"{folder}: no scalars, texts or parameters in {log.records:,} records")
        return
    lasted = None if log.first is None or log.last is None else log.last - log.first
    points = {tag: _finite(steps) for tag, steps in log.points.items()}
    last = {tag: steps[-1][1] for tag, steps in points.items() if steps}
    run = LoggedRun(name, digest.hexdigest(), {**log.texts, **log.params}, last, points, log.first, lasted)
    yield "tensorboard", run, folder


def _finite(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    return [(step, value) for step, value in points if isfinite(value)]


def _write(name: str, kind: str, run: LoggedRun, source: Path) -> None:
    began = now() if run.began is None else _iso(run.began)
    append(
        {
            "event": "begin",
            "run": name,
            "time": began,
            "kind": kind,
            "name": clean_text(run.name)[:500],
            "params": plain_params(run.params),
            "source": clean_text(str(source.resolve())),
            "host": platform.node(),
            "pid": os.getpid(),
            "process": process_mark(),
        }
    )
    for metric, points in run.points.items():
        for at in range(0, len(points), _PART):
            append({"event": "log", "run": name, "curves": {metric: points[at : at + _PART]}})
    end: dict[str, Any] = {"status": run.status, "metrics": run.metrics}
    if run.seconds is not None:
        end["seconds"] = run.seconds
    ended = began if run.began is None or run.seconds is None else _iso(run.began + run.seconds)
    append({"event": "end", "run": name, "time": ended, **end}, lasting=True)


def _iso(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
