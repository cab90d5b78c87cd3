"""Layouts: every row a point in 2 or 3 dimensions, with a number for how far the picture can be believed.

This module must not know files, nor how points are drawn; `layout_methods` has the methods that bend space.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.draw.words import count, share
from vecwise.errors import EmptyInput, OutOfRange, unknown, whole_number
from vecwise.kernels.arrays import dense
from vecwise.kernels.equal_rows import first_equal_rows
from vecwise.kernels.norms import row_norms, unit_rows
from vecwise.kernels.projection import projected
from vecwise.measure.components import Components, pca
from vecwise.measure.nearest import as_queries
from vecwise.measure.norms import normalize
from vecwise.measure.standardized import Standardized
from vecwise.measure.views import AUTO
from vecwise.runner import Engine
from vecwise.store.row_files import write_rows
from vecwise.structure import layout_folders
from vecwise.structure.faithfulness import Faithfulness, faithfulness, picture_view
from vecwise.structure.layout_methods import FEWEST, LIMITS, NAMES, Job, laid_out
from vecwise.structure.layout_tables import layout_figure, layout_table
from vecwise.structure.placing import Anchors
from vecwise.vectors import Vectors, as_vectors

METHODS: Final = ("pca", "umap", "tsne", "pacmap", "auto")
_SINGLE: Final = (1e-30, 1e38)  # largest coordinates that float32 holds with all of its digits


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A map of vectors: `coordinates` is `(rows, dim)` float32, a point for each of `ids`, in the order of the vectors.

    A row has no place (NaN) where rows are compared by cosine and it is zero. `method` is "pca", "umap", "tsne",
    "pacmap", or "as is" for vectors that have no more dimensions than the picture; `metric` says what near means, and
    `measure` in words: columns of different units were standardized first (`prepare`), as new rows are;
    `components` is the map of PCA. `anchors` are the rows, all different, that a bending method laid out; all others
    were placed among them, equal rows on one point. `faithfulness` says how far to believe the picture.
    """

    coordinates: np.ndarray
    vectors: Vectors
    method: str
    metric: str
    seed: int
    neighbors: int
    faithfulness: Faithfulness
    components: Components | None = None
    anchors: Anchors | None = None
    sampled: int | None = None  # rows that were laid out, where they were a sample
    anchored: np.ndarray | None = None  # the numbers of the anchors' rows
    measure: str = ""
    prepare: Standardized | None = None

    @property
    def ids(self) -> np.ndarray:
        """The ids of the rows."""
        return self.vectors.ids

    @property
    def dim(self) -> int:
        """2 or 3."""
        return int(self.coordinates.shape[1])

    @property
    def axes(self) -> list[str]:
        """What each axis is, in words: only those of PCA and of vectors as they are have a meaning."""
        if self.method == "as is":
            names = list(self.vectors.space.feature_names())
        elif self.components is not None:
            kept = self.components.explained_variance_ratio.tolist()
            names = [f"component {i}, {share(part)} of the variance" for i, part in enumerate(kept, start=1)]
        else:
            names = [f"{NAMES[self.method]} {i + 1}" for i in range(self.dim)]
        return [*names, *(["nothing varies here"] * self.dim)][: self.dim]

    @property
    def placed(self) -> int:
        """How many rows have a place."""
        return int(np.isfinite(self.coordinates[:, 0]).sum())

    @property
    def words(self) -> list[str]:
        """How the picture was made, in sentences."""
        as_is = "shown as they are" if self.prepare is None else "shown as standardized columns"
        how = as_is if self.method == "as is" else f"laid out by {NAMES[self.method]}"
        told = [f"{count(len(self.ids), 'row')} in {self.dim} dimensions, {how}"]
        if self.components is not None:
            kept = float(self.components.explained_variance_ratio.sum())
            told.append(f"the components keep {share(kept)} of the variance")
        if self.sampled is not None:
            told.append(
                f"{count(self.sampled, 'row')}, chosen by the seed {self.seed}, were laid out, and the others "
                "placed among them"
            )
        if self.method not in ("pca", "as is") and self.neighbors >= self.placed > 0:
            told.append(
                f"{count(self.neighbors, 'neighbor')} were asked for, and there are {self.placed - 1:,} others"
            )
        if self.placed < len(self.ids):
            zeros = count(len(self.ids) - self.placed, "row")
            told.append(f"{zeros} of zeros left out, since a cosine needs a direction")
        return told

    def place(self, new: Any) -> np.ndarray:
        """Put new rows on the finished map: float32 points, shape `(rows, dim)`.

        `new` are vectors of the same space, an array, or raw rows (a text, a list of texts, a table) that the encoder
        of the vectors reads. PCA projects them; the other methods place each at the weighted mean of its nearest rows
        (`structure.placing.Anchors`). A row of the map lands on its own point, and every row on the same point alone
        and in any batch. A place far from all rows means little: every new row is shown near old ones.

        Raises `SpaceMismatch`, `NonFiniteQuery`, `NoEncoder`, `EmptyInput` for no rows.

        >>> import vecwise as vw
        >>> made = vw.layout([[0, 0, 0, 1], [4, 0, 0, 1], [0, 2, 0, 1], [0, 0, 1, 1]], dim=2)
        >>> bool((made.place([4, 0, 0, 1]) == made.coordinates[1]).all())
        True
        """
        asked = as_queries(self.vectors, new)
        self.vectors.space.must_match(asked.space, "place")
        asked = asked if self.prepare is None else self.prepare(asked)
        if self.anchors is not None:
            return self.anchors.place(asked)
        return _single(_straight(asked, self.components, self.dim))

    def to_arrow(self, labels: dict[str, Any] | None = None) -> Any:
        """Give an Arrow table: `id`, `x`, `y`, `z`, `neighbors_kept`, `trustworthiness` (null where not measured).

        `labels` are more columns, a value for each row.
        """
        return layout_table(self, labels or {})

    def to_csv(self, path: Any, labels: dict[str, Any] | None = None) -> None:
        """Write the table of `to_arrow` as CSV, whole or not at all; raises `Unreadable`."""
        write_rows(self.to_arrow(labels), path, ".csv")

    def to_parquet(self, path: Any, labels: dict[str, Any] | None = None) -> None:
        """Write the table of `to_arrow` as Parquet, whole or not at all; raises `Unreadable`."""
        write_rows(self.to_arrow(labels), path, ".parquet")

    def save(self, path: Any) -> None:
        """Save the layout, to be opened by `vw.open_layout(path, X)`; see there."""
        layout_folders.save(self, path)

    def plot(self, color: Any = None) -> Any:
        """Draw the layout as a plotly Figure.

        `color` is a column of the rows, "neighbors_kept" or "trustworthiness", or a value for each row. Above 25,000
        rows a seeded sample is drawn, and the title says so. Raises `UnknownName`, `WrongShape`, `MissingPackage`.
        """
        return layout_figure(self, color)

    def __repr__(self) -> str:
        return f"Layout: {'; '.join(self.words)}; {self.faithfulness.words}"


