"""The ids of rows, and which rows a key means: numbers, slices, masks and ids.

This module must not know vectors; it is given ids and gives places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vecwise.errors import (
    DuplicateName,
    NoSuchRow,
    OutOfRange,
    UnknownName,
    WrongShape,
    WrongType,
    some,
    unknown,
)
from vecwise.table_text import count


def as_ids(ids: Any, rows: int) -> np.ndarray:
    """Give unique ids as int64 or as Python strings in an object array; numbered from 0 without any."""
    if ids is None:
        return np.arange(rows)
    if (
        isinstance(ids, np.ndarray)
        and ids.dtype.kind == "i"
        and len(ids) == rows
        and (ids[1:] > ids[:-1]).all()
    ):
        return ids.astype(np.int64)  # rising, so unique: the usual case, seen at once
    # NumPy's own string type drops a trailing NUL, so names stay Python strings in an object array.
    listed = (
        ids.tolist()
        if hasattr(ids, "tolist")
        else ids.to_pylist()
        if hasattr(ids, "to_pylist")
        else list(ids)
    )
    if len(listed) != rows:
        raise WrongShape(f"`ids` has {count(len(listed), 'entry')} for {count(rows, 'row')}.")
    whole = all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in listed)
    if not whole and not all(isinstance(i, str) for i in listed):
        raise WrongType("`ids` must be all whole numbers or all strings.")
    if len(set(listed)) != rows:
        seen: set[Any] = set()
        twice = list(dict.fromkeys(i for i in listed if i in seen or seen.add(i)))  # type: ignore[func-returns-value]
        raise DuplicateName(f"`ids` must be unique, and name rows more than once: {some(twice)}.")
    if whole:
        if any(not -(2**63) <= i < 2**63 for i in listed):
            raise OutOfRange("`ids` hold whole numbers beyond 64 bits. Give them as strings.")
        return np.array(listed, dtype=np.int64)
    names = np.empty(rows, dtype=object)
    names[:] = listed
    return names


def places_of(key: Any, ids: np.ndarray) -> np.ndarray:
    """Give the places of the rows that a key means: whole numbers are places, strings are ids."""
    if isinstance(key, str):
        return _named([key], ids)
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        return _at(np.array([key]), ids)
    if isinstance(key, slice):
        return np.arange(*key.indices(len(ids)))
    if isinstance(key, tuple):
        raise WrongType("`X[...]` selects rows only. Select features through `np.asarray(X)` or the encoder.")
    if isinstance(key, (list, Sequence)) and key and all(isinstance(k, str) for k in key):
        return _named(list(key), ids)
    return _at(np.asarray(key), ids)


def places_by_id(wanted: Sequence[Any], ids: np.ndarray) -> np.ndarray:
    """Give the places of these ids, in the order given; raises `UnknownName` for one that no row has."""
    place = {name: i for i, name in enumerate(ids.tolist())}
    for name in wanted:
        if name not in place:
            raise unknown("row with the id", str(name), [str(n) for n in place])
    return np.array([place[name] for name in wanted], dtype=np.int64)


def _at(index: np.ndarray, ids: np.ndarray) -> np.ndarray:
    if index.ndim == 1 and index.dtype == bool:
        if len(index) != len(ids):
            raise WrongShape(
                f"A mask of {count(len(index), 'entry')} cannot select from {count(len(ids), 'row')}."
            )
        return np.flatnonzero(index)
    if index.size == 0 and index.ndim == 1:
        return np.zeros(0, dtype=np.int64)
    if index.ndim == 1 and index.dtype.kind in "OUT":
        return _named(index.tolist(), ids)
    if index.ndim != 1 or index.dtype.kind not in "iu":
        raise WrongType(f"Rows are selected by number, slice, mask or id, not by {index.dtype}.")
    outside = index[(index >= len(ids)) | (index < -len(ids))]
    if outside.size:
        raise NoSuchRow(f"There is no row {outside[0]}: there are {count(len(ids), 'row')}, counted from 0.")
    return np.arange(len(ids))[index]


def _named(names: list[str], ids: np.ndarray) -> np.ndarray:
    if ids.dtype != object:
        raise UnknownName(
            f"The ids of these rows are whole numbers, not `{names[0]}`. Use X[0] or X.by_id(7)."
        )
    return places_by_id(names, ids)
