"""The rule that clusters leave behind: which center is nearest to a row, in the view that rows were compared in.

This module must not know how centers were found, nor what clusters are called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import dense, is_sparse
from vecwise.measure.norms import Normalized
from vecwise.measure.standardized import standardized
from vecwise.runner import Engine
from vecwise.structure.lloyd import assign, middle
from vecwise.vectors import Vectors

_TAME: Final = (1e-12, 1e12)  # largest magnitudes whose squares and products stay within float32


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Rows as they are compared: `values` in the view, brought to a size whose squares can be told, `2^exponent` of
    theirs, and the places of the rows that have a value there."""

    values: Any
    places: np.ndarray
    exponent: int
    prepare: Callable[[Vectors], Vectors] | None


def seen(X: Vectors, metric: str, engine: Engine | None) -> Seen:
    """Look at rows by `"cosine"` (unit rows; those of zeros are left out), `"standardized"` or `"euclidean"`."""
    prepare: Callable[[Vectors], Vectors] | None = None
    if metric == "cosine":
        prepare = Normalized(X.space.with_claims(()))
    elif metric == "standardized":
        prepare = standardized(X, engine=engine)
    values, places = _prepared(X, prepare, metric == "cosine")
    exponent = _exponent(values)
    return Seen(scaled(values, exponent), places, exponent, prepare)


def _prepared(X: Vectors, prepare: Callable[[Vectors], Vectors] | None, unit: bool) -> tuple[Any, np.ndarray]:
    already = prepare is None or (unit and "unit" in X.space.claims)
    values = X.values if already or prepare is None else prepare(X).values
    places = np.arange(len(X))
    if unit:
        filled = np.diff(values.indptr) > 0 if is_sparse(values) else values.any(axis=1)
        if not filled.all():
            places = np.flatnonzero(filled)
            values = values[places]
    return values, places


def _exponent(values: Any) -> int:
    cells = values.data if is_sparse(values) else values
    largest = max(float(cells.max()), -float(cells.min())) if cells.size else 0.0
    if largest == 0 or _TAME[0] < largest < _TAME[1]:
        return 0
    return int(np.frexp(largest)[1])


def scaled(values: Any, exponent: int) -> Any:
    """Divide by a power of two, in float64; as they are where it is 1."""
    if not exponent:
        return values
    if is_sparse(values):
        from scipy.sparse import csr_array

        parts = (np.ldexp(values.data.astype(np.float64), -exponent), values.indices, values.indptr)
        return csr_array(parts, shape=values.shape)
    return np.ldexp(dense(values), -exponent)


@dataclass(frozen=True, slots=True, eq=False)
class NearestCenter:
    """A frozen rule from vectors of one space to the number of the nearest center, and the distance to it.

    `centers` are float64 in the view, divided by `2^exponent`; `unit` says that rows are brought to length 1.
    """

    centers: np.ndarray
    exponent: int
    prepare: Callable[[Vectors], Vectors] | None
    unit: bool

    def __call__(self, X: Vectors, /, *, engine: Engine | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Give labels (int64; -1 for a row without a direction) and distances (float64; NaN for those)."""
        values, places = _prepared(X, self.prepare, self.unit)
        labels, distances = np.full(len(X), -1), np.full(len(X), np.nan)
        if len(places):
            values = scaled(values, self.exponent)
            read = assign(values, self.centers, middle(values)[0], engine)
            labels[places] = read.labels[0]
            distances[places] = np.ldexp(np.sqrt(read.squares[0]), self.exponent)
        return labels, distances
