"""Leading axes of a scatter that is too wide to hold: a block Krylov method, one pass over the rows a step.

This module must not know any vecwise type. Sources: Halko, Martinsson and Tropp 2011, doi:10.1137/090771806 (random
start, oversampling); Halko, Martinsson, Shkolnisky and Tygert 2011, doi:10.1137/100804139 (all blocks are kept).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.moments import fix_signs

OVERSAMPLED: Final = 10  # directions beyond those asked for: they make the first steps converge
TOLERANCE: Final = 1e-5  # of each eigenvalue: residuals below it end the passes
MOST_PASSES: Final = 24
_MOST_KEPT: Final = 10  # blocks of directions held before they are thinned to the best two
_BLOCK_BYTES: Final = 1 << 20  # of float64 rows at a time: half of a core's cache


class Axes(NamedTuple):
    """Eigenvalues, largest first, their axes `(k, dim)`, and a bound on each value's distance from a true one."""

    values: np.ndarray
    axes: np.ndarray
    errors: np.ndarray


def applied(values: Any, mean: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Give the scatter about `mean` of these rows, times `directions` `(dim, l)`, without making the scatter.

    Dense rows are centered before the product. Sparse ones stay sparse: the product is centered, which
    costs as many digits as the mean is larger than the spread.
    """
    with one_blas_thread:
        if is_sparse(values):
            along = values @ directions - mean @ directions
            return np.asarray(values.T @ along - np.outer(mean, along.sum(axis=0)))
        made = np.zeros_like(directions)
        size = max(16, _BLOCK_BYTES // (8 * values.shape[1]))
        for start in range(0, values.shape[0], size):
            centered = dense(values[start : start + size]) - mean
            made += centered.T @ (centered @ directions)
        return made


def leading_axes(
    image: Callable[[np.ndarray], np.ndarray], scatter: np.ndarray, k: int, rank: int, seed: int
) -> Axes:
    """Find the k leading axes of a scatter of which only products are known: `image(W)` is scatter · W.

    `scatter` is its diagonal, `rank` what its rank can be at most. Values are those of the scatter within
    the directions tried (Rayleigh and Ritz), so never above the true ones, but for rounding. Passes end
    when every residual is below `TOLERANCE` times its value, when nothing is left to try, or after
    `MOST_PASSES`; the residual of an axis bounds how far its value is from an eigenvalue.
    """
    dim = len(scatter)
    block = np.random.default_rng(seed).standard_normal((dim, min(k + OVERSAMPLED, rank)))
    block[scatter == 0] = 0.0  # dimensions that never vary load on nothing, to the bit
    basis, images = np.zeros((dim, 0)), np.zeros((dim, 0))
    with one_blas_thread:
        block, _ = np.linalg.qr(block)
    for _ in range(MOST_PASSES):
        latest = image(block)
        with one_blas_thread:
            basis, images = np.hstack([basis, block]), np.hstack([images, latest])
            values, turned = _ritz(basis, images)
            axes = basis @ turned[:, :k]
            largest = values[0]  # whose square may leave float64
            errors = largest * np.linalg.norm((images @ turned[:, :k] - axes * values[:k]) / largest, axis=0)
            zero = dim * np.finfo(np.float64).eps * largest
            if (errors <= np.maximum(TOLERANCE * values[:k], zero)).all():
                break
            block = _new_directions(latest, basis, largest)
            if not block.shape[1]:
                break
            if basis.shape[1] > _MOST_KEPT * (k + OVERSAMPLED):
                kept = turned[:, : 2 * (k + OVERSAMPLED)]
                basis, images = basis @ kept, images @ kept
    real = values[:k] > zero
    return Axes(values[:k][real], fix_signs(axes.T[real]), errors[real])


def _ritz(basis: np.ndarray, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of the scatter within the directions of the basis, largest first, and how they combine them."""
    inside = basis.T @ images
    values, turned = np.linalg.eigh((inside + inside.T) / 2)
    return values[::-1], turned[:, ::-1]


def _new_directions(latest: np.ndarray, basis: np.ndarray, largest: float) -> np.ndarray:
    """What the latest images have outside the basis, orthonormal; directions that are rounding are left out."""
    left = latest - basis @ (basis.T @ latest)
    left -= basis @ (basis.T @ left)
    made, sizes, _ = np.linalg.svd(left, full_matrices=False)
    made = made[:, sizes > len(basis) * np.finfo(np.float64).eps * largest]
    if not made.shape[1]:
        return made
    made -= basis @ (basis.T @ made)
    return np.linalg.qr(made)[0]
