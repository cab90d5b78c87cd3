"""`vw.compare`: two spaces over the same rows, and which rows moved from one to the other.

This module must not know files or the command line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from vecwise.draw.figures import to_plotly
from vecwise.errors import EmptyInput, Inapplicable, OutOfRange, missing_package
from vecwise.kernels.arrays import dense
from vecwise.kernels.arrow import whole_numbers
from vecwise.measure.components import pca
from vecwise.measure.overlap import Overlap, neighbor_overlap, shared_rows
from vecwise.measure.views import advised
from vecwise.models.alignment import Alignment, Rotation, alignment, procrustes
from vecwise.table_text import preview_html, preview_text
from vecwise.vectors import Vectors, as_vectors

MOST_ALIGNED: Final = 20_000  # rows that are aligned; above, a seeded sample
MOST_DIM: Final = 4_096  # above, rows are told by their products with each other
MOST_WIDE: Final = 2_000  # rows that are aligned then


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two spaces over the same rows.

    `overlap` says row by row which share of its nearest rows is the same in both; `cka` and `unbiased` how alike the
    shapes are (linear centered kernel alignment); `rotation` lays the second on the first, and `disparity` is the share
    of the squared distances that is left then. `metrics` are how rows were compared in each. `missing` counts rows that
    only one side has.
    """

    left: Vectors = field(repr=False)
    right: Vectors = field(repr=False)
    overlap: Overlap
    alignment: Alignment
    rotation: Rotation = field(repr=False)
    metrics: tuple[str, str]
    missing: int
    seed: int = 0

    @property
    def cka(self) -> float:
        """Linear centered kernel alignment, 0 to 1."""
        return self.alignment.cka

    @property
    def unbiased(self) -> float:
        """The unbiased estimate of CKA: near 0 where nothing is shared, whatever the dimension."""
        return self.alignment.unbiased

    @property
    def disparity(self) -> float:
        """The share of the squared distances that is left when the second is laid on the first, 0 to 1."""
        return self.rotation.disparity

    def moved(self, n: int = 10) -> Any:
        """Give the n rows that kept least of their neighbours, as an Arrow table: id, kept, and the row's columns."""
        import pyarrow as pa

        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise OutOfRange(f"`n` is how many rows to give, a whole number of at least 1, not {n!r}.")
        order = np.argsort(self.overlap.kept, kind="stable")[: int(n)]
        names = self.overlap.ids[order]
        table = pa.table({"id": names.tolist(), "kept": self.overlap.kept[order]})
        if self.left.rows is not None:
            place = {name: i for i, name in enumerate(self.left.ids.tolist())}
            rows = self.left.rows.take(whole_numbers(np.array([place[name] for name in names.tolist()])))
            for name in rows.column_names:
                if name not in table.column_names:
                    table = table.append_column(name, rows.column(name))
        return table

    def aligned(self) -> np.ndarray:
        """Give the second side's rows laid on the first: `(rows, dim of the first)`, float64.

        Raises `Inapplicable` above 4,096 dimensions.
        """
        if max(self.left.space.dim, self.right.space.dim) > MOST_DIM:
            raise Inapplicable(
                f"Above {MOST_DIM:,} dimensions rows are not laid on each other: compare components, "
                "vw.pca(X, k=300)(X)."
            )
        return self.rotation.moved(dense(self.right.values))

    def pictures(self, dim: int = 2) -> tuple[np.ndarray, np.ndarray]:
        """Give the principal components of both sides, `(rows, dim)` each, the second laid on the first."""
        first, second = (_components(side, dim) for side in (self.left, self.right))
        return first, procrustes(first, second).moved(second)

    def plot(self) -> Any:
        """Draw both maps, one beside the other in the same turn, coloured by the share of neighbours kept."""
        if dense(self.left.values).shape[0] != len(self.left.ids):
            raise EmptyInput("There is nothing to draw.")
        place = {name: i for i, name in enumerate(self.left.ids.tolist())}
        keep = np.array([place[name] for name in self.overlap.ids.tolist()])
        first, second = self.pictures()
        shift = 1.25 * max(float(np.ptp(first[:, 0])), float(np.ptp(second[:, 0])), 1e-300)
        moved = second + np.array([shift, 0.0])
        return to_plotly(_figure(first[keep], moved[keep], self.overlap.ids.tolist(), self.overlap.kept))

    def to_pandas(self) -> Any:
        """Give a frame with a row for each row asked: id and the share of its neighbours that is kept."""
        try:
            import pandas as pd
        except ImportError as error:
            raise missing_package("pandas", "to_pandas", "'vecwise[pandas]'") from error
        return pd.DataFrame({"kept": self.overlap.kept}, index=pd.Index(self.overlap.ids, name="id"))

    def _preview(self) -> tuple[str, list[str], list[list[str]], int]:
        head = (
            f"Comparison of {len(self.left):,} rows: {self.overlap.mean:.1%} of the {self.overlap.k} nearest rows are "
            f"the same; CKA {self.cka:.3f} (unbiased {self.unbiased:.3f}); {self.disparity:.1%} of the squared "
            "distances stay when one is laid on the other"
        )
        cells = [[str(name), f"{kept:.0%}"] for name, kept in self.overlap.moved(5)]
        return head, ["moved most", "neighbours kept"], cells, 0

    def __repr__(self) -> str:
        return preview_text(*self._preview())

    def _repr_html_(self) -> str:
        return preview_html(*self._preview())


