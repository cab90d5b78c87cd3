"""Options that are one value for every column or a mapping by column, and the words they may hold.

This module must not know what an option does to a column.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vecwise.encoders.base import choice
from vecwise.errors import OutOfRange, WrongType


@dataclass(frozen=True, slots=True)
class PerColumn:
    """A value for every column: the one given for it, or the one for all others."""

    option: str
    default: Any
    given: dict[str, Any]

    def of(self, column: str) -> Any:
        """The value for this column."""
        return self.given.get(column, self.default)


def per_column(option: str, value: Any, default: Any, check: Callable[[Any], Any]) -> PerColumn:
    """Read an option: a mapping by column, whose other columns get `default`, or one value for all.

    >>> per_column("scale", {"price": "robust"}, None, str).of("rooms") is None
    True
    """
    if isinstance(value, Mapping):
        return PerColumn(option, default, {str(name): check(given) for name, given in value.items()})
    return PerColumn(option, value if value is default else check(value), {})


def one_of(kind: str, known: tuple[str, ...]) -> Callable[[Any], str]:
    """Give the check that a value is one of these words."""
    return lambda value: choice(kind, value, known)


def factor(value: Any) -> float:
    """Check a weight: a number from 0. Raises `WrongType`, `OutOfRange`."""
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        raise WrongType(f"A weight is a number, such as 2.0, not {value!r}.")
    if not 0 <= float(value) < math.inf:
        raise OutOfRange(f"A weight is a finite number from 0, not {value!r}.")
    return float(value)


def whole(name: str) -> Callable[[Any], int]:
    """Give the check that a value is a whole number from 1."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            raise WrongType(f"`{name}` is a whole number, not {value!r}.")
        if value < 1:
            raise OutOfRange(f"`{name}` is at least 1, not {value}.")
        return int(value)

    return check
