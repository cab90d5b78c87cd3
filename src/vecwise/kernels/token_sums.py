"""Means of token vectors, text by text, without padding: one sparse product.

This module must not know tokenizers, files, nor any vecwise type.
"""

from __future__ import annotations

import numpy as np

SEGMENT = (
    256  # tokens summed in float32 before float64 takes over: the error stays below 256 · 2^-24 of the sum
)


def token_means(
    table: np.ndarray, ids: np.ndarray, lengths: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Give the mean of the table's rows of every text, float32 `(texts, dim)`; a text without tokens is zero.

    `ids` holds the texts' row numbers one after another and `lengths` how many belong to each; `weights`
    gives one factor a token, and the divisor stays the number of tokens. A text's mean has the same bits
    alone and among others: its tokens are added in their order.

    >>> table = np.array([[0, 0], [2, 4], [4, 0]], np.float16)
    >>> token_means(table, np.array([1, 2, 2]), np.array([2, 0, 1])).tolist()
    [[3.0, 2.0], [0.0, 0.0], [4.0, 0.0]]
    """
    from scipy.sparse import csr_array

    present = np.zeros(len(table), dtype=bool)
    present[ids] = True
    rows = table[present].astype(np.float32)  # only these are converted: a query needs ten of 32,000
    places = (np.cumsum(present) - 1)[ids]
    pieces = -(-lengths // SEGMENT)
    starts = _segments(lengths, pieces)
    data = np.ones(len(ids), np.float32) if weights is None else weights.astype(np.float32)
    segments = csr_array((data, places, starts), shape=(len(starts) - 1, len(rows)))
    sums = segments @ rows if len(ids) else np.zeros((0, table.shape[1]), np.float32)
    return _means(sums, pieces, lengths)


def _segments(lengths: np.ndarray, pieces: np.ndarray) -> np.ndarray:
    """Where every piece of at most `SEGMENT` tokens starts, and the end of the last."""
    within = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    first = np.repeat(np.cumsum(lengths) - lengths, pieces)
    return np.append(first + within * SEGMENT, lengths.sum())


def _means(sums: np.ndarray, pieces: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    means = np.zeros((len(lengths), sums.shape[1]), np.float32)
    places = np.cumsum(pieces) - pieces
    short = pieces == 1
    means[short] = sums[places[short]] / lengths[short, None].astype(np.float32)
    for row in np.flatnonzero(pieces > 1):
        total = sums[places[row] : places[row] + pieces[row]].sum(axis=0, dtype=np.float64)
        means[row] = total / lengths[row]
    return means
