"""All pairs of rows: inner products, cosines and distances as one labelled table.

This module must not know files, encoders or pictures; the arithmetic is in `kernels.similarity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Any, Final

import numpy as np

from vecwise.errors import NonFinite, TooLarge, missing_package, unknown
from vecwise.kernels.similarity import DISTANCES, PAIRS, SIMILARITIES
from vecwise.table_text import preview_html, preview_text
from vecwise.vectors import Vectors, as_vectors

MOST_PAIRS: Final = 25_000_000  # 200 MB of float64


@dataclass(frozen=True, slots=True, eq=False)
class Pairwise:
    """A labelled table of all pairs: `values[i, j]` compares row `ids[i]` of X with row `columns[j]` of Y.

    A similarity grows with likeness, a distance shrinks with it; `kind` says which this is. NaN stands for
    "no value": the cosine of a zero vector.
    """

    values: np.ndarray
    ids: np.ndarray
    columns: np.ndarray
    metric: str

    @property
    def kind(self) -> str:
        """`"similarity"` or `"distance"`."""
        return "similarity" if self.metric in SIMILARITIES else "distance"

    @property
    def shape(self) -> tuple[int, int]:
        """`(rows of X, rows of Y)`."""
        return (self.values.shape[0], self.values.shape[1])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype, copy=copy)

    def to_pandas(self) -> Any:
        """Give a pandas DataFrame with the ids as index and columns."""
        try:
            import pandas as pd
        except ImportError as error:
            raise missing_package("pandas", "to_pandas()", "'vecwise[pandas]'") from error
        return pd.DataFrame(self.values, index=self.ids, columns=self.columns)

    def __repr__(self) -> str:
        return preview_text(self._headline(), *self._preview())

    def _repr_html_(self) -> str:
        return preview_html(self._headline(), *self._preview())

    def _headline(self) -> str:
        return f"Pairwise {self.metric} {self.kind}, {self.shape[0]:,} × {self.shape[1]:,}"

    def _preview(self, most: int = 10) -> tuple[list[str], list[list[str]], int]:
        more = ["…"] if self.shape[1] > most else []
        shown = zip(self.ids[:most].tolist(), self.values[:most, :most].tolist(), strict=True)
        cells = [
            [str(name), *("null" if isnan(x) else f"{x:.4g}" for x in row), *more] for name, row in shown
        ]
        return ["", *map(str, self.columns[:most].tolist()), *more], cells, max(0, self.shape[0] - most)


def dot(X: Any, Y: Any = None, /) -> Pairwise:
    """Give the inner products of all rows of X with all rows of Y (without Y: of X with itself).

    Accumulated in float64. Raises `SpaceMismatch`, and `TooLarge` above 25 million pairs.

    >>> import vecwise as vw
    >>> vw.dot([[3, 4]], [[1, 0], [0, 1]]).values
    array([[3., 4.]])
    """
    return _pairs(X, Y, "dot")


def cosine(X: Any, Y: Any = None, /) -> Pairwise:
    """Give the cosines of all pairs, in [-1, 1]; NaN ("no value") where a row is zero.

    >>> import vecwise as vw
    >>> vw.cosine([[3, 4]], [[6, 8], [4, 3]]).values
    array([[1.  , 0.96]])
    """
    return _pairs(X, Y, "cosine")


def distances(X: Any, Y: Any = None, /, *, metric: str = "euclidean") -> Pairwise:
    """Give the distances of all pairs: `"euclidean"`, `"manhattan"` or `"chebyshev"`.

    Computed by differences in float64, so that near rows far from the origin keep their digits.
    Raises `UnknownName`, `SpaceMismatch`, `TooLarge`.

    >>> import vecwise as vw
    >>> vw.distances([[3, 4]], [[0, 0]], metric="manhattan").values
    array([[7.]])
    """
    if metric not in DISTANCES:
        raise unknown("distance", str(metric), DISTANCES)
    return _pairs(X, Y, metric)


def _pairs(X: Any, Y: Any, metric: str) -> Pairwise:
    left, right = both(X, Y, "compare")
    if len(left) * len(right) > MOST_PAIRS:
        raise TooLarge(
            f"All pairs of {len(left):,} and {len(right):,} rows are more than {MOST_PAIRS:,}. Ask for the best "
            "of each row with `nearest(X, queries, k=10)`, or compare a sample: `X[:1000]`."
        )
    return Pairwise(scores(left.values, right.values, metric), left.ids, right.ids, metric)


def scores(A: Any, B: Any, metric: str) -> np.ndarray:
    """Score all pairs of two blocks; raises `NonFinite` where a product or a distance overflows float64."""
    made = PAIRS[metric](A, B)
    if metric != "cosine" and not np.isfinite(made).all():  # a cosine never overflows; its NaN is "no value"
        raise NonFinite(f"A {metric} of these vectors is too large for float64. Scale them down: X / 1e100.")
    return made


def both(X: Any, Y: Any, action: str) -> tuple[Vectors, Vectors]:
    """Make vectors of both sides and see that they may meet; a bare array joins the other side's space."""
    if Y is None:
        made = as_vectors(X)
        return made, made
    left = as_vectors(X, like=Y if isinstance(Y, Vectors) else None)
    right = as_vectors(Y, like=left)
    left.space.must_match(right.space, action)
    return left, right
