"""How many clusters: the number whose silhouette on a sample is best, with the reason in one sentence.

This module must not know vectors, spaces or the screen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.kernels.equal_rows import first_equal_rows
from vecwise.kernels.silhouette import pair_distances, silhouette
from vecwise.structure.lloyd import Effort, kmeans

SAMPLE: Final = 2_000  # rows whose distances of all pairs are taken: 32 MB
MOST: Final = 20  # clusters that are looked at
CLEAR: Final = (
    0.5  # Kaufman and Rousseeuw 1990, doi:10.1002/9780470316801: reasonable structure from here on,
)
WEAK: Final = 0.25  # and no substantial one below
_EFFORT: Final = Effort(restarts=4, iterations=20, tolerance=1e-3)


@dataclass(frozen=True, slots=True)
class Choice:
    """The number of clusters, why, and the silhouette of each number looked at."""

    k: int
    reason: str
    scores: dict[int, float]


def choose(values: Any, *, seed: int, of: str = "", cut: Callable[[int], np.ndarray] | None = None) -> Choice:
    """Choose the number of clusters of a matrix: from 2 to 20, and not above the square root of the rows (or 4).

    Above 2,000 rows a seeded sample is looked at. `cut(k)` gives the labels of k clusters of the very rows that
    are looked at; without it k-means does. `of` says in words what was made of the rows before: the silhouette is that
    of these rows by Euclidean distance, and the reason says so.
    """
    rows = values.shape[0]
    places = np.arange(rows)
    if rows > SAMPLE:
        places = np.sort(np.random.default_rng([seed, SAMPLE]).choice(rows, SAMPLE, replace=False))
    sample = values[places]
    differing = len(np.unique(first_equal_rows(sample)))
    highest = min(MOST, differing, len(places) - 1, max(4, int(np.sqrt(len(places)))))
    if highest < 2:
        why = (
            "there is only one row"
            if rows == 1
            else "there are only two rows"
            if differing > 1
            else "all rows are equal"
        )
        return Choice(1, f"k = 1: {why}", {})
    apart = pair_distances(sample)
    scores: dict[int, float] = {}
    for k in range(2, highest + 1):
        labels = kmeans(sample, k, seed=seed, effort=_EFFORT).labels if cut is None else cut(k)[places]
        if labels.max() > 0:
            scores[k] = silhouette(apart, labels)
    best = max(scores, key=lambda k: (scores[k], -k))
    return Choice(best, _reason(best, scores, len(places), rows, of), scores)


def _reason(best: int, scores: dict[int, float], looked: int, rows: int, of: str) -> str:
    on = "" if looked == rows else f" on {looked:,} sampled rows"
    others = sorted((k for k in scores if k != best), key=lambda k: (-scores[k], k))
    following = f", next best {others[0]} with {scores[others[0]]:.2f}" if others else ""
    found = f"k = {best}: silhouette {scores[best]:.2f}{on}{following}{f' ({of})' if of else ''}"
    if scores[best] >= CLEAR:
        return found
    if scores[best] >= WEAK:
        return f"{found}; the clusters touch ({CLEAR} and more would be clear)"
    return f"{found}; no k is convincing: below {WEAK} there is no substantial structure"
