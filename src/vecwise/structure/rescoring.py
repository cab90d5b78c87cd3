"""Candidates of an index, scored exactly: each query has rows of its own, and the best of them are its answer.

This module must not know where candidates come from. Scores are those of `vw.nearest` to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from vecwise.errors import NonFinite
from vecwise.kernels.pair_scores import exact_scores, sides_of
from vecwise.kernels.similarity import SIMILARITIES

_BLOCK_BYTES: Final = 1 << 25


class Answer(NamedTuple):
    """Scores and places of the nearest rows, both `(queries, k)`."""

    scores: np.ndarray
    places: np.ndarray


def best_of_candidates(
    queries: np.ndarray, rows: np.ndarray, candidates: Sequence[np.ndarray], k: int, metric: str
) -> Answer:
    """Give the k best of each query's candidates, which are places of rows and at least k; ties by row order.

    Raises `NonFinite` for a score that overflows.
    """
    made = Answer(np.empty((len(queries), k)), np.empty((len(queries), k), np.int64))
    most = max(1, _BLOCK_BYTES // (8 * rows.shape[1]))
    for part in _blocks([len(places) for places in candidates], most):
        own = candidates[part]
        query = np.repeat(np.arange(len(own)), [len(places) for places in own])
        place = np.concatenate(own)
        scores = exact_scores(sides_of(queries[part], rows[place]), query, np.arange(len(place)), metric)
        if metric != "cosine" and not np.isfinite(scores).all():
            raise NonFinite(
                f"A {metric} of these vectors is too large for float64. Scale them down: X / 1e100."
            )
        order = np.lexsort((place, -scores, query))  # rows without a score, NaN, come last
        best = order[np.searchsorted(query, np.arange(len(own)))[:, None] + np.arange(k)]
        made.scores[part], made.places[part] = scores[best], place[best]
    return made if metric in SIMILARITIES else Answer(-made.scores, made.places)


def _blocks(sizes: list[int], most: int) -> Iterator[slice]:
    """Stretches of queries with at most so many candidates together, or a single query."""
    first, total = 0, 0
    for place, size in enumerate(sizes):
        if total + size > most and place > first:
            yield slice(first, place)
            first, total = place, 0
        total += size
    if first < len(sizes):
        yield slice(first, len(sizes))
