"""Norms of rows, right for every finite row: huge, tiny, subnormal and zero ones.

This module must not know any vecwise type; values are a dense or CSR matrix. The compiled kernel and `norm_lanes`, in
NumPy, give the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from vecwise.kernels import native_norms
from vecwise.kernels.arrays import is_sparse
from vecwise.kernels.native import on_a_line
from vecwise.kernels.norm_lanes import LANES, divided, norms_of, rows_of
from vecwise.kernels.spans import on_spans

COMPILED: Final = (1.0, 2.0, np.inf)
_BLOCK_CELLS: Final = 1 << 16  # half a megabyte of float64, which stays in a core's cache


def row_norms(values: Any, order: float) -> np.ndarray:
    """Give the norm of every row as float64, shape `(rows,)`; see `many_norms`."""
    made: np.ndarray = many_norms(values, (order,))[0]
    return made


def many_norms(values: Any, orders: Sequence[float]) -> np.ndarray:
    """Give norms of several orders, each at least 1, as float64 of shape `(orders, rows)`, in one pass over memory.

    Off by at most (dim / 16 + 12) · 2^-53 of the norm: sums add up in float64 in 16 lanes. Infinite where a
    norm overflows float64, NaN where a row holds NaN.
    """
    cells, starts = _parts(values)
    different = list(dict.fromkeys(float(order) for order in orders))
    norms = np.empty((len(different), values.shape[0]))
    quick = all(order in COMPILED for order in different) and native_norms.library() is not None

    def measure(span: slice) -> None:
        for block in _blocks(span, cells, starts, quick):
            own = _of(cells, starts, block)
            _measure(*own, {order: norms[i, block] for i, order in enumerate(different)})

    on_spans(measure, values.shape[0], _row_bytes(values, cells))
    return norms if len(different) == len(orders) else norms[[different.index(float(o)) for o in orders]]


def _measure(cells: np.ndarray, starts: np.ndarray | None, norms: dict[float, np.ndarray]) -> None:
    if native_norms.library() is not None:
        compiled = {order: norms[order] for order in norms if order in COMPILED}
        if compiled:
            native_norms.row_norms(cells, starts, compiled)
        norms = {order: norms[order] for order in norms if order not in COMPILED}
    rows = rows_of(cells, starts) if norms else None
    for order, into in norms.items():
        assert rows is not None  # noqa: S101  for the type checker
        into[:] = norms_of(rows, order)


def scale_rows(values: Any, order: float) -> Any:
    """Divide every row by its norm of order 1, 2 or infinity, in the values' own type; zero rows stay zero.

    Norms add up in float64. Rows of float64 whose norm is extreme are first scaled by a power of two, which is
    exact: rows of 1e300 and of 1e-300 come out with norm 1, and a row times a power of two with the same bits.
    A cell is off by at most 2^-24 of itself in float32 and by (dim / 32 + 8) · 2^-53 in float64, beside what
    is subnormal.
    """
    return unit_rows(values, order)[0]


def unit_rows(values: Any, order: float) -> tuple[Any, np.ndarray]:
    """Give what `scale_rows` gives, and a mask: which rows have a length."""
    cells, starts = _parts(values)
    made, some = on_a_line(cells.shape, cells.dtype), np.empty(values.shape[0], bool)
    quick = native_norms.library() is not None

    def scale(span: slice) -> None:
        for block in _blocks(span, cells, starts, quick):
            own, begins = _of(cells, starts, block)
            to, have = _of(made, starts, block)[0], some[block]
            if quick:
                native_norms.unit_rows(own, begins, float(order), to, have)
            else:
                have[:] = divided(rows_of(own, begins), order, to)

    on_spans(scale, values.shape[0], _row_bytes(values, cells))
    if starts is None:
        return made, some
    return type(values)((made, values.indices, values.indptr), shape=values.shape), some


# ---- rows of dense and of sparse matrices, block by block ----


def _parts(values: Any) -> tuple[np.ndarray, np.ndarray | None]:
    """The cells, one after the other, and, of a CSR matrix, where rows begin among them."""
    cells = values.data if is_sparse(values) else values
    if cells.dtype not in (np.float32, np.float64):
        cells = cells.astype(np.float64)
    starts = np.ascontiguousarray(values.indptr, dtype=np.int64) if is_sparse(values) else None
    return np.require(cells, requirements=["C", "A"]), starts


def _row_bytes(values: Any, cells: np.ndarray) -> int:
    return int(cells.nbytes // max(1, values.shape[0]))


def _blocks(span: slice, cells: np.ndarray, starts: np.ndarray | None, quick: bool) -> Iterator[slice]:
    """A span as it is for the compiled kernel, which holds a row at a time; for NumPy in blocks that stay in cache."""
    width = cells.shape[1] if starts is None else max(LANES, len(cells) // max(1, len(starts) - 1))
    size = max(1, span.stop - span.start if quick else _BLOCK_CELLS // width)
    for start in range(span.start, span.stop, size):
        yield slice(start, min(start + size, span.stop))


def _of(cells: np.ndarray, starts: np.ndarray | None, block: slice) -> tuple[np.ndarray, np.ndarray | None]:
    if starts is None:
        return cells[block], None
    own = starts[block.start : block.stop + 1]
    return cells[own[0] : own[-1]], own - own[0]
