"""Which rows could be among the k best of one query, found by reading one byte a coordinate.

This module must not know any vecwise type. It only narrows: whoever asks scores the survivors exactly, so that the
answer is that of scoring all rows.

A row x, brought to length 1 for the cosine, is stored as w = x - m = s (c + e): m is about the mean of all rows, c
whole numbers up to 127, and the radius |s e| is stored too. The query q is s' (c' + e') with c' up to 16,319. Then by
Cauchy and Schwarz

    |q . w - s s' c . c'|  <=  |q| |s e| + |s' e'| |s c|

and q . m is the same for all rows. For Euclidean distances, -|q - x|^2 + |q - m|^2 = 2 (q - m) . w - |w|^2 takes the
place of q . x. Rows whose most is below the k-th best of all leasts are not among the k best.

These are not the bytes of `quantized.py`: those are made of float32 for one product, of eight bits with eight bits,
while these stay beside an index, stand for float64 rows about a mean, and carry what questions of fifteen bits ask.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np

from vecwise.kernels.native_scan import LANES, MOST_WHOLE, Question, Rows, library, scan, write
from vecwise.kernels.norms import row_norms, scale_rows
from vecwise.kernels.spans import on_spans, workers

METRICS: Final = ("cosine", "dot", "euclidean")
MOST_DIM: Final = 1 << 16
_SAMPLE: Final = 4096  # rows whose mean is taken: any point is right, a near one leaves shorter rows
_BLOCK_CELLS: Final = 1 << 15
_LONGEST: Final = 1e30  # squares and float32 scales hold it
_SHORTEST: Final = 1e-120  # below, products of float64 vanish and no bound on rounding holds
_WORTH_A_THREAD: Final = 1 << 21  # bytes


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """All rows at one byte a coordinate, with what bounds the error of each."""

    metric: str
    rows: Rows
    center: np.ndarray
    longest: float  # of all s c
    extent: float  # bounds the lengths of x, m, w and s c together
    some: np.ndarray | None  # uint8: which rows have a length, for the cosine, if not all have

    @property
    def nbytes(self) -> int:
        """The bytes it holds."""
        return sum(array.nbytes for array in (*self.rows, self.center, self.some) if array is not None)


def encoded(values: np.ndarray, metric: str) -> Codes | None:
    """Store dense rows at one byte a coordinate, or give None where bounds would not hold or nothing would be won.

    That is: no compiled library, more than 65,536 dimensions, rows longer than 1e30. Reads all rows once.
    """
    count, dim = values.shape
    if library() is None or not count or dim > MOST_DIM:
        return None
    center = _point(values, metric)
    width = -(-dim // LANES) * LANES
    codes, scales = np.empty((count, width), np.uint8), np.empty(count, np.float32)
    lengths, sums = np.empty(count), np.empty((count, 3))

    def encode(span: slice) -> None:
        size = max(1, _BLOCK_CELLS // dim)
        for start in range(span.start, span.stop, size):
            block = slice(start, min(start + size, span.stop))
            double = _points(values[block], metric)
            lengths[block] = row_norms(double, 2)
            sums[block] = write(double - center, codes[block], scales[block])

    with np.errstate(over="ignore", invalid="ignore"):
        if metric != "cosine" and not max(values.max(), -values.min()) <= _LONGEST / dim:
            return None
        on_spans(encode, count, dim * 8)
    longest = float(np.sqrt(sums[:, 1].max())) * (1 + 1e-9)
    extent = float(lengths.max()) + float(row_norms(center[None], 2)[0]) + longest
    some = lengths > 0
    return Codes(
        metric,
        Rows(codes, scales, _above(np.sqrt(sums[:, 2])), -sums[:, 0] if metric == "euclidean" else None),
        center,
        longest,
        extent,
        None if metric != "cosine" or some.all() else some.view(np.uint8),
    )


def _points(values: np.ndarray, metric: str) -> np.ndarray:
    double = np.asarray(values, np.float64)
    return scale_rows(double, 2) if metric == "cosine" else double


def _point(values: np.ndarray, metric: str) -> np.ndarray:
    """About the mean of all rows."""
    step = -(-len(values) // _SAMPLE)
    with np.errstate(over="ignore", invalid="ignore"):
        center = _points(values[::step], metric).mean(axis=0)
    return center if np.isfinite(center).all() else np.zeros(values.shape[1])


def _above(numbers: np.ndarray) -> np.ndarray:
    """The numbers as float32, each a little larger, so that rounding lowers none; never zero."""
    with np.errstate(under="ignore"):
        return np.nextafter((numbers * (1 + 1e-9)).astype(np.float32), np.float32(np.inf))


def asked(codes: Codes, query: np.ndarray) -> Question | None:
    """Prepare one query, or give None where no bound would hold: one without a length, or a huge or tiny one."""
    if library() is None:  # switched off since the rows were written
        return None
    dim = len(codes.center)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        point = _points(query[None], codes.metric)[0]
        size = float(row_norms(point[None], 2)[0])
        double = codes.metric == "euclidean"
        point = point - codes.center if double else point
        length = float(row_norms(point[None], 2)[0])
        step = float(np.abs(point).max()) / MOST_WHOLE
        tame = codes.extent > _SHORTEST and size < _LONGEST and (double or size > _SHORTEST)
        if not tame or step < _SHORTEST:
            return None
        whole = np.rint(point / step)
        left = float(row_norms((point - step * whole)[None], 2)[0])
        # Every sum in float64 here and in the exact scores is off by at most so much: dim + a few roundings each.
        scope = (size + codes.extent) ** 2 if double else size * codes.extent
        slack = (8 * dim + 256) * np.finfo(np.float64).eps * scope
    if not slack > 0:
        return None
    padded = np.zeros(codes.rows.codes.shape[1], np.int16)
    padded[:dim] = whole
    twice = 2 if double else 1
    length, left = length * (1 + 1e-9), left * (1 + 1e-9)
    return Question(padded, twice * step, twice * length, twice * left * codes.longest + slack)


def survivors(
    codes: Codes, question: Question, k: int, allowed: np.ndarray | None = None, *, portable: bool = False
) -> np.ndarray:
    """Give the rows, in their order, that could be among the k best of those allowed (a boolean mask; None: all).

    Rows without a length are left out for the cosine. The k best by exact scores, ties by row order, are among
    them, or all allowed rows are when there are fewer than k. Which rows come back does not depend on threads.
    """
    count, width = codes.rows.codes.shape
    mask = codes.some if allowed is None else allowed.view(np.uint8)
    if allowed is not None and codes.some is not None:
        mask = mask & codes.some
    parts = min(workers(), max(1, count * width // _WORTH_A_THREAD))
    size = -(-count // parts)
    spans = [slice(start, min(start + size, count)) for start in range(0, count, size)]

    def work(span: slice) -> Any:
        part = None if mask is None else mask[span]
        return scan(codes.rows.part(span), question, part, k, portable=portable)

    waiting: list[Future[Any]] = [_pool(os.getpid()).submit(work, span) for span in spans[1:]]
    found = [work(spans[0]), *(future.result() for future in waiting)]
    least = np.concatenate([heap for _, _, heap in found])
    edge = np.partition(least, len(least) - k)[len(least) - k]
    kept = [places[most >= edge] + span.start for (places, most, _), span in zip(found, spans, strict=True)]
    return np.concatenate(kept)


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Threads that stay: starting them would take longer than a small scan. A fork, another process, has its own."""
    return ThreadPoolExecutor(workers(), thread_name_prefix=f"vecwise-scan-{process}")
