"""Numbers by which encoders are compared, each with its spread, and when a difference is more than chance.

This module must not know encoders, rows or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vecwise.measure.overlap import MOST_ASKED, nearest_others, shared_places
from vecwise.measure.views import View, view
from vecwise.models.judged_pairs import JudgedPairs, reciprocal_ranks, similarities
from vecwise.vectors import Vectors

DRAWS: Final = 1000
SURE: Final = 0.95
FEWEST: Final = 8  # pairs or rows, below which no difference between draws is told from chance
NEIGHBORS: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """One number, its spread, and what differences are judged by.

    `parts` are the scores of the folds (`drawn` is False), or bootstrap draws of the number, drawn alike for all.
    `items` counts the folds, pairs or rows; `share` is the ratio of judged to learned rows of a fold.
    """

    mean: float
    spread: float
    parts: np.ndarray
    drawn: bool
    items: int
    share: float = 0.0


def of_folds(scores: np.ndarray, share: float) -> Quality:
    """The mean over folds, and the standard deviation over them."""
    return Quality(float(scores.mean()), float(scores.std(ddof=1)), scores, False, len(scores), share)


def of_items(items: np.ndarray, seed: int) -> Quality:
    """The mean over items, and its standard error by the bootstrap (Efron 1979, doi:10.1214/aos/1176344552)."""
    draws = np.concatenate([items[places].mean(axis=1) for places in _drawn(len(items), seed)])
    return Quality(float(items.mean()), float(draws.std()), draws, True, len(items))


def of_ranks(said: np.ndarray, judged: np.ndarray, seed: int) -> Quality:
    """Spearman's rank correlation, its standard error by the bootstrap; 0 where all are said alike."""
    draws = [_spearman(said[places], judged[places]) for places in _drawn(len(said), seed)]
    return Quality(
        float(_spearman(said[None], judged[None])[0]),
        float(np.std(np.concatenate(draws))),
        np.concatenate(draws),
        True,
        len(said),
    )


def _drawn(items: int, seed: int) -> list[np.ndarray]:
    """The same draws for all encoders, in blocks of bounded size."""
    rng = np.random.default_rng(seed)
    block = max(1, min(DRAWS, 2_000_000 // items))
    return [rng.integers(0, items, (min(block, DRAWS - start), items)) for start in range(0, DRAWS, block)]


def _spearman(said: np.ndarray, judged: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    a, b = (rankdata(side, axis=1) for side in (said, judged))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return np.asarray(np.divide((a * b).sum(axis=1), scale, out=np.zeros(len(a)), where=scale > 0))


def of_pairs(X: Vectors, pairs: JudgedPairs, seed: int) -> Quality:
    """How vectors agree with judged pairs: Spearman's correlation with scores, otherwise the mean reciprocal rank."""
    seen = compared(X)
    if pairs.scores is None:
        return of_items(reciprocal_ranks(seen, pairs), seed)
    return of_ranks(similarities(seen, pairs), pairs.scores, seed)


def compared(X: Vectors) -> View:
    """The vectors as rows are compared when nobody says how."""
    return view(X)


def agreements(all_vectors: Sequence[Vectors], seed: int) -> list[Quality]:
    """For each encoder the mean share of a row's 10 nearest that others have as well; up to 2,000 rows, by seed."""
    rows = len(all_vectors[0])
    asked = np.arange(rows)
    if rows > MOST_ASKED:
        asked = np.sort(np.random.default_rng(seed).choice(rows, MOST_ASKED, replace=False))
    k = neighbors_of(rows)
    seen = [compared(X) for X in all_vectors]
    near = [nearest_others(one.vectors, asked, k, one.metric) for one in seen]
    made = []
    for this, mine in enumerate(near):
        shares = [shared_places(mine, theirs) / k for that, theirs in enumerate(near) if that != this]
        made.append(of_items(np.mean(shares, axis=0), seed))
    return made


def neighbors_of(rows: int) -> int:
    """How many neighbours are compared: 10, and fewer of few rows, where all rows would be neighbours.

    >>> neighbors_of(1000), neighbors_of(20), neighbors_of(3)
    (10, 4, 1)
    """
    return max(1, min(NEIGHBORS, rows // 5))


def clearly_better(one: Quality, other: Quality) -> bool:
    """Tell whether a difference is more than chance, on the same folds or the same draws, at 95%.

    Folds share most of what they learn from, so their differences are tested with the variance of Nadeau and Bengio
    (2003, doi:10.1023/A:1024068626366); draws by the share of them in which the difference is above zero. Of fewer than
    8 pairs or rows no difference is.

    >>> clearly_better(of_folds(np.array([0.9, 0.91, 0.92]), 0.5), of_folds(np.array([0.5, 0.52, 0.51]), 0.5))
    True
    """
    gap = one.parts - other.parts
    if one.drawn:
        return one.items >= FEWEST and float(np.quantile(gap, (1 - SURE) / 2)) > 0
    if len(gap) < 2:
        return False
    error = float(np.sqrt((1 / len(gap) + one.share) * gap.var(ddof=1)))
    return float(gap.mean()) > _critical(len(gap) - 1) * error and float(gap.mean()) > 0


def _critical(freedom: int) -> float:
    from scipy.stats import t

    found: Any = t.ppf((1 + SURE) / 2, freedom)
    return float(found)
