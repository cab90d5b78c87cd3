"""New rows on a finished map: near the rows they are nearest to, and a row of the map on its own point.

This module must not know how the map was made, nor files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import dense
from vecwise.kernels.norms import row_norms, unit_rows
from vecwise.kernels.ranks import lengths
from vecwise.measure.nearest import nearest
from vecwise.vectors import Vectors

SPARE: Final = 8  # candidates beyond those needed, so that rounding in the search decides nothing
_ORDERS: Final = {"cosine": 2.0, "euclidean": 2.0, "manhattan": 1.0, "chebyshev": np.inf}


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """Rows with their points on a map: what new rows are placed by.

    A new row stands at the mean of the points of its `k` nearest rows, weighted by `((R - d) / (R d))²`, where `d` is
    the distance and `R` that of the next nearest row (the modified Shepard's method: Franke and Nielson 1980,
    doi:10.1002/nme.1620151110). So a place changes smoothly with the row, no row's weight jumps when it becomes a
    neighbour, and a row at distance 0 takes all of the weight.
    """

    vectors: Vectors
    points: np.ndarray
    metric: str
    k: int

    def place(self, asked: Vectors) -> np.ndarray:
        """Give the points of rows, float32; NaN for a row of zeros where rows are compared by cosine.

        Every row is placed by itself: its neighbours are found exactly, and measured again in float64.
        """
        made = np.full((len(asked), self.points.shape[1]), np.nan, np.float32)
        known = np.arange(len(asked))
        if self.metric == "cosine":
            known = np.flatnonzero(row_norms(asked.values, np.inf) > 0)
        if not len(known):
            return made
        rows = asked if len(known) == len(asked) else asked[known]
        most = min(self.k + 1 + SPARE, len(self.vectors))
        found = nearest(self.vectors, rows, k=most, metric=self.metric).places
        for place, row, near in zip(known.tolist(), range(len(rows)), found, strict=True):
            made[place] = self._placed(rows.values[[row]], np.sort(near))
        return made

    def _placed(self, row: Any, near: np.ndarray) -> np.ndarray:
        away = lengths(
            self._measurable(row), self._measurable(self.vectors.values[near]), _ORDERS[self.metric]
        )
        order = np.argsort(away, kind="stable")  # ties by row order, since `near` is in row order
        near, away = near[order], away[order]
        if away[0] == 0:
            return self.points[near[0]]
        reach = away[self.k] if len(away) > self.k else np.inf
        away = away[: self.k]
        near_share = away[0] / away  # scaled by the nearest, so that no square overflows or vanishes
        weights = np.square(near_share * (1 - away / reach))
        if not weights.sum() > 0:  # all equally far
            weights = np.ones(len(away))
        points = self.points[near[: self.k]].astype(np.float64)
        made: np.ndarray = (weights[:, None] * points).sum(axis=0) / weights.sum()
        return made

    def _measurable(self, rows: Any) -> np.ndarray:
        made = dense(rows)
        return unit_rows(made, 2)[0] if self.metric == "cosine" else made
