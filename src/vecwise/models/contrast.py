"""The contrastive loss: partners are to be nearer to each other than to all others of the batch, by cosine.

This module must not know vectors' names, rows or how a batch is drawn. Source of the loss: van den Oord, Li and Vinyals
2018, arXiv:1807.03748; in batches as in Chen et al. 2020, arXiv:2002.05709.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

TEMPERATURE: Final = 0.3
DECAY: Final = 0.05  # of the squared distance from the start, relative to the start
_LEAST: Final = 1e-24  # under the root of a length, so that a row of zeros has a gradient


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Partners `(n, dim)` each, row by row, and their groups: rows of one group are never pushed apart."""

    left: np.ndarray
    right: np.ndarray
    groups: np.ndarray

    def apart(self) -> np.ndarray:
        """Which pairs of the batch are no negatives: others of the same group, `(n, n)`."""
        same = self.groups[:, None] == self.groups[None, :]
        np.fill_diagonal(same, False)
        return same


def loss_and_gradient(
    weights: np.ndarray, start: np.ndarray, batch: Batch, apart: np.ndarray
) -> tuple[float, np.ndarray]:
    """Give the mean loss of both directions with decay towards the start, and its gradient by `weights`.

    >>> batch = Batch(np.eye(2), np.eye(2), np.arange(2))
    >>> loss, slope = loss_and_gradient(np.eye(2), np.eye(2), batch, batch.apart())
    >>> round(loss, 6), slope.shape
    (0.035052, (2, 2))
    """
    n = len(batch.left)
    (u, long_u), (v, long_v) = (_unit(side @ weights) for side in (batch.left, batch.right))
    near = (u @ v.T) / TEMPERATURE
    near[apart] = -np.inf
    by_row, of_row = _softmax(near)
    by_column, of_column = _softmax(near.T)
    slope = (of_row + of_column.T) / (2 * n)
    slope[np.arange(n), np.arange(n)] -= 1 / n
    slope /= TEMPERATURE
    loss = float((by_row + by_column).mean() / 2)
    down_u, down_v = _down(slope @ v, u, long_u), _down(slope.T @ u, v, long_v)
    gradient = batch.left.T @ down_u + batch.right.T @ down_v
    off, size = weights - start, float((start * start).sum())
    return loss + DECAY * float((off * off).sum()) / size, gradient + (2 * DECAY / size) * off


def _unit(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.sqrt((rows * rows).sum(axis=1, keepdims=True) + _LEAST)
    return rows / lengths, lengths


def _softmax(near: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The loss of every row, whose partner is on the diagonal, and the probabilities."""
    shifted = near - near.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    sums = powers.sum(axis=1, keepdims=True)
    return np.log(sums[:, 0]) - shifted.diagonal(), powers / sums


def _down(slope: np.ndarray, unit: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The slope by a row, given that by its unit vector."""
    return np.asarray((slope - unit * (unit * slope).sum(axis=1, keepdims=True)) / lengths)
