"""What one pass over rows tells of them and of their dimensions: norms, distances, digests, sums and extremes.

This module must not know any vecwise type. Digests are 128 bits a row and 32 bits a dimension: equal ones are
candidates, and whoever asks compares the rows themselves, so that a shared digest is never taken for equality.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.kernels import native_health
from vecwise.kernels.arrays import is_sparse, nonfinite_rows
from vecwise.kernels.norms import row_norms, scale_rows

# The numbers of `native_health.c`: digests are the same bits both ways.
_FIRST, _SECOND = np.uint32(2654435761), np.uint32(2246822519)
_LONG_FIRST, _LONG_SECOND = np.uint64(11400714785074694791), np.uint64(14029467366897019727)
LANES: Final = native_health.LANES


class Survey(NamedTuple):
    """What was read, unfinished: arrays of rows, one a block, and sums over the finite rows, `(dim,)` each.

    `sum` and `squares` are of the differences from a fixed center, `units` of the rows divided by their length.
    """

    rows: int
    finite: int
    filled: int  # cells that are not zero
    l1: tuple[np.ndarray, ...]
    l2: tuple[np.ndarray, ...]
    far: tuple[np.ndarray, ...]  # Euclidean distances from the center, by weighted differences
    bad: tuple[np.ndarray, ...]  # whether a row holds NaN or infinity
    digests: tuple[np.ndarray, ...]
    sum: np.ndarray
    squares: np.ndarray
    units: np.ndarray
    low: np.ndarray
    high: np.ndarray
    hashes: np.ndarray


def survey(values: Any, center: np.ndarray, weights: np.ndarray) -> Survey:
    """Read a float32 or float64 matrix once, C-ordered or CSR in canonical form.

    Norms and distances are right to `(dim / 16 + 8)` units in the last place of float64, sums over rows to
    `rows` of them relative to the sum of magnitudes.
    """
    if is_sparse(values):
        return _sparse(values, center)
    if native_health.library() is None:
        parts = _dense(values, center, weights)
    else:
        parts = native_health.survey_rows(np.ascontiguousarray(values), center, weights)
    filled, told, digests, bad, sums, hashes = parts
    return _surveyed(values.shape[0], int(filled), told, digests, bad, sums, hashes)


def _surveyed(
    rows: int, filled: int, told: Any, digests: np.ndarray, bad: np.ndarray, sums: Any, hashes: np.ndarray
) -> Survey:
    of_rows = [(row,) for row in (*told, bad, digests)]
    return Survey(rows, rows - int(bad.sum()), filled, *of_rows, *sums, hashes)  # type: ignore[call-arg, arg-type]


def _dense(values: np.ndarray, center: np.ndarray, weights: np.ndarray) -> tuple[Any, ...]:
    rows, dim = values.shape
    bad = np.zeros(rows, bool)
    bad[nonfinite_rows(values)] = True
    sums, hashes = np.zeros((5, dim)), np.zeros(dim, np.uint32)
    sums[3], sums[4] = np.inf, -np.inf
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        l1, l2 = row_norms(values, 1), row_norms(values, 2)
        far = np.sqrt(np.square((values - center) * weights).sum(axis=1))
        good = np.asarray(values if not bad.any() else values[~bad], np.float64)
        if len(good):
            from_center = good - center
            sums[0], sums[1] = from_center.sum(axis=0), np.square(from_center).sum(axis=0)
            sums[2], sums[3], sums[4] = scale_rows(good, 2).sum(axis=0), good.min(axis=0), good.max(axis=0)
    if len(good):
        keys = (np.flatnonzero(~bad).astype(np.uint32) * _FIRST ^ _SECOND) | np.uint32(1)
        hashes = (_folded(values[~bad]) * keys[:, None]).sum(axis=0, dtype=np.uint32)
    return int(np.count_nonzero(values)), np.stack([l1, l2, far]), _row_digests(values), bad, sums, hashes


def _bits(values: np.ndarray) -> np.ndarray:
    """The bits of cells, those of -0.0 as those of 0.0."""
    return (values + values.dtype.type(0)).view(f"u{values.dtype.itemsize}")


def _folded(values: np.ndarray) -> np.ndarray:
    bits = _bits(np.ascontiguousarray(values))
    if bits.dtype == np.uint32:
        return bits ^ bits >> np.uint32(16)
    return (bits ^ bits >> np.uint64(32) ^ bits >> np.uint64(48)).astype(np.uint32)


def _row_digests(values: np.ndarray) -> np.ndarray:
    """A hash of every sixteenth cell by xxHash's rounds, then the sixteen hashes as two numbers of 64 bits."""
    rows, dim = values.shape
    steps = -(-dim // LANES)
    padded = np.zeros((rows, steps * LANES), values.dtype)
    padded[:, :dim] = values
    words = _bits(padded).view(np.uint32).reshape(rows, steps, LANES, values.dtype.itemsize // 4)
    hashes = np.zeros((rows, LANES), np.uint32)
    for step in range(steps):
        for part in range(words.shape[3]):
            hashes = _rounded(hashes, words[:, step, :, part])
    for width in (LANES // 2, LANES // 4):
        hashes = _rounded(hashes[:, :width], hashes[:, width:])
    long = hashes.astype(np.uint64)
    x, y = (long[:, i + 1] << np.uint64(32) | long[:, i] for i in (0, 2))
    x, y = x ^ x >> np.uint64(31), y ^ y >> np.uint64(31)
    first, second = x * _LONG_FIRST + y * _LONG_SECOND, x * _LONG_SECOND - y * _LONG_FIRST
    return np.stack([first ^ first >> np.uint64(32), second ^ second >> np.uint64(29)], axis=1)


def _rounded(hashes: np.ndarray, words: np.ndarray) -> np.ndarray:
    mixed = hashes + words * _SECOND
    return (mixed << np.uint32(13) | mixed >> np.uint32(19)) * _FIRST


# ---- sparse rows: only the cells that are there are read ----


def _sparse(values: Any, center: np.ndarray) -> Survey:
    bad = np.zeros(values.shape[0], bool)
    bad[nonfinite_rows(values)] = True
    cells, columns = values.data.astype(np.float64), values.indices
    owners = np.repeat(np.arange(values.shape[0]), np.diff(values.indptr))
    l1, l2 = row_norms(values, 1), row_norms(values, 2)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        far = _distances(l2, cells, columns, owners, center)
        unit = scale_rows(values.astype(np.float64), 2).data
    digests = _sparse_digests(cells, columns, owners, values.shape[0])
    keys = (np.arange(values.shape[0], dtype=np.uint32) * _FIRST ^ _SECOND) | np.uint32(1)
    keep = ~bad[owners]
    kept = cells[keep], unit[keep], columns[keep]
    sums, hashes = _sparse_sums(*kept, center, keys[owners[keep]], values.shape[0] - int(bad.sum()))
    return _surveyed(values.shape[0], len(cells), [l1, l2, far], digests, bad, sums, hashes)


def _distances(
    l2: np.ndarray, cells: np.ndarray, columns: np.ndarray, owners: np.ndarray, center: np.ndarray
) -> np.ndarray:
    """By |x - c|² = |c|² + Σ (x - c)² - c² over the cells that are there."""
    moved = np.square(cells - center[columns]) - np.square(center[columns])
    squares = float(center @ center) + np.bincount(owners, weights=moved, minlength=len(l2))
    return np.sqrt(np.maximum(squares, 0.0))


def _sparse_sums(
    cells: np.ndarray, unit: np.ndarray, columns: np.ndarray, center: np.ndarray, keys: np.ndarray, rows: int
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    dim = len(center)
    sums, hashes = np.zeros((5, dim)), np.zeros(dim, np.uint32)
    there = np.bincount(columns, minlength=dim)
    with np.errstate(over="ignore", invalid="ignore"):
        moved = cells - center[columns]
        sums[0] = np.bincount(columns, weights=moved, minlength=dim) - (rows - there) * center
        squares = np.bincount(columns, weights=np.square(moved), minlength=dim)
        sums[1] = squares + (rows - there) * np.square(center)
        sums[2] = np.bincount(columns, weights=unit, minlength=dim)
    absent = there < rows  # a column that is not there in some row holds a zero
    sums[3], sums[4] = np.where(absent & (rows > 0), 0.0, np.inf), np.where(absent & (rows > 0), 0.0, -np.inf)
    np.minimum.at(sums[3], columns, cells)
    np.maximum.at(sums[4], columns, cells)
    np.add.at(hashes, columns, _folded(cells) * keys)
    return sums, hashes


def _sparse_digests(cells: np.ndarray, columns: np.ndarray, owners: np.ndarray, rows: int) -> np.ndarray:
    """The sum of scrambled cells: zeros that are not there add nothing."""
    made = np.zeros((rows, 2), np.uint64)
    bits = _bits(cells)
    for half, (one, other) in enumerate(((_LONG_FIRST, _LONG_SECOND), (_LONG_SECOND, _LONG_FIRST))):
        mixed = (bits ^ (columns.astype(np.uint64) + np.uint64(1)) * one) * other
        mixed ^= mixed >> np.uint64(31)
        mixed *= one
        mixed ^= mixed >> np.uint64(29)
        np.add.at(made[:, half], owners, mixed)
    return made


# ---- many blocks as one ----


def nothing(dim: int) -> Survey:
    """Give the survey of no rows."""
    zeros, none = np.zeros(dim), np.full(dim, np.inf)
    hashes = np.zeros(dim, np.uint32)
    return Survey(0, 0, 0, (), (), (), (), (), zeros, zeros, zeros, none, -none, hashes)


def merged(left: Survey, right: Survey) -> Survey:
    """Join the surveys of two neighbouring stretches of rows, about one center."""
    if not left.rows or not right.rows:
        return left if left.rows else right
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # counts and sums add up, arrays of rows stand in a row
        sums = [getattr(left, name) + getattr(right, name) for name in Survey._fields[:11]]
    edges = np.minimum(left.low, right.low), np.maximum(left.high, right.high)
    power = np.uint32(pow(int(_SECOND), left.rows, 2**32))  # equal stretches of rows in another order differ
    made: Any = (*sums, *edges, left.hashes + right.hashes * power)
    return Survey(*made)
