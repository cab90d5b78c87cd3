"""How rows are cut into those that are learned from and those that are judged by.

This module must not know vectors, estimators or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.errors import Inapplicable, OutOfRange, WrongShape, missing_package
from vecwise.models.targets import Target

FOLDS: Final = 5


class Split(NamedTuple):
    """Numbers of the rows (among those with a target) to learn from, and of those to judge by."""

    train: np.ndarray
    test: np.ndarray


def splits(
    target: Target, /, *, folds: int = FOLDS, groups: Any = None, order: Any = None, seed: int = 0
) -> tuple[list[Split], str]:
    """Cut the rows into folds, and say how in words.

    Classes are kept in proportion. With `groups`, one for each row with a target, no group stands on both sides;
    with `order` (times, or anything that sorts) each fold is judged by rows later than all it learned from: rows of one
    time stay together. Raises `OutOfRange` for fewer rows, groups or times than folds need.
    """
    try:
        from sklearn.model_selection import (
            GroupKFold,
            KFold,
            StratifiedGroupKFold,
            StratifiedKFold,
        )
    except ImportError as error:
        raise missing_package("scikit-learn", "Probing", "'vecwise[models]'") from error
    rows = len(target.values)
    if isinstance(folds, bool) or not isinstance(folds, (int, np.integer)) or folds < 2:
        raise OutOfRange(
            f"`folds` is how many times the rows are cut, a whole number of at least 2, not {folds!r}."
        )
    if groups is not None and order is not None:
        raise Inapplicable("Rows are cut by groups or by order, not by both: leave one out.")
    _enough(target, int(folds), groups, order)
    places = np.zeros((rows, 1))
    if order is not None:
        found = _in_order(_keys(order, rows, "order"), int(folds))
        _classes_seen(target, found)
        return found, f"{folds} folds in order: each judged by rows later than those it learned from"
    if groups is not None:
        keys = _keys(groups, rows, "groups")
        cut = (
            StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
            if target.classes
            else GroupKFold(folds)
        )
        found = [Split(a, b) for a, b in cut.split(places, target.values, keys)]
        _classes_seen(target, found)
        return found, f"{folds} folds, no group on both sides"
    cut = StratifiedKFold if target.classes else KFold
    found = [Split(a, b) for a, b in cut(folds, shuffle=True, random_state=seed).split(places, target.values)]
    return found, f"{folds} folds" + (", classes in proportion" if target.classes else "")


def _keys(given: Any, rows: int, name: str) -> np.ndarray:
    """Groups or times as whole numbers that sort alike."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = given.combine_chunks() if isinstance(given, pa.ChunkedArray) else given
    if not isinstance(column, pa.Array):
        column = pa.array(np.asarray(given) if isinstance(given, np.ndarray) else given, from_pandas=True)
    if len(column) != rows:
        raise WrongShape(f"`{name}` has {len(column):,} entries for {rows:,} rows with a target.")
    if column.null_count:
        raise OutOfRange(
            f"`{name}` is empty in {column.null_count:,} rows; fill it, or leave those rows out."
        )
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return np.asarray(pc.rank(column, tiebreaker="dense")).astype(np.int64)


def _enough(target: Target, folds: int, groups: Any, order: Any) -> None:
    rows = len(target.values)
    each = 1 if target.classes else 2  # of a single number R² has no value
    if rows < each * (folds + 1 if order is not None else folds):
        raise OutOfRange(
            f"{rows} rows with a target are too few for {folds} folds. Give fewer: folds={max(2, rows // 2)}."
        )
    if groups is not None:
        different = len(np.unique(_keys(groups, rows, "groups")))
        if different < folds:
            if different < 2:
                raise OutOfRange("All rows belong to one group, which cannot stand on both sides.")
            raise OutOfRange(
                f"{different} groups are too few for {folds} folds. Give folds={different} or fewer."
            )


def _in_order(keys: np.ndarray, folds: int) -> list[Split]:
    """Cut rows between times: as many equal parts as folds and one, each judged by what is learned from all before.

    Without equal times these are the cuts of scikit-learn's `TimeSeriesSplit`.
    """
    rows = np.argsort(keys, kind="stable")
    times = keys[rows]
    part = len(rows) // (folds + 1)
    starts = np.searchsorted(times, times[len(rows) - part * np.arange(folds, 0, -1)])
    if starts[0] == 0 or (np.diff(starts) == 0).any():
        raise OutOfRange(
            f"Too many rows have the same place in the order to cut them between {folds} folds: they hold "
            f"{len(np.unique(times)):,} different places. Give fewer folds, or a finer order."
        )
    ends = [*starts[1:].tolist(), len(rows)]
    return [Split(rows[:start], rows[start:end]) for start, end in zip(starts.tolist(), ends, strict=True)]


def _classes_seen(target: Target, found: Sequence[Split]) -> None:
    """A fold that learns from one class alone has nothing to learn."""
    if target.classes is None:
        return
    for number, split in enumerate(found, start=1):
        if len(np.unique(target.values[split.train])) < 2:
            name = target.classes[int(target.values[split.train][0])]
            raise OutOfRange(
                f"Fold {number} would learn from rows of the class `{name}` alone. Cut the rows otherwise, or use "
                "fewer folds."
            )
