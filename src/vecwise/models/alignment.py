"""How alike two matrices over the same rows are: centered kernel alignment, and what lays one on the other.

This module must not know spaces, files or pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Alignment(NamedTuple):
    """Linear CKA of centered rows, 0 to 1, and its unbiased estimate, which chance leaves near 0 (NaN below 4 rows)."""

    cka: float
    unbiased: float


class Rotation(NamedTuple):
    """`moved(Y) = (Y - y_mean) @ rotation * scale + x_mean` lies as near to X as rotating and scaling can bring it.

    `disparity` is what is left of the squared distances, a share of those of X, 0 to 1.
    """

    x_mean: np.ndarray
    y_mean: np.ndarray
    rotation: np.ndarray
    scale: float
    disparity: float

    def moved(self, Y: np.ndarray) -> np.ndarray:
        """Lay rows of Y on X."""
        return (Y - self.y_mean) @ self.rotation * self.scale + self.x_mean


def alignment(X: np.ndarray, Y: np.ndarray, /) -> Alignment:
    """Give the linear CKA of two matrices of the same rows, `(rows, a)` and `(rows, b)`, in float64.

    CKA does not change when either is rotated or scaled as a whole. With more dimensions than rows it is large even
    by chance; the unbiased estimate is not. Cost: rows · (a² + ab + b²) multiplications and no table of rows; where
    there are fewer rows than dimensions rows² · (a + b), with two tables of rows. Sources: Kornblith et al. 2019,
    arXiv:1905.00414; the unbiased estimator of Song et al. 2012, JMLR 13:1393. NaN where all rows of one are equal.

    >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 1.0]])
    >>> round(alignment(X, X @ np.array([[0.0, 1.0], [-1.0, 0.0]])).cka, 12)
    1.0
    """
    A, B = _scaled(X), _scaled(Y)
    return _aligned(_alike(A, B), _alike(A, A), _alike(B, B))


def alignments(matrices: Sequence[np.ndarray], /) -> np.ndarray:
    """Give the unbiased CKA of every two of some matrices of the same rows: what `alignment` says of each pair.

    Each is compared with itself once, not once a pair.

    >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 1.0], [2.0, 2.0], [4.0, 0.0]])
    >>> alignments([X, 3 * X[:, ::-1]]).round(6).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    scaled = [_scaled(X) for X in matrices]
    own = [_alike(A, A) for A in scaled]
    table = np.full((len(scaled),) * 2, 1.0)
    for i, A in enumerate(scaled):
        for j in range(i + 1):
            between = own[i] if i == j else _alike(A, scaled[j])
            table[i, j] = table[j, i] = _aligned(between, own[i], own[j]).unbiased
    return table


def _scaled(X: np.ndarray) -> np.ndarray:
    """Centered rows, divided by the largest number: CKA knows no scale, and squares stay in range."""
    return _centered(X)[0]


def _centered(X: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Centered rows over a number, the mean, and that number."""
    values = np.asarray(X, np.float64)
    top = float(np.abs(values).max(initial=0.0)) or 1.0
    mean = (values / top).mean(axis=0)
    centered = values / top - mean
    spread = float(np.abs(centered).max(initial=0.0))
    if spread <= 4 * np.finfo(np.float64).eps:  # what rounding leaves of equal rows
        return np.zeros_like(centered), mean * top, top
    return centered / spread, mean * top, spread * top


class _Alike(NamedTuple):
    """What two matrices have in common: HSIC of linear kernels, biased times (n - 1)² and unbiased times n (n - 3)."""

    biased: float
    unbiased: float


def _aligned(between: _Alike, left: _Alike, right: _Alike) -> Alignment:
    own = float(np.sqrt(left.biased) * np.sqrt(right.biased))
    whole = min(1.0, between.biased / own) if own > 0 else float("nan")
    both = left.unbiased > 0 and right.unbiased > 0  # NaN, of fewer than 4 rows, is not
    return Alignment(
        whole, float(between.unbiased / np.sqrt(left.unbiased * right.unbiased)) if both else float("nan")
    )


def _alike(A: np.ndarray, B: np.ndarray) -> _Alike:
    products = _products(A, B)
    n = len(A)
    if n < 4:
        return _Alike(products, float("nan"))
    a, b = (A**2).sum(axis=1), (B**2).sum(axis=1)
    # sums of the kernels' rows, without the diagonal
    row_a, row_b = A @ A.sum(axis=0) - a, B @ B.sum(axis=0) - b
    sums = float(row_a.sum()) * float(row_b.sum()) / ((n - 1) * (n - 2))
    return _Alike(products, products - float(a @ b) + sums - 2 / (n - 2) * float(row_a @ row_b))


def _products(A: np.ndarray, B: np.ndarray) -> float:
    """The sum of the squared products of columns, which is that of the products of the kernels: the cheaper of both."""
    rows, (a, b) = len(A), (A.shape[1], B.shape[1])
    if rows * (a if A is B else a + b) < a * b:
        left = A @ A.T
        return float(np.vdot(left, left if A is B else B @ B.T))
    cross = A.T @ B
    return float(np.vdot(cross, cross))


def procrustes(X: np.ndarray, Y: np.ndarray, /) -> Rotation:
    """Give the rotation (or reflection) and scale that lay Y `(rows, b)` on X `(rows, a)` with least squared distance.

    Where b is larger than a, Y is projected on the a directions that fit. Source: Schönemann 1966,
    doi:10.1007/BF02289451.

    >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    >>> found = procrustes(X, 5 * X[:, ::-1] + 7)
    >>> round(found.scale, 9), round(found.disparity, 9)
    (0.2, 0.0)
    """
    (A, x_mean, top), (B, y_mean, other) = _centered(X), _centered(Y)
    left, values, right = np.linalg.svd(B.T @ A, full_matrices=False)
    spread_x, spread_y, fit = float((A**2).sum()), float((B**2).sum()), float(values.sum())
    scale = fit / spread_y * (top / other) if spread_y > 0 else 0.0
    left_over = 1 - fit**2 / (spread_x * spread_y) if spread_x > 0 and spread_y > 0 else 1.0
    return Rotation(x_mean, y_mean, left @ right, scale, float(min(1.0, max(0.0, left_over))))
