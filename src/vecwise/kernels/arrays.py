"""What counts as a matrix of numbers, and how anything becomes one.

This module must not know any vecwise type beyond errors; SciPy is asked only when it is already loaded.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import numpy as np

from vecwise.errors import OutOfRange, WrongShape, WrongType
from vecwise.kernels import native_norms
from vecwise.kernels.mapped import slabs
from vecwise.kernels.spans import on_spans
from vecwise.kernels.tensors import as_array
from vecwise.table_text import count

EXACT: Final = 2**53  # float64 holds every whole number up to here
_READ: Final = (np.float32, np.float64)
_FEW_BYTES: Final = 1 << 15  # NumPy is as quick with these, and a job on a few rows need not load the library


def is_sparse(values: Any) -> bool:
    """Tell whether this is a SciPy sparse matrix, without importing SciPy (0.3 s) to find out."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(values))


def as_matrix(values: Any, *, ours: bool = False) -> Any:
    """Give a read-only `(rows, dim)` float32 or float64 array, C-ordered, or a canonical CSR array.

    One-dimensional input is one row. float16 and bfloat16 widen to float32 (float16 overflows at 65,504);
    whole numbers and booleans become float64. The input is never changed; it is viewed, not copied, when it
    is float32 or float64 in C order already, tensors on the CPU included. Raises `WrongType`, `WrongShape`,
    and `OutOfRange` for whole numbers beyond 2^53, which float64 would round. A sparse array that is `ours`
    is believed when it says that its form is canonical.
    """
    if is_sparse(values):
        return _as_csr(values, ours)
    if type(values).__module__.startswith("numpy.ma"):  # asking `np.ma` for the class would load it
        raise WrongType("Masked arrays hide values. Fill or drop the masked rows first: `array.filled(...)`.")
    try:
        array = as_array(values)
    except ValueError as error:
        raise WrongShape(f"The rows are no matrix: {_odd_row(values) or error}.") from error
    if array.ndim == 1:
        array = array.reshape(1, -1)
    refuse_rounding(array)
    array = np.ascontiguousarray(array, dtype=_float_type(array.dtype)) if array.ndim else array
    if array.ndim != 2 or array.shape[1] == 0:
        raise WrongShape(f"Expected an array of shape (rows, dim) with dim at least 1, not {array.shape}.")
    view = (array if array.flags.aligned else array.copy()).view()
    view.flags.writeable = False
    return view


def _odd_row(rows: Any) -> str | None:
    """Name the first row of a ragged list that is not as long as the first."""
    lengths = [len(row) if hasattr(row, "__len__") else 0 for row in rows] if hasattr(rows, "__len__") else []
    for place, length in enumerate(lengths):
        if length != lengths[0]:
            return (
                f"row {place:,} (counted from 0) has {count(length, 'number')}, and row 0 has {lengths[0]:,}"
            )
    return None


def refuse_rounding(array: np.ndarray, what: str = "The array") -> None:
    """Raise `OutOfRange` for whole numbers that float64 would round."""
    if array.dtype.kind not in "iu" or array.dtype.itemsize < 8 or not array.size:
        return
    if max(int(array.max()), -int(array.min())) > EXACT:
        raise OutOfRange(
            f"{what} holds whole numbers beyond 2^53, which float64 would round. Scale them down, or give "
            "them as fractions."
        )


def _float_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind == "f":
        return np.dtype(np.float32) if dtype.itemsize <= 4 else np.dtype(np.float64)
    if dtype.kind in "iub":
        return np.dtype(np.float64)
    raise WrongType(f"Cannot read values of type {dtype} as numbers.")


def _as_csr(values: Any, ours: bool) -> Any:
    from scipy.sparse import csr_array

    matrix = values if ours and type(values) is csr_array else csr_array(values)
    refuse_rounding(matrix.data, "The sparse matrix")
    dtype = _float_type(matrix.dtype)
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise WrongShape(f"Expected a sparse matrix of shape (rows, dim), not {matrix.shape}.")
    if matrix.indices.dtype != np.int32 and max(matrix.nnz, *matrix.shape) < 2**31:
        # scikit-learn's solvers take 32-bit indices only
        parts = (matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32))
        matrix = csr_array(parts, shape=matrix.shape)
    canonical = matrix.dtype == dtype and matrix.has_canonical_format and not (matrix.data == 0).any()
    if not canonical:
        matrix = matrix.astype(dtype, copy=True)
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
    elif matrix.data.flags.writeable:
        matrix = csr_array(
            (matrix.data.view(), matrix.indices.view(), matrix.indptr.view()), shape=matrix.shape
        )
        matrix.has_canonical_format = True
    for part in (matrix.data, matrix.indices, matrix.indptr):
        part.flags.writeable = False
    return matrix


def oddities(values: Any) -> tuple[bool, bool]:
    """Give whether a cell is NaN or infinite, and whether one is below zero: one pass at the speed of memory."""
    found = [_oddities(slab) for slab in slabs(values.data if is_sparse(values) else values)]
    return any(odd for odd, _ in found), any(below for _, below in found)


def _oddities(cells: np.ndarray) -> tuple[bool, bool]:
    lies_well = cells.dtype in _READ and cells.flags.c_contiguous and cells.flags.aligned
    if cells.nbytes < _FEW_BYTES or not lies_well or native_norms.library() is None:
        # One sum answers for almost all input; only a suspicious one is looked into.
        with np.errstate(over="ignore", invalid="ignore"):
            odd = not np.isfinite(cells.sum(dtype=np.float64)) and not np.isfinite(cells).all()
            return odd, bool(cells.size and np.fmin.reduce(cells, axis=None) < 0)
    found = []
    on_spans(lambda span: found.append(native_norms.oddities(cells[span])), len(cells), _row_bytes(cells))
    return any(odd for odd, _ in found), any(below for _, below in found)


def _row_bytes(cells: np.ndarray) -> int:
    return int(cells.nbytes // max(1, len(cells)))


def nonfinite_rows(values: Any) -> np.ndarray:
    """Give the numbers of the rows that hold NaN or infinity."""
    if not oddities(values)[0]:
        return np.zeros(0, dtype=np.int64)
    cells = values.data if is_sparse(values) else values
    bad = ~np.isfinite(cells)
    if is_sparse(values):
        return np.unique(np.searchsorted(values.indptr, np.flatnonzero(bad), side="right") - 1)
    return np.flatnonzero(bad.any(axis=1))


def dense(values: Any, dtype: Any = np.float64) -> np.ndarray:
    """Give a dense array of this type; no copy where it is one already."""
    array = values.toarray() if is_sparse(values) else values
    return np.asarray(array, dtype=dtype)


def writable(values: Any) -> Any:
    """Give the values of vectors that nobody else holds as an array to write into; no copy.

    Some of scikit-learn's solvers refuse arrays that they could not write to.
    """
    parts = (values.data, values.indices, values.indptr) if is_sparse(values) else (values,)
    for part in parts:
        part.flags.writeable = True
    return values