def layout(
    X: Any,
    /,
    *,
    dim: int = 3,
    method: str = "pca",
    metric: str | None = AUTO,
    seed: int = 0,
    neighbors: int = 15,
    k: int = 10,
    most: int | None = None,
    engine: Engine | None = None,
) -> Layout:
    """Lay vectors out in 2 or 3 dimensions, and measure how faithful that picture is.

    `method` is "pca" (or "auto", the same: at once, any number of rows), "umap" (up to 50,000 rows), "tsne" (10,000)
    or "pacmap" (50,000). With more rows, or more than `most`, a sample chosen by `seed` is laid out and the others are
    placed among it as `place` does; the result says so. Vectors of no more than `dim` dimensions are shown as they are
    instead of by PCA. `metric` is "cosine", "euclidean", "manhattan" or "chebyshev" and says which rows are near;
    without it, rows are compared as `vw.nearest` compares them, and columns of different units are standardized before
    anything else. `neighbors` is how many rows hold a row in its place (t-SNE's perplexity is twice that), all others
    where there are no more. Faithfulness looks at the `k` nearest.

    The bending methods start from the principal components (Kobak and Linderman 2021,
    doi:10.1038/s41587-020-00809-z), are given the exact neighbours of `vw.nearest`, and run in one thread: a seed gives
    the same layout on any number of cores. They are in the extra `vecwise[map]` (PaCMAP: pip install pacmap). Equal
    rows get one point.

    Raises `OutOfRange`, `UnknownName`, `EmptyInput`, `MissingPackage`, and what `vw.pca` and `vw.nearest` raise.

    >>> import vecwise as vw
    >>> X = [[0, 0, 0, 1], [4, 0, 0, 1], [0, 2, 0, 1], [0, 0, 1, 1], [4, 2, 1, 1]]
    >>> made = vw.layout(X, dim=2, metric="euclidean")
    >>> made.coordinates.shape, made.method, made.metric
    ((5, 2), 'pca', 'euclidean')
    >>> made.faithfulness
    Faithfulness: 90% of each row's 2 nearest neighbours are still neighbours in the picture (trustworthiness 0.933)
    """
    made = as_vectors(X)
    _check(made, dim, method, neighbors, most)
    by = picture_view(made, metric, engine)
    X, metric = by.vectors, by.metric
    fitted, anchors, sampled, laid = None, None, None, None
    if method in ("pca", "auto"):
        method = "as is" if X.space.dim <= dim else "pca"
        fitted = pca(X, k=dim, engine=engine) if method == "pca" else None
        points = _single(_straight(X, fitted, dim))
    else:
        points, anchors, sampled, laid = _bent(
            X, dim, method, metric, seed, neighbors, most or LIMITS[method]
        )
    found = faithfulness(X, points, k=k, metric=metric, seed=seed)
    points.flags.writeable = False
    return Layout(
        points,
        made,
        method,
        metric,
        seed,
        neighbors,
        found,
        fitted,
        anchors,
        sampled,
        laid,
        by.words,
        by.prepare,
    )


