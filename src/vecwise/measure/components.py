"""Principal components: a fold that finishes into a map, with its inverse and what is lost on the way.

This module must not know files or encoders, nor how axes are found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Self

import numpy as np

from vecwise.draw.figures import to_plotly
from vecwise.draw.scree import scree_figure
from vecwise.draw.words import tenths
from vecwise.engines.local import serial, threads
from vecwise.errors import EmptyInput, NonFinite, unknown, whole_number
from vecwise.kernels.arrays import dense
from vecwise.kernels.left_over import left_over
from vecwise.kernels.mapped import passed
from vecwise.kernels.projection import by_slabs, projected
from vecwise.measure.axes import MOST_WHOLE, Found, sketched_axes, whole_axes
from vecwise.runner import Engine
from vecwise.space import Space, mint_frame
from vecwise.vectors import Vectors, as_vectors
from vecwise.verbs import chain

METHODS: Final = ("auto", "covariance", "sketch")
_PART_BYTES: Final = 1 << 23  # of rows that a worker projects at a time
_ARRAYS: Final = ("components", "mean", "explained_variance", "explained_variance_ratio", "variance_error")


class Lost(NamedTuple):
    """What reconstruction loses: how far each row is from its own, `(rows,)`, and the share of the spread."""

    rows: np.ndarray
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Principal components: a `Map` from one space to its first k components.

    `components` is `(k, dim)`, best first, each of length 1 with its largest entry positive; `mean` is
    `(dim,)`; `explained_variance` (divided by rows - 1) and `explained_variance_ratio` are `(k,)`, float64.
    `variance_error` `(k,)` bounds how far each explained variance is from a true one (None in what was
    saved before there was one). With `whiten`, coordinates are divided by the root of their variance.
    """

    components: np.ndarray
    mean: np.ndarray
    explained_variance: np.ndarray
    explained_variance_ratio: np.ndarray
    source: Space
    target: Space
    whiten: bool = False
    variance_error: np.ndarray | None = None

    def __call__(self, X: Vectors, /) -> Vectors:
        """Project vectors of the source space, a block at a time, from float64 to their own number type."""
        self.source.must_match(X.space, "project")
        axes = self.components / self._scales()[:, None]
        made = by_slabs(X.values, len(axes), lambda slab: projected(slab, self.mean, axes))
        with np.errstate(over="ignore"):
            values = made.astype(X.dtype)
        if not np.isfinite(values).all():
            raise NonFinite(
                "The projection is too large for its number type. Use float64, or scale down first."
            )
        encoder = None if X.encoder is None else chain(X.encoder, self)
        return Vectors._trusted(values, X.ids, X.rows, self.target, encoder=encoder)

    def _scales(self) -> np.ndarray:
        """What coordinates are divided by: 1 without whitening."""
        deviation = np.sqrt(self.explained_variance)
        return deviation if self.whiten and deviation.all() else np.ones(len(deviation))

    def state(self) -> dict[str, Any]:
        """Plain data and arrays."""
        arrays = {name: getattr(self, name) for name in _ARRAYS if getattr(self, name) is not None}
        return {
            **arrays,
            "whiten": self.whiten,
            "source": self.source.to_data(),
            "target": self.target.to_data(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], /) -> Self:
        """Build the same map again; states from before whitening are read too."""
        arrays = {name: np.array(state[name], np.float64) for name in _ARRAYS[:-1]}
        error = state.get("variance_error")
        return cls(
            **arrays,
            source=Space.from_data(state["source"]),
            target=Space.from_data(state["target"]),
            whiten=bool(state.get("whiten", False)),
            variance_error=None if error is None else np.array(error, np.float64),
        )

    def transform(self, X: Any) -> Vectors:
        """Project vectors (or an array of the source space) to `(rows, k)`.

        Raises `SpaceMismatch`, and `NonFinite` where a coordinate leaves the vectors' number type.
        """
        return self(self._of_source(X))

    def _of_source(self, X: Any) -> Vectors:
        return X if isinstance(X, Vectors) else Vectors(X, space=self.source.with_claims(()))

    def reconstruct(self, Z: Any) -> Vectors:
        """Give vectors of the source space from coordinates `(rows, k)`: the inverse of `transform`.

        Exact to rounding with all components, and otherwise the nearest that k components can give, in the
        sense of least squares. Raises `SpaceMismatch`, `WrongShape`, `NonFinite`.

        >>> import vecwise as vw
        >>> X = vw.Vectors([[0.0, 1.0], [2.0, 1.0], [4.0, 4.0]])
        >>> fitted = vw.pca(X, k=2)
        >>> fitted.reconstruct(fitted(X)).values.round(6)
        array([[0., 1.],
               [2., 1.],
               [4., 4.]])
        """
        made = Z if isinstance(Z, Vectors) else Vectors(Z, space=self.target)
        self.target.must_match(made.space, "reconstruct")
        with np.errstate(over="ignore", invalid="ignore"):
            values = (dense(made.values) * self._scales()) @ self.components + self.mean
            values = values.astype(made.dtype)
        if not np.isfinite(values).all():
            raise NonFinite("The reconstruction is too large for its number type. Use float64 vectors.")
        return Vectors._trusted(values, made.ids, made.rows, self.source.with_claims(()))

    def reconstruction_error(self, X: Any) -> Lost:
        """Tell what k components lose of vectors: `.rows`, the distance of each from its reconstruction, and `.share`.

        The share is of the sum of squared distances from the mean: for the rows that were fitted, 1 less the sum
        of `explained_variance_ratio`. Costs about two projections. Raises `SpaceMismatch`, `NonFinite`.

        >>> import vecwise as vw
        >>> X = [[0.0, 1.0], [2.0, -1.0], [4.0, 1.0], [2.0, 3.0]]
        >>> lost = vw.pca(X, k=2).reconstruction_error(X)
        >>> lost.rows.round(6).tolist(), round(lost.share, 6)
        ([0.0, 0.0, 0.0, 0.0], 0.0)
        """
        made = self._of_source(X)
        self.source.must_match(made.space, "reconstruct")
        beside, lengths = np.zeros(len(made)), np.zeros(len(made))

        def measure(part: slice) -> None:
            beside[part], lengths[part] = left_over(made.values[part], self.mean, self.components)

        _in_parts(measure, made)
        longest = lengths.max(initial=0.0)
        if not np.isfinite(longest):
            raise NonFinite(
                "Distances from the mean are too large for float64. Scale the vectors down first."
            )
        if not longest:
            return Lost(beside, 0.0)
        return Lost(beside, float(np.square(beside / longest).sum() / np.square(lengths / longest).sum()))

    def loadings(self, most: int = 5) -> list[list[tuple[str, float]]]:
        """Give for every component the features that load most on it, with their signed loading."""
        names = self.source.feature_names()
        order = np.argsort(-np.abs(self.components), axis=1, kind="stable")[:, :most]
        return [
            [(names[i], float(axis[i])) for i in best if axis[i] != 0]
            for axis, best in zip(self.components, order, strict=True)
        ]

    def plot(self) -> Any:
        """Draw how much of the variance each component explains, and all up to it, as a plotly figure.

        Raises `MissingPackage` without plotly.
        """
        return to_plotly(scree_figure(self.explained_variance_ratio))

    def __repr__(self) -> str:
        kept = self.explained_variance_ratio.sum()
        many = f"{len(self.components)} of {self.source.dim} dimensions"
        return f"Components({many} keep {tenths(kept)} of the variance{', whitened' if self.whiten else ''})"


