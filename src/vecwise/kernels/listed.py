"""Scores of listed pairs of rows in float64: each depends on its two rows alone, not on which others are asked for.

This module must not know any vecwise type.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vecwise.kernels import native_pairs
from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.distances import listed_distances
from vecwise.kernels.pair_scores import Sides, apart_by, in_eights, pair_products, some_pairs, turned
from vecwise.kernels.screening import Side


def listed_scores(a: Side, b: Side, left: np.ndarray, right: np.ndarray, metric: str) -> np.ndarray:
    """Give the scores of row `left[i]` of `a` with row `right[i]` of `b`; neither is zero for cosines and angles."""
    if metric == "euclidean":
        return listed_distances(a.values, b.values, left, right)
    if metric == "sqeuclidean":
        return _listed(a.values, b.values, left, right, metric)
    made = _listed(a.values, b.values, left, right, "dot")
    if metric == "dot":
        return made
    made = turned(made, Sides(a.values, b.values, a.lengths, b.lengths), left, right, metric)
    return made if metric == "cosine" else -made


def _listed(a: Any, b: Any, left: np.ndarray, right: np.ndarray, kind: str) -> np.ndarray:
    if not is_sparse(a):  # to the bits of a search
        if kind == "sqeuclidean":
            return apart_by(np.ascontiguousarray(a), np.ascontiguousarray(b), left, right, squared=True)
        return pair_products(np.ascontiguousarray(a), np.ascontiguousarray(b), left, right, apart=False)
    with np.errstate(over="ignore", invalid="ignore"):
        if native_pairs.library() is not None and a.shape[1] < 2**31:
            return native_pairs.sparse_listed(a, b, left, right, kind)
        made = np.empty(len(left))
        for part in some_pairs(len(left), a.shape[1]):
            x, y = dense(a[left[part]]), dense(b[right[part]])
            made[part] = in_eights(x * y if kind == "dot" else np.square(x - y))
        return made
