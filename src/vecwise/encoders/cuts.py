"""How many texts a model's limit cut, summed over chunks and told in one warning.

This module must not know any model. Python's own recording of warnings is process-wide, so threads would lose theirs;
a context variable is each thread's own.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from vecwise.errors import TextCut

_COLLECTED: ContextVar[list[TextCut] | None] = ContextVar("cuts", default=None)


def tell(cut: TextCut) -> None:
    """Warn of texts that were cut, or add to what is being summed up."""
    collected = _COLLECTED.get()
    if collected is None:
        warnings.warn(cut, stacklevel=4)
    else:
        collected.append(cut)


@contextmanager
def told_once() -> Iterator[None]:
    """Sum up what is told inside, and warn once at the end; inside another such block, leave that to it."""
    if _COLLECTED.get() is not None:
        yield
        return
    collected: list[TextCut] = []
    token = _COLLECTED.set(collected)
    try:
        yield
    finally:
        _COLLECTED.reset(token)
    if collected:
        total = sum(cut.total for cut in collected)
        warnings.warn(TextCut(sum(cut.cut for cut in collected), total, collected[0].limit), stacklevel=5)
