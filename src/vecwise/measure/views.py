"""How rows of vectors are compared when nobody says: the one rule that all functions and all commands go by.

This module must not know files, encoders or pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from vecwise.measure.bounds import MEASURES
from vecwise.measure.health import MIXED_UNITS, ONE_UNIT, Health
from vecwise.measure.norms import is_unit
from vecwise.measure.spread import Dimensions
from vecwise.measure.standardized import Standardized, in_own_space, standardized
from vecwise.runner import Engine, blocks, fold
from vecwise.vectors import Vectors

__all__ = [
    "AUTO",
    "MEASURES",
    "OF_STANDARDIZED",
    "STANDARDIZED",
    "View",
    "advised",
    "always_cosine",
    "standardized_view",
    "view",
    "view_of",
]

AUTO: Final = "auto"
STANDARDIZED: Final = f"{MEASURES['euclidean']} on standardized columns"
OF_STANDARDIZED: Final = {"cosine": "cosine of standardized columns", "euclidean": STANDARDIZED}


@dataclass(frozen=True, slots=True)
class View:
    """The vectors that rows are compared by, and the measure, in words: standardized when units differ.

    `prepare` is the map that standardized them, `None` where they are as they were.
    """

    vectors: Vectors
    metric: str
    words: str
    prepare: Standardized | None = None

    def of(self, Y: Vectors) -> Vectors:
        """Give other vectors of the space as they are compared with these."""
        return Y if self.prepare is None else self.prepare(Y)


def view_of(X: Vectors, found: Health) -> View:
    """Choose how rows of these vectors are compared by a health that is known already."""
    way = _way(X, found.unit, found.mixed_units)
    return standardized_view(X) if way == "standardized" else View(X, way, MEASURES[way])


def view(
    X: Vectors,
    metric: str | None = AUTO,
    *,
    at_least: object = None,
    at_most: object = None,
    engine: Engine | None = None,
) -> View:
    """Give what rows of X are compared by, the rule of every function and command that compares rows.

    - A metric that is named compares the vectors as they are.
    - `"auto"` (or `None`) is cosine for unit and sparse vectors and for those without named columns; Euclidean distance
      on standardized columns for a table whose columns have different units; Euclidean distance for other columns.
    - A bound says which of the two it is: `at_least` is one of a cosine and `at_most` one of a Euclidean distance, of
      standardized columns where units differ.

    Cost: none for a metric that is named, vectors without named columns, sparse ones and those that claim "unit"; else
    two passes over the rows, and a standardized copy where units differ. Raises what `vw.standardize` raises.

    >>> view(Vectors([[1.0, 2.0]])).words
    'cosine'
    """
    if metric is not None and metric != AUTO:
        return View(X, metric, MEASURES.get(metric, metric))
    way = advised(X, engine=engine)
    if way == "standardized":
        return standardized_view(X, "euclidean" if at_least is None else "cosine", engine=engine)
    if at_least is not None:
        way = "cosine"
    elif at_most is not None:
        way = "euclidean"
    return View(X, way, MEASURES[way])


def standardized_view(X: Vectors, metric: str = "euclidean", *, engine: Engine | None = None) -> View:
    """Give the view on standardized columns, whose `prepare` takes queries along."""
    fitted = standardized(X, engine=engine)
    return View(in_own_space(fitted, X), metric, OF_STANDARDIZED[metric], fitted)


def advised(X: Vectors, *, engine: Engine | None = None) -> str:
    """Give what `"auto"` is for these vectors, whatever the bound: "cosine", "euclidean" or "standardized", which is
    Euclidean distance on standardized columns. The numbers are read only where the answer depends on them.

    >>> advised(Vectors([[0.6, 0.8], [1.0, 0.0]]))
    'cosine'
    """
    if always_cosine(X) or is_unit(X):
        return "cosine"
    return "standardized" if _has_mixed_units(X, engine) else "euclidean"


def always_cosine(X: Vectors) -> bool:
    """Tell whether these vectors are compared by cosine whatever their numbers are."""
    space = X.space
    return space.features is None or X.is_sparse or space.kind == "average" or "unit" in space.claims


def _way(X: Vectors, unit: bool, mixed: bool) -> str:
    if unit or always_cosine(X):
        return "cosine"
    return "standardized" if mixed else "euclidean"


def _has_mixed_units(X: Vectors, engine: Engine | None) -> bool:
    if X.space.kind in ONE_UNIT:
        return False
    extent = fold(Dimensions(X.space.dim), blocks(X.values), engine=engine)
    deviations = np.sqrt(extent.moments.scatter / max(1, extent.moments.n))
    varying = deviations[(extent.low < extent.high) & (deviations > 0)]
    return bool(len(varying) and varying.max() > MIXED_UNITS * varying.min())
