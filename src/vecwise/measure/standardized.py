"""Standardization: a fold that finishes into a map which centers every dimension and divides it by its deviation.

This module must not know files, encoders or pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from vecwise.errors import EmptyInput, OutOfRange, some
from vecwise.kernels.arrays import dense
from vecwise.measure.axes import SMALLEST
from vecwise.measure.spread import Dimensions
from vecwise.runner import Engine, blocks, fold
from vecwise.space import Space, mint_frame
from vecwise.vectors import Vectors, as_vectors
from vecwise.verbs import chain


@dataclass(frozen=True, slots=True, eq=False)
class Standardized:
    """A `Map` that centers every dimension and divides it by its standard deviation (constant ones by 1)."""

    mean: np.ndarray
    deviation: np.ndarray
    source: Space
    target: Space

    def __call__(self, X: Vectors, /) -> Vectors:
        """Standardize vectors of the source space."""
        self.source.must_match(X.space, "standardize")
        values = (dense(X.values) - self.mean) / self.deviation
        encoder = None if X.encoder is None else chain(X.encoder, self)
        return Vectors(values.astype(X.dtype), X.ids, X.rows, self.target, encoder=encoder)

    def state(self) -> dict[str, Any]:
        """Plain data and arrays."""
        spaces = {"source": self.source.to_data(), "target": self.target.to_data()}
        return {"mean": self.mean, "deviation": self.deviation, **spaces}

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map again."""
        arrays = {name: np.array(state[name], np.float64) for name in ("mean", "deviation")}
        return cls(**arrays, source=Space.from_data(state["source"]), target=Space.from_data(state["target"]))


def standardize(X: Any, /, *, engine: Engine | None = None) -> Vectors:
    """Give X with every dimension at mean 0 and standard deviation 1, in a space of its own.

    For columns of different units, whose distances would otherwise follow the largest numbers alone.
    Dimensions that never vary become 0. The deviation divides by the number of rows, as scikit-learn's
    StandardScaler does. Raises `EmptyInput`.

    >>> import vecwise as vw
    >>> vw.standardize([[1.0, 900.0], [3.0, 100.0]]).values
    array([[-1.,  1.],
           [ 1., -1.]])
    """
    made = as_vectors(X)
    return in_own_space(standardized(made, engine=engine), made)


def in_own_space(fitted: Standardized, X: Vectors, /) -> Vectors:
    """Standardize the rows that the map was fitted on: they are centered, which is true of no others."""
    result = fitted(X)
    claimed = result.space.with_claims({"centered"})
    return Vectors._trusted(result.values, result.ids, result.rows, claimed, result.encoder)


def standardized(made: Vectors, /, *, engine: Engine | None = None) -> Standardized:
    """Fit the map of `standardize`, to apply it to other vectors of the space; raises what `standardize` raises.

    >>> standardized(Vectors([[1.0], [3.0]])).deviation
    array([1.])
    """
    if not len(made):
        raise EmptyInput("There are no rows to standardize.")
    extent = fold(Dimensions(made.space.dim), blocks(made.values), engine=engine)
    state = extent.moments
    # The mean of equal numbers can be off by a rounding, which dividing would blow up to full size: a
    # dimension is constant when its smallest value is its largest, and its mean is that value.
    still = extent.low == extent.high
    mean = np.where(still, extent.low, state.mean)
    deviation = np.where(still, 1.0, np.sqrt(state.scatter / state.n))
    lost = ~np.isfinite(deviation) | ~np.isfinite(mean) | (~still & (state.scatter < SMALLEST))
    if lost.any():
        names = [name for name, out in zip(made.space.feature_names(), lost, strict=True) if out]
        raise OutOfRange(
            f"The spread of {some(names)} is too large or too small for float64. Scale it first."
        )
    source = made.space
    frame = mint_frame("standardized", source.frame.encode() + mean.tobytes() + deviation.tobytes())
    target = Space(source.dim, frame, source.features, frozenset(), f"standardized {source.name}".strip())
    return Standardized(mean, deviation, source, target)
