"""How rows of vectors are compared when nobody says: the measure that their health advises, named in words.

This module must not know files, encoders or pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from vecwise.measure.health import MIXED_UNITS, ONE_UNIT, Health
from vecwise.measure.norms import is_unit
from vecwise.measure.spread import Dimensions
from vecwise.measure.standardized import standardize
from vecwise.runner import Engine, blocks, fold
from vecwise.vectors import Vectors

MEASURES: Final = {
    "cosine": "cosine",
    "dot": "inner product",
    "euclidean": "Euclidean distance",
    "manhattan": "Manhattan distance",
    "chebyshev": "Chebyshev distance",
    "sqeuclidean": "squared Euclidean distance",
    "minkowski": "Minkowski distance",
    "hamming": "Hamming distance",
    "jaccard": "Jaccard distance",
    "angular": "angle in half turns",
}
STANDARDIZED: Final = f"{MEASURES['euclidean']} on standardized columns"


@dataclass(frozen=True, slots=True)
class View:
    """The vectors that rows are compared by, and the measure, in words: standardized when units differ."""

    vectors: Vectors
    metric: str
    words: str


def view_of(X: Vectors, found: Health) -> View:
    """Choose how rows of these vectors are compared: the measure that their health advises."""
    way = _way(X, found.unit, found.mixed_units)
    if way == "standardized":
        return View(standardize(X), "euclidean", STANDARDIZED)
    return View(X, way, MEASURES[way])


def advised(X: Vectors, *, engine: Engine | None = None) -> str:
    """Give what `view_of` goes by, for those who need no more of the health: "cosine", "euclidean" or
    "standardized", which is Euclidean distance on standardized columns.

    >>> advised(Vectors([[0.6, 0.8], [1.0, 0.0]]))
    'cosine'
    """
    return _way(X, "unit" in X.space.claims or is_unit(X), _has_mixed_units(X, engine))


def _way(X: Vectors, unit: bool, mixed: bool) -> str:
    if unit:
        return "cosine"
    if mixed:
        return "standardized"
    if X.is_sparse or X.space.features is None or X.space.kind == "average":
        return "cosine"
    return "euclidean"


def _has_mixed_units(X: Vectors, engine: Engine | None) -> bool:
    if X.space.features is None or X.is_sparse or X.space.kind in ONE_UNIT:
        return False
    extent = fold(Dimensions(X.space.dim), blocks(X.values), engine=engine)
    deviations = np.sqrt(extent.moments.scatter / max(1, extent.moments.n))
    varying = deviations[(extent.low < extent.high) & (deviations > 0)]
    return bool(len(varying) and varying.max() > MIXED_UNITS * varying.min())
