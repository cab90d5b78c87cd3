"""k-means: each pass over the rows is a fold, and what it found moves the centers.

This module must not know vectors, spaces or words; the arithmetic is in `kernels.kmeans`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.engines.local import serial
from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.kmeans import Centers, assigned, plus_plus, squared_distances
from vecwise.kernels.mapped import passed
from vecwise.runner import Engine, fold

STARTS: Final = ((1_000_000, 10), (10_000_000, 3))  # up to so many numbers, so many starts; one above
_WORTH_THREADS: Final = 1 << 23  # bytes; of less, a pass is over before a second thread has started
START_ROWS: Final = 20_000  # rows of the sample that a start is drawn from, and at least this many a center
ROWS_PER_CENTER: Final = 50
TRIED: Final = 3  # starts on the sample, each followed by some passes over it
TRIED_PASSES: Final = 5
MANY: Final = 2_000_000  # rows above which mini-batches come first
BATCHES: Final = 100
BATCH_ROWS: Final = 50_000
LAST_PASSES: Final = 10  # over all rows, after mini-batches
SPARSE_ROWS: Final = 8192
_PART: Final = 1 << 21  # numbers of a part: smaller ones cost more calls, larger ones leave workers waiting


class Assigned(NamedTuple):
    """What a pass has read: labels and squared distances (one array a chunk), rows summed up by label, and counts."""

    labels: tuple[np.ndarray, ...]
    squares: tuple[np.ndarray, ...]
    sums: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True, slots=True)
class Assign:
    """One pass of k-means as a fold over matrices: rows go to their nearest center and are added up there.

    With `measured` the squared distances are kept too.
    """

    centers: Centers
    measured: bool = False

    def zero(self) -> Assigned:
        """No rows."""
        return Assigned((), (), np.zeros(self.centers.exact.shape), np.zeros(len(self.centers), np.int64))

    def step(self, state: Assigned, values: Any, /) -> Assigned:
        """Read one more matrix."""
        labels, sums, counts = assigned(values, self.centers)
        squares = (squared_distances(values, labels, self.centers),) if self.measured else ()
        return self.merge(state, Assigned((labels,), squares, sums, counts))

    def merge(self, left: Assigned, right: Assigned, /) -> Assigned:
        """One after the other; sums and counts add up."""
        labels, squares = left.labels + right.labels, left.squares + right.squares
        return Assigned(labels, squares, left.sums + right.sums, left.counts + right.counts)

    def done(self, state: Assigned, /) -> Assigned:
        """Labels and distances as one array each."""
        labels = np.concatenate([np.zeros(0, np.int32), *state.labels])
        squares = np.concatenate([np.zeros(0), *state.squares])
        return Assigned((labels,), (squares,), state.sums, state.counts)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What k-means found: centers `(k, dim)`, a label and a squared distance a row, their sum, and passes made."""

    centers: np.ndarray
    labels: np.ndarray
    squares: np.ndarray
    inertia: float
    iterations: int


@dataclass(frozen=True, slots=True)
class Effort:
    """How long k-means looks: starts, passes, and the move of the centers that ends it, as a share of the variance."""

    restarts: int | None = None
    iterations: int = 300
    tolerance: float = 1e-4


