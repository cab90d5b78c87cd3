"""The closest and the farthest pair among all pairs of rows, exactly, without holding all pairs.

This module must not know any vecwise type. Scores of blocks only choose candidates; differences decide.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BLOCK = 512  # two blocks of scores stay in a core's cache
GATHER = 65_536  # candidates measured at a time


class Pair(NamedTuple):
    """Two row numbers, the smaller first, and their Euclidean distance."""

    left: int
    right: int
    distance: float


def extreme_pairs(points: np.ndarray) -> tuple[Pair, Pair] | None:
    """Find the closest and the farthest pair of dense float64 `points`, `(rows, dim)`; None below two rows.

    Squared distances come from centered points and one matrix product a block, whose error is below
    `slack`; every pair within it of the best is measured again by differences. Equal distances go to the
    first pair. Costs rows² · (dim + 2) / 2 multiplications and 4 MB. Remove equal rows first: they are
    all at distance 0.
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
    near, far = _Search(points, 1.0, slack), _Search(points, -1.0, slack)
    for i in range(0, len(points), BLOCK):
        for j in range(i, len(points), BLOCK):
            block = left[i : i + BLOCK] @ right[j : j + BLOCK].T
            far.look(block, i, j, -float(block.max()))  # a diagonal block is symmetric: its maximum is fair
            if i == j:
                block[np.tril_indices(len(block))] = np.inf
            near.look(block, i, j, float(block.min()))
    return near.answer(), far.answer()


class _Search:
    """The best pair so far; a block is looked into only where it could hold a better one."""

    def __init__(self, points: np.ndarray, sign: float, slack: float) -> None:
        self.points, self.sign, self.slack = points, sign, slack
        self.value = np.inf
        self.pair = (0, 0)

    def look(self, block: np.ndarray, i: int, j: int, edge: float) -> None:
        if not np.isfinite(edge) or edge > self.value + self.slack:
            return
        limit = min(edge, self.value) + 2 * self.slack
        rows, columns = np.nonzero(block <= limit if self.sign > 0 else block >= -limit)
        lefts, rights = np.minimum(rows + i, columns + j), np.maximum(rows + i, columns + j)
        for start in range(0, len(rows), GATHER):
            self._measure(lefts[start : start + GATHER], rights[start : start + GATHER])

    def _measure(self, lefts: np.ndarray, rights: np.ndarray) -> None:
        exact = self.sign * np.square(self.points[lefts] - self.points[rights]).sum(axis=1)
        first = np.lexsort((rights, lefts, exact))[0]
        found = (float(exact[first]), (int(lefts[first]), int(rights[first])))
        if found < (self.value, self.pair):
            self.value, self.pair = found

    def answer(self) -> Pair:
        return Pair(*self.pair, float(np.sqrt(abs(self.value))))
