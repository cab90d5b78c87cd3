"""How many rows lie nearer to a row than some other row does: ranks by distance, without sorting anything.

This module must not know any vecwise type. A matrix product decides only what it can decide beyond doubt; the rest is
decided by distances of differences.
"""

from __future__ import annotations

from ctypes import c_int64, c_void_p
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.native import address, bound
from vecwise.kernels.norms import row_norms, unit_rows
from vecwise.kernels.similarity import distances
from vecwise.kernels.workers import each

TIED: Final = 1e-9  # squared distances that differ by less than this share of themselves are equal
_QUERIES: Final = 1024  # rows whose distances are held at a time
_BLOCK: Final = 2048  # rows they are measured to at a time: together 16 MB
_CELLS: Final = 1 << 22  # numbers of a block of float64 rows: 32 MB
_ORDERS: Final = {"euclidean": 2.0, "cosine": 2.0, "manhattan": 1.0, "chebyshev": np.inf}
_EPSILON: Final = float(np.finfo(np.float64).eps)

library = bound({"vecwise_count_below": (c_void_p, c_int64, c_int64, c_void_p, c_int64, c_void_p)})


def nearer(values: Any, rows: np.ndarray, others: np.ndarray, metric: str) -> np.ndarray:
    """Give, for row `rows[i]` and row `others[i, j]`, how many rows lie strictly nearer to the first; `(m, k)` int64.

    `metric` is "euclidean", "cosine", "manhattan" or "chebyshev"; for cosines rows are brought to length 1, and no row
    may be zero. The row itself is not counted. Distances whose squares agree to nine digits are equal, so that rounding
    breaks no tie. Cost: m · rows · dim operations, and some 50 MB a core.

    >>> line = np.array([[0.0], [1.0], [3.0], [7.0]])
    >>> nearer(line, np.array([0]), np.array([[1, 3]]), "euclidean")
    array([[0, 2]])
    """
    counts = np.zeros(others.shape, np.int64)
    if not others.size:
        return counts
    if metric in ("manhattan", "chebyshev"):
        return _by_differences(values, rows, others, metric)
    form = _Form.of(values, rows, unit=metric == "cosine")
    most = max(1, min(_QUERIES, _CELLS // values.shape[1]))
    for start in range(0, len(rows), most):
        part = slice(start, start + most)
        counts[part] = _by_product(form, rows[part], others[part])
    return counts


def differences(values: Any, rows: np.ndarray, others: np.ndarray, metric: str) -> np.ndarray:
    """Give the distances of every row `rows[i]` to the rows `others[i, j]`: lengths of differences, in float64.

    For "cosine" it is the distance of the two rows at length 1, the square root of 2 - 2 · cosine.
    """
    unit = metric == "cosine"
    made = np.empty(others.shape)
    for i, (row, found) in enumerate(zip(rows.tolist(), others, strict=True)):
        made[i] = lengths(_double(values[[row]], unit), _double(values[found], unit), _ORDERS[metric])
    return made


def lengths(row: np.ndarray, others: np.ndarray, order: float) -> np.ndarray:
    """Give the lengths of the differences of one row to others; infinite where they overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        return row_norms(others - row, order)


def _double(block: Any, unit: bool) -> np.ndarray:
    made = dense(block)
    return unit_rows(made, 2)[0] if unit else made


@dataclass(frozen=True, slots=True)
class _Form:
    """The rows as they are multiplied: moved so that the origin lies among them, and scaled to about 1."""

    values: Any
    unit: bool
    shift: np.ndarray | None
    scale: float

    @classmethod
    def of(cls, values: Any, rows: np.ndarray, *, unit: bool) -> _Form:
        if unit or is_sparse(values):
            largest = 1.0 if unit else float(abs(values).max() or 1.0)
            return cls(values, unit, None, 1.0 if unit else float(np.ldexp(1.0, -np.frexp(largest)[1])))
        some = dense(values[rows[:_QUERIES]])
        shift = some.mean(axis=0) if np.isfinite(some.sum()) else some[0]
        with np.errstate(over="ignore"):
            reach = float(np.abs(some - shift).max())
        exponent = int(np.frexp(reach)[1]) if 0 < reach < np.inf else 0
        return cls(values, unit, shift, float(np.ldexp(1.0, -min(exponent, 1000))))

    def block(self, which: Any) -> Any:
        """These rows, ready to be multiplied: float64, sparse ones still sparse."""
        part = self.values[which]
        if is_sparse(part):
            made = part.astype(np.float64)
            return unit_rows(made, 2)[0] if self.unit else made * self.scale
        made = _double(part, self.unit)
        if self.shift is None:
            return made
        with np.errstate(over="ignore", under="ignore"):
            return (made - self.shift) * self.scale


def _squares(block: Any) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore"):
        if is_sparse(block):
            return row_norms(block, 2) ** 2
        return np.einsum("ij,ij->i", block, block)


def _by_product(form: _Form, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """One batch of rows against all blocks of rows; blocks are shared out, and whole numbers add up in any order."""
    measured = differences(form.values, rows, others, "cosine" if form.unit else "euclidean")
    asked = dense(form.block(rows))
    squares, count, size = _squares(asked), form.values.shape[0], _BLOCK
    if not is_sparse(form.values):
        size = min(_BLOCK, max(1, _CELLS // asked.shape[1]))
        asked = np.c_[-asked, np.ones(len(asked))]  # the last column adds |x|²/2 inside the product
    work = _Work(form, rows, asked, squares, measured)
    parts = each(
        lambda start: work.count(start, min(start + size, count)), range(0, count, size), count * asked.nbytes
    )
    return sum(parts, np.zeros(others.shape, np.int64))


@dataclass(frozen=True, slots=True)
class _Work:
    form: _Form
    rows: np.ndarray
    asked: np.ndarray
    squares: np.ndarray
    measured: np.ndarray

    def count(self, start: int, stop: int) -> np.ndarray:
        """How many rows of one block are nearer than each limit."""
        found, low, high = self._compared(self.form.block(slice(start, stop)))
        for i in np.flatnonzero((self.rows >= start) & (self.rows < stop)).tolist():
            found[i, self.rows[i] - start] = np.inf  # the row itself
        counts = count_below(found, np.concatenate([low, high], axis=1))
        certain, possible = np.split(counts, 2, axis=1)
        for i in np.flatnonzero((possible > certain).any(axis=1)).tolist():
            certain[i] += self._decided(i, found[i], low[i], high[i], start)
        return certain

    def _compared(self, block: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """|x|²/2 - a·x of every asked row a and row x of the block, and the limits between which it is in doubt."""
        own = _squares(block)
        with one_blas_thread, np.errstate(over="ignore", invalid="ignore", under="ignore"):
            if is_sparse(block):
                found = own / 2 - dense(block @ self.asked.T).T
            else:
                found = self.asked @ np.c_[block, own / 2].T
            limits = ((self.measured * self.form.scale) ** 2 * (1 - TIED) - self.squares[:, None]) / 2
            doubt = (block.shape[1] + 16) * _EPSILON * (np.sqrt(self.squares) + np.sqrt(own.max())) ** 2
            doubt += 4 * np.finfo(np.float64).tiny
            low, high = limits - doubt[:, None], limits + doubt[:, None]
        if not (
            np.isfinite(low).all() and np.isfinite(high).all()
        ):  # too far for squares: all by differences
            low[:], high[:], found[:] = -np.inf, np.inf, 0
        equal = self.measured == 0  # nothing is nearer than an equal row
        low[equal] = high[equal] = -np.inf
        return found, low, high

    def _decided(
        self, i: int, found: np.ndarray, low: np.ndarray, high: np.ndarray, start: int
    ) -> np.ndarray:
        """What the product left in doubt for one row, by differences."""
        doubtful = [(found >= a) & (found < b) for a, b in zip(low, high, strict=True)]
        places = np.flatnonzero(np.logical_or.reduce(doubtful))
        exact = np.full(len(found), np.inf)
        here = np.array([self.rows[i]])
        metric = "cosine" if self.form.unit else "euclidean"
        exact[places] = differences(self.form.values, here, (places + start)[None], metric)[0]
        limits = self.measured[i] * np.sqrt(1 - TIED)
        return np.array([int((exact[d] < limit).sum()) for d, limit in zip(doubtful, limits, strict=True)])


def _by_differences(values: Any, rows: np.ndarray, others: np.ndarray, metric: str) -> np.ndarray:
    """Distances that no product gives: all of them, block by block."""
    limits = differences(values, rows, others, metric) * np.sqrt(1 - TIED)
    size = max(1, min(_BLOCK, _CELLS // values.shape[1]))
    asked = dense(values[rows])

    def count(start: int) -> np.ndarray:
        found = distances(asked, values[start : start + size], metric)
        inside = np.flatnonzero((rows >= start) & (rows < start + found.shape[1]))
        found[inside, rows[inside] - start] = np.inf
        return count_below(found, limits)

    parts = each(count, range(0, values.shape[0], size), asked.nbytes * values.shape[0])
    return sum(parts, np.zeros(others.shape, np.int64))


def count_below(cells: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Give how many numbers of each row are smaller than each of its limits, shape `(rows, limits)`.

    >>> count_below(np.array([[1.0, 2.0, 3.0]]), np.array([[2.0, 9.0]]))
    array([[1, 3]])
    """
    counts = np.zeros(limits.shape, np.int64)
    made = library()
    if made is None:
        for row, limit, out in zip(cells, limits, counts, strict=True):
            for place, edge in enumerate(limit.tolist()):
                out[place] = np.count_nonzero(row < edge)
        return counts
    cells = np.ascontiguousarray(cells, np.float64)
    limits = np.ascontiguousarray(limits, np.float64)
    made.vecwise_count_below(
        address(cells), cells.shape[0], cells.shape[1], address(limits), limits.shape[1], address(counts)
    )
    return counts
