"""Local engines: this thread, threads, or processes; results in order, a bounded number in flight.

An engine must not know anything else of vecwise: it is given a function and items.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def serial(fn: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Run in this thread, one item at a time.

    >>> list(serial(abs, [-1, 2]))
    [1, 2]
    """
    return map(fn, items)


def threads(
    workers: int | None = None,
) -> Callable[[Callable[[Item], Result], Iterable[Item]], Iterator[Result]]:
    """Make an engine of threads: for NumPy and for reading, which let other threads run."""
    count = workers or cores()

    def run(fn: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        with ThreadPoolExecutor(count) as pool:
            yield from _in_order(pool, fn, items, ahead=2 * count)

    return run


def processes(
    workers: int | None = None,
) -> Callable[[Callable[[Item], Result], Iterable[Item]], Iterator[Result]]:
    """Make an engine of spawned processes: for work that holds the interpreter; everything must pickle.

    Processes are spawned, never forked: a fork beside running threads can deadlock.
    """
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    count = workers or cores()

    def run(fn: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
            yield from _in_order(pool, fn, items, ahead=2 * count)

    return run


def cores() -> int:
    """The cores this process may use, which in a container is fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_order(
    pool: Executor, fn: Callable[[Item], Result], items: Iterable[Item], ahead: int
) -> Iterator[Result]:
    source = iter(items)
    flying: deque[Future[Result]] = deque(pool.submit(fn, item) for item in islice(source, ahead))
    try:
        while flying:
            result = flying.popleft().result()
            flying.extend(pool.submit(fn, item) for item in islice(source, 1))
            yield result
    finally:  # an error, or a reader that stops early, must not wait for work nobody will read
        for future in flying:
            future.cancel()
