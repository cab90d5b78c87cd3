"""Encoding into a folder that can be stopped at any moment and run again: no row is encoded twice.

This module must not know how the folder keeps its files, nor what an encoder computes.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from vecwise.encoders.base import Remember
from vecwise.errors import VecwiseError
from vecwise.runner import Progress
from vecwise.store import datasets
from vecwise.store.journal import Journal, journal
from vecwise.store.os_errors import shown
from vecwise.store.states import pack
from vecwise.table_text import count, verb
from vecwise.vectors import Vectors

BATCH = 1024  # rows encoded between two writes: half a second of sentences, and ten milliseconds of disk


def encode_into(
    folder: str | Path, encode: Callable[[Remember], Vectors], save: Callable[[Vectors, str | None], None]
) -> tuple[Vectors, int]:
    """Encode and save into a folder; gives the vectors and how many rows an earlier run had encoded.

    `encode` is given the function that a costly encoder calls in place of its map. What it encodes is kept in
    the folder batch by batch, by the hash of its content and the identity of the encoder, until `save` has put
    all of it there, with the identity if these are the encoder's own vectors. Vectors that the folder holds
    already, untouched and of the same identity, are used again.

    Raises `SpaceMismatch` when the folder holds unfinished work of another encoder, `Unreadable` when another
    process encodes into it, and what `encode` and `save` raise; an interruption says how far it came.
    """
    with remembering(folder) as (remember, kept):
        made = encode(remember)
        kept.refuse_unread()
        save(made, kept.frame if made.encoder is kept.encoder else None)
    return made, kept.found


@contextmanager
def remembering(folder: str | Path) -> Iterator[tuple[Remember, Journal]]:
    """Give what a costly encoder calls in place of its map, and the journal it writes, which goes when all is done."""
    target = Path(folder)
    datasets.refuse_strangers(target)
    with journal(target) as kept:

        def remember(fitted: Any, table: Any, progress: Progress | None) -> Vectors:
            return _remembered(fitted, table, progress, kept, target)

        yield remember, kept
        kept.remove()


def _remembered(fitted: Any, table: Any, progress: Progress | None, kept: Journal, folder: Path) -> Vectors:
    identity = identity_of(fitted)
    if kept.begin(identity):
        kept.encoder = fitted
        _take_saved(fitted, identity, kept, folder)
    digests = _digests(fitted, table)
    times = Counter(digests)
    new = {digest: row for row, digest in reversed(list(enumerate(digests))) if digest not in kept}
    rows = sorted(new.values())
    done = len(digests) - sum(times[digest] for digest in new)
    kept.found += done
    for start in range(0, len(rows), BATCH):
        if progress:
            progress(done, len(digests))
        batch = rows[start : start + BATCH]
        try:
            values = fitted(table.take(batch)).values
            names = [digests[row] for row in batch]
            kept.add(names, values)
        except KeyboardInterrupt as stop:
            raise type(stop)(
                f"Stopped. {count(len(kept), 'row')} {verb(len(kept), 'are')} kept in {shown(folder)}: the same "
                "command goes on from there."
            ) from stop
        done += sum(times[name] for name in names)
    if progress:
        progress(len(digests), len(digests))
    return _joined(fitted, table, kept, digests)


def _joined(fitted: Any, table: Any, kept: Journal, digests: list[bytes]) -> Vectors:
    empty = fitted(table.slice(0, 0))
    values = kept.vectors(digests, fitted.target.dim, empty.values.dtype)
    return Vectors(values, rows=table, space=fitted.target, encoder=fitted)


def identity_of(fitted: Any) -> str:
    """What the vectors of equal rows depend on: the frame, and what else was learned, such as what fills a gap."""
    frame = str(fitted.target.frame)
    if hasattr(fitted, "texts"):
        return frame
    plain, arrays = pack(fitted.state())
    learned = hashlib.sha256(json.dumps(plain, sort_keys=True).encode() + arrays).hexdigest()[:16]
    return f"{frame}-{learned}"


def _digests(fitted: Any, table: Any) -> list[bytes]:
    """Sixteen bytes for every row: the hash of the text that is encoded, or of all its cells."""
    if hasattr(fitted, "texts"):
        contents: Iterable[str] = fitted.texts(table)
    else:
        names = sorted(table.column_names)  # a row is the same row however its columns are ordered
        contents = map(repr, zip(*(table.column(name).to_pylist() for name in names), strict=True))
        contents = (f"{names}{content}" for content in contents)
    return [
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in contents
    ]


def _take_saved(fitted: Any, identity: str, kept: Journal, folder: Path) -> None:
    """Know what the folder holds already, if it is what this very encoder gave for rows that were saved with it."""
    if not hasattr(fitted, "texts"):
        return
    with suppress(VecwiseError):
        if datasets.identity_of(folder) != identity:
            return
        saved, _ = datasets.load(folder)
        if saved.rows is not None and not saved.is_sparse:
            kept.take(_digests(fitted, saved.rows), np.asarray(saved.values))
