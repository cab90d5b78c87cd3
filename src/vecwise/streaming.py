"""Files larger than memory: encoded batch by batch into a folder, with the numbers that one piece would give.

This module must not know formats, nor how a folder keeps its files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from vecwise.encoders.base import Encoder, Remember
from vecwise.encoders.guess import SAMPLE, Plan, plan
from vecwise.errors import VecwiseError
from vecwise.given_vectors import names_of
from vecwise.loading import is_saved, refuse_options
from vecwise.resume import identity_of, remembering
from vecwise.row_ids import as_ids
from vecwise.runner import Progress, join
from vecwise.store import datasets
from vecwise.store.formats import pictures
from vecwise.store.sources import batches
from vecwise.store.vector_files import is_vector_file
from vecwise.storing import encoder_data, open_encoder
from vecwise.vectors import Vectors
from vecwise.verbs import entrance

LARGE: Final = 256 * 2**20  # bytes of a file from which it is read in batches
PART_BYTES: Final = 64 * 2**20  # of vectors that are written as one part
ROWS: Final = 8192


@dataclass(frozen=True, slots=True)
class Streamed:
    """What was put into the folder: a few of its vectors, how many there are, and how many were known."""

    head: Vectors
    rows: int
    known: int
    plan: Plan | None


def is_large(path: str | Path) -> bool:
    """Tell whether a file is so large that it is read in batches."""
    if str(path) == "-" or not os.path.isfile(path) or os.path.getsize(path) < LARGE:
        return False
    return pictures(path, None) is None and not is_vector_file(path)


def encode_file(
    path: str | Path,
    folder: str | Path,
    *,
    encoder: str = "auto",
    ids: str | None = None,
    settings: Mapping[str, Any] = MappingProxyType({}),
    format: str | None = None,
    encoding: str = "utf-8",
    as_text: Sequence[str] = (),
    progress: Progress | None = None,
    **choices: Any,
) -> Streamed | None:
    """Encode a file into a folder in batches of 8,192 rows; memory holds a few, and what the encoder learns.

    The columns are chosen by the first 10,000 rows. An encoder that learns reads the file once before; of a costly
    one, 200 bytes a row stay in memory too. `None` when the file holds vectors, which are not encoded, or when the
    encoder cannot be fitted in batches. Raises what `encode` and `save` raise.
    """
    reading = partial(batches, path, format=format, encoding=encoding, as_text=as_text)
    head = next(iter(reading(SAMPLE)))
    ready, made = _ready(head, encoder, ids, settings, choices)
    if ready is None:
        return None
    if not ready.is_fitted and not ready.in_batches:
        return None
    if not ready.is_fitted:
        for part in reading(ROWS):
            ready.partial_fit(part)
    estimate = max(1, round(os.path.getsize(path) / max(1, head.nbytes) * head.num_rows))
    with remembering(folder) as (remember, kept):
        if not ready.costly:
            kept.refuse_unread()
        identity = identity_of(ready.map_) if ready.costly and hasattr(ready.map_, "texts") else None
        parts = _encoded(ready, reading(ROWS), ids, remember, progress, estimate)
        first = next(parts)
        count = datasets.write(
            _joined(chain([first], parts)), folder, encoder=encoder_data(ready.map_), identity=identity
        )
    return Streamed(first, count, kept.found, made)


def _ready(
    head: Any, encoder: str, ids: str | None, settings: Mapping[str, Any], choices: dict[str, Any]
) -> tuple[Encoder | None, Plan | None]:
    if is_saved(encoder):
        opened = open_encoder(encoder)
        if entrance(opened.map_) is not None:  # it takes vectors on, which are not read in batches
            return None, None
        refuse_options(encoder, "a saved encoder", settings=settings, **choices)
        return opened, None
    leave_out = (ids,) if isinstance(ids, str) else ()
    made = plan(head, encoder=encoder, settings=settings, leave_out=leave_out, **choices)
    return made.encoder, made


def _encoded(
    ready: Encoder,
    tables: Iterator[Any],
    ids: str | None,
    remember: Remember,
    progress: Progress | None,
    estimate: int,
) -> Iterator[Vectors]:
    start = 0
    for table in tables:
        try:
            X = ready.encode(table, remember=remember)
            names = np.arange(start, start + len(X)) if ids is None else as_ids(names_of(table, ids), len(X))
        except VecwiseError as error:
            if start and error.args:
                error.args = (f"{error.args[0]} (Rows are counted from row {start:,} of the file on.)",)
            raise
        start += len(X)
        if progress:
            progress(start, max(start + 1, estimate))
        yield Vectors._trusted(X.values, names, X.rows, X.space, X.encoder)


def _joined(parts: Iterator[Vectors]) -> Iterator[Vectors]:
    """Batches put together until they make a part of the folder."""
    waiting: list[Vectors] = []
    size = 0
    for X in parts:
        waiting.append(X)
        size += (X.values.data.nbytes + X.values.indices.nbytes) if X.is_sparse else X.values.nbytes
        if size >= PART_BYTES:
            yield join(waiting)
            waiting, size = [], 0
    if waiting:
        yield join(waiting)
