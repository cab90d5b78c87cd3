"""How the principal axes of vectors are found: from their whole scatter, or by a sketch where that is too wide.

This module must not know what is made of the axes.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.errors import NonFinite, OutOfRange, TooLarge
from vecwise.kernels.moments import Moments, principal_axes
from vecwise.kernels.scatter import BLOCK
from vecwise.kernels.sketch import leading_axes
from vecwise.measure.spread import Applied, Covariance, Dimensions, Extent
from vecwise.runner import Engine, blocks, chunks, fold
from vecwise.vectors import Vectors

MOST_WHOLE: Final = (
    2_048  # dimensions whose scatter is taken as a whole without being asked: 34 MB, half a second
)
MOST_DIMENSIONS: Final = 4_096  # and on request: 134 MB, and its axes take seconds
SMALLEST: Final = 1e-290  # squares below this have lost digits
_MANY: Final = 2e10  # multiplications; below, loading SciPy takes longer than its products save
_MOST_SINGLE: Final = 1_024  # dimensions; above, adding up blocks takes as long as float64 products
_SURE: Final = 32  # times the bound on its error is what a variance must be to count as known
_PART_BYTES: Final = 24 << 20  # of rows a part: few to merge, and four in flight fill little memory
_PART_ROWS: Final = 1 << 16


class Found(NamedTuple):
    """Mean `(dim,)`, eigenvalues of the scatter, their axes, bounds on the values' errors, and the trace."""

    mean: np.ndarray
    values: np.ndarray
    axes: np.ndarray
    errors: np.ndarray
    total: float


def whole_axes(X: Vectors, k: int, engine: Engine | None) -> Found:
    """Find the axes from the whole scatter; raises `TooLarge`, `NonFinite`, `OutOfRange`."""
    dim = X.space.dim
    if dim > MOST_DIMENSIONS:
        raise TooLarge(
            f"Components of {dim:,} dimensions need a scatter of as many squared; the limit is "
            f'{MOST_DIMENSIONS:,}. Give `method="sketch"`, or keep fewer features.'
        )
    if not _is_large(X):
        return _of_scatter(fold(Covariance(X.space), chunks(X), engine=engine), X, k, engine)
    if X.dtype == np.float32 and not X.is_sparse and dim <= _MOST_SINGLE:
        state = fold(Covariance(X.space, "single"), chunks(X, _part_rows(X)), engine=engine)
        found = _of_scatter(state, X, k, engine)
        if len(found.values) == k and found.values[-1] >= _SURE * state.doubt:
            return found
    # What is asked for may be lost in float32: a variance near its error, or a rank.
    state = fold(Covariance(X.space, "double"), chunks(X, _part_rows(X)), engine=engine)
    return _of_scatter(state, X, k, engine)


def _is_large(X: Vectors) -> bool:
    return len(X) * X.space.dim**2 >= _MANY


def _part_rows(X: Vectors) -> int:
    """Rows a part, in whole blocks: an even number of equal parts, so that neither of two workers waits."""
    most = max(2 * X.space.dim, min(_PART_ROWS, _PART_BYTES // (X.space.dim * X.dtype.itemsize)))
    pairs = -(-len(X) // (2 * most))
    return -(-len(X) // (2 * pairs * BLOCK)) * BLOCK


def _of_scatter(state: Moments, X: Vectors, k: int, engine: Engine | None) -> Found:
    total = float(np.trace(state.scatter))
    _refuse_overflow(total)
    if not total > SMALLEST:
        _refuse_lost(total, _extent(X, engine))
    values, axes = principal_axes(state.scatter, k, scipy=_is_large(X))
    # Rounding in float64 is below `dim` units of the trace, which is the threshold of what counts as zero.
    rounding = X.space.dim * np.finfo(np.float64).eps * total
    return Found(state.mean, values, axes, np.full(len(values), state.doubt + rounding), total)


def sketched_axes(X: Vectors, k: int, seed: int, engine: Engine | None) -> Found:
    """Find the axes by passes over the rows; the mean and the trace are exact. Raises `NonFinite`, `OutOfRange`."""
    extent = _extent(X, engine)
    scatter, still = extent.moments.scatter, extent.low == extent.high
    scatter = np.where(still, 0.0, scatter)
    total = float(scatter.sum())
    _refuse_overflow(total)
    _refuse_lost(total, extent)
    mean = np.where(still, extent.low, extent.moments.mean)
    rank = min(len(X) - 1, int((~still).sum()))
    if not rank:
        return Found(mean, np.zeros(0), np.zeros((0, X.space.dim)), np.zeros(0), 0.0)

    def image(directions: np.ndarray) -> np.ndarray:
        return fold(Applied(mean, directions), _matrices(X), engine=engine)

    return Found(mean, *leading_axes(image, scatter, k, rank, seed), total)


def _extent(X: Vectors, engine: Engine | None) -> Extent:
    return fold(Dimensions(X.space.dim), _matrices(X), engine=engine)


def _matrices(X: Vectors) -> Any:
    """Parts to multiply: of sparse rows as many as have the usual number of filled cells."""
    if not X.is_sparse:
        return blocks(X.values)
    filled = max(1.0, X.values.nnz / max(1, len(X)))
    size = max(64, int(_PART_BYTES / (filled * (4 + X.dtype.itemsize))))
    return (part.values for part in chunks(X, size))


def _refuse_lost(total: float, extent: Extent) -> None:
    if not total > SMALLEST and bool((extent.low < extent.high).any()):
        raise OutOfRange("The variance of these vectors is too small for float64. Scale them up: X * 1e100.")


def _refuse_overflow(total: float) -> None:
    if not np.isfinite(total):
        raise NonFinite("The variance of these vectors is too large for float64. Scale them down: X / 1e100.")
