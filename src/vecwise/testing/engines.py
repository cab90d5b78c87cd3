"""The contract of an engine: order, laziness, a bound on what is in flight, and honest failure.

This module must not know any engine; it is given one.
"""

# ruff: noqa: S101

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Engine = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


def check_engine(engine: Engine, *, in_flight: int = 64) -> None:
    """Check one engine; raise `AssertionError` with the rule that broke.

    Results come in the order of the items however long each takes; no items give no results; at most
    `in_flight` items are drawn before a result is read; an error in the work reaches the caller.

    >>> from vecwise.engines.local import serial
    >>> check_engine(serial)
    """
    assert list(engine(_slow_start, range(9))) == [i * i for i in range(9)], "results are out of order"
    assert list(engine(_slow_start, [])) == [], "no items must give no results"
    drawn: list[int] = []
    results = engine(_square, _counted(drawn, 10 * in_flight))
    assert next(iter(results)) == 0, "the first result is wrong"
    assert len(drawn) <= in_flight, f"{len(drawn)} items were drawn before one result was read"
    close = getattr(results, "close", None)
    if close:
        close()
    try:
        list(engine(_fail_at_three, range(6)))
    except ZeroDivisionError:
        return
    raise AssertionError("an error in the work did not reach the caller")


def _counted(drawn: list[int], count: int) -> Iterator[int]:
    for i in range(count):
        drawn.append(i)
        yield i


def _slow_start(i: int) -> int:
    time.sleep(0.02 if i == 0 else 0)
    return i * i


def _square(i: int) -> int:
    return i * i


def _fail_at_three(i: int) -> float:
    return 1 / (3 - i)
