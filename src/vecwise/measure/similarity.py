"""All pairs of rows: inner products, cosines and distances as one labelled table.

This module must not know files, encoders or pictures; the arithmetic is in `kernels.similarity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Any, Final

import numpy as np

from vecwise.draw.figures import pairs_figure, to_plotly
from vecwise.draw.words import score as score_words
from vecwise.errors import Inapplicable, NonFinite, OutOfRange, TooLarge, missing_package
from vecwise.kernels.similarity import DISTANCES, PAIRS, SIMILARITIES, table
from vecwise.measure.bounds import unknown_metric
from vecwise.table_text import preview_html, preview_text
from vecwise.vectors import Vectors, as_vectors

MOST_PAIRS: Final = 25_000_000  # 200 MB of float64
MOST_DRAWN: Final = 1_000_000  # cells of a heat map


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

    def plot(self) -> Any:
        """Draw a heat map as a plotly Figure: a diverging map centred on zero for signed scores, viridis for others.

        NaN is an empty cell. Raises `TooLarge` above a million pairs, which no screen shows, and `MissingPackage`.
        """
        if self.values.size > MOST_DRAWN:
            raise TooLarge(
                f"A heat map of {self.shape[0]:,} × {self.shape[1]:,} cells is more than a screen shows "
                f"({MOST_DRAWN:,}). Draw a part: vw.{_call(self.metric)}."
            )
        lines, columns = (list(map(str, names.tolist())) for names in (self.ids, self.columns))
        title = self._headline()
        return to_plotly(pairs_figure(self.values, lines, columns, name=self.metric, title=title))

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
            [str(name), *("null" if isnan(x) else score_words(x) for x in row), *more] for name, row in shown
        ]
        return ["", *map(str, self.columns[:most].tolist()), *more], cells, max(0, self.shape[0] - most)


def dot(X: Any, Y: Any = None, /) -> Pairwise:
    """Give the inner products of all rows of X with all rows of Y (without Y: of X with itself).

    float64, shape `(rows of X, rows of Y)`; within `dim` · 1.2e-16 · |x| · |y| of the true product. Of X with
    itself one half is computed, and the table is symmetric to the bit. Cost: rows · rows · dim multiplications in
    float64 on all cores, 8 bytes a pair. Raises `SpaceMismatch`, `NonFinite` where a product leaves float64, and
    `TooLarge` above 25 million pairs: `vw.pairs` finds those that count among sets of any size.

    >>> import vecwise as vw
    >>> vw.dot([[3, 4]], [[1, 0], [0, 1]]).values
    array([[3., 4.]])
    """
    return _pairs(X, Y, "dot")


def cosine(X: Any, Y: Any = None, /) -> Pairwise:
    """Give the cosines of all pairs, in [-1, 1]; NaN ("no value") where a row is zero.

    Within `(dim + 16)` · 2.3e-16 of the true cosine, for rows of 1e300 and 1e-300 too; one that close to 1 or -1 is
    that, so a row's cosine with itself is exactly 1. Cost and errors are those of `dot`.

    >>> import vecwise as vw
    >>> vw.cosine([[3, 4]], [[6, 8], [4, 3]]).values
    array([[1.  , 0.96]])
    """
    return _pairs(X, Y, "cosine")


def distances(X: Any, Y: Any = None, /, *, metric: str = "euclidean", p: float | None = None) -> Pairwise:
    """Give the distances of all pairs, float64, shape `(rows of X, rows of Y)`.

    `metric` is one of

    - `"euclidean"`, `"sqeuclidean"` (its square), `"manhattan"`, `"chebyshev"` (the largest difference), and
      `"minkowski"`: the p-th root of the sum of p-th powers of differences, `p` at least 1 (2 without it);
    - `"hamming"`: the share of the dimensions in which two rows differ;
    - `"jaccard"`: rows are sets of the dimensions that are not zero, and the distance is one minus the share of
      the dimensions in either that are in both; 0 for two empty rows;
    - `"angular"`: the angle in half turns, from 0 (same direction) to 1 (opposite); NaN ("no value") where a row is
      zero.

    Lengths are those of differences in float64, never of a product, so near rows far from the origin keep their
    digits. Bounds: `(dim + 16)` · 2.3e-16 of the distance; `"chebyshev"`, `"hamming"` and `"jaccard"` are the true
    value rounded once or twice; an angle is within `(dim + 16)` · 3e-16, for rows that are almost parallel too.
    Squares of differences below 1e-154 vanish in `"sqeuclidean"`, and nowhere else. Cost: rows · rows · dim
    differences on all cores.

    Raises `UnknownName`, `SpaceMismatch`, `OutOfRange` for `p`, `Inapplicable` for `p` beside another metric,
    `NonFinite` where a distance leaves float64, and `TooLarge` above 25 million pairs: see `vw.pairs`.

    >>> import vecwise as vw
    >>> vw.distances([[3, 4]], [[0, 0]], metric="manhattan").values
    array([[7.]])
    >>> vw.distances([[1, 1, 0, 0]], [[0, 1, 1, 0]], metric="jaccard").values.round(3)
    array([[0.667]])
    """
    if metric not in DISTANCES:
        raise unknown_metric(metric, DISTANCES, "distance")
    return _pairs(X, Y, metric, power(metric, p))


def power(metric: str, p: float | None) -> float:
    """Give the power of a Minkowski distance, 2 by default; refuse one below 1, and one for another metric."""
    if p is None:
        return 2.0
    if metric != "minkowski":
        raise Inapplicable(f'`p` is the power of the metric "minkowski"; "{metric}" has none. Leave it out.')
    if isinstance(p, bool) or not isinstance(p, (int, float, np.integer, np.floating)) or not p >= 1:
        raise OutOfRange(f"`p` is a number of at least 1, below which there is no distance, not {p!r}.")
    return float(p)


def _pairs(X: Any, Y: Any, metric: str, p: float = 2.0) -> Pairwise:
    left, right = both(X, Y, "compare")
    if len(left) * len(right) > MOST_PAIRS:
        raise TooLarge(
            f"All pairs of {len(left):,} and {len(right):,} rows are more than {MOST_PAIRS:,}. Ask for those that "
            f'count, in sets of any size: vw.pairs(X, {_example(metric)}, metric="{metric}"), or for the best of '
            "each row: vw.pairs(X, k=10). Or compare a sample: X[:1000]."
        )
    made = refuse_overflow(table(left.values, right.values, metric, p), metric)
    return Pairwise(made, left.ids, right.ids, metric)


def _call(metric: str) -> str:
    part = "X[:500]"
    return (
        f"{metric}({part}).plot()"
        if metric in SIMILARITIES
        else f'distances({part}, metric="{metric}").plot()'
    )


def _example(metric: str) -> str:
    return "at_least=0.8" if metric in SIMILARITIES else "at_most=0.5"


def scores(A: Any, B: Any, metric: str) -> np.ndarray:
    """Score all pairs of two blocks on this thread; raises `NonFinite` where a score overflows float64."""
    return refuse_overflow(PAIRS[metric](A, B), metric)


def refuse_overflow(made: np.ndarray, metric: str) -> np.ndarray:
    """Give the scores; raise `NonFinite` if one left float64. NaN of a cosine or an angle is "no value"."""
    if metric not in ("cosine", "angular") and not np.isfinite(made).all():
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
