"""How well rows sit in their groups: the silhouette, from the distances of all pairs.

This module must not know any vecwise type. Source: Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.blas import one_blas_thread


def pair_distances(values: Any) -> np.ndarray:
    """Give the Euclidean distances of all pairs of rows from one product in float64.

    Off by at most `1e-7` of the longest row's distance from the mean (of a sparse row: from zero), so they are fit
    for averages, not for telling near rows apart.
    """
    with one_blas_thread:
        if is_sparse(values):
            rows = values.astype(np.float64)
            product = dense(rows @ rows.T)
        else:
            rows = dense(values) - dense(values).mean(axis=0)
            product = rows @ rows.T
    squares = np.diag(product)
    made = squares[:, None] + squares - 2 * product
    np.fill_diagonal(made, 0.0)
    return np.sqrt(np.maximum(made, 0.0, out=made), out=made)


def silhouette(apart: np.ndarray, labels: np.ndarray) -> float:
    """Give the mean over all rows of (b - a) / max(a, b), in [-1, 1].

    `a` is a row's mean distance to its own group, `b` that to the nearest other one; the only row of a group counts
    0. `apart` holds all distances, labels count from 0 and there are at least two.
    """
    groups = int(labels.max()) + 1
    member = np.zeros((len(labels), groups))
    member[np.arange(len(labels)), labels] = 1.0
    sizes = member.sum(axis=0)
    with one_blas_thread:
        sums = apart @ member
    rows = np.arange(len(labels))
    own = sums[rows, labels] / np.maximum(sizes[labels] - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums / sizes
    means[rows, labels] = np.inf
    means[:, sizes == 0] = np.inf
    other = means.min(axis=1)
    larger = np.maximum(own, other)
    score = np.divide(other - own, larger, out=np.zeros(len(labels)), where=larger > 0)
    score[sizes[labels] == 1] = 0.0
    return float(score.mean())
