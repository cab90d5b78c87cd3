"""The closest and the farthest pair among all pairs of rows, exactly, without holding all pairs.

This module must not know any vecwise type. Scores of blocks only choose candidates; differences decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from vecwise.kernels.blas import one_blas_thread

BLOCK = 512  # two blocks of scores stay in a core's cache
GATHER = 1 << 21  # numbers gathered to measure candidates: 16 MB


class Pair(NamedTuple):
    """Two row numbers, the smaller first, and their Euclidean distance."""

    left: int
    right: int
    distance: float


Engine = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]


def extreme_pairs(points: np.ndarray, engine: Engine = map) -> tuple[Pair, Pair] | None:
    """Find the closest and the farthest pair of dense float64 `points`, `(rows, dim)`; None below two rows.

    Squared distances come from centered points and one matrix product a block, whose error is below
    `slack`; pairs within it of the best are measured again by differences (of very many that tie to
    rounding in one block, the first thousands). Equal distances go to the first pair, so that the `engine`
    that searches the strips of rows cannot matter. Costs rows² · (dim + 2) / 2 multiplications and some
    20 MB a worker. Remove equal rows first: they are all at distance 0.
    """
    if len(points) < 2:
        return None
    points = points - points.mean(axis=0)
    squares = np.einsum("ij,ij->i", points, points)
    ones = np.ones_like(squares)
    # [x, |x|², 1] · [-2y, 1, |y|²] is the squared distance: the product does the additions too.
    left = np.column_stack([points, squares, ones])
    right = np.column_stack([-2 * points, ones, squares])
    slack = 8 * (points.shape[1] + 2) * np.finfo(np.float64).eps * float(squares.max())
    with one_blas_thread:
        strips = list(
            engine(partial(_search_strip, points, left, right, slack), range(0, len(points), BLOCK))
        )
    near = min(strip[0] for strip in strips)
    far = min(strip[1] for strip in strips)
    return _pair(near), _pair(far)


def _search_strip(
    points: np.ndarray, left: np.ndarray, right: np.ndarray, slack: float, i: int
) -> tuple[Any, Any]:
    """The best of each kind between one strip of rows and all later ones."""
    near, far = _Search(points, 1.0, slack), _Search(points, -1.0, slack)
    for j in range(i, len(points), BLOCK):
        block = left[i : i + BLOCK] @ right[j : j + BLOCK].T
        far.look(block, i, j, -float(block.max()))  # a diagonal block is symmetric: its maximum is fair
        if i == j:
            block[np.tril_indices(len(block))] = np.inf
        near.look(block, i, j, float(block.min()))
    return near.best, far.best


def _pair(best: tuple[float, tuple[int, int]]) -> Pair:
    value, (left, right) = best
    return Pair(left, right, float(np.sqrt(abs(value))))


class _Search:
    """The best pair so far; a block is looked into only where it could hold a better one."""

    def __init__(self, points: np.ndarray, sign: float, slack: float) -> None:
        self.points, self.sign, self.slack = points, sign, slack
        self.best: tuple[float, tuple[int, int]] = (np.inf, (0, 0))

    def look(self, block: np.ndarray, i: int, j: int, edge: float) -> None:
        value = self.best[0]
        if not np.isfinite(edge) or edge > value + self.slack:
            return
        limit = min(edge, value) + 2 * self.slack
        rows, columns = np.nonzero(block <= limit if self.sign > 0 else block >= -limit)
        rows, columns = rows + i, columns + j
        apart = rows != columns
        lefts, rights = np.minimum(rows, columns)[apart], np.maximum(rows, columns)[apart]
        # Counts tie by the million; beyond some thousands in one block, the first of them stand for all.
        most = max(64, GATHER // self.points.shape[1])
        if len(lefts):
            self._measure(lefts[:most], rights[:most])

    def _measure(self, lefts: np.ndarray, rights: np.ndarray) -> None:
        exact = self.sign * np.square(self.points[lefts] - self.points[rights]).sum(axis=1)
        first = np.lexsort((rights, lefts, exact))[0]
        self.best = min(self.best, (float(exact[first]), (int(lefts[first]), int(rights[first]))))
