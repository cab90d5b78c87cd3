"""From the vectors of tokens to the vector of a text: the poolings of sentence-transformers.

This module must not know models, files, nor any vecwise type. Sources: Reimers and Gurevych 2019,
doi:10.18653/v1/D19-1410 (cls, max, mean); Muennighoff 2022, arXiv:2202.08904 (position-weighted mean).
"""

from __future__ import annotations

from typing import Final

import numpy as np

POOLINGS: Final = ("mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")


def token_weights(pooling: str, lengths: np.ndarray, width: int) -> np.ndarray:
    """Give every token's weight in its text's vector, float32 `(texts, width)`; padding at the end weighs 0.

    All poolings but `"max"` are such weighted sums.

    >>> token_weights("mean", np.array([1, 2]), 3).tolist()
    [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]]
    """
    places, count = np.arange(width), lengths[:, None]
    real = places < count
    if pooling == "cls":
        weights = np.broadcast_to(places == 0, real.shape).astype(np.float64)
    elif pooling == "lasttoken":
        weights = (places == count - 1).astype(np.float64)
    elif pooling == "weightedmean":
        weights = np.where(real, places + 1, 0) / (count * (count + 1) / 2)
    elif pooling == "mean_sqrt_len_tokens":
        weights = real / np.sqrt(count)
    else:
        weights = real / count
    return weights.astype(np.float32)


def pooled(hidden: np.ndarray, lengths: np.ndarray, poolings: tuple[str, ...]) -> np.ndarray:
    """Pool token vectors `(texts, width, dim)` into `(texts, dim · len(poolings))`.

    >>> hidden = np.array([[[1.0, 5.0], [3.0, 1.0], [99.0, 99.0]]], np.float32)
    >>> pooled(hidden, np.array([2]), ("mean", "max")).tolist()
    [[2.0, 3.0, 3.0, 5.0]]
    """
    return np.concatenate([_pool(hidden, lengths, pooling) for pooling in poolings], axis=1)


def _pool(hidden: np.ndarray, lengths: np.ndarray, pooling: str) -> np.ndarray:
    if pooling == "max":
        real = np.arange(hidden.shape[1]) < lengths[:, None]
        return np.where(real[:, :, None], hidden, -np.inf).max(axis=1)
    weights = token_weights(pooling, lengths, hidden.shape[1])
    return np.matmul(weights[:, None, :], hidden)[:, 0]


def window_means(vectors: np.ndarray, owners: np.ndarray, sizes: np.ndarray, rows: int) -> np.ndarray:
    """Give a vector for each of the `rows`: its window's, or the mean of its windows, weighted by their tokens.

    `owners` tells, in ascending order, whose window each of the vectors is.

    >>> window_means(np.array([[1.0], [3.0], [5.0]]), np.array([0, 1, 1]), np.array([2, 3, 1]), 2).tolist()
    [[1.0], [3.5]]
    """
    if len(vectors) == rows:
        return vectors
    counts = np.bincount(owners, minlength=rows)
    starts = np.cumsum(counts) - counts
    made = vectors[starts]
    for row in np.flatnonzero(counts > 1):
        part = slice(starts[row], starts[row] + counts[row])
        made[row] = np.average(vectors[part].astype(np.float64), axis=0, weights=sizes[part])
    return made
