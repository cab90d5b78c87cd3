"""A seeded sample of rows, and what is asked of it: nearest others, hubs, and how many directions count.

This module must not know what is concluded; sums over all rows come from `surveying`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import dense, is_sparse, nonfinite_rows
from vecwise.kernels.neighbourhoods import (
    effective_rank,
    neighbourhoods,
    singular_values,
    skewness,
    unit_single,
)
from vecwise.kernels.norms import row_norms
from vecwise.measure.surveying import Surveyed, taken

MOST_ROWS: Final = 2_048
MOST_CELLS: Final = 1 << 23  # 64 MB of float64
MOST_DIRECTIONS: Final = 1_024  # whose spectrum takes a tenth of a second; the cost is cubic
NEAR: Final = 0.99  # a cosine from here on makes near duplicates
NEIGHBORS: Final = 10
FEWEST_DIMENSIONS: Final = 16  # with fewer, rows lie close together by nature
FEWEST_ROWS: Final = 100  # with fewer, how often a row is a neighbour tells nothing


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Some rows, all of them finite, and their places; `whole` when they are all finite rows there are."""

    places: np.ndarray
    rows: Any
    whole: bool


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a sample told; NaN where it was too small to tell.

    `compared` distinct rows with a length were compared with each other, `near` of them have another at a cosine of at
    least 0.99; `hubness` is the skewness of how often rows are among the 10 nearest of others; `rank` is the
    effective rank, of at most `directions`.
    """

    rows: int
    compared: int
    near: int | None
    hubness: float
    rank: float
    directions: int


def drawn(values: Any, seed: int) -> Sample:
    """Draw up to 2,048 rows (fewer above 4,096 dimensions) without putting any back, in row order."""
    count, dim = values.shape
    most = min(MOST_ROWS, max(256, MOST_CELLS // dim))
    if count <= most:
        places = np.arange(count)
    else:
        places = np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
    rows = taken(values, places)
    bad = nonfinite_rows(rows)
    if len(bad):
        keep = np.setdiff1d(np.arange(len(places)), bad)
        places, rows = places[keep], rows[keep]
    return Sample(places, rows, count <= most)


def center_of(sample: Sample, *, scaled: bool) -> tuple[np.ndarray, np.ndarray]:
    """Give the sample's mean and weights for distances: with `scaled`, each dimension's 1 / standard deviation."""
    dim = sample.rows.shape[1]
    if not len(sample.places):
        return np.zeros(dim), np.ones(dim)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.asarray(sample.rows.sum(axis=0, dtype=np.float64)).reshape(-1) / len(sample.places)
        mean = np.where(np.isfinite(mean), mean, 0.0)
        if not scaled or is_sparse(sample.rows):
            return mean, np.ones(dim)
        deviations = np.sqrt(np.square(sample.rows - mean).mean(axis=0))
    usable = np.isfinite(deviations) & (deviations > 0)
    return mean, np.divide(1.0, deviations, out=np.zeros(dim), where=usable)


def compared_rows(rows: Any, seen: Surveyed, *, standardized: bool) -> Any:
    """Give rows as they are compared: as they are, or standardized where columns have different units."""
    if not standardized:
        return rows
    deviations = np.sqrt(seen.scatter / max(1, seen.finite))
    vary = deviations > 0
    return (dense(rows)[:, vary] - seen.mean[vary]) / deviations[vary]


def looked_at(sample: Sample, first: np.ndarray, seen: Surveyed, *, standardized: bool) -> Sampled:
    """Ask the sample; `first` gives for every row the first that equals it, so that equal rows count once."""
    rows = compared_rows(sample.rows, seen, standardized=standardized)
    once = np.unique(first[sample.places], return_index=True)[1]
    distinct = rows[np.sort(once)]
    distinct = distinct[row_norms(distinct, 2) > 0]
    count, dim = distinct.shape
    near, hubness = None, float("nan")
    wide = dim >= FEWEST_DIMENSIONS
    if count > 1 and (wide or count >= FEWEST_ROWS):
        best, times = neighbourhoods(unit_single(distinct), min(NEIGHBORS, count - 1))
        near = int((best >= NEAR).sum()) if wide else None
        hubness = skewness(times) if count >= FEWEST_ROWS else hubness
    part = _few(rows)
    directions = max(1, min(part.shape[0] - 1, part.shape[1]))
    rank = effective_rank(singular_values(part)) if part.shape[0] > 1 else float("nan")
    return Sampled(len(sample.places), count, near, hubness, rank, directions)


def _few(rows: Any) -> Any:
    """The rows, or 1,024 of them evenly spread where both they and the dimensions are more."""
    if min(rows.shape) <= MOST_DIRECTIONS:
        return rows
    return rows[np.linspace(0, rows.shape[0] - 1, MOST_DIRECTIONS).astype(np.int64)]
