"""Rows into clusters, in the space of their vectors: k-means, dense regions or a tree of merges, one function.

This module must not know files or the command line; how groups are found is in its neighbours.
"""

from __future__ import annotations

import warnings
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.errors import (
    EmptyInput,
    FewerClusters,
    Inapplicable,
    NonFinite,
    OutOfRange,
    unknown,
    whole_number,
)
from vecwise.kernels.arrays import dense
from vecwise.kernels.kmeans import Centers, squared_distances, sum_rows
from vecwise.measure.bounds import unknown_metric
from vecwise.measure.similarity import both
from vecwise.measure.standardized import Standardized
from vecwise.measure.views import AUTO, MEASURES, STANDARDIZED, advised
from vecwise.runner import Engine
from vecwise.structure.centers import NearestCenter, Seen, scaled, seen
from vecwise.structure.choosing import choose
from vecwise.structure.found import Clusters
from vecwise.structure.grouping import cut, dense_regions, merges
from vecwise.structure.lloyd import Effort, kmeans
from vecwise.structure.naming import named, unnamed
from vecwise.vectors import Vectors, as_vectors

METHODS: Final = ("kmeans", "density", "agglomerative")
METRICS: Final = ("cosine", "euclidean", "standardized")
_MEASURED: Final = {  # what the silhouette is that of, in words
    "cosine": "of rows at length 1",
    "euclidean": "",
    "standardized": "of standardized columns",
}


def cluster(
    X: Any,
    /,
    k: int | None = None,
    *,
    method: str = "kmeans",
    metric: str | None = AUTO,
    seed: int = 0,
    restarts: int | None = None,
    iterations: int = 300,
    tolerance: float = 1e-4,
    start: Any = None,
    names: bool = True,
    text: str | None = None,
    engine: Engine | None = None,
) -> Clusters:
    """Find groups of rows that lie close, in the space of the vectors and never on a projection of them.

    `metric` is `"cosine"` (rows are brought to length 1), `"euclidean"`, `"standardized"` (Euclidean distance on
    standardized columns) or, without one, what `vw.nearest` goes by: cosine for unit and sparse vectors and
    those without named columns, standardized where columns have different units. For rows of length 1 the sum of
    squared distances that k-means makes small is the sum, over clusters, of `1 - cosine` of all pairs in it divided by
    its rows.

    `method="kmeans"` makes the sum of squared distances to the centers small: a k-means++ start from `seed`, of
    more than 20,000 rows (50 a center) the best of three on a sample of so many, then passes over all rows until no
    label changes, the centers' squared moves add up to less than `tolerance` times the variance, or `iterations`
    are over. The best of `restarts` starts is kept, by default 10 for up to 1,000,000 numbers in X, 3 up to
    10,000,000, and 1 above. Above 2,000,000 rows 100 mini-batches of 50,000 rows come first and at most 10 passes
    follow. `start` gives the centers to start from, in X's space, in place of `k`. A label is that of the nearest
    center, the lower number of equals; single precision only chooses candidates, and what is within its rounding is
    decided in float64. `inertia` never grows from pass to pass. Where fewer than `k` rows differ there are fewer
    clusters and a `FewerClusters` warning. Cost: rows · k · dim multiplications a pass. Without `k` the silhouette
    of 2 to 20 clusters on up to 2,000 rows chooses it, and `k_reason` says so. It is that of Euclidean distances of the
    rows as they are compared: by cosine at length 1, standardized of standardized columns.

    `method="density"` (extra `[map]`) finds dense regions and leaves other rows out, label -1; it finds their number
    itself. By cosine EVoC finds them, otherwise HDBSCAN; the limits are 500,000 and 20,000 rows.
    `method="agglomerative"` merges the two clusters whose union adds least to the sum of squares (Ward) until `k` are
    left; the limit is 10,000 rows. `names` names clusters by the words (class-based TF-IDF) of the column `text` or the
    encoder's own, or by features that stand out. The same seed gives the same bits for any number of workers.

    Raises `OutOfRange`, `UnknownName` (method, metric, column), `EmptyInput`, `NonFinite`, `TooLarge`, `Inapplicable`
    for options of another method, `SpaceMismatch` and `WrongShape` for `start`, `MissingPackage`.

    >>> import vecwise as vw
    >>> X = vw.Vectors([[0, 0], [0, 1], [9, 9], [9, 8], [8, 9]], ids=list("abcde"))
    >>> found = vw.cluster(X, metric="euclidean")
    >>> found.labels.tolist(), found.sizes.tolist(), round(found.inertia, 3)
    ([1, 1, 0, 0, 0], [3, 2], 1.833)
    >>> found.k_reason
    'k = 2: silhouette 0.91, next best 3 with 0.42'
    >>> found.representatives().ids.tolist(), found.assign([[7, 7]]).tolist()
    (['c', 'a'], [0])
    """
    effort = Effort(restarts, iterations, tolerance)
    _check(method, metric, k, seed, effort)
    made = as_vectors(X)
    first = _start(made, start, k, method)
    if not len(made):
        raise EmptyInput("There are no rows to cluster.")
    way = advised(made, engine=engine) if metric in (None, AUTO) else str(metric)
    view = seen(made, way, engine)
    if not len(view.places):
        groups = _Groups(np.zeros(0, np.int64), "k = 0: no row has a direction")
    elif method == "density":
        groups = _by_density(view, way, seed)
    elif method == "agglomerative":
        groups = _by_merging(view, way, k, seed)
    else:
        groups = _by_kmeans(view, way, k, seed, effort, first, engine)

    def told(labels: np.ndarray, count: int) -> list[str]:
        return named(made, labels, count, text=text, engine=engine) if names else unnamed(count)

    found = _told(made, view, way, method, groups, told)
    wanted = k if first is None else len(first)
    if wanted is not None and found.k < wanted:
        warnings.warn(FewerClusters(found.k, int(wanted)), stacklevel=2)
    return found


