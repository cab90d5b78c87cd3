"""Equal rows and equal columns: candidates by digest, certainty by comparing them.

This module must not know any vecwise type, nor how a digest is made: two rows that are equal have one digest, and
two that share one are compared cell by cell, so that nothing is called equal that is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import is_sparse
from vecwise.kernels.mapped import picked

_COMPARED_BYTES: Final = 1 << 22


def first_equal(digests: np.ndarray, values: Any, leave_out: np.ndarray) -> np.ndarray:
    """Give for every row the place of the first row that equals it: its own where none before does.

    `digests` is `(rows, 2)` of uint64, `values` the matrix; rows marked by `leave_out`, such as those with NaN,
    equal none. Cost: a sort of half the digests; rows are read only where digests agree.
    """
    first = np.arange(len(digests))
    places, starts = _groups(digests, leave_out)
    if not len(places):
        return first
    lead = np.repeat(places[starts[:-1]], np.diff(starts))
    same = _equal(values, places, lead)
    first[places[same]] = lead[same]
    for group in np.flatnonzero(~np.logical_and.reduceat(same, starts[:-1])).tolist():
        own = places[starts[group] : starts[group + 1]]  # different rows share a digest
        first[own] = _first_by_bytes(values, own)
    return first


def _groups(digests: np.ndarray, leave_out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of rows whose digest another row has, group by group, and where each group starts."""
    none = np.zeros(0, np.int64), np.zeros(1, np.int64)
    ranked = np.sort(digests[:, 0])
    twice = np.unique(ranked[1:][ranked[1:] == ranked[:-1]])
    if not len(twice):  # as good as always: nothing repeats, and one quick sort says so
        return none
    at = np.minimum(np.searchsorted(twice, digests[:, 0]), len(twice) - 1)
    places = np.flatnonzero((twice[at] == digests[:, 0]) & ~leave_out)
    if not len(places):
        return none
    order = places[np.lexsort((places, digests[places, 1], digests[places, 0]))]
    new = (digests[order[1:]] != digests[order[:-1]]).any(axis=1)
    lengths = np.diff(np.flatnonzero(np.concatenate([[True], new, [True]])))
    kept = lengths > 1
    return order[np.repeat(kept, lengths)], np.concatenate([[0], np.cumsum(lengths[kept])])


def _equal(values: Any, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Whether rows equal rows, pair by pair, in bounded memory."""
    made = np.empty(len(left), bool)
    size = max(1, _COMPARED_BYTES // (values.shape[1] * values.dtype.itemsize))
    for start in range(0, len(left), size):
        part = slice(start, start + size)
        if is_sparse(values):
            made[part] = np.diff((values[left[part]] != values[right[part]]).tocsr().indptr) == 0
        else:
            made[part] = (picked(values, left[part]) == picked(values, right[part])).all(axis=1)
    return made


def _first_by_bytes(values: Any, places: np.ndarray) -> np.ndarray:
    seen: dict[bytes, int] = {}
    made = np.empty(len(places), np.int64)
    for i, place in enumerate(places.tolist()):
        row = values[[place]]
        cells = row.toarray() if is_sparse(row) else np.asarray(row)
        made[i] = seen.setdefault((cells + cells.dtype.type(0)).tobytes(), place)
    return made


def equal_columns(
    keys: Iterable[Any], blocks: Callable[[], Iterable[Any]], leave_out: np.ndarray
) -> list[tuple[int, ...]]:
    """Give the groups of columns that are equal in every row, smallest first; most often without reading any.

    `keys` has one entry a column, equal for equal columns. `blocks` gives the matrix in pieces, which are read only
    where keys agree; `leave_out` marks columns that are not asked about.
    """
    groups: dict[Any, list[int]] = {}
    for column, key in enumerate(keys):
        if not leave_out[column]:
            groups.setdefault(key, []).append(column)
    waiting = [group for group in groups.values() if len(group) > 1]
    found: list[tuple[int, ...]] = []
    while waiting:  # a second round only where different columns share a key
        pairs = [(group[0], other) for group in waiting for other in group[1:]]
        same = _same_columns(pairs, blocks())
        rest = []
        for group in waiting:
            equal = [other for other in group[1:] if same[group[0], other]]
            found += [(group[0], *equal)] if equal else []
            left = [other for other in group[1:] if not same[group[0], other]]
            rest += [left] if len(left) > 1 else []
        waiting = rest
    return sorted(found)


def _same_columns(pairs: list[tuple[int, int]], blocks: Iterable[Any]) -> dict[tuple[int, int], bool]:
    alive = np.ones(len(pairs), bool)
    left, right = np.array(pairs).T
    for block in blocks:
        asked = np.flatnonzero(alive)
        if not len(asked):
            break
        if is_sparse(block):
            columns = block.tocsc()
            differs = (columns[:, left[asked]] != columns[:, right[asked]]).tocsc()
            alive[asked] = np.diff(differs.indptr) == 0
        else:
            alive[asked] = (block[:, left[asked]] == block[:, right[asked]]).all(axis=0)
    return dict(zip(pairs, alive.tolist(), strict=True))
