"""What an index asks of its method: rows that could be near. Here the exact method, and the preparation graphs share.

This module must not know files, encoders, nor how candidates are scored: the index scores them, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from vecwise.kernels.arrays import is_sparse
from vecwise.kernels.norms import row_norms, scale_rows
from vecwise.kernels.scan import Codes, asked, encoded, survivors

_MOST_SINGLE: Final = 16  # queries scanned one by one; for more, a matrix product reads all rows once for all
_BLOCK_CELLS: Final = 1 << 20


class Finder(Protocol):
    """A method of an index."""

    def candidates(self, queries: Any, k: int, allowed: np.ndarray | None) -> list[np.ndarray | None]:
        """Give for each query the places of rows that could be among its k nearest, or None for "look at all".

        `allowed` is a boolean mask of rows; others are never given.
        """
        ...

    @property
    def nbytes(self) -> int:
        """The bytes it holds beside the vectors."""
        ...

    @property
    def rows(self) -> int:
        """How many rows it can find."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """The exact method: rows at one byte a coordinate, whose bounds leave few to score."""

    codes: Codes | None
    rows: int

    @property
    def nbytes(self) -> int:
        """The bytes of the codes."""
        return 0 if self.codes is None else self.codes.nbytes

    def candidates(self, queries: Any, k: int, allowed: np.ndarray | None) -> list[np.ndarray | None]:
        """Give rows among which the k nearest certainly are."""
        count = self.rows if allowed is None else int(allowed.sum())
        # Below a quarter of the rows, scoring them reads no more bytes than the scan of all.
        if self.codes is None or is_sparse(queries) or len(queries) > _MOST_SINGLE or 4 * count < self.rows:
            return [None] * queries.shape[0]
        return [self._survivors(query, k, allowed, count) for query in queries]

    def _survivors(
        self, query: np.ndarray, k: int, allowed: np.ndarray | None, count: int
    ) -> np.ndarray | None:
        question = None if self.codes is None or 16 * k > count else asked(self.codes, query)
        if self.codes is None or question is None:
            return None
        found = survivors(self.codes, question, k, allowed)
        return found if k <= len(found) <= count // 8 else None


def scan(values: Any, metric: str) -> Scan:
    """Make the exact method; without codes (sparse rows, no compiled library, huge numbers) it looks at all rows."""
    return Scan(None if is_sparse(values) else encoded(values, metric), values.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """How rows and queries become the float32 points of a graph, whose nearest are those of the metric.

    Cosine: rows of length 1, by inner product. Inner product and Euclidean: all rows times one power of two, so that
    nothing overflows; Euclidean ones are moved by their mean first, which keeps digits of rows far from the origin.
    """

    metric: str
    center: np.ndarray
    exponent: int

    def rows(self, values: np.ndarray) -> np.ndarray:
        """Give points, `(rows, dim)`, made in blocks."""
        made = np.empty(values.shape, np.float32)
        size = max(1, _BLOCK_CELLS // values.shape[1])
        for start in range(0, len(values), size):
            block = np.asarray(values[start : start + size], np.float64)
            with np.errstate(under="ignore", over="ignore"):
                moved = scale_rows(block, 2) if self.metric == "cosine" else self._moved(block)
                made[start : start + size] = moved
        return made

    def _moved(self, block: np.ndarray) -> np.ndarray:
        return np.ldexp(block, -self.exponent) - np.ldexp(self.center, -self.exponent)

    def queries(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give points and a mask of those that a graph can look for; a query without a direction is none."""
        double = np.asarray(values, np.float64)
        with np.errstate(under="ignore", over="ignore"):
            made = self._moved(double) if self.metric == "euclidean" else scale_rows(double, 2)
            lengths = row_norms(made, 2)
        usable = lengths < 1e15 if self.metric == "euclidean" else lengths > 0
        made[~usable] = 0
        return made.astype(np.float32), usable


def points_of(values: np.ndarray, metric: str) -> Points:
    """Find the mean and the power of two of rows."""
    if metric == "cosine" or not len(values):
        return Points(metric, np.zeros(values.shape[1]), 0)
    step = -(-len(values) // 4096)
    largest = float(np.max(values)), -float(np.min(values))
    exponent = int(np.frexp(max(*largest, 0.0))[1])
    center = np.zeros(values.shape[1])
    if metric == "euclidean":
        center = np.ldexp(np.ldexp(np.asarray(values[::step], np.float64), -exponent).mean(axis=0), exponent)
    return Points(metric, center, exponent)
