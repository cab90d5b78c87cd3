"""Similarities and distances of all pairs of two blocks of rows, in float64.

This module must not know any vecwise type; values are dense or CSR matrices of one dimension.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from vecwise.kernels import native_pairs
from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.distances import DIFFERENCES, listed_distances, write_distances
from vecwise.kernels.norms import unit_rows
from vecwise.kernels.spans import in_spans

SIMILARITIES: Final = ("cosine", "dot")
DISTANCES: Final = (*DIFFERENCES, "jaccard", "angular")
SPAN: Final = (
    256  # rows of a table filled in at a time; not a function of the cores, so that the bits are none
)
_TAME: Final = (1e-140, 1e140)  # lengths whose squares neither overflow nor vanish
_PARALLEL: Final = 0.9  # a cosine beyond which an angle is taken from the difference of the unit rows


def table(A: Any, B: Any, metric: str, p: float = 2.0) -> np.ndarray:
    """Give the scores of all pairs, shape `(rows of A, rows of B)`, on all cores; infinite where they overflow.

    If `B is A`, one half is computed and mirrored, so the table is symmetric to the bit. Spans of rows have
    the same size for any number of cores, so the bits do not depend on them.
    """
    same = B is A
    left, right = _prepared_on_cores(A, B, metric)
    made = np.empty((A.shape[0], B.shape[0]))

    def fill(span: slice) -> None:
        start = span.start if same else 0
        write_scores(left[span], right[start:], metric, p, made[span, start:])
        if same:
            made[span.stop :, span] = made[span, span.stop :].T
            upper = np.triu_indices(span.stop - span.start, 1)
            made[span, span].T[upper] = made[span, span][upper]

    with one_blas_thread:
        in_spans(
            fill, made.shape[0], SPAN if same else 2 * SPAN
        )  # the spans of half a table waste less if small
    return made


def prepared(values: Any, metric: str) -> Any:
    """Give rows as `write_scores` takes them: float64, for cosines and angles of length 1 (zero rows: NaN)."""
    if metric == "jaccard":
        return _marked(values)
    if metric in ("cosine", "angular"):
        return (
            unit_rows(values.astype(np.float64), 2)[0]
            if is_sparse(values)
            else _unit_rows(values, np.empty(values.shape))
        )
    return values.astype(np.float64) if is_sparse(values) else dense(values)


def _unit_rows(values: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Rows in float64 at length 1, written into `made`; zero rows become NaN, which every product of theirs is then."""
    np.copyto(made, values)
    with np.errstate(over="ignore", under="ignore"):
        lengths = np.sqrt(np.einsum("ij,ij->i", made, made))
    wild = ~((lengths > _TAME[0]) & (lengths < _TAME[1]))
    if wild.any():
        rows, live = unit_rows(made[wild], 2)
        made[wild] = np.where(live[:, None], rows, np.nan)
        lengths[wild] = 1.0
    made /= lengths[:, None]
    return made


def _prepared_on_cores(A: Any, B: Any, metric: str) -> tuple[Any, Any]:
    """Both sides prepared, span by span; one object if they are one."""
    kept = metric not in ("cosine", "angular", "jaccard")
    made, work = [], []
    for values in [A] if B is A else [A, B]:
        if is_sparse(values) or (values.dtype == np.float64 and kept):
            made.append(prepared(values, metric))
            continue
        made.append(np.empty(values.shape, prepared(values[:0], metric).dtype))
        starts = range(0, values.shape[0], SPAN)
        work += [(values, made[-1], slice(start, start + SPAN)) for start in starts]

    def fill(some: slice) -> None:
        for values, target, span in work[some]:
            if metric == "jaccard" or kept:
                target[span] = prepared(values[span], metric)
            else:
                _unit_rows(values[span], target[span])

    in_spans(fill, len(work), 1)
    return made[0], made[-1]


def write_scores(a: Any, b: Any, metric: str, p: float, out: np.ndarray) -> None:
    """Write the scores of all pairs of prepared rows."""
    if metric in DIFFERENCES:
        write_distances(a, b, metric, p, out)
    elif metric == "jaccard":
        _write_jaccard(a, b, out)
    else:
        _write_products(a, b, out)
        if metric != "dot":
            _to_range(a, b, out)
        if metric == "angular":
            _to_angles(a, b, out)


def scored(A: Any, B: Any, metric: str, p: float = 2.0) -> np.ndarray:
    """Give the scores of all pairs of two blocks on this thread alone; infinite where they overflow."""
    made = np.empty((A.shape[0], B.shape[0]))
    with one_blas_thread:
        write_scores(prepared(A, metric), prepared(B, metric), metric, p, made)
    return made


def distances(A: Any, B: Any, metric: str) -> np.ndarray:
    """Give the distances of all pairs of two blocks, on this thread alone; infinite where they overflow."""
    return scored(A, B, metric)


def _write_products(a: Any, b: Any, out: np.ndarray) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        if is_sparse(a) or is_sparse(b):
            out[...] = dense(a @ b.T)
        else:
            np.matmul(a, b.T, out=out)


def _to_range(a: Any, b: Any, out: np.ndarray) -> None:
    """Products of unit rows as cosines: one within rounding of 1 or -1 is that; none where a row is zero."""
    rounding = (16 + a.shape[1]) * np.finfo(np.float64).eps
    for rows, side in ((a, 0), (b, 1)):
        if is_sparse(rows):
            empty = np.diff(rows.indptr) == 0
            if empty.any():
                out[(empty, slice(None)) if side == 0 else (slice(None), empty)] = np.nan
    if native_pairs.library() is not None:
        native_pairs.clip(out, rounding)
        return
    with np.errstate(invalid="ignore"):
        np.clip(out, -1.0, 1.0, out=out)
        out[out >= 1 - rounding] = 1.0
        out[out <= rounding - 1] = -1.0


def _to_angles(a: Any, b: Any, out: np.ndarray) -> None:
    """Cosines as angles, in half turns. Near 0 and 1 a rounded cosine has lost half of an angle's digits, and the
    difference of the unit rows has not: it is twice the sine of half the angle."""
    with np.errstate(invalid="ignore"):
        near = [np.nonzero(out > _PARALLEL), np.nonzero(out < -_PARALLEL)]
        np.arccos(out, out=out)
    out /= np.pi
    for (left, right), sign in zip(near, (1, -1), strict=True):
        if len(left):
            apart = listed_distances(a, b if sign > 0 else -b, left, right)
            turns = 2 * np.arcsin(apart / 2) / np.pi
            out[left, right] = turns if sign > 0 else 1 - turns


def _marked(values: Any) -> Any:
    """1 where a cell is not zero."""
    kind = np.float32 if values.shape[1] < 1 << 24 else np.float64  # counts are exact in both
    if not is_sparse(values):
        return (values != 0).astype(kind)
    made = values.astype(kind)
    made.data[:] = 1
    return made


def _write_jaccard(a: Any, b: Any, out: np.ndarray) -> None:
    """One minus the share of the dimensions in either set that are in both; two empty sets are equal."""
    shared = dense(a @ b.T)
    sizes = [np.asarray(rows.sum(axis=1, dtype=np.float64)).reshape(-1) for rows in (a, b)]
    either = sizes[0][:, None] + sizes[1] - shared
    np.divide(either - shared, either, out=out, where=either > 0)
    out[either == 0] = 0.0


PAIRS: Final[dict[str, Callable[..., np.ndarray]]] = {
    name: partial(scored, metric=name) for name in (*SIMILARITIES, *DISTANCES)
}
dots, cosines = PAIRS["dot"], PAIRS["cosine"]
