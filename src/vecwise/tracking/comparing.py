"""What differs between two runs: parameters, metrics, data, code, environment, results.

This module must not know how a difference is told.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from vecwise.tracking.records import Run

_PASSING: Final = ("pid", "seconds")  # what differs between any two runs and says nothing

Difference = dict[str, tuple[Any, Any]]


def differences(a: Run, b: Run, folder: Path | None = None) -> dict[str, Difference]:
    """Give, for every side of two runs, only what differs: the value of each by name, None where there is none."""
    return {
        "parameters": _differing(flat(a.params), flat(b.params)),
        "metrics": _differing(dict(a.metrics), dict(b.metrics)),
        "data": _differing(_data(a.data), _data(b.data)),
        "code": _differing(_code(a), _code(b)),
        "environment": _environments(flat(a.surroundings(folder)), flat(b.surroundings(folder))),
        "results": _differing(_data(a.results), _data(b.results)),
    }


def _differing(a: dict[str, Any], b: dict[str, Any]) -> Difference:
    names = [*a, *(name for name in b if name not in a)]
    return {
        name: (a.get(name), b.get(name))
        for name in names
        if a.get(name) != b.get(name) and name not in _PASSING
    }


def _environments(a: dict[str, Any], b: dict[str, Any]) -> Difference:
    """A package that only one of them loaded is no difference of the environment."""
    found = _differing(a, b)
    return {name: pair for name, pair in found.items() if not (name.startswith("packages.") and None in pair)}


def flat(data: dict[str, Any], within: str = "") -> dict[str, Any]:
    """Give nested data with a dotted name for each leaf.

    >>> flat({"a": {"b": 1}, "c": [2]})
    {'a.b': 1, 'c': [2]}
    """
    found: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            found.update(flat(value, f"{within}{name}."))
        else:
            found[f"{within}{name}"] = value
    return found


def _data(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """By its kind or its place among the data: names may have been changed, and that is a difference too."""
    found: dict[str, Any] = {}
    for number, entry in enumerate(entries, start=1):
        what = str(entry.get("kind", number))
        for name in ("name", "hash", "rows", "columns", "dim"):
            if name in entry:
                found[f"{what} {name}"] = entry[name]
    return found


def _code(run: Run) -> dict[str, Any]:
    code = run.code or {}
    return {
        name: code.get(name) for name in ("commit", "branch", "dirty", "diff") if code.get(name) is not None
    }
