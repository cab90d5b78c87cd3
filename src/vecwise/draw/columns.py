"""A column of rows made ready to colour points by: numbers and dates have an order, words are categories.

This module must not know the page, nor plotly.
"""

from __future__ import annotations

import datetime
import math
import numbers
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from vecwise.draw.words import number

CATEGORIES: Final = 8
LONGEST_CELL: Final = 2000  # characters: a page must stay a page when a cell holds a book
_EXACT: Final = 2**53  # whole numbers beyond are shown as words, since float64 would change them
_ISO: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?Z?)?")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `numbers` where it has an order, `words` and `codes` where it is written out.

    A "number" has numbers (NaN = missing), "text" has words and codes, a "date" has all three.
    `words[codes[i]]` is the cell of row i; None is a missing one.
    """

    name: str
    kind: Literal["number", "date", "text"]
    numbers: np.ndarray | None = None
    words: tuple[str | None, ...] = ()
    codes: np.ndarray | None = None

    @property
    def counts(self) -> np.ndarray:
        """How many rows each word has."""
        return np.bincount(
            np.zeros(0, dtype=int) if self.codes is None else self.codes, minlength=len(self.words)
        )

    def frequent(self) -> list[int]:
        """The codes of the most frequent words, at most eight; ties in order of appearance."""
        counts = self.counts.copy()
        counts[[place for place, word in enumerate(self.words) if word is None]] = 0
        order = np.argsort(-counts, kind="stable")[:CATEGORIES]
        return [int(code) for code in order if counts[code]]


@dataclass(frozen=True, slots=True)
class Span:
    """The stretch of a scale that colours are spread over, and its low, middle and high end in words."""

    low: float
    high: float
    words: tuple[str, str, str]


def read_column(name: str, values: Sequence[Any]) -> Column:
    """Read one column of plain cells: numbers, strings, booleans, None.

    >>> read_column("price", [3, None, 5]).numbers
    array([ 3., nan,  5.])
    >>> read_column("color", ["red", "blue", "red"]).words
    ('red', 'blue')
    """
    types = set(map(type, values)) - {type(None)}
    if types and all(issubclass(kind, numbers.Real) and not issubclass(kind, bool) for kind in types):
        array = _exact(values)
        if array is not None:
            return Column(name, "number", array)
    cells = values if types == {str} and None not in values else [_word(v) for v in values]
    seen = {word: code for code, word in enumerate(dict.fromkeys(cells))}
    codes = np.fromiter(map(seen.__getitem__, cells), dtype=np.int64, count=len(cells))
    days = _days([word for word in seen if word is not None])
    words = tuple(
        None if word is None else word if len(word) <= LONGEST_CELL else _cut(word) for word in seen
    )
    if days is None:
        return Column(name, "text", None, words, codes)
    places = np.full(len(words), np.nan)
    places[[word is not None for word in words]] = days
    return Column(name, "date", places[codes], words, codes)


def span(column: Column) -> Span:
    """Give the stretch that holds the middle 96% of the values, so that one far value does not grey the rest.

    >>> span(read_column("x", [1, 2, 3])).words
    ('1', '2', '3')
    """
    assert column.numbers is not None  # noqa: S101 - callers ask for columns that have an order
    finite = column.numbers[np.isfinite(column.numbers)]
    if not len(finite):
        return Span(0.0, 1.0, ("", "", ""))
    least, most = float(finite.min()), float(finite.max())
    low, high = (float(v) for v in np.percentile(finite, (2, 98), method="nearest"))
    if low == high:
        low, high = least, most
    write = _writer(column.kind, low, high)
    below, above = "≤ " if least < low else "", "≥ " if most > high else ""
    return Span(low, high, (below + write(low), write(low + (high - low) / 2), above + write(high)))


def _writer(kind: str, low: float, high: float) -> Callable[[float], str]:
    """Write the ends of a scale with the digits that tell them apart."""
    if kind == "date":
        return lambda seconds: str(np.datetime64(round(seconds), "s").astype("datetime64[D]"))
    spread = high - low
    if not math.isfinite(spread) or max(abs(low), abs(high)) >= 1e9 or 0 < spread < 1e-4:
        return lambda value: f"{value:.3g}"
    decimals = max(0, 1 - math.floor(math.log10(spread))) if spread else 0
    if not spread:
        return number
    return lambda value: _plain(value, 0 if value == round(value) else decimals)


def _plain(value: float, decimals: int) -> str:
    # no separators below 100,000: years and postal codes are numbers too
    return f"{value:,.{decimals}f}" if abs(value) >= 1e5 else f"{value:.{decimals}f}"


def _exact(values: Sequence[Any]) -> np.ndarray | None:
    """The numbers as float64, or None where that would change a whole number."""
    try:
        array = np.array([math.nan if v is None else v for v in values], dtype=np.float64)
    except OverflowError:  # a whole number beyond 1e308
        return None
    for place in np.flatnonzero(np.abs(array) >= _EXACT).tolist():
        if isinstance(values[place], numbers.Integral):
            return None
    return array


def _word(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    return str(value)


def _cut(word: str) -> str:
    return f"{word[:LONGEST_CELL]}… ({len(word):,} characters)"


def _days(words: list[str]) -> np.ndarray | None:
    """Seconds since 1970 of ISO dates, or None where any word is something else."""
    if not words or not all(_ISO.fullmatch(word) for word in words):
        return None
    try:
        stamps = np.array([word[:19].replace(" ", "T") for word in words], dtype="datetime64[s]")
    except ValueError:  # a thirteenth month
        return None
    return stamps.astype(np.int64).astype(np.float64)
