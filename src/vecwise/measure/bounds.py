"""What is said of metrics before anything is compared: their names, and the bounds that their scores can have.

This module must not know vectors, nor how anything is compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vecwise.errors import Inapplicable, OutOfRange, UnknownName, some, unknown
from vecwise.kernels.similarity import SIMILARITIES

MEASURES: Final = {
    "cosine": "cosine",
    "dot": "inner product",
    "euclidean": "Euclidean distance",
    "manhattan": "Manhattan distance",
    "chebyshev": "Chebyshev distance",
    "sqeuclidean": "squared Euclidean distance",
    "minkowski": "Minkowski distance",
    "hamming": "Hamming distance",
    "jaccard": "Jaccard distance",
    "angular": "angle in half turns",
}
_RANGES: Final = {"cosine": (-1.0, 1.0), "dot": (-np.inf, np.inf), "hamming": (0.0, 1.0), "jaccard": (0.0, 1.0),
                  "angular": (0.0, 1.0)}  # fmt: skip
_ALSO: Final = {
    "l1": "manhattan", "l2": "euclidean", "cityblock": "manhattan", "taxicab": "manhattan", "linf": "chebyshev",
    "ip": "dot", "inner_product": "dot", "inner product": "dot", "cos": "cosine", "l2sq": "sqeuclidean",
}  # fmt: skip


def checked_bound(metric: str, at_least: float | None, at_most: float | None) -> float:
    """Give the bound of the metric's kind; refuse none, one of the other kind, and one that no score can have."""
    similar = metric in SIMILARITIES
    bound, other = (at_least, at_most) if similar else (at_most, at_least)
    name, wrong = ("at_least", "at_most") if similar else ("at_most", "at_least")
    if other is not None:
        kind = (
            "a similarity, which grows with likeness"
            if similar
            else "a distance, which shrinks with likeness"
        )
        raise Inapplicable(f"`{metric}` is {kind}: give `{name}`, not `{wrong}`.")
    if bound is None:
        raise OutOfRange(f"Say which pairs count: `{name}` (a {metric}), or `k`, the best of each row.")
    return in_range(name, metric, bound)


def in_range(name: str, metric: str, bound: Any) -> float:
    """Give a bound of scores as a number; raise `OutOfRange` for one that no score can have."""
    if (
        isinstance(bound, bool)
        or not isinstance(bound, (int, float, np.integer, np.floating))
        or np.isnan(bound)
    ):
        raise OutOfRange(f"`{name}` is a number, not {bound!r}.")
    low, high = _RANGES.get(metric, (0.0, np.inf))
    if not low <= bound <= (1.0 if metric == "cosine" else np.inf):
        told = f"`{name}` is {bound:g}, and the {MEASURES.get(metric, metric)} of two rows lies "
        raise OutOfRange(told + ("at 0 or above." if high == np.inf else f"between {low:g} and {high:g}."))
    return float(bound)


def unknown_metric(metric: object, known: Sequence[str], kind: str = "metric") -> UnknownName:
    """Word the error of a metric that is not among the known ones, with what it is called here."""
    name = str(metric)
    other = _ALSO.get(name.lower())
    if other in known:
        return UnknownName(f'There is no {kind} `{name}`. Here it is called "{other}".')
    if name in SIMILARITIES and name not in known:
        return UnknownName(
            f"`{name}` is a similarity, which grows with likeness, and no {kind}: use vw.{name}(X, Y) for it. "
            f"There are: {some(known, 12)}."
        )
    return unknown(kind, name, known)
