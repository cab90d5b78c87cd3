"""Averages of word vectors, the weights of their words, and the directions that all averages share.

This module must not know any vecwise type, nor where texts or word vectors come from.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from vecwise.kernels.blas import one_blas_thread

PIECE: Final = 64  # words summed in float32 before float64 takes over: it bounds the rounding of long rows
_BLOCK: Final = 8192


def sif_weights(probabilities: np.ndarray, a: float) -> np.ndarray:
    """Give `a / (a + p)` for every word (Arora, Liang and Ma 2017); a word never seen weighs 1."""
    return a / (a + probabilities)


def usif_weights(probabilities: np.ndarray, a: float) -> np.ndarray:
    """Give `a / (a / 2 + p)` for every word (Ethayarajh 2018); an infinite `a` weighs all words 2."""
    return np.full(len(probabilities), 2.0) if np.isinf(a) else a / (a / 2 + probabilities)


def usif_a(probabilities: np.ndarray, length: float) -> float:
    """Give `a` of uSIF from the probabilities of a whole vocabulary and the mean length of a random walk.

    A word is common when it is likelier than being met at least once in `length` even draws from the
    vocabulary; with the share of common words `alpha` and the partition function `Z` taken as half the
    vocabulary, `a = (1 - alpha) / (alpha Z)`. Without a common word it is infinite.
    """
    words = len(probabilities)
    threshold = 1 - (1 - 1 / words) ** length
    alpha = np.count_nonzero(probabilities > threshold) / words
    return float("inf") if not alpha else float((1 - alpha) / (alpha * 0.5 * words))


def word_averages(matrix: np.ndarray, tokens: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Give the mean of `matrix[token]` of every row, float32, `(rows, dim)`; a row without tokens is zero.

    Words are added in their order, 64 at a time in float32 and those sums in float64, so a row's mean does
    not depend on its neighbours and is off by at most 66 · 2^-24 of the mean magnitude of its terms.
    """
    from scipy.sparse import csr_array

    lengths = np.diff(starts)
    pieces = np.maximum(1, -(-lengths // PIECE))
    cuts = starts
    if pieces.max(initial=1) > 1:
        number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        cuts = np.append(np.repeat(starts[:-1], pieces) + PIECE * number, starts[-1])
    ones = np.ones(len(tokens), np.float32)
    shape = (len(cuts) - 1, len(matrix))
    sums = csr_array((ones, tokens, cuts.astype(np.int32)), shape=shape) @ matrix
    divisors = np.maximum(1, lengths)[:, None]
    if len(sums) == len(lengths):
        sums /= divisors.astype(np.float32)
        return sums
    first = np.concatenate([[0], np.cumsum(pieces)[:-1]])
    return (np.add.reduceat(sums.astype(np.float64), first, axis=0) / divisors).astype(np.float32)


def weighted_means(counts: Any, weights: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Give the weighted averages of CSR bags in float64: `counts · weights · matrix / known words`."""
    from scipy.sparse import csr_array

    weighed = csr_array((counts.data * weights[counts.indices], counts.indices, counts.indptr), counts.shape)
    known = np.maximum(1.0, counts.sum(axis=1))
    return (weighed @ matrix) / known[:, None]


def second_moment(counts: Any, times: np.ndarray, weights: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Give the sum of `v vᵀ` over the weighted averages of CSR bags, each met `times` over; not centered."""
    used = np.unique(counts.indices)  # a sample may hold few of the words of a large matrix
    columns = np.searchsorted(used, counts.indices)
    from scipy.sparse import csr_array

    local = csr_array((counts.data, columns, counts.indptr), shape=(counts.shape[0], max(1, len(used))))
    vectors = matrix[used].astype(np.float64) if len(used) else np.zeros((1, matrix.shape[1]))
    local_weights = weights[used] if len(used) else np.zeros(1)
    moment = np.zeros((matrix.shape[1], matrix.shape[1]))
    with one_blas_thread:
        for start in range(0, counts.shape[0], _BLOCK):
            part = slice(start, start + _BLOCK)
            means = weighted_means(local[part], local_weights, vectors)
            moment += (means * times[part, None]).T @ means
    return moment


def common_directions(moment: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the first right singular vectors, `(k, dim)`, of rows with this second moment, and their shares.

    A share is the squared singular value over the sum of those that are given. Directions that carry
    nothing are left out, so k is at most `most` and the rank. The largest entry of each is positive.
    """
    with one_blas_thread:
        values, axes = np.linalg.eigh(moment)
    values, axes = values[::-1][:most], axes[:, ::-1].T[:most]
    real = values > max(values.max(initial=0), 0) * len(moment) * np.finfo(np.float64).eps
    values, axes = values[real], axes[real]
    largest = np.abs(axes).argmax(axis=1)
    signs = np.where(axes[np.arange(len(axes)), largest] < 0, -1.0, 1.0)
    return axes * signs[:, None], values / values.sum() if len(values) else values


def without_directions(
    matrix: np.ndarray, weights: np.ndarray, directions: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Give weighted word vectors, float32, less their part along each direction, times that direction's share.

    Averages are linear, so taking the directions from the words takes them from every average.
    """
    made = np.empty(matrix.shape, np.float32)
    for start in range(0, len(matrix), _BLOCK):
        part = slice(start, start + _BLOCK)
        rows = matrix[part].astype(np.float64) * weights[part, None]
        for direction, share in zip(directions, shares, strict=True):
            # row by row, where a matrix product would round a word by how many stand beside it
            rows -= (share * np.vecdot(rows, direction))[:, None] * direction
        made[part] = rows
    return made
