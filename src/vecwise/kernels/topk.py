"""The best k of many scores: exact, ties broken by row order, missing scores last.

This module must not know any vecwise type. Scores are similarities: larger is better.
"""

from __future__ import annotations

import numpy as np


def best(scores: np.ndarray, places: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the k best per query: scores and places of shape `(queries, min(k, n))`, best first.

    `scores` is `(queries, n)`, `places` holds row numbers, `(n,)` or `(queries, n)`. NaN means "no value"
    and comes last; equal scores are ordered by place.
    """
    places = np.broadcast_to(places, scores.shape)
    if scores.shape[1] > max(4 * k, 64):  # sorting a few is as quick as choosing among them
        keep = _candidates(scores, places, k)
        scores, places = np.take_along_axis(scores, keep, 1), np.take_along_axis(places, keep, 1)
    order = np.lexsort((places, -scores), axis=1)[:, :k]  # lexsort puts NaN last, as wanted
    return np.take_along_axis(scores, order, 1), np.take_along_axis(places, order, 1)


def _candidates(scores: np.ndarray, places: np.ndarray, k: int) -> np.ndarray:
    """Columns that hold the k best of every query: a partition, redone with care where ties cross the edge."""
    keys = np.where(np.isnan(scores), -np.inf, scores)
    keep = np.argpartition(-keys, k - 1, axis=1)[:, :k]
    edge = np.take_along_axis(keys, keep, 1).min(axis=1)
    tied = np.flatnonzero((keys >= edge[:, None]).sum(axis=1) > k)
    for query in tied:
        full = np.lexsort((places[query], -keys[query], np.isnan(scores[query])))
        keep[query] = full[:k]
    return keep
