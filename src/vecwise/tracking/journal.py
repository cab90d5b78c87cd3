"""The journal of runs: one JSON document a line, only ever appended to, safe for several writers and for a kill.

This module must not know what the events mean.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from vecwise.store.durable import CALLS, make_folder

NAME: Final = "journal.jsonl"
VERSION: Final = 1  # of the events; a newer one is left alone, and counted
MOST_LINE: Final = 64 << 20  # bytes: a longer line is no event of ours
# What `append` makes of an event of numbers without a step, whole and followed by nothing.
_NUMBERS: Final = b'{"v":%d,"event":"log","run":"' % VERSION


class Read(NamedTuple):
    """The events of a journal, how many lines were no events, and how many were of a newer version."""

    events: list[dict[str, Any]]
    broken: int
    newer: int


def home() -> Path:
    """Give the folder of the journal: `VECWISE_RUNS`, or the place where this system keeps a user's state."""
    named = os.environ.get("VECWISE_RUNS")
    if named:
        return Path(named)
    state = os.environ.get("XDG_STATE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(state) if state else Path.home() / ".local" / "state") / "vecwise" / "runs"


def append(event: dict[str, Any], *, folder: Path | None = None, lasting: bool = False) -> None:
    """Add an event; `lasting` waits until it is on the disk, for what a power cut must not lose.

    The line is written by one call to a file that was opened for appending, so two writers never mix theirs.
    A line that somebody left unfinished is ended first. Raises `OSError`.
    """
    folder = folder or home()
    line = json.dumps({"v": VERSION, **event}, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    path = folder / NAME
    new = not path.exists()
    if new:
        make_folder(folder)
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    descriptor = CALLS.open(path, flags, 0o600)  # of nobody else's business
    try:
        left = memoryview(_begun(descriptor) + line.encode("ascii") + b"\n")
        while left:
            left = left[CALLS.write(descriptor, left) :]
        if lasting:
            CALLS.fsync(descriptor)
    finally:
        CALLS.close(descriptor)


def _begun(descriptor: int) -> bytes:
    """A line feed where the last line has none: a writer was killed, or the disk was full."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    if not end:
        return b""
    os.lseek(descriptor, end - 1, os.SEEK_SET)
    return b"" if os.read(descriptor, 1) == b"\n" else b"\n"


def read(folder: Path | None = None) -> Read:
    """Read all events in order; what is no event is counted and passed over, and a missing journal is empty."""
    events: list[dict[str, Any]] = []
    broken = newer = 0
    with suppress(FileNotFoundError, NotADirectoryError), open((folder or home()) / NAME, "rb") as file:
        for line in _lines(file):
            event = _event(line)
            if event is None:
                broken += 1
            elif event["v"] > VERSION:
                newer += 1
            else:
                events.append(event)
    return Read(events, broken, newer)


def _lines(file: Iterable[bytes]) -> Iterator[bytes]:
    return (line for line in file if line != b"\n")


def _event(line: bytes) -> dict[str, Any] | None:
    run = _logs_numbers(line)
    if run:  # numbers and nothing else: whoever wants one parses them
        return {"v": VERSION, "event": "log", "run": run, "line": line}
    if len(line) > MOST_LINE:
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    sound = isinstance(event, dict) and isinstance(event.get("v"), int) and isinstance(event.get("run"), str)
    return event if sound and isinstance(event.get("event"), str) else None


def _logs_numbers(line: bytes) -> str:
    """The run of a line of numbers; a search for single bytes takes a third of the time of a pattern."""
    if not line.startswith(_NUMBERS) or not line.endswith(b"}}\n"):
        return ""
    end = line.find(b'"', len(_NUMBERS))
    run = line[len(_NUMBERS) : end]
    whole = line.startswith(b'","metrics":{', end) and line.count(b"{") == 2 and line.count(b"}") == 2
    return run.decode("ascii") if whole and run.replace(b"-", b"").isalnum() else ""
