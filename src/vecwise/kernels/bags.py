"""Documents as bags of words: token lists in, a vocabulary and sparse counts out.

This module must not know any vecwise type, nor how a text was cut into tokens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np


def bags(documents: Sequence[Sequence[str]]) -> tuple[list[str], Any]:
    """Give the distinct tokens in order of first appearance, and their counts as CSR, `(documents, tokens)`.

    One dictionary look-up a token, all of them in compiled code; the rest is arithmetic on whole arrays.
    """
    from scipy.sparse import csr_array

    places: defaultdict[str, int] = defaultdict()
    places.default_factory = places.__len__  # an unseen token gets the next number
    starts = np.cumsum([0, *map(len, documents)])
    tokens = map(places.__getitem__, chain.from_iterable(documents))
    columns = np.fromiter(tokens, dtype=np.int32, count=int(starts[-1]))
    shape = (len(documents), len(places))
    counts = csr_array((np.ones(len(columns)), columns, starts.astype(np.int32)), shape=shape)
    counts.sum_duplicates()
    return list(places), counts


def rearrange(counts: Any, columns: np.ndarray, width: int) -> Any:
    """Move column i of a CSR matrix to `columns[i]` of `width`; -1 leaves it out."""
    from scipy.sparse import csr_array

    moved = columns[counts.indices]
    kept = moved >= 0
    starts = np.concatenate([[0], np.cumsum(kept)])[counts.indptr]
    made = csr_array((counts.data[kept], moved[kept], starts), shape=(counts.shape[0], width))
    made.sort_indices()
    return made