def compare(X: Any, Y: Any, /, *, k: int = 10, seed: int = 0) -> Comparison:
    """Compare two spaces over the same rows: two encoders, two layers, or before and after.

    Rows are matched by id; rows that only one side has are left out and counted. Near means in each side what its
    vectors advise (cosine, or Euclidean distance). Neighbours are compared for up to 2,000 rows among all, shapes for
    up to 20,000 rows (2,000 above 4,096 dimensions), drawn by `seed`.

    Raises `EmptyInput` when fewer than two rows have the same id, `OutOfRange` for k below 1.

    >>> import numpy as np, vecwise as vw
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> found = vw.compare(X, X @ np.linalg.qr(X[:4])[0])
    >>> found.overlap.mean, round(found.cka, 6), round(found.disparity, 6)
    (1.0, 1.0, 0.0)
    """
    left, right = as_vectors(X), as_vectors(Y)
    left, right, missing = shared_rows(left, right)
    overlap = neighbor_overlap(left, right, k=k, seed=seed)
    wide = max(left.space.dim, right.space.dim) > MOST_DIM
    keep, most = np.arange(len(left)), MOST_WIDE if wide else MOST_ALIGNED
    if len(keep) > most:
        keep = np.sort(np.random.default_rng(seed).choice(len(left), most, replace=False))
    a, b = coordinates(left[keep]), coordinates(right[keep])
    return Comparison(
        left,
        right,
        overlap,
        alignment(a, b),
        procrustes(a, b),
        (advised(left), advised(right)),
        missing,
        seed,
    )


def coordinates(X: Vectors) -> np.ndarray:
    """Give the rows, or, of very many dimensions, as many coordinates as there are rows, in which they lie the same."""
    if X.space.dim <= MOST_DIM:
        return dense(X.values)
    products = X.values @ X.values.T
    table = np.asarray(products.toarray() if hasattr(products, "toarray") else products, np.float64)
    values, axes = np.linalg.eigh(table)
    return np.asarray(axes * np.sqrt(np.maximum(values, 0.0)))


def _components(X: Vectors, dim: int) -> np.ndarray:
    made = np.zeros((len(X), dim))
    fitted = pca(X, k=min(dim, X.space.dim))
    found = np.asarray(fitted(X).values)
    made[:, : found.shape[1]] = found[:, :dim]
    return made


def _figure(first: np.ndarray, second: np.ndarray, ids: list[Any], kept: np.ndarray) -> dict[str, Any]:
    """Both maps in one frame, the same row the same colour and the same name under the pointer."""
    from vecwise.draw.markup import shown
    from vecwise.draw.words import share

    both = np.concatenate([first, second])
    names = [f"{shown(name, 60)}: keeps {share(part)}" for name, part in zip(ids, kept.tolist(), strict=True)]
    dots = {
        "type": "scattergl",
        "mode": "markers",
        "x": both[:, 0].tolist(),
        "y": both[:, 1].tolist(),
        "hovertext": names * 2,
        "hoverinfo": "text",
        "marker": {"color": np.tile(kept, 2).tolist(), "size": 5, "colorbar": {"title": {"text": "neighbours kept"}},
                   "cmin": 0, "cmax": 1},
    }  # fmt: skip
    axis = {"showgrid": False, "zeroline": False, "showticklabels": False}
    notes = [
        {
            "text": text,
            "x": float(side[:, 0].mean()),
            "y": float(both[:, 1].max()),
            "showarrow": False,
            "yshift": 18,
        }
        for text, side in (("the first", first), ("the second, laid on it", second))
    ]
    return {
        "data": [dots],
        "layout": {"xaxis": axis, "yaxis": axis | {"scaleanchor": "x"}, "annotations": notes},
    }
