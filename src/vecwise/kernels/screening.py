"""Pairs whose score may reach a bound, found by products in float32 with a proven error, and scored in float64.

This module must not know any vecwise type. A sum of n products, added in any order with unit roundoff u, is within
n u / (1 - n u) of the true one, times both lengths (Higham 2002, section 3.1, doi:10.1137/1.9780898718027); the bound
is lowered by more than that, so no pair is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from vecwise.kernels import native_pairs
from vecwise.kernels.arrays import is_sparse
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.norms import row_norms, scale_rows
from vecwise.kernels.quantized import Bytes, lowered, quantized, reaching_in_bytes
from vecwise.kernels.spans import in_spans

_TAME: Final = (1e-100, 1e100)  # lengths whose products neither overflow nor vanish
_DOUBLE: Final = 2.0**-53
_LONGEST: Final = 1 << 20  # dimensions up to which a product in float32 says anything
_BEYOND: Final = 1e12  # no product of screened rows is as large, up to a billion dimensions
_SPAN: Final = 1024


@dataclass(frozen=True, slots=True)
class Side:
    """Rows ready for screening: as they are scored, and as they are multiplied, shifted and scaled.

    `reach` are the lengths of the multiplied rows; they are within `lost` of what they stand for, beside the rounding
    of their own type.
    """

    values: Any
    lengths: np.ndarray
    screened: Any
    reach: np.ndarray
    lost: float = 0.0
    exponent: int = 0
    turned: Any = None  # the multiplied rows as columns, where turning them is work
    bytes: Bytes | None = (
        None  # the multiplied rows in eight bits, where the processor multiplies those faster
    )

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def __getitem__(self, rows: slice | np.ndarray) -> Side:
        return replace(
            self,
            values=self.values[rows],
            lengths=self.lengths[rows],
            screened=self.screened[rows],
            reach=self.reach[rows],
            bytes=None if self.bytes is None else self.bytes[rows],
        )

    def as_columns(self) -> Side:
        """Give the same rows, ready to be the right side of many products."""
        if self.bytes is not None:
            return replace(self, bytes=self.bytes.as_columns())
        return replace(self, turned=self.screened.T.tocsr()) if is_sparse(self.screened) else self


def sides(A: Any, B: Any, metric: str) -> tuple[Side, Side]:
    """Make both sides ready for one metric; the same object twice if `B is A`."""
    if B is not A and is_sparse(A) != is_sparse(B):
        from scipy.sparse import csr_array

        A, B = csr_array(A), csr_array(B)
    if B is not A and A.dtype != B.dtype:
        A, B = A.astype(np.float64), B.astype(np.float64)
    if metric in ("cosine", "angular"):
        left = _unit_side(A)
        return left, left if B is A else _unit_side(B)
    both = [A] if B is A else [A, B]
    largest = max(float(np.abs(v.data if is_sparse(v) else v).max(initial=0)) for v in both)
    exponent = int(np.frexp(largest)[1]) + 1
    center = None if metric == "dot" or is_sparse(A) else _center(A)
    left = _scaled_side(A, center, exponent)
    return left, left if B is A else _scaled_side(B, center, exponent)


def _unit_side(values: Any) -> Side:
    """Rows at length 1; zero rows have length 0. Extreme rows are brought to length 1 for scoring too."""
    lengths = row_norms(values, 2)
    wild = (lengths > 0) & ~((lengths > _TAME[0]) & (lengths < _TAME[1]))
    reach = (lengths > 0).astype(np.float64)
    unit = scale_rows(values.astype(np.float64), 2) if is_sparse(values) or wild.any() else None
    if unit is not None and wild.any():
        if is_sparse(values):
            cells = np.repeat(wild, np.diff(values.indptr))
            data = np.where(cells, unit.data, values.data)
            values = type(unit)((data, unit.indices, unit.indptr), shape=unit.shape)
        else:
            values = np.where(wild[:, None], unit, values)
        lengths = np.where(wild, row_norms(values, 2), lengths)
    if is_sparse(values):
        return Side(values, lengths, unit, reach)
    divisors = np.where(lengths > 0, lengths, 1.0)[:, None]
    screened = np.empty(values.shape, _screen_type(values))

    def fill(span: slice) -> None:
        screened[span] = np.divide(values[span], divisors[span], dtype=np.float64)

    in_spans(fill, len(screened), _SPAN)
    return Side(values, lengths, screened, reach, bytes=quantized(screened, reach))


def _scaled_side(values: Any, center: np.ndarray | None, exponent: int) -> Side:
    """Rows less the centre, times a power of two that leaves no cell above 1."""
    ones = np.ones(values.shape[0])
    if is_sparse(values):
        screened = values.astype(np.float64)
        screened.data[:] = np.ldexp(screened.data, -exponent)
        return Side(values, ones, screened, row_norms(screened, 2), 0.0, exponent)
    single, reach = np.empty(values.shape, _screen_type(values)), np.empty(len(values))

    def fill(span: slice) -> None:
        block = np.ldexp(values[span].astype(np.float64), -exponent)
        if center is not None:
            block -= np.ldexp(center, -exponent)
        single[span] = block
        reach[span] = row_norms(block, 2)

    in_spans(fill, len(single), _SPAN)
    lost = 0.0 if center is None else 2 * _DOUBLE * float(np.sqrt(values.shape[1]))
    return Side(values, ones, single, reach, lost, exponent, bytes=quantized(single, reach))


def _center(values: np.ndarray) -> np.ndarray:
    """The mean of some rows: distances are the same from anywhere, and products of short rows lose less."""
    some = values[:: max(1, len(values) // 4096)]
    largest = float(np.abs(some).max(initial=0)) or 1.0
    return (
        np.asarray((some / largest).mean(axis=0, dtype=np.float64) * largest)
        if len(some)
        else some.sum(axis=0)
    )


def _screen_type(values: np.ndarray) -> Any:
    return np.float32 if values.shape[1] <= _LONGEST else np.float64


def candidates(
    left: Side, right: Side, metric: str, bound: float, above: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Give the places of all pairs whose score may reach the bound, in any order, and of some that do not.

    `bound` is the least similarity or the largest distance; with `above`, only columns beyond the row's number
    plus it.
    """
    of_row, of_column = least_products(left, right, metric, bound)
    if is_sparse(left.screened):
        turned = right.screened.T.tocsr() if right.turned is None else right.turned
        if native_pairs.library() is not None and turned.shape[0] < 2**31:
            return native_pairs.reaching_sparse(left.screened, turned, of_row, of_column, above)
        products = left.screened @ turned
        if min(of_row.min(initial=1.0), of_column.min(initial=1.0)) >= 0 and (of_row > 0).all():
            return _stored_reaching(products, of_row, of_column, above)
        return reaching(products.toarray(), of_row, of_column, above)
    if left.bytes is not None and right.bytes is not None:
        found = reaching_in_bytes(
            left.bytes, right.bytes, (left.reach, right.reach), (of_row, of_column), above
        )
        if found is not None:
            return found
    with one_blas_thread:
        products = left.screened @ right.screened.T
    if products.dtype != np.float32:
        return reaching(products, of_row, of_column, above)
    rounding = 2.0**-22 * (np.abs(of_row) + np.abs(of_column).max(initial=0))
    single_row, single_column = lowered(of_row - rounding), lowered(of_column)
    if native_pairs.library() is not None:
        return native_pairs.reaching(products, single_row, single_column, above)
    return reaching(products, single_row, single_column, above)


