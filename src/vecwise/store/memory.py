"""How much memory is free, so that a small file that claims to unpack into more is refused before it does.

This module must not know any file format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vecwise.errors import TooLarge


def free_bytes() -> int | None:
    """Give the bytes that this process may still take; `None` where the system does not say.

    The smallest of what the machine, the control group and the limit of the address space leave.

    >>> free_bytes() is None or free_bytes() > 0
    True
    """
    known = []
    ask: tuple[Callable[[], int], ...] = (_of_machine, _of_group, _of_address_space)
    for one in ask:
        with suppress(OSError, ValueError, LookupError, ImportError, StopIteration):
            known.append(one())
    return max(0, min(known)) if known else None


def refuse_beyond(claimed: int, name: str) -> None:
    """Raise `TooLarge` for content that claims more bytes than are free."""
    free = free_bytes()
    if free is not None and claimed > free:
        raise TooLarge(
            f"{name} unpacks into at least {claimed / 2**20:,.0f} MiB, and {free / 2**20:,.0f} MiB of memory are free."
        )


@contextmanager
def enough_memory(name: str) -> Iterator[None]:
    """Raise `TooLarge` where the system gives no more memory."""
    try:
        yield
    except MemoryError as error:
        raise TooLarge(
            f"{name} does not fit in the memory that is free. Work on a part of it, or read it in pieces "
            "(`vecwise.store.sources.batches`)."
        ) from error


def _of_machine() -> int:
    return _kibibytes("/proc/meminfo", "MemAvailable")


def _of_group() -> int:
    folder = Path("/sys/fs/cgroup")
    return int((folder / "memory.max").read_text()) - int((folder / "memory.current").read_text())


def _of_address_space() -> int:
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        raise ValueError("no limit")
    return limit - _kibibytes("/proc/self/status", "VmSize")


def _kibibytes(path: str, key: str) -> int:
    lines = Path(path).read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key + ":"))