def parts(values: Any) -> Iterator[Any]:
    """Cut a matrix into the chunks that a pass reads; a function of its shape alone."""
    size = SPARSE_ROWS if is_sparse(values) else max(64, _PART // values.shape[1])
    return (values[start : start + size] for start in passed(values, range(0, values.shape[0], size)))


def assign(values: Any, centers: np.ndarray, shift: np.ndarray, engine: Engine | None = None) -> Assigned:
    """Give the nearest center of each row, with its squared distance."""
    with one_blas_thread:
        return fold(Assign(Centers.of(centers - shift, shift), measured=True), parts(values), engine=engine)


def kmeans(
    values: Any,
    count: int,
    *,
    seed: int,
    effort: Effort,
    start: np.ndarray | None = None,
    engine: Engine | None = None,
) -> Found:
    """Find `count` centers or, where fewer rows differ, fewer; the best of several starts, the first of equals."""
    shift, spread = middle(values)
    effort = replace(effort, tolerance=effort.tolerance * spread)
    size = values.nnz if is_sparse(values) else values.size
    most = effort.restarts or next((starts for numbers, starts in STARTS if size <= numbers), 1)
    if engine is None and size * values.dtype.itemsize < _WORTH_THREADS:
        engine = serial
    best: Found | None = None
    with one_blas_thread:
        for restart in range(1 if start is not None else most):
            rng = np.random.default_rng([seed, restart])
            first = _start(values, count, shift, rng, engine) if start is None else start
            many = values.shape[0] > MANY and start is None
            if many:
                first = _mini_batches(values, first, shift, rng, engine)
            found = lloyd(
                values,
                first,
                shift,
                replace(effort, iterations=min(effort.iterations, LAST_PASSES)) if many else effort,
                engine,
            )
            if best is None or found.inertia < best.inertia:
                best = found
    assert best is not None  # noqa: S101  there is at least one start
    return best


def lloyd(
    values: Any, start: np.ndarray, shift: np.ndarray, effort: Effort, engine: Engine | None = None
) -> Found:
    """Move centers to the means of their rows until no label changes, they hardly move, or passes run out.

    Labels are those of the final centers. A center that loses its rows moves to the row farthest from its own
    (the first of equals), so the sum of squares never grows; one that finds no row unlike the others is dropped.
    Source: Lloyd 1982, doi:10.1109/TIT.1982.1056489. `tolerance` is the summed squared move that ends it.
    """
    centers, before, passes = start - shift, None, 0
    while passes < effort.iterations:
        passes += 1
        read = fold(Assign(Centers.of(centers, shift)), parts(values), engine=engine)
        if before is not None and np.array_equal(read.labels[0], before):
            break
        before = read.labels[0]
        if not read.counts.all():
            read = _refilled(values, Centers.of(centers, shift), engine)
            before = before if len(read.counts) == len(centers) else None
            centers = centers[: len(read.counts)] if before is None else centers
        moved = read.sums / read.counts[:, None]
        change = float(np.square(moved - centers).sum()) if before is not None else np.inf
        centers = moved
        if change <= effort.tolerance:
            break
    return _finished(values, centers, shift, passes, engine)


def _finished(
    values: Any, centers: np.ndarray, shift: np.ndarray, passes: int, engine: Engine | None
) -> Found:
    while True:
        read = fold(Assign(Centers.of(centers, shift), measured=True), parts(values), engine=engine)
        if read.counts.all():
            break
        centers = centers[read.counts > 0]
    return Found(centers + shift, read.labels[0], read.squares[0], float(read.squares[0].sum()), passes)


def _refilled(values: Any, centers: Centers, engine: Engine | None) -> Assigned:
    """Give every empty center the row farthest from its own that none of them has yet; without any, drop it."""
    read = fold(Assign(centers, measured=True), parts(values), engine=engine)
    labels, squares, sums, counts = (
        read.labels[0],
        read.squares[0].copy(),
        read.sums.copy(),
        read.counts.copy(),
    )
    for empty in np.flatnonzero(counts == 0).tolist():
        squares[counts[labels] <= 1] = 0.0  # a center's only row stays
        place = int(squares.argmax())
        if not squares[place] > 0:
            break
        row = dense(values[[place]])[0] - centers.shift
        sums[labels[place]] -= row
        counts[labels[place]] -= 1
        sums[empty], counts[empty] = row, 1
        alike = np.flatnonzero(squares == squares[place])
        squares[alike[(dense(values[alike]) - centers.shift == row).all(axis=1)]] = 0.0
    kept = counts > 0
    return Assigned((labels,), (squares,), sums[kept], counts[kept])


def middle(values: Any) -> tuple[np.ndarray, float]:
    """What rows are shifted by before products, in the values' precision, and their variance a dimension.

    Both are those of up to 8,192 evenly spaced rows: the shift only keeps digits, and changes no answer.
    Rows that lie around the origin, and sparse ones, are not shifted.
    """
    rows = values[:: max(1, values.shape[0] // SPARSE_ROWS)]
    if is_sparse(values):
        mean = dense(rows.mean(axis=0)).reshape(-1)
        spread = float(dense(rows.multiply(rows).sum()) / rows.shape[0] - mean @ mean)
        return np.zeros(values.shape[1]), max(0.0, spread) / values.shape[1]
    mean = rows.mean(axis=0, dtype=np.float64)
    spread = float(np.square(rows - mean).sum() / len(rows))
    shift = mean.astype(values.dtype).astype(np.float64) if mean @ mean > spread else np.zeros(len(mean))
    return shift, spread / len(mean)


def _start(
    values: Any, count: int, shift: np.ndarray, rng: np.random.Generator, engine: Engine | None
) -> np.ndarray:
    """Rows to start from; of many rows the best of some starts, after some passes over a sample."""
    rows, size = values.shape[0], max(START_ROWS, ROWS_PER_CENTER * count)
    if rows <= size:
        return dense(values[plus_plus(_double(values), count, rng)], np.float64)
    sample = values[np.sort(rng.choice(rows, size, replace=False))]
    double, best = _double(sample), None
    for _ in range(TRIED):
        chosen = plus_plus(double, count, rng)
        if len(chosen) < count:  # the sample has too few rows that differ
            return dense(values[plus_plus(_double(values), count, rng)], np.float64)
        found = lloyd(sample, dense(double[chosen]), shift, Effort(1, TRIED_PASSES, 0.0), engine)
        if best is None or found.inertia < best.inertia:
            best = found
    assert best is not None  # noqa: S101  at least one was tried
    return best.centers


def _double(values: Any) -> Any:
    return values.astype(np.float64) if is_sparse(values) else dense(values)


def _mini_batches(
    values: Any, centers: np.ndarray, shift: np.ndarray, rng: np.random.Generator, engine: Engine | None
) -> np.ndarray:
    """Move centers by the rows of small samples, each as far as its share of all rows it has seen.

    Source: Sculley 2010, doi:10.1145/1772690.1772862.
    """
    centers, seen = centers - shift, np.zeros(len(centers))
    for _ in range(BATCHES):
        places = np.sort(rng.integers(values.shape[0], size=BATCH_ROWS))
        read = fold(Assign(Centers.of(centers, shift)), parts(values[places]), engine=engine)
        seen += read.counts
        step = read.sums - read.counts[:, None] * centers
        centers = centers + step / np.maximum(seen, 1)[:, None]
    return centers + shift
