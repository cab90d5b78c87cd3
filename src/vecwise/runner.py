"""Runs maps and folds: cuts rows into chunks, hands them to an engine, merges in a fixed order, reports progress.

This module must not know files or encoders, nor which engine it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import Any, TypeVar

import numpy as np

from vecwise.engines.local import cores, serial, threads
from vecwise.errors import OutOfRange
from vecwise.kernels.arrays import is_sparse
from vecwise.kernels.mapped import passed
from vecwise.vectors import Vectors
from vecwise.verbs import Fold, Map

Engine = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
Progress = Callable[[int, int], None]
Answer = TypeVar("Answer")

CHUNK_BYTES = 1 << 22  # about the size of a core's cache share; larger chunks were no faster
TABLE_ROWS = 8192


def chunk_rows(X: Vectors) -> int:
    """Rows a chunk: a function of the dimension and type alone, so that answers are too."""
    return max(64, CHUNK_BYTES // (X.shape[1] * X.dtype.itemsize))


def chunks(X: Any, size: int | None = None) -> Iterator[Any]:
    """Cut `Vectors` or an Arrow table into slices of `size` rows; no copy. Rows of a mapped file leave memory
    once they are passed.

    Raises `OutOfRange` for a size below 1.
    """
    if size is None:
        size = chunk_rows(X) if isinstance(X, Vectors) else TABLE_ROWS
    if size < 1:
        raise OutOfRange(f"A chunk holds at least one row, not {size}.")
    if not isinstance(X, Vectors):
        yield from (X.slice(start, size) for start in range(0, X.num_rows, size))
        return
    space = X.space.with_claims(X.space.claims - {"centered"})  # true of all rows together only
    for start in passed(X.values, range(0, len(X), size)):
        part = slice(start, start + size)
        rows = None if X.rows is None else X.rows.slice(start, size)
        yield Vectors._trusted(X.values[part], X.ids[part], rows, space, X.encoder)


def blocks(values: Any) -> Iterator[Any]:
    """Cut a bare matrix into slices whose float64 copy is of the usual chunk size."""
    size = max(64, CHUNK_BYTES // (8 * values.shape[1]))
    for start in passed(values, range(0, values.shape[0], size)):
        yield values[start : start + size]


def fold(
    job: Fold[Any, Any, Answer],
    parts: Iterable[Any],
    *,
    engine: Engine | None = None,
    progress: Progress | None = None,
    total: int = 0,
) -> Answer:
    """Run a fold over parts and give its answer.

    States merge in a tree whose shape depends on the part numbers alone (a binary counter: at most
    log2(parts) states wait), so every engine and any number of workers give the same bits. Without an
    engine, threads do the work when there is more than one part.
    """
    parts = iter(parts)
    head = list(islice(parts, 2))
    engine = engine or (threads() if len(head) > 1 and cores() > 1 else serial)
    parts = chain(head, parts)
    waiting: list[tuple[int, Any]] = []
    for number, state in enumerate(engine(partial(_read_one, job), parts), start=1):
        level = 0
        while waiting and waiting[-1][0] == level:
            state, level = job.merge(waiting.pop()[1], state), level + 1  # noqa: PLW2901
        waiting.append((level, state))
        if progress:
            progress(number, total)
    whole = job.zero()
    while waiting:
        whole = job.merge(waiting.pop()[1], whole)
    return job.done(whole)


def apply(
    job: Map | Callable[[Any], Vectors],
    table: Any,
    *,
    size: int,
    engine: Engine = serial,
    progress: Progress | None = None,
) -> Vectors:
    """Run a map over an Arrow table or `Vectors` in chunks of `size` rows and join the results, in order."""
    count = len(table) if isinstance(table, Vectors) else table.num_rows
    parts, finished = [], 0
    for part in engine(job, chunks(table, size)):
        parts.append(part)
        finished += len(part)
        if progress:
            progress(finished, count)
    return join(parts) if parts else job(table)


def join(parts: list[Vectors]) -> Vectors:
    """Put vectors of one space one under the other; a claim holds when every part makes it."""
    first = parts[0]
    if len(parts) == 1:
        return first
    claims = frozenset.intersection(*(part.space.claims for part in parts))
    if first.is_sparse:
        from scipy.sparse import vstack

        values = vstack([part.values for part in parts], format="csr")
    else:
        values = np.concatenate([part.values for part in parts])
    ids = np.concatenate([part.ids for part in parts])
    rows = None
    if all(part.rows is not None for part in parts):
        import pyarrow as pa

        rows = pa.concat_tables([part.rows for part in parts])
    assert is_sparse(values) == first.is_sparse  # noqa: S101  vstack must not densify behind our back
    return Vectors._trusted(values, ids, rows, first.space.with_claims(claims), first.encoder)


def _read_one(job: Fold[Any, Any, Any], chunk: Any) -> Any:
    return job.step(job.zero(), chunk)
