"""Rows and centers: which center is nearest to each row, rows added up by center, and a good start.

This module must not know any vecwise type; values are a dense or CSR matrix. A product in single precision only
chooses candidates: what it cannot decide is measured again in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.kernels import native_kmeans
from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.blas import one_blas_thread

TILE_ROWS: Final = 2048  # rows whose scores are held at a time
_BLOCK_CELLS: Final = 1 << 17  # a megabyte of float64
_SINGLE: Final = 2.0**-24  # the rounding of float32, and of float64
_DOUBLE: Final = 2.0**-53


@dataclass(frozen=True, slots=True, eq=False)
class Centers:
    """Centers ready to be compared with rows: `exact`, less the shift, in float64, and what products need of them.

    `shift` is subtracted from rows before products: rows far from the origin would lose their digits there.
    """

    exact: np.ndarray
    shift: np.ndarray
    shifted: bool
    packed: np.ndarray  # (strips, dim, 64) float32
    halves: np.ndarray  # half the squared lengths, float32, infinite for the padding
    slope: float  # two scores of a row of length 1 that lie within it may be ranked wrongly,
    least: float  # and of any row those within this

    @classmethod
    def of(cls, exact: np.ndarray, shift: np.ndarray) -> Centers:
        """Prepare centers of shape `(k, dim)`."""
        exact = np.ascontiguousarray(exact)
        count, dim = exact.shape
        padded = -(-count // native_kmeans.STRIP) * native_kmeans.STRIP
        rows = np.zeros((padded, dim), np.float32)
        rows[:count] = exact
        packed = rows.reshape(-1, native_kmeans.STRIP, dim).transpose(0, 2, 1)
        squares = np.einsum("ij,ij->i", exact, exact)
        halves = np.full(padded, np.inf, np.float32)
        halves[:count] = squares / 2
        longest = float(np.sqrt(squares.max(initial=0)))
        # Each of two scores is off by at most (dim + 4) roundings of |x| |c|, and by some of |c|² / 2.
        slope = 2.2 * (dim + 8) * _SINGLE * longest
        return cls(
            exact,
            shift,
            bool(shift.any()),
            np.ascontiguousarray(packed),
            halves,
            slope,
            slope * longest + 1e-30,
        )

    def __len__(self) -> int:
        return len(self.exact)


def nearest_centers(values: Any, centers: Centers) -> np.ndarray:
    """Give the number of the center nearest to each row, as int32; of equally near ones the lowest.

    Exact up to rounding in float64: a row goes to a center whose squared distance is the smallest to within
    `(dim + 8) · 2^-52 · (|x| + |c|)²`, lengths taken from the shift. Costs rows · centers · dim multiplications
    in float32.
    """
    if is_sparse(values):
        return _nearest_sparse(values, centers)
    labels = np.zeros(values.shape[0], np.int32)
    with one_blas_thread, np.errstate(invalid="ignore"):
        for start in range(0, len(labels), TILE_ROWS):
            part = slice(start, start + TILE_ROWS)
            _nearest_tile(values[part], centers, labels[part])
    return labels


def _nearest_tile(values: np.ndarray, centers: Centers, labels: np.ndarray) -> None:
    direct = values.dtype == np.float32 and not centers.shifted
    tile = values if direct else (values - centers.shift.astype(values.dtype)).astype(np.float32)
    if native_kmeans.has_fused():
        doubtful = native_kmeans.nearest_centers(
            tile, centers.packed, centers.halves, centers.slope, centers.least, labels
        )
    else:
        doubtful = _by_product(tile, centers, labels)
    if len(doubtful):
        labels[doubtful] = _nearest_double(values[doubtful], centers)


def _by_product(tile: np.ndarray, centers: Centers, labels: np.ndarray) -> np.ndarray:
    """What the fused kernel does, by one product; its slack goes by the longest row."""
    used = -(-len(centers) // native_kmeans.LANES) * native_kmeans.LANES
    turned = centers.packed[0] if len(centers.packed) == 1 else np.concatenate(list(centers.packed), axis=1)
    scores = tile @ np.ascontiguousarray(turned[:, :used])
    compiled = native_kmeans.library() is not None
    square = native_kmeans.longest_row(tile) if compiled else float(np.einsum("ij,ij->i", tile, tile).max())
    slack = centers.slope * np.sqrt(square * (1 + 2 * tile.shape[1] * _SINGLE)) + centers.least
    if compiled:
        room = np.empty(len(labels), np.int64)
        return native_kmeans.best_centers(scores, centers.halves[:used].copy(), slack, labels, room)
    scores -= centers.halves[:used]
    labels[:] = scores.argmax(axis=1)
    rows = np.arange(len(labels))
    best = scores[rows, labels]
    scores[rows, labels] = -np.inf
    return np.flatnonzero(~(best - scores.max(axis=1) > np.float32(slack)))


def _nearest_double(values: np.ndarray, centers: Centers) -> np.ndarray:
    """The same in float64; what that cannot decide is measured by differences."""
    labels = np.empty(len(values), np.int64)
    size = max(1, _BLOCK_CELLS // max(values.shape[1], len(centers)))
    squares = np.einsum("ij,ij->i", centers.exact, centers.exact)
    longest = np.sqrt(squares.max())
    for start in range(0, len(values), size):
        rows = values[start : start + size] - centers.shift
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        scores = rows @ centers.exact.T - squares / 2
        best = scores.argmax(axis=1)
        slack = 2.2 * (rows.shape[1] + 8) * _DOUBLE * np.square(lengths + longest) + 1e-290
        near = scores >= scores[np.arange(len(rows)), best][:, None] - slack[:, None]
        for row in np.flatnonzero(near.sum(axis=1) > 1).tolist():
            rivals = np.flatnonzero(near[row])
            best[row] = rivals[_squares(rows[row] - centers.exact[rivals]).argmin()]
        labels[start : start + size] = best
    return labels


def _nearest_sparse(values: Any, centers: Centers) -> np.ndarray:
    squares = np.einsum("ij,ij->i", centers.exact, centers.exact)
    scores = dense(values.astype(np.float64) @ centers.exact.T) - squares / 2
    return scores.argmax(axis=1).astype(np.int32)


def assigned(values: Any, centers: Centers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the labels of `nearest_centers` and the sums and counts of `sum_rows`, in one go where that is quicker."""
    if is_sparse(values) or values.dtype != np.float32 or centers.shifted or not native_kmeans.has_fused():
        labels = nearest_centers(values, centers)
        return labels, *sum_rows(values, labels, centers)
    labels = np.empty(len(values), np.int32)
    sums, counts = np.zeros(centers.exact.shape), np.zeros(len(centers), np.int64)
    native_kmeans.assign_rows(
        *(values, centers.packed, centers.halves, centers.slope, centers.least),
        *(centers.exact, labels, sums, counts),
    )
    return labels, sums, counts


