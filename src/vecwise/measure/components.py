"""Principal components and standardization: folds that finish into maps.

This module must not know files, encoders or pictures; the arithmetic is in `kernels.moments`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from vecwise.errors import EmptyInput, NonFinite, OutOfRange, TooLarge, some
from vecwise.kernels.arrays import dense
from vecwise.kernels.moments import Moments, principal_axes
from vecwise.measure.spread import Covariance, Dimensions
from vecwise.runner import Engine, blocks, chunks, fold
from vecwise.space import Space, mint_frame
from vecwise.vectors import Vectors, as_vectors
from vecwise.verbs import chain

MOST_DIMENSIONS: Final = 4_096  # the scatter of this many takes 128 MB and its axes half a minute
_SMALLEST: Final = 1e-290  # squares below this have lost digits


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Principal components: a `Map` from one space to its first k components.

    `components` is `(k, dim)`, best first, each of length 1 with its largest entry positive; `mean` is
    `(dim,)`; `explained_variance` (divided by rows - 1) and `explained_variance_ratio` are `(k,)`.
    """

    components: np.ndarray
    mean: np.ndarray
    explained_variance: np.ndarray
    explained_variance_ratio: np.ndarray
    source: Space
    target: Space

    def __call__(self, X: Vectors, /) -> Vectors:
        """Project vectors of the source space."""
        self.source.must_match(X.space, "project")
        # The product is taken before centering for sparse rows only, whose offset is small by nature.
        if X.is_sparse:
            values = dense(X.values @ self.components.T) - self.mean @ self.components.T
        else:
            values = (dense(X.values) - self.mean) @ self.components.T
        encoder = None if X.encoder is None else chain(X.encoder, self)
        return Vectors(values.astype(X.dtype), X.ids, X.rows, self.target, encoder=encoder)

    def state(self) -> dict[str, Any]:
        """Plain data and arrays."""
        arrays = ("components", "mean", "explained_variance", "explained_variance_ratio")
        spaces = {"source": self.source.to_data(), "target": self.target.to_data()}
        return {**{name: getattr(self, name) for name in arrays}, **spaces}

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map again."""
        return cls(**_restored(state))

    def transform(self, X: Any) -> Vectors:
        """Project vectors (or an array of the source space) to `(rows, k)`. Raises `SpaceMismatch`."""
        if isinstance(X, Vectors):
            return self(X)
        made = Vectors(X)
        return self(Vectors._trusted(made.values, made.ids, None, self.source.with_claims(())))

    def loadings(self, most: int = 5) -> list[list[tuple[str, float]]]:
        """Give for every component the features that load most on it, with their signed loading."""
        names = self.source.feature_names()
        order = np.argsort(-np.abs(self.components), axis=1, kind="stable")[:, :most]
        return [
            [(names[i], float(axis[i])) for i in best if axis[i] != 0]
            for axis, best in zip(self.components, order, strict=True)
        ]

    def __repr__(self) -> str:
        kept = self.explained_variance_ratio.sum()
        return f"Components({len(self.components)} of {self.source.dim} dimensions keep {kept:.1%} of the variance)"


def pca(X: Any, /, *, k: int = 3, engine: Engine | None = None) -> Components:
    """Fit principal components: the k directions of largest variance, from the covariance of X.

    The scatter is centered and merged chunk by chunk in float64, so offsets cost no digits and any number
    of workers gives the same bits.
    Components of no variance are left out, so there are at most `min(k, rows - 1, dim)`, and columns that
    never vary load on none; of equal rows a single component of zeros is given. Cost: rows · dim²
    operations. Source: Pearson 1901, doi:10.1080/14786440109462720.

    Raises `OutOfRange` for k below 1 and for a variance too small for float64, `NonFinite` for one too
    large, `EmptyInput` for no rows, `TooLarge` above 4,096 dimensions.

    >>> import vecwise as vw
    >>> fitted = vw.pca([[0, 0], [1, 1], [2, 2], [3, 3]], k=1)
    >>> fitted.components.round(3), fitted.explained_variance_ratio
    (array([[0.707, 0.707]]), array([1.]))
    """
    made = as_vectors(X)
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1:
        raise OutOfRange(f"`k` is the number of components, a whole number of at least 1, not {k!r}.")
    if not len(made):
        raise EmptyInput("There are no rows to find components of.")
    if made.space.dim > MOST_DIMENSIONS:
        raise TooLarge(
            f"Components of {made.space.dim:,} dimensions need a scatter of as many squared; the limit is "
            f"{MOST_DIMENSIONS:,}. Keep fewer features, for example with a fixed `vocabulary`."
        )
    state = fold(Covariance(made.space), chunks(made), engine=engine)
    if not np.trace(state.scatter) > _SMALLEST and _varies(made, engine):
        raise OutOfRange("The variance of these vectors is too small for float64. Scale them up: X * 1e100.")
    return _components(state, made.space, min(int(k), len(made) - 1, made.space.dim))


def _varies(X: Vectors, engine: Engine | None) -> bool:
    extent = fold(Dimensions(X.space.dim), blocks(X.values), engine=engine)
    return bool((extent.low < extent.high).any())


def _components(state: Moments, source: Space, k: int) -> Components:
    total = float(np.trace(state.scatter))
    if not np.isfinite(total):
        raise NonFinite("The variance of these vectors is too large for float64. Scale them down: X / 1e100.")
    values, axes = principal_axes(state.scatter, k)
    axes = np.ascontiguousarray(axes)  # a product has other bits in another layout, and files keep this one
    divisor = max(1, state.n - 1)
    ratio = values / total if total > 0 else np.zeros(len(values))
    frame = mint_frame("pca", source.frame.encode() + state.mean.tobytes() + axes.tobytes())
    names = tuple(f"component {i + 1}" for i in range(len(axes)))
    target = Space(max(1, len(axes)), frame, names or None, frozenset(), f"PCA of {source.name or 'vectors'}")
    if not len(axes):  # one row, or none that differs: a single component of no variance
        axes, values, ratio = np.zeros((1, source.dim)), np.zeros(1), np.zeros(1)
    return Components(axes, state.mean, values / divisor, ratio, source, target)


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
        return cls(**_restored(state))


def _restored(state: dict[str, Any]) -> dict[str, Any]:
    spaces = {name: Space.from_data(state[name]) for name in ("source", "target")}
    return {
        name: spaces[name] if name in spaces else np.array(value, np.float64) for name, value in state.items()
    }


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
    result = standardized(made, engine=engine)(made)
    claimed = result.space.with_claims({"centered"})  # true of the rows it was fitted on, and of no others
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
    lost = ~np.isfinite(deviation) | ~np.isfinite(mean) | (~still & (state.scatter < _SMALLEST))
    if lost.any():
        names = [name for name, out in zip(made.space.feature_names(), lost, strict=True) if out]
        raise OutOfRange(
            f"The spread of {some(names)} is too large or too small for float64. Scale it first."
        )
    source = made.space
    frame = mint_frame("standardized", source.frame.encode() + mean.tobytes() + deviation.tobytes())
    target = Space(source.dim, frame, source.features, frozenset(), f"standardized {source.name}".strip())
    return Standardized(mean, deviation, source, target)
