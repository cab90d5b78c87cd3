"""Recording a run: it begins before the work, ends after it whatever happens, and never makes the work fail.

This module must not know which work is recorded.
"""

from __future__ import annotations

import os
import platform
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any, Final

from vecwise.tracking.blobs import write_blob
from vecwise.tracking.fingerprints import Fingerprint, FingerprintQuestion, fingerprint
from vecwise.tracking.journal import append, home
from vecwise.tracking.redaction import clean, clean_text, clean_words
from vecwise.tracking.surroundings import Code, CodeQuestion, environment, peak_memory, process_mark

OFF: Final = "VECWISE_TRACK"  # "0" records nothing
_MOST_TEXT: Final = 2_000  # characters of a parameter

_current: ContextVar[Recorder | None] = ContextVar("vecwise_run", default=None)


class Recorder:
    """A run while it goes on; one without an id is not recorded.

    What is logged is in the journal at once, so a killed run shows what it had.
    """

    def __init__(self, run: str) -> None:
        self.id = run
        self._params: dict[str, Any] = {}
        self._results: list[dict[str, Any]] = []
        self._data: list[tuple[FingerprintQuestion | Fingerprint, dict[str, Any]]] = []
        self.status = "done"

    def log(
        self, metrics: Mapping[str, float] | None = None, /, *, step: int | None = None, **more: float
    ) -> None:
        """Add numbers by name; with a `step` they are points of a curve, otherwise the run's own results.

        A number without a value (NaN, infinity) is left out.
        """
        kept = {name: float(value) for name, value in {**(metrics or {}), **more}.items() if isfinite(value)}
        if self.id:
            _quietly(lambda: append({"event": "log", "run": self.id, "metrics": kept, **_step(step)}))

    def param(self, **params: Any) -> None:
        """Add parameters that were not known when the run began, such as a guessed column."""
        self._params.update(plain_params(params))

    def read(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """Add data that the run reads; give the entry, into which `rows` and `columns` may be put."""
        entry: dict[str, Any] = {}
        if self.id:
            self._data.append((FingerprintQuestion(path), entry))
        return entry

    def shape(self, rows: int, columns: int | None) -> None:
        """Say how large the data are that were read last, where nobody has said it."""
        for _, entry in self._data[-1:]:
            entry.setdefault("rows", rows)
            if columns:
                entry.setdefault("columns", columns)

    def wrote(self, path: str | os.PathLike[str], kind: str, **facts: Any) -> None:
        """Add a result by reference: where it is and what it hashes to."""
        found = fingerprint(path) if self.id else None
        if found is not None:
            self._results.append({"kind": kind, **found.to_data(), **clean(facts)})

    def keep(self, kind: str, save: Callable[[Path], None]) -> None:
        """Add a result that `save` writes into a folder beside the journal, so that the run can be opened again."""
        if self.id:
            _quietly(lambda: self._keep(kind, save))

    def _keep(self, kind: str, save: Callable[[Path], None]) -> None:
        number = sum(entry["kind"] == kind for entry in self._results)
        folder = home() / f"{kind}s" / (f"{self.id}-{number + 1}" if number else self.id)
        save(folder)
        self.wrote(folder, kind)

    def kept(self, kind: str, blob: str) -> None:
        """Add a result that is kept as data, such as a curve."""
        if self.id:
            self._results.append({"kind": kind, "blob": blob})

    def _ending(self) -> dict[str, Any]:
        data = []
        for question, entry in self._data:
            found = question if isinstance(question, Fingerprint) else question.answer()
            if found is not None:
                data.append({**found.to_data(), **entry})
        return {"params": self._params, "results": self._results, "data": data}


def is_on() -> bool:
    """Tell whether runs are recorded: not where `VECWISE_TRACK=0` is set."""
    return os.environ.get(OFF, "1") != "0"


def current() -> Recorder | None:
    """Give the run that is being recorded here, if there is one."""
    return _current.get()


@contextmanager
def recording(
    kind: str,
    *,
    name: str = "",
    params: dict[str, Any] | None = None,
    command: Sequence[str] = (),
    tags: dict[str, str] | None = None,
    inner: bool = False,
) -> Iterator[Recorder]:
    """Record what happens inside the block as one run; a run inside a run is part of the outer one, unless it is
    `inner`: then it is a run of its own, whose tag "parent" names the outer one.

    When the block raises, the run has failed (or was stopped, for an interruption), and the error goes on. When
    recording fails (a full disk, a folder that cannot be written), the block goes on, with one warning.
    """
    outer = _current.get()
    if not is_on() or (outer is not None and not (inner and outer.id)):
        yield Recorder("") if inner else outer or Recorder("")
        return
    run = Recorder(os.urandom(5).hex())
    start, code = time.perf_counter(), CodeQuestion(Path.cwd())
    begin = {"event": "begin", "run": run.id, "time": now(), "kind": kind, "name": name, **_place()}
    begin |= {"command": clean_words(list(command)), "params": plain_params(params or {})}
    begin["tags"] = {**(tags or {}), **({"parent": outer.id} if outer else {}), **_repeats()}
    written = _quietly(lambda: append(begin))
    token = _current.set(run)
    ending: dict[str, Any] = {}
    try:
        yield run
        ending["status"] = run.status
    except BaseException as error:
        stopped = isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit))
        ending["status"] = "stopped" if stopped else "failed"
        ending["error"] = clean_text(f"{type(error).__name__}: {error}")[:_MOST_TEXT]
        raise
    finally:
        _current.reset(token)
        if written:
            ending["seconds"] = time.perf_counter() - start
            _quietly(lambda: _end(run, ending, code))
        else:
            code.drop()


def _place() -> dict[str, Any]:
    """Where a run runs, by which it is known to be gone."""
    pid, process = os.getpid(), process_mark()
    return {"folder": str(Path.cwd()), "host": platform.node(), "pid": pid, "process": process}


def _repeats() -> dict[str, str]:
    """The run that this process was told to make again."""
    old = os.environ.get("VECWISE_REPEATS", "")
    return {"repeats": old} if old else {}


def _end(run: Recorder, ending: dict[str, Any], code: CodeQuestion) -> None:
    found = code.answer()
    event = {
        "event": "end",
        "run": run.id,
        "time": now(),
        **ending,
        **run._ending(),
        "peak_bytes": peak_memory(),
        "environment": write_blob(environment()),
        "code": None if found is None else _code_data(found),
    }
    append(event, lasting=True)


def _code_data(code: Code) -> dict[str, Any]:
    data = asdict(code)
    data["diff"] = write_blob(code.diff) if code.diff else ""
    return data


def _quietly(work: Any) -> bool:
    """Do it, or say once that it could not be done: nobody's work fails because of its record."""
    try:
        work()
    except Exception as error:
        if not _warned:
            _warned.append(True)
            with suppress(RuntimeWarning):  # where warnings are errors, not even then
                warnings.warn(f"The run is not recorded: {error}", RuntimeWarning, stacklevel=2)
        return False
    return True


_warned: list[bool] = []


def now() -> str:
    """Give this moment in UTC, as ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _step(step: int | None) -> dict[str, int]:
    return {} if step is None else {"step": int(step)}


def plain_params(params: dict[str, Any]) -> dict[str, Any]:
    """Give parameters as JSON data without secrets; anything else in words, cut."""
    return {name: clean(_plain(value), name) for name, value in params.items()}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner) for inner in list(value)[:100]]
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in list(value.items())[:100]}
    return (value if isinstance(value, str) else repr(value))[:_MOST_TEXT]
