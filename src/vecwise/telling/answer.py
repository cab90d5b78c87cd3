"""An answer before anything is printed: sections of lines for a person, data for a program, an exit status.

This module must not know any command.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: sections of lines for a person, JSON data for a program, the exit status, and files.

    `files` are those that were written, by what they are: "report", "vectors".
    JSON has no NaN and no infinity: where the data holds one, it becomes `None`.
    """

    sections: list[tuple[str, list[str]]]
    data: dict[str, Any]
    status: int = 0
    files: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the data strict JSON where it is made, so that no printer has to."""
        object.__setattr__(self, "data", plain(self.data))


def plain(value: Any) -> Any:
    """Data for JSON, which has no NaN and no infinity: they become `None`, at every depth.

    >>> plain({"a": [1.5, float("nan")], "b": float("inf")})
    {'a': [1.5, None], 'b': None}
    """
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not isfinite(value) else value
