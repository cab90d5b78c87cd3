"""Words that stand near each other: their counts, pointwise mutual information, and vectors from it.

This module must not know any vecwise type, nor how a text was cut into words.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from vecwise.kernels.blas import one_blas_thread

_DENSE: Final = 400  # words up to which a full decomposition is quick
_BLOCK: Final = 1 << 20  # tokens whose pairs are counted at a time: 16 bytes a pair
_SMALLEST: Final = 1e-6  # of the largest singular value; below it an iterative solver gives noise


def near_counts(tokens: np.ndarray, starts: np.ndarray, width: int, window: int) -> Any:
    """Give how near words stand as CSR int64, upper triangle, `(width, width)`.

    Two words d places apart in one row count `window - d + 1`, for d up to `window`: what a window of even
    random size gives on average, times `window`, in whole numbers that add up exactly in any order.
    """
    made = None
    for low, high in _blocks(starts):
        cut = starts[low : high + 1]
        part = _near(tokens[cut[0] : cut[-1]], cut - cut[0], width, window)
        made = part if made is None else made + part
    return made


def _blocks(starts: np.ndarray) -> Iterator[tuple[int, int]]:
    """Rows of about a million tokens; a longer row is alone."""
    low, rows = 0, len(starts) - 1
    while low < rows or not low:
        high = int(np.searchsorted(starts, starts[low] + _BLOCK, side="right")) - 1
        high = min(rows, max(low + 1, high))
        yield low, high
        low = max(high, 1)


def _near(tokens: np.ndarray, starts: np.ndarray, width: int, window: int) -> Any:
    from scipy.sparse import coo_array

    row = np.repeat(np.arange(len(starts) - 1, dtype=np.int32), np.diff(starts))
    lows, highs, counts = [], [], []
    for apart in range(1, window + 1):
        together = row[:-apart] == row[apart:]
        a, b = tokens[:-apart][together], tokens[apart:][together]
        lows.append(np.minimum(a, b))
        highs.append(np.maximum(a, b))
        counts.append(np.full(len(a), window - apart + 1, np.int64))
    parts = tuple(np.concatenate(part) for part in (counts, lows, highs))
    return coo_array((parts[0], (parts[1], parts[2])), shape=(width, width)).tocsr()


def renumbered_pairs(pairs: Any, numbers: np.ndarray, width: int) -> Any:
    """Give the same pairs with word i called `numbers[i]` of `width`; -1 leaves it out."""
    from scipy.sparse import coo_array

    entries = pairs.tocoo()
    low, high = numbers[entries.row], numbers[entries.col]
    kept = (low >= 0) & (high >= 0)
    low, high, counts = low[kept], high[kept], entries.data[kept]
    low, high = np.minimum(low, high), np.maximum(low, high)
    made = coo_array((counts, (low, high)), shape=(width, width)).tocsr()
    made.sort_indices()
    return made


def positive_information(pairs: Any, smoothing: float) -> Any:
    """Give the positive pointwise mutual information of word and context, CSR float64.

    `log(n(w, c) · Σ n(c')^s / (n(w) · n(c)^s))` where it is above zero, with n(w) the sum of a word's counts
    (Levy and Goldberg 2014; the exponent s for contexts: Levy, Goldberg and Dagan 2015, doi:10.1162/tacl_a_00134).
    """
    both = (pairs + pairs.T).tocoo()  # a word beside itself is met from both sides: twice, as it should be
    sums = np.asarray(both.sum(axis=1), dtype=np.float64).reshape(-1)
    smoothed = np.where(sums > 0, np.maximum(sums, 1) ** smoothing, 0.0)
    total = smoothed.sum()
    counts = both.data.astype(np.float64)
    made = both.astype(np.float64)
    made.data = np.maximum(0.0, np.log(counts * total / (sums[both.row] * smoothed[both.col])))
    made = made.tocsr()
    made.eliminate_zeros()
    return made


def word_factors(information: Any, dim: int) -> np.ndarray:
    """Give word vectors, float32, `(words, k)`: left singular vectors times the root of the singular values.

    k is at most `dim` and the rank. The largest entry of every column is positive; up to 400 words are
    decomposed in full, more by ARPACK from a fixed start, on one thread, so that the bits are the same.
    """
    import scipy.sparse.linalg  # noqa: F401  before its BLAS is held to one thread

    words = information.shape[0]
    with one_blas_thread:
        if words <= _DENSE:
            left, values, _ = np.linalg.svd(information.toarray())
        else:
            left, values = _iterated(information, min(dim, words - 2))
    order = np.argsort(-values, kind="stable")[:dim]
    order = order[values[order] > values.max(initial=0) * _SMALLEST]
    left, values = left[:, order], values[order]
    if not len(values):
        return np.zeros((words, 0), np.float32)
    largest = np.abs(left).argmax(axis=0)
    signs = np.where(left[largest, np.arange(len(values))] < 0, -1.0, 1.0)
    return (left * (signs * np.sqrt(values))).astype(np.float32)


def _iterated(information: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
    from scipy.sparse.linalg import svds

    start = np.random.default_rng(0).standard_normal(information.shape[0])
    left, values, _ = svds(information, k=k, v0=start, return_singular_vectors="u")
    return left, values