def _in_parts(work: Any, X: Vectors) -> None:
    """Call `work` on slices of rows, on all cores; rows of a mapped file leave memory once they are passed."""
    rows = len(X) if X.is_sparse else max(64, _PART_BYTES // (X.space.dim * X.dtype.itemsize))
    starts = passed(X.values, range(0, len(X), max(1, rows)))
    engine = threads() if len(X) > rows else serial
    for _ in engine(lambda start: work(slice(start, min(start + rows, len(X)))), starts):
        pass


def pca(
    X: Any,
    /,
    *,
    k: int = 3,
    whiten: bool = False,
    method: Literal["auto", "covariance", "sketch"] = "auto",
    seed: int = 0,
    engine: Engine | None = None,
) -> Components:
    """Fit principal components: the k directions of largest variance.

    `method="covariance"` takes the centered scatter, merged chunk by chunk by Chan's rule, so offsets cost no
    digits; rows · dim² / 2 multiplications. It works in float64. Only for float32 rows of up to 1,024
    dimensions and more than 2e10 rows · dim² it first multiplies in float32, blocks of 512 rows adding up in
    float64: an eigenvalue of the scatter is then off by at most 3.1e-5 of its trace (measured: 1e-8), and if the
    smallest one asked for is not 32 times that, all is done again in float64. `method="sketch"` makes no
    scatter: passes over the rows multiply it with k + 10 directions, random for the `seed`, until every
    residual is below 1e-5 of its variance, at most 24 times. Its variances are then off by about 1e-10 over the
    relative gap to the next one, its axes by 1e-5 over it; its total is exact, sparse rows stay sparse, and it
    holds some 20 (k + 10) dim numbers. "auto" is the sketch above 2,048 dimensions.
    `variance_error` of what comes back has the bound that holds for these rows.

    The same bits come out for any engine and number of workers. Components of no variance (below dim units
    in the last place of the largest) are left out, so there are at most `min(k, rows - 1, dim)`, and columns
    that never vary load on none; of equal rows a single component of zeros is given. With `whiten`, `transform`
    gives every component variance 1. Sources: Pearson 1901, doi:10.1080/14786440109462720; for the sketch
    Halko, Martinsson and Tropp 2011, doi:10.1137/090771806.

    Raises `OutOfRange` for k below 1 and for a variance too small for float64, `NonFinite` for one too
    large, `EmptyInput` for no rows, `UnknownName` for another method, `TooLarge` for "covariance" above
    4,096 dimensions.

    >>> import vecwise as vw
    >>> fitted = vw.pca([[0, 0], [1, 1], [2, 2], [3, 3]], k=1)
    >>> fitted.components.round(3), fitted.explained_variance_ratio
    (array([[0.707, 0.707]]), array([1.]))
    """
    made = as_vectors(X)
    whole_number("k", k, "the number of components")
    whole_number("seed", seed, "what chance depends on", least=0)
    if method not in METHODS:
        raise unknown("method", str(method), METHODS)
    if not len(made):
        raise EmptyInput("There are no rows to find components of.")
    most = min(int(k), len(made) - 1, made.space.dim)
    if method == "sketch" or (method == "auto" and made.space.dim > MOST_WHOLE):
        found = sketched_axes(made, most, int(seed), engine)
    else:
        found = whole_axes(made, most, engine)
    return _components(found, made.space, max(1, len(made) - 1), bool(whiten))


def _components(found: Found, source: Space, divisor: int, whiten: bool) -> Components:
    mean, values, axes, errors, total = found
    axes = np.ascontiguousarray(axes)  # a product has other bits in another layout, and files keep this one
    ratio = values / total if total > 0 else np.zeros(len(values))
    kind = b"whitened" if whiten else b""
    frame = mint_frame("pca", source.frame.encode() + mean.tobytes() + axes.tobytes() + kind)
    names = tuple(f"component {i + 1}" for i in range(len(axes)))
    title = f"{'whitened ' if whiten else ''}PCA of {source.name or 'vectors'}"
    target = Space(max(1, len(axes)), frame, names or None, frozenset(), title)
    if not len(axes):  # one row, or none that differs: a single component of no variance
        axes, values, ratio, errors = np.zeros((1, source.dim)), np.zeros(1), np.zeros(1), np.zeros(1)
    return Components(axes, mean, values / divisor, ratio, source, target, whiten, errors / divisor)
