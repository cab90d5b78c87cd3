"""Leakage: rows of one named split that equal, or nearly equal, rows of another.

This module must not know files or encoders; equal rows come from `kernels.digests`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import isnan
from typing import Any, Final

import numpy as np

from vecwise.draw.words import count, verb
from vecwise.errors import MissingValue, OutOfRange, UnknownName, WrongShape, some, unknown
from vecwise.kernels.neighbourhoods import best_of_others, unit_single
from vecwise.kernels.norms import row_norms
from vecwise.measure.samples import FEWEST_DIMENSIONS, NEAR, compared_rows
from vecwise.measure.surveying import Surveyed, taken

MOST_SPLITS: Final = 20
ASKED: Final = 1_024  # rows of the smaller split that are compared
AMONG: Final = 16_384  # with so many of the larger one


@dataclass(frozen=True, slots=True, eq=False)
class Leak:
    """Two splits, the smaller one left: how many of its rows equal a row of the other, and their ids.

    `near` counts those of `compared` rows that do not equal one, but have a cosine of at least 0.99 with a row of the
    other; `None` where rows have too few dimensions to tell. `whole` says that every row was compared with every one.
    """

    left: str
    right: str
    rows: int
    equal: int
    ids: np.ndarray
    near: int | None
    compared: int
    whole: bool


def split_codes(splits: Any, rows: Any, ids: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Give the names of the splits, by first appearance, and the number of each row's split.

    `splits` is the name of a column of `rows`, an Arrow table, or a name for each of the `ids`. Raises `UnknownName`,
    `WrongShape`, `MissingValue` for a row without a split, `OutOfRange` for more than 20 splits.
    """
    if isinstance(splits, str):
        if rows is None:
            raise UnknownName(
                f"There is no column `{splits}`: these vectors carry no rows. Give the split of each row as a list, or "
                "save the vectors with their rows."
            )
        if splits not in rows.column_names:
            raise unknown("column", splits, rows.column_names)
        listed = rows.column(splits).to_pylist()
    else:
        listed = splits.tolist() if hasattr(splits, "tolist") else list(splits)
    if len(listed) != len(ids):
        raise WrongShape(f"`splits` names the split of {count(len(listed), 'row')}; there are {len(ids):,}.")
    gaps = [row for row, name in enumerate(listed) if _is_missing(name)]
    if gaps:
        raise MissingValue(
            f"{count(len(gaps), 'row')} {verb(len(gaps), 'name')} no split: {some(ids[gaps].tolist())}. "
            "Fill in the column, or leave those rows out."
        )
    numbers: dict[str, int] = {}
    codes = np.array([numbers.setdefault(str(name), len(numbers)) for name in listed], np.int64)
    if len(numbers) > MOST_SPLITS:
        raise OutOfRange(
            f"`splits` names {len(numbers):,} splits, and up to {MOST_SPLITS} are compared. Name the column that says "
            "which rows are for training and which for testing."
        )
    return list(numbers), codes


def _is_missing(name: Any) -> bool:
    return name is None or name == "" or (isinstance(name, float) and isnan(name))


def leaks_between(
    values: Any,
    ids: np.ndarray,
    names: list[str],
    codes: np.ndarray,
    first: np.ndarray,
    seen: Surveyed,
    *,
    standardized: bool,
    seed: int,
) -> tuple[Leak, ...]:
    """Compare every two splits; `first` gives for every row the first that equals it."""
    made = []
    sizes = np.bincount(codes[~seen.bad], minlength=len(names))
    held = [np.zeros(len(codes), bool) for _ in names]  # whether a split holds a row that equals this one
    for split, mask in enumerate(held):
        mask[first[(codes == split) & ~seen.bad]] = True
    for one, other in combinations(range(len(names)), 2):
        left, right = (one, other) if sizes[one] < sizes[other] else (other, one)
        own = np.flatnonzero((codes == left) & ~seen.bad)
        equal = held[right][first[own]]
        others = np.flatnonzero((codes == right) & ~seen.bad)
        near, compared, whole = _near(values, own[~equal], others, seen, standardized=standardized, seed=seed)
        found = ids[own[equal]]
        made.append(Leak(names[left], names[right], len(own), len(found), found, near, compared, whole))
    return tuple(made)


def _near(
    values: Any, own: np.ndarray, others: np.ndarray, seen: Surveyed, *, standardized: bool, seed: int
) -> tuple[int | None, int, bool]:
    rng = np.random.default_rng(seed)
    picked = [
        np.sort(rng.choice(rows, most, replace=False)) if len(rows) > most else rows
        for rows, most in ((own, ASKED), (others, AMONG))
    ]
    whole = len(picked[0]) == len(own) and len(picked[1]) == len(others)
    if not len(picked[0]) or not len(picked[1]) or seen.low.size < FEWEST_DIMENSIONS:
        return (None if seen.low.size < FEWEST_DIMENSIONS else 0), 0, whole
    asked, among = (
        compared_rows(taken(values, places), seen, standardized=standardized) for places in picked
    )
    asked, among = asked[row_norms(asked, 2) > 0], among[row_norms(among, 2) > 0]
    if not asked.shape[0] or not among.shape[0]:
        return 0, int(asked.shape[0]), whole
    best = best_of_others(unit_single(asked), unit_single(among))
    return int((best >= NEAR).sum()), int(asked.shape[0]), whole