def least_products(left: Side, right: Side, metric: str, bound: float) -> tuple[np.ndarray, np.ndarray]:
    """Give a number for every row and one for every column: a product below their sum is of no pair that counts."""
    dim = left.screened.shape[1]
    unit = _DOUBLE if left.screened.dtype == np.float64 else 2.0**-24
    share = 1.1 * (dim + 8) * unit + 16 * (dim + 16) * _DOUBLE
    most = float(right.reach.max(initial=0))
    lost = max(left.lost, right.lost)
    slack = share * left.reach * most + lost * (left.reach + most + 1) + dim * 2.0**-120
    with np.errstate(over="ignore", invalid="ignore"):
        if metric in ("cosine", "angular"):
            least = float(np.cos(np.pi * min(bound, 1.0))) if metric == "angular" else bound
            rows, columns = (np.where(side.reach > 0, 0.0, 4.0) for side in (left, right))
            return rows + (least - slack), columns
        slack += np.ldexp(float(dim), -1074 - 2 * left.exponent)  # what vanishes where scores are computed
        if metric == "dot":
            return _tamed(np.ldexp(bound, -2 * left.exponent) - slack), np.zeros(len(right.reach))
        scaled = (
            np.ldexp(bound, -left.exponent)
            if metric == "euclidean"
            else np.ldexp(np.sqrt(bound), -left.exponent)
        )
        square = np.square(scaled * (1 + (dim + 16) * 2.0**-51))
        slack += 2 * (dim + 16) * _DOUBLE * (np.square(left.reach) + most * most)
        rows = (np.square(left.reach) - square) / 2 - slack
        return _tamed(rows), np.square(right.reach) / 2


def _tamed(bounds: np.ndarray) -> np.ndarray:
    """Bounds that no product reaches, or all do, as such: cells are at most 1, so no product is longer than the row."""
    return np.clip(np.where(np.isnan(bounds), -_BEYOND, bounds), -_BEYOND, _BEYOND)


def reaching(
    products: np.ndarray, of_row: np.ndarray, of_column: np.ndarray, above: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Give the places of scores of at least `of_row[i] + of_column[j]`, row by row."""
    found = products >= of_row[:, None] + of_column
    if above is not None:
        found = np.triu(found, above + 1)
    left, right = np.nonzero(found)
    return left.astype(np.int32), right.astype(np.int32)


def _stored_reaching(
    products: Any, of_row: np.ndarray, of_column: np.ndarray, above: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """The same of a CSR matrix of which no missing cell can reach its bound."""
    cells = np.flatnonzero(products.data >= of_row.min(initial=np.inf) + of_column.min(initial=np.inf))
    left = np.searchsorted(products.indptr, cells, side="right") - 1
    right = products.indices[cells]
    found = products.data[cells] >= of_row[left] + of_column[right]
    if above is not None:
        found &= right > left + above
    return left[found].astype(np.int32), right[found].astype(np.int32)
