"""How much of the exact answer an index finds: counted on rows taken as queries, with its uncertainty.

This module must not know any method of an index; it compares two answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

from vecwise.draw.words import count, fixed
from vecwise.kernels.similarity import SIMILARITIES
from vecwise.structure.rescoring import Answer

_NORMAL: Final = 1.959964  # 95% of a normal distribution lie within so many standard deviations


@dataclass(frozen=True, slots=True)
class Recall:
    """The share of the k truly nearest that were found, and where it lies with 95% confidence.

    A row found in place of an equally near one counts. `queries` is how many were asked; 0 for an exact index, whose
    recall of 1 is proven. The interval is Wilson's (1927, doi:10.1080/01621459.1927.10502953) with each query as one
    trial, which is wide rather than narrow: neighbours of one query are found or missed together.
    """

    share: float
    low: float
    high: float
    k: int
    queries: int

    def __float__(self) -> float:
        return self.share

    def __repr__(self) -> str:
        if not self.queries:
            return "recall 1, exact"
        return (
            f"recall {fixed(self.share)} of the {self.k} nearest "
            f"({fixed(self.low)} to {fixed(self.high)} with 95% confidence, {count(self.queries, 'query')})"
        )


EXACT: Final = Recall(1.0, 1.0, 1.0, 0, 0)


def recall(found: Answer, truth: Answer, metric: str) -> Recall:
    """Compare two answers: scores and places, all `(queries, k)`, best first; NaN is a score that no row has.

    A found row is right if it is one of the true ones, or its score is no worse than that of the last of them.
    """
    queries, k = truth.places.shape
    sign = 1.0 if metric in SIMILARITIES else -1.0
    right = sign * found.scores >= sign * truth.scores[:, -1:]
    right |= (found.places[:, :, None] == truth.places[:, None, :]).any(axis=2)
    share = float(right.mean())
    return Recall(share, *_wilson(share, queries), k, queries)


def _wilson(share: float, trials: int) -> tuple[float, float]:
    z2 = _NORMAL**2 / trials
    middle, half = share + z2 / 2, _NORMAL * sqrt((share * (1 - share) + z2 / 4) / trials)
    low, high = (middle - half) / (1 + z2), (middle + half) / (1 + z2)
    return max(0.0, min(low, share)), min(1.0, max(high, share))  # rounding must not put 1 outside