class _Groups(NamedTuple):
    """What a method found: labels of the view's rows, passes, why so many; centers and squares if it has its own."""

    labels: np.ndarray
    reason: str
    iterations: int = 0
    centers: np.ndarray | None = None
    squares: np.ndarray | None = None


def _by_kmeans(
    view: Seen, way: str, k: int | None, seed: int, effort: Effort, start: Any, engine: Any
) -> _Groups:
    reason, first = "k was given", None
    if start is not None:
        prepared = start if view.prepare is None else view.prepare(start)
        k, reason, first = len(start), "the start was given", dense(scaled(prepared.values, view.exponent))
    elif k is None:
        chosen = choose(view.values, seed=seed, of=_MEASURED[way])
        k, reason = chosen.k, chosen.reason
    made = kmeans(view.values, k, seed=seed, effort=effort, start=first, engine=engine)
    return _Groups(made.labels.astype(np.int64), reason, made.iterations, made.centers, made.squares)


def _by_merging(view: Seen, way: str, k: int | None, seed: int) -> _Groups:
    tree, reason = merges(view.values), "k was given"
    if k is None:
        chosen = choose(view.values, seed=seed, of=_MEASURED[way], cut=lambda count: cut(tree, count))
        k, reason = chosen.k, chosen.reason
    return _Groups(cut(tree, min(k, len(tree) + 1)), reason)


def _by_density(view: Seen, way: str, seed: int) -> _Groups:
    labels = dense_regions(view.values, by_direction=way == "cosine", seed=seed)
    count = int(labels.max(initial=-1)) + 1
    return _Groups(labels, f"k = {count}: so many dense regions were found")


def _told(X: Vectors, view: Seen, way: str, method: str, groups: _Groups, names: Any) -> Clusters:
    """Number clusters by size, and give them centers, distances and names."""
    count = int(groups.labels.max(initial=-1)) + 1
    order = _by_size(groups.labels, count)
    rank = np.full(count + 1, -1)  # the last place is that of label -1
    rank[order] = np.arange(count)
    inside = rank[groups.labels]
    core = _means(view.values, inside, count) if groups.centers is None else groups.centers[order]
    squares = _squares(view.values, inside, core) if groups.squares is None else groups.squares
    labels, distances = np.full(len(X), -1), np.full(len(X), np.nan)
    labels[view.places] = inside
    distances[view.places] = np.ldexp(np.sqrt(squares), view.exponent)
    told = tuple(names(labels, count))
    return Clusters(
        vectors=X,
        labels=labels,
        distances=distances,
        centers=_centers(X, core, view, told),
        names=told,
        method=method,
        measure=STANDARDIZED if way == "standardized" else MEASURES[way],
        inertia=_inertia(squares, inside, view.exponent),
        iterations=groups.iterations,
        k_reason=groups.reason,
        rule=NearestCenter(core, view.exponent, view.prepare, way == "cosine"),
    )


