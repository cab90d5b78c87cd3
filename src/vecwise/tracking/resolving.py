"""`runs:/ID` as a path: the vectors and the layout of a run, or the data it read with the options it read them by.

This module must not know how vectors are opened or rows encoded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from vecwise.errors import FileMissing, Inapplicable
from vecwise.tracking.fingerprints import fingerprint
from vecwise.tracking.recorder import current
from vecwise.tracking.records import Run, all_runs

PREFIX: Final = "runs:/"
# Options of reading and encoding; the others of a run say what was done with the vectors.
_OPTIONS: Final = (
    *("encoder", "settings", "columns", "text", "vectors", "ids", "missing", "passages", "sample", "seed"),
    *("format", "as_text", "bad_rows", "encoding"),
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Where the vectors of a run are, or its data with the options that make the same vectors of them."""

    path: str
    options: dict[str, Any] = field(default_factory=dict)


def names_a_run(path: Any) -> bool:
    """Tell whether a path is `runs:/ID`."""
    return isinstance(path, str) and path.startswith(PREFIX)


def resolve(path: str) -> Resolved:
    """Find what `runs:/ID` stands for; the files must be what they were, byte for byte.

    Raises `UnknownName` for no such run, `FileMissing` and `Inapplicable` naming the file that is gone or was
    changed, and `Inapplicable` for a run without vectors and data.
    """
    run = _run_of(path)
    kept = [entry for entry in run.results if entry.get("kind") == "vectors"]
    if kept:
        return Resolved(unchanged(kept[-1]))
    if not run.data:
        raise Inapplicable(
            f"Run {run.id} ({run.kind}) saved no vectors and read no file, so there is nothing to open."
        )
    return Resolved(unchanged(run.data[0]), _options_of(run))


def saved_vectors(path: str) -> str:
    """Give the folder of the vectors that a run saved or read; raises what `resolve` raises."""
    run = _run_of(path)
    kept = [entry for entry in run.results if entry.get("kind") == "vectors"]
    read = [entry for entry in run.data if str(entry.get("hash", "")).startswith("manifest:")]
    if not kept and not read:
        raise Inapplicable(
            f"Run {run.id} ({run.kind}) saved no vectors. `vecwise explore {path}` encodes its data again."
        )
    return unchanged(kept[-1] if kept else read[0])


def kept_layout(path: str) -> Resolved | None:
    """Give the folder of the layout that a run kept, which must be what it was, and the parameters of that run.

    None for a run without a layout. Raises `UnknownName`, `FileMissing` and `Inapplicable` as `resolve` does.
    """
    run = _run_of(path)
    kept = [entry for entry in run.results if entry.get("kind") == "layout"]
    return Resolved(unchanged(kept[-1]), run.params) if kept else None


def _run_of(path: str) -> Run:
    """The run that a path names; `last` is the newest before the one that is asking."""
    found, asking = all_runs(), current()
    if asking is not None:
        found = replace(found, runs=[run for run in found.runs if run.id != asking.id])
    return found.find(path.removeprefix(PREFIX))


def unchanged(entry: dict[str, Any]) -> str:
    """Give the path of a file or folder that a run read or wrote, if it is what it was.

    Raises `FileMissing` where it is gone, and `Inapplicable` where it was changed.
    """
    path = str(entry.get("path", ""))
    now = fingerprint(path)
    if now is None:
        raise FileMissing(f"{path} is gone; when the run had it, its hash was {entry.get('hash')}.")
    if now.hash != entry.get("hash"):
        raise Inapplicable(f"{path} was changed: its hash is {now.hash}, and was {entry.get('hash')}.")
    return path


def _options_of(run: Run) -> dict[str, Any]:
    return {name: run.params[name] for name in _OPTIONS if name in run.params}