def sum_rows(values: Any, labels: np.ndarray, centers: Centers) -> tuple[np.ndarray, np.ndarray]:
    """Give the sums of the rows, less the shift, by label, `(k, dim)` float64, and the counts, int64.

    Rows are added one after the other, so the compiled way and this one give the same bits.
    """
    sums, counts = np.zeros(centers.exact.shape), np.zeros(len(centers), np.int64)
    if not is_sparse(values) and native_kmeans.library() is not None:
        for start in range(0, len(labels), TILE_ROWS):
            part = slice(start, start + TILE_ROWS)
            native_kmeans.add_rows(values[part], centers.shift, labels[part], sums, counts)
        return sums, counts
    from scipy.sparse import csr_array

    parts = (np.ones(len(labels)), labels, np.arange(len(labels) + 1))
    members = csr_array(parts, shape=(len(labels), len(centers))).T.tocsr()
    counts += np.bincount(labels, minlength=len(centers))
    if is_sparse(values):
        return dense(members @ values.astype(np.float64)), counts
    return members @ (values - centers.shift), counts


def squared_distances(values: Any, labels: np.ndarray, centers: Centers) -> np.ndarray:
    """Give the squared distance of each row to the center of its label, as float64.

    Of dense rows by differences, to `(dim + 3) · 2^-53` of itself; of sparse rows to 2^-50 of `|x|² + |c|²`.
    """
    if is_sparse(values):
        return _sparse_distances(values, labels, centers)
    if native_kmeans.library() is not None:
        return native_kmeans.measure_rows(values, centers.shift, centers.exact, labels)
    made = np.empty(len(labels))
    size = max(1, _BLOCK_CELLS // values.shape[1])
    for start in range(0, len(labels), size):
        part = slice(start, start + size)
        made[part] = _squares((values[part] - centers.shift) - centers.exact[labels[part]])
    return made


def _squares(apart: np.ndarray) -> np.ndarray:
    """The squared lengths of rows, added up as the compiled kernel does it: in 16 lanes, then lanes in pairs."""
    lanes = native_kmeans.LANES
    whole = np.zeros((len(apart), -(-apart.shape[1] // lanes) * lanes))
    whole[:, : apart.shape[1]] = np.square(apart)
    sums = whole.reshape(len(apart), -1, lanes).sum(axis=1)
    while sums.shape[1] > 1:
        sums = sums[:, : sums.shape[1] // 2] + sums[:, sums.shape[1] // 2 :]
    return sums[:, 0]


def _sparse_distances(values: Any, labels: np.ndarray, centers: Centers) -> np.ndarray:
    """|c|² and, for every filled cell, what it changes."""
    squares = np.einsum("ij,ij->i", centers.exact, centers.exact)
    cells = values.data.astype(np.float64)
    rows = np.repeat(np.arange(len(labels)), np.diff(values.indptr))
    change = cells * (cells - 2 * centers.exact[labels[rows], values.indices])
    made = squares[labels] + np.bincount(rows, weights=change, minlength=len(labels))
    return np.maximum(made, 0.0)


def plus_plus(values: Any, count: int, rng: np.random.Generator) -> np.ndarray:
    """Give the places of up to `count` rows to start from, far from each other: fewer where fewer rows differ.

    Each is drawn with a chance that grows with its squared distance to those before, the best of
    2 + log(count) draws (Arthur and Vassilvitskii 2007; the greedy form is of their appendix).
    """
    draws = 2 + int(np.log(count))
    squares = _row_squares(values)
    chosen = [int(rng.integers(len(squares)))]
    with one_blas_thread:
        closest = _squares_to(values, squares, np.array(chosen))[:, 0]
        while len(chosen) < count:
            ladder = np.cumsum(closest)
            if not ladder[-1] > 0:
                break
            places = np.searchsorted(ladder, rng.random(draws) * ladder[-1], side="right")
            places = np.minimum(places, len(squares) - 1)
            apart = np.minimum(_squares_to(values, squares, places), closest[:, None])
            best = int(apart.sum(axis=0).argmin())
            chosen.append(int(places[best]))
            closest = np.ascontiguousarray(apart[:, best])
    return np.array(chosen)


def _row_squares(values: Any) -> np.ndarray:
    if is_sparse(values):
        return dense(values.multiply(values).sum(axis=1)).reshape(-1)
    return np.einsum("ij,ij->i", values, values)


def _squares_to(values: Any, squares: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Squared distances of all rows to those at `places`, exactly 0 between equal rows."""
    made = squares[:, None] + squares[places] - 2 * dense(values @ values[places].T)
    noise = 4 * (values.shape[1] + 8) * _DOUBLE * (squares[:, None] + squares[places])
    for column, place in enumerate(places.tolist()):
        close = np.flatnonzero(made[:, column] <= noise[:, column])
        for rows in _portions(close, values.shape[1]):
            apart = dense(values[rows]) - dense(values[[place]])
            made[rows, column] = np.einsum("ij,ij->i", apart, apart)
    return np.maximum(made, 0.0)


def _portions(places: np.ndarray, dim: int) -> Iterator[np.ndarray]:
    size = max(1, _BLOCK_CELLS // dim)
    return (places[start : start + size] for start in range(0, len(places), size))