def _by_size(labels: np.ndarray, count: int) -> np.ndarray:
    """The clusters in their order: the largest first, of equals the one whose first row comes first."""
    inside = labels[labels >= 0]
    sizes = np.bincount(inside, minlength=count)
    first = np.zeros(count, np.int64)
    places = np.flatnonzero(labels >= 0)
    first[inside[::-1]] = places[::-1]
    return np.lexsort((first, -sizes))


def _means(values: Any, labels: np.ndarray, count: int) -> np.ndarray:
    kept = labels >= 0
    rows, own = (values, labels) if kept.all() else (values[np.flatnonzero(kept)], labels[kept])
    none = np.zeros((count, values.shape[1]))
    sums, counts = sum_rows(rows, own.astype(np.int32), Centers.of(none, np.zeros(values.shape[1])))
    return sums / counts[:, None]


def _squares(values: Any, labels: np.ndarray, centers: np.ndarray) -> np.ndarray:
    made, kept = np.full(len(labels), np.nan), np.flatnonzero(labels >= 0)
    ready = Centers.of(centers, np.zeros(values.shape[1]))
    made[kept] = squared_distances(values[kept], labels[kept].astype(np.int32), ready)
    return made


def _inertia(squares: np.ndarray, labels: np.ndarray, exponent: int) -> float:
    total = float(squares[labels >= 0].sum())
    with np.errstate(over="ignore", under="ignore"):
        made = float(np.ldexp(total, 2 * exponent))
    if not np.isfinite(made):
        raise NonFinite("The inertia of these vectors is too large for float64. Scale them down: X / 1e100.")
    if total > 0 and made < 1e-300:
        raise OutOfRange("The inertia of these vectors is too small for float64. Scale them up: X * 1e100.")
    return made


def _centers(X: Vectors, core: np.ndarray, view: Seen, names: tuple[str, ...]) -> Vectors:
    import pyarrow as pa

    values = np.ldexp(core, view.exponent)
    if isinstance(view.prepare, Standardized):
        values = values * view.prepare.deviation + view.prepare.mean
    rows = pa.table({"name": pa.array(names, pa.string())})
    return Vectors(values.astype(X.dtype), np.arange(len(names)), rows, X.space.with_claims(()))


def _start(X: Vectors, start: Any, k: int | None, method: str) -> Vectors | None:
    if start is None:
        return None
    if method != "kmeans":
        raise Inapplicable(f'`start` are the centers that k-means starts from; method="{method}" has none.')
    if k is not None:
        raise Inapplicable(
            "Give `k` or `start`, not both: there are as many clusters as centers to start from."
        )
    first = both(X, start, "start from")[1]
    if not len(first):
        raise EmptyInput("`start` holds no centers.")
    return first


def _check(method: str, metric: str | None, k: int | None, seed: int, effort: Effort) -> None:
    if method not in METHODS:
        raise unknown("method", str(method), METHODS)
    if metric not in (None, AUTO, *METRICS):
        raise unknown_metric(metric, METRICS, "metric of clusters")
    if k is not None:
        whole_number("k", k, "the number of clusters")
        if method == "density":
            raise Inapplicable('method="density" finds the number of clusters itself. Leave out `k`.')
    whole_number("seed", seed, "what chance depends on", least=0)
    whole_number("iterations", effort.iterations, "the most passes over the rows")
    if effort.restarts is not None:
        whole_number("restarts", effort.restarts, "the number of starts")
    if not effort.tolerance >= 0:
        raise OutOfRange(f"`tolerance` is a share of the variance, at least 0, not {effort.tolerance!r}.")
