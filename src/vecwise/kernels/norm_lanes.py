"""Norms of rows in NumPy, to the bits that the compiled kernel gives: sums add up in 16 lanes, joined in halves.

This module must not know any vecwise type, nor which way is taken.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np

LANES: Final = 16  # partial sums of a row: a cell goes to one by its place in the row
# Between these bounds a sum, of squares too, neither overflowed nor lost what matters; outside, the row is first
# scaled by a power of two, which is exact.
_SAFE: Final = (1e-280, 1e280)


class Rows(Protocol):
    """The cells of some rows as float64, and what is asked of them row by row."""

    cells: np.ndarray

    def sums(self, cells: np.ndarray) -> np.ndarray:
        """Add up such cells in lanes."""
        ...

    def largest(self, cells: np.ndarray) -> np.ndarray:
        """The largest of such cells, 0 where there is none."""
        ...

    def spread(self, numbers: np.ndarray) -> np.ndarray:
        """A number a row, to meet the cells."""
        ...


class Dense:
    """Rows of a matrix."""

    def __init__(self, values: np.ndarray) -> None:
        self.cells = values.astype(np.float64, copy=False)

    def sums(self, cells: np.ndarray) -> np.ndarray:
        """Add up such cells in lanes."""
        whole = cells.shape[1] // LANES * LANES
        parts = cells[:, :whole].reshape(len(cells), whole // LANES, LANES).transpose(1, 0, 2)
        lanes = np.add.reduce(np.ascontiguousarray(parts), axis=0)  # one part after the other, in long loops
        lanes[:, : cells.shape[1] - whole] += cells[:, whole:]
        return _joined(lanes)

    def largest(self, cells: np.ndarray) -> np.ndarray:
        """The largest of such cells."""
        made: np.ndarray = cells.max(axis=1, initial=0.0)
        return made

    def spread(self, numbers: np.ndarray) -> np.ndarray:
        """A number a row, to meet the cells."""
        return numbers[:, None]


class Sparse:
    """Rows of a CSR matrix: cells one after the other, and where rows begin."""

    def __init__(self, values: np.ndarray, starts: np.ndarray) -> None:
        self.cells = values.astype(np.float64, copy=False)
        self._filled = np.diff(starts) > 0
        self._first = starts[:-1][self._filled]
        self._row = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        self._lane = self._row * LANES + (np.arange(len(values)) - starts[self._row]) % LANES

    def sums(self, cells: np.ndarray) -> np.ndarray:
        """Add up such cells in lanes, by their place among the cells of their row."""
        rows = len(self._filled)
        lanes = np.bincount(self._lane, weights=cells, minlength=rows * LANES)
        return _joined(lanes.reshape(rows, LANES))

    def largest(self, cells: np.ndarray) -> np.ndarray:
        """The largest of such cells, 0 in an empty row."""
        made = np.zeros(len(self._filled))
        if len(self._first):
            made[self._filled] = np.maximum.reduceat(cells, self._first)
        return made

    def spread(self, numbers: np.ndarray) -> np.ndarray:
        """A number a row, to meet the cells."""
        return numbers[self._row]


def _joined(lanes: np.ndarray) -> np.ndarray:
    for half in (8, 4, 2, 1):
        lanes = lanes[:, :half] + lanes[:, half : 2 * half]
    return lanes[:, 0]


def norms_of(rows: Rows, order: float) -> np.ndarray:
    """Norms of any order of at least 1; infinite where they overflow, NaN where a cell is NaN."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if order in (1, np.inf):
            return _sums(rows, rows.cells, order)
        if order != 2:
            return _powered(rows, order)
        sums = _sums(rows, rows.cells, 2)
        norms = np.sqrt(sums)
        extreme, exponents = _extreme(rows, sums)
        if extreme.any():
            scaled = _sums(rows, _times_power(rows, -exponents), 2)
            norms[extreme] = np.ldexp(np.sqrt(scaled[extreme]), exponents[extreme])
        return norms


def _sums(rows: Rows, cells: np.ndarray, order: float) -> np.ndarray:
    """What the norm is made of: the sum of magnitudes or of squares, or the largest magnitude."""
    if order == np.inf:
        return rows.largest(np.abs(cells))
    return rows.sums(np.abs(cells) if order == 1 else np.square(cells))


def _powered(rows: Rows, order: float) -> np.ndarray:
    """Cells are divided by the largest of their row, so that no power overflows."""
    sizes = np.abs(rows.cells)
    largest = rows.largest(sizes)
    shares = sizes / rows.spread(np.where(largest > 0, largest, 1.0))
    return largest * rows.sums(np.power(shares, order)) ** (1 / order)


def divided(rows: Rows, order: float, out: np.ndarray) -> np.ndarray:
    """Write cells over the norm of their row, of order 1, 2 or infinity; give which rows have one."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        sums, cells = _sums(rows, rows.cells, order), rows.cells
        if (
            out.dtype == np.float32
        ):  # no sum of such numbers is extreme, and the product rounds only once more
            some = sums > 0
            out[...] = cells * rows.spread(np.where(some, 1 / (np.sqrt(sums) if order == 2 else sums), 1.0))
            return some
        extreme, exponents = _extreme(rows, sums)
        if extreme.any():
            cells = _times_power(rows, -exponents)
            sums = _sums(rows, cells, order)
        some = sums > 0
        np.divide(cells, rows.spread(np.where(some, np.sqrt(sums) if order == 2 else sums, 1.0)), out=out)
        return some


def _extreme(rows: Rows, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which rows have an extreme sum, and the power of two of their largest cell; 0 for all others."""
    extreme = ~((sums > _SAFE[0]) & (sums < _SAFE[1]))
    exponents = np.zeros(len(sums), np.int64)
    if extreme.any():
        largest = rows.largest(np.abs(rows.cells))
        extreme &= (largest > 0) & np.isfinite(largest)
        exponents[extreme] = np.frexp(largest[extreme])[1]
    return extreme, exponents


def _times_power(rows: Rows, exponents: np.ndarray) -> np.ndarray:
    made: np.ndarray = np.ldexp(rows.cells, rows.spread(exponents))
    return made


def rows_of(cells: np.ndarray, starts: np.ndarray | None) -> Rows:
    """Rows of a matrix, or of a CSR matrix's cells that begin at `starts`."""
    return Dense(cells) if starts is None else Sparse(cells, starts)
