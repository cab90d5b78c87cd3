"""One pass over rows, as a fold: what it tells of every row and of every dimension.

This module must not know what is concluded from it; the arithmetic is in `kernels.survey`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import as_matrix
from vecwise.kernels.mapped import passed, picked
from vecwise.kernels.survey import Survey, merged, nothing, survey

BLOCK_BYTES: Final = 1 << 23  # of rows as they lie: larger blocks were no faster


@dataclass(frozen=True, slots=True, eq=False)
class Surveyed:
    """Of every row `l1`, `l2`, `far` (the distance from the center), `bad` (NaN or infinity) and `digests`; of every
    dimension, over the finite rows, `mean`, `scatter` (centered squares), `low`, `high`, `hashes`, and `units`, the
    sum of the rows at length 1. `filled` counts the cells that are not zero."""

    finite: int
    filled: int
    l1: np.ndarray
    l2: np.ndarray
    far: np.ndarray
    bad: np.ndarray
    digests: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray
    units: np.ndarray
    low: np.ndarray
    high: np.ndarray
    hashes: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Surveying:
    """Surveys matrices of any number type; `center` and `weights` are `(dim,)`.

    The scatter is summed about `center`, which should lie near the mean: it loses as many digits as the square of
    their distance in standard deviations has. Distances are of differences multiplied by `weights`.
    """

    center: np.ndarray
    weights: np.ndarray

    def zero(self) -> Survey:
        """No rows."""
        return nothing(len(self.center))

    def step(self, state: Survey, values: Any, /) -> Survey:
        """Read one more matrix."""
        return merged(state, survey(as_matrix(values, ours=True), self.center, self.weights))

    def merge(self, left: Survey, right: Survey, /) -> Survey:
        """One after the other."""
        return merged(left, right)

    def done(self, state: Survey, /) -> Surveyed:
        """Join the arrays of rows, and center the sums."""
        kinds = (np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, bool), np.zeros((0, 2), np.uint64))
        rows = [np.concatenate([none, *parts]) for none, parts in zip(kinds, state[3:8], strict=True)]
        count = max(1, state.finite)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = self.center + state.sum / count
            scatter = np.maximum(state.squares - state.sum / count * state.sum, 0.0)
        scatter[state.low == state.high] = 0.0
        dims = (state.units, state.low, state.high, state.hashes)
        l1, l2, far, bad, digests = rows
        return Surveyed(state.finite, state.filled, l1, l2, far, bad, digests, mean, scatter, *dims)


def wide_blocks(values: Any) -> Iterator[Any]:
    """Cut a matrix of any number type into blocks of rows; mapped rows leave memory once they are passed."""
    size = max(64, BLOCK_BYTES // (values.dtype.itemsize * values.shape[1]))
    for start in passed(values, range(0, values.shape[0], size)):
        yield values[start : start + size]


def taken(values: Any, places: np.ndarray) -> Any:
    """Give some rows as float32, float64 or CSR, in memory."""
    return as_matrix(picked(values, places))
