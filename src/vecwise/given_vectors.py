"""Vectors that are there already, in a file, a folder or a column, and the names of rows.

This module must not know how rows are encoded, nor what is asked of the vectors afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vecwise.errors import MissingValue, unknown
from vecwise.kernels.arrow import whole_numbers
from vecwise.row_ids import as_ids
from vecwise.space import Space
from vecwise.store import datasets
from vecwise.store.os_errors import shown
from vecwise.store.vector_columns import vectors_of
from vecwise.store.vector_files import read_vectors
from vecwise.vectors import Vectors


def vectors_at(table: Any, column: str, ids: Any) -> Vectors:
    """Give the vectors of a column of an Arrow table; the other columns are their rows."""
    names = names_of(table, ids)
    values = vectors_of(table.column(column), column, ids=names)
    beside = table.drop_columns([column])
    space = Space(values.shape[1], name=f"column `{column}`")
    return Vectors(values, names, beside if beside.num_columns else None, space)


@dataclass(frozen=True, slots=True)
class Lain:
    """What `Vectors` are made of, before anyone looked: any number type, mapped or not, NaN and all."""

    values: Any
    ids: Any
    rows: Any
    space: Space
    total: int


def vectors_as_they_lie(
    path: str | Path, ids: Any = None, array: str | None = None, *, sample: int | None = None, seed: int = 0
) -> Lain:
    """Give the numbers of a file of vectors or of a folder of saved ones, without looking at them."""
    if datasets.is_dataset(path):
        values, ids, rows, space = datasets.load_unchecked(path)
    else:
        values, rows = read_vectors(path, array)
        ids = ids if rows is None else names_of(rows, ids)
        space = Space(int(values.shape[1]), name=f"vectors of {shown(Path(path).name)}")
    total = int(values.shape[0])
    if sample is not None and sample < total:
        keep = sampled(total, sample, seed)
        ids = keep if ids is None else as_ids(ids, total)[keep]
        values, rows = values[keep], None if rows is None else rows.take(whole_numbers(keep))
    return Lain(values, ids, rows, space, total)


def names_of(table: Any, ids: Any) -> Any:
    """Give the ids of rows: those that were given, or those of the column that `ids` names."""
    if not isinstance(ids, str):
        return ids
    if ids not in table.column_names:
        raise unknown("column", ids, table.column_names)
    column = table.column(ids)
    names = column.to_pylist()
    if any(name is None for name in names):
        raise MissingValue(
            f"Column `{ids}` is empty in row {names.index(None)} (counted from 0), so it cannot name the rows."
        )
    if all(isinstance(name, int) and not isinstance(name, bool) for name in names):
        return names
    return [str(name) for name in names]


def sampled(count: int, sample: int, seed: int) -> np.ndarray:
    """Give the places of so many rows of `count`, drawn by `seed`, in their order."""
    if sample >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, sample, replace=False))
