"""Scores of listed pairs of rows in float64: each depends on its two rows alone, not on which others are asked for.

This module must not know any vecwise type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from vecwise.kernels import native_pairs
from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.distances import listed_distances
from vecwise.kernels.norms import unit_rows
from vecwise.kernels.pair_scores import apart_by, clipped, pair_products
from vecwise.kernels.screening import Side

_GATHERED: Final = 1 << 20  # cells gathered at a time: 8 MB
_PARALLEL: Final = 0.9  # a cosine beyond which an angle is taken from the difference of the unit rows


def listed_scores(a: Side, b: Side, left: np.ndarray, right: np.ndarray, metric: str) -> np.ndarray:
    """Give the scores of row `left[i]` of `a` with row `right[i]` of `b`; neither is zero for cosines and angles."""
    if metric == "euclidean":
        return listed_distances(a.values, b.values, left, right)
    if metric == "sqeuclidean":
        return _listed(a.values, b.values, left, right, metric, _squares)
    made = _listed(a.values, b.values, left, right, "dot", _products)
    if metric == "dot":
        return made
    made /= a.lengths[left]
    made /= b.lengths[right]
    made = clipped(made, a.values.shape[1])
    return made if metric == "cosine" else _angles(a.values, b.values, left, right, made)


def _listed(
    a: Any,
    b: Any,
    left: np.ndarray,
    right: np.ndarray,
    kind: str,
    score: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    if not is_sparse(a):  # to the bits of a search
        if kind == "sqeuclidean":
            return apart_by(np.ascontiguousarray(a), np.ascontiguousarray(b), left, right, squared=True)
        return pair_products(np.ascontiguousarray(a), np.ascontiguousarray(b), left, right, apart=False)
    with np.errstate(over="ignore", invalid="ignore"):
        if native_pairs.library() is not None and a.shape[1] < 2**31 and is_sparse(a):
            return native_pairs.sparse_listed(a, b, left, right, kind)
        made = np.empty(len(left))
        size = max(1, _GATHERED // a.shape[1])
        for start in range(0, len(left), size):
            part = slice(start, start + size)
            made[part] = score(dense(a[left[part]]), dense(b[right[part]]))
        return made


def _products(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ij,ij->i", x, y))


def _squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return _products(x - y, x - y)


def _angles(a: Any, b: Any, left: np.ndarray, right: np.ndarray, cosines: np.ndarray) -> np.ndarray:
    """Angles in half turns; near the ends, from the difference or the sum of the unit rows, which keeps the digits."""
    made = np.arccos(cosines) / np.pi
    near = np.flatnonzero(np.abs(cosines) > _PARALLEL)
    size = max(1, _GATHERED // a.shape[1])
    for start in range(0, len(near), size):
        part = near[start : start + size]
        x, y = (unit_rows(dense(rows), 2)[0] for rows in (a[left[part]], b[right[part]]))
        signs = np.sign(cosines[part])
        apart = np.sqrt(_squares(x, y * signs[:, None]))
        turns = 2 * np.arcsin(apart / 2) / np.pi
        made[part] = np.where(signs > 0, turns, 1 - turns)
    return made
