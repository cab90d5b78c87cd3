"""One tile of pairs of rows: those that reach a bound, with their scores in float64.

This module must not know any vecwise type. Some metrics are screened by products; of the others every pair is scored.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from vecwise.kernels.listed import listed_scores
from vecwise.kernels.screening import Side, candidates, sides
from vecwise.kernels.similarity import SIMILARITIES, prepared, write_scores

SCREENED: Final = ("cosine", "dot", "euclidean", "sqeuclidean", "angular")


class Found(NamedTuple):
    """Places of pairs in a tile, in any order, and their scores."""

    left: np.ndarray
    right: np.ndarray
    scores: np.ndarray


def ready(A: Any, B: Any, metric: str) -> tuple[Side, Side]:
    """Make both sides ready for `reached`; the same object twice if `B is A`."""
    if metric in SCREENED:
        return sides(A, B, metric)
    left = _whole(prepared(A, metric))
    return left, left if B is A else _whole(prepared(B, metric))


def _whole(values: Any) -> Side:
    ones = np.ones(values.shape[0])
    return Side(values, ones, values, ones)


def reached(left: Side, right: Side, metric: str, p: float, bound: float, above: int | None) -> Found:
    """Give the pairs of at least this similarity or at most this distance.

    With `above`, only those whose place on the right is beyond their place on the left plus it.
    """
    if metric in SCREENED:
        rows, columns = candidates(left, right, metric, bound, above)
        scores = listed_scores(left, right, rows, columns, metric)
        # What is no number, for a product beyond float64, is not passed over: the caller refuses it.
        keep = ~(scores < bound) if metric in SIMILARITIES else ~(scores > bound)
        return Found(rows[keep], columns[keep], scores[keep])
    table = np.empty((len(left), len(right)))
    write_scores(left.values, right.values, metric, p, table)
    found = table <= bound
    if above is not None:
        found = np.triu(found, above + 1)
    places = np.nonzero(found)
    return Found(places[0].astype(np.int32), places[1].astype(np.int32), table[places])
