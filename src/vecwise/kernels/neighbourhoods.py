"""How a few thousand rows lie among each other: nearest others, how often each is one, and how many directions count.

This module must not know any vecwise type, nor where the rows came from.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from vecwise.kernels.arrays import dense, is_sparse
from vecwise.kernels.blas import one_blas_thread
from vecwise.kernels.norms import scale_rows
from vecwise.kernels.spans import in_spans

_ROWS: Final = 256  # of a block of scores: the same for any number of workers, and so are the bits


def unit_single(rows: Any) -> Any:
    """Give rows at length 1 as float32: their products are cosines to about a millionth."""
    return scale_rows(rows, 2).astype(np.float32)


def neighbourhoods(rows: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Give of every row the largest cosine with another, and for how many others it is among their k nearest.

    `rows` have length 1, none is zero, and there are more than k. Rows tied with the k-th nearest all count.
    """
    best = np.empty(rows.shape[0], np.float32)
    near = np.zeros((-(-rows.shape[0] // _ROWS), rows.shape[0]), np.int64)

    def look(part: slice) -> None:
        scores = _products(rows[part], rows)
        scores[np.arange(len(scores)), np.arange(part.start, part.stop)] = -np.inf
        best[part] = scores.max(axis=1)
        edge = np.partition(scores, scores.shape[1] - k, axis=1)[:, scores.shape[1] - k]
        near[part.start // _ROWS] = (scores >= edge[:, None]).sum(axis=0)

    with one_blas_thread:
        in_spans(look, rows.shape[0], _ROWS)
    return np.minimum(best, 1.0).astype(np.float64), near.sum(axis=0)


def best_of_others(rows: Any, others: Any) -> np.ndarray:
    """Give for every row the largest cosine with one of the others; all have length 1."""
    best = np.empty(rows.shape[0], np.float32)

    def look(part: slice) -> None:
        best[part] = _products(rows[part], others).max(axis=1)

    with one_blas_thread:
        in_spans(look, rows.shape[0], _ROWS)
    return np.minimum(best, 1.0).astype(np.float64)


def _products(left: Any, right: Any) -> np.ndarray:
    made = left @ right.T
    return dense(made, np.float32) if is_sparse(made) else made


def skewness(values: np.ndarray) -> float:
    """Give the third standardized moment; 0 where all are equal."""
    centered = np.asarray(values, np.float64) - np.mean(values)
    squares = float(np.mean(centered**2))
    return float(np.mean(centered**3)) / squares**1.5 if squares > 0 else 0.0


def singular_values(rows: Any) -> np.ndarray:
    """Give the singular values of the centered rows, from the smaller of their two products with themselves.

    Right to about `1e-8` of the largest; NaN where the differences overflow.
    """
    rows = _tamed(rows)
    with one_blas_thread, np.errstate(over="ignore", invalid="ignore"):
        if is_sparse(rows) and rows.shape[1] > rows.shape[0]:
            product = dense(rows @ rows.T)
            product = product - product.mean(axis=0) - (product.mean(axis=1) - product.mean())[:, None]
        else:
            centered = dense(rows) - dense(rows).mean(axis=0)
            product = centered @ centered.T if rows.shape[1] > rows.shape[0] else centered.T @ centered
        if not np.isfinite(product).all():
            return np.full(1, np.nan)
        return np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0.0))


def _tamed(rows: Any) -> Any:
    """The rows divided by a power of two, so that no square overflows or vanishes: the bits stay the same."""
    cells = rows.data if is_sparse(rows) else rows
    largest = max(float(cells.max(initial=0)), -float(cells.min(initial=0)))
    made = rows.astype(np.float64)
    return made * 2.0 ** -min(1000, max(-1000, int(np.frexp(largest)[1])))


def effective_rank(singular: np.ndarray) -> float:
    """Give exp of the entropy of the singular values as shares of their sum; NaN where nothing varies.

    Source: Roy and Vetterli 2007, "The effective rank", EUSIPCO, pages 606-610.
    """
    total = singular.sum()
    if not total > 0:
        return float("nan")
    shares = singular[singular > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()))
