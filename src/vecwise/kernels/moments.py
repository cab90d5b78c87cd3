"""Mean and centered scatter, merged without loss of digits, and principal axes.

This module must not know any vecwise type. Source of the merge: Chan, Golub and LeVeque 1983,
doi:10.1080/00031305.1983.10483115.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.blas import one_blas_thread

_WORTH_SCIPY: Final = 768  # dimensions from which finding a few axes saves more than loading SciPy takes


class Moments(NamedTuple):
    """Unfinished on purpose: `n` rows, their mean `(dim,)`, and the centered scatter, `(dim, dim)` or `(dim,)`.

    `doubt` bounds the spectral norm of what products in float32 may have lost of the scatter; 0 without them.
    """

    n: int
    mean: np.ndarray
    scatter: np.ndarray
    doubt: float = 0.0


def moments(values: Any, *, diagonal: bool) -> Moments:
    """Give the moments of a block in float64; with `diagonal` only each dimension's own scatter."""
    if not values.shape[0]:
        return Moments(0, np.zeros(values.shape[1]), np.zeros((values.shape[1],) * (1 if diagonal else 2)))
    if diagonal and is_sparse(values):
        return _sparse_moments(values)
    block = dense(values)
    with np.errstate(over="ignore", invalid="ignore"), one_blas_thread:  # whoever finishes refuses infinity
        mean = settled(block.mean(axis=0), block)
        centered = block - mean
        scatter = np.einsum("ij,ij->j", centered, centered) if diagonal else centered.T @ centered
    return Moments(len(block), mean, scatter)


def settled(mean: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Give the means of columns, exactly where all cells are equal: rounding there would count as variance."""
    near = np.flatnonzero(np.abs(block[0] - mean) <= 1e-9 * np.abs(mean))
    if len(near):
        still = near[(block[:, near] == block[0, near]).all(axis=0)]
        mean[still] = block[0, still]
    return mean


def _sparse_moments(values: Any) -> Moments:
    """The same without filling in zeros: the filled cells by differences, and the mean squared for each zero."""
    n, dim = values.shape
    cells = values.data.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.bincount(values.indices, weights=cells, minlength=dim) / n
        scatter = np.bincount(values.indices, weights=np.square(cells - mean[values.indices]), minlength=dim)
        zeros = n - np.bincount(values.indices, minlength=dim)
        return Moments(n, mean, scatter + zeros * mean * mean)


def merge_moments(a: Moments, b: Moments) -> Moments:
    """Join the moments of two blocks; the difference of the means carries what separate centering lost."""
    if not a.n or not b.n:
        return b if not a.n else a
    with np.errstate(over="ignore", invalid="ignore"):
        n, delta = a.n + b.n, b.mean - a.mean
        weighted = delta * (a.n * b.n / n)
        spread = delta * weighted if a.scatter.ndim == 1 else np.outer(delta, weighted)
        spread += a.scatter
        spread += b.scatter
        return Moments(n, a.mean + delta * (b.n / n), spread, a.doubt + b.doubt)


def principal_axes(scatter: np.ndarray, k: int, *, scipy: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Give the k largest eigenvalues of a scatter and their axes `(k, dim)`, largest first.

    Eigenvalues that are zero to rounding (below `dim` units in the last place of the largest) are left out:
    their axes would be arbitrary. The sign of an axis is fixed by its largest entry, which is positive.
    `scipy` says that SciPy is loaded for other reasons, so that asking it costs nothing.
    """
    dim = len(scatter)
    if dim < (_WORTH_SCIPY if not scipy else 2) or 4 * k > dim or not k:
        with one_blas_thread:
            values, vectors = np.linalg.eigh(scatter)
    else:
        from scipy.linalg import eigh

        with one_blas_thread:
            values, vectors = eigh(scatter, subset_by_index=(dim - k, dim - 1), check_finite=False)
    real = values[::-1] > dim * np.finfo(np.float64).eps * values[-1]
    keep = min(k, int(real.sum()))
    return values[::-1][:keep], fix_signs(vectors.T[::-1][:keep])


def fix_signs(axes: np.ndarray) -> np.ndarray:
    """Turn every axis so that its entry of largest magnitude, the first of equals, is positive."""
    if not axes.size:
        return axes
    lead = np.abs(axes).argmax(axis=1)
    signs = np.sign(axes[np.arange(len(axes)), lead])
    return axes * np.where(signs == 0, 1.0, signs)[:, None]
