"""Which rows repeat an earlier one, cell by cell.

This module must not know any vecwise type.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from vecwise.kernels.digests import first_equal
from vecwise.kernels.mapped import passed
from vecwise.kernels.survey import survey

_BLOCK: Final = 1 << 22  # bytes that are read at a time


def first_equal_rows(values: Any) -> np.ndarray:
    """Give for every row of a finite matrix the place of the first row that it equals: its own for a new one.

    Zeros are equal whatever their sign.

    >>> first_equal_rows(np.array([[1.0], [2.0], [1.0], [0.0], [-0.0]])).tolist()
    [0, 1, 0, 3, 3]
    """
    rows, dim = values.shape
    center, weights = np.zeros(dim), np.ones(dim)
    size = max(64, _BLOCK // (dim * values.dtype.itemsize))
    parts = [np.zeros((0, 2), np.uint64)]
    for start in passed(values, range(0, rows, size)):
        parts += survey(values[start : start + size], center, weights).digests
    return first_equal(np.concatenate(parts), values, np.zeros(rows, bool))
