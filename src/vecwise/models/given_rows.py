"""Rows as a model reads them, a part at a time: vectors, arrays, frames, texts or a path.

This module must not know any model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vecwise.row_ids import as_ids
from vecwise.space import Space
from vecwise.store.rows import as_table
from vecwise.store.sources import read
from vecwise.vectors import Vectors, as_vectors


@dataclass(frozen=True, slots=True)
class Given:
    """Rows to trace: `take(start, stop)` gives what the model gets of them."""

    take: Any
    count: int
    ids: np.ndarray
    table: Any
    space: Space | None


def given_rows(rows: Any, ids: Any = None, *, as_rows: bool = False, with_space: bool = False) -> Given:
    """Take vectors, an array, a frame, texts or a path as rows; for a map of vectors these keep their space."""
    if isinstance(rows, (str, Path)):
        rows = read(rows)
    if isinstance(rows, Vectors) or _is_matrix(rows) or (not as_rows and _is_lists(rows)):
        X = as_vectors(rows)
        names = X.ids if ids is None else as_ids(ids, len(X))
        space = X.space if isinstance(rows, Vectors) else None
        if (as_rows or with_space) and isinstance(rows, Vectors):
            return Given(lambda a, b: X[a:b], len(X), names, X.rows, space)
        return Given(lambda a, b: X.values[a:b], len(X), names, X.rows, space)
    table = as_table(rows)
    own = as_ids(ids, table.num_rows)
    take = (lambda a, b: table.slice(a, b - a)) if as_rows or not _sliced(rows) else _slices(rows)
    return Given(take, table.num_rows, own, table, None)


def _is_matrix(rows: Any) -> bool:
    if hasattr(rows, "tocsr") or (hasattr(rows, "__dlpack__") and not isinstance(rows, np.ndarray)):
        return True
    return isinstance(rows, np.ndarray) and rows.dtype.kind in "fiub"


def _is_lists(rows: Any) -> bool:
    return isinstance(rows, (list, tuple)) and bool(rows) and not isinstance(rows[0], (str, dict, bytes))


def _sliced(rows: Any) -> bool:
    return isinstance(rows, (list, tuple, np.ndarray)) or hasattr(rows, "iloc")


def _slices(rows: Any) -> Any:
    """Parts of what scikit-learn is used to: a list, an object array or a pandas frame stays one."""
    return (lambda a, b: rows.iloc[a:b]) if hasattr(rows, "iloc") else (lambda a, b: rows[a:b])
