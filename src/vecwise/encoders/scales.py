"""What a column of numbers is filled with and scaled by, learned from any cut of its rows with the same bits.

This module must not know tables, categories or vectors.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

import numpy as np

from vecwise.errors import OutOfRange
from vecwise.kernels.exact import ExactSums, exact_sums, square_root

SCALES: Final = ("standard", "min-max", "robust")
_EPS: Final = float(np.finfo(np.float64).eps)


class NumbersSeen(NamedTuple):
    """What the rows so far say of one column: only what its fill and its scale need, the rest stays empty."""

    rows: int = 0
    gaps: int = 0
    cells: int = 0
    sums: ExactSums = ExactSums()
    low: float = np.inf
    high: float = -np.inf
    values: tuple[np.ndarray, ...] = ()

    def merged(self, other: NumbersSeen) -> NumbersSeen:
        """Join two stretches of rows."""
        return NumbersSeen(
            self.rows + other.rows,
            self.gaps + other.gaps,
            self.cells + other.cells,
            self.sums.merged(other.sums),
            min(self.low, other.low),
            max(self.high, other.high),
            self.values + other.values,
        )


def numbers_seen(values: np.ndarray, fill: str | None, scale: str | None) -> NumbersSeen:
    """Read one stretch: NaN is a gap, infinity is left to whoever refuses it."""
    cells, gaps = values, 0
    with np.errstate(over="ignore", invalid="ignore"):
        whole = bool(np.isfinite(values.sum()))  # one sum answers for almost all columns
    if not whole:
        cells = values[np.flatnonzero(np.isfinite(values))]  # by places, in half the time of by mask
        gaps = int(np.count_nonzero(np.isnan(values)))
    summed = fill == "mean" or scale == "standard"
    sums = exact_sums(cells, squares=scale == "standard") if summed else ExactSums()
    ranged = scale is not None and len(cells) > 0
    low, high = (float(cells.min()), float(cells.max())) if ranged else (np.inf, -np.inf)
    kept = (cells,) if fill == "median" or scale == "robust" else ()
    return NumbersSeen(len(values), gaps, len(cells), sums, low, high, kept)


def fill_of(seen: NumbersSeen, fill: str) -> float:
    """Give the mean or the median of the cells; there must be one."""
    if fill == "mean":
        return float(seen.sums.mean)
    return _median(np.concatenate(seen.values))


def _median(values: np.ndarray) -> float:
    with np.errstate(over="ignore"):
        middle = float(np.median(values))
    # Two middle cells of 1e308 add up to infinity; half of each does not.
    return middle if np.isfinite(middle) else float(np.median(values / 2)) * 2


def scale_of(seen: NumbersSeen, scale: str, name: str) -> tuple[float, float]:
    """Give the center to subtract and the width to divide by; a constant column has the width 1.

    `"standard"` is mean and standard deviation (of all rows, not of a sample), `"min-max"` the smallest cell and the
    range, `"robust"` the median and the distance between the quartiles, interpolated. A column whose spread is
    mere rounding counts as constant. Raises `OutOfRange` for a spread beyond float64.
    """
    if scale == "standard":
        center, width = _standard(seen.sums)
    elif scale == "min-max":
        center, width = _unless_rounding(seen.low, seen.high - seen.low, seen)
    else:
        values = np.concatenate(seen.values)
        with np.errstate(over="ignore", invalid="ignore"):
            lower, upper = np.percentile(values, [25, 75])
            center, width = _unless_rounding(_median(values), float(upper - lower), seen)
    if not np.isfinite(center) or not np.isfinite(width):
        raise OutOfRange(
            f"Column `{name}` reaches from {seen.low:g} to {seen.high:g}, a distance beyond float64. Choose another "
            "scale, or repair its cells."
        )
    return center, width


def _standard(sums: ExactSums) -> tuple[float, float]:
    variance, mean = sums.variance, sums.mean
    noise = sums.n * Fraction(_EPS)  # scikit-learn's bound on what two passes over n rows could get wrong
    if variance <= noise * variance + (noise * mean) ** 2:
        return float(mean), 1.0
    return float(mean), square_root(variance)


def _unless_rounding(center: float, width: float, seen: NumbersSeen) -> tuple[float, float]:
    # scikit-learn asks the first only, and so leaves a column of tiny numbers as it is.
    tiny = width < 10 * _EPS and width <= 10 * _EPS * max(abs(seen.low), abs(seen.high))
    return center, 1.0 if tiny else width