def open_layout(path: str | os.PathLike[str], X: Any, /) -> Layout:
    """Open a saved layout of these vectors: `path` is its own folder, or that of the saved vectors.

    The files are held against their hashes, and the layout against the frame, the ids and the numbers of X (of a layout
    of a bare array, X may be that array, which has no frame). Raises
    `FileMissing`, `UnknownFormat`, `Damaged`, and `SpaceMismatch` for other vectors than those laid out.
    `vw.open_layout` opens those of runs too, and shows how.
    """
    return Layout(**layout_folders.load(path, X))


def _check(X: Vectors, dim: int, method: str, neighbors: int, most: int | None) -> None:
    if dim not in (2, 3) or isinstance(dim, bool):
        raise OutOfRange(f"A picture has 2 or 3 dimensions, not {dim!r}.")
    if method not in METHODS:
        raise unknown("method of layout", str(method), METHODS)
    for name, value, least in (("neighbors", neighbors, 2), ("most", most, FEWEST)):
        if value is not None:
            whole_number(name, value, "a number of rows", least=least)
    if not len(X):
        raise EmptyInput("There are no rows to lay out.")


def _straight(X: Vectors, fitted: Components | None, dim: int) -> np.ndarray:
    """Rows as they are, or on their components; dimensions that are not there are zero."""
    found = dense(X.values) if fitted is None else projected(X.values, fitted.mean, fitted.components)
    points = np.zeros((len(X), dim))
    points[:, : found.shape[1]] = found
    return points


def _single(points: np.ndarray) -> np.ndarray:
    """As float32, which every picture is drawn in; refused where that would lose the picture."""
    largest = float(np.abs(points).max(initial=0.0))
    if largest and not _SINGLE[0] < largest < _SINGLE[1]:
        raise OutOfRange(
            f"The coordinates reach to {largest:.1e}, and a picture needs them between 1e-30 and 1e38. Scale the "
            f"vectors first: X * {1 / largest:.0e}."
        )
    return points.astype(np.float32)


def _bent(
    X: Vectors, dim: int, method: str, metric: str, seed: int, neighbors: int, most: int
) -> tuple[np.ndarray, Anchors, int | None, np.ndarray]:
    """Lay out the rows that differ, or a sample of them, and place the others among them."""
    rows = np.arange(len(X))
    if metric == "cosine":
        rows = np.flatnonzero(row_norms(X.values, np.inf) > 0)
    chosen = rows
    if len(rows) > most:
        chosen = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    laid = chosen[_different(X.values[chosen], metric)]
    some = X if len(laid) == len(X) else X[laid]
    job = Job(some, metric, neighbors, seed, _start(some, dim, metric, seed))
    made = laid_out(method, job)
    anchors = Anchors(some, _single(made - made.mean(axis=0, dtype=np.float64)), metric, neighbors)
    points = np.full((len(X), dim), np.nan, np.float32)
    points[laid] = anchors.points
    others = np.setdiff1d(rows, laid, assume_unique=True)
    if len(others):
        points[others] = anchors.place(X[others])
    return points, anchors, len(chosen) if len(chosen) < len(rows) else None, laid


def _different(values: Any, metric: str) -> np.ndarray:
    """The rows that no earlier one equals; by cosine, whose directions differ in float32."""
    if metric == "cosine":
        values = unit_rows(values, 2)[0].astype(np.float32)
    first = first_equal_rows(values)
    return np.flatnonzero(first == np.arange(len(first)))


def _start(X: Vectors, dim: int, metric: str, seed: int) -> np.ndarray:
    """The principal components, the first spread to a deviation of 1; a little noise where there are too few."""
    compared = normalize(X) if metric == "cosine" else X
    fitted = pca(compared, k=dim)
    found = projected(compared.values, fitted.mean, fitted.components)
    found /= found[:, 0].std() or 1.0
    start = 1e-3 * np.random.default_rng(seed).standard_normal((len(X), dim))
    real = np.flatnonzero(found.std(axis=0) > 0)
    start[:, real] = found[:, real]
    return start
