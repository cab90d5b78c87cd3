"""Documents as bags of words: token lists in, a vocabulary and sparse counts out.

This module must not know any vecwise type, nor how a text was cut into tokens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any, Final

import numpy as np

from vecwise.kernels import native_counts
from vecwise.kernels.workers import each

_BLOCK: Final = 1 << 16  # cells whose temporaries stay in a core's cache


def numbered_lists(documents: Sequence[Sequence[str]]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Give the distinct tokens in order of first appearance, every token's number, and the documents' offsets.

    One dictionary look-up a token, all of them in compiled code.
    """
    places: defaultdict[str, int] = defaultdict()
    places.default_factory = places.__len__  # an unseen token gets the next number
    starts = np.cumsum([0, *map(len, documents)])
    tokens = map(places.__getitem__, chain.from_iterable(documents))
    ids = np.fromiter(tokens, dtype=np.int32, count=int(starts[-1]))
    return list(places), ids, starts


def rearrange(counts: Any, columns: np.ndarray, width: int) -> Any:
    """Move column i of a CSR matrix to `columns[i]` of `width`; -1 leaves it out."""
    from scipy.sparse import csr_array

    chosen = columns[columns >= 0]
    in_order = bool((np.diff(chosen) > 0).all())
    if in_order and len(chosen) == len(columns) == width:
        return counts
    moved = columns[counts.indices]
    kept = moved >= 0
    starts = np.concatenate([[0], np.cumsum(kept)])[counts.indptr].astype(counts.indptr.dtype)
    made = csr_array((counts.data[kept], moved[kept], starts), shape=(counts.shape[0], width))
    if in_order:
        made.has_sorted_indices = counts.has_sorted_indices
    made.sort_indices()
    return made


def rows_with(counts: Any) -> np.ndarray:
    """Give how many rows of a canonical CSR array hold each column, int64."""
    if native_counts.library() is not None and counts.indices.dtype == np.int32:
        return native_counts.cells_of_columns(counts.indices, counts.shape[1])
    return np.bincount(counts.indices, minlength=counts.shape[1])


def weigh_to_unit_rows(counts: Any, weights: np.ndarray) -> None:
    """Multiply column i of a CSR matrix of counts by `weights[i]`, then divide every row by its L2 norm, in place.

    Counts from 1 and weights from 1 to 1e100 keep all squares in float64's range. A row's squares are added one
    after the other in the order of its columns, as scikit-learn adds them, so the bits are the same as its.
    """
    data, starts = counts.data, counts.indptr
    compiled = native_counts.library() is not None and counts.indices.dtype == starts.dtype == np.int32
    weights = np.ascontiguousarray(weights, np.float64)

    def work(rows: tuple[int, int]) -> None:
        own = starts[rows[0] : rows[1] + 1]
        here = slice(int(own[0]), int(own[-1]))
        if compiled:
            native_counts.weigh_rows(data[here], counts.indices[here], own - own[0], weights)
            return
        lengths = np.diff(own)
        cells = data[here] * weights[counts.indices[here]]
        places = np.repeat(np.arange(len(lengths)), lengths)
        norms = np.sqrt(np.bincount(places, weights=np.square(cells), minlength=len(lengths)))
        np.divide(cells, norms[places], out=data[here])

    cuts = np.unique([0, *np.searchsorted(starts, np.arange(_BLOCK, starts[-1], _BLOCK)), len(starts) - 1])
    each(work, list(pairwise(cuts.tolist())), 8 * len(data))
