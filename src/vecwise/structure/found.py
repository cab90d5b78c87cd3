"""The clusters that were found: labels, centers, names, and what can be asked of them.

This module must not know how clusters were found, files or the command line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from vecwise.draw.figures import scatter_figure, to_plotly
from vecwise.draw.words import count, share
from vecwise.errors import OutOfRange, missing_package, whole_number
from vecwise.kernels.arrays import dense
from vecwise.kernels.arrow import whole_numbers
from vecwise.measure.components import pca
from vecwise.measure.nearest import as_queries
from vecwise.structure.centers import NearestCenter
from vecwise.table_text import preview_html, preview_text
from vecwise.vectors import Vectors


class Picked(NamedTuple):
    """Some rows: their clusters, places, ids, and the distance of each to the center of its cluster."""

    clusters: np.ndarray
    places: np.ndarray
    ids: np.ndarray
    distances: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Rows in groups, the largest group first (of equals the one whose first row comes first).

    `labels` holds a number a row, `(rows,)`: -1 for noise (density) and for rows of zeros (cosine), which have no
    direction. `distances` are those of rows to their center, in the view that rows were compared in; NaN for -1.
    `centers` are the means of a cluster's rows (by cosine: of its rows at length 1), `Vectors` in X's space with
    the clusters' numbers as ids. `inertia` is the sum of the squared distances, `iterations` the passes of k-means
    over all rows (0 for other methods), `measure` how rows were compared, in words, and `k_reason` why there are so
    many clusters.
    """

    vectors: Vectors = field(repr=False)
    labels: np.ndarray
    distances: np.ndarray
    centers: Vectors
    names: tuple[str, ...]
    method: str
    measure: str
    inertia: float
    iterations: int
    k_reason: str
    rule: NearestCenter = field(repr=False)

    @property
    def k(self) -> int:
        """How many clusters there are."""
        return len(self.names)

    @property
    def ids(self) -> np.ndarray:
        """The ids of the rows, one a label."""
        return self.vectors.ids

    @property
    def rows(self) -> Any:
        """The rows that were clustered, an Arrow table, or `None`."""
        return self.vectors.rows

    @property
    def sizes(self) -> np.ndarray:
        """The rows of each cluster, `(k,)`."""
        return np.bincount(self.labels[self.labels >= 0], minlength=self.k)

    def representatives(self, n: int = 1) -> Picked:
        """Give the n rows nearest to each center, cluster by cluster, nearest first; ties by row order."""
        whole_number("n", n, "how many rows to give")
        order = np.lexsort((np.arange(len(self.labels)), self.distances, self.labels))
        order = order[self.labels[order] >= 0]
        starts = np.cumsum(self.sizes) - self.sizes
        within = np.arange(len(order)) - starts[self.labels[order]]
        return self._picked(order[within < n])

    def outliers(self, n: int = 10) -> Picked:
        """Give the n rows farthest from their own center, farthest first; ties by row order. Rows labelled -1 are in no
        cluster, and not among them."""
        whole_number("n", n, "how many rows to give")
        inside = np.flatnonzero(self.labels >= 0)
        return self._picked(inside[np.argsort(-self.distances[inside], kind="stable")[:n]])

    def _picked(self, places: np.ndarray) -> Picked:
        return Picked(self.labels[places], places, self.ids[places], self.distances[places])

    def members(self, cluster: int) -> Vectors:
        """Give the rows of a cluster as `Vectors`, in their order; -1 gives those in none."""
        if not -1 <= cluster < self.k:
            raise OutOfRange(
                f"There are the clusters 0 to {self.k - 1}, and -1 for rows in none; not {cluster}."
            )
        return self.vectors[np.flatnonzero(self.labels == cluster)]

    def assign(self, new: Any, /) -> np.ndarray:
        """Give the number of the nearest center for vectors, an array or raw rows, `(rows,)`; -1 for a row without a
        direction by cosine.

        Row by row: a row gets the same number alone and among others. Density and agglomerative clusters go by their
        centers too, so a row inside may get another number than in `labels`. Raises `SpaceMismatch`, `NoEncoder` for
        raw rows of vectors without an encoder, `NonFiniteQuery`.
        """
        asked = as_queries(self.vectors, new)
        self.vectors.space.must_match(asked.space, "assign")
        return self.rule(asked)[0]

    def to_arrow(self) -> Any:
        """Give an Arrow table with a row each: `id`, `cluster`, `name` (null for -1) and `distance` (null for -1)."""
        import pyarrow as pa

        names = [None if label < 0 else self.names[label] for label in self.labels.tolist()]
        distances = pa.array(self.distances, mask=self.labels < 0)
        columns = {"id": pa.array(self.ids.tolist()), "cluster": whole_numbers(self.labels)}
        return pa.table({**columns, "name": pa.array(names, pa.string()), "distance": distances})

    def to_pandas(self) -> Any:
        """Give the same as a pandas DataFrame, indexed by id. Raises `MissingPackage` without pandas."""
        try:
            import pandas as pd
        except ImportError as error:
            raise missing_package("pandas", "to_pandas()", "'vecwise[pandas]'") from error
        columns = self.to_arrow().to_pydict()
        return pd.DataFrame(columns).set_index("id")

    def plot(self, *, dim: int = 3) -> Any:
        """Draw the first 2 or 3 principal components coloured by cluster, as a plotly Figure.

        Only the picture is a projection; rows that look close in it may lie in different clusters.
        """
        if dim not in (2, 3):
            raise OutOfRange(f"A picture has 2 or 3 dimensions, not {dim}.")
        fitted = pca(self.vectors, k=dim)
        points = np.zeros((len(self.vectors), dim))
        made = dense(fitted(self.vectors).values)
        points[:, : made.shape[1]] = made
        kept = [*fitted.explained_variance_ratio.tolist(), 0.0, 0.0]
        axes = [f"component {i + 1}, {share(kept[i])} of the variance" for i in range(dim)]
        colors = [self.names[label] if label >= 0 else None for label in self.labels.tolist()]
        text = [str(name) for name in self.ids.tolist()]
        return to_plotly(
            scatter_figure(
                points, axes, text=text, color_name="cluster", color_values=colors, title=self._headline()
            )
        )

    def _headline(self) -> str:
        noise = int((self.labels < 0).sum())
        rest = f", {count(noise, 'row')} in none" if noise else ""
        return f"{count(self.k, 'cluster')} of {count(len(self.labels), 'row')}{rest}, by {self.measure}"

    def _preview(self, most: int = 20) -> tuple[list[str], list[list[str]], int]:
        first = dict(zip(*(part.tolist() for part in self.representatives()[:3:2]), strict=True))
        cells = [
            [name, f"{size:,}", share(size / max(1, len(self.labels))), str(first[place])]
            for place, (name, size) in enumerate(zip(self.names[:most], self.sizes.tolist(), strict=False))
        ]
        return ["cluster", "rows", "share", "nearest the center"], cells, max(0, self.k - most)

    def __repr__(self) -> str:
        return preview_text(self._headline(), *self._preview()) + f"\n  {self.k_reason}"

    def _repr_html_(self) -> str:
        return preview_html(f"{self._headline()}. {self.k_reason}", *self._preview())
