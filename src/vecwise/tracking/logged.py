"""The numbers of a run as they were logged: parsed when they are asked for, and one of them without the others.

This module must not know where the lines come from. Ten thousand runs with two hundred numbers each take a second to
parse, and a list of runs shows a handful of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final

_METRICS: Final = b'"metrics":{'


class Logged(Mapping[str, float]):
    """Numbers by name, the last one logged under a name; from data, or from lines that `append` wrote.

    >>> numbers = Logged(lines=[b'{"metrics":{"loss":0.5,"r2":1}}', b'{"metrics":{"loss":0.25}}'])
    >>> numbers.get("loss"), dict(numbers)
    (0.25, {'loss': 0.25, 'r2': 1.0})
    """

    __slots__ = ("_lines", "_numbers")

    def __init__(self, numbers: Mapping[str, Any] | None = None, *, lines: list[bytes] | None = None) -> None:
        self._numbers: dict[str, float] = numbers_of(numbers)
        self._lines = list(lines or [])

    def add(self, numbers: Any = None, *, line: bytes | None = None) -> None:
        """Log more: they replace what has their names."""
        if line is not None:
            self._lines.append(line)
            return
        self._parse()
        self._numbers.update(numbers_of(numbers))

    def _parse(self) -> dict[str, float]:
        for line in self._lines:
            self._numbers.update(numbers_of(metrics_in(line)))
        self._lines.clear()
        return self._numbers

    def get(self, name: str, default: Any = None) -> Any:
        """Give one number; a line is searched for its name rather than parsed."""
        if not self._lines:
            return self._numbers.get(name, default)
        # Every value in such a line is a number, and a quote inside a name has a backslash before it: what follows
        # a brace or a comma is a key.
        key = json.dumps(name).encode("ascii") + b":"
        for line in reversed(self._lines):
            start = line.find(_METRICS) + len(_METRICS) - 1  # what stands before has keys of its own
            at = max(line.find(b"{" + key, start), line.find(b"," + key, start))
            if at >= 0:
                return _number(line, at + 1 + len(key))
        return self._numbers.get(name, default)

    def __getitem__(self, name: str) -> float:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return float(found)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._parse())

    def __len__(self) -> int:
        return len(self._parse())

    def __repr__(self) -> str:
        return repr(self._parse())


def _number(line: bytes, at: int) -> float | None:
    end = min((place for place in (line.find(mark, at) for mark in (b",", b"}")) if place >= 0), default=-1)
    try:
        value = float(line[at:end])
    except ValueError:
        return None
    return value if isfinite(value) else None


def metrics_in(line: bytes) -> Any:
    """Give the numbers of a line; nothing of one that is damaged."""
    try:
        return json.loads(line).get("metrics")
    except (ValueError, AttributeError, RecursionError):
        return None


def numbers_of(value: Any) -> dict[str, float]:
    """Give the numbers of data by name, and leave out what is none.

    >>> numbers_of({"a": 1, "b": True, "c": "x", "d": None})
    {'a': 1.0}
    """
    if not isinstance(value, Mapping):
        return {}
    return {
        str(name): float(number)
        for name, number in value.items()
        if isinstance(number, (int, float)) and not isinstance(number, bool)
    }
