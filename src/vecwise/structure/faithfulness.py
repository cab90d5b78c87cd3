"""How far a picture can be believed: which of a row's nearest rows are still near it in the picture.

This module must not know how a picture was made, nor files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from vecwise.draw.words import count, fixed, share
from vecwise.errors import EmptyInput, WrongShape, whole_number
from vecwise.kernels.norms import row_norms
from vecwise.kernels.ranks import nearer
from vecwise.measure.bounds import unknown_metric
from vecwise.measure.views import AUTO, View, view
from vecwise.runner import Engine
from vecwise.table_text import count as counted
from vecwise.vectors import Vectors, as_vectors

METRICS: Final = ("cosine", "euclidean", "manhattan", "chebyshev")
PAIRS: Final = 50_000_000  # distances that are looked at: about half a second for 512 dimensions on two cores
FEWEST: Final = 500  # rows that are measured at the least, which gives the share kept to about half a percent
_SLOWER: Final = 20  # times that a distance without a matrix product takes


@dataclass(frozen=True, slots=True, eq=False)
class Faithfulness:
    """How faithful a picture is to the vectors, overall and for each row.

    `neighbors_kept` is the mean share of a row's `k` nearest rows that are among its `k` nearest in the picture, from 0
    to 1. `trustworthiness` (Venna and Kaski 2001, doi:10.1007/3-540-44668-0_68) is 1 when all that is near in the
    picture is near in truth, and falls with the true ranks of the intruders. `rows_neighbors_kept` and
    `rows_trustworthiness` hold both for each row, NaN for rows that were not measured; their means are the numbers
    for all. `measured` counts the rows that were; NaN everywhere when there are fewer than three rows to compare.
    """

    k: int
    trustworthiness: float
    neighbors_kept: float
    rows_trustworthiness: np.ndarray
    rows_neighbors_kept: np.ndarray
    measured: int

    @classmethod
    def of(cls, k: int, trust: np.ndarray, kept: np.ndarray, measured: np.ndarray) -> Self:
        """Take the means over the rows that were measured."""
        if not len(measured):
            return cls(k, np.nan, np.nan, trust, kept, 0)
        return cls(k, float(trust[measured].mean()), float(kept[measured].mean()), trust, kept, len(measured))

    @property
    def words(self) -> str:
        """The finding in one sentence."""
        if not self.measured:
            return "too few rows have a place to say how faithful the picture is"
        what = "nearest neighbour is still its nearest" if self.k == 1 else (
            f"{self.k} nearest neighbours are still neighbours"
        )  # fmt: skip
        return f"{share(self.neighbors_kept)} of each row's {what} in the picture"

    def __repr__(self) -> str:
        some = "" if self.measured == len(self.rows_neighbors_kept) else f", on {count(self.measured, 'row')}"
        return f"Faithfulness: {self.words} (trustworthiness {fixed(self.trustworthiness)}{some})"


def faithfulness(
    X: Any, points: Any, /, *, k: int = 10, metric: str | None = AUTO, seed: int = 0
) -> Faithfulness:
    """Measure how faithful a picture of vectors is: `points` has a place, shape `(rows, 2 or 3)`, for each row of X.

    `metric` is "cosine", "euclidean", "manhattan" or "chebyshev"; without it, what `vw.nearest` goes by. Up to 7,071
    rows all are measured, above it a sample chosen by `seed` of 50,000,000 / rows, at least 500 of them; each is
    compared with all rows. Ties count as near: of rows that are equally far, none is preferred. `k` is lowered to less
    than half of the rows. Rows without a place (NaN), and for cosine rows of zeros, are left out. Cost: measured rows ·
    rows · dim operations.

    Raises `WrongShape`, `OutOfRange` for a k below 1, `UnknownName` for another metric, `EmptyInput`.

    >>> import vecwise as vw
    >>> ring = [[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1], [5, 5, 1]]
    >>> vw.faithfulness(ring, [row[:2] for row in ring], k=2)
    Faithfulness: 100% of each row's 2 nearest neighbours are still neighbours in the picture (trustworthiness 1.000)
    """
    made, places = as_vectors(X), np.asarray(points, np.float64)
    if places.ndim != 2 or len(places) != len(made):
        raise WrongShape(
            f"`points` has shape {places.shape}; {counted(len(made), 'row')} need one place each."
        )
    k = whole_number("k", k, "the number of neighbours")
    if not len(made):
        raise EmptyInput("There are no rows to compare.")
    by = picture_view(made, metric)
    made, kept = by.vectors, np.isfinite(places).all(axis=1)
    if by.metric == "cosine":
        kept &= row_norms(made.values, np.inf) > 0
    return _measured(made, places, np.flatnonzero(kept), k, by.metric, seed)


def picture_view(X: Vectors, metric: str | None, engine: Engine | None = None) -> View:
    """Give what rows are compared by, of the metrics that a picture can be drawn by; raises `UnknownName`."""
    if metric not in (None, AUTO, *METRICS):
        raise unknown_metric(metric, METRICS, "metric for a picture")
    return view(X, metric, engine=engine)


def _measured(
    X: Vectors, places: np.ndarray, kept: np.ndarray, k: int, metric: str, seed: int
) -> Faithfulness:
    n = len(kept)
    k = min(k, (n - 1) // 2)
    trust, shares = np.full(len(X), np.nan), np.full(len(X), np.nan)
    if k < 1:
        return Faithfulness.of(1, trust, shares, kept[:0])
    values = X.values if n == len(X) else X.values[kept]
    rows = _sampled(n, metric, seed)
    ranks = nearer(values, rows, _near_in_picture(places[kept], rows, k), metric) + 1
    shares[kept[rows]] = (ranks <= k).mean(axis=1)
    beyond = np.maximum(ranks - k, 0).sum(axis=1)
    trust[kept[rows]] = 1 - beyond * (2 / (k * (2 * n - 3 * k - 1)))
    return Faithfulness.of(k, trust, shares, kept[rows])


def _sampled(n: int, metric: str, seed: int) -> np.ndarray:
    slower = 1 if metric in ("cosine", "euclidean") else _SLOWER
    most = max(FEWEST // slower, PAIRS // slower // n)
    if most >= n:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def _near_in_picture(places: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    """The k nearest others of some rows in the picture; which of equally near ones, does not depend on chance."""
    from scipy.spatial import cKDTree

    found = cKDTree(places).query(places[rows], k + 1)[1]
    others = found != rows[:, None]
    others[others.all(axis=1), -1] = False  # more than k rows lie on this very point, which is not among them
    return found[others].reshape(len(rows), k)
