"""How vectors spread: the folds that components, standardization and health are made of.

This module must not know what is concluded from a spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from vecwise.kernels.arrays import dense, nonfinite_rows
from vecwise.kernels.moments import Moments, merge_moments, moments
from vecwise.kernels.scatter import block_moments
from vecwise.kernels.sketch import applied
from vecwise.space import Space
from vecwise.vectors import Vectors


@dataclass(frozen=True, slots=True)
class Covariance:
    """Rows, mean and centered scatter of vectors, as a fold.

    `products` is "plain" for few rows, and for very many "double" or "single", which take a triangle of the
    scatter in float64 or float32 (`kernels.scatter` says how far that is off).
    """

    space: Space
    products: Literal["plain", "double", "single"] = "plain"

    def zero(self) -> Moments:
        """No rows."""
        dim = self.space.dim
        return Moments(0, np.zeros(dim), np.zeros((dim, dim)))

    def step(self, state: Moments, chunk: Vectors, /) -> Moments:
        """Read one more chunk."""
        self.space.must_match(chunk.space, "accumulate")
        if self.products == "plain" or not len(chunk):
            return merge_moments(state, moments(chunk.values, diagonal=False))
        return merge_moments(state, block_moments(chunk.values, single=self.products == "single"))

    def merge(self, left: Moments, right: Moments, /) -> Moments:
        """Chan's merge."""
        return merge_moments(left, right)

    def done(self, state: Moments, /) -> Moments:
        """As they are: whoever asks divides."""
        return state


class Extent(NamedTuple):
    """Per dimension: smallest and largest value, and the moments of the finite rows."""

    low: np.ndarray
    high: np.ndarray
    moments: Moments


@dataclass(frozen=True, slots=True)
class Dimensions:
    """What every dimension holds, as a fold over matrices."""

    dim: int

    def zero(self) -> Extent:
        """No rows."""
        none = np.full(self.dim, np.inf)
        return Extent(none, -none, Moments(0, np.zeros(self.dim), np.zeros(self.dim)))

    def step(self, state: Extent, values: Any, /) -> Extent:
        """Read one more matrix; rows that are not finite are left out."""
        keep = np.ones(values.shape[0], dtype=bool)
        keep[nonfinite_rows(values)] = False
        block = values if keep.all() else values[keep]
        if not block.shape[0]:
            return state
        low, high = (dense(edge).reshape(-1) for edge in (block.min(axis=0), block.max(axis=0)))
        return self.merge(state, Extent(low, high, moments(block, diagonal=True)))

    def merge(self, left: Extent, right: Extent, /) -> Extent:
        """Wider range, joined moments."""
        low, high = np.minimum(left.low, right.low), np.maximum(left.high, right.high)
        return Extent(low, high, merge_moments(left.moments, right.moments))

    def done(self, state: Extent, /) -> Extent:
        """As it is."""
        return state


@dataclass(frozen=True, slots=True, eq=False)
class Applied:
    """The scatter about `mean`, times `directions` `(dim, l)`, as a fold over matrices: no scatter is made."""

    mean: np.ndarray
    directions: np.ndarray

    def zero(self) -> np.ndarray:
        """Nothing yet."""
        return np.zeros_like(self.directions)

    def step(self, state: np.ndarray, values: Any, /) -> np.ndarray:
        """Read one more matrix."""
        return state + applied(values, self.mean, self.directions)

    def merge(self, left: np.ndarray, right: np.ndarray, /) -> np.ndarray:
        """The sum."""
        return left + right

    def done(self, state: np.ndarray, /) -> np.ndarray:
        """As it is."""
        return state
