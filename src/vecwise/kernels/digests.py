"""Equal rows, found by a 128-bit digest of each.

This module must not know any vecwise type. Two different rows share a digest with a chance of 2^-128 a pair.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any

import numpy as np

from vecwise.kernels.arrays import is_sparse


def row_digests(values: Any) -> np.ndarray:
    """Give two uint64 a row, shape `(rows, 2)`; equal rows agree however their zeros are signed or stored."""
    if is_sparse(values):
        places, cells = values.indices.astype(np.int64), values.data
        raw = (places[a:b].tobytes() + cells[a:b].tobytes() for a, b in pairwise(values.indptr.tolist()))
    else:
        block = np.ascontiguousarray(values) + 0.0  # turns -0.0 into 0.0
        raw = (row.tobytes() for row in block)
    joined = b"".join(hashlib.blake2b(row, digest_size=16).digest() for row in raw)
    return np.frombuffer(joined, dtype=np.uint64).reshape(-1, 2)


def first_of_equals(digests: np.ndarray) -> np.ndarray:
    """Give, in order, the numbers of the rows that no earlier row equals."""
    if not len(digests):
        return np.zeros(0, dtype=np.int64)
    order = np.lexsort((digests[:, 1], digests[:, 0]))  # stable: the earliest of equal rows comes first
    ranked = digests[order]
    new = np.concatenate([[True], (ranked[1:] != ranked[:-1]).any(axis=1)])
    return np.sort(order[new])
